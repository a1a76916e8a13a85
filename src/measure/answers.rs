//! Whether two sides gave equal answers: a ladder per question, the first rung that holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::Digest;
use crate::measure::citations::is_number;
use crate::measure::numbers::stated_numbers;
use crate::measure::{citations, normalised, numbers};
use crate::stats::{Interval, clopper_pearson, quantile};
use crate::units::Confidence;

/// How alike two replies to one question are, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The same bytes, the same citations beside them; without answers, the same passages in the
    /// same order.
    Identical,
    /// Equal but for typography; without answers, the same cited sections in the same order.
    Normalised,
    /// The same citations and the same numbers; without answers, the same set of cited sections.
    SameCitationsAndNumbers,
    /// The gold citations are kept, and the answers are no further apart than each side is from its
    /// own repeat.
    WithinNoise,
    /// Not shown to be equal.
    Different,
}

impl Rung {
    /// Every rung, best first.
    pub const ALL: [Self; 5] = [
        Self::Identical,
        Self::Normalised,
        Self::SameCitationsAndNumbers,
        Self::WithinNoise,
        Self::Different,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Normalised => "normalised",
            Self::SameCitationsAndNumbers => "same_citations_and_numbers",
            Self::WithinNoise => "within_noise",
            Self::Different => "different",
        }
    }

    /// Whether replies on this rung count as equal.
    pub fn is_equal(self) -> bool {
        self != Self::Different
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What one side replied to a question. The default is a reply that never came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reply<'a> {
    /// What was written; none from a target that only retrieves.
    pub answer: Option<&'a str>,
    /// The citations stated beside the answer, or the retrieved sections; in their order.
    pub citations: &'a [String],
    /// Digests of the retrieved texts, in their order.
    pub passages: &'a [Digest],
}

impl Reply<'_> {
    /// Whether there is nothing to compare: a blank answer, or none and nothing retrieved.
    pub fn is_missing(&self) -> bool {
        match self.answer {
            Some(answer) => answer.trim().is_empty(),
            None => self.citations.is_empty() && self.passages.is_empty(),
        }
    }

    /// Everything cited: beside the answer and in its text.
    pub fn cited(&self) -> BTreeSet<String> {
        let in_text = citations(self.answer.unwrap_or_default());
        self.citations.iter().cloned().chain(in_text).collect()
    }
}

/// What the ladder knows beside the two replies.
#[derive(Clone, Copy, Debug)]
pub struct AnswerContext<'a> {
    /// The question: a number that it holds is repeated by an answer, not stated.
    pub question: &'a str,
    /// The citations that ought to be kept; none if they are not known.
    pub gold: &'a BTreeSet<String>,
    /// 1 − cos of the two answers, in `[0, 2]`; none without a referee.
    pub distance: Option<f64>,
    /// How far each side's answers are from its own repeats, on the same scale; none for a side
    /// that was not repeated.
    pub noise: [Option<f64>; 2],
}

/// What became of the rung [`Rung::WithinNoise`]. What was not checked never reads as checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SemanticRung {
    /// Not needed: a better rung holds.
    NotNeeded,
    /// Not possible: a side has no reply.
    NoReply,
    /// Not checked: which citations ought to be kept is not known.
    GoldUnknown,
    /// Not checked: the answers have no vectors.
    DistanceUnknown,
    /// Not checked: a side was not repeated often enough to know its noise.
    NoiseUnknown,
    /// Checked: a gold citation was lost, or there was none to keep.
    GoldLost,
    /// Checked: further apart than a side is from its own repeat.
    BeyondNoise,
    /// Checked, and it holds.
    Held,
}

impl SemanticRung {
    /// Whether there was all that it takes.
    pub fn is_checked(self) -> bool {
        matches!(self, Self::GoldLost | Self::BeyondNoise | Self::Held)
    }
}

/// Which side has no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// The first.
    ByA,
    /// The second.
    ByB,
    /// Neither replied: nothing shows that they would have agreed.
    ByBoth,
}

