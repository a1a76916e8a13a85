//! Ranking measures of a probe: what was retrieved, section by section, by the judgments of its question.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use miette::Diagnostic;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::goldset::Question;
use crate::ids::SectionKey;
use crate::ranking::{Judged, JudgedList, Measure, RelevanceLevel, UnknownMeasure};
use crate::replay::HitRecord;
use crate::units::Cutoff;

/// What the id of every ranking measure begins with.
const PREFIX: &str = "rank.";
/// The cut-off of the usual measures, that of BEIR, MTEB and TREC's deep learning tracks.
const USUAL_CUTOFF: usize = 10;

/// Values of one probe by measure. A measure that is not here is undefined: the probe has no numbers, its
/// question no answer, or fewer hits were asked for than the measure looks at.
pub type RankValues = BTreeMap<RankMeasure, f64>;

/// A ranking measure under the one name that it has as a column and as a check: `rank.ndcg_cut_10`.
///
/// Read by any of the names of [`Measure`], so that `rank.nDCG@10` is the same one. What was read once is
/// known as long as the process runs: the names of checks are copied about, and there are few of them.
///
/// ```
/// use ragstone::measure::RankMeasure;
/// let one: RankMeasure = "rank.nDCG@10".parse()?;
/// assert_eq!(one.id(), "rank.ndcg_cut_10");
/// assert_eq!(one, "rank.ndcg_cut.10".parse()?);
/// # Ok::<(), ragstone::measure::NoRankMeasure>(())
/// ```
#[derive(Clone, Copy)]
pub struct RankMeasure(&'static Known);

struct Known {
    /// With the prefix.
    id: String,
    measure: Measure,
}

static KNOWN: Mutex<BTreeMap<String, &'static Known>> = Mutex::new(BTreeMap::new());

/// Why a text names no ranking measure.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum NoRankMeasure {
    /// The prefix is missing.
    #[error("`{name}` does not begin with `rank.`")]
    #[diagnostic(
        code(measure::rank_prefix),
        help("write a ranking measure as rank.NAME, such as rank.ndcg_cut_10")
    )]
    Prefix {
        /// What was written.
        name: String,
    },
    /// No measure has that name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unknown(#[from] UnknownMeasure),
    /// The name that it prints is not the one of this parameter alone.
    #[error("`{name}` would be called {printed}, which is another measure")]
    #[diagnostic(
        code(measure::rank_name),
        help("round the parameter to as many digits as the name has")
    )]
    Ambiguous {
        /// What was written.
        name: String,
        /// What it would be called.
        printed: String,
    },
}

impl RankMeasure {
    /// What every id of one matches.
    pub const PATTERN: &str = r"^rank\.\S+$";

    /// By its name without the prefix, as [`Measure`] reads it.
    ///
    /// # Errors
    /// If no measure has that name, or it means several.
    pub fn named(name: &str) -> Result<Self, NoRankMeasure> {
        let measure: Measure = name.trim().parse()?;
        let printed = measure.to_string();
        if printed.parse() != Ok(measure.clone()) {
            return Err(NoRankMeasure::Ambiguous {
                name: name.to_owned(),
                printed,
            });
        }
        let id = format!("{PREFIX}{printed}");
        // A thread that panicked while it held the lock left the table whole.
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.entry(id.clone());
        Ok(Self(entry.or_insert_with(|| {
            Box::leak(Box::new(Known { id, measure }))
        })))
    }

    /// Whether a text claims to be the id of one.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Its name as a column and a check: `rank.ndcg_cut_10`.
    pub fn id(self) -> &'static str {
        &self.0.id
    }

    /// Its name as `trec_eval` prints it: `ndcg_cut_10`.
    pub fn name(self) -> &'static str {
        &self.0.id[PREFIX.len()..]
    }

    /// The measure.
    pub fn measure(self) -> &'static Measure {
        &self.0.measure
    }

    /// Whether it looks at more ranks than there are hits.
    pub fn is_deeper_than(self, k: usize) -> bool {
        self.measure().cutoff().is_some_and(|cut| cut.get() > k)
    }

    /// What a probe without a number counts as, if it is to count as the worst or as the best.
    pub(super) fn extreme(self, best: bool) -> f64 {
        f64::from(u8::from(best != self.measure().family().is_better_low()))
    }
}

impl FromStr for RankMeasure {
    type Err = NoRankMeasure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().strip_prefix(PREFIX) {
            Some(name) => Self::named(name),
            None => Err(NoRankMeasure::Prefix {
                name: text.trim().to_owned(),
            }),
        }
    }
}

