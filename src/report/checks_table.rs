//! The table of every check, for the README.

use std::fmt::Write as _;

use crate::judge::{Definition, Runbook, Source};

/// Every check of every runbook as Markdown, one table a runbook. Ends with a line break.
pub fn checks_table() -> String {
    let mut text = String::new();
    for runbook in Runbook::ALL {
        let heading = match runbook {
            Runbook::Comparison => "`ragstone compare`".to_owned(),
            runbook => format!("`{runbook}`"),
        };
        write!(
            text,
            "\n**{heading}**\n\n| check | clause | source | kind | stages |\n|---|---|---|---|---|\n"
        )
        .expect("a string takes all");
        for check in runbook.checks() {
            text.push_str(&row(check, *runbook));
        }
    }
    text
}

fn row(check: &Definition, runbook: Runbook) -> String {
    let sources: Vec<&str> = check.sources.iter().copied().map(letter).collect();
    let stages: Vec<&str> = check.stages.iter().map(|stage| stage.name()).collect();
    let stages = if check.stages.len() == runbook.stages().len() {
        "all".to_owned()
    } else {
        stages.join(", ")
    };
    let kind = format!("{:?}", check.kind).to_lowercase();
    let stop = if check.hard_stop { ", hard stop" } else { "" };
    format!(
        "| {} | {} | {} | {kind}{stop} | {stages} |\n",
        check.id,
        check.clause.replace('|', "\\|"),
        sources.join("/")
    )
}

/// As RUNBOOKS abbreviates it.
fn letter(source: Source) -> &'static str {
    match source {
        Source::Probes => "P",
        Source::Contracts => "C",
        Source::Telemetry => "T",
        Source::DrillLog => "D",
        Source::History => "H",
    }
}
