//! `ragstone report`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::gate::make_folder;
use crate::cli::output::{Output, content, remark};
use crate::cli::{ExitStatus, Failure, Format};
use crate::report::{
    Drawing, FolderError, Report, Style, annotations, load, render, terminal, verdict_file,
};

/// Renders a finished run again: every report into its folder and the summary to stdout, or one report
/// to stdout.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The run folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Write the files into this folder instead.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write only this report, and to stdout.
    #[arg(long = "as", value_name = "FORM", value_enum, conflicts_with = "out")]
    form: Option<Form>,
}

/// A report that stdout can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// JUnit XML, as Jenkins, GitLab and others read it.
    Junit,
    /// Common Test Report Format (ctrf.io), JSON.
    Ctrf,
    /// Metrics in the `OpenMetrics` text format.
    Openmetrics,
    /// An in-toto statement, not signed, of PASS and FAIL only.
    InToto,
    /// Annotations, as GitHub Actions reads them from a log.
    Github,
    /// The summary in Markdown.
    Markdown,
    /// The page.
    Html,
    /// A drill on one page.
    OnePage,
}

impl Form {
    /// What is drawn; annotations have no file.
    fn drawing(self) -> Option<Drawing> {
        match self {
            Self::Junit => Some(Drawing::Junit),
            Self::Ctrf => Some(Drawing::Ctrf),
            Self::Openmetrics => Some(Drawing::OpenMetrics),
            Self::InToto => Some(Drawing::InToto),
            Self::Github => None,
            Self::Markdown => Some(Drawing::Markdown),
            Self::Html => Some(Drawing::Html),
            Self::OnePage => Some(Drawing::OnePage),
        }
    }
}

/// The exit status says whether the report could be rendered, not what it says.
pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    if !args.run.join("verdict.json").exists() && args.run.join("run.json").exists() {
        return Err(Failure::NotJudged {
            path: args.run.clone(),
        });
    }
    let report = load(&args.run)?;
    let verdict_file = verdict_file(&args.run)?;
    if let Some(form) = args.form {
        if output.format == Format::Json {
            return Err(Failure::Name(
                "--as says what stdout gets, and --format json asks for verdict.json: leave one out"
                    .to_owned(),
            ));
        }
        return one(form, &report, &verdict_file);
    }
    let folder = args.out.as_ref().unwrap_or(&args.run);
    make_folder(folder)?;
    render(&report, &verdict_file, folder)?;
    output.result(&report.verdict, |out| terminal(&report, Style::Normal, out))?;
    remark(&format!("report: {}", folder.join("report.html").display()));
    Ok(ExitStatus::Success)
}

/// One report to stdout, to the byte of its file.
fn one(form: Form, report: &Report, verdict_file: &[u8]) -> Result<ExitStatus, Failure> {
    let Some(drawing) = form.drawing() else {
        let mut lines = Vec::new();
        annotations(report, &|_| None, &mut lines)?;
        content(&lines)?;
        return Ok(ExitStatus::Success);
    };
    let drawn = drawing.draw(report, verdict_file);
    let drawn = drawn.map_err(|source| FolderError::Io {
        path: drawing.file().into(),
        source,
    })?;
    let Some(bytes) = drawn else {
        return Err(Failure::NotDrawn {
            file: drawing.file(),
            verdict: report.verdict.verdict,
            runbook: report.verdict.runbook,
        });
    };
    content(&bytes)?;
    Ok(ExitStatus::Success)
}
