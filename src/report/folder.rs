//! The run folder: a report on disk.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::files::write_whole;
use crate::judge::Verdict;
use crate::measure::MetricTable;
use crate::replay::{Observation, RecordError, read_observations, read_texts};
use crate::report::{Comparison, Drawing, ProbesWriter, Report, RunRecord};
use crate::target::Texts;
use crate::traffic::{Observed, Timeline, TrafficTable};

/// Why a run folder cannot be written or read.
#[derive(Debug, Error, Diagnostic)]
pub enum FolderError {
    /// A file cannot be opened or written.
    #[error("{}: cannot be read or written", path.display())]
    #[diagnostic(
        code(report::io),
        help(
            "a run folder holds run.json, verdict.json, observations.parquet, texts.parquet and metrics.parquet"
        )
    )]
    Io {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A JSON file is not of the documented form.
    #[error("{}: not readable", path.display())]
    #[diagnostic(
        code(report::json),
        help("the file was changed, or written by another version of ragstone")
    )]
    Json {
        /// Which file.
        path: PathBuf,
        /// The reason, with line and column.
        source: serde_json::Error,
    },
    /// A format of the future.
    #[error("{}: format {found}, but this version reads up to {known}", path.display())]
    #[diagnostic(
        code(report::format),
        help("use the version of ragstone that wrote it, or a newer one")
    )]
    Format {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// A table.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Table(#[from] RecordError),
}

/// The canonical result.
const VERDICT: &str = "verdict.json";
/// What live requests came to.
const TRAFFIC: &str = "traffic.json";
/// The events of a drill.
const TIMELINE: &str = "timeline.json";

/// Writes the whole bundle into a folder that exists: data first, then what is drawn from it. Every
/// file appears whole.
///
/// # Errors
/// If the folder cannot be written.
pub fn save(report: &Report, folder: &Path) -> Result<(), FolderError> {
    let mut probes = ProbesWriter::create(folder)?;
    probes.push(&report.observations, &report.texts)?;
    probes.finish(&report.record)?;
    report.table.write(&folder.join("metrics.parquet"))?;
    let Observed { traffic, timeline } = &report.observed;
    if let Some(traffic) = traffic {
        write_json(&folder.join(TRAFFIC), traffic)?;
    }
    if let Some(timeline) = timeline {
        write_json(&folder.join(TIMELINE), timeline)?;
    }
    let path = folder.join(VERDICT);
    let verdict = verdict_bytes(&report.verdict)?;
    write_whole(&path, &verdict).map_err(|source| FolderError::Io { path, source })?;
    render(report, &verdict, folder)
}

/// Draws the reports for people, CI and other tools into a folder that exists; `verdict_file` is the run's
/// `verdict.json` to the byte. What there is none of is not left there of another run either.
///
/// # Errors
/// If the folder cannot be written.
pub fn render(report: &Report, verdict_file: &[u8], folder: &Path) -> Result<(), FolderError> {
    if let Some(comparison) = Comparison::of(report) {
        write_json(&folder.join("comparison.json"), &comparison)?;
    }
    for drawing in Drawing::ALL {
        let path = folder.join(drawing.file());
        let drawn = drawing.draw(report, verdict_file);
        let written = drawn.and_then(|drawn| match drawn {
            Some(bytes) => write_whole(&path, &bytes),
            None => remove(&path),
        });
        written.map_err(|source| FolderError::Io { path, source })?;
    }
    Ok(())
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Reads a run folder back.
///
/// # Errors
/// If a file is missing, damaged or of a newer format.
pub fn load(folder: &Path) -> Result<Report, FolderError> {
    let verdict = load_verdict(folder)?;
    let Probes {
        record,
        observations,
        texts,
    } = load_probes(folder)?;
    Ok(Report {
        verdict,
        record,
        table: MetricTable::read(&folder.join("metrics.parquet"))?,
        observations,
        texts,
        observed: Observed {
            traffic: read_beside(&folder.join(TRAFFIC))?,
            timeline: read_beside(&folder.join(TIMELINE))?,
        },
    })
}

/// What a replay alone yields.
#[derive(Clone, Debug, PartialEq)]
pub struct Probes {
    /// What was asked of whom.
    pub record: RunRecord,
    /// What came back from each probe.
    pub observations: Vec<Observation>,
    /// Every text that came back.
    pub texts: Texts,
}

/// Reads what [`ProbesWriter`] wrote, from the folder of any run, judged or not.
///
/// # Errors
/// If a file is missing, damaged or of a newer format.
pub fn load_probes(folder: &Path) -> Result<Probes, FolderError> {
    let path = folder.join("run.json");
    let record: RunRecord = read_json(&path)?;
    check_format(&path, record.format, RunRecord::FORMAT)?;
    Ok(Probes {
        record,
        observations: read_observations(&folder.join("observations.parquet"))?,
        texts: read_texts(&folder.join("texts.parquet"))?,
    })
}

/// Reads only `verdict.json`.
///
/// # Errors
/// If it is missing, damaged or of a newer format.
pub fn load_verdict(folder: &Path) -> Result<Verdict, FolderError> {
    let path = folder.join(VERDICT);
    let verdict: Verdict = read_json(&path)?;
    check_format(&path, verdict.format, Verdict::FORMAT)?;
    Ok(verdict)
}

/// `verdict.json` to the byte, as digests cover it.
///
/// # Errors
/// If it cannot be read.
pub fn verdict_file(folder: &Path) -> Result<Vec<u8>, FolderError> {
    let path = folder.join(VERDICT);
    std::fs::read(&path).map_err(|source| FolderError::Io { path, source })
}

fn check_format(path: &Path, found: u32, known: u32) -> Result<(), FolderError> {
    if found > known {
        Err(FolderError::Format {
            path: path.to_owned(),
            found,
            known,
        })
    } else {
        Ok(())
    }
}

/// The bytes of `verdict.json`.
///
/// # Errors
/// If a number has no JSON, which judging prevents.
pub fn verdict_bytes(verdict: &Verdict) -> Result<Vec<u8>, FolderError> {
    json_bytes(Path::new(VERDICT), verdict)
}

fn json_bytes(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, FolderError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|source| FolderError::Json {
        path: path.to_owned(),
        source,
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), FolderError> {
    write_whole(path, &json_bytes(path, value)?).map_err(|source| FolderError::Io {
        path: path.to_owned(),
        source,
    })
}

/// A file that not every run has, if it is there.
fn read_beside<T: DeserializeOwned + Formatted>(path: &Path) -> Result<Option<T>, FolderError> {
    if !path.exists() {
        return Ok(None);
    }
    let value: T = read_json(path)?;
    check_format(path, value.format(), T::KNOWN)?;
    Ok(Some(value))
}

/// A file with a version of its own.
trait Formatted {
    const KNOWN: u32;
    fn format(&self) -> u32;
}

impl Formatted for TrafficTable {
    const KNOWN: u32 = Self::FORMAT;
    fn format(&self) -> u32 {
        self.format
    }
}

impl Formatted for Timeline {
    const KNOWN: u32 = Self::FORMAT;
    fn format(&self) -> u32 {
        self.format
    }
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    let bytes = std::fs::read(path).map_err(|source| FolderError::Io {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_slice(&bytes).map_err(|source| FolderError::Json {
        path: path.to_owned(),
        source,
    })
}
