//! `ragstone verify`.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure};
use crate::pipeline::judge_again;
use crate::report::{load, verdict_bytes};

/// Judges a finished run again from its bundle alone, and demands the same bytes of verdict.json.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,
}

#[derive(Serialize)]
struct Verified {
    same: bool,
    recorded: &'static str,
    recomputed: &'static str,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let report = load(&args.run)?;
    let again = judge_again(&report).ok_or_else(|| Failure::NotJudged {
        path: args.run.clone(),
    })?;
    let path = args.run.join("verdict.json");
    let recorded =
        std::fs::read(&path).map_err(|source| crate::report::FolderError::Io { path, source })?;
    let same = recorded == verdict_bytes(&again)?;
    let verified = Verified {
        same,
        recorded: report.verdict.verdict.name(),
        recomputed: again.verdict.name(),
    };
    output.result(&verified, |out| {
        let Verified { recorded, recomputed, .. } = verified;
        if same {
            writeln!(out, "verified: the bundle gives {recorded} again, to the byte")
        } else {
            writeln!(out, "NOT verified: verdict.json says {recorded}, the bundle gives {recomputed} with other bytes")
        }
    })?;
    Ok(if same {
        ExitStatus::Success
    } else {
        ExitStatus::Fail
    })
}
