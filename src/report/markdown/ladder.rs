//! The attribution ladder of one side.

use std::io::{self, Write};

use crate::judge::{SideLadder, Verdict};
use crate::parity::RungStatus;
use crate::report::columns::clip;
use crate::report::ladders;
use crate::report::markdown::{MESSAGE_COLUMNS, escape};

/// The sentence, and every rung if one fails.
pub(super) fn write(side: &SideLadder, verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
    let ladder = &side.ladder;
    let name = escape(&ladders::name(side, verdict));
    let sentence = escape(&ladder.sentence());
    if ladder.cause.is_none() {
        return writeln!(out, "**Ladder** of {name}: {sentence}.\n");
    }
    let word = ladders::word(side, verdict);
    writeln!(
        out,
        "**{word}** on {name}: {sentence}.\n\n| | rung | status | proof |\n|---|---|---|---|"
    )?;
    for found in &ladder.rungs {
        let status = found.finding.status;
        let icon = match status {
            RungStatus::Holds => "✅",
            RungStatus::Fails => "❌",
            RungStatus::Unknown => "❔",
        };
        let rung = found.rung.name();
        let rung = if ladder.cause == Some(found.rung) {
            format!("**{rung}**, first")
        } else {
            rung.to_owned()
        };
        let proof = escape(&clip(&found.finding.proof, MESSAGE_COLUMNS));
        let status = ladders::status(status);
        writeln!(out, "| {icon} | {rung} | {status} | {proof} |")?;
    }
    writeln!(out)
}
