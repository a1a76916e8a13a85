//! `ragstone schema`.

use clap::ValueEnum;
use schemars::Schema;
use serde::Serialize;

use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure, ManifestFile};
use crate::exchange::run::Line;
use crate::goldset::{Manifest, Question, Section};
use crate::indexes::ParityReport;
use crate::judge::Verdict;
use crate::parity::stamp::Stamp;
use crate::traffic::Event;
use crate::{plan, schema};

/// Prints the JSON Schema (draft 2020-12) of a file, for editors and for programs that read it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of which file; without it, every file in a line.
    #[arg(value_enum)]
    name: Option<Name>,
}

/// A file that has a schema.
#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    /// The policy.
    Policy,
    /// The gold set's description.
    Gold,
    /// A gold question.
    Questions,
    /// A section of the corpus.
    Corpus,
    /// The result of a run.
    Verdict,
    /// An observation of another harness.
    ImportRun,
    /// The files of a folder.
    Manifest,
    /// What an index is.
    Stamp,
    /// Two indexes beside each other.
    Parity,
    /// An event of a drill.
    DrillEvent,
}

impl Name {
    fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Gold => "gold",
            Self::Questions => "questions",
            Self::Corpus => "corpus",
            Self::Verdict => "verdict",
            Self::ImportRun => "import-run",
            Self::Manifest => "manifest",
            Self::Stamp => "stamp",
            Self::Parity => "parity",
            Self::DrillEvent => "drill-event",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Policy => "ragstone.toml, the policy",
            Self::Gold => "gold.toml, a gold set's description",
            Self::Questions => "one line of questions.jsonl, a gold question",
            Self::Corpus => "one line of corpus.jsonl, a section",
            Self::Verdict => "verdict.json, the result of a run",
            Self::ImportRun => "one line of what import-run reads, an observation",
            Self::Manifest => "what manifest writes, the files of a folder with their digests",
            Self::Stamp => "NAME.stamp.json, what an index is",
            Self::Parity => "parity --out, two indexes beside each other",
            Self::DrillEvent => "one line of a drill log (audit --events), an event",
        }
    }

    fn schema(self) -> Schema {
        match self {
            Self::Policy => plan::schema(),
            Self::Gold => schema::of_toml::<Manifest>(),
            Self::Questions => schema::of_line::<Question>(),
            Self::Corpus => schema::of_line::<Section>(),
            Self::Verdict => schema::of_output::<Verdict>(),
            Self::ImportRun => schema::of_line::<Line>(),
            Self::Manifest => schema::of_output::<ManifestFile>(),
            Self::Stamp => schema::of_output::<Stamp>(),
            Self::Parity => schema::of_output::<ParityReport>(),
            Self::DrillEvent => schema::of_line::<Event>(),
        }
    }
}

#[derive(Serialize)]
struct Entry {
    name: Name,
    file: &'static str,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    match args.name {
        None => {
            let entry = |name: &Name| Entry {
                name: *name,
                file: name.file(),
            };
            let all: Vec<Entry> = Name::value_variants().iter().map(entry).collect();
            output.result(&all, |out| {
                all.iter()
                    .try_for_each(|entry| writeln!(out, "{:<11} {}", entry.name.name(), entry.file))
            })?;
        }
        Some(name) => {
            let schema = name.schema();
            output.result(&schema, |out| {
                serde_json::to_writer_pretty(&mut *out, &schema)?;
                writeln!(out)
            })?;
        }
    }
    Ok(ExitStatus::Success)
}