impl fmt::Debug for RankMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl fmt::Display for RankMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl PartialEq for RankMeasure {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for RankMeasure {}

impl PartialOrd for RankMeasure {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RankMeasure {
    fn cmp(&self, other: &Self) -> Ordering {
        self.id().cmp(other.id())
    }
}

impl Hash for RankMeasure {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id().hash(state);
    }
}

impl Serialize for RankMeasure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for RankMeasure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Which ranking measures the table has, each once, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RankMeasures(BTreeSet<RankMeasure>);

impl RankMeasures {
    /// What every table has: `ndcg_cut`, `mrr`, `recall` and `map_cut` at 10, and `judged` beside them, or at
    /// `k` where fewer hits are asked for.
    ///
    /// The first is the field's headline for graded judgments; the others tell what it hides: whether the
    /// first good hit stands high, whether all of them are there, both at once, and how much of what was
    /// retrieved anybody judged. All are cut off, since a list of `k` hits knows nothing of deeper ranks:
    /// `map` of it is `map_cut` under a name that promises more. Precision is left out: a question with one
    /// target cannot have more than 1 ÷ 10 of it.
    pub fn usual(k: Cutoff) -> Self {
        let cutoff = k.get().min(USUAL_CUTOFF);
        let families = ["ndcg_cut", "mrr", "recall", "map_cut", "judged"];
        let named = |family| RankMeasure::named(&format!("{family}_{cutoff}"));
        Self(
            families
                .into_iter()
                .filter_map(|one| named(one).ok())
                .collect(),
        )
    }

