//! What a careful author would look at again: rules that need judgement, on a gold set that already
//! loads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;

use crate::goldset::{GoldSet, Problem, Question, Rule, paraphrase};
use crate::vector::dot;

/// RUNBOOKS.md: a probe set is 50 to 200 gold questions.
pub const PROBE_SET: std::ops::RangeInclusive<usize> = 50..=200;
/// RUNBOOKS.md: three paraphrases each.
pub const PARAPHRASES: usize = 3;
/// Questions that are named one by one where they have one number of paraphrases.
const NAMED: usize = 20;
/// Share of the gold set above which one topic decides every verdict.
const DOMINANT_TOPIC: f64 = 0.5;

/// The unit vector of a text under the embedder at hand, if there is one.
pub type VectorOf<'a> = dyn Fn(&str) -> Option<&'a [f32]> + Sync + 'a;

/// The warnings about a gold set that loads, in line order.
pub fn lint(gold: &GoldSet, vector_of: &VectorOf) -> Vec<Problem> {
    let path = gold.root.join("questions.jsonl");
    let mut problems = size(gold, &path);
    problems.extend(topics(gold, &path));
    problems.extend(numbers_of_paraphrases(gold, &path));
    let originals: Vec<Option<&[f32]>> = gold
        .questions
        .iter()
        .map(|question| vector_of(&question.question))
        .collect();
    let checked: Vec<(Vec<Problem>, usize)> = (0..gold.questions.len())
        .into_par_iter()
        .map(|index| paraphrases(gold, index, &originals, &path, vector_of))
        .collect();
    let mut not_embedded = 0;
    for (found, missing) in checked {
        problems.extend(found);
        not_embedded += missing;
    }
    if not_embedded > 0 {
        let message =
            format!("{not_embedded} paraphrases have no vector, so their distance was not checked");
        let help = "run `ragstone gold embed` first";
        problems.push(Problem::new(
            &gold.embeddings_path(),
            None,
            Rule::NotEmbedded,
            message,
            help,
        ));
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

fn size(gold: &GoldSet, path: &Path) -> Vec<Problem> {
    let n = gold.questions.len();
    if PROBE_SET.contains(&n) {
        return Vec::new();
    }
    let message = format!("{n} questions");
    vec![Problem::new(
        path,
        None,
        Rule::ProbeSetSize,
        message,
        "the runbooks ask for 50 to 200: fewer cannot decide, more cost time on every gate",
    )]
}

/// A warning a question with too few or too many, and a single one for all with as many where those are more than
/// anyone reads.
fn numbers_of_paraphrases(gold: &GoldSet, path: &Path) -> Vec<Problem> {
    const HELP: &str =
        "the runbooks ask for three, so that a convergence rate means the same everywhere";
    let mut by_number: BTreeMap<usize, Vec<&Question>> = BTreeMap::new();
    for question in &gold.questions {
        let number = question.paraphrases.len();
        by_number.entry(number).or_default().push(question);
    }
    by_number.remove(&PARAPHRASES);
    let warning =
        |line: Option<u64>, message| Problem::new(path, line, Rule::Paraphrases, message, HELP);
    by_number
        .iter()
        .flat_map(|(number, questions)| {
            if questions.len() > NAMED {
                let message = format!("{} questions have {number} paraphrases", questions.len());
                return vec![warning(None, message)];
            }
            let one = |question: &&Question| {
                let message = format!("{} has {number} paraphrases", question.id);
                warning(Some(question.line), message)
            };
            questions.iter().map(one).collect()
        })
        .collect()
}

fn topics(gold: &GoldSet, path: &Path) -> Vec<Problem> {
    let mut by_topic: BTreeMap<_, Vec<&Question>> = BTreeMap::new();
    for question in &gold.questions {
        by_topic.entry(&question.topic).or_default().push(question);
    }
    let mut problems = Vec::new();
    for (topic, questions) in &by_topic {
        let line = questions[0].line;
        if questions.len() as f64 > DOMINANT_TOPIC * gold.questions.len() as f64
            && by_topic.len() > 1
        {
            let message = format!(
                "topic {topic} holds {} of {} questions",
                questions.len(),
                gold.questions.len()
            );
            problems.push(Problem::new(
                path,
                line,
                Rule::OneSidedTopic,
                message,
                "a fault elsewhere would hardly show: ask more about the other topics",
            ));
        }
        let targets: BTreeSet<_> = questions
            .iter()
            .flat_map(|question| &question.target)
            .map(|target| &target.key)
            .collect();
        if let (Some(only), true, true) = (targets.first(), targets.len() == 1, questions.len() > 1)
        {
            let message = format!(
                "all {} questions of topic {topic} lead to {only}",
                questions.len()
            );
            problems.push(Problem::new(
                path,
                line,
                Rule::OneSidedTopic,
                message,
                "one lost section would fail the whole topic: add targets",
            ));
        }
    }
    problems
}

/// Problems of one question's paraphrases, and how many have no vector. `originals` are the vectors
/// of all questions.
fn paraphrases(
    gold: &GoldSet,
    index: usize,
    originals: &[Option<&[f32]>],
    path: &Path,
    vector_of: &VectorOf,
) -> (Vec<Problem>, usize) {
    let question = &gold.questions[index];
    let mut problems = Vec::new();
    let mut missing = 0;
    for (form, wording) in question.forms().skip(1) {
        let mut say = |rule, message: String, help| {
            let message = format!("form {} of {} {message}", form.0, question.id);
            problems.push(Problem::new(path, question.line, rule, message, help));
        };
        let vector = vector_of(wording);
        let own = originals[index].and_then(|own| Some(dot(own, vector?)));
        missing += usize::from(own.is_none());
        if let Some(finding) = paraphrase::doubt(&question.question, wording, own) {
            say(finding.rule, finding.message, finding.help);
        }
        let (Some(own), Some(vector)) = (own, vector) else {
            continue;
        };
        let others = originals.iter().zip(&gold.questions);
        let nearest = others
            .filter(|(_, other)| other.id != question.id)
            .filter_map(|(other, question)| Some((dot((*other)?, vector), &question.id)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((cosine, other)) = nearest.filter(|&(cosine, _)| cosine > own) {
            let message = format!(
                "is closer to {other} (cosine {cosine:.2}) than to its own original ({own:.2})"
            );
            say(
                Rule::TooFar,
                message,
                "reword it until it can only be this question",
            );
        }
    }
    (problems, missing)
}
