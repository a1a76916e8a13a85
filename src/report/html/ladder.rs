//! The attribution ladder of one side.

use crate::judge::{SideLadder, Verdict};
use crate::parity::{RungFinding, RungStatus};
use crate::report::html::words::{beginning, name};
use crate::report::{ladders, plain};

/// More of a proof than this is folded.
const GLIMPSE: usize = 480;
/// More of the cause than this is not in the header.
const HEADER: usize = 160;

/// The ladder of one side.
pub(super) struct LadderView {
    /// The side.
    pub(super) target: String,
    /// What it is compared with.
    pub(super) control: String,
    /// Where the page has it.
    pub(super) anchor: String,
    /// What a failing rung is called here.
    pub(super) word: &'static str,
    /// The first failing rung, if one fails.
    pub(super) cause: Option<CauseView>,
    /// The rungs before it, or all, that were not checked.
    pub(super) unknown: String,
    /// Every rung, in order.
    pub(super) rungs: Vec<RungView>,
}

/// The first rung that fails.
pub(super) struct CauseView {
    /// Which.
    pub(super) rung: &'static str,
    /// The beginning of its proof.
    pub(super) glimpse: String,
}

/// One rung.
pub(super) struct RungView {
    /// Which.
    pub(super) name: &'static str,
    /// Style of its status.
    pub(super) class: &'static str,
    /// A sign that differs in shape.
    pub(super) sign: &'static str,
    /// What became of it.
    pub(super) status: &'static str,
    /// Whether it is the first that fails.
    pub(super) cause: bool,
    /// The proof, a line for each of its parts; its beginning, if it is long.
    pub(super) proof: Vec<String>,
    /// All of a long proof.
    pub(super) whole: Vec<String>,
}

/// Arranges the ladder of one side. `index` tells it from the other ladders of the page.
pub(super) fn view(side: &SideLadder, index: usize, verdict: &Verdict) -> LadderView {
    let ladder = &side.ladder;
    LadderView {
        target: name(&side.target),
        control: name(&side.control),
        anchor: format!("ladder-{index}"),
        word: ladders::word(side, verdict),
        cause: ladder.cause().map(|found| CauseView {
            rung: found.rung.name(),
            glimpse: plain(&beginning(&found.finding.proof, HEADER)),
        }),
        unknown: ladders::names(&ladder.unknown()),
        rungs: ladder
            .rungs
            .iter()
            .map(|found| rung(found, ladder.cause == Some(found.rung)))
            .collect(),
    }
}

fn rung(found: &RungFinding, cause: bool) -> RungView {
    let (class, sign) = match found.finding.status {
        RungStatus::Holds => ("pass", "✓"),
        RungStatus::Fails => ("fail", "✕"),
        RungStatus::Unknown => ("inconclusive", "?"),
    };
    let proof = &found.finding.proof;
    let lines: Vec<String> = proof.split("; ").map(plain).collect();
    let (proof, whole) = if proof.chars().count() > GLIMPSE {
        (vec![plain(&beginning(proof, GLIMPSE))], lines)
    } else {
        (lines, Vec::new())
    };
    RungView {
        name: found.rung.name(),
        class,
        sign,
        status: ladders::status(found.finding.status),
        cause,
        proof,
        whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::{Finding, Rung};

    fn shown(finding: Finding) -> RungView {
        let rung = Rung::Contract;
        super::rung(&RungFinding { rung, finding }, false)
    }

    #[test]
    fn each_status_has_its_own_sign_word_and_style() {
        let views = [
            Finding::holds("p"),
            Finding::fails("p"),
            Finding::unknown("p"),
        ]
        .map(shown);
        for part in [
            views.each_ref().map(|view| view.sign),
            views.each_ref().map(|view| view.status),
            views.each_ref().map(|view| view.class),
        ] {
            let different: std::collections::BTreeSet<&str> = part.into_iter().collect();
            assert_eq!(different.len(), 3, "{part:?}");
        }
    }

    #[test]
    fn a_proof_has_a_line_a_part_and_a_long_one_is_folded() {
        let short = shown(Finding::fails("METRIC differs; ANALYZER differs"));
        assert_eq!(short.proof, ["METRIC differs", "ANALYZER differs"]);
        assert!(short.whole.is_empty());
        let long = shown(Finding::fails(format!("a; {}", "b".repeat(GLIMPSE))));
        assert_eq!(long.proof.len(), 1);
        assert!(long.proof[0].ends_with('…'));
        assert_eq!(long.whole, ["a".to_owned(), "b".repeat(GLIMPSE)]);
    }
}
