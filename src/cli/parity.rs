//! `ragstone parity`.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style as Paint};

use crate::cli::output::Output;
use crate::cli::side::SideArgs;
use crate::cli::{ExitStatus, Failure};
use crate::export::Source;
use crate::files::write_whole;
use crate::goldset;
use crate::ids::TargetName;
use crate::indexes::{Affected, Expected, ParityReport, RowList, Side, SideView, compare};
use crate::judge::RunVerdict;
use crate::parity::{
    Contract, ContractField, FieldStatus, Ids, Ladder, Perturbed, Rung, RungStatus, VectorClass,
    VectorDiff,
};
use crate::report::plain;
use crate::stamp::{Numbers, Saved, names};

/// Ids and questions shown of a list; the JSON and the Parquet file have more.
const SHOWN: usize = 10;

/// Say whether two indexes are the same, and if not, which rows, which channel and which rung.
///
/// A and B are stamps (NAME or NAME.stamp.json), exports (a file or a folder) or live targets of the
/// policy. Exports and targets are stamped first; where the rows of both are at hand, vectors whose bits differ are compared number by number, otherwise by
/// the projections that stamps keep.
///
/// Exit codes: 0 the same as far as was checked, 1 different, 2 wrong usage, 3 something that one side has
/// or that was required could not be compared, 4 could not be read.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The index that the other is compared with.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The other index.
    #[arg(value_name = "B")]
    b: PathBuf,
    /// A JSON object of contract fields that A claims; only for an export.
    #[arg(long, value_name = "FILE")]
    contract_a: Option<PathBuf>,
    /// The same for B.
    #[arg(long, value_name = "FILE")]
    contract_b: Option<PathBuf>,
    /// A contract field that differs on purpose, such as `MODEL_TAG`; may be given more than once.
    #[arg(long, value_name = "FIELD")]
    versioned: Vec<ContractField>,
    /// Take vectors that differ by no more than 1 − cos = 1e-3 for the same, such as after a quantisation.
    #[arg(long)]
    allow_perturbed: bool,
    /// A rung of the ladder that must be known to hold; may be given more than once.
    #[arg(long, value_name = "RUNG", value_parser = rung)]
    require: Vec<Rung>,
    /// A gold set: the questions whose target sections are touched are named.
    #[arg(long, value_name = "DIR")]
    gold: Option<PathBuf>,
    /// Write every id that differs to this Parquet file; must not exist.
    #[arg(long, value_name = "FILE")]
    rows: Option<PathBuf>,
    /// Also write the JSON to this file; must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    side: SideArgs,
}

/// A rung by its name in files, such as `stored_vectors`.
fn rung(text: &str) -> Result<Rung, String> {
    let name = |rung: &Rung| serde_json::to_value(rung).expect("a name");
    let known: Vec<String> = Rung::ALL
        .iter()
        .filter_map(|rung| Some(name(rung).as_str()?.to_owned()))
        .collect();
    let at = known.iter().position(|known| known == text);
    at.map(|at| Rung::ALL[at])
        .ok_or_else(|| format!("expected one of {}", known.join(", ")))
}

pub(super) async fn run(args: Args, output: Output) -> Result<ExitStatus, Failure> {
    for path in [&args.rows, &args.out].into_iter().flatten() {
        if path.exists() {
            return Err(Failure::Exists { path: path.clone() });
        }
    }
    let gold = args.gold.as_deref().map(goldset::load).transpose()?;
    let scratch = args.side.scratch()?;
    let (contract_a, contract_b) = (args.contract_a.as_deref(), args.contract_b.as_deref());
    let a = Given::of(&args.a, "a", contract_a, &args, scratch.path()).await?;
    let b = Given::of(&args.b, "b", contract_b, &args, scratch.path()).await?;
    let expected = Expected {
        versioned: args.versioned.iter().copied().collect(),
        intended: [a.intended.clone(), b.intended.clone()],
        perturbed: if args.allow_perturbed {
            Perturbed::Hold
        } else {
            Perturbed::Fail
        },
        required: args.require.iter().copied().collect::<BTreeSet<_>>(),
    };
    let dim = a.side.saved.stamp.health.dimension().unwrap_or(1);
    let numbers = a.rows.as_ref().zip(b.rows.as_ref()).map(|(a, b)| Numbers {
        a,
        b,
        memory: args.side.bytes(),
        dim: dim as usize,
    });
    let mut list = args.rows.as_deref().map(RowList::create).transpose()?;
    let report = compare(
        &a.side,
        &b.side,
        &expected,
        numbers.as_ref(),
        gold.as_ref(),
        list.as_mut(),
    )?;
    list.map(RowList::finish).transpose()?;
    if let Some(path) = &args.out {
        let mut json = serde_json::to_vec_pretty(&report).expect("a report has a JSON form");
        json.push(b'\n');
        write_whole(path, &json).map_err(|source| Failure::Write {
            path: path.clone(),
            source,
        })?;
    }
    output.result(&report, |out| text(&report, out))?;
    Ok(report.verdict.into())
}

