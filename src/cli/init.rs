//! `ragstone init`.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure};
use crate::files::write_whole;
use crate::plan::STARTER;

/// Writes a starter policy with every key explained. Overwrites nothing.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where to write it.
    #[arg(value_name = "FILE", default_value = "ragstone.toml")]
    path: PathBuf,
}

#[derive(Serialize)]
struct Written<'a> {
    path: &'a std::path::Path,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    if args.path.exists() {
        return Err(Failure::Exists {
            path: args.path.clone(),
        });
    }
    write_whole(&args.path, STARTER.as_bytes()).map_err(|source| Failure::MakeFolder {
        path: args.path.clone(),
        source,
    })?;
    let next = "next: point `gold` at a gold set, then `ragstone gold lint` and `ragstone gate`";
    output.result(&Written { path: &args.path }, |out| {
        writeln!(out, "wrote {}\n{next}", args.path.display())
    })?;
    Ok(ExitStatus::Success)
}