    /// These too.
    #[must_use]
    pub fn with(mut self, more: impl IntoIterator<Item = RankMeasure>) -> Self {
        self.0.extend(more);
        self
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = RankMeasure> {
        self.0.iter().copied()
    }

    /// Their values of what one probe retrieved when `k` hits were asked for.
    ///
    /// A section counts once, where it was first hit. Targets have their grade, `not_relevant` sections
    /// theirs, and all others are outside the pool. A measure that looks at more than `k` ranks has no value,
    /// and neither has any of a question without an answer.
    pub fn of(&self, question: &Question, hits: &[HitRecord], k: usize) -> RankValues {
        if !question.answerable {
            return RankValues::new();
        }
        let list = judged(question, hits);
        let defined = self.iter().filter(|one| !one.is_deeper_than(k));
        defined
            .map(|one| (one, one.measure().of(&list)))
            .filter(|(_, value)| value.is_finite())
            .collect()
    }
}

/// The retrieved sections in the order in which they were first hit, beside the judgments of the question.
fn judged(question: &Question, hits: &[HitRecord]) -> JudgedList {
    let targets = question.target.iter().map(|one| (&one.key, one.grade));
    let others = question
        .not_relevant
        .iter()
        .map(|one| (&one.key, one.grade));
    let grades: BTreeMap<&SectionKey, i32> = targets.chain(others).collect();
    let mut seen = BTreeSet::new();
    let retrieved = hits
        .iter()
        .filter(|hit| seen.insert(&hit.section))
        .map(|hit| Judged::of(grades.get(&hit.section).copied()))
        .collect();
    JudgedList::new(retrieved, grades.into_values(), RelevanceLevel::default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::Digest;

    /// A question with sections of one document and their grades, those above 0 being targets.
    fn question(grades: &[(usize, i32)]) -> Question {
        let judged = |target: bool| {
            let some = grades.iter().filter(|(_, grade)| (*grade > 0) == target);
            let one = |(section, grade): &(usize, i32)| serde_json::json!({"doc_id": "d", "section_id": section.to_string(), "grade": grade});
            some.map(one).collect::<Vec<_>>()
        };
        let line = serde_json::json!({
            "id": "q", "topic": "t", "question": "?", "paraphrases": [],
            "target": judged(true), "not_relevant": judged(false),
        });
        serde_json::from_value(line).expect("a question")
    }

    fn hits(sections: &[usize]) -> Vec<HitRecord> {
        let hit = |section: &usize| HitRecord {
            section: SectionKey::new("d", section.to_string()),
            snippet_id: String::new(),
            score: 0.5,
            text: Digest::of("x"),
            offsets: None,
        };
        sections.iter().map(hit).collect()
    }

    fn values(grades: &[(usize, i32)], retrieved: &[usize], k: usize) -> RankValues {
        let cutoff = Cutoff::new(10).expect("positive");
        RankMeasures::usual(cutoff).of(&question(grades), &hits(retrieved), k)
    }

    fn named(name: &str) -> RankMeasure {
        RankMeasure::named(name).expect(name)
    }

    #[track_caller]
    fn check(values: &RankValues, name: &str, expected: f64) {
        let found = values[&named(name)];
        assert!((found - expected).abs() < 1e-12, "{name}: {found}");
    }

    #[test]
    fn a_section_counts_once_where_it_was_first_hit_with_its_grade() {
        // Ranks: never judged, grade 3, grade 0, grade 1.
        let found = values(&[(1, 3), (2, 1), (3, 0), (4, -1)], &[9, 1, 1, 3, 1, 2], 10);
        let log = |rank: f64| (rank + 1.0).log2();
        check(
            &found,
            "ndcg_cut_10",
            (3.0 / log(2.0) + 1.0 / log(4.0)) / (3.0 / log(1.0) + 1.0 / log(2.0)),
        );
        check(&found, "mrr_10", 1.0 / 2.0);
        check(&found, "recall_10", 1.0);
        check(&found, "map_cut_10", f64::midpoint(1.0 / 2.0, 2.0 / 4.0));
        check(&found, "judged_10", 3.0 / 4.0);
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn nothing_retrieved_is_worth_nothing_and_undefined_is_not_nought() {
        check(&values(&[(1, 1)], &[], 10), "ndcg_cut_10", 0.0);
        assert!(
            values(&[(1, 1)], &[1], 9).is_empty(),
            "fewer hits than ranks"
        );
        let unanswerable = Question {
            answerable: false,
            ..question(&[])
        };
        let usual = RankMeasures::usual(Cutoff::new(3).expect("positive"));
        assert!(usual.of(&unanswerable, &hits(&[1]), 10).is_empty());
        let names: Vec<&str> = usual.iter().map(RankMeasure::name).collect();
        assert_eq!(
            names,
            ["judged_3", "map_cut_3", "mrr_3", "ndcg_cut_3", "recall_3"]
        );
    }

    #[test]
    fn one_measure_has_one_name_and_counts_worst_on_its_own_side() {
        let one: RankMeasure = "rank.nDCG@10".parse().expect("a name");
        assert_eq!((one, one.id()), (named("ndcg_cut.10"), "rank.ndcg_cut_10"));
        assert!(one.is_deeper_than(9) && !one.is_deeper_than(10));
        assert_eq!(
            [one.extreme(false), one.extreme(true)].map(|x| x > 0.5),
            [false, true]
        );
        let unjudged = named("unj_5");
        assert!(unjudged.extreme(false) > 0.5 && unjudged.extreme(true) < 0.5);
        assert!("ndcg_cut_10".parse::<RankMeasure>().is_err());
    }

    /// Sums over ranks 1 to 10, each looked up anew.
    fn slow(grades: &[(usize, i32)], list: &[usize]) -> [f64; 3] {
        let grade = |section: usize| {
            let found = grades.iter().find(|(judged, _)| *judged == section);
            found.map_or(0, |(_, grade)| (*grade).max(0))
        };
        let dcg = |worths: &[i32]| -> f64 {
            let ranks = (1..).zip(worths).take(10);
            ranks
                .map(|(rank, worth)| f64::from(*worth) / f64::from(rank + 1).log2())
                .sum()
        };
        let gained: Vec<i32> = list.iter().map(|section| grade(*section)).collect();
        let mut ideal: Vec<i32> = grades.iter().map(|(_, grade)| (*grade).max(0)).collect();
        ideal.sort_unstable_by(|a, b| b.cmp(a));
        let relevant = ideal.iter().filter(|worth| **worth > 0).count() as f64;
        let found = gained.iter().take(10).filter(|worth| **worth > 0).count() as f64;
        let first = (1..).zip(&gained).take(10).find(|(_, worth)| **worth > 0);
        [
            dcg(&gained) / dcg(&ideal),
            first.map_or(0.0, |(rank, _)| 1.0 / f64::from(rank)),
            found / relevant,
        ]
    }

    proptest! {
        #[test]
        fn the_columns_are_what_summing_by_hand_gives(
            grades in proptest::collection::vec(-1_i32..4, 1..8),
            retrieved in proptest::collection::vec(0_usize..16, 0..24),
        ) {
            let mut grades: Vec<(usize, i32)> = grades.into_iter().enumerate().collect();
            grades.push((15, 2));
            let mut list = Vec::new();
            for section in &retrieved {
                if !list.contains(section) {
                    list.push(*section);
                }
            }
            let found = values(&grades, &retrieved, 10);
            let expected = slow(&grades, &list);
            for (name, expected) in ["ndcg_cut_10", "mrr_10", "recall_10"].into_iter().zip(expected) {
                prop_assert!((found[&named(name)] - expected).abs() < 1e-12, "{}", name);
            }
        }
    }
}
