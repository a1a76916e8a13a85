//! `ragstone traffic`.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::audit::roles;
use crate::cli::output::{Output, remark};
use crate::cli::telemetry::{LogArgs, share};
use crate::cli::{ExitStatus, Failure};
use crate::drill;
use crate::judge::{ObservedSettings, Runbook, RunbookStage, Settings};
use crate::live::{Arms, LiveReport};
use crate::plan::{self, Overrides};
use crate::report::{Style, terminal_checks, traffic_table};
use crate::traffic::{
    LatencyPoint, Observed, ReadOptions, Roles, Timeline, TrafficTable, read_drill_log,
};

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
    /// Logs of drills and cache purges (docs/drill-log.md); may be given more than once.
    #[arg(long, value_name = "LOG")]
    events: Vec<PathBuf>,
    /// The drill plan, which says who leaves and who takes over.
    #[arg(long, value_name = "DRILL.json", requires = "events")]
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
    /// Its stage. Without one, and without a policy, nothing can be judged.
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
    #[arg(long, value_name = "MINUTES", value_parser = duration)]
    minutes: Option<f64>,
    /// For how many seconds after its first request an arm may be warming up.
    #[arg(long, value_name = "SECONDS", value_parser = duration)]
    warm_up: Option<f64>,
    /// Which latency is judged: tffb, tusable or tfinal.
    #[arg(long, value_name = "POINT")]
    latency: Option<LatencyPoint>,
    /// Judge evidence that says it was simulated as if it were real, for training and tests.
    #[arg(long)]
    pub(super) allow_simulated: bool,
}

fn duration(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| (0.0..=ObservedSettings::LONGEST).contains(number))
        .ok_or_else(|| format!("expected a number from 0 to {}", ObservedSettings::LONGEST))
}

/// How requests are read and judged.
pub(super) struct Judging {
    pub(super) settings: Settings,
    pub(super) read: ReadOptions,
    /// Whether anything says at which stage.
    pub(super) at_a_stage: bool,
}

impl JudgeArgs {
    /// How requests are read and judged: as the policy says, with what the command line sets over it.
    pub(super) fn judging(&self) -> Result<Judging, Failure> {
        let overrides = Overrides {
            runbook: self.runbook,
            stage: self.stage,
            ..Overrides::default()
        };
        let (mut settings, read) = if let Some(path) = &self.policy {
            let policy = plan::load(path, &overrides)?;
            (policy.judge, policy.traffic)
        } else {
            let settings = self.unwritten()?;
            let read = ReadOptions {
                arm_by: settings.runbook.arm_by(),
                ..ReadOptions::default()
            };
            (settings, read)
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
        Ok(Judging {
            settings,
            read,
            at_a_stage: self.policy.is_some() || self.stage.is_some(),
        })
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
    let Judging {
        settings,
        read,
        at_a_stage,
    } = args.judged.judging()?;
    let timeline = timeline(&args.events, args.drill.as_deref(), settings.runbook)?;
    let table = args.log.read(&args.logs, &read)?;
    let table = table.expect("at least one log is demanded");
    if !at_a_stage {
        return unjudged(args, &table, settings.observed.latency, output);
    }
    let arms = args.judged.arms(&table, &settings, timeline.as_ref())?;
    let observed = Observed {
        traffic: Some(table),
        timeline,
    };
    let report = LiveReport::of(observed, &arms, &settings);
    let style = Style::quiet_if(args.quiet);
    output.result(&report, |out| text(&report, &settings, style, out))?;
    Ok(report.verdict.into())
}

/// The events of drill logs, with the parts that a plan gives to the regions; none without a log.
pub(super) fn timeline(
    events: &[PathBuf],
    drill: Option<&Path>,
    runbook: Runbook,
) -> Result<Option<Timeline>, Failure> {
    if events.is_empty() {
        return Ok(None);
    }
    let roles = match drill {
        Some(plan) => roles(&drill::load(plan)?),
        None if runbook == Runbook::FailoverDrill => {
            return Err(Failure::Name(
                "the events of a drill tell too little without its plan, which says who leaves and who takes over: give --drill DRILL.json".to_owned(),
            ));
        }
        None => Roles::default(),
    };
    Ok(Some(read_drill_log(events, roles)?))
}

/// The table alone: not judged is not passed.
fn unjudged(
    args: &Args,
    table: &TrafficTable,
    latency: LatencyPoint,
    output: Output,
) -> Result<ExitStatus, Failure> {
    output.result(table, |out| match Style::quiet_if(args.quiet) {
        Style::Normal => traffic_table(table, latency, Style::Normal, out),
        Style::Quiet => Ok(()),
    })?;
    remark("nothing was judged: name a --stage of a --runbook, or a --policy");
    Ok(ExitStatus::Inconclusive)
}

/// The report for people.
pub(super) fn text(
    report: &LiveReport,
    settings: &Settings,
    style: Style,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    if let (Style::Normal, Some(table)) = (style, &report.traffic) {
        traffic_table(table, settings.observed.latency, style, out)?;
        writeln!(out)?;
    }
    terminal_checks(&report.checks, style, out)
}
