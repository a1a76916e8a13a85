//! `ragstone import-run`.

use std::path::{Path, PathBuf};

use crate::cli::gate::{AskedAt, make_folder};
use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure};
use crate::goldset;
use crate::import::{self, ImportError};
use crate::measure::seeds_vary;
use crate::pipeline::Asked;
use crate::plan::{self, Overrides};
use crate::report::ProbesWriter;

/// Makes a run folder of observations that another harness made; targets of the kind `recorded` answer
/// from it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy whose targets were asked.
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// The observations: one JSON object a line, plain or compressed by gzip; - reads stdin.
    /// `ragstone schema import-run` says what a line holds.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The run folder; must not exist or be empty. Default: `reports/RUN_ID`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let policy = plan::load(&args.policy, &Overrides::default())?;
    let gold = goldset::load(&policy.gold)?;
    let asked_at = AskedAt::now("import", args.out.as_deref())?;
    let (occasion, folder) = (&asked_at.occasion, &asked_at.folder);
    let asked = Asked {
        policy: &policy,
        gold: &gold,
        gold_digest: gold.digest(),
        n_questions: gold.questions.len(),
    };
    let run = if args.file == Path::new("-") {
        import::read(Path::new("stdin"), std::io::stdin().lock(), asked)?
    } else {
        let file = std::fs::File::open(&args.file).map_err(|source| ImportError::Read {
            path: args.file.clone(),
            source,
        })?;
        import::read(&args.file, file, asked)?
    };
    make_folder(folder)?;
    let record = asked.record(&run.sides, &|target| seeds_vary(&run, target), occasion);
    let mut writer = ProbesWriter::create(folder)?;
    writer.push(&run.observations, &run.texts)?;
    writer.finish(&record)?;
    let counts = run.counts();
    output.result(&counts, |out| {
        writeln!(
            out,
            "{} probes: {} scored, {} failed, {} skipped",
            counts.planned, counts.scored, counts.failed, counts.skipped
        )
    })?;
    remark(&format!("run: {}", folder.display()));
    // As a replay in which nothing was answered, it measured nothing.
    Ok(if counts.scored == 0 {
        ExitStatus::Error
    } else {
        ExitStatus::Success
    })
}
