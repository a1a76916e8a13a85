//! From two files of answers to the report.

use crate::answers::pairing::{Paired, SideReplies, pair};
use crate::answers::{
    AnswerFile, AnswersError, AnswersReport, Duplicate, Ids, QuestionResult, RecordedReply,
    SelfNoise, SemanticRef, SourceRef, Unmatched,
};
use crate::embed::{EmbedderId, VectorTable};
use crate::ids::QuestionId;
use crate::judge;
use crate::measure::{AnswerContext, AnswerSummary, Rung, SemanticRung, answers_equal};
use crate::units::Confidence;
use crate::vector::cosine;

/// The referee's vectors of the answers, and who it is.
#[derive(Clone, Copy, Debug)]
pub struct Referred<'a> {
    /// Of every text of [`texts`].
    pub vectors: &'a VectorTable,
    /// Who made them.
    pub referee: &'a EmbedderId,
}

/// The answers of both sides, each once: what a referee has to embed.
pub fn texts(a: &AnswerFile, b: &AnswerFile) -> Vec<String> {
    let replies = a.replies.iter().chain(&b.replies);
    let mut texts: Vec<String> = replies.filter_map(|reply| reply.answer.clone()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// Compares two sides question by question, and judges the share of equal questions against
/// `limit`.
///
/// A question's replies are paired by seed, and within a seed in the order of the lines; its worst
/// pair is its rung. Without `referred` the semantic rung is not checked, and the report says so.
///
/// # Errors
/// If an id asks two questions.
pub fn compare(
    a: &AnswerFile,
    b: &AnswerFile,
    ids: Ids,
    referred: Option<Referred>,
    limit: f64,
) -> Result<AnswersReport, AnswersError> {
    let (keyed_by, questions) =
        pair(a, b, ids).map_err(|problems| AnswersError::Content { problems })?;
    let vectors = Vectors(referred.map(|referred| referred.vectors));
    let noise_a = SelfNoise::of(&questions, |question| &question.a, vectors);
    let noise_b = SelfNoise::of(&questions, |question| &question.b, vectors);
    let noise = [noise_a, noise_b].map(|noise| noise?.distance_p95);
    let results: Vec<QuestionResult> = questions
        .iter()
        .map(|question| result(question, vectors, noise))
        .collect();
    let confidence = Confidence::P95;
    let summary = AnswerSummary::of(results.iter().map(|result| result.rung), confidence);
    let own = [noise_a, noise_b].map(|noise| noise?.interval());
    let (verdict, reason_code) = judge::answers_equal(summary.share, own, limit);
    let only = |unmatched| -> Vec<QuestionId> {
        let of_one_side = results
            .iter()
            .filter(|result| result.unmatched == Some(unmatched));
        of_one_side.map(|result| result.id.clone()).collect()
    };
    Ok(AnswersReport {
        format: AnswersReport::FORMAT,
        verdict,
        reason_code,
        a: source(
            a,
            unpaired(&questions, |question| (&question.a, &question.b)),
        ),
        b: source(
            b,
            unpaired(&questions, |question| (&question.b, &question.a)),
        ),
        keyed_by,
        n_questions: summary.n_questions,
        by_rung: summary.by_rung,
        n_equal: summary.n_equal,
        share: summary.share.map(|share| share.estimate),
        ci_low: summary.share.map(|share| share.low),
        ci_high: summary.share.map(|share| share.high),
        confidence: confidence.get(),
        limit,
        semantic: semantic(&results, referred.map(|referred| referred.referee)),
        noise_a,
        noise_b,
        duplicates: questions.iter().flat_map(duplicates).collect(),
        only_in_a: only(Unmatched::OnlyInA),
        only_in_b: only(Unmatched::OnlyInB),
        questions: results,
    })
}

/// Vectors by the text of an answer, where there are any.
#[derive(Clone, Copy)]
pub(super) struct Vectors<'a>(Option<&'a VectorTable>);

impl Vectors<'_> {
    /// 1 − cos of two answers, in `[0, 2]`; none if one of them has no vector.
    pub(super) fn distance(self, a: &RecordedReply, b: &RecordedReply) -> Option<f64> {
        let (ours, theirs) = (a.answer.as_deref()?, b.answer.as_deref()?);
        let table = self.0?;
        let (u, v) = (table.of_text(ours)?, table.of_text(theirs)?);
        // Rounding would leave a text at 1e-8 from itself.
        if ours == theirs {
            Some(0.0)
        } else {
            Some(1.0 - cosine(u, v)?)
        }
    }
}

