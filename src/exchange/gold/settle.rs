//! Makes of what was read a gold set that loads, and lists what it cannot hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::exchange::gold::draft::{
    ANY_TOPIC, Draft, DraftJudgment, DraftQuestion, DraftSection, Judged,
};
use crate::exchange::gold::left_out::{LeftOut, Reason};
use crate::goldset::{NotRelevant, Question, Section, TargetSection};
use crate::ids::{QuestionId, SectionKey, Topic};

/// The parts of a gold set, and what is not in them.
pub(super) struct Settled {
    pub(super) questions: Vec<Question>,
    pub(super) corpus: Vec<Section>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Settles a draft. The order of the files is kept.
pub(super) fn settle(draft: Draft) -> Settled {
    let Draft {
        sections,
        questions,
        judgments,
        mut left_out,
        ..
    } = draft;
    let (corpus, known) = corpus(sections, &mut left_out);
    let mut questions = grouped(questions, &mut left_out);
    hand_out(judgments, &mut questions, &mut left_out);
    let mut wordings = HashMap::new();
    let settled = questions
        .into_iter()
        .filter_map(|(question, _)| settled(question, &known, &mut wordings, &mut left_out))
        .collect();
    Settled {
        questions: settled,
        corpus,
        left_out,
    }
}

/// The sections of the corpus, and those that stand for others.
#[derive(Default)]
struct Known {
    /// What is called so leads to this section.
    keys: HashMap<(String, String), SectionKey>,
    /// The sections of a document.
    documents: HashMap<String, Vec<String>>,
    /// Documents that had no text.
    blank: HashSet<String>,
}

fn corpus(sections: Vec<DraftSection>, left_out: &mut Vec<LeftOut>) -> (Vec<Section>, Known) {
    let mut known = Known::default();
    let mut texts: HashMap<String, SectionKey> = HashMap::new();
    let mut printed: HashMap<String, usize> = HashMap::new();
    let mut corpus: Vec<Section> = Vec::new();
    for section in sections {
        let key = SectionKey::new(&section.doc_id, &section.section_id);
        let name = key.to_string();
        let place = &section.place;
        if section.text.trim().is_empty() {
            left_out.push(place.left_out(&section.doc_id, Reason::BlankDocument));
            known.blank.insert(section.doc_id);
            continue;
        }
        if let Some(&first) = printed.get(&name) {
            let same = corpus[first].text == section.text;
            if !(same && section.is_context) {
                let reason = if same {
                    Reason::EqualText
                } else {
                    Reason::DuplicateDocument
                };
                left_out.push(place.left_out(&section.doc_id, reason));
            }
            continue;
        }
        let mut stands_for = |key: SectionKey| {
            let sections = known.documents.entry(section.doc_id.clone()).or_default();
            sections.push(section.section_id.clone());
            known
                .keys
                .insert((section.doc_id.clone(), section.section_id.clone()), key);
        };
        if let Some(first) = texts.get(&section.text) {
            let entry = place.left_out(&section.doc_id, Reason::EqualText);
            left_out.push(entry.about(format!("{} stands for it", first.doc_id)));
            stands_for(first.clone());
            continue;
        }
        stands_for(key.clone());
        printed.insert(name, corpus.len());
        texts.insert(section.text.clone(), key.clone());
        corpus.push(Section {
            doc_id: key.doc_id,
            section_id: key.section_id,
            title: section.title,
            text: section.text,
            rev: section.rev,
            line: 0,
        });
    }
    (corpus, known)
}

impl Known {
    /// The section that is meant, or why there is none.
    fn find(&self, judged: &Judged) -> Result<SectionKey, (Reason, Option<&'static str>)> {
        let unknown = |document: &str| {
            let blank = self.blank.contains(document);
            (
                Reason::UnknownDocument,
                blank.then_some("the document has no text"),
            )
        };
        let section = |document: &str, section: &str| {
            let key = (document.to_owned(), section.to_owned());
            self.keys.get(&key).cloned()
        };
        match judged {
            Judged::Section(document, name) => {
                section(document, name).ok_or_else(|| unknown(document))
            }
            Judged::Document(document) => match self.documents.get(document).map(Vec::as_slice) {
                Some([only]) => section(document, only).ok_or_else(|| unknown(document)),
                Some(_) => Err((Reason::SeveralSections, None)),
                None => document
                    .rsplit_once('#')
                    .and_then(|(document, name)| section(document, name))
                    .ok_or_else(|| unknown(document)),
            },
        }
    }
}

/// Questions in the order of their first rows, and the ids of all rows that became part of each.
type Rows = Vec<(DraftQuestion, Vec<String>)>;

/// Rows of one group become one question. A second row under one id is listed.
fn grouped(rows: Vec<DraftQuestion>, left_out: &mut Vec<LeftOut>) -> Rows {
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let mut questions: Rows = Vec::new();
    for row in rows {
        let is_grouped = row.group.is_some();
        let id = row.group.clone().unwrap_or_else(|| row.id.clone());
        match by_id.get(&id) {
            None => {
                by_id.insert(id.clone(), questions.len());
                let ids = vec![row.id.clone()];
                questions.push((DraftQuestion { id, ..row }, ids));
            }
            Some(&first) if is_grouped => {
                let (question, ids) = &mut questions[first];
                ids.push(row.id.clone());
                join(question, row, left_out);
            }
            Some(_) => left_out.push(row.place.left_out(&row.id, Reason::DuplicateQuestion)),
        }
    }
    questions
}

/// Takes what a further row of the same question has.
fn join(question: &mut DraftQuestion, row: DraftQuestion, left_out: &mut Vec<LeftOut>) {
    if question.topic.is_none() {
        question.topic.clone_from(&row.topic);
    } else if row
        .topic
        .as_ref()
        .is_some_and(|topic| question.topic.as_ref() != Some(topic))
    {
        left_out.push(row.place.left_out(&row.id, Reason::SecondTopic));
    }
    question.wordings.extend(row.wordings);
    for (own, more) in [
        (&mut question.references, row.references),
        (&mut question.not_allowed, row.not_allowed),
        (&mut question.tags, row.tags),
    ] {
        let new: Vec<_> = more
            .into_iter()
            .filter(|text| !own.contains(text))
            .collect();
        own.extend(new);
    }
    question.judgments.extend(row.judgments);
}

/// Gives each question its judgments, which name it by the id of one of its rows or by its own.
fn hand_out(
    judgments: Vec<(String, DraftJudgment)>,
    questions: &mut Rows,
    left_out: &mut Vec<LeftOut>,
) {
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (index, (question, ids)) in questions.iter().enumerate() {
        for id in ids.iter().chain([&question.id]) {
            by_id.entry(id.clone()).or_insert(index);
        }
    }
    for (id, judgment) in judgments {
        if let Some(&index) = by_id.get(&id) {
            questions[index].0.judgments.push(judgment);
        } else {
            let entry = judgment.place.left_out(&id, Reason::UnknownQuestion);
            left_out.push(entry.about(format!("judges {}", judgment.judged)));
        }
    }
}

/// One question, or nothing if it cannot be asked. `wordings` are those of earlier questions.
fn settled(
    draft: DraftQuestion,
    known: &Known,
    wordings: &mut HashMap<String, String>,
    left_out: &mut Vec<LeftOut>,
) -> Option<Question> {
    let (target, not_relevant) = judgments(&draft, known, left_out);
    if draft.answerable && target.is_empty() {
        left_out.push(draft.place.left_out(&draft.id, Reason::NoTarget));
        return None;
    }
    let mut forms = forms(&draft, wordings, left_out).into_iter();
    let question = forms.next()?;
    let mut references = draft
        .references
        .iter()
        .filter(|text| !text.trim().is_empty());
    let reference = references.next().cloned();
    for more in references {
        let entry = draft.place.left_out(&draft.id, Reason::SecondReference);
        left_out.push(entry.about(more.clone()));
    }
    let decoy = draft
        .decoy
        .as_ref()
        .and_then(|decoy| known.find(decoy).ok());
    Some(Question {
        id: QuestionId::new(draft.id),
        topic: Topic::new(draft.topic.unwrap_or_else(|| ANY_TOPIC.to_owned())),
        question,
        paraphrases: forms.collect(),
        answerable: draft.answerable,
        target,
        not_relevant,
        decoy,
        anchor: None,
        reference,
        answers_not_allowed: draft.not_allowed,
        tags: draft.tags,
        line: 0,
    })
}

/// The wordings that no question has yet.
fn forms(
    draft: &DraftQuestion,
    wordings: &mut HashMap<String, String>,
    left_out: &mut Vec<LeftOut>,
) -> Vec<String> {
    let mut forms = Vec::new();
    for wording in &draft.wordings {
        let entry = |reason| draft.place.left_out(&draft.id, reason);
        match wordings.get(wording) {
            _ if wording.trim().is_empty() => left_out.push(entry(Reason::BlankWording)),
            None => {
                wordings.insert(wording.clone(), draft.id.clone());
                forms.push(wording.clone());
            }
            Some(id) if *id == draft.id => {
                left_out.push(entry(Reason::RepeatedWording).about(wording.clone()));
            }
            Some(id) => {
                let detail = format!("{id} asks: {wording}");
                left_out.push(entry(Reason::EqualWording).about(detail));
            }
        }
    }
    forms
}

/// Targets and what is not relevant, each section once, in the order of the file.
fn judgments(
    draft: &DraftQuestion,
    known: &Known,
    left_out: &mut Vec<LeftOut>,
) -> (Vec<TargetSection>, Vec<NotRelevant>) {
    let mut order = Vec::new();
    let mut found: BTreeMap<SectionKey, (i32, Vec<(usize, usize)>)> = BTreeMap::new();
    for judgment in &draft.judgments {
        let entry = |reason| {
            let entry = judgment.place.left_out(&draft.id, reason);
            entry.about(format!("judges {}", judgment.judged))
        };
        let key = match known.find(&judgment.judged) {
            Ok(key) => key,
            Err((reason, detail)) => {
                let judged = &judgment.judged;
                let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
                left_out.push(entry(reason).about(format!("judges {judged}{detail}")));
                continue;
            }
        };
        let Some((grade, spans)) = found.get_mut(&key) else {
            order.push(key.clone());
            found.insert(key, (judgment.grade, judgment.spans.clone()));
            continue;
        };
        if *grade != judgment.grade {
            left_out.push(entry(Reason::JudgedTwice));
            *grade = judgment.grade.max(*grade);
        }
        spans.extend(&judgment.spans);
    }
    let (mut target, mut not_relevant) = (Vec::new(), Vec::new());
    for key in order {
        let (grade, spans) = found
            .remove(&key)
            .expect("every key of the order was found");
        if grade >= 1 {
            let spans = apart(spans);
            target.push(TargetSection { key, spans, grade });
        } else {
            not_relevant.push(NotRelevant { key, grade });
        }
    }
    (target, not_relevant)
}

/// Spans in ascending order, those that overlap joined.
pub(super) fn apart(mut spans: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    spans.sort_unstable();
    let mut apart: Vec<(usize, usize)> = Vec::new();
    for (start, end) in spans {
        match apart.last_mut() {
            Some(last) if start < last.1 => last.1 = last.1.max(end),
            _ => apart.push((start, end)),
        }
    }
    apart
}
