//! The `ragstone` program: parses, runs, and turns what went wrong into a message and an exit code.

use std::process::ExitCode;

use clap::Parser;
use ragstone::cli::{self, Cli, Failure, Message};

fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(status) => status.into(),
        Err(failure) => {
            let code = failure.exit_status().into();
            complain(&failure);
            code
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where an error reaches a person"
)]
fn complain(failure: &Failure) {
    // A reader that went away, as with `| head`, needs no message.
    if !matches!(failure, Failure::Stdout(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    {
        eprintln!("{:?}", miette::Report::new(Message::of(failure)));
    }
}
