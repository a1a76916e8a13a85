//! What a careful author would look at again: rules that need judgement, on a gold set that already
//! loads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::goldset::{GoldSet, Problem, Question, Rule};

/// RUNBOOKS.md: a probe set is 50 to 200 gold questions.
pub const PROBE_SET: std::ops::RangeInclusive<usize> = 50..=200;
/// RUNBOOKS.md: three paraphrases each.
pub const PARAPHRASES: usize = 3;
/// Cosine above which a paraphrase repeats the original wording and adds no evidence. Crowd-sourced
/// paraphrases of SQuAD, which change few words, have a median of 0.983 under MiniLM.
pub const TOO_CLOSE: f64 = 0.99;
/// Cosine below which a paraphrase has probably become another question. Of 1,701 query variants
/// labelled by people, misspellings left out, it flags 2 % of the valid ones, and 72 % of those it
/// flags are not valid (MiniLM; recall 10 %, so it is a hint and no judge).
pub const TOO_FAR: f64 = 0.60;
/// Share of the gold set above which one topic decides every verdict.
const DOMINANT_TOPIC: f64 = 0.5;

/// The cosine of two texts under the embedder at hand, in `[-1, 1]`; `None` when a vector is
/// missing.
pub type Similarity<'a> = dyn Fn(&str, &str) -> Option<f64> + 'a;

/// The warnings about a gold set that loads, in line order.
pub fn lint(gold: &GoldSet, similarity: &Similarity) -> Vec<Problem> {
    let path = gold.root.join("questions.jsonl");
    let mut problems = size(gold, &path);
    problems.extend(topics(gold, &path));
    let mut not_embedded = 0;
    for question in &gold.questions {
        if question.paraphrases.len() != PARAPHRASES {
            let message = format!(
                "{} has {} paraphrases",
                question.id,
                question.paraphrases.len()
            );
            let help =
                "the runbooks ask for three, so that a convergence rate means the same everywhere";
            problems.push(Problem::new(
                &path,
                question.line,
                Rule::Paraphrases,
                message,
                help,
            ));
        }
        let (found, missing) = paraphrases(question, gold, &path, similarity);
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

/// Problems of one question's paraphrases, and how many could not be compared.
fn paraphrases(
    question: &Question,
    gold: &GoldSet,
    path: &Path,
    similarity: &Similarity,
) -> (Vec<Problem>, usize) {
    let mut problems = Vec::new();
    let mut missing = 0;
    for (form, wording) in question.forms().skip(1) {
        let Some(own) = similarity(&question.question, wording) else {
            missing += 1;
            continue;
        };
        let mut say = |rule, message, help| {
            problems.push(Problem::new(path, question.line, rule, message, help));
        };
        if own > TOO_CLOSE {
            let message = format!(
                "form {} of {} is nearly the original wording (cosine {own:.2})",
                form.0, question.id
            );
            say(
                Rule::TooClose,
                message,
                "change words and syntax: a copy is no second opinion",
            );
        } else if own < TOO_FAR {
            let message = format!(
                "form {} of {} is far from the original wording (cosine {own:.2})",
                form.0, question.id
            );
            say(
                Rule::TooFar,
                message,
                "name the same subject and ask for the same facts",
            );
        }
        let others = gold
            .questions
            .iter()
            .filter(|other| other.id != question.id);
        let nearest = others
            .filter_map(|other| Some((similarity(&other.question, wording)?, &other.id)))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((cosine, other)) = nearest.filter(|&(cosine, _)| cosine > own) {
            let message = format!(
                "form {} of {} is closer to {other} (cosine {cosine:.2}) than to its own original ({own:.2})",
                form.0, question.id
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
