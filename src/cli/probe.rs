//! `ragstone probe`.

use crate::cli::gate::{AskArgs, replay};
use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure};
use crate::plan::Overrides;

/// Asks every planned probe and keeps what came back. Judges nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ask: AskArgs,
}

pub(super) async fn run(args: Args, output: Output) -> Result<ExitStatus, Failure> {
    let policy = args.ask.policy(Overrides::default())?;
    let asked_at = args.ask.begin("probe").await?;
    let replayed = replay(policy, &asked_at).await?;
    let counts = replayed.save(&asked_at.folder)?;
    replayed.journal().remove()?;
    output.result(&counts, |out| {
        writeln!(
            out,
            "{} probes: {} scored, {} failed, {} skipped",
            counts.planned, counts.scored, counts.failed, counts.skipped
        )
    })?;
    remark(&format!("run: {}", asked_at.folder.display()));
    // A replay in which nothing was answered measured nothing.
    Ok(if counts.scored == 0 {
        ExitStatus::Error
    } else {
        ExitStatus::Success
    })
}
