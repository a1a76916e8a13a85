//! Two sides, question by question.

use std::collections::BTreeMap;

use crate::ids::{QuestionId, Topic};
use crate::measure::{Missing, QuestionMetrics};

/// One question on a side and on its control.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedQuestion {
    /// Which question.
    pub question: QuestionId,
    /// What it is about.
    pub topic: Topic,
    /// ΔS of the side less ΔS of the control, in `[−2, 2]`.
    pub delta_s: f64,
    /// Coverage of the side less coverage of the control, in `[−1, 1]`.
    pub coverage: f64,
    /// Whether it converges on the side.
    pub converges: bool,
    /// Whether it converges on the control.
    pub converged: bool,
    /// Planned cells, of both sides.
    pub n_cells: usize,
    /// Cells without numbers, of both sides.
    pub n_missing: usize,
}

/// The largest difference that two distances can have.
const WORST_SHIFT: f64 = 2.0;

/// Pairs the questions of two sides, in the order of the side's.
///
/// A question without a number on either side counts as shifted as far as can be, or, with
/// [`Missing::Best`], as not at all. A question that one side was never asked counts as one whose
/// cells are missing there.
pub fn pair(
    side: &[QuestionMetrics],
    control: &[QuestionMetrics],
    missing: Missing,
) -> Vec<PairedQuestion> {
    let controls: BTreeMap<&QuestionId, &QuestionMetrics> = control
        .iter()
        .map(|question| (&question.question, question))
        .collect();
    let asked: std::collections::BTreeSet<&QuestionId> =
        side.iter().map(|question| &question.question).collect();
    let only_control = control
        .iter()
        .filter(|question| !asked.contains(&question.question));
    side.iter()
        .map(|question| (question, controls.get(&question.question).copied()))
        .chain(only_control.map(|question| (question, None)))
        .map(|(question, control)| one(question, control, missing))
        .collect()
}

fn one(
    side: &QuestionMetrics,
    control: Option<&QuestionMetrics>,
    missing: Missing,
) -> PairedQuestion {
    let n_missing = control.map_or(side.n_cells, |control| control.n_missing) + side.n_missing;
    let blank = PairedQuestion {
        question: side.question.clone(),
        topic: side.topic.clone(),
        delta_s: 0.0,
        coverage: 0.0,
        converges: side.converges,
        converged: side.converges,
        n_cells: side.n_cells + control.map_or(side.n_cells, |control| control.n_cells),
        n_missing,
    };
    match (control, missing) {
        (_, Missing::Best) if n_missing > 0 => blank,
        (None, _) => PairedQuestion {
            delta_s: WORST_SHIFT,
            coverage: -1.0,
            converged: !side.converges,
            ..blank
        },
        (Some(control), _) => {
            let shift = side.delta_s - control.delta_s;
            PairedQuestion {
                delta_s: if shift.is_finite() {
                    shift
                } else {
                    WORST_SHIFT
                },
                coverage: side.coverage - control.coverage,
                converged: control.converges,
                ..blank
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(id: &str, delta_s: f64) -> QuestionMetrics {
        QuestionMetrics {
            question: QuestionId::new(id),
            topic: Topic::new("t"),
            n_cells: 2,
            n_missing: if delta_s.is_finite() { 0 } else { 2 },
            delta_s,
            coverage: 0.5,
            evidence_coverage: 0.5,
            converges: true,
            share_recursive: 0.0,
            rank: crate::measure::RankValues::new(),
            n_chaotic: 0,
        }
    }

    #[test]
    fn questions_are_paired_by_id_and_none_is_dropped() {
        let side = [
            question("b", 0.5),
            question("a", 0.25),
            question("c", f64::INFINITY),
        ];
        let control = [
            question("a", 0.5),
            question("b", 0.5),
            question("c", 0.5),
            question("d", 0.5),
        ];
        let worst = pair(&side, &control, Missing::Worst);
        let shifts: Vec<(&str, f64)> = worst
            .iter()
            .map(|pair| (pair.question.as_str(), pair.delta_s))
            .collect();
        assert_eq!(shifts, [("b", 0.0), ("a", -0.25), ("c", 2.0), ("d", 2.0)]);
        let best = pair(&side, &control, Missing::Best);
        assert_eq!(best[2].delta_s, 0.0);
    }

    #[test]
    fn two_sides_that_both_failed_are_not_equal() {
        let failed = [question("a", f64::INFINITY)];
        assert_eq!(pair(&failed, &failed, Missing::Worst)[0].delta_s, 2.0);
    }
}
