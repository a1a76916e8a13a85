//! What a run observed, in the formats of other tools.
//!
//! [`Source`] is a finished run folder, judged or not. [`export`] gives the files of one [`RunFormat`] and a
//! list of all that the format cannot hold, or that was not asked for: no probe is absent in silence.

mod choice;
mod error;
mod flat;
mod left_out;
mod line;
mod probe_lines;
mod ragas;
mod ragchecker;
mod source;
mod spans;
mod trec;

use std::path::Path;

use crate::files::write_whole;
use crate::ids::{Form, Seed, TargetName};
use crate::replay::RecordError;

use choice::Chosen;
pub use error::RunExportError;
pub use flat::{FlatRow, FlatTable};
pub use left_out::{LeftOut, Loss};
pub use line::{
    ContractLine, EXPECTED, ErrorLine, HitLine, LatencyLine, Line, MetricsLine, ProbeLine, Reading,
};
pub use source::Source;

/// Declares the formats: a name for the command line, how files end, and what they hold.
macro_rules! formats {
    ($($format:ident = $name:literal, $ending:literal, $holds:ident, $about:literal;)*) => {
        /// A format of another tool, or for one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum RunFormat { $(#[doc = $about] $format,)* }

        impl RunFormat {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$format,)*];

            /// The name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$format => $name,)* }
            }

            /// How the names of its files end.
            pub fn ending(self) -> &'static str {
                match self { $(Self::$format => $ending,)* }
            }

            /// What one of its files holds.
            pub fn holds(self) -> Holds {
                match self { $(Self::$format => Holds::$holds,)* }
            }

            /// What it is.
            pub fn about(self) -> &'static str {
                match self { $(Self::$format => $about,)* }
            }
        }
    };
}

formats! {
    TrecRun = "trec-run", "run", OneTarget, "A TREC run: one file a target, the ranked documents of each question";
    TrecQrels = "trec-qrels", "qrels", Judgments, "TREC judgments of the questions that were asked; needs the gold set";
    Ragas = "ragas", "jsonl", OneTarget, "Samples for ragas, one a line: one file a target";
    RagChecker = "ragchecker", "json", OneTarget, "Results for RAGChecker: one file a target";
    Jsonl = "jsonl", "jsonl", EveryProbe, "Every field of every probe with its numbers, one a line; `import-run` reads it";
    Parquet = "parquet", "parquet", EveryProbe, "The same as one flat table";
    OpenInference = "openinference", "jsonl", EveryProbe, "OpenInference spans, one a probe and line";
}

/// What one file of a format holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// One probe a question: of one target, in one wording, under one seed.
    OneTarget,
    /// No probe at all.
    Judgments,
    /// All probes of all targets.
    EveryProbe,
}

/// What is wanted of a run.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of one target only.
    pub target: Option<TargetName>,
    /// In one wording only. Formats of one probe a question take the original one otherwise.
    pub form: Option<Form>,
    /// Under one seed only. Formats of one probe a question take the run's first one otherwise.
    pub seed: Option<Seed>,
    /// What the scores of a TREC run are; the target's own otherwise.
    pub scores: Option<Scores>,
}

/// The scores of a TREC run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scores {
    /// The target's own.
    #[default]
    Target,
    /// How many documents stand below: whatever breaks ties, the order stays.
    Rank,
}

/// The files of an export.
#[derive(Debug)]
pub struct Exported {
    /// One, or one a target.
    pub files: Vec<File>,
    /// What they do not hold.
    pub left_out: LeftOut,
}

/// One file of an export.
#[derive(Debug)]
pub struct File {
    /// The target it is of, where a file holds one only.
    pub target: Option<TargetName>,
    /// Rows, lines or results.
    pub rows: usize,
    /// What it is made of.
    pub content: Content,
}

/// What a file is made of.
#[derive(Debug)]
pub enum Content {
    /// Text, to the byte.
    Text(Vec<u8>),
    /// Rows of a table.
    Table(FlatTable),
}

impl File {
    /// Writes it, whole.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(self, path: &Path) -> Result<(), RecordError> {
        match self.content {
            Content::Table(table) => table.write(path),
            Content::Text(bytes) => write_whole(path, &bytes).map_err(|source| RecordError::Io {
                path: path.to_owned(),
                source,
            }),
        }
    }
}

/// Makes the files of a format.
///
/// # Errors
/// If no probe is as wanted, if the format needs the gold set and it is not at hand, or if two sections would have
/// one name.
pub fn export(
    source: &Source,
    format: RunFormat,
    wanted: &Wanted,
) -> Result<Exported, RunExportError> {
    fits(format, wanted)?;
    let mut left_out = LeftOut::default();
    let files = match format.holds() {
        Holds::Judgments => vec![trec::qrels(source)?],
        Holds::EveryProbe => {
            let chosen = Chosen::every(source, wanted)?;
            vec![match format {
                RunFormat::Parquet => flat::table(&chosen, &mut left_out),
                RunFormat::OpenInference => spans::spans(&chosen, &mut left_out)?,
                _ => probe_lines::lines(&chosen, &mut left_out),
            }]
        }
        Holds::OneTarget => {
            let targets = Chosen::one_a_question(source, wanted, &mut left_out)?;
            // Only TREC's files need names without white space, and only they can clash by it.
            let names = match format {
                RunFormat::TrecRun => source.trec_names()?,
                _ => source.names.clone(),
            };
            let of_target = |chosen: &Chosen<'_>| match format {
                RunFormat::TrecRun => {
                    let scores = wanted.scores.unwrap_or_default();
                    trec::run(chosen, &names, scores, &mut left_out)
                }
                RunFormat::Ragas => ragas::samples(chosen, &mut left_out),
                _ => ragchecker::results(chosen, &mut left_out),
            };
            targets.iter().map(of_target).collect()
        }
    };
    Ok(Exported { files, left_out })
}

/// Whether a format makes something of all that is wanted.
fn fits(format: RunFormat, wanted: &Wanted) -> Result<(), RunExportError> {
    let probes = format.holds() != Holds::Judgments;
    let scores = format == RunFormat::TrecRun;
    let options = [
        ("--target", wanted.target.is_none() || probes),
        ("--form", wanted.form.is_none() || probes),
        ("--seed", wanted.seed.is_none() || probes),
        ("--scores", wanted.scores.is_none() || scores),
    ];
    match options.iter().find(|(_, fits)| !fits) {
        None => Ok(()),
        Some((option, _)) => Err(RunExportError::NotFor {
            option,
            format: format.name(),
        }),
    }
}

/// One JSON value a line.
fn json_lines(values: impl IntoIterator<Item = impl serde::Serialize>) -> (Vec<u8>, usize) {
    let (mut text, mut n) = (Vec::new(), 0);
    for value in values {
        serde_json::to_writer(&mut text, &value).expect("texts and finite numbers have JSON");
        text.push(b'\n');
        n += 1;
    }
    (text, n)
}
