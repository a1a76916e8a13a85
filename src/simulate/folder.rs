//! A folder with the logs of a plan, and a page that says what they are.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::Serialize;
use thiserror::Error;

use crate::files::{WholeFile, write_whole};
use crate::judge::{Definition, Runbook};
use crate::simulate::course::RETURN_WEIGHTS;
use crate::simulate::table::TableWriter;
use crate::simulate::{LineWriter, Plan, PlanError, Scenario, events, requests};

/// How requests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line: `telemetry.jsonl`.
    Lines,
    /// The same fields as nested columns: `telemetry.parquet`.
    Parquet,
}

impl Form {
    fn file(self) -> &'static str {
        match self {
            Self::Lines => "telemetry.jsonl",
            Self::Parquet => "telemetry.parquet",
        }
    }
}

/// Why the logs of a plan are not on disk.
#[derive(Debug, Error, Diagnostic)]
pub enum SimulateError {
    /// The plan.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    /// The folder has files already.
    #[error("{}: exists already", path.display())]
    #[diagnostic(
        code(simulate::exists),
        help("nothing is overwritten: move it away, or name another place")
    )]
    Exists {
        /// Which folder.
        path: PathBuf,
    },
    /// A file cannot be written.
    #[error("{}: cannot be written", path.display())]
    #[diagnostic(code(simulate::write))]
    Write {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl SimulateError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Lines or rows of requests.
    pub n_requests: u64,
    /// Events.
    pub n_events: usize,
    /// The files, each whole.
    pub files: Vec<PathBuf>,
}

/// Bytes that are gathered before they are handed on.
const BUFFER: usize = 1 << 16;

/// Writes the logs of a plan into a folder that is new or empty: `telemetry.jsonl` (or `.parquet`),
/// `events.jsonl` and `drill.json` where there are events and a drill, and `README.md`, which says what
/// was planted. Time and disk are those of the lines; memory is constant but for the events.
///
/// # Errors
/// If the plan cannot be simulated, the folder is used, or the disk cannot be written.
pub fn write_folder(plan: &Plan, form: Form, folder: &Path) -> Result<Written, SimulateError> {
    plan.check()?;
    std::fs::create_dir_all(folder).map_err(SimulateError::at(folder))?;
    let mut inside = std::fs::read_dir(folder).map_err(SimulateError::at(folder))?;
    if inside.next().is_some() {
        return Err(SimulateError::Exists {
            path: folder.to_owned(),
        });
    }
    let telemetry = folder.join(form.file());
    match form {
        Form::Lines => write_lines(plan, &telemetry)?,
        Form::Parquet => write_table(plan, &telemetry)?,
    }
    let mut files = vec![telemetry];
    let mut keep = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        write_whole(&path, bytes).map_err(SimulateError::at(&path))?;
        files.push(path);
        Ok::<(), SimulateError>(())
    };
    let events = events(plan)?;
    if !events.is_empty() {
        let mut lines = Vec::new();
        for event in &events {
            serde_json::to_writer(&mut lines, event).expect("an event is JSON");
            lines.push(b'\n');
        }
        keep("events.jsonl", &lines)?;
    }
    if plan.runbook == Runbook::FailoverDrill {
        keep("drill.json", drill_plan().as_bytes())?;
    }
    keep("README.md", readme(plan, form).as_bytes())?;
    Ok(Written {
        n_requests: plan.n_requests(),
        n_events: events.len(),
        files,
    })
}

fn write_lines(plan: &Plan, path: &Path) -> Result<(), SimulateError> {
    let mut file = WholeFile::create(path).map_err(SimulateError::at(path))?;
    let (mut writer, mut buffer) = (LineWriter::default(), Vec::with_capacity(2 * BUFFER));
    for request in requests(plan)? {
        writer.write(&request, &mut buffer);
        if buffer.len() >= BUFFER {
            file.write_all(&buffer).map_err(SimulateError::at(path))?;
            buffer.clear();
        }
    }
    file.write_all(&buffer).map_err(SimulateError::at(path))?;
    file.persist().map_err(SimulateError::at(path))
}

fn write_table(plan: &Plan, path: &Path) -> Result<(), SimulateError> {
    let failed =
        |error: parquet::errors::ParquetError| SimulateError::at(path)(io::Error::other(error));
    let file = WholeFile::create(path).map_err(SimulateError::at(path))?;
    let mut table = TableWriter::create(file).map_err(failed)?;
    for request in requests(plan)? {
        table.write(&request).map_err(failed)?;
    }
    let file = table.finish().map_err(failed)?;
    file.persist().map_err(SimulateError::at(path))
}

/// The plan that a simulated drill goes by.
fn drill_plan() -> String {
    let weights = RETURN_WEIGHTS.map(|weight| weight.to_string()).join(", ");
    format!(
        r#"{{ "regions": ["us-east", "eu-west"], "evacuate": "us-east", "promote_survivor": "eu-west",
  "routing": {{ "mode": "latency", "stick_minutes": 15, "hysteresis_s": 30 }},
  "freeze_writes_on_followers": true,
  "checks": {{ "pre": ["env_parity", "index_hash_equal", "queue_empty", "cache_warm"],
              "live": ["p95_latency", "error_rate", "queue_backlog", "ΔS_probe", "λ_state", "index_hash"],
              "post": ["answers_equal", "contracts_equal", "backlog_zero", "cache_rewarmed"] }},
  "rag_probe": {{ "k": 10, "dualhome_k": 5, "delta_s_risk": 0.60, "coverage_min": 0.70 }},
  "webhook_policy": {{ "emit_from": "eu-west", "dedupe_key": "sha256(event_id+rev)" }},
  "return_to_home": {{ "rebuild_follower": true, "purge_cache": true, "gradual_weights": [{weights}] }} }}
"#
    )
}

fn readme(plan: &Plan, form: Form) -> String {
    let Plan {
        scenario, runbook, ..
    } = plan;
    let red = scenario.turns_red(*runbook).unwrap_or_default();
    let mut page = format!(
        "# Simulated: {scenario}\n\nNothing in this folder happened. `ragstone simulate` wrote it, every line says \
         `\"simulated\": true`, and no check takes it for evidence unless `--allow-simulated` is given.\n\n\
         Planted: {}.\n\n",
        scenario.plants()
    );
    let mut say = |line: std::fmt::Arguments| writeln!(page, "{line}").expect("a string");
    if red.is_empty() {
        say(format_args!(
            "Expected red: no check that requests or a drill log decide."
        ));
    } else {
        say(format_args!(
            "Expected red, at the stages that have user traffic:\n"
        ));
    }
    for id in red {
        say(format_args!("- {id}: {}", Definition::of(*id).clause));
    }
    if *scenario == Scenario::IndexSkew {
        say(format_args!(
            "\nContracts and probes of both regions show the skew at once; a simulation has neither."
        ));
    }
    say(format_args!("\n| | |\n|---|---|"));
    say(format_args!("| runbook | {runbook} |"));
    say(format_args!("| seed | {} |", plan.seed));
    say(format_args!("| begins | {} |", plan.start));
    say(format_args!("| minutes | {} |", plan.minutes));
    say(format_args!("| requests a second | {} |", plan.rate));
    say(format_args!("| share of the candidate | {} |", plan.share));
    say(format_args!("| error rate | {} |", plan.error_rate));
    say(format_args!(
        "| requests | {} in `{}` |",
        plan.n_requests(),
        form.file()
    ));
    page
}
