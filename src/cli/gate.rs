//! `ragstone gate`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;

use crate::cli::github::{Sources, Step};
use crate::cli::output::{Output, remark};
use crate::cli::progress::Progress;
use crate::cli::traffic::timeline;
use crate::cli::{ExitStatus, Failure, interrupt};
use crate::goldset::{Filter, Sample, Shard};
use crate::ids::QuestionId;
use crate::judge::{Runbook, RunbookStage};
use crate::pipeline::{Occasion, Replayed, Session, failing_questions, reopen};
use crate::plan::{self, Overrides, Policy};
use crate::replay::{Before, CacheSettings, Head, Journal, ReplayError};
use crate::report::{Report, Style, load, save, terminal};
use crate::traffic::{Observed, read};

/// Replays the gold questions, measures, judges and reports.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) ask: AskArgs,
    /// Another runbook than the policy's: canary, blue-green, multi-region, failover-drill,
    /// traffic-shaping. Without --stage it begins at its first.
    #[arg(long)]
    runbook: Option<Runbook>,
    /// Another stage than the policy's; `ragstone explain ID` says at which stages a check is judged.
    #[arg(long)]
    stage: Option<RunbookStage>,
    /// A finished run from before the change, beside which this one is judged.
    #[arg(long, value_name = "RUN")]
    baseline: Option<PathBuf>,
    /// An earlier run of the same step; may be given more than once.
    #[arg(long, value_name = "RUN")]
    history: Vec<PathBuf>,
    /// A log of this stage's live requests: JSON lines, Parquet, a pattern, or `-`; may be given more
    /// than once. What it decides is judged by it.
    #[arg(long, value_name = "LOG")]
    telemetry: Vec<PathBuf>,
    /// A log of drills and cache purges (docs/drill-log.md); may be given more than once.
    #[arg(long, value_name = "LOG")]
    events: Vec<PathBuf>,
    /// The plan of the drill that the events tell of, which says who leaves and who takes over.
    #[arg(long, value_name = "DRILL.json", requires = "events")]
    drill: Option<PathBuf>,
    /// Judge evidence that says it was simulated as if it were real, for training and tests.
    #[arg(long)]
    allow_simulated: bool,
    /// Print the verdict line only.
    #[arg(long, short)]
    quiet: bool,
}

/// What `gate` and `probe` have in common.
#[derive(Debug, clap::Args)]
pub(super) struct AskArgs {
    #[command(flatten)]
    slice: SliceArgs,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Where a run is kept.
#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The run folder; must not exist or be empty. Default: `reports/RUN_ID`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder, which was interrupted or left probes unasked; nothing that
    /// was answered is asked again.
    #[arg(long, value_name = "RUN", conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Ask again what failed, too.
    #[arg(long, requires = "resume")]
    retry_errors: bool,
}

/// Whether replies of earlier runs are used.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct CacheArgs {
    /// Ask every target anew, and keep no reply for later runs.
    #[arg(long)]
    no_cache: bool,
    /// Use replies that are at most this old, if the target's contract is still the same.
    #[arg(
        long,
        value_name = "HOURS",
        default_value_t = 24,
        conflicts_with = "no_cache"
    )]
    cache_hours: u32,
}

impl CacheArgs {
    /// Where replies are kept: below the user's cache folder. None without one.
    pub(super) fn settings(self) -> Option<CacheSettings> {
        let user = etcetera::choose_base_strategy()
            .ok()
            .filter(|_| !self.no_cache)?;
        Some(CacheSettings {
            folder: user.cache_dir().join("ragstone").join("replies"),
            max_age: Duration::from_secs(u64::from(self.cache_hours) * 3600),
        })
    }
}

