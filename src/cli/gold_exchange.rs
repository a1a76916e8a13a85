//! `ragstone gold import` and `ragstone gold export`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure};
use crate::exchange::Pointer;
use crate::exchange::gold::{
    self, CorpusField, Count, Exported, Fate, Field, FieldName, Format, Imported, LeftOut, Mapped,
    Naming, Sources, Target,
};
use crate::goldset;
use crate::report::plain;

/// Entries that the terminal shows; all are in import.json.
const SHOWN: usize = 10;

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.meaning()))
    }
}

impl ValueEnum for Target {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.meaning()))
    }
}

/// Makes a gold set of files of another format.
///
/// What a gold set cannot hold is listed by file, line and reason: a summary on the terminal, all
/// of it in import.json beside the gold set and with --format json. `docs/formats.md` says what
/// becomes of which field.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// Where the questions are: a file, or BEIR's folder; plain, .gz or .zst.
    input: PathBuf,
    /// The format.
    #[arg(long, value_enum, value_name = "FORMAT")]
    from: Format,
    /// The gold set's folder, empty or not there yet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Documents: JSON Lines, a JSON array, CSV or TSV with id, title and text.
    #[arg(long, value_name = "FILE")]
    corpus: Option<PathBuf>,
    /// Judgments: TREC's four columns, or BEIR's three.
    #[arg(long, value_name = "FILE")]
    qrels: Option<PathBuf>,
    /// Which file of BEIR's qrels/, without its ending [default: the only one, or test].
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    #[arg(long, value_name = "FIELD=POINTER", help = map_help())]
    map: Vec<Mapped<Field>>,
    #[arg(long, value_name = "FIELD=POINTER", help = map_corpus_help())]
    map_corpus: Vec<Mapped<CorpusField>>,
    /// Rows with the same value there are wordings of one question, which has the value as its id.
    #[arg(long, value_name = "POINTER")]
    group_by: Option<Pointer>,
    /// Only what stands before the first SEPARATOR of that value tells questions apart.
    #[arg(long, value_name = "SEPARATOR", requires = "group_by")]
    group_separator: Option<String>,
    /// Cut the cells of list fields there [default for deepeval's CSV: ;].
    #[arg(long, value_name = "SEPARATOR")]
    list_separator: Option<String>,
    /// The gold set's name [default: that of its folder].
    #[arg(long)]
    name: Option<String>,
    /// The embedding model that `gold embed` is to use.
    #[arg(long, default_value = "all-MiniLM-L6-v2")]
    model: String,
    /// Exit with 1 if anything was left out.
    #[arg(long)]
    strict: bool,
}

fn map_help() -> String {
    format!(
        "Where a field stands: a column, or a path such as /variants/*[kind=original]/text. Fields: {}",
        Field::names()
    )
}

fn map_corpus_help() -> String {
    format!("The same of documents. Fields: {}", CorpusField::names())
}

/// Writes a gold set in another format.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The gold set's folder.
    folder: PathBuf,
    /// The format.
    #[arg(long = "as", value_enum, value_name = "FORMAT")]
    target: Target,
    /// The file or folder to write, which must not be there yet.
    #[arg(long, value_name = "PATH")]
    out: PathBuf,
    /// Exit with 1 if anything was left out.
    #[arg(long)]
    strict: bool,
}

/// 1 with `--strict` if anything was lost.
fn status(strict: bool, left_out: &[LeftOut]) -> ExitStatus {
    let lost = left_out.iter().any(|entry| entry.fate == Fate::LeftOut);
    if strict && lost {
        ExitStatus::Fail
    } else {
        ExitStatus::Success
    }
}

pub(super) fn import(args: ImportArgs, output: Output) -> Result<ExitStatus, Failure> {
    let folder = args.out.file_name().unwrap_or_default().to_string_lossy();
    let naming = Naming {
        name: args.name.unwrap_or_else(|| folder.into_owned()),
        model: args.model,
    };
    let sources = Sources {
        format: args.from,
        input: args.input,
        corpus: args.corpus,
        qrels: args.qrels,
        split: args.split,
        map: args.map,
        map_corpus: args.map_corpus,
        group_by: args.group_by,
        group_separator: args.group_separator,
        list_separator: args.list_separator,
    };
    let imported = gold::import(&sources, &naming, &args.out)?;
    output.result(&imported, |out| imported_text(&imported, out))?;
    remark(&format!(
        "gold set: {}; next: ragstone gold lint, then gold embed",
        args.out.display()
    ));
    Ok(status(args.strict, &imported.left_out))
}

fn imported_text(imported: &Imported, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{} questions in {} wordings, {} sections, {} targets, {} judged not relevant",
        imported.n_questions,
        imported.n_wordings,
        imported.n_sections,
        imported.n_targets,
        imported.n_not_relevant
    )?;
    left_out(&imported.counts, &imported.left_out, out)?;
    if imported.left_out.len() > SHOWN {
        let list = imported.folder.join("import.json");
        writeln!(out, "all of it: {}", list.display())?;
    }
    Ok(())
}

pub(super) fn export(args: &ExportArgs, output: Output) -> Result<ExitStatus, Failure> {
    let gold = goldset::load(&args.folder)?;
    let exported = gold::export(&gold, args.target, &args.out)?;
    output.result(&exported, |out| exported_text(&exported, out))?;
    remark(&format!("written: {}", args.out.display()));
    Ok(status(args.strict, &exported.left_out))
}

fn exported_text(exported: &Exported, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{} questions, {} sections",
        exported.n_questions, exported.n_sections
    )?;
    left_out(&exported.counts, &exported.left_out, out)?;
    if exported.left_out.len() > SHOWN {
        writeln!(out, "all of it: --format json")?;
    }
    Ok(())
}

/// The counts by reason, and the first entries.
fn left_out(counts: &[Count], left_out: &[LeftOut], out: &mut dyn Write) -> io::Result<()> {
    for count in counts {
        let fate = match count.fate {
            Fate::LeftOut => "left out",
            Fate::Merged => "merged",
            Fate::NotAsked => "not asked for",
        };
        writeln!(
            out,
            "{fate:<13} {:>6}  {:<18} {}",
            count.n,
            count.reason.name(),
            count.meaning
        )?;
    }
    for entry in left_out.iter().take(SHOWN) {
        let line = entry
            .line
            .map_or_else(String::new, |line| format!(":{line}"));
        let what = entry.field.as_ref().or(entry.id.as_ref());
        let detail = entry.detail.as_deref();
        let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
        let text = format!(
            "{}{line}: {} [{}]{detail}",
            entry.file.display(),
            what.map_or("", String::as_str),
            entry.reason.name()
        );
        writeln!(out, "  {}", plain(&text))?;
    }
    if left_out.len() > SHOWN {
        writeln!(out, "  … and {} more", left_out.len() - SHOWN)?;
    }
    Ok(())
}
