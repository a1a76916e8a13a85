//! `ragstone merge`.

use std::path::PathBuf;

use crate::cli::gate::{AskedAt, keep, make_folder};
use crate::cli::github::Sources;
use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure};
use crate::merge::merge;
use crate::report::{Style, load};

/// Puts the shards of one run together and judges the whole.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run folders, one a shard, in any order.
    #[arg(value_name = "RUN", required = true, num_args = 1..)]
    runs: Vec<PathBuf>,
    /// The folder of the whole; must not exist or be empty. Default: `reports/RUN_ID`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let parts = args
        .runs
        .iter()
        .map(|run| load(run))
        .collect::<Result<Vec<_>, _>>()?;
    let AskedAt {
        occasion, folder, ..
    } = AskedAt::now("merged", args.out.as_deref())?;
    let report = merge(parts, &occasion.run_id)?;
    make_folder(&folder)?;
    keep(&report, &folder, &Sources::default(), Style::Normal, output)
}