fn result(question: &Paired, vectors: Vectors, noise: [Option<f64>; 2]) -> QuestionResult {
    if let Some(unmatched) = unmatched(question) {
        return different(question, Some(unmatched));
    }
    let gold = question.gold();
    let pairs = question.pairs().into_iter().map(|(ours, theirs)| {
        let context = AnswerContext {
            question: &ours.question,
            gold: &gold,
            distance: vectors.distance(ours, theirs),
            noise,
        };
        let compared = answers_equal(&ours.reply(), &theirs.reply(), context);
        QuestionResult {
            id: question.id.clone(),
            rung: compared.rung,
            semantic: compared.semantic,
            distance: compared.distance,
            unanswered: compared.unanswered,
            unmatched: None,
            line_a: Some(ours.line),
            line_b: Some(theirs.line),
        }
    });
    pairs
        .reduce(|worst, pair| if pair.rung > worst.rung { pair } else { worst })
        .unwrap_or_else(|| different(question, None))
}

/// Why the replies to a question cannot be paired, if they cannot.
fn unmatched(question: &Paired) -> Option<Unmatched> {
    if question.b.is_empty() {
        Some(Unmatched::OnlyInA)
    } else if question.a.is_empty() {
        Some(Unmatched::OnlyInB)
    } else if question.pairs().is_empty() {
        Some(Unmatched::NoCommonSeed)
    } else {
        question.is_uneven().then_some(Unmatched::UnevenDuplicates)
    }
}

/// A question whose replies were not compared.
fn different(question: &Paired, unmatched: Option<Unmatched>) -> QuestionResult {
    QuestionResult {
        id: question.id.clone(),
        rung: Rung::Different,
        semantic: SemanticRung::NoReply,
        distance: None,
        unanswered: None,
        unmatched,
        line_a: question.a.all().map(|reply| reply.line).min(),
        line_b: question.b.all().map(|reply| reply.line).min(),
    }
}

fn source(file: &AnswerFile, n_unpaired: usize) -> SourceRef {
    SourceRef {
        path: file.path.display().to_string(),
        digest: file.digest,
        n_replies: file.replies.len(),
        n_unpaired,
    }
}

/// Replies with a seed that the other side does not have for their question.
fn unpaired<'a>(
    questions: &'a [Paired<'a>],
    sides: impl Fn(&'a Paired<'a>) -> (&'a SideReplies<'a>, &'a SideReplies<'a>),
) -> usize {
    let of_question = |question| {
        let (side, other) = sides(question);
        let alone = side.seeds().filter(|&seed| other.at(seed).is_empty());
        alone.map(|seed| side.at(seed).len()).sum::<usize>()
    };
    questions.iter().map(of_question).sum()
}

fn duplicates<'a>(question: &'a Paired<'a>) -> impl Iterator<Item = Duplicate> + use<'a> {
    let lines = |replies: &[&RecordedReply]| replies.iter().map(|reply| reply.line).collect();
    question.seeds().into_iter().filter_map(move |seed| {
        let (a, b) = (question.a.at(seed), question.b.at(seed));
        (a.len() > 1 || b.len() > 1).then(|| Duplicate {
            question: question.id.clone(),
            seed,
            lines_a: lines(a),
            lines_b: lines(b),
        })
    })
}

fn semantic(results: &[QuestionResult], referee: Option<&EmbedderId>) -> SemanticRef {
    use SemanticRung::{DistanceUnknown, GoldUnknown, NoiseUnknown};
    let count = |of: &dyn Fn(SemanticRung) -> bool| {
        let counted = results.iter().filter(|result| of(result.semantic));
        counted.count()
    };
    let n_checked = count(&SemanticRung::is_checked);
    let reasons = [
        (GoldUnknown, "no line names the gold citations"),
        (DistanceUnknown, "the answers have no vectors"),
        (
            NoiseUnknown,
            "a side has too few repeats (another seed) to know its noise",
        ),
    ];
    let unchecked: Vec<(usize, &str)> = reasons
        .into_iter()
        .map(|(reason, words)| (count(&|rung| rung == reason), words))
        .filter(|(n, _)| *n > 0)
        .collect();
    let n_unchecked = unchecked.iter().map(|(n, _)| n).sum();
    let counts = format!("checked on {n_checked} questions, not checked on {n_unchecked}");
    let reasons = unchecked.iter().map(|(n, words)| format!("{n}: {words}"));
    let caution = (n_unchecked > 0)
        .then(|| "what is different without that check is only not shown equal".to_owned());
    let note: Vec<String> = std::iter::once(counts)
        .chain(reasons)
        .chain(caution)
        .collect();
    SemanticRef {
        referee: referee.cloned(),
        n_checked,
        n_unchecked,
        note: note.join("; "),
    }
}
