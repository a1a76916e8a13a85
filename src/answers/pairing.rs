//! Which replies of two sides belong together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::answers::{AnswerFile, RecordedReply};
use crate::goldset::{Problem, Rule};
use crate::ids::{QuestionId, Seed};

/// What names a question in both files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyedBy {
    /// Its id, which every line of both files has.
    Id,
    /// Its text, since some line has no id.
    Question,
}

/// The replies of one side to one question: by seed, and within a seed in the order of the lines.
#[derive(Clone, Debug, Default)]
pub(super) struct SideReplies<'a>(BTreeMap<Seed, Vec<&'a RecordedReply>>);

/// One question with the replies of both sides.
#[derive(Clone, Debug)]
pub(super) struct Paired<'a> {
    pub(super) id: QuestionId,
    pub(super) a: SideReplies<'a>,
    pub(super) b: SideReplies<'a>,
}

impl<'a> SideReplies<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'a RecordedReply> {
        self.0.values().flatten().copied()
    }

    pub(super) fn seeds(&self) -> impl Iterator<Item = Seed> {
        self.0.keys().copied()
    }

    pub(super) fn at(&self, seed: Seed) -> &[&'a RecordedReply] {
        self.0.get(&seed).map_or(&[], Vec::as_slice)
    }

    /// The first reply of the lowest seed with the first reply of every other: the side against
    /// its own repeats.
    pub(super) fn repeats(&self) -> Vec<(&'a RecordedReply, &'a RecordedReply)> {
        let mut first_of_seed = self
            .0
            .values()
            .filter_map(|replies| replies.first().copied());
        let Some(first) = first_of_seed.next() else {
            return Vec::new();
        };
        first_of_seed.map(|repeat| (first, repeat)).collect()
    }
}

impl<'a> Paired<'a> {
    /// The replies that are compared: seed by seed, in the order of the lines.
    pub(super) fn pairs(&self) -> Vec<(&'a RecordedReply, &'a RecordedReply)> {
        self.seeds()
            .into_iter()
            .flat_map(|seed| {
                self.a
                    .at(seed)
                    .iter()
                    .copied()
                    .zip(self.b.at(seed).iter().copied())
            })
            .collect()
    }

    /// Whether a seed that both sides have stands more often on one of them.
    pub(super) fn is_uneven(&self) -> bool {
        let uneven = |seed: &Seed| {
            let (a, b) = (self.a.at(*seed).len(), self.b.at(*seed).len());
            a > 0 && b > 0 && a != b
        };
        self.seeds().iter().any(uneven)
    }

    /// Every seed of either side.
    pub(super) fn seeds(&self) -> BTreeSet<Seed> {
        self.a.seeds().chain(self.b.seeds()).collect()
    }

    /// The citations that ought to be kept, as any of its lines names them.
    pub(super) fn gold(&self) -> BTreeSet<String> {
        let lines = self.a.all().chain(self.b.all());
        lines.flat_map(|reply| reply.gold.iter().cloned()).collect()
    }
}

/// Whether ids name the questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ids {
    /// Where every line has one; otherwise one question could be two, and its text names it.
    #[default]
    Used,
    /// Never: the text names the question.
    Ignored,
}

/// Puts the replies to each question together, in the order in which A and then B first ask it.
///
/// # Errors
/// If an id asks two questions.
pub(super) fn pair<'a>(
    a: &'a AnswerFile,
    b: &'a AnswerFile,
    ids: Ids,
) -> Result<(KeyedBy, Vec<Paired<'a>>), Vec<Problem>> {
    let mut lines = a.replies.iter().chain(&b.replies);
    let keyed_by = if ids == Ids::Used && lines.all(|reply| reply.id.is_some()) {
        KeyedBy::Id
    } else {
        KeyedBy::Question
    };
    let key = |reply: &RecordedReply| match (keyed_by, &reply.id) {
        (KeyedBy::Id, Some(id)) => id.clone(),
        _ => QuestionId::new(reply.question.trim()),
    };
    let mut places: HashMap<QuestionId, usize> = HashMap::new();
    let mut questions: Vec<Paired> = Vec::new();
    for (file, is_a) in [(a, true), (b, false)] {
        for reply in &file.replies {
            let id = key(reply);
            let place = *places.entry(id.clone()).or_insert_with(|| {
                questions.push(Paired {
                    id,
                    a: SideReplies::default(),
                    b: SideReplies::default(),
                });
                questions.len() - 1
            });
            let question = &mut questions[place];
            let side = if is_a {
                &mut question.a
            } else {
                &mut question.b
            };
            side.0.entry(reply.seed).or_default().push(reply);
        }
    }
    let problems: Vec<Problem> = questions
        .iter()
        .flat_map(|question| other_questions(question, a, b))
        .collect();
    if problems.is_empty() {
        Ok((keyed_by, questions))
    } else {
        Err(problems)
    }
}

/// The lines that ask something else than the first one of the same name.
fn other_questions(question: &Paired, a: &AnswerFile, b: &AnswerFile) -> Vec<Problem> {
    let ours = question.a.all().map(|reply| (a, reply));
    let theirs = question.b.all().map(|reply| (b, reply));
    let mut lines = ours.chain(theirs);
    let Some((file, first)) = lines.next() else {
        return Vec::new();
    };
    let others = lines.filter(|(_, reply)| reply.question.trim() != first.question.trim());
    let problem = |(other, reply): (&AnswerFile, &RecordedReply)| {
        let (path, line) = (file.path.display(), first.line);
        let message = format!(
            "{} asks another question than at {path}:{line}",
            question.id
        );
        let help = "give each question one id in both files, or name questions by their text with --by-question";
        Problem::new(&other.path, reply.line, Rule::DuplicateId, message, help)
    };
    others.map(problem).collect()
}