/// A policy, and which of its questions.
#[derive(Debug, clap::Args)]
pub(super) struct SliceArgs {
    /// The policy file.
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// Ask only questions of this topic; may be given more than once.
    #[arg(long, value_name = "TOPIC")]
    topic: Vec<String>,
    /// Ask only questions with this tag; may be given more than once.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Ask only a random sample of this many questions.
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Which random sample.
    #[arg(long, value_name = "SEED", default_value_t = 1, requires = "sample")]
    sample_seed: u64,
    /// Ask only the questions that were red in this finished run.
    #[arg(long, value_name = "RUN")]
    failing_from: Option<PathBuf>,
    /// Ask only part I of N, such as 2/5; `ragstone merge` puts the parts together.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
}

pub(super) async fn run(args: Args, output: Output) -> Result<ExitStatus, Failure> {
    let mut policy = args.ask.policy(Overrides {
        runbook: args.runbook,
        stage: args.stage,
        baseline: args.baseline.clone(),
        history: args.history.clone(),
        ..Overrides::default()
    })?;
    let label = format!("{}-{}", policy.judge.runbook, policy.judge.stage);
    let asked_at = args.ask.begin(&label).await?;
    policy.judge.observed.allow_simulated |= args.allow_simulated;
    let observed = observed(&args, &policy)?;
    let sources = Sources {
        policy: Some(args.ask.slice.policy.clone()),
        gold: Some(policy.gold.clone()),
    };
    let replayed = replay(policy, &asked_at).await?.observing(observed);
    let (report, journal) = replayed.judge(&now).await?;
    let status = keep(
        &report,
        &asked_at.folder,
        &sources,
        Style::quiet_if(args.quiet),
        output,
    )?;
    journal.remove()?;
    Ok(status)
}

/// What was observed beside the probes. It is read before a target is asked anything, so that a wrong
/// log costs no replay.
fn observed(args: &Args, policy: &Policy) -> Result<Observed, Failure> {
    let traffic = match args.telemetry.as_slice() {
        [] => None,
        logs => Some(read(logs, &policy.traffic)?),
    };
    Ok(Observed {
        traffic,
        timeline: timeline(&args.events, args.drill.as_deref(), policy.judge.runbook)?,
    })
}

/// Writes the bundle into a folder that exists, prints the verdict, and tells it to the step of a CI.
pub(super) fn keep(
    report: &Report,
    folder: &Path,
    sources: &Sources,
    style: Style,
    output: Output,
) -> Result<ExitStatus, Failure> {
    save(report, folder)?;
    output.result(&report.verdict, |out| terminal(report, style, out))?;
    remark(&format!("report: {}", folder.join("report.html").display()));
    if let Some(step) = Step::of_this_process().filter(|_| output.github) {
        step.tell(report, folder, sources)?;
    }
    Ok(report.verdict.verdict.into())
}

impl AskArgs {
    /// When this run began, and where it is kept.
    pub(super) async fn begin(&self, label: &str) -> Result<AskedAt, Failure> {
        self.run.begin(label).await
    }

    /// The checked policy with what the command line sets over it.
    pub(super) fn policy(&self, overrides: Overrides) -> Result<Policy, Failure> {
        self.slice.policy(Overrides {
            cache: self.cache.settings(),
            ..overrides
        })
    }
}

impl SliceArgs {
    /// The checked policy with what the command line sets over it.
    pub(super) fn policy(&self, overrides: Overrides) -> Result<Policy, Failure> {
        let only = self.failing_from.as_deref().map(failing).transpose()?;
        let filter = Filter {
            topics: self.topic.clone(),
            tags: self.tag.clone(),
            only,
            shard: self.shard,
            sample: self.sample.map(|n| Sample {
                n,
                seed: self.sample_seed,
            }),
        };
        Ok(plan::load(
            &self.policy,
            &Overrides {
                filter,
                ..overrides
            },
        )?)
    }
}

/// When a run began, and where it is kept.
pub(super) struct AskedAt {
    pub(super) occasion: Occasion,
    /// Checked now, made when there is something to keep.
    pub(super) folder: PathBuf,
    /// The journal of an interrupted run. Taken by the replay.
    journal: std::cell::Cell<Option<Journal>>,
}

