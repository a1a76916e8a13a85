//! A gold set in the formats of other tools.

mod frameworks;
mod names;
mod retrieval;
mod squad;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::exchange::ExchangeError;
use crate::exchange::gold::draft::{ANY_REV, ANY_TOPIC};
use crate::exchange::gold::folder::must_be_empty;
use crate::exchange::gold::left_out::{Count, LeftOut, Reason, counts, fields_first};
use crate::files::write_whole;
use crate::goldset::{GoldSet, Question};

/// Declares the formats: a name for the command line, and what is written.
macro_rules! targets {
    ($($target:ident = $name:literal, $meaning:literal;)*) => {
        /// A format that a gold set can be written in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Target { $(#[doc = concat!("`", $name, "`.")] $target,)* }

        impl Target {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$target,)*];

            /// The name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$target => $name,)* }
            }

            /// What is written.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$target => $meaning,)* }
            }
        }
    };
}

targets! {
    Trec = "trec", "a folder of topics.tsv, qrels.txt and corpus.jsonl";
    Beir = "beir", "a folder of queries.jsonl, corpus.jsonl and qrels/test.tsv";
    Ragas = "ragas", "JSON Lines of ragas, second version";
    Deepeval = "deepeval", "a JSON array of deepeval's goldens";
    Ragchecker = "ragchecker", "RAGChecker's JSON, to be filled with responses";
    Squad = "squad", "SQuAD's JSON: questions whose answers are spans of one section";
    Llamaindex = "llamaindex", "LlamaIndex's JSON";
    Jsonl = "jsonl", "JSON Lines that `gold import --from rows` reads without --map";
}

/// What an export came to.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// The format's name.
    pub format: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// Questions that were written.
    pub n_questions: usize,
    /// Sections that were written.
    pub n_sections: usize,
    /// How much was not written, by reason.
    pub counts: Vec<Count>,
    /// All of it, by file and line of the gold set.
    pub left_out: Vec<LeftOut>,
}

/// Writes a gold set to `out`, which must not exist or be an empty folder.
///
/// # Errors
/// If `out` is used, cannot be written, or if two sections would have one name.
pub fn export(gold: &GoldSet, target: Target, out: &Path) -> Result<Exported, ExchangeError> {
    must_be_empty(out)?;
    let written = match target {
        Target::Trec => retrieval::trec(gold)?,
        Target::Beir => retrieval::beir(gold)?,
        Target::Llamaindex => retrieval::llamaindex(gold)?,
        Target::Ragas => frameworks::ragas(gold)?,
        Target::Deepeval => frameworks::deepeval(gold),
        Target::Ragchecker => frameworks::ragchecker(gold),
        Target::Jsonl => frameworks::jsonl(gold)?,
        Target::Squad => squad::squad(gold),
    };
    for (name, bytes) in &written.files {
        let path = if name.is_empty() {
            out.to_owned()
        } else {
            out.join(name)
        };
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| write_whole(&path, bytes))
            .map_err(|source| ExchangeError::write(&path, source))?;
    }
    Ok(Exported {
        format: target.name(),
        path: out.to_owned(),
        n_questions: written.n_questions,
        n_sections: written.n_sections,
        counts: counts(&written.left_out),
        left_out: fields_first(written.left_out),
    })
}

/// The files of an export, and what they do not hold.
#[derive(Default)]
struct Written {
    /// By name within the folder; without a name where the export is one file.
    files: Vec<(&'static str, Vec<u8>)>,
    n_questions: usize,
    n_sections: usize,
    left_out: Vec<LeftOut>,
}

/// A part of a question that some formats hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Paraphrases,
    Targets,
    Grades,
    NotRelevant,
    Reference,
    Topic,
    Tags,
}

/// Lists what of the questions a format with these parts does not hold.
fn lacking(gold: &GoldSet, holds: &[Part], left_out: &mut Vec<LeftOut>) {
    let path = gold.root.join("questions.jsonl");
    for question in &gold.questions {
        parts(question, holds, &path, left_out);
    }
    let lacks = |part| !holds.contains(&part);
    let mut field = |name, has: &dyn Fn(&Question) -> bool| {
        let mut having = gold.questions.iter().filter(|question| has(question));
        if let Some(first) = having.next() {
            let n = 1 + having.count();
            left_out.push(LeftOut::field(&path, first.line, name, Reason::NoPlace, n));
        }
    };
    field("answers_not_allowed", &|question| {
        !question.answers_not_allowed.is_empty()
    });
    field("anchor", &|question| question.anchor.is_some());
    field("decoy", &|question| question.decoy.is_some());
    field("spans", &|question| {
        question
            .target
            .iter()
            .any(|target| !target.spans.is_empty())
    });
    if lacks(Part::Reference) {
        field("reference", &|question| question.reference.is_some());
    }
    if lacks(Part::Tags) {
        field("tags", &|question| !question.tags.is_empty());
    }
    if lacks(Part::Topic) {
        field("topic", &|question| question.topic.as_str() != ANY_TOPIC);
    }
    if lacks(Part::Targets) {
        field("target", &|question| !question.target.is_empty());
    }
}

/// The same of one question.
fn parts(question: &Question, holds: &[Part], path: &Path, left_out: &mut Vec<LeftOut>) {
    let mut say = |reason, n: usize| {
        if n > 0 {
            let id = question.id.as_str();
            let entry = LeftOut::one(path, Some(question.line), id, reason);
            left_out.push(LeftOut { n, ..entry });
        }
    };
    let lacks = |part| !holds.contains(&part);
    if !question.answerable {
        say(Reason::Unanswerable, 1);
        return;
    }
    if lacks(Part::Paraphrases) {
        say(Reason::Paraphrase, question.paraphrases.len());
    }
    if lacks(Part::Grades) {
        let graded = question.target.iter().filter(|target| target.grade != 1);
        say(Reason::Grade, graded.count());
    }
    if lacks(Part::NotRelevant) {
        say(Reason::NotRelevant, question.not_relevant.len());
    }
}

/// The questions that have an answer: the others have no place where answers are what is tested.
fn answerable(gold: &GoldSet) -> impl Iterator<Item = &Question> {
    gold.questions.iter().filter(|question| question.answerable)
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("texts and numbers are JSON");
    bytes.push(b'\n');
    bytes
}

/// Fields of a section that no format has.
fn sections_beside_their_text(gold: &GoldSet, holds_title: bool, left_out: &mut Vec<LeftOut>) {
    let path = gold.root.join("corpus.jsonl");
    let mut say = |name, lines: Vec<u64>| {
        if let Some(&first) = lines.first() {
            left_out.push(LeftOut::field(
                &path,
                first,
                name,
                Reason::NoPlace,
                lines.len(),
            ));
        }
    };
    let sections = gold.corpus.iter();
    let titled = sections
        .clone()
        .filter(|section| !holds_title && !section.title.is_empty());
    say("title", titled.map(|section| section.line).collect());
    let dated = sections.filter(|section| section.rev != ANY_REV);
    say("rev", dated.map(|section| section.line).collect());
}
