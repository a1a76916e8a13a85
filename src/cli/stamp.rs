//! `ragstone stamp`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::output::{Output, remark};
use crate::cli::side::SideArgs;
use crate::cli::{ExitStatus, Failure};
use crate::parity::stamp::{Health, NormHistogram, Stamp};
use crate::report::plain;
use crate::stamp::names;

/// Say what an index is, in two small files that can be compared anywhere.
///
/// SOURCE is an export: files or folders of Parquet, Arrow IPC or JSON lines (plain, gzip or zstd), or a
/// TSV of texts with a .npy or .fvecs of vectors; or the name of a live target of the policy. Writes NAME.stamp.json (contract, roots, counts) and
/// NAME.stamp.parquet (digests of each row). The bytes are the same whatever the order of rows and
/// however they are spread over files.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The export, or a target.
    #[arg(value_name = "SOURCE", required = true)]
    source: Vec<PathBuf>,
    /// The name of the stamp; its files must not exist.
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
    /// A JSON object of contract fields that the index claims, such as METRIC and ANALYZER.
    #[arg(long, value_name = "FILE")]
    contract: Option<PathBuf>,
    /// Exit with 1 if a vector is one that no index should hold: NaN, infinite, zeros, another dimension;
    /// or if a claim contradicts what was computed.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    side: SideArgs,
}

pub(super) async fn run(args: Args, output: Output) -> Result<ExitStatus, Failure> {
    let (document, rows) = names(&args.out);
    if let Some(path) = [document, rows].into_iter().find(|path| path.exists()) {
        return Err(Failure::Exists { path });
    }
    let scratch = args.side.scratch()?;
    let contract = args.contract.as_deref();
    let index = args
        .side
        .open(&args.source, contract, scratch.path())
        .await?;
    let stamp = args.side.stamp(&index, &args.out)?;
    output.result(&stamp, |out| text(&stamp, &args.out, out))?;
    let wrong = !stamp.health.faults().is_empty() || !stamp.lies().is_empty();
    Ok(if args.strict && wrong {
        ExitStatus::Fail
    } else {
        ExitStatus::Success
    })
}

fn text(stamp: &Stamp, name: &Path, out: &mut dyn Write) -> io::Result<()> {
    let health = &stamp.health;
    for (field, value) in stamp.contract.iter() {
        writeln!(out, "{field:<14} {}", plain(value))?;
    }
    writeln!(out)?;
    let parts = [
        ("texts", stamp.covers.texts),
        ("metadata", stamp.covers.metadata),
        ("vectors", stamp.covers.vectors),
        ("sections", stamp.covers.sections),
    ];
    let having = |wanted: bool| -> String {
        let names = parts.iter().filter(|(_, has)| *has == wanted);
        names.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let having_some = having(true);
    let comma = if having_some.is_empty() { "" } else { ", " };
    writeln!(out, "covers         ids{comma}{having_some}")?;
    if !having(false).is_empty() {
        writeln!(out, "has none of    {}", having(false))?;
    }
    if !stamp.left_out.is_empty() {
        let columns: Vec<String> = stamp.left_out.iter().map(|name| plain(name)).collect();
        writeln!(out, "left out       {}", columns.join(", "))?;
    }
    for (bin, n) in norms(health) {
        writeln!(out, "{bin}{n}")?;
    }
    for fault in health.faults() {
        writeln!(out, "FAULT          {fault}")?;
    }
    for lie in stamp.lies() {
        let (claimed, computed) = (plain(&lie.claimed), plain(&lie.computed));
        let field = lie.field;
        writeln!(
            out,
            "STAMP LIES     {field}: claimed {claimed}, computed {computed}"
        )?;
    }
    for note in health.remarks() {
        writeln!(out, "note           {note}")?;
    }
    let (document, rows) = names(name);
    remark(&format!(
        "wrote {} and {}",
        plain(&document.to_string_lossy()),
        plain(&rows.to_string_lossy())
    ));
    Ok(())
}

/// The histogram of lengths, the fullest bins only.
fn norms(health: &Health) -> Vec<(String, u64)> {
    /// Bins shown.
    const SHOWN: usize = 8;
    let mut bins: Vec<(i32, u64)> = health.norms.0.iter().map(|(bin, n)| (*bin, *n)).collect();
    bins.sort_by_key(|(bin, n)| (std::cmp::Reverse(*n), *bin));
    bins.truncate(SHOWN);
    bins.sort_unstable();
    let label = |(bin, n): (i32, u64)| {
        let (low, high) = NormHistogram::edges(bin);
        (format!("norm           {low:.3} to {high:.3}: "), n)
    };
    bins.into_iter().map(label).collect()
}
