//! Proves that questions and corpus fit together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use crate::goldset::{Problem, Question, Rule, Section};
use crate::ids::SectionKey;

/// What is wrong, and what to do about it.
type Finding = (Rule, String, &'static str);

/// The sections of a corpus by their key.
type Sections<'a> = BTreeMap<SectionKey, &'a Section>;

/// Ids and texts of sections are unique, and no text is blank.
pub(super) fn check_corpus(path: &Path, corpus: &[Section], problems: &mut Vec<Problem>) {
    let mut ids = HashMap::new();
    let mut texts = HashMap::new();
    for section in corpus {
        let id = section.key().to_string();
        if section.text.trim().is_empty() {
            let help = "write the text, or remove the section";
            problems.push(Problem::new(
                path,
                section.line,
                Rule::Blank,
                format!("section {id} has no text"),
                help,
            ));
        }
        if let Some(first) = ids.insert(id.clone(), section.line) {
            let help = "give each section its own (doc_id, section_id)";
            problems.push(Problem::new(
                path,
                section.line,
                Rule::DuplicateId,
                format!("section {id} stands on line {first} already"),
                help,
            ));
        }
        if let Some(first) = texts.insert(&section.text, section.line) {
            let help = "keep one of the two: equal texts cannot be told apart by what is retrieved";
            problems.push(Problem::new(
                path,
                section.line,
                Rule::DuplicateText,
                format!("the text of {id} stands on line {first} already"),
                help,
            ));
        }
    }
}

/// Ids and wordings are unique, no wording is blank, and whatever a question names is in the corpus.
pub(super) fn check_questions(
    path: &Path,
    questions: &[Question],
    corpus: &[Section],
    problems: &mut Vec<Problem>,
) {
    let sections: Sections = corpus
        .iter()
        .map(|section| (section.key(), section))
        .collect();
    let mut ids = HashMap::new();
    let mut wordings = HashMap::new();
    for question in questions {
        let mut say = |rule, message: String, help: &str| {
            problems.push(Problem::new(path, question.line, rule, message, help));
        };
        if let Some(first) = ids.insert(&question.id, question.line) {
            say(
                Rule::DuplicateId,
                format!("question {} stands on line {first} already", question.id),
                "give each question its own id",
            );
        }
        for (form, wording) in question.forms() {
            if wording.trim().is_empty() {
                say(
                    Rule::Blank,
                    format!("form {} of {} is blank", form.0, question.id),
                    "write the wording, or remove it",
                );
            } else if let Some(first) = wordings.insert(wording, question.line) {
                let message = format!(
                    "form {} of {} has the same words as a form on line {first}",
                    form.0, question.id
                );
                say(
                    Rule::DuplicateText,
                    message,
                    "a repeated wording is one observation counted twice: rephrase it",
                );
            }
        }
        let mut found = Vec::new();
        targets(question, &sections, &mut found);
        judgments(question, &sections, &mut found);
        decoy(question, &sections, &mut found);
        anchor(question, &sections, &mut found);
        for (rule, message, help) in found {
            say(rule, message, help);
        }
    }
}

const KNOWN: &str = "name a section that stands in corpus.jsonl";

/// Targets there must be if there is an answer, and their spans lie inside the sections.
fn targets(question: &Question, sections: &Sections, found: &mut Vec<Finding>) {
    let id = &question.id;
    if question.answerable == question.target.is_empty() {
        let message = if question.answerable {
            format!("{id} is answerable but has no target")
        } else {
            format!("{id} is unanswerable but has a target")
        };
        found.push((
            Rule::Target,
            message,
            "name the sections that hold the answer, or set \"answerable\": false",
        ));
    }
    for target in &question.target {
        match sections.get(&target.key) {
            None => found.push((
                Rule::UnknownSection,
                format!("target {} of {id} is not in the corpus", target.key),
                KNOWN,
            )),
            Some(section) => {
                if let Some(wrong) = wrong_span(&target.spans, section.text.chars().count()) {
                    found.push((
                        Rule::Span,
                        format!("span {wrong:?} of {id} in {} is wrong", target.key),
                        "spans are ascending [start, end) ranges of characters inside the section",
                    ));
                }
            }
        }
    }
}

/// Every section is judged once: as a target of at least 1, or as not relevant of at most 0.
fn judgments(question: &Question, sections: &Sections, found: &mut Vec<Finding>) {
    let id = &question.id;
    let mut judged = BTreeSet::new();
    let targets = question.target.iter().map(|target| &target.key);
    let others = question.not_relevant.iter().map(|judged| &judged.key);
    for key in targets.chain(others) {
        if !judged.insert(key) {
            found.push((
                Rule::JudgedTwice,
                format!("{id} judges {key} twice"),
                "name each section once, in \"target\" or in \"not_relevant\"",
            ));
        }
    }
    for target in question.target.iter().filter(|target| target.grade < 1) {
        found.push((
            Rule::Grade,
            format!("target {} of {id} has grade {}", target.key, target.grade),
            "a target has a grade of at least 1; what is not relevant goes to \"not_relevant\"",
        ));
    }
    for judged in &question.not_relevant {
        if judged.grade > 0 {
            found.push((
                Rule::Grade,
                format!(
                    "{} is not relevant to {id}, with grade {}",
                    judged.key, judged.grade
                ),
                "\"not_relevant\" has grades of at most 0; what is relevant is a target",
            ));
        }
        if !sections.contains_key(&judged.key) {
            found.push((
                Rule::UnknownSection,
                format!("{}, not relevant to {id}, is not in the corpus", judged.key),
                KNOWN,
            ));
        }
    }
}

/// A decoy exists and is no target.
fn decoy(question: &Question, sections: &Sections, found: &mut Vec<Finding>) {
    let (Some(decoy), id) = (&question.decoy, &question.id) else {
        return;
    };
    if !sections.contains_key(decoy) {
        found.push((
            Rule::UnknownSection,
            format!("decoy {decoy} of {id} is not in the corpus"),
            KNOWN,
        ));
    }
    if question.is_target(decoy) {
        found.push((
            Rule::DecoyIsTarget,
            format!("decoy {decoy} of {id} is also its target"),
            "choose a near section that does not answer",
        ));
    }
}

/// An anchor stands in a target section, letter by letter.
fn anchor(question: &Question, sections: &Sections, found: &mut Vec<Finding>) {
    let Some(anchor) = &question.anchor else {
        return;
    };
    let inside = question
        .target
        .iter()
        .filter_map(|target| sections.get(&target.key))
        .any(|section| section.text.contains(anchor.as_str()));
    if !inside || anchor.trim().is_empty() {
        found.push((
            Rule::Anchor,
            format!(
                "the anchor of {} does not stand in a target section",
                question.id
            ),
            "copy the minimal evidence from the section, letter by letter",
        ));
    }
}

/// The first span that is empty, out of order, overlapping or past the end.
fn wrong_span(spans: &[(usize, usize)], length: usize) -> Option<(usize, usize)> {
    let mut end_before = 0;
    spans.iter().copied().find(|&(start, end)| {
        let wrong = start < end_before || end <= start || end > length;
        end_before = end;
        wrong
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goldset::{GoldSet, GoldSetError, load};

    const SECTION: &str = r#"{"doc_id":"d","section_id":"s","title":"T","text":"Purge the cache before the cutover.","rev":"1"}"#;
    const OTHER: &str =
        r#"{"doc_id":"d","section_id":"o","title":"O","text":"Drain the queue first.","rev":"1"}"#;
    const QUESTION: &str = r#"{"id":"q","topic":"t","question":"When is the cache purged?","paraphrases":[],"target":[{"doc_id":"d","section_id":"s","spans":[[0,5]]}],"anchor":"Purge the cache"}"#;

    fn gold(questions: &str, corpus: &str) -> Result<GoldSet, GoldSetError> {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        write("gold.toml", "name = 'g'\nversion = '1'\nmodel = 'm'\n");
        write("questions.jsonl", questions);
        write("corpus.jsonl", corpus);
        load(folder.path())
    }

    /// A gold set of these lines breaks `rule` on `line`.
    #[track_caller]
    fn breaks(questions: &str, corpus: &str, rule: Rule, line: Option<u64>) {
        match gold(questions, corpus) {
            Err(GoldSetError::Content { problems }) => {
                assert!(
                    problems
                        .iter()
                        .any(|problem| problem.rule == rule && problem.line == line),
                    "{problems:#?}"
                );
            }
            other => panic!("expected {rule:?}, found {other:?}"),
        }
    }

    /// The question, changed in one place, breaks `rule`.
    #[track_caller]
    fn spoilt(from: &str, to: &str, rule: Rule) {
        assert!(QUESTION.contains(from));
        let corpus = format!("{SECTION}\n{OTHER}");
        breaks(&QUESTION.replace(from, to), &corpus, rule, Some(1));
    }

    #[test]
    fn a_sound_gold_set_loads() {
        let gold = gold(QUESTION, SECTION).expect("sound");
        assert_eq!((gold.questions.len(), gold.corpus.len()), (1, 1));
        assert_eq!(gold.questions[0].line, 1);
    }

    #[test]
    fn a_gold_set_without_grades_has_the_digest_it_had_before_there_were_any() {
        let gold = gold(QUESTION, SECTION).expect("sound");
        let before = "b3:58417215dd89de3a4e9dd378e0037a269f86ea4dbec64e7d7cb6d1ba31453c38";
        assert_eq!(gold.digest().to_string(), before);
    }

    #[test]
    fn a_line_that_is_no_question_is_found() {
        breaks("", SECTION, Rule::Empty, None);
        let without_topic = QUESTION.replace("\"topic\":\"t\",", "");
        breaks(
            &format!("\n{without_topic}"),
            SECTION,
            Rule::Schema,
            Some(2),
        );
        spoilt("\"topic\"", "\"subject\"", Rule::Schema);
        spoilt("\"spans\"", "\"span\"", Rule::Schema);
        spoilt("[[0,5]]", "[[0,5]],\"grade\":1.5", Rule::Schema);
    }

    #[test]
    fn what_stands_twice_is_found() {
        let twice = format!("{QUESTION}\n{QUESTION}");
        breaks(&twice, SECTION, Rule::DuplicateId, Some(2));
        let twice = format!("{SECTION}\n{SECTION}");
        breaks(QUESTION, &twice, Rule::DuplicateId, Some(2));
        spoilt(
            "[],",
            "[\"When is the cache purged?\"],",
            Rule::DuplicateText,
        );
    }

    #[test]
    fn blank_texts_are_found() {
        spoilt("[],", "[\" \"],", Rule::Blank);
        let blank = SECTION.replace("Purge the cache before the cutover.", " ");
        breaks(QUESTION, &blank, Rule::Blank, Some(1));
    }

    #[test]
    fn targets_and_what_belongs_to_them_must_fit_the_corpus() {
        spoilt(
            "\"section_id\":\"s\"",
            "\"section_id\":\"x\"",
            Rule::UnknownSection,
        );
        for spans in ["[[5,5]]", "[[0,500]]", "[[4,9],[0,3]]"] {
            spoilt("[[0,5]]", spans, Rule::Span);
        }
        spoilt("Purge the cache", "Warm the cache", Rule::Anchor);
        spoilt(
            "\"anchor\"",
            "\"answerable\":false,\"anchor\"",
            Rule::Target,
        );
        let decoy = r#""decoy":{"doc_id":"d","section_id":"s"},"anchor""#;
        spoilt("\"anchor\"", decoy, Rule::DecoyIsTarget);
    }

    #[test]
    fn every_section_is_judged_once_and_on_its_side_of_zero() {
        let judges = |list: &str, rule| {
            let list = format!("\"not_relevant\":[{list}],\"anchor\"");
            spoilt("\"anchor\"", &list, rule);
        };
        judges(r#"{"doc_id":"d","section_id":"x"}"#, Rule::UnknownSection);
        judges(r#"{"doc_id":"d","section_id":"s"}"#, Rule::JudgedTwice);
        judges(r#"{"doc_id":"d","section_id":"o","grade":1}"#, Rule::Grade);
        let o = r#"{"doc_id":"d","section_id":"o"}"#;
        judges(&format!("{o},{o}"), Rule::JudgedTwice);
        spoilt("[[0,5]]", "[[0,5]],\"grade\":0", Rule::Grade);
    }

    #[test]
    fn grades_load_and_are_written_only_where_they_say_something() {
        let graded = QUESTION.replace("[[0,5]]", "[[0,5]],\"grade\":3").replace(
            "\"anchor\"",
            r#""not_relevant":[{"doc_id":"d","section_id":"o","grade":-1}],"anchor""#,
        );
        let corpus = format!("{SECTION}\n{OTHER}");
        let graded = gold(&graded, &corpus).expect("sound");
        let question = &graded.questions[0];
        assert_eq!(question.target[0].grade, 3);
        assert_eq!(question.not_relevant[0].grade, -1);
        let written = serde_json::to_string(question).expect("JSON");
        assert!(written.contains("\"grade\":3") && written.contains("\"grade\":-1"));

        let plain = gold(QUESTION, &corpus).expect("sound");
        assert_eq!(plain.questions[0].target[0].grade, 1);
        let written = serde_json::to_string(&plain.questions[0]).expect("JSON");
        assert!(!written.contains("grade") && !written.contains("not_relevant"));
        assert_ne!(graded.digest(), plain.digest());
    }
}
