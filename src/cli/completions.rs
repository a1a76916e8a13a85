//! `ragstone completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::output::Output;
use crate::cli::{Cli, ExitStatus, Failure};

/// Prints a completion script.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// For which shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ragstone", &mut script);
    let script = String::from_utf8_lossy(&script);
    output.result(&script, |out| out.write_all(script.as_bytes()))?;
    Ok(ExitStatus::Success)
}
