//! Rankings and judgments as TREC has them.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::exchange::run::choice::{Chosen, hits, name};
use crate::exchange::run::{Content, File, LeftOut, Loss, RunExportError, Scores, Source};
use crate::exchange::{DocumentNames, Spelling};
use crate::replay::Observation;
use crate::trec::{Judgment, Scored, write_qrels, write_run};

/// A document of a ranking.
type Ranked = (String, f64);

/// The rankings of one target. A section stands where it was first hit; a question without hits has no line.
pub(super) fn run(
    chosen: &Chosen<'_>,
    names: &DocumentNames,
    scores: Scores,
    left_out: &mut LeftOut,
) -> File {
    chosen.without_hits(left_out);
    chosen.count(
        &[
            Loss::Texts,
            Loss::Offsets,
            Loss::Answers,
            Loss::Citations,
            Loss::Metrics,
        ],
        left_out,
    );
    let mut rankings = Vec::new();
    for (seen, _) in &chosen.probes {
        let mut ranking = sections(chosen.source, names, seen, left_out);
        if scores == Scores::Rank {
            let n = ranking.len();
            for (index, (_, score)) in ranking.iter_mut().enumerate() {
                *score = (n - 1 - index) as f64;
            }
        }
        let query = Spelling::Trec.of(seen.question.as_str());
        left_out.count(
            Loss::NameChanged,
            usize::from(query != seen.question.as_str()),
        );
        if changes(&ranking, double) {
            left_out.add(Loss::OrderChanged, name(seen));
        } else if changes(&ranking, single) {
            left_out.add(Loss::SingleOrderChanged, name(seen));
        }
        rankings.push((query, ranking));
    }
    let rows = rankings.iter().flat_map(|(query, ranking)| {
        ranking.iter().map(move |(document, score)| Scored {
            query,
            document,
            score: *score,
        })
    });
    let tag = chosen
        .target
        .as_ref()
        .map_or("ragstone", |name| name.as_str());
    let n = rows.clone().count();
    let mut text = Vec::new();
    write_run(rows, &Spelling::Trec.of(tag), &mut text)
        .expect("names without white space, in memory");
    File {
        target: chosen.target.clone(),
        rows: n,
        content: Content::Text(text),
    }
}

/// The judgments of the questions that were asked, in the order of the gold set.
pub(super) fn qrels(source: &Source) -> Result<File, RunExportError> {
    let gold = source.gold.as_ref().ok_or(RunExportError::NoGold)?;
    let asked: HashSet<_> = source
        .probes
        .record
        .questions
        .iter()
        .map(|one| &one.id)
        .collect();
    let names = source.trec_names()?;
    let mut rows = Vec::new();
    for question in gold.questions.iter().filter(|one| asked.contains(&one.id)) {
        let query = Spelling::Trec.of(question.id.as_str());
        let relevant = question.target.iter().map(|one| (&one.key, one.grade));
        let not = question
            .not_relevant
            .iter()
            .map(|one| (&one.key, one.grade));
        rows.extend(
            relevant
                .chain(not)
                .map(|(key, grade)| (query.clone(), names.name(key), grade)),
        );
    }
    let judgments = rows.iter().map(|(query, document, grade)| Judgment {
        query,
        document,
        grade: *grade,
    });
    let mut text = Vec::new();
    write_qrels(judgments, &mut text).expect("names without white space, in memory");
    Ok(File {
        target: None,
        rows: rows.len(),
        content: Content::Text(text),
    })
}

/// The sections that were hit, best first, under the names they have here.
fn sections(
    source: &Source,
    names: &DocumentNames,
    seen: &Observation,
    left_out: &mut LeftOut,
) -> Vec<Ranked> {
    let mut above = HashSet::new();
    let mut ranking = Vec::new();
    for hit in hits(seen) {
        if above.insert(&hit.section) {
            let document = names.name(&hit.section);
            let changed = document != source.names.name(&hit.section);
            left_out.count(Loss::NameChanged, usize::from(changed));
            ranking.push((document, hit.score));
        } else {
            left_out.count(Loss::SameSection, 1);
        }
    }
    ranking
}

/// Whether `trec_eval` would rank otherwise: by falling score as `compare` says, and among equal scores by
/// falling name, as bytes.
fn changes(ranking: &[Ranked], compare: impl Fn(f64, f64) -> Ordering) -> bool {
    ranking.windows(2).any(|pair| {
        let [(above, high), (below, low)] = pair else {
            return false;
        };
        compare(*low, *high).then_with(|| below.cmp(above)).is_gt()
    })
}

/// As `trec_eval` 10 compares scores, to which −0 is 0.
fn double(a: f64, b: f64) -> Ordering {
    (a + 0.0).total_cmp(&(b + 0.0))
}

/// As `trec_eval` 9 does, in single precision.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it is what trec_eval 9 does"
)]
fn single(a: f64, b: f64) -> Ordering {
    (a as f32 + 0.0).total_cmp(&(b as f32 + 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scored: &[(&str, f64)], in_double: bool, in_single: bool) {
        let ranking: Vec<Ranked> = scored
            .iter()
            .map(|(name, score)| ((*name).to_owned(), *score))
            .collect();
        assert_eq!(changes(&ranking, double), in_double);
        assert_eq!(changes(&ranking, single), in_single);
    }

    #[test]
    fn equal_scores_keep_their_order_only_where_names_fall() {
        check(&[("a", 2.0), ("b", 1.0)], false, false);
        check(&[("b", 1.0), ("a", 1.0)], false, false);
        check(&[("a", 1.0), ("b", 1.0)], true, true);
        check(&[("a", 1.0), ("b", 2.0)], true, true);
        check(&[("a", 1.0), ("b", 1.0 - 1e-9)], false, true);
    }
}
