//! Whether enough questions were answered equally.

use crate::judge::rule::decide;
use crate::judge::{Basis, CheckVerdict, Comparator, ReasonCode, RunVerdict};
use crate::stats::Interval;

/// Judges the share of equal questions by its bound: PASS if the lower bound is at or above
/// `limit`, FAIL if the upper one is below it, INCONCLUSIVE otherwise and without a question.
///
/// `own` is the same share of each side against its own repeats, where it was repeated. A side that
/// fails against itself makes the comparison INCONCLUSIVE, since no difference between the sides
/// could be told from its own.
pub fn answers_equal(
    share: Option<Interval>,
    own: [Option<Interval>; 2],
    limit: f64,
) -> (RunVerdict, ReasonCode) {
    let by_bound = |interval| decide(interval, Comparator::AtLeast, limit, Basis::Bound);
    let unsteady = own
        .into_iter()
        .flatten()
        .any(|interval| by_bound(interval).0 == CheckVerdict::Fail);
    let Some(share) = share else {
        return (RunVerdict::Inconclusive, ReasonCode::EvidenceMissing);
    };
    if unsteady {
        return (RunVerdict::Inconclusive, ReasonCode::UnsteadySide);
    }
    match by_bound(share) {
        (CheckVerdict::Pass, reason) => (RunVerdict::Pass, reason),
        (CheckVerdict::Fail, reason) => (RunVerdict::Fail, reason),
        (_, reason) => (RunVerdict::Inconclusive, reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::clopper_pearson;
    use crate::units::Confidence;

    fn share(equal: u64, questions: u64) -> Option<Interval> {
        clopper_pearson(equal, questions, Confidence::P95)
    }

    #[track_caller]
    fn check(of: Option<Interval>, own: [Option<Interval>; 2], expected: RunVerdict) {
        assert_eq!(answers_equal(of, own, 0.95).0, expected);
    }

    #[test]
    fn the_bound_of_the_share_decides() {
        check(share(59, 59), [None; 2], RunVerdict::Pass);
        check(share(58, 58), [None; 2], RunVerdict::Inconclusive);
        check(share(95, 100), [None; 2], RunVerdict::Inconclusive);
        check(share(80, 100), [None; 2], RunVerdict::Fail);
    }

    #[test]
    fn nothing_compared_is_never_a_pass() {
        check(share(0, 0), [None; 2], RunVerdict::Inconclusive);
    }

    #[test]
    fn a_side_that_fails_against_itself_decides_nothing() {
        let (steady, unsteady) = (share(100, 100), share(50, 100));
        check(share(80, 100), [steady, unsteady], RunVerdict::Inconclusive);
        check(share(100, 100), [unsteady, None], RunVerdict::Inconclusive);
        check(share(80, 100), [steady, share(94, 100)], RunVerdict::Fail);
    }
}
