//! From cells to questions: the unit of every statistic.
//!
//! The cells of one question (forms × seeds) repeat one observation more than they add new ones, so
//! they are reduced to one value a question before anything is inferred.

use std::collections::BTreeSet;

use crate::ids::{QuestionId, TargetName, Topic};
use crate::measure::{CellMetrics, Lambda, MetricTable, RankMeasure, RankValues, Status};
use crate::stats::median;

/// What a cell without a number counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// As the worst possible value: how every verdict counts.
    Worst,
    /// As the best possible value: what a FAIL must survive, so that a network fault is not taken
    /// for a bad index.
    Best,
}

/// One question on one target, over its forms and seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionMetrics {
    /// Which question.
    pub question: QuestionId,
    /// What it is about.
    pub topic: Topic,
    /// Planned cells.
    pub n_cells: usize,
    /// Cells without numbers.
    pub n_missing: usize,
    /// Median of ΔS over the cells; infinite when missing cells, counted as worst, are half of them
    /// or more.
    pub delta_s: f64,
    /// Mean coverage of the target sections over the cells, in `[0, 1]`.
    pub coverage: f64,
    /// Mean coverage of the evidence spans, in `[0, 1]`.
    pub evidence_coverage: f64,
    /// Whether every cell is `→`.
    pub converges: bool,
    /// Share of cells that are `<>`, in `[0, 1]`.
    pub share_recursive: f64,
    /// Cells that are `×`.
    pub n_chaotic: usize,
    /// Mean of each ranking measure over the cells. One that any answered cell lacks is undefined.
    pub rank: RankValues,
}

/// One row a question that has an answer, in the order of the table.
pub fn questions(
    table: &MetricTable,
    target: &TargetName,
    missing: Missing,
) -> Vec<QuestionMetrics> {
    let mut groups: Vec<Vec<&CellMetrics>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for cell in table
        .cells
        .iter()
        .filter(|cell| cell.target == *target && cell.counts())
    {
        let place = *places.entry(&cell.question).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(cell);
    }
    let values = groups.iter().flatten().flat_map(|cell| cell.rank.keys());
    let ranking: BTreeSet<RankMeasure> = values.copied().collect();
    groups
        .iter()
        .map(|cells| reduce(cells, &ranking, missing))
        .collect()
}

fn reduce(
    cells: &[&CellMetrics],
    ranking: &BTreeSet<RankMeasure>,
    missing: Missing,
) -> QuestionMetrics {
    let (distance, share, state) = match missing {
        Missing::Worst => (f64::INFINITY, 0.0, Lambda::Divergent),
        Missing::Best => (0.0, 1.0, Lambda::Convergent),
    };
    let mean = |value: &dyn Fn(&CellMetrics) -> Option<f64>| {
        cells
            .iter()
            .map(|cell| value(cell).unwrap_or(share))
            .sum::<f64>()
            / cells.len() as f64
    };
    let distances: Vec<f64> = cells
        .iter()
        .map(|cell| cell.delta_s.unwrap_or(distance))
        .collect();
    let states = || {
        cells.iter().map(|cell| {
            if cell.status == Status::Scored {
                cell.lambda.unwrap_or(state)
            } else {
                state
            }
        })
    };
    QuestionMetrics {
        question: cells[0].question.clone(),
        topic: cells[0].topic.clone(),
        n_cells: cells.len(),
        n_missing: cells
            .iter()
            .filter(|cell| cell.status != Status::Scored)
            .count(),
        delta_s: median(&distances).expect("a question has cells, and none is NaN"),
        coverage: mean(&|cell| cell.coverage),
        evidence_coverage: mean(&|cell| cell.evidence_coverage),
        converges: states().all(|state| state == Lambda::Convergent),
        share_recursive: states().filter(|state| *state == Lambda::Recursive).count() as f64
            / cells.len() as f64,
        n_chaotic: states().filter(|state| *state == Lambda::Chaotic).count(),
        rank: ranked(cells, ranking, missing),
    }
}

