//! `ragstone simulate`.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure};
use crate::judge::{CheckId, Runbook, RunbookStage};
use crate::report::plain;
use crate::simulate::{Form, Plan, Scenario, Written, write_folder};
use crate::units::Moment;

/// Write logs of requests and drills that never happened: for training, and for trying a policy.
///
/// The same arguments give the same bytes. Every line is marked as simulated, and no check takes it for
/// evidence unless --allow-simulated is given. DIR/README.md says what was planted and which checks it
/// should turn red.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is wrong in the logs.
    #[arg(value_name = "SCENARIO", value_parser = scenarios())]
    scenario: Scenario,
    /// The folder; must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Names the random numbers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many minutes of requests.
    #[arg(long, value_name = "M", default_value_t = 60.0)]
    minutes: f64,
    /// Requests a second, of both arms together.
    #[arg(long, value_name = "N", default_value_t = 20.0)]
    rate: f64,
    /// canary, blue-green, traffic-shaping, multi-region or failover-drill; by default the first that
    /// the scenario is made for.
    #[arg(long)]
    runbook: Option<Runbook>,
    /// The stage, which says the candidate's share of the requests: half of them where it says none.
    #[arg(long)]
    stage: Option<RunbookStage>,
    /// The candidate's share of the requests, over that of the stage.
    #[arg(long, value_name = "S")]
    share: Option<f64>,
    /// The share of requests that fail where nothing is wrong.
    #[arg(long, value_name = "S", default_value_t = 0.002)]
    error_rate: f64,
    /// When the logs begin.
    #[arg(long, value_name = "TIME", default_value = "2026-01-05T09:00:00Z")]
    start: Moment,
    /// How the requests are written.
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = FormArg::Jsonl)]
    form: FormArg,
}

/// How requests are written.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FormArg {
    /// telemetry.jsonl.
    Jsonl,
    /// telemetry.parquet.
    Parquet,
}

fn scenarios() -> impl TypedValueParser<Value = Scenario> {
    let value = |scenario: Scenario| PossibleValue::new(scenario.name()).help(scenario.plants());
    PossibleValuesParser::new(Scenario::all().map(value)).try_map(|name| name.parse::<Scenario>())
}

#[derive(Serialize)]
struct Simulated {
    scenario: Scenario,
    plants: &'static str,
    runbook: Runbook,
    seed: u64,
    expected_red: &'static [CheckId],
    #[serde(flatten)]
    written: Written,
}

impl Args {
    fn plan(&self) -> Plan {
        let usual = Plan::new(self.scenario);
        let staged = self.stage.map_or(usual.share, Plan::share_at);
        Plan {
            runbook: self.runbook.unwrap_or(usual.runbook),
            seed: self.seed,
            minutes: self.minutes,
            rate: self.rate,
            share: self.share.unwrap_or(staged),
            error_rate: self.error_rate,
            start: self.start,
            ..usual
        }
    }
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let plan = args.plan();
    let form = match args.form {
        FormArg::Jsonl => Form::Lines,
        FormArg::Parquet => Form::Parquet,
    };
    let written = write_folder(&plan, form, &args.out)?;
    let simulated = Simulated {
        scenario: plan.scenario,
        plants: plan.scenario.plants(),
        runbook: plan.runbook,
        seed: plan.seed,
        expected_red: plan.scenario.turns_red(plan.runbook).unwrap_or_default(),
        written,
    };
    output.result(&simulated, |out| text(&simulated, out))?;
    Ok(ExitStatus::Success)
}

fn text(simulated: &Simulated, out: &mut dyn Write) -> io::Result<()> {
    let Simulated {
        scenario, runbook, ..
    } = simulated;
    writeln!(out, "{scenario} at {runbook}, seed {}", simulated.seed)?;
    writeln!(out, "plants         {}", simulated.plants)?;
    let red: Vec<&str> = simulated.expected_red.iter().map(|id| id.name()).collect();
    let red = if red.is_empty() {
        "nothing".to_owned()
    } else {
        red.join(", ")
    };
    writeln!(out, "should be red  {red}")?;
    let Written {
        n_requests,
        n_events,
        files,
    } = &simulated.written;
    writeln!(
        out,
        "wrote          {n_requests} requests, {n_events} events"
    )?;
    for path in files {
        writeln!(out, "               {}", plain(&path.to_string_lossy()))?;
    }
    Ok(())
}