impl RunArgs {
    /// Finds out when this run began: now, or when the interrupted one did.
    pub(super) async fn begin(&self, label: &str) -> Result<AskedAt, Failure> {
        let Some(folder) = &self.resume else {
            return AskedAt::now(label, self.out.as_deref());
        };
        let before = if self.retry_errors {
            Before::RetryErrors
        } else {
            Before::Keep
        };
        let journal = reopen(folder, before).await?;
        let Head {
            run_id, started_at, ..
        } = journal.head().clone();
        let day = started_at.get(..10).and_then(|day| day.parse().ok());
        Ok(AskedAt {
            occasion: Occasion {
                run_id,
                day: day.ok_or_else(|| Failure::Name(format!("`{started_at}` is no time")))?,
                started_at,
            },
            folder: folder.clone(),
            journal: Some(journal).into(),
        })
    }
}

impl AskedAt {
    /// Reads the clock and finds a folder: the one named, or one of the run's own under `reports`.
    pub(super) fn now(label: &str, out: Option<&Path>) -> Result<Self, Failure> {
        let occasion = occasion(label);
        let own = || Path::new("reports").join(&occasion.run_id);
        let folder = out.map_or_else(own, Path::to_path_buf);
        if is_used(&folder) {
            return Err(Failure::Exists { path: folder });
        }
        Ok(Self {
            occasion,
            folder,
            journal: None.into(),
        })
    }
}

/// What happens now, by the clock, under an id that begins with the time.
pub(super) fn occasion(label: &str) -> Occasion {
    let started = jiff::Timestamp::now();
    let day = started.strftime("%Y-%m-%d").to_string();
    Occasion {
        run_id: format!("{}-{label}", started.strftime("%Y%m%dT%H%M%S%3fZ")),
        started_at: rfc3339(started),
        day: day.parse().expect("the clock names days of the calendar"),
    }
}

/// The questions that were red in a finished run.
fn failing(run: &Path) -> Result<BTreeSet<QuestionId>, Failure> {
    let report = load(run)?;
    let failing = failing_questions(&report).ok_or_else(|| Failure::NotJudged {
        path: run.to_owned(),
    })?;
    if failing.is_empty() {
        return Err(Failure::NothingFailed {
            path: run.to_owned(),
        });
    }
    Ok(failing)
}

pub(super) fn is_used(folder: &Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => folder.exists(),
    }
}

pub(super) fn make_folder(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|source| Failure::MakeFolder {
        path: folder.to_owned(),
        source,
    })
}

/// Prepares, makes the run folder (so that a place that cannot be written is known before a target is
/// asked anything, and a wrong policy leaves nothing behind), and asks every probe.
pub(super) async fn replay(policy: Policy, asked_at: &AskedAt) -> Result<Replayed, Failure> {
    let AskedAt {
        occasion, folder, ..
    } = asked_at;
    let session = Session::prepare(policy, occasion).await?;
    let journal = if let Some(journal) = asked_at.journal.take() {
        let kept = journal.n_finished();
        remark(&format!(
            "going on with {}: {kept} probes are kept",
            occasion.run_id
        ));
        journal
    } else {
        make_folder(folder)?;
        Journal::create(folder, session.head(occasion))?
    };
    let mut progress = Progress::begin("probes");
    let replayed = session
        .replay(
            occasion,
            journal,
            interrupt::watch(),
            &mut |done, planned| {
                progress.tell(done, planned);
            },
        )
        .await;
    progress.end();
    replayed.map_err(|error| match error {
        ReplayError::Interrupted { finished, planned } => Failure::Interrupted {
            finished,
            planned,
            folder: folder.clone(),
        },
        ReplayError::Journal(error) => error.into(),
    })
}

pub(super) fn now() -> String {
    rfc3339(jiff::Timestamp::now())
}

/// To the second, which is all that a verdict needs.
fn rfc3339(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
