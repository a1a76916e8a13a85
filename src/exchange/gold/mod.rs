//! Gold sets from judged collections and from the test sets of other tools, and back.
//!
//! [`import`] reads the files of a [`Format`] into a draft, settles what of it a gold set can hold,
//! and writes a folder that loads. Everything else is in [`Imported::left_out`]. [`export`] goes
//! the other way and lists the same. Import followed by export is the identity on the fields that
//! both sides have.

mod cells;
mod documents;
mod draft;
mod export;
mod field;
mod folder;
mod judgments;
mod layout;
mod left_out;
mod llamaindex;
mod rows;
mod settle;
mod squad;
#[cfg(test)]
mod tests;
mod topics;
mod uncovered;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use crate::exchange::{ExchangeError, Pointer, records};
use crate::ids::Digest;

use draft::Draft;
pub use export::{Exported, Target, export};
pub use field::{CorpusField, Field, FieldName, Mapped, NotAMapping};
use layout::Layout;
pub use left_out::{Count, Fate, LeftOut, Reason, counts};

/// Declares the formats: a name for the command line, and what its files are.
macro_rules! formats {
    ($($format:ident = $name:literal, $meaning:literal;)*) => {
        /// A format that a gold set can be made of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Format { $(#[doc = concat!("`", $name, "`.")] $format,)* }

        impl Format {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$format,)*];

            /// The name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$format => $name,)* }
            }

            /// What its files are.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$format => $meaning,)* }
            }
        }
    };
}

formats! {
    Trec = "trec", "TREC: INPUT holds the topics; --qrels and --corpus are needed";
    Beir = "beir", "BEIR: INPUT is a folder with corpus.jsonl, queries.jsonl and qrels/";
    Ragas = "ragas", "ragas: JSON Lines, a JSON array or CSV";
    Deepeval = "deepeval", "deepeval: goldens or test cases in JSON, JSON Lines or CSV";
    Promptfoo = "promptfoo", "promptfoo: tests in YAML, JSON or JSON Lines";
    Ragchecker = "ragchecker", "RAGChecker: {\"results\": […]}; --qrels says which documents answer";
    Squad = "squad", "SQuAD: JSON of version 1.1 or 2.0";
    Llamaindex = "llamaindex", "LlamaIndex: {\"queries\", \"corpus\", \"relevant_docs\"}";
    Rows = "rows", "any JSON Lines, JSON array, CSV or TSV, with --map";
}

/// Where a document begins.
const FIRST_LINE: u64 = 1;

/// What is imported, and how it is read.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Which format.
    pub format: Format,
    /// Where the questions are.
    pub input: PathBuf,
    /// A file of documents.
    pub corpus: Option<PathBuf>,
    /// A file of judgments.
    pub qrels: Option<PathBuf>,
    /// Which of BEIR's files of judgments.
    pub split: Option<String>,
    /// Where the fields of a question stand, where not at the format's own places.
    pub map: Vec<Mapped<Field>>,
    /// The same of a document.
    pub map_corpus: Vec<Mapped<CorpusField>>,
    /// Rows of one value there are wordings of one question.
    pub group_by: Option<Pointer>,
    /// What follows this text does not tell groups apart.
    pub group_separator: Option<String>,
    /// Where a text becomes a list.
    pub list_separator: Option<String>,
}

/// How the new gold set describes itself.
#[derive(Clone, Debug)]
pub struct Naming {
    /// Its name.
    pub name: String,
    /// The embedding model that `gold embed` will use.
    pub model: String,
}

/// The version of import.json.
const LIST_FORMAT: u32 = 1;

/// A file that was read.
#[derive(Debug, Serialize)]
pub struct Input {
    /// Where it was.
    pub path: PathBuf,
    /// BLAKE3 of its bytes.
    pub digest: Digest,
}

