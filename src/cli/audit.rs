//! `ragstone audit`.

use std::path::{Path, PathBuf};

use crate::audit::{Phases, audit};
use crate::cli::gate::{AskedAt, keep, make_folder, now};
use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure};
use crate::drill;
use crate::report::{Report, Style, load};

/// Audits a failover drill: its plan, and the runs from before, during and after it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The drill plan.
    #[arg(value_name = "DRILL.json")]
    plan: PathBuf,
    /// The run of `ragstone gate` from before the drill, with the plan's regions as its targets.
    #[arg(long, value_name = "RUN")]
    pre: Option<PathBuf>,
    /// A run from while the drill was under way.
    #[arg(long, value_name = "RUN")]
    live: Option<PathBuf>,
    /// The run from after the drill.
    #[arg(long, value_name = "RUN")]
    post: Option<PathBuf>,
    /// The bundle's folder; must not exist or be empty. Default: `reports/RUN_ID`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the verdict line only.
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let drill = drill::load(&args.plan)?;
    let saved = |run: &Option<PathBuf>| -> Result<Option<Report>, Failure> {
        Ok(run.as_deref().map(|run: &Path| load(run)).transpose()?)
    };
    let phases = Phases {
        pre: saved(&args.pre)?,
        live: saved(&args.live)?,
        post: saved(&args.post)?,
    };
    let AskedAt {
        occasion, folder, ..
    } = AskedAt::now("audit", args.out.as_deref())?;
    let report = audit(&drill, phases, &occasion, &now)?;
    make_folder(&folder)?;
    keep(&report, &folder, Style::quiet_if(args.quiet), output)
}