/// Two replies to one question, compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerComparison {
    /// The first rung that holds.
    pub rung: Rung,
    /// What became of the semantic rung.
    pub semantic: SemanticRung,
    /// 1 − cos of the answers, in `[0, 2]`; none if it was not given.
    pub distance: Option<f64>,
    /// Whether a reply is missing, which makes them different.
    pub unanswered: Option<Unanswered>,
}

/// Compares two replies to one question.
///
/// Rungs above `WithinNoise` are symmetric in the sides. Answers with neither a citation nor a
/// number have the empty sets in common, which says nothing about them: the third rung needs at
/// least one of either. A number that the question holds, or that only counts the lines of a list,
/// is no such one, since "yes" and "no" both repeat it. An answer never equals a reply without one.
///
/// ```
/// use ragstone::measure::{Reply, Rung, AnswerContext, answers_equal};
/// let reply = |answer| Reply { answer: Some(answer), ..Reply::default() };
/// let alone = AnswerContext { question: "How long?", gold: &Default::default(), distance: None, noise: [None; 2] };
/// let compared = answers_equal(&reply("Wait 5 minutes [1]."), &reply("It takes 5 minutes [1]."), alone);
/// assert_eq!(compared.rung, Rung::SameCitationsAndNumbers);
/// ```
pub fn answers_equal(a: &Reply, b: &Reply, context: AnswerContext) -> AnswerComparison {
    let unanswered = match (a.is_missing(), b.is_missing()) {
        (false, false) => None,
        (true, false) => Some(Unanswered::ByA),
        (false, true) => Some(Unanswered::ByB),
        (true, true) => Some(Unanswered::ByBoth),
    };
    let (rung, semantic) = if unanswered.is_some() {
        (Rung::Different, SemanticRung::NoReply)
    } else if let Some(rung) = by_content(a, b, context.question) {
        (rung, SemanticRung::NotNeeded)
    } else {
        match by_distance(a, b, context) {
            SemanticRung::Held => (Rung::WithinNoise, SemanticRung::Held),
            missed => (Rung::Different, missed),
        }
    };
    AnswerComparison {
        rung,
        semantic,
        distance: context.distance,
        unanswered,
    }
}

/// The first of the three rungs that need nothing but the replies.
fn by_content(a: &Reply, b: &Reply, question: &str) -> Option<Rung> {
    let holds: [bool; 3] = match (a.answer, b.answer) {
        (Some(ours), Some(theirs)) => [
            ours == theirs && a.citations == b.citations,
            normalised(ours) == normalised(theirs) && same_citations(a, b),
            same_citations(a, b) && same_numbers(ours, theirs) && states_something(a, question),
        ],
        (None, None) => [
            !a.passages.is_empty() && a.passages == b.passages,
            !a.citations.is_empty() && a.citations == b.citations,
            !a.citations.is_empty() && a.cited() == b.cited(),
        ],
        _ => [false; 3],
    };
    let rungs = Rung::ALL.into_iter().zip(holds);
    rungs
        .filter(|(_, holds)| *holds)
        .map(|(rung, _)| rung)
        .next()
}

/// Whether two answers cite the same: in their text, and beside it. A number in the text points
/// into the list beside it, so with numbers the lists must have the same order.
fn same_citations(a: &Reply, b: &Reply) -> bool {
    let in_text = |reply: &Reply| -> BTreeSet<String> {
        citations(reply.answer.unwrap_or_default())
            .into_iter()
            .collect()
    };
    let beside = |reply: &Reply| -> BTreeSet<String> { reply.citations.iter().cloned().collect() };
    let ours = in_text(a);
    let by_place = ours.iter().any(|citation| is_number(citation));
    ours == in_text(b)
        && if by_place {
            a.citations == b.citations
        } else {
            beside(a) == beside(b)
        }
}

fn same_numbers(a: &str, b: &str) -> bool {
    numbers(a) == numbers(b)
}

