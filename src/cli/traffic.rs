//! `ragstone traffic`.

use std::io::Write;
use std::path::PathBuf;

use crate::cli::output::{Output, remark};
use crate::cli::telemetry::{LogArgs, share};
use crate::cli::{ExitStatus, Failure};
use crate::drill;
use crate::judge::{ObservedSettings, Runbook, RunbookStage, Settings};
use crate::live::{Arms, LiveReport};
use crate::plan::{self, Overrides};
use crate::traffic::{LatencyPoint, Observed, Timeline, TrafficTable};

/// Prints what logs of requests come to, and judges them by the clauses that live requests decide.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The logs: JSON lines (also .gz, .zst), Parquet, patterns such as 'logs/*.jsonl.gz', or `-`.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) judged: JudgeArgs,
    #[command(flatten)]
    pub(super) log: LogArgs,
    /// Drill logs, for clauses that need the moments of a drill; may be given more than once.
    #[arg(long, value_name = "LOG", requires = "drill")]
    events: Vec<PathBuf>,
    /// The drill plan, which says who leaves and who takes over.
    #[arg(long, value_name = "DRILL.json")]
    drill: Option<PathBuf>,
    /// Print the verdict line only.
    #[arg(long, short)]
    quiet: bool,
}

/// By what live requests are judged.
#[derive(Debug, clap::Args)]
pub(super) struct JudgeArgs {
    /// The runbook: canary, blue-green, multi-region, failover-drill or traffic-shaping.
    #[arg(long)]
    runbook: Option<Runbook>,
    /// Its stage. Without one, and without a policy, the table is printed and nothing is judged.
    #[arg(long)]
    stage: Option<RunbookStage>,
    /// A policy whose runbook, stage, limits and traffic settings hold.
    #[arg(long, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// The arm that the other is compared with.
    #[arg(long, value_name = "ARM")]
    control: Option<String>,
    /// The arm that is judged.
    #[arg(long, value_name = "ARM")]
    candidate: Option<String>,
    /// The share of the requests that the candidate is to have. Default: that of the stage.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    share: Option<f64>,
    /// How many minutes of requests decide. Default: those that there are, and 60 for a promotion.
    #[arg(long, value_name = "MINUTES", value_parser = positive)]
    minutes: Option<f64>,
    /// For how many seconds after its first request an arm may be warming up.
    #[arg(long, value_name = "SECONDS", value_parser = positive)]
    warm_up: Option<f64>,
    /// Which latency is judged: tffb, tusable or tfinal.
    #[arg(long, value_name = "POINT")]
    latency: Option<LatencyPoint>,
    /// Judge evidence that says it was simulated as if it were real, for training and tests.
    #[arg(long)]
    pub(super) allow_simulated: bool,
}

fn positive(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| number.is_finite() && *number >= 0.0)
        .ok_or_else(|| "expected a number that is not negative".to_owned())
}

impl JudgeArgs {
    /// How requests are judged, and whether anything says at which stage.
    pub(super) fn settings(&self) -> Result<(Settings, bool), Failure> {
        let overrides = Overrides {
            runbook: self.runbook,
            stage: self.stage,
            ..Overrides::default()
        };
        let policy = self.policy.as_deref();
        let policy = policy
            .map(|path| plan::load(path, &overrides))
            .transpose()?;
        let mut settings = match policy {
            Some(policy) => policy.judge,
            None => self.unwritten()?,
        };
        let observed = &mut settings.observed;
        *observed = ObservedSettings {
            share: self.share.or(observed.share),
            planned_minutes: self.minutes.or(observed.planned_minutes),
            warm_up_s: self.warm_up.unwrap_or(observed.warm_up_s),
            latency: self.latency.unwrap_or(observed.latency),
            allow_simulated: self.allow_simulated || observed.allow_simulated,
            ..observed.clone()
        };
        Ok((settings, self.policy.is_some() || self.stage.is_some()))
    }

    fn unwritten(&self) -> Result<Settings, Failure> {
        let runbook = self.runbook.unwrap_or(Runbook::Canary);
        let first = runbook.stages().first().copied();
        let stage = self.stage.or(first).expect("every runbook has a stage");
        if !runbook.stages().contains(&stage) {
            let known: Vec<&str> = runbook.stages().iter().map(|stage| stage.name()).collect();
            return Err(Failure::Name(format!(
                "runbook {runbook} has no stage {stage}; its stages: {}",
                known.join(", ")
            )));
        }
        Ok(Settings {
            runbook,
            stage,
            ..Settings::default()
        })
    }

    /// Which arm is which.
    pub(super) fn arms(
        &self,
        table: &TrafficTable,
        settings: &Settings,
        timeline: Option<&Timeline>,
    ) -> Result<Arms, Failure> {
        // In a drill the regions have their parts.
        if let (Runbook::FailoverDrill, Some(timeline)) = (settings.runbook, timeline) {
            return Ok(Arms {
                control: timeline.evacuated.clone(),
                candidate: timeline.survivor.clone(),
            });
        }
        Arms::of(table, self.control.as_deref(), self.candidate.as_deref())
            .map_err(|error| Failure::Name(format!("{error}: say --control and --candidate")))
    }
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let (settings, judged) = args.judged.settings()?;
    let drill = args.drill.as_deref().map(drill::load).transpose()?;
    let timeline = match (&drill, args.events.as_slice()) {
        (Some(drill), [_, ..]) => Some(drill.read_log(&args.events)?),
        _ => None,
    };
    let table = args.log.read(&args.logs, settings.runbook.arm_by())?;
    let table = table.expect("at least one log is demanded");
    if !judged {
        return unjudged(&table, settings.observed.latency, output);
    }
    let arms = args.judged.arms(&table, &settings, timeline.as_ref())?;
    let observed = Observed {
        traffic: Some(table),
        timeline,
    };
    let report = LiveReport::of(observed, &arms, &settings);
    output.result(&report, |out| text(&report, &settings, args.quiet, out))?;
    Ok(report.verdict.into())
}

/// The table alone: not judged is not passed.
fn unjudged(
    table: &TrafficTable,
    latency: LatencyPoint,
    output: Output,
) -> Result<ExitStatus, Failure> {
    output.result(table, |out| report::traffic_table(table, latency, out))?;
    remark("nothing was judged: name a --stage of a --runbook, or a --policy");
    Ok(ExitStatus::Inconclusive)
}
