//! The reports that are drawn from a run, by their names and files.

use std::io;

use crate::judge::Runbook;
use crate::report::html::one_page;
use crate::report::{Report, Statement, ctrf, html, junit, markdown, openmetrics};

/// A report that is drawn from a run: for people, for CI, or for another tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// JUnit XML.
    Junit,
    /// Common Test Report Format.
    Ctrf,
    /// Metrics as text.
    OpenMetrics,
    /// An in-toto statement, of what passed or failed only.
    InToto,
    /// Markdown.
    Markdown,
    /// The page.
    Html,
    /// A drill on one page, of a drill only.
    OnePage,
}

impl Drawing {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Junit,
        Self::Ctrf,
        Self::OpenMetrics,
        Self::InToto,
        Self::Markdown,
        Self::Html,
        Self::OnePage,
    ];

    /// Its file in a run folder.
    pub fn file(self) -> &'static str {
        match self {
            Self::Junit => "junit.xml",
            Self::Ctrf => "ctrf.json",
            Self::OpenMetrics => "metrics.prom",
            Self::InToto => "test-result.intoto.json",
            Self::Markdown => "summary.md",
            Self::Html => "report.html",
            Self::OnePage => "one-page.html",
        }
    }

    /// Draws it; `verdict_file` is the run's `verdict.json` to the byte. `None` where there is none of this
    /// run.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn draw(self, report: &Report, verdict_file: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        match self {
            Self::Junit => junit(report, &mut bytes)?,
            Self::Ctrf => ctrf(report, &mut bytes)?,
            Self::OpenMetrics => openmetrics(report, &mut bytes)?,
            Self::InToto => match Statement::of(report, verdict_file) {
                Some(statement) => {
                    serde_json::to_writer_pretty(&mut bytes, &statement)?;
                    bytes.push(b'\n');
                }
                None => return Ok(None),
            },
            Self::Markdown => markdown(report, &mut bytes)?,
            Self::Html => html(report, &mut bytes)?,
            Self::OnePage if report.verdict.runbook != Runbook::FailoverDrill => return Ok(None),
            Self::OnePage => one_page(report, &mut bytes)?,
        }
        Ok(Some(bytes))
    }
}
