//! CMP: what an ad hoc comparison of two sides judges.

use crate::judge::CheckId::{CmpCov, CmpDrift, CmpLam, CmpPar, CmpShift};
use crate::judge::RunbookStage::{self, Pair};
use crate::judge::definition::family::{COVERAGE_DRIFT, DRIFT, FLIPS, PARITY, SHIFTS};
use crate::judge::definition::{Definition, Method};

const PAIR: &[RunbookStage] = &[Pair];

pub(super) static CHECKS: &[Definition] = &[
    Definition {
        id: CmpPar,
        clause: "INDEX_HASH, metric and analyzer are the same on both sides, or versioned on purpose",
        stages: PAIR,
        ..PARITY
    },
    Definition {
        id: CmpDrift,
        clause: "ΔS within ±0.03 between the sides, mean of paired differences",
        stages: PAIR,
        method: Method::MeanDrift,
        meaning: "The difference of ΔS, question by question, the second side less the first. Two one-sided t-tests at 5 % each must place the mean difference inside the margin, and so must ABC bounds, which follow the skewness that a few lost questions bring. \
A first side that is not equivalent to its own repeat decides nothing.",
        ..DRIFT
    },
    Definition {
        id: CmpShift,
        clause: "at most 10 % of the questions shift by more than 0.10 in ΔS",
        stages: PAIR,
        ..SHIFTS
    },
    Definition {
        id: CmpCov,
        clause: "coverage within ±0.05 between the sides, mean of paired differences",
        stages: PAIR,
        ..COVERAGE_DRIFT
    },
    Definition {
        id: CmpLam,
        clause: "at most 10 % of the questions converge on one side only",
        stages: PAIR,
        ..FLIPS
    },
];
