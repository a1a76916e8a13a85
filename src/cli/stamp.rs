//! `ragstone stamp`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::cli::columns::ColumnArgs;
use crate::cli::output::{Output, remark};
use crate::cli::progress::Progress;
use crate::cli::{ExitStatus, Failure, claims};
use crate::export::Source;
use crate::parity::Contract;
use crate::parity::stamp::{NormHistogram, SEED, Stamp};
use crate::report::plain;
use crate::stamp::{Making, make, names};

/// Say what an index is, in two small files that can be compared anywhere.
///
/// SOURCE is an export: files or folders of Parquet, Arrow IPC or JSON lines (plain, gzip or zstd), or a
/// TSV of texts with a .npy or .fvecs of vectors. Writes NAME.stamp.json (contract, roots, counts) and
/// NAME.stamp.parquet (digests of each row). The bytes are the same whatever the order of rows and
/// however they are spread over files.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The export.
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
    columns: ColumnArgs,
    #[command(flatten)]
    making: MakingArgs,
}

/// How stamps are made.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct MakingArgs {
    /// Seed of the projections; stamps with different seeds cannot be compared by them.
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
    /// Rows beyond so many MiB are spilled to a disk.
    #[arg(long, value_name = "MIB", default_value_t = 384)]
    memory: usize,
    /// The folder for spilled rows [default: the system's temporary folder].
    #[arg(long, value_name = "DIR")]
    spill_to: Option<PathBuf>,
}

impl MakingArgs {
    pub(super) fn making(&self) -> Making {
        Making {
            seed: self.seed,
            memory: self.bytes(),
            spill_to: self.spill_to.clone().unwrap_or_else(std::env::temp_dir),
        }
    }

    /// How much may be kept in memory.
    pub(super) fn bytes(&self) -> usize {
        self.memory.max(1).saturating_mul(1 << 20)
    }
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let (document, rows) = names(&args.out);
    if let Some(path) = [document, rows].into_iter().find(|path| path.exists()) {
        return Err(Failure::Exists { path });
    }
    let claimed = claims::given(args.contract.as_deref())?;
    let source = Source::open(&args.source, &args.columns.columns())?;
    let stamp = stamp(&source, &args.out, &claimed, &args.making.making())?;
    output.result(&stamp, |out| text(&stamp, &args.out, out))?;
    let wrong = !stamp.health.faults().is_empty() || !stamp.lies().is_empty();
    Ok(if args.strict && wrong {
        ExitStatus::Fail
    } else {
        ExitStatus::Success
    })
}

/// Makes a stamp with progress on stderr.
pub(super) fn stamp(
    source: &Source,
    name: &Path,
    claimed: &Contract,
    making: &Making,
) -> Result<Stamp, Failure> {
    let planned = source.n_rows();
    let progress = Mutex::new((Progress::begin("rows"), 0_u64));
    let made = make(source, name, claimed, making, &|rows| {
        let mut progress = progress.lock().expect("telling does not panic");
        progress.1 += rows;
        let done = progress.1;
        let planned = planned.unwrap_or(done).max(done);
        progress.0.tell(done as usize, planned as usize);
    });
    progress
        .into_inner()
        .expect("telling does not panic")
        .0
        .end();
    Ok(made?)
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
    let names = |wanted: bool| -> String {
        let names = parts.iter().filter(|(_, has)| *has == wanted);
        names.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    writeln!(out, "covers         ids, {}", names(true))?;
    if !names(false).is_empty() {
        writeln!(out, "has none of    {}", names(false))?;
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
    let (document, rows) = crate::stamp::names(name);
    remark(&format!(
        "wrote {} and {}",
        plain(&document.to_string_lossy()),
        plain(&rows.to_string_lossy())
    ));
    Ok(())
}

/// The histogram of lengths, the fullest bins only.
fn norms(health: &crate::parity::stamp::Health) -> Vec<(String, u64)> {
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