/// Whether an answer cites, or says a number that the question did not say first.
fn states_something(reply: &Reply, question: &str) -> bool {
    let asked = numbers(question);
    let stated = stated_numbers(reply.answer.unwrap_or_default());
    !reply.cited().is_empty() || stated.iter().any(|number| !asked.contains(number))
}

fn by_distance(a: &Reply, b: &Reply, context: AnswerContext) -> SemanticRung {
    if context.gold.is_empty() {
        return SemanticRung::GoldUnknown;
    }
    let Some(distance) = context.distance else {
        return SemanticRung::DistanceUnknown;
    };
    let [Some(noise_a), Some(noise_b)] = context.noise else {
        return SemanticRung::NoiseUnknown;
    };
    let (ours, theirs) = (a.cited(), b.cited());
    let mut kept = context.gold.intersection(&ours).peekable();
    if kept.peek().is_none() || !kept.all(|citation| theirs.contains(citation)) {
        return SemanticRung::GoldLost;
    }
    // A NaN is within nothing.
    if distance <= noise_a && distance <= noise_b {
        SemanticRung::Held
    } else {
        SemanticRung::BeyondNoise
    }
}

/// The fewest repeated questions that tell a side's noise: of fewer, the 95 % quantile is hardly
/// more than the largest.
pub const LEAST_REPEATED: usize = 20;

/// How far a side's replies are from its own repeats: the 95 % quantile over questions of their
/// distances, 1 − cos in `[0, 2]`. `None` for fewer than [`LEAST_REPEATED`] questions.
pub fn noise_of(distances: &[f64]) -> Option<f64> {
    const WITHIN: f64 = 0.95;
    let enough = distances.len() >= LEAST_REPEATED;
    enough.then(|| quantile(distances, WITHIN)).flatten()
}

/// The rungs of many questions.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerSummary {
    /// Questions on each rung; every rung is there.
    pub by_rung: BTreeMap<Rung, usize>,
    /// Questions.
    pub n_questions: usize,
    /// Questions that count as equal.
    pub n_equal: usize,
    /// The share of equal questions between its exact one-sided bounds; none without a question.
    pub share: Option<Interval>,
}

