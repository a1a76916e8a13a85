//! `ragstone audit`.

use std::path::{Path, PathBuf};

use crate::audit::{Logs, Phases, audit, roles};
use crate::cli::gate::{AskedAt, keep, make_folder, now};
use crate::cli::github::Sources;
use crate::cli::output::Output;
use crate::cli::telemetry::LogArgs;
use crate::cli::{ExitStatus, Failure};
use crate::drill::{self, Drill};
use crate::report::{Report, Style, load};
use crate::traffic::{ArmField, Observed, ReadOptions, Timeline, read_drill_log};

/// Audits a failover drill: its plan, the runs from before, during and after it, and its logs.
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
    /// The log of the drill, one event a line (docs/drill-log.md), plain or compressed by gzip or zstd; -
    /// is stdin. May be given more than once.
    #[arg(long, value_name = "LOG")]
    events: Vec<PathBuf>,
    /// Logs of users' requests while the drill was under way: JSON lines, plain or compressed, Parquet, or
    /// patterns. May be given more than once.
    #[arg(long, value_name = "LOG")]
    telemetry: Vec<PathBuf>,
    #[command(flatten)]
    log: LogArgs,
    /// Judge logs that say they were simulated as if they were real, for training and tests.
    #[arg(long)]
    allow_simulated: bool,
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
    let by_region = ReadOptions {
        arm_by: ArmField::Region,
        ..ReadOptions::default()
    };
    let logs = Logs {
        observed: Observed {
            traffic: args.log.read(&args.telemetry, &by_region)?,
            timeline: timeline(&args.events, &drill)?,
        },
        allow_simulated: args.allow_simulated,
    };
    let AskedAt {
        occasion, folder, ..
    } = AskedAt::now("audit", args.out.as_deref())?;
    let report = audit(&drill, phases, logs, &occasion, &now)?;
    make_folder(&folder)?;
    keep(
        &report,
        &folder,
        &Sources::default(),
        Style::quiet_if(args.quiet),
        output,
    )
}

/// The events of the drill; `None` if no log is given.
fn timeline(events: &[PathBuf], drill: &Drill) -> Result<Option<Timeline>, Failure> {
    if events.is_empty() {
        return Ok(None);
    }
    Ok(Some(read_drill_log(events, roles(drill))?))
}