/// What an import came to: import.json.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// The version of this list.
    pub format: u32,
    /// The name of the format that was read.
    pub from: &'static str,
    /// The files that were read.
    pub inputs: Vec<Input>,
    /// The gold set's folder.
    pub folder: PathBuf,
    /// Questions that can be asked.
    pub n_questions: usize,
    /// Wordings of these.
    pub n_wordings: usize,
    /// Sections of the corpus.
    pub n_sections: usize,
    /// Sections that answer a question, counted by question.
    pub n_targets: usize,
    /// Judgments that a section does not answer.
    pub n_not_relevant: usize,
    /// How much is not in the gold set, by reason.
    pub counts: Vec<Count>,
    /// All of it, by file and line.
    pub left_out: Vec<LeftOut>,
}

/// Makes a gold set in the folder `out`, which must be empty or not exist.
///
/// # Errors
/// If a file cannot be read or written, with everything that is wrong in the files, or if no
/// question is left that could be asked.
pub fn import(sources: &Sources, naming: &Naming, out: &Path) -> Result<Imported, ExchangeError> {
    folder::must_be_empty(out)?;
    let draft = draft(sources)?;
    let inputs = draft.files.iter().map(input).collect::<Result<_, _>>()?;
    let settled = settle::settle(draft);
    if settled.questions.is_empty() {
        let counts = counts(&settled.left_out);
        let reasons = counts
            .iter()
            .map(|count| format!("{} × {}: {}", count.n, count.reason.name(), count.meaning));
        return Err(ExchangeError::Nothing {
            path: sources.input.clone(),
            reasons: reasons.collect::<Vec<_>>().join("\n"),
        });
    }
    let questions = &settled.questions;
    let imported = Imported {
        format: LIST_FORMAT,
        from: sources.format.name(),
        inputs,
        folder: out.to_owned(),
        n_questions: questions.len(),
        n_wordings: questions
            .iter()
            .map(|question| question.forms().count())
            .sum(),
        n_sections: settled.corpus.len(),
        n_targets: questions.iter().map(|question| question.target.len()).sum(),
        n_not_relevant: questions
            .iter()
            .map(|question| question.not_relevant.len())
            .sum(),
        counts: counts(&settled.left_out),
        left_out: left_out::fields_first(settled.left_out),
    };
    folder::write(out, naming, &settled.questions, &settled.corpus, &imported)?;
    Ok(imported)
}

fn input(path: &PathBuf) -> Result<Input, ExchangeError> {
    let bytes = std::fs::read(path).map_err(|source| ExchangeError::Read {
        path: path.clone(),
        source,
    })?;
    Ok(Input {
        path: path.clone(),
        digest: Digest::of(bytes),
    })
}

fn draft(sources: &Sources) -> Result<Draft, ExchangeError> {
    let mut draft = Draft::default();
    if sources.format == Format::Beir {
        beir(sources, &mut draft)?;
        return Ok(draft);
    }
    if sources.format == Format::Trec {
        let needed = |needed, option: &str| ExchangeError::Missing {
            needed,
            help: format!("name it with {option}"),
        };
        sources
            .corpus
            .as_ref()
            .ok_or_else(|| needed("a file of documents", "--corpus"))?;
        sources
            .qrels
            .as_ref()
            .ok_or_else(|| needed("a file of judgments", "--qrels"))?;
    }
    if let Some(corpus) = &sources.corpus {
        documents::read(corpus, &sources.map_corpus, &mut draft)?;
    }
    let input = &sources.input;
    draft.files.push(input.clone());
    match sources.format {
        Format::Squad => squad::read(input, &mut draft)?,
        Format::Llamaindex => llamaindex::read(input, &mut draft)?,
        Format::Trec => {
            let records = topics::read(input)?;
            let file = Arc::new(input.clone());
            rows::questions(&file, &records, &layout::TOPICS, sources, &mut draft)?;
        }
        Format::Ragas => rows_of(sources, &layout::RAGAS, &mut draft)?,
        Format::Deepeval => rows_of(sources, &layout::DEEPEVAL, &mut draft)?,
        Format::Promptfoo => rows_of(sources, &layout::PROMPTFOO, &mut draft)?,
        Format::Ragchecker => rows_of(sources, &layout::RAGCHECKER, &mut draft)?,
        Format::Rows => rows_of(sources, &layout::ROWS, &mut draft)?,
        Format::Beir => unreachable!("read above"),
    }
    if let Some(qrels) = &sources.qrels {
        judgments::read(qrels, &mut draft)?;
    }
    Ok(draft)
}