impl AnswerSummary {
    /// Counts questions, each by its one rung.
    ///
    /// The bounds are Clopper and Pearson's, each one-sided at `confidence`.
    pub fn of(rungs: impl IntoIterator<Item = Rung>, confidence: Confidence) -> Self {
        let mut by_rung = BTreeMap::from(Rung::ALL.map(|rung| (rung, 0)));
        for rung in rungs {
            *by_rung.entry(rung).or_default() += 1;
        }
        let n_questions = by_rung.values().sum();
        let n_equal = n_questions - by_rung[&Rung::Different];
        Self {
            by_rung,
            n_questions,
            n_equal,
            share: clopper_pearson(n_equal as u64, n_questions as u64, confidence),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNKNOWN: [Option<f64>; 2] = [None; 2];

    fn reply(answer: &str) -> Reply<'_> {
        Reply {
            answer: Some(answer),
            ..Reply::default()
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn compare(a: &Reply, b: &Reply) -> AnswerComparison {
        let gold = BTreeSet::new();
        let context = AnswerContext {
            question: "Is it true of step 7?",
            gold: &gold,
            distance: None,
            noise: UNKNOWN,
        };
        answers_equal(a, b, context)
    }

    #[track_caller]
    fn check(a: &str, b: &str, expected: Rung) {
        assert_eq!(compare(&reply(a), &reply(b)).rung, expected, "{a} / {b}");
        assert_eq!(compare(&reply(b), &reply(a)).rung, expected, "{b} / {a}");
    }

    #[test]
    fn the_first_rung_that_holds_is_recorded() {
        check("Wait 5 s [a.pdf].", "Wait 5 s [a.pdf].", Rung::Identical);
        check("Wait 5 s [a.pdf].", "wait  5 s[a.pdf] .", Rung::Normalised);
        check(
            "Wait 1,000 s [a.pdf].",
            "It takes 1000 s [a.pdf].",
            Rung::SameCitationsAndNumbers,
        );
        check("Wait 5 s [a.pdf].", "Wait 6 s [a.pdf].", Rung::Different);
        check(
            "Wait 5 s [a.pdf].",
            "It takes 5 s [b.pdf].",
            Rung::Different,
        );
    }

    #[test]
    fn answers_that_state_nothing_are_not_equal_by_having_nothing() {
        check("Yes, at once.", "No, never.", Rung::Different);
        check("Yes, step 7.", "No, step 7.", Rung::Different);
        check("1. Yes\n2. Never", "1. No\n2. Always", Rung::Different);
        check(
            "1. Go [1]\n2. Stop",
            "1. Go [1]\n2. Stop\n3. Wait",
            Rung::Different,
        );
        check(
            "Yes, step 7 of 8.",
            "It is 8, step 7.",
            Rung::SameCitationsAndNumbers,
        );
        check("Yes [a.pdf].", "No [a.pdf].", Rung::SameCitationsAndNumbers);
    }

    #[test]
    fn a_number_said_twice_is_two_numbers() {
        check("5 of 5 [1]", "5 [1]", Rung::Different);
        check(
            "Cite [1] twice [1].",
            "Cite once [1].",
            Rung::SameCitationsAndNumbers,
        );
    }

    #[test]
    fn a_reply_that_never_came_is_different_and_says_whose() {
        let (none, some) = (Reply::default(), reply("Wait."));
        for (a, b, expected) in [
            (&none, &some, Unanswered::ByA),
            (&some, &reply(" \n"), Unanswered::ByB),
            (&none, &none, Unanswered::ByBoth),
        ] {
            let compared = compare(a, b);
            assert_eq!(compared.rung, Rung::Different);
            assert_eq!(compared.unanswered, Some(expected));
            assert_eq!(compared.semantic, SemanticRung::NoReply);
        }
    }

    #[test]
    fn citations_beside_the_answer_are_part_of_it() {
        let (xy, yx, x) = (names(&["x", "y"]), names(&["y", "x"]), names(&["x"]));
        let beside = |answer, citations| Reply {
            answer: Some(answer),
            citations,
            passages: &[],
        };
        let rung = |a, b| compare(&a, &b).rung;
        assert_eq!(
            rung(beside("Wait.", &xy), beside("Wait.", &xy)),
            Rung::Identical
        );
        assert_eq!(
            rung(beside("Wait.", &xy), beside("Wait.", &yx)),
            Rung::Normalised
        );
        assert_eq!(
            rung(beside("Wait.", &xy), beside("Wait.", &x)),
            Rung::Different
        );
        assert_eq!(
            rung(beside("Wait [1].", &xy), beside("Wait [1].", &yx)),
            Rung::Different,
            "the number points to another source"
        );
    }

    #[test]
    fn retrieval_alone_is_compared_by_passages_and_sections() {
        let passages = [Digest::of("p"), Digest::of("q")];
        let (xy, yx, x) = (names(&["x", "y"]), names(&["y", "x"]), names(&["x"]));
        let retrieved = |citations, passages| Reply {
            answer: None,
            citations,
            passages,
        };
        let rung = |a, b| compare(&a, &b).rung;
        assert_eq!(
            rung(retrieved(&xy, &passages), retrieved(&xy, &passages)),
            Rung::Identical
        );
        assert_eq!(
            rung(retrieved(&xy, &passages), retrieved(&xy, &passages[..1])),
            Rung::Normalised
        );
        assert_eq!(
            rung(retrieved(&xy, &[]), retrieved(&yx, &[])),
            Rung::SameCitationsAndNumbers
        );
        assert_eq!(
            rung(retrieved(&xy, &[]), retrieved(&x, &[])),
            Rung::Different
        );
        assert_eq!(rung(retrieved(&xy, &[]), reply("Wait.")), Rung::Different);
    }

    #[track_caller]
    fn semantic(
        gold: &[&str],
        distance: Option<f64>,
        noise: [Option<f64>; 2],
        expected: SemanticRung,
    ) {
        let gold = names(gold).into_iter().collect();
        let context = AnswerContext {
            question: "Is it true of step 7?",
            gold: &gold,
            distance,
            noise,
        };
        let (a, b) = (reply("Wait 5 s [a.pdf] [b.pdf]."), reply("Wait [a.pdf]."));
        let compared = answers_equal(&a, &b, context);
        assert_eq!(compared.semantic, expected);
        assert_eq!(compared.rung.is_equal(), expected == SemanticRung::Held);
    }

    #[test]
    fn the_semantic_rung_needs_gold_a_distance_and_the_noise_of_both_sides() {
        let noise = [Some(0.1), Some(0.2)];
        semantic(&["a.pdf"], Some(0.1), noise, SemanticRung::Held);
        semantic(&["a.pdf", "c.pdf"], Some(0.1), noise, SemanticRung::Held);
        semantic(&["a.pdf"], Some(0.15), noise, SemanticRung::BeyondNoise);
        semantic(&["a.pdf"], Some(f64::NAN), noise, SemanticRung::BeyondNoise);
        semantic(&["b.pdf"], Some(0.0), noise, SemanticRung::GoldLost);
        semantic(&["c.pdf"], Some(0.0), noise, SemanticRung::GoldLost);
        semantic(&[], Some(0.0), noise, SemanticRung::GoldUnknown);
        semantic(&["a.pdf"], None, noise, SemanticRung::DistanceUnknown);
        semantic(
            &["a.pdf"],
            Some(0.0),
            [Some(0.1), None],
            SemanticRung::NoiseUnknown,
        );
        semantic(&["a.pdf"], None, UNKNOWN, SemanticRung::DistanceUnknown);
    }

    #[test]
    fn what_was_not_checked_never_reads_as_checked() {
        use SemanticRung::{DistanceUnknown, GoldUnknown, NoReply, NoiseUnknown, NotNeeded};
        for unchecked in [
            NotNeeded,
            NoReply,
            GoldUnknown,
            DistanceUnknown,
            NoiseUnknown,
        ] {
            assert!(!unchecked.is_checked(), "{unchecked:?}");
        }
    }

    #[test]
    fn no_question_has_no_share() {
        let none = AnswerSummary::of([], Confidence::P95);
        assert_eq!((none.n_questions, none.share), (0, None));
        assert_eq!(none.by_rung.len(), Rung::ALL.len());
    }

    #[test]
    fn zero_mismatches_bound_the_share_as_the_statistics_page_says() {
        let all = AnswerSummary::of([Rung::Identical; 100], Confidence::P95);
        assert!((all.share.expect("questions").low - 0.970).abs() < 6e-4);
    }

    fn answer() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec![
                "Wait", "wait ", " 5", " 5,000 ", "[1]", " [a.pdf]", ".", "no\n",
            ]),
            1..6,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn an_answer_equals_itself(answer in answer()) {
            prop_assert_eq!(compare(&reply(&answer), &reply(&answer)).rung, Rung::Identical);
        }

        #[test]
        fn the_first_three_rungs_are_symmetric(a in answer(), b in answer()) {
            prop_assert_eq!(compare(&reply(&a), &reply(&b)).rung, compare(&reply(&b), &reply(&a)).rung);
        }

        #[test]
        fn answers_that_differ_in_typography_alone_also_cite_and_count_alike(a in answer(), b in answer()) {
            if normalised(&a) == normalised(&b) {
                prop_assert_eq!(numbers(&a), numbers(&b));
            }
        }

        #[test]
        fn every_question_is_counted_once(rungs in prop::collection::vec(prop::sample::select(Rung::ALL.to_vec()), 0..60)) {
            let summary = AnswerSummary::of(rungs.clone(), Confidence::P95);
            prop_assert_eq!(summary.n_questions, rungs.len());
            prop_assert_eq!(summary.n_equal, rungs.iter().filter(|rung| rung.is_equal()).count());
        }
    }
}
