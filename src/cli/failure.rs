//! What ends a command without a result.

use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

use crate::answers::AnswersError;
use crate::audit::AuditError;
use crate::cli::{ExitStatus, ManifestError};
use crate::compare::CompareError;
use crate::drill::DrillError;
use crate::embed::EmbedError;
use crate::exchange::ExchangeError;
use crate::exchange::run::RunExportError;
use crate::export::ExportError;
use crate::goldset::GoldSetError;
use crate::import::ImportError;
use crate::judge::{RunVerdict, Runbook};
use crate::merge::MergeError;
use crate::pipeline::PipelineError;
use crate::plan::PolicyError;
use crate::rank::ZScoreError;
use crate::ranking::UnknownMeasure;
use crate::replay::{JournalError, RecordError};
use crate::report::FolderError;
use crate::simulate::SimulateError;
use crate::stamp::StampError;
use crate::traffic::{DrillLogError, TrafficError};
use crate::trec::TrecError;

/// Why a command has no result.
#[derive(Debug, Error, Diagnostic)]
pub enum Failure {
    /// The policy.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Policy(#[from] PolicyError),
    /// A stage of the pipeline.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pipeline(#[from] PipelineError),
    /// A run folder.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),
    /// The journal of a run.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Journal(#[from] JournalError),
    /// A run was stopped by a signal.
    #[error("interrupted: {finished} of {planned} probes are kept in {}", folder.display())]
    #[diagnostic(
        code(cli::interrupted),
        help("go on with the same command and --resume {}", folder.display())
    )]
    Interrupted {
        /// Probes that need not be asked again.
        finished: usize,
        /// Probes in all.
        planned: usize,
        /// The run folder.
        folder: PathBuf,
    },
    /// A run was never judged.
    #[error("{}: the run was replayed but never judged", path.display())]
    #[diagnostic(
        code(cli::not_judged),
        help("`ragstone gate` judges; `ragstone probe` only asks")
    )]
    NotJudged {
        /// The run folder.
        path: PathBuf,
    },
    /// A report that there is none of.
    #[error("there is no {file} of a run of {runbook} that came out {}", verdict.name())]
    #[diagnostic(
        code(cli::not_drawn),
        help(
            "a statement can be made of PASS, FAIL and HARD_STOP only, since the predicate has no word for what is not known; one page is drawn of an audited drill only"
        )
    )]
    NotDrawn {
        /// Its file.
        file: &'static str,
        /// What the run concluded.
        verdict: RunVerdict,
        /// Its runbook.
        runbook: Runbook,
    },
    /// A run in which no question was red.
    #[error("{}: no question was red in this run", path.display())]
    #[diagnostic(
        code(cli::nothing_failed),
        help("there is nothing to ask again; leave out --failing-from")
    )]
    NothingFailed {
        /// The run folder.
        path: PathBuf,
    },
    /// A drill plan.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Drill(#[from] DrillError),
    /// The log of a drill.
    #[error(transparent)]
    #[diagnostic(transparent)]
    DrillLog(#[from] DrillLogError),
    /// A drill that cannot be audited.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Audit(#[from] AuditError),
    /// Sides that have no comparison.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Compare(#[from] CompareError),
    /// Runs that are not the shards of one.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Merge(#[from] MergeError),
    /// Files of answers.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Answers(#[from] AnswersError),
    /// Observations of another harness.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Import(#[from] ImportError),
    /// Files of other tools.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Exchange(#[from] ExchangeError),
    /// The files of a folder, or a list of them.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Manifest(#[from] ManifestError),
    /// A measure that nobody knows.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Measure(#[from] UnknownMeasure),
    /// Means and deviations of reference runs.
    #[error(transparent)]
    #[diagnostic(transparent)]
    ZScores(#[from] ZScoreError),
    /// Judgments or ranked results.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Trec(#[from] TrecError),
    /// Logs that cannot be simulated.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Simulate(#[from] SimulateError),
    /// A folder for the run cannot be made.
    #[error("{}: cannot be made", path.display())]
    #[diagnostic(code(cli::folder), help("name another folder with --out"))]
    MakeFolder {
        /// Which folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Something is there already.
    #[error("{}: exists already", path.display())]
    #[diagnostic(
        code(cli::exists),
        help("nothing is overwritten: move it away, or name another place")
    )]
    Exists {
        /// What.
        path: PathBuf,
    },
    /// An export.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Export(#[from] ExportError),
    /// A run that cannot be handed on.
    #[error(transparent)]
    #[diagnostic(transparent)]
    RunExport(#[from] RunExportError),
    /// A log of requests.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Traffic(#[from] TrafficError),
    /// A stamp.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Stamp(#[from] StampError),
    /// A contract that cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(code(cli::contract_file))]
    ReadContract {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A contract that is none.
    #[error("{}: not a contract", path.display())]
    #[diagnostic(
        code(cli::contract),
        help(
            "expected a JSON object of fields and texts, such as {{\"METRIC\": \"cosine\", \"ANALYZER\": \"en_stem\"}}"
        )
    )]
    Contract {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: serde_json::Error,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written", path.display())]
    #[diagnostic(code(cli::write))]
    Write {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// No folder for temporary files.
    #[error("no temporary folder can be made")]
    #[diagnostic(code(cli::scratch), help("name another one with --spill-to"))]
    Scratch(#[source] std::io::Error),
    /// A name that is not known.
    #[error("{0}")]
    #[diagnostic(code(cli::name))]
    Name(String),
    /// stdout is closed or full.
    #[error("the result cannot be written to stdout")]
    #[diagnostic(code(cli::stdout))]
    Stdout(#[from] std::io::Error),
    /// The runtime cannot start.
    #[error("threads cannot be started")]
    #[diagnostic(code(cli::runtime))]
    Runtime(#[source] std::io::Error),
}

impl From<GoldSetError> for Failure {
    fn from(error: GoldSetError) -> Self {
        Self::Pipeline(error.into())
    }
}

impl From<EmbedError> for Failure {
    fn from(error: EmbedError) -> Self {
        Self::Pipeline(error.into())
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self::Folder(error.into())
    }
}

impl Failure {
    /// What the process returns: 2 for what the user wrote, 4 for what could not be read, reached
    /// or written.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Pipeline(PipelineError::Embed(EmbedError::Key { .. }))
            | Self::Stamp(StampError::Row { .. } | StampError::Seeds { .. }) => ExitStatus::Usage,
            Self::Pipeline(PipelineError::NotComparable(_))
            | Self::Journal(JournalError::ContractMoved { .. })
            | Self::Compare(CompareError::NotComparable(_))
            | Self::Audit(AuditError::NotComparable(_)) => ExitStatus::Inconclusive,
            Self::Pipeline(
                PipelineError::Embed(_)
                | PipelineError::Build(_)
                | PipelineError::Load { .. }
                | PipelineError::Live { .. }
                | PipelineError::Download { .. }
                | PipelineError::Earlier(_),
            )
            | Self::Folder(_)
            | Self::Journal(JournalError::Io { .. } | JournalError::Changed { .. })
            | Self::Interrupted { .. }
            | Self::Answers(AnswersError::Read { .. })
            | Self::DrillLog(DrillLogError::Read { .. } | DrillLogError::Content { .. })
            | Self::Import(ImportError::Read { .. })
            | Self::Manifest(ManifestError::Read { .. } | ManifestError::Write { .. })
            | Self::Simulate(SimulateError::Write { .. })
            | Self::ZScores(ZScoreError::Read { .. })
            | Self::Traffic(
                TrafficError::Read { .. }
                | TrafficError::Empty
                | TrafficError::Parquet { .. }
                | TrafficError::BadLines { .. },
            )
            | Self::MakeFolder { .. }
            | Self::ReadContract { .. }
            | Self::Write { .. }
            | Self::Scratch(_)
            | Self::Stdout(_)
            | Self::Runtime(_) => ExitStatus::Error,
            Self::Traffic(TrafficError::NoFile { .. } | TrafficError::TooManyGroups { .. }) => {
                ExitStatus::Usage
            }
            Self::Policy(_)
            | Self::Pipeline(_)
            | Self::Journal(_)
            | Self::NotJudged { .. }
            | Self::NotDrawn { .. }
            | Self::NothingFailed { .. }
            | Self::Merge(_)
            | Self::Drill(_)
            | Self::DrillLog(DrillLogError::Empty { .. })
            | Self::Audit(AuditError::NoRun)
            | Self::Compare(CompareError::Target { .. })
            | Self::Answers(AnswersError::Content { .. })
            | Self::Import(ImportError::Content { .. })
            | Self::Contract { .. }
            | Self::Manifest(_)
            | Self::Measure(_)
            | Self::ZScores(_)
            | Self::Simulate(_)
            | Self::Exists { .. }
            | Self::Name(_) => ExitStatus::Usage,
            Self::Exchange(error) => of_exchange(error),
            Self::RunExport(error) => of_run_export(error),
            Self::Trec(error) => of_trec(error),
            Self::Export(error) | Self::Stamp(StampError::Export(error)) => of_export(error),
            Self::Stamp(_) => ExitStatus::Error,
        }
    }
}

/// 4 for what could not be read or written, 2 for what is not as it should be.
fn of_exchange(error: &ExchangeError) -> ExitStatus {
    match error {
        ExchangeError::Read { .. } | ExchangeError::Write { .. } => ExitStatus::Error,
        ExchangeError::Trec(error) => of_trec(error),
        _ => ExitStatus::Usage,
    }
}

/// 4 for a run folder that is damaged, 2 for what cannot be made of it.
fn of_run_export(error: &RunExportError) -> ExitStatus {
    match error {
        RunExportError::Folder(_)
        | RunExportError::OtherMetrics
        | RunExportError::MissingText { .. } => ExitStatus::Error,
        _ => ExitStatus::Usage,
    }
}

/// 4 for a file that could not be read to its end, 2 for what stands in it.
fn of_trec(error: &TrecError) -> ExitStatus {
    match error {
        TrecError::Open { .. } | TrecError::Unpack { .. } => ExitStatus::Error,
        TrecError::Lines { .. } | TrecError::Duplicate { .. } | TrecError::Empty { .. } => {
            ExitStatus::Usage
        }
    }
}

/// 4 for what could not be read, 2 for what is not as it should be.
fn of_export(error: &ExportError) -> ExitStatus {
    match error {
        ExportError::Read { .. }
        | ExportError::Changed { .. }
        | ExportError::Arrow { .. }
        | ExportError::Parquet { .. } => ExitStatus::Error,
        _ => ExitStatus::Usage,
    }
}
