//! The command line: one file a subcommand, and the only code that prints.
//!
//! stdout carries the result, stderr everything else. Exit codes are [`ExitStatus`].

mod answers;
mod audit;
mod claims;
mod columns;
mod compare;
mod completions;
mod explain;
mod export;
mod failure;
mod gate;
mod github;
mod gold;
mod gold_exchange;
mod gold_load;
mod import_run;
mod init;
mod interrupt;
mod manifest;
mod merge;
mod message;
mod output;
mod parity;
mod plan;
mod probe;
mod progress;
mod rank;
mod report;
mod schema;
mod side;
mod simulate;
mod stamp;
mod telemetry;
mod traffic;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use failure::Failure;
pub use manifest::{ManifestError, ManifestFile};
pub use message::Message;

use crate::judge::RunVerdict;
use output::Output;

/// What the process returns, as STATISTICS.md documents it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// The command did what it was asked; a gate passed.
    Success,
    /// A clause was shown not to hold; a linter found errors.
    Fail,
    /// Wrong usage, policy or gold set.
    Usage,
    /// Something could not be decided.
    Inconclusive,
    /// Something could not be measured, read or written.
    Error,
    /// Roll back now.
    HardStop,
}

impl ExitStatus {
    /// The code.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Fail => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
            Self::Error => 4,
            Self::HardStop => 5,
        }
    }
}

impl From<RunVerdict> for ExitStatus {
    fn from(verdict: RunVerdict) -> Self {
        match verdict {
            RunVerdict::Pass => Self::Success,
            RunVerdict::Inconclusive => Self::Inconclusive,
            RunVerdict::Error => Self::Error,
            RunVerdict::Fail => Self::Fail,
            RunVerdict::HardStop => Self::HardStop,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status.code())
    }
}

/// A touchstone for RAG indexes.
///
/// Replays gold questions across regions and variants, proves index parity, and gives a verdict
/// that is statistically sound, explained to the clause and reproducible offline.
///
/// Exit codes: 0 pass, 1 fail, 2 wrong usage or configuration, 3 inconclusive, 4 could not measure,
/// 5 hard stop.
#[derive(Debug, Parser)]
#[command(name = "ragstone", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How the result is written to stdout.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads for measuring and asking; the result does not depend on it.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// In a step of GitHub Actions, write no annotations, no outputs and no summary.
    #[arg(long, global = true)]
    no_github: bool,
}

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For machines; for `gate` it is verdict.json.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay the gold questions, measure, judge and report: the release gate.
    Gate(gate::Args),
    /// Audit a failover drill from its plan and its runs.
    Audit(audit::Args),
    /// Print what logs of requests come to, and judge them.
    Traffic(traffic::Args),
    /// Follow a log while a stage is under way, and stop at the first crossed hard stop.
    Watch(watch::Args),
    /// Compare two targets, two saved runs or two files of answers.
    Compare(compare::Args),
    /// Say before any call what can be decided, how surely, and with how many questions.
    Plan(plan::Args),
    /// Replay only: ask and keep the observations, judge nothing.
    Probe(probe::Args),
    /// Render a finished run again.
    Report(report::Args),
    /// Judge a finished run again from its bundle, and demand the same verdict.
    Verify(verify::Args),
    /// Put the shards of one run together and judge the whole.
    Merge(merge::Args),
    /// Make a run of observations that another harness made.
    ImportRun(import_run::Args),
    /// Write what a run observed in a format of other tools.
    Export(export::Args),
    /// Compare two files of answers to the same questions.
    Answers(answers::Args),
    /// Measure ranked results by judgments, as `trec_eval` does, and compare several runs.
    Rank(rank::Args),
    /// Say what an index is, in two small files that can be compared anywhere.
    Stamp(stamp::Args),
    /// Say whether two indexes are the same, and if not, which rows and which rung.
    Parity(parity::Args),
    /// Write logs of requests and drills that never happened, with a fault planted in them.
    Simulate(simulate::Args),
    /// Say what a check means, how it is computed and what to do when it is red.
    Explain(explain::Args),
    /// List the files of a folder with their digests, or compare two such lists.
    Manifest(manifest::Args),
    /// Work on a gold set.
    Gold(gold::Args),
    /// Print the JSON Schema of a file.
    Schema(schema::Args),
    /// Write a starter policy.
    Init(init::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// Runs a parsed command line.
///
/// # Errors
/// With what went wrong; [`Failure::exit_status`] is what the process returns for it.
pub fn run(cli: Cli) -> Result<ExitStatus, Failure> {
    let output = Output {
        format: cli.format,
        github: !cli.no_github,
    };
    if let Some(threads) = cli.threads {
        // The global pool can be set once only, and this is the first thing done.
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads.get())
            .build_global()
            .expect("no pool exists yet");
    }
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        if let Some(threads) = cli.threads {
            builder.worker_threads(threads.get());
        }
        builder.enable_all().build().map_err(Failure::Runtime)
    };
    match cli.command {
        Command::Gate(args) => runtime()?.block_on(gate::run(args, output)),
        Command::Audit(args) => audit::run(&args, output),
        Command::Traffic(args) => traffic::run(&args, output),
        Command::Watch(args) => runtime()?.block_on(watch::run(&args, output)),
        Command::Compare(args) => runtime()?.block_on(compare::run(args, output)),
        Command::Plan(args) => plan::run(&args, output),
        Command::Probe(args) => runtime()?.block_on(probe::run(args, output)),
        Command::Report(args) => report::run(&args, output),
        Command::Verify(args) => verify::run(&args, output),
        Command::Merge(args) => merge::run(&args, output),
        Command::ImportRun(args) => import_run::run(&args, output),
        Command::Export(args) => export::run(&args, output),
        Command::Answers(args) => runtime()?.block_on(answers::run(args, output)),
        Command::Rank(args) => rank::run(&args, output),
        Command::Stamp(args) => runtime()?.block_on(stamp::run(args, output)),
        Command::Parity(args) => runtime()?.block_on(parity::run(args, output)),
        Command::Simulate(args) => simulate::run(&args, output),
        Command::Explain(args) => explain::run(&args, output),
        Command::Manifest(args) => manifest::run(&args, output),
        Command::Gold(args) => gold::run(args, output, &runtime),
        Command::Schema(args) => schema::run(&args, output),
        Command::Init(args) => init::run(&args, output),
        Command::Completions(args) => completions::run(&args, output),
    }
}
