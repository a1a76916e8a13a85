//! The three-way rule.

use crate::judge::{Basis, CheckVerdict, Comparator, ReasonCode};
use crate::stats::Interval;

/// What a rule makes of some questions: the interval to show, and what follows from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ruling {
    pub(super) interval: Interval,
    pub(super) decision: Decision,
}

/// A verdict with its reason.
pub(super) type Decision = (CheckVerdict, ReasonCode);

/// PASS if the whole bound is on the right side of the limit, FAIL if the opposite bound is on the
/// wrong side, INCONCLUSIVE otherwise. By point, the estimate alone decides. A number that is not
/// one decides nothing.
pub(super) fn decide(
    interval: Interval,
    comparator: Comparator,
    limit: f64,
    basis: Basis,
) -> Decision {
    let Interval {
        estimate,
        low,
        high,
    } = interval;
    if [estimate, low, high, limit]
        .iter()
        .any(|value| value.is_nan())
    {
        return (CheckVerdict::Inconclusive, ReasonCode::NotANumber);
    }
    let holds = |value| comparator.holds(value, limit);
    match basis {
        Basis::Point if holds(estimate) => (CheckVerdict::Pass, ReasonCode::PointInsideLimit),
        Basis::Point => (CheckVerdict::Fail, ReasonCode::PointOutsideLimit),
        Basis::Bound if holds(low) && holds(high) => {
            (CheckVerdict::Pass, ReasonCode::BoundInsideLimit)
        }
        // A margin lies between its two ends: an interval may stick out of both and still hold it.
        Basis::Bound if comparator == Comparator::Within && low <= limit && high >= -limit => {
            (CheckVerdict::Inconclusive, ReasonCode::BoundCrossesLimit)
        }
        Basis::Bound if !holds(low) && !holds(high) => {
            (CheckVerdict::Fail, ReasonCode::BoundOutsideLimit)
        }
        Basis::Bound => (CheckVerdict::Inconclusive, ReasonCode::BoundCrossesLimit),
    }
}

/// The worse of two decisions, the first if they are as bad.
pub(super) fn worse(first: Decision, second: Decision) -> Decision {
    let badness = |decision: &Decision| match decision.0 {
        CheckVerdict::NotApplicable | CheckVerdict::Waived | CheckVerdict::Pass => 0,
        CheckVerdict::Inconclusive => 1,
        CheckVerdict::Error => 2,
        CheckVerdict::Fail => 3,
    };
    if badness(&second) > badness(&first) {
        second
    } else {
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(low: f64, estimate: f64, high: f64, basis: Basis, expected: CheckVerdict) {
        let interval = Interval {
            estimate,
            low,
            high,
        };
        assert_eq!(
            decide(interval, Comparator::AtMost, 0.45, basis).0,
            expected
        );
    }

    #[test]
    fn the_bound_decides_three_ways() {
        check(0.36, 0.38, 0.45, Basis::Bound, CheckVerdict::Pass);
        check(0.36, 0.38, 0.46, Basis::Bound, CheckVerdict::Inconclusive);
        check(0.45, 0.47, 0.49, Basis::Bound, CheckVerdict::Inconclusive);
        check(0.46, 0.47, 0.49, Basis::Bound, CheckVerdict::Fail);
    }

    #[test]
    fn the_point_decides_two_ways() {
        check(0.36, 0.38, 0.46, Basis::Point, CheckVerdict::Pass);
        check(0.36, 0.46, 0.48, Basis::Point, CheckVerdict::Fail);
    }

    #[test]
    fn a_margin_is_missed_only_by_an_interval_wholly_outside() {
        use CheckVerdict::{Fail, Inconclusive, Pass};
        let verdict = |low, high| {
            let interval = Interval {
                estimate: f64::midpoint(low, high),
                low,
                high,
            };
            decide(interval, Comparator::Within, 0.03, Basis::Bound).0
        };
        assert_eq!(verdict(-0.02, 0.03), Pass);
        assert_eq!(verdict(-0.05, 0.05), Inconclusive);
        assert_eq!(verdict(0.02, 0.04), Inconclusive);
        assert_eq!([verdict(0.031, 0.04), verdict(-0.05, -0.04)], [Fail, Fail]);
    }

    #[test]
    fn nan_never_passes_and_infinity_fails() {
        for basis in [Basis::Bound, Basis::Point] {
            check(0.3, f64::NAN, 0.4, basis, CheckVerdict::Inconclusive);
            check(
                f64::INFINITY,
                f64::INFINITY,
                f64::INFINITY,
                basis,
                CheckVerdict::Fail,
            );
        }
        check(
            f64::NEG_INFINITY,
            0.3,
            f64::INFINITY,
            Basis::Bound,
            CheckVerdict::Inconclusive,
        );
    }
}
