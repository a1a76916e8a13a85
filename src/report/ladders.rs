//! Attribution ladders as every report names them. Text from outside is left as it is: the renderer
//! makes it harmless.

use crate::judge::{SideLadder, Verdict};
use crate::parity::{Rung, RungStatus, SideParity};

/// What a failing rung is called: of a red check it is the cause, without one a difference that no
/// check minds.
pub(super) fn word(side: &SideLadder, verdict: &Verdict) -> &'static str {
    let red = |check: &crate::judge::Check| check.target == side.target && check.is_red();
    if verdict.checks.iter().any(red) {
        "Cause"
    } else {
        "Differs"
    }
}

/// The side, and what it stands beside where that is not the same for every side.
pub(super) fn name(side: &SideLadder, verdict: &Verdict) -> String {
    let one_for_all = verdict
        .ladders
        .iter()
        .all(|other| other.control == side.control);
    if one_for_all {
        side.target.to_string()
    } else {
        format!("{} beside {}", side.target, side.control)
    }
}

/// The ladders on which a rung fails.
pub(super) fn failing(verdict: &Verdict) -> impl Iterator<Item = &SideLadder> {
    let ladders = verdict.ladders.iter();
    ladders.filter(|side| side.ladder.cause.is_some())
}

/// The ladder that belongs to a comparison of two contracts.
pub(super) fn of<'a>(parity: &SideParity, verdict: &'a Verdict) -> Option<&'a SideLadder> {
    verdict.ladders.iter().find(|side| belongs(side, parity))
}

/// The ladders of sides whose contracts were not compared.
pub(super) fn alone(verdict: &Verdict) -> impl Iterator<Item = &SideLadder> {
    let compared = |side: &&SideLadder| verdict.parity.iter().any(|parity| belongs(side, parity));
    verdict.ladders.iter().filter(move |side| !compared(side))
}

fn belongs(side: &SideLadder, parity: &SideParity) -> bool {
    side.target == parity.target && side.control == parity.control
}

/// What became of a rung, in a word. What was not checked is never called the same.
pub(super) fn status(status: RungStatus) -> &'static str {
    match status {
        RungStatus::Holds => "holds",
        RungStatus::Fails => "fails",
        RungStatus::Unknown => "not checked",
    }
}

/// `ids, text`.
pub(super) fn names(rungs: &[Rung]) -> String {
    let names: Vec<&str> = rungs.iter().map(|rung| rung.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TargetName;
    use crate::report::sample;

    #[test]
    fn only_what_a_red_check_shows_has_a_cause() {
        let mut verdict = sample::report().verdict;
        assert_eq!(word(&verdict.ladders[0], &verdict), "Cause");
        verdict.checks.retain(|check| !check.is_red());
        assert_eq!(word(&verdict.ladders[0], &verdict), "Differs");
    }

    #[test]
    fn the_other_side_is_named_where_it_is_not_one_for_all() {
        let mut verdict = sample::report().verdict;
        assert_eq!(name(&verdict.ladders[0], &verdict), "eu-west");
        let mut other = verdict.ladders[0].clone();
        other.control = TargetName::new("ap-south");
        verdict.ladders.push(other);
        assert_eq!(
            name(&verdict.ladders[0], &verdict),
            "eu-west beside us-east"
        );
        assert!(of(&verdict.parity[0], &verdict).is_some());
        assert_eq!(
            alone(&verdict).count(),
            1,
            "its contracts were not compared"
        );
    }
}
