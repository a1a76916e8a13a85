//! `ragstone report`.

use std::path::PathBuf;

use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure};
use crate::report::{Style, load, render, terminal};

/// Renders a finished run again: report.html, junit.xml and summary.md in its folder, the summary
/// on stdout.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Write the files into this folder instead.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The exit status says whether the report could be rendered, not what it says.
pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    if !args.run.join("verdict.json").exists() && args.run.join("run.json").exists() {
        return Err(Failure::NotJudged {
            path: args.run.clone(),
        });
    }
    let report = load(&args.run)?;
    let folder = args.out.as_ref().unwrap_or(&args.run);
    super::gate::make_folder(folder)?;
    render(&report, folder)?;
    output.result(&report.verdict, |out| terminal(&report, Style::Normal, out))?;
    remark(&format!("report: {}", folder.join("report.html").display()));
    Ok(ExitStatus::Success)
}
