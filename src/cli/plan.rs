//! `ragstone plan`.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::gate::SliceArgs;
use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure};
use crate::judge::{
    Assumption, Basis, Comparator, Decidable, Definition, Healthy, Outcome, Outlook, Prospect,
    Runbook, RunbookStage, Settings, outcome, prospects,
};
use crate::pipeline::outlook;
use crate::plan::Overrides;
use crate::report::{load, plain};

/// Says before any call which checks can be decided, how surely they pass when nothing is wrong, from
/// which effect on, and with how many questions. Reads the policy and the gold set; asks nobody.
///
/// Exit codes: 0 every check can be decided, 3 some cannot, 2 wrong usage or configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    slice: SliceArgs,
    /// Another runbook than the policy's. Without --stage it begins at its first.
    #[arg(long)]
    runbook: Option<Runbook>,
    /// Another stage than the policy's.
    #[arg(long)]
    stage: Option<RunbookStage>,
    /// Assume what this finished run measured on its control, in place of the usual.
    #[arg(long, value_name = "RUN")]
    from: Option<PathBuf>,
    /// As if there were this many questions, spread over the topics as they are.
    #[arg(long, value_name = "N")]
    questions: Option<usize>,
    /// A finished run from before the change, beside which the run would be judged.
    #[arg(long, value_name = "RUN")]
    baseline: Option<PathBuf>,
    /// An earlier run of the same step; may be given more than once.
    #[arg(long, value_name = "RUN")]
    history: Vec<PathBuf>,
}

/// What can be said before the run.
#[derive(Serialize)]
struct Foresight {
    runbook: Runbook,
    stage: RunbookStage,
    evidence: Basis,
    questions: usize,
    topics: usize,
    cells_per_question: usize,
    sides: usize,
    checks: Vec<Prospect>,
    outcome: Outcome,
    assumptions: Vec<Assumption>,
    #[serde(skip)]
    settings: Settings,
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let policy = args.slice.policy(Overrides {
        runbook: args.runbook,
        stage: args.stage,
        baseline: args.baseline.clone(),
        history: args.history.clone(),
        ..Overrides::default()
    })?;
    let as_written = outlook(&policy)?;
    let outlook = Outlook {
        n_questions: args.questions.unwrap_or(as_written.n_questions),
        ..as_written
    };
    let healthy = match &args.from {
        Some(run) => measured(run)?,
        None => Healthy::usual(),
    };
    let checks = prospects(&policy.judge, &outlook, &healthy);
    let foresight = Foresight {
        runbook: policy.judge.runbook,
        stage: policy.judge.stage,
        evidence: policy.judge.basis,
        questions: outlook.n_questions,
        topics: outlook.topics.len(),
        cells_per_question: outlook.n_forms * outlook.n_seeds,
        sides: outlook.n_sides,
        outcome: outcome(&checks, &outlook),
        checks,
        assumptions: healthy.assumptions(&policy.judge.required),
        settings: policy.judge,
    };
    output.result(&foresight, |out| text(&foresight, out))?;
    Ok(if foresight.outcome.undecided.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Inconclusive
    })
}

/// What a finished run measured on its control.
fn measured(run: &Path) -> Result<Healthy, Failure> {
    let not_judged = || Failure::NotJudged {
        path: run.to_owned(),
    };
    let report = load(run)?;
    let mut targets = report.record.targets.iter();
    let control = targets
        .find(|target| target.role.is_control())
        .ok_or_else(not_judged)?;
    let name = format!("{} of run {}", control.name, report.record.run_id);
    Healthy::measured(&report.table, &control.name, name).ok_or_else(not_judged)
}

fn text(foresight: &Foresight, out: &mut dyn Write) -> std::io::Result<()> {
    let Foresight {
        runbook,
        stage,
        questions,
        topics,
        cells_per_question,
        sides,
        ..
    } = foresight;
    let basis = match foresight.evidence {
        Basis::Bound => "",
        Basis::Point => ", judged by point alone",
    };
    writeln!(
        out,
        "{runbook} at stage {stage}: {questions} questions over {topics} topics, {cells_per_question} \
         cells each, {sides} judged{basis}\n"
    )?;
    let ids = foresight.checks.iter().map(|check| check.id.name().len());
    let ids = ids.max().unwrap_or(0).max(10);
    writeln!(
        out,
        "  {:<ids$} {:<14} {:>7}  {:<35} {:>8}  why",
        "check", "decidable", "P(PASS)", "decided from", "needs"
    )?;
    for check in &foresight.checks {
        writeln!(
            out,
            "  {:<ids$} {:<14} {:>7}  {:<35} {:>8}  {}",
            check.id,
            check.decidable.word(),
            check.p_pass.map_or_else(|| "-".to_owned(), percent),
            effect(check, &foresight.settings),
            needed(check),
            plain(&why(check))
        )?;
    }
    summary(foresight, out)?;
    writeln!(out, "\n  assumed when nothing is wrong:")?;
    for Assumption {
        what,
        value,
        source,
    } in &foresight.assumptions
    {
        writeln!(out, "    {what:<26} {value:<38} {}", plain(source))?;
    }
    Ok(())
}

fn summary(foresight: &Foresight, out: &mut dyn Write) -> std::io::Result<()> {
    let outcome = &foresight.outcome;
    writeln!(out, "\n  at best {}", plain(&outcome.at_best))?;
    let (Some(all), Some(smallest)) = (outcome.all_pass, outcome.smallest) else {
        return Ok(());
    };
    let if_independent = format!(
        "  all that chance decides passes with {} if the checks were independent",
        percent(all)
    );
    if percent(all) == percent(smallest) {
        return writeln!(out, "{if_independent}");
    }
    writeln!(
        out,
        "{if_independent}; they share the questions, so between that and {}",
        percent(smallest)
    )
}

/// Rounded down from 99.95 % on, since only certainty is 100 %.
fn percent(chance: f64) -> String {
    let percent = 100.0 * chance;
    if chance < 1.0 && percent > 99.9 {
        return ">99.9 %".to_owned();
    }
    if chance > 0.0 && percent < 0.1 {
        return "<0.1 %".to_owned();
    }
    format!("{percent:.1} %")
}

/// `passes ≤ 0.428, fails ≥ 0.472`.
fn effect(check: &Prospect, settings: &Settings) -> String {
    let definition = Definition::of(check.id);
    let (good, bad) = match definition.comparator {
        Comparator::AtLeast => ("≥", "≤"),
        Comparator::Within => ("≤ ±", "≥ ±"),
        _ => ("≤", "≥"),
    };
    let digits = if settings.limit(definition).value < 0.1 {
        4
    } else {
        3
    };
    let part = |word: &str, sign: &str, value: Option<f64>| {
        value.map(|value| format!("{word} {sign} {value:.digits$}"))
    };
    let parts = [
        part("passes", good, check.effect.passes),
        part("fails", bad, check.effect.fails),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "-".to_owned()
    } else {
        parts.join(", ")
    }
}

fn needed(check: &Prospect) -> String {
    match (check.n_needed, check.p_pass) {
        (Some(n), _) => n.to_string(),
        (None, Some(chance)) if chance < 0.8 => "none do".to_owned(),
        (None, _) => "-".to_owned(),
    }
}

fn why(check: &Prospect) -> String {
    match &check.decidable {
        Decidable::No(reason) | Decidable::NotApplicable(reason) if check.why.is_empty() => {
            reason.clone()
        }
        Decidable::No(reason) | Decidable::NotApplicable(reason) => {
            format!("{reason}; {}", check.why)
        }
        Decidable::Yes | Decidable::Census => check.why.clone(),
    }
}