/// A side as given: its stamp, and its rows if they are at hand.
struct Given {
    side: Side,
    rows: Option<Source>,
    /// What the policy declares for a live target.
    intended: Contract,
}

impl Given {
    async fn of(
        path: &Path,
        letter: &str,
        contract: Option<&Path>,
        args: &Args,
        scratch: &Path,
    ) -> Result<Self, Failure> {
        let name = TargetName::new(path.to_string_lossy());
        if names(path).0.is_file() {
            if let Some(contract) = contract {
                return Err(Failure::Name(format!(
                    "{} is a stamp, which says what its side claims: --contract-{letter} {} is for an export",
                    path.display(),
                    contract.display()
                )));
            }
            let saved = Saved::open(path)?;
            let side = Side { name, saved };
            return Ok(Self {
                side,
                rows: None,
                intended: Contract::default(),
            });
        }
        let index = args
            .side
            .open(&[path.to_owned()], contract, scratch)
            .await?;
        let at = scratch.join(letter);
        args.side.stamp(&index, &at)?;
        let saved = Saved::open(&at)?;
        Ok(Self {
            side: Side { name, saved },
            rows: Some(index.source),
            intended: index.intended,
        })
    }
}

fn text(report: &ParityReport, out: &mut dyn Write) -> io::Result<()> {
    let paint = match report.verdict {
        RunVerdict::Pass => AnsiColor::Green,
        RunVerdict::Inconclusive => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    let paint = paint.on_default().bold();
    let (a, b) = (plain(report.a.name.as_str()), plain(report.b.name.as_str()));
    writeln!(
        out,
        "{paint}{}{paint:#} {a} beside {b}",
        report.verdict.name()
    )?;
    writeln!(out, "{}", plain(&report.sentence))?;
    for undecided in &report.undecided {
        writeln!(out, "not decided: {}", plain(undecided))?;
    }
    contract(report, out)?;
    rows(report, out)?;
    for side in [&report.a, &report.b] {
        health(side, out)?;
    }
    if let Some(affected) = &report.questions {
        questions(affected, out)?;
    }
    ladder(&report.ladder, out)
}

fn contract(report: &ParityReport, out: &mut dyn Write) -> io::Result<()> {
    let bold = Paint::new().bold();
    writeln!(out, "\n{bold}Contract{bold:#}")?;
    for parity in &report.fields {
        let said = |value: &Option<String>| {
            value
                .as_deref()
                .map_or_else(|| "not stated".to_owned(), plain)
        };
        let (intended, found) = (said(&parity.intended), said(&parity.found));
        let field = parity.field;
        match parity.status {
            FieldStatus::Equal => writeln!(out, "  =  {field:<14} {found}")?,
            FieldStatus::Versioned => writeln!(out, "  ~  {field:<14} {found}, as declared")?,
            FieldStatus::Informative => writeln!(out, "     {field:<14} {intended} | {found}")?,
            FieldStatus::Differs => writeln!(out, "  ≠  {field:<14} {intended} | {found}")?,
            FieldStatus::NotStated => writeln!(out, "  ?  {field:<14} {intended} | {found}")?,
        }
    }
    let silent: Vec<&str> = report.not_stated.iter().map(|field| field.name()).collect();
    if !silent.is_empty() {
        writeln!(out, "  stated by neither: {}", silent.join(", "))?;
    }
    Ok(())
}

fn questions(affected: &Affected, out: &mut dyn Write) -> io::Result<()> {
    let bold = Paint::new().bold();
    let (n, all) = (affected.questions.len(), affected.n_questions);
    writeln!(
        out,
        "\n{bold}Gold questions{bold:#}\n  {n} of {all} ask for what differs"
    )?;
    for (question, sections) in affected.questions.iter().take(SHOWN) {
        let sections: Vec<String> = sections.iter().map(|section| plain(section)).collect();
        writeln!(
            out,
            "  {}: {}",
            plain(question.as_str()),
            sections.join(", ")
        )?;
    }
    more(n, out)
}

fn ladder(ladder: &Ladder, out: &mut dyn Write) -> io::Result<()> {
    let bold = Paint::new().bold();
    writeln!(out, "\n{bold}Ladder{bold:#}")?;
    for found in &ladder.rungs {
        let mark = match found.finding.status {
            RungStatus::Holds => "=",
            RungStatus::Fails => "≠",
            RungStatus::Unknown => "?",
        };
        writeln!(
            out,
            "  {mark}  {:<17} {}",
            found.rung.name(),
            plain(&found.finding.proof)
        )?;
    }
    Ok(())
}

fn more(n: usize, out: &mut dyn Write) -> io::Result<()> {
    if n > SHOWN {
        writeln!(out, "  … and {} more", n - SHOWN)?;
    }
    Ok(())
}

fn rows(report: &ParityReport, out: &mut dyn Write) -> io::Result<()> {
    let bold = Paint::new().bold();
    let rows = &report.rows;
    let (a, b) = (rows.n_control, rows.n_target);
    writeln!(
        out,
        "\n{bold}Rows{bold:#}\n  {a} | {b}, {} ids differ in content",
        rows.n_changed
    )?;
    for (class, list) in rows.lists() {
        ids(class.name(), list, out)?;
    }
    for (key, n) in &rows.metadata_keys {
        writeln!(out, "  metadata key {} differs in {n}", plain(key))?;
    }
    match &rows.vectors {
        None => writeln!(out, "  vectors: not compared"),
        Some(vectors) => vector_lists(vectors, out),
    }
}

fn vector_lists(vectors: &VectorDiff, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  vectors identical: {}", vectors.n_identical)?;
    for (class, list) in [
        (VectorClass::Equivalent, &vectors.equivalent),
        (VectorClass::Perturbed, &vectors.perturbed),
        (VectorClass::Different, &vectors.different),
    ] {
        ids(&format!("vectors {}", class.name()), list, out)?;
    }
    ids("vectors of another length", &vectors.rescaled, out)?;
    let largest = |what: &str, value: Option<f64>| {
        value
            .filter(|value| *value > 0.0)
            .map(|value| format!("{what} {value:.2e}"))
    };
    let largest = [
        largest("1 − cos", vectors.max_distance),
        largest("difference of a coordinate", vectors.max_delta),
    ];
    let largest: Vec<String> = largest.into_iter().flatten().collect();
    if !largest.is_empty() {
        writeln!(out, "  largest {}", largest.join(", largest "))?;
    }
    if vectors.n_estimated > 0 {
        let n = vectors.n_estimated;
        writeln!(
            out,
            "  {n} of them estimated from projections (give both exports for exact numbers)"
        )?;
    }
    Ok(())
}

fn ids(what: &str, list: &Ids, out: &mut dyn Write) -> io::Result<()> {
    if list.n == 0 {
        return Ok(());
    }
    let shown: Vec<String> = list.first.iter().take(SHOWN).map(|id| plain(id)).collect();
    let rest = if list.n > SHOWN { ", …" } else { "" };
    writeln!(out, "  {what}: {} ({}{rest})", list.n, shown.join(", "))
}

fn health(side: &SideView, out: &mut dyn Write) -> io::Result<()> {
    let bold = Paint::new().bold();
    writeln!(out, "\n{bold}{}{bold:#}", plain(side.name.as_str()))?;
    for lie in &side.stamp_lies {
        let (claimed, computed) = (plain(&lie.claimed), plain(&lie.computed));
        writeln!(
            out,
            "  STAMP LIES {}: claimed {claimed}, computed {computed}",
            lie.field
        )?;
    }
    for fault in &side.faults {
        writeln!(out, "  FAULT {fault}")?;
    }
    for note in &side.remarks {
        writeln!(out, "  note: {note}")?;
    }
    if !side.left_out.is_empty() {
        let columns: Vec<String> = side.left_out.iter().map(|name| plain(name)).collect();
        writeln!(
            out,
            "  columns that were not looked at: {}",
            columns.join(", ")
        )?;
    }
    if side.stamp_lies.is_empty() && side.faults.is_empty() && side.remarks.is_empty() {
        writeln!(out, "  nothing conspicuous in {} rows", side.health.rows)?;
    }
    Ok(())
}