/// The rows of the input, and what stands beside them in its document.
fn rows_of(sources: &Sources, layout: &Layout, draft: &mut Draft) -> Result<(), ExchangeError> {
    let input = &sources.input;
    let (mut records, rest) = records::read(input, layout.lists)?;
    if sources.format == Format::Ragas {
        for record in &mut records {
            generated_contexts(&mut record.value);
        }
    }
    let file = Arc::new(input.clone());
    rows::questions(&file, &records, layout, sources, draft)?;
    let members = rest.iter().filter_map(|rest| rest.value.as_object());
    for member in members.flat_map(|members| members.keys()) {
        let field = format!("/{member}");
        let entry = LeftOut::field(input, FIRST_LINE, &field, Reason::NoPlace, 1);
        draft.left_out.push(entry);
    }
    Ok(())
}

/// The first version of ragas calls the contexts that a question was made of as it calls those that
/// were retrieved for it. A row without an answer is of the first kind.
fn generated_contexts(row: &mut serde_json::Value) {
    let Some(members) = row.as_object_mut() else {
        return;
    };
    if !members.contains_key("answer")
        && !members.contains_key("response")
        && !members.contains_key("reference_contexts")
        && let Some(contexts) = members.remove("contexts")
    {
        members.insert("reference_contexts".to_owned(), contexts);
    }
}

/// A folder of BEIR.
fn beir(sources: &Sources, draft: &mut Draft) -> Result<(), ExchangeError> {
    let folder = &sources.input;
    documents::read(
        &packed_or_not(folder, "corpus.jsonl"),
        &sources.map_corpus,
        draft,
    )?;
    let queries = packed_or_not(folder, "queries.jsonl");
    let (records, _) = records::read(&queries, &[])?;
    draft.files.push(queries.clone());
    rows::questions(
        &Arc::new(queries),
        &records,
        &layout::TOPICS,
        sources,
        draft,
    )?;
    let qrels = match &sources.qrels {
        Some(qrels) => qrels.clone(),
        None => split(folder, sources.split.as_deref())?,
    };
    judgments::read(&qrels, draft)
}

/// The file in a folder, or one that packs it.
fn packed_or_not(folder: &Path, name: &str) -> PathBuf {
    let packed = ["", ".gz", ".zst"].map(|end| folder.join(format!("{name}{end}")));
    let there = packed.iter().find(|path| path.exists());
    there.unwrap_or(&packed[0]).clone()
}

/// The judgments of a split: the one named, the only one, or `test`.
fn split(folder: &Path, name: Option<&str>) -> Result<PathBuf, ExchangeError> {
    let qrels = folder.join("qrels");
    if let Some(name) = name {
        return Ok(packed_or_not(&qrels, &format!("{name}.tsv")));
    }
    let failed = |source| ExchangeError::Read {
        path: qrels.clone(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&qrels).map_err(failed)? {
        found.push(entry.map_err(failed)?.path());
    }
    found.sort();
    if let [only] = found.as_slice() {
        return Ok(only.clone());
    }
    let is_test = |path: &&PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        name.starts_with("test.tsv")
    };
    found
        .iter()
        .find(is_test)
        .cloned()
        .ok_or_else(|| ExchangeError::Missing {
            needed: "the name of a split",
            help: "name one file of qrels/ with --split, without its ending".to_owned(),
        })
}

impl Sources {
    /// Whether the input is a table of cells, which hold no lists.
    fn is_table(&self) -> bool {
        let name = self.input.to_string_lossy().to_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        Path::new(name)
            .extension()
            .is_some_and(|end| end == "csv" || end == "tsv")
    }
}