fn ranked(cells: &[&CellMetrics], ranking: &BTreeSet<RankMeasure>, missing: Missing) -> RankValues {
    let mean = |measure: &RankMeasure| {
        let unknown = measure.extreme(missing == Missing::Best);
        let value = |cell: &&CellMetrics| match cell.status {
            Status::Scored => cell.rank.get(measure).copied(),
            _ => Some(unknown),
        };
        let sum: f64 = cells.iter().map(value).sum::<Option<f64>>()?;
        Some((*measure, sum / cells.len() as f64))
    };
    ranking.iter().filter_map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Form, Seed};
    use crate::replay::Purpose;
    use crate::target::Stage;

    fn cell(question: &str, delta_s: Option<f64>, lambda: Lambda) -> CellMetrics {
        let status = if delta_s.is_some() {
            Status::Scored
        } else {
            Status::Failed {
                class: "timeout".to_owned(),
                stage: Stage::Deadline,
            }
        };
        CellMetrics {
            target: TargetName::new("t"),
            question: QuestionId::new(question),
            topic: Topic::new("x"),
            answerable: true,
            form: Form::ORIGINAL,
            seed: Seed(1),
            k: 10,
            purpose: Purpose::Score,
            status,
            n_hits: 1,
            delta_s,
            delta_s_anchor: None,
            delta_s_decoy: None,
            coverage: delta_s.map(|_| 0.8),
            evidence_coverage: delta_s.map(|_| 1.0),
            coverage_mode: None,
            target_rank: Some(1),
            agreement: Some(1.0),
            lambda: Some(lambda),
            elapsed_ms: 1.0,
            latency_ms: Some(1.0),
            cached: false,
            cold_start: None,
            rank: RankValues::new(),
        }
    }

    #[test]
    fn a_failed_cell_stays_in_the_denominator_and_counts_as_the_worst() {
        let cells = vec![
            cell("a", Some(0.2), Lambda::Convergent),
            cell("b", Some(0.4), Lambda::Recursive),
            cell("a", None, Lambda::Divergent),
        ];
        let table = MetricTable { cells };
        let worst = questions(&table, &TargetName::new("t"), Missing::Worst);
        assert_eq!(worst.len(), 2);
        assert_eq!(
            (worst[0].n_cells, worst[0].n_missing, worst[0].converges),
            (2, 1, false)
        );
        assert_eq!(worst[0].delta_s, f64::INFINITY);
        assert!((worst[0].coverage - 0.4).abs() < 1e-12);
        assert!((worst[1].share_recursive - 1.0).abs() < 1e-12);
        let best = questions(&table, &TargetName::new("t"), Missing::Best);
        assert!((best[0].delta_s - 0.1).abs() < 1e-12 && best[0].converges);
        assert!((best[0].coverage - 0.9).abs() < 1e-12);
    }

    #[test]
    fn a_failed_cell_is_the_worst_of_each_ranking_measure_and_an_unknown_one_undefines_it() {
        let [good, unjudged] =
            ["ndcg_cut_10", "unj_10"].map(|name| RankMeasure::named(name).expect("a measure"));
        let with =
            |question: &str, delta_s: Option<f64>, values: &[(RankMeasure, f64)]| CellMetrics {
                rank: values.iter().copied().collect(),
                ..cell(question, delta_s, Lambda::Convergent)
            };
        let cells = vec![
            with("a", Some(0.2), &[(good, 0.5), (unjudged, 0.25)]),
            with("a", None, &[]),
            with("b", None, &[]),
            with("c", Some(0.2), &[(good, 0.75)]),
        ];
        let of = |missing| {
            questions(
                &MetricTable {
                    cells: cells.clone(),
                },
                &TargetName::new("t"),
                missing,
            )
        };
        let expected = |a: [f64; 2], b: [f64; 2]| {
            let both = |[x, y]: [f64; 2]| RankValues::from([(good, x), (unjudged, y)]);
            [both(a), both(b), RankValues::from([(good, 0.75)])]
        };
        let found = |missing| {
            of(missing)
                .into_iter()
                .map(|one| one.rank)
                .collect::<Vec<_>>()
        };
        assert_eq!(found(Missing::Worst), expected([0.25, 0.625], [0.0, 1.0]));
        assert_eq!(found(Missing::Best), expected([0.75, 0.125], [1.0, 0.0]));
    }

    #[test]
    fn ranking_measures_are_columns_and_tables_without_them_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.parquet");
        let name = RankMeasure::named("ndcg_cut_10").expect("a measure");
        let ranked = CellMetrics {
            rank: RankValues::from([(name, 0.625)]),
            ..cell("a", Some(0.2), Lambda::Convergent)
        };
        let failed = cell("b", None, Lambda::Divergent);
        for cells in [vec![ranked, failed.clone()], vec![failed]] {
            let table = MetricTable { cells };
            table.write(&path).expect("written");
            assert_eq!(MetricTable::read(&path).expect("read"), table);
        }
    }
}
