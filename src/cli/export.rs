//! `ragstone export`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::Serialize;

use crate::cli::gate::{is_used, make_folder};
use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure, Format};
use crate::exchange::run::{
    Content, Exported, File, LeftOut, RunExportError, RunFormat, Scores, Source, Wanted, export,
};
use crate::ids::{Form, Seed, TargetName};
use crate::report::printable;

/// Writes what a run observed in a format of other tools. What that format cannot hold is listed on stderr,
/// and with --format json in the result.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run folder, judged or not.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Into which format.
    #[arg(long = "as", value_name = "FORMAT", value_enum)]
    into: RunFormat,
    /// Only this target. Formats that know no targets get a file for each otherwise.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Only this wording: 0 is the original one, which formats of one ranking a question take otherwise.
    #[arg(long, value_name = "N")]
    form: Option<u16>,
    /// Only this seed. Formats of one ranking a question take the run's first one otherwise.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The gold set that was asked, for reference answers, texts of the evidence, and judgments.
    #[arg(long, value_name = "DIR")]
    gold: Option<PathBuf>,
    /// The scores of a TREC run; the target's own, if left out.
    #[arg(long, value_enum)]
    scores: Option<ScoresArg>,
    /// The file, or a folder where there are several; must not exist. Default: stdout.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

/// The scores of a TREC run.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScoresArg {
    /// The target's own.
    Target,
    /// How many documents stand below, so that the order stays whatever breaks ties.
    Rank,
}

impl ValueEnum for RunFormat {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Written {
    format: &'static str,
    files: Vec<WrittenFile>,
    left_out: LeftOut,
}

#[derive(Serialize)]
struct WrittenFile {
    path: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<TargetName>,
    rows: usize,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let source = Source::load(&args.run, args.gold.as_deref())?;
    let wanted = Wanted {
        target: args.target.as_deref().map(TargetName::new),
        form: args.form.map(Form),
        seed: args.seed.map(Seed),
        scores: args.scores.map(|scores| match scores {
            ScoresArg::Target => Scores::Target,
            ScoresArg::Rank => Scores::Rank,
        }),
    };
    let Exported { files, left_out } = export(&source, args.into, &wanted)?;
    match &args.out {
        None => to_stdout(args.into, files, output)?,
        Some(out) => {
            let files = to_files(args.into, files, out)?;
            let written = Written {
                format: args.into.name(),
                files,
                left_out: left_out.clone(),
            };
            output.result(&written, |out| {
                for file in &written.files {
                    writeln!(out, "{}: {} rows", file.path.display(), file.rows)?;
                }
                Ok(())
            })?;
        }
    }
    list(args.into, &left_out);
    Ok(ExitStatus::Success)
}

/// The one file there is, to the byte.
fn to_stdout(format: RunFormat, files: Vec<File>, output: Output) -> Result<(), Failure> {
    let n = files.len();
    let mut files = files.into_iter();
    let (Some(file), None) = (files.next(), files.next()) else {
        return Err(RunExportError::SeveralFiles { n }.into());
    };
    match (file.content, output.format) {
        (Content::Text(text), Format::Text) => Ok(output.result(&(), |out| out.write_all(&text))?),
        (Content::Table(_), _) | (_, Format::Json) => Err(RunExportError::NeedsFile {
            format: format.name(),
        }
        .into()),
    }
}

fn to_files(format: RunFormat, files: Vec<File>, out: &Path) -> Result<Vec<WrittenFile>, Failure> {
    let used = if files.len() == 1 {
        out.exists()
    } else {
        is_used(out)
    };
    if used {
        return Err(Failure::Exists {
            path: out.to_owned(),
        });
    }
    let folder = (files.len() > 1).then_some(out);
    if let Some(folder) = folder {
        make_folder(folder)?;
    }
    let mut written = Vec::new();
    for file in files {
        let (target, rows) = (file.target.clone(), file.rows);
        let name = target.as_ref().map(|target| file_name(target, format));
        let path = match (folder, name) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => out.to_owned(),
        };
        file.write(&path)?;
        written.push(WrittenFile { path, target, rows });
    }
    Ok(written)
}

/// A target's name may hold anything; a file's may not.
fn file_name(target: &TargetName, format: RunFormat) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    let name = utf8_percent_encode(target.as_str(), PLAIN);
    format!("{name}.{}", format.ending())
}

/// Names after which nobody reads on; all of them are in the JSON.
const MOST_NAMED: usize = 5;

fn list(format: RunFormat, left_out: &LeftOut) {
    let mut entries = left_out.entries().peekable();
    if entries.peek().is_some() {
        remark(&format!("{} does not hold all of the run:", format.name()));
    }
    for (loss, count, names) in entries {
        let mut line = format!("  {}: {count}", loss.meaning());
        if !names.is_empty() {
            let first = names.iter().take(MOST_NAMED).map(|name| printable(name));
            let _ = write!(line, " ({}", first.collect::<Vec<_>>().join(", "));
            if names.len() > MOST_NAMED {
                let _ = write!(line, ", and {} more", names.len() - MOST_NAMED);
            }
            line.push(')');
        }
        remark(&line);
    }
}
