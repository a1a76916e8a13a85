//! `ragstone compare`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::gate::{AskedAt, CacheArgs, RunArgs, keep, make_folder, now, replay};
use crate::cli::github::Sources;
use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure, answers};
use crate::compare::{Chosen, compare, declared, settings};
use crate::ids::TargetName;
use crate::parity::ContractField;
use crate::plan::{self, Overrides, Policy};
use crate::replay::Kept;
use crate::report::{Report, Style, load};
use crate::target::Role;

/// Compares two sides: two targets of a policy, two saved runs, or two files of answers.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The first side: a target of the policy, a run folder (of which the one target that is no control
    /// is meant), RUN:TARGET, or a JSONL file of answers.
    #[arg(value_name = "A")]
    a: String,
    /// The second side, of the same kind; it is judged against the first.
    #[arg(value_name = "B")]
    b: String,
    /// The policy that names the targets.
    #[arg(long, value_name = "POLICY", default_value = "ragstone.toml")]
    policy: PathBuf,
    /// A contract field that differs on purpose, such as `INDEX_HASH`; may be given more than once.
    #[arg(long, value_name = "FIELD")]
    versioned: Vec<ContractField>,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    run: RunArgs,
    /// Print the verdict line only.
    #[arg(long, short)]
    quiet: bool,
}

pub(super) async fn run(args: Args, output: Output) -> Result<ExitStatus, Failure> {
    if [&args.a, &args.b].into_iter().all(|side| is_answers(side)) {
        return answers::run(answers::Args::of(args.a.into(), args.b.into()), output).await;
    }
    let asked_at = args.run.begin("compare").await?;
    let (report, journal, sources) = match (saved(&args.a)?, saved(&args.b)?) {
        (Some(a), Some(b)) => {
            let versioned: BTreeSet<ContractField> = args.versioned.iter().copied().collect();
            let report = compare(a, b, &versioned, &asked_at.occasion, &now)?;
            make_folder(&asked_at.folder)?;
            (report, None, Sources::default())
        }
        (None, None) => {
            let (report, journal, sources) = targets(&args, &asked_at).await?;
            (report, Some(journal), sources)
        }
        (a, _) => {
            let name = if a.is_none() { &args.a } else { &args.b };
            return Err(Failure::Name(format!(
                "`{name}` is no run folder, and the other side is: compare two runs, or two targets of a policy"
            )));
        }
    };
    let style = Style::quiet_if(args.quiet);
    let status = keep(&report, &asked_at.folder, &sources, style, output)?;
    if let Some(journal) = journal {
        journal.remove()?;
    }
    Ok(status)
}

fn is_answers(side: &str) -> bool {
    [".jsonl", ".jsonl.gz"]
        .iter()
        .any(|end| side.ends_with(end))
}

/// A side that is a run folder, or RUN:TARGET; `None` for anything else.
fn saved(side: &str) -> Result<Option<Chosen>, Failure> {
    if is_run(Path::new(side)) {
        return Ok(Some(Chosen::new(load(Path::new(side))?, None)?));
    }
    match side.rsplit_once(':') {
        Some((run, target)) if is_run(Path::new(run)) => {
            Ok(Some(Chosen::new(load(Path::new(run))?, Some(target))?))
        }
        _ => Ok(None),
    }
}

fn is_run(folder: &Path) -> bool {
    folder.join("run.json").is_file()
}

/// Asks two targets of the policy the same questions, and judges the second against the first.
async fn targets(args: &Args, asked_at: &AskedAt) -> Result<(Report, Kept, Sources), Failure> {
    if !args.policy.exists() {
        return Err(Failure::Name(format!(
            "`{}` and `{}` are no run folders, and there is no {} that would name them as targets: give the policy with --policy",
            args.a,
            args.b,
            args.policy.display()
        )));
    }
    let policy = plan::load(
        &args.policy,
        &Overrides {
            cache: args.cache.settings(),
            ..Overrides::default()
        },
    )?;
    let policy = pair(policy, args)?;
    let sources = Sources {
        policy: Some(args.policy.clone()),
        gold: Some(policy.gold.clone()),
    };
    let replayed = replay(policy, asked_at).await?;
    let versioned: BTreeSet<ContractField> = args.versioned.iter().copied().collect();
    let (report, journal) = replayed
        .judge_with(&now, &|side| declared(side, &versioned))
        .await?;
    Ok((report, journal, sources))
}

/// The policy of the two targets alone.
fn pair(policy: Policy, args: &Args) -> Result<Policy, Failure> {
    let find = |name: &str, role: Role| {
        let target = policy
            .targets
            .iter()
            .find(|target| target.name == TargetName::new(name));
        let target = target.ok_or_else(|| {
            let known: Vec<&str> = policy
                .targets
                .iter()
                .map(|target| target.name.as_str())
                .collect();
            Failure::Name(format!(
                "`{name}` is neither a run folder nor a target of {}; its targets: {}",
                args.policy.display(),
                known.join(", ")
            ))
        })?;
        Ok::<_, Failure>(plan::TargetSpec {
            role,
            ..target.clone()
        })
    };
    if args.a == args.b {
        return Err(Failure::Name(format!(
            "`{}` is compared with itself; its own noise is part of every comparison",
            args.a
        )));
    }
    Ok(Policy {
        targets: vec![
            find(&args.a, Role::Control)?,
            find(&args.b, Role::Candidate)?,
        ],
        judge: settings(&policy.judge),
        baseline: None,
        history: None,
        ..policy.clone()
    })
}
