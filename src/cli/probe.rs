//! `ragstone probe`.

use crate::cli::gate::{AskArgs, AskedAt, replay};
use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure};
use crate::plan::Overrides;
use crate::report::save_probes;

/// Asks every planned probe and keeps what came back. Judges nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    ask: AskArgs,
}

pub(super) async fn run(args: Args, output: Output) -> Result<ExitStatus, Failure> {
    let policy = args.ask.policy(Overrides::default())?;
    let AskedAt { occasion, folder } = AskedAt::begin("probe", args.ask.out.as_deref())?;
    let replayed = replay(policy, &occasion, &folder).await?;
    save_probes(
        &folder,
        replayed.record(),
        &replayed.run().observations,
        &replayed.run().texts,
    )?;
    let counts = replayed.run().counts();
    output.result(&counts, |out| {
        writeln!(
            out,
            "{} probes: {} scored, {} failed, {} skipped",
            counts.planned, counts.scored, counts.failed, counts.skipped
        )
    })?;
    remark(&format!("run: {}", folder.display()));
    // A replay in which nothing was answered measured nothing.
    Ok(if counts.scored == 0 {
        ExitStatus::Error
    } else {
        ExitStatus::Success
    })
}
