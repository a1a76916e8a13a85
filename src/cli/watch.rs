//! `ragstone watch`.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::cli::output::{Output, remark};
use crate::cli::telemetry::LogArgs;
use crate::cli::traffic::{JudgeArgs, Judging, text};
use crate::cli::{ExitStatus, Failure};
use crate::judge::{RunbookStage, Settings};
use crate::live::{Follower, LiveReport, Read, stops};
use crate::report::{Style, plain};
use crate::traffic::{LogReader, Observed, ReadOptions, TrafficError, TrafficTable};

/// Follows logs of requests while a stage is under way: stops with exit code 5 at the first crossed
/// hard stop, and judges the whole at the planned end.
///
/// Hard stops are always-valid: looking at them after every request keeps their error rate. Everything
/// else is decided once, at the end.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Logs of JSON lines that are being written; rotation and truncation are followed.
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    judged: JudgeArgs,
    #[command(flatten)]
    log: LogArgs,
    /// Milliseconds between two looks.
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    every: u64,
    /// Print the verdict line only.
    #[arg(long, short)]
    quiet: bool,
}

impl Args {
    fn style(&self) -> Style {
        Style::quiet_if(self.quiet)
    }
}

/// How long a promotion is watched.
const PROMOTION_MINUTES: f64 = 60.0;

pub(super) async fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let Judging {
        mut settings,
        read,
        at_a_stage,
    } = args.judged.judging()?;
    if !at_a_stage {
        return Err(Failure::Name(
            "nothing says what is watched: name a --stage of a --runbook, or a --policy".to_owned(),
        ));
    }
    let promotion = settings.stage == RunbookStage::Promotion;
    let minutes = settings.observed.planned_minutes;
    let minutes = minutes.or(promotion.then_some(PROMOTION_MINUTES));
    let minutes = minutes.ok_or_else(|| {
        Failure::Name("nothing says how long the stage is watched: give --minutes".to_owned())
    })?;
    settings.observed.planned_minutes = Some(minutes);
    let mut watched = Watched::new(args, &read)?;
    let deadline = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let mut interrupted = Box::pin(tokio::signal::ctrl_c());
    loop {
        let grown = watched.look()?;
        if grown && let Some(report) = watched.crossed(args, &settings) {
            output.result(&report, |out| text(&report, &settings, args.style(), out))?;
            return Ok(ExitStatus::HardStop);
        }
        if watched.minutes() >= minutes || Instant::now() >= deadline {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(args.every)) => {}
            _ = &mut interrupted => {
                remark("interrupted: what was seen so far is judged");
                break;
            }
        }
    }
    watched.end(args, &settings, output)
}

/// Logs that are followed, and what they came to so far.
struct Watched {
    followers: Vec<Follower>,
    reader: LogReader,
    table: Option<TrafficTable>,
    /// Arms that cannot be told apart yet are said once.
    unclear: bool,
}

impl Watched {
    fn new(args: &Args, read: &ReadOptions) -> Result<Self, Failure> {
        let names = args.logs.iter().map(|path| path.display().to_string());
        let options = args.log.options(read)?;
        Ok(Self {
            followers: args.logs.iter().cloned().map(Follower::new).collect(),
            reader: LogReader::new(names.collect(), options),
            table: None,
            unclear: false,
        })
    }

    /// Reads what was added; whether there was anything.
    fn look(&mut self) -> Result<bool, Failure> {
        let mut grown = false;
        for (log, follower) in self.followers.iter_mut().enumerate() {
            let found = follower.look();
            let Read {
                bytes,
                rotated,
                truncated,
            } = found.map_err(|source| TrafficError::Read {
                path: follower.path().to_owned(),
                source,
            })?;
            let name = plain(&follower.path().display().to_string());
            if truncated {
                remark(&format!(
                    "{name} was cut short and is read from its beginning"
                ));
                self.reader.begin_again(log);
            }
            if !bytes.is_empty() {
                grown = true;
                self.reader.push(log, bytes)?;
            }
            if rotated {
                remark(&format!("{name} was rotated; the new file is followed"));
                self.reader.begin_again(log);
            }
        }
        if grown {
            self.table = self.reader.so_far();
        }
        Ok(grown)
    }

    /// Minutes from the first request to the last.
    fn minutes(&self) -> f64 {
        let arms = self.table.iter().flat_map(|table| table.arms.values());
        let (firsts, lasts): (Vec<_>, Vec<_>) = arms.map(|arm| (arm.first, arm.last)).unzip();
        match (firsts.into_iter().min(), lasts.into_iter().max()) {
            (Some(first), Some(last)) => last.seconds_since(first) / 60.0,
            _ => 0.0,
        }
    }

    /// The report of a hard stop, if one is crossed.
    fn crossed(&mut self, args: &Args, settings: &Settings) -> Option<LiveReport> {
        let table = self.table.as_ref()?;
        let arms = match args.judged.arms(table, settings, None) {
            Ok(arms) => arms,
            Err(error) => {
                if !std::mem::replace(&mut self.unclear, true) {
                    remark(&format!("waiting: {}", plain(&error.to_string())));
                }
                return None;
            }
        };
        let observed = Observed {
            traffic: Some(table.clone()),
            timeline: None,
        };
        stops(observed, &arms, settings)
    }

    /// The verdict at the end.
    fn end(
        mut self,
        args: &Args,
        settings: &Settings,
        output: Output,
    ) -> Result<ExitStatus, Failure> {
        for (log, follower) in self.followers.iter_mut().enumerate() {
            let rest = follower.end();
            if !rest.is_empty() {
                self.reader.push(log, rest)?;
            }
        }
        let table = self.reader.whole()?;
        let arms = args.judged.arms(&table, settings, None)?;
        let observed = Observed {
            traffic: Some(table),
            timeline: None,
        };
        let report = LiveReport::of(observed, &arms, settings);
        output.result(&report, |out: &mut dyn Write| {
            text(&report, settings, args.style(), out)
        })?;
        Ok(report.verdict.into())
    }
}
