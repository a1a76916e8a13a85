//! `ragstone explain`.

use std::io::Write;

use serde::Serialize;

use crate::cli::output::Output;
use crate::cli::{ExitStatus, Failure};
use crate::judge::{CheckId, Definition, Kind, Runbook, RunbookStage, Source, UnknownName};
use crate::measure::RankMeasure;

/// Says what a check means, from which clause, how it is computed and what to do when it is red.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The check, such as CA-LAM or rank.map; without it, every check in a line.
    #[arg(value_name = "ID")]
    id: Option<String>,
}

#[derive(Serialize)]
struct Explanation {
    id: CheckId,
    /// None where a policy may require it beside any runbook.
    runbook: Option<&'static str>,
    clause: &'static str,
    stages: &'static [RunbookStage],
    sources: &'static [Source],
    kind: Kind,
    statistic: &'static str,
    limit: String,
    hard_stop: bool,
    overridable: bool,
    meaning: &'static str,
    verdicts: [&'static str; 3],
    remedy: &'static str,
}

impl Explanation {
    fn of(definition: &Definition) -> Self {
        let verdicts = match definition.kind {
            Kind::Sample => [
                "PASS: the whole one-sided 95 % bound is on the right side of the limit",
                "FAIL: the opposite bound is on the wrong side",
                "INCONCLUSIVE: the limit lies between the bounds, or the evidence cannot be used",
            ],
            Kind::Census => [
                "PASS: every compared value is exactly as intended",
                "FAIL: one differs",
                "INCONCLUSIVE: one is not stated, which never reads as equal",
            ],
            Kind::Time => [
                "PASS: it happened within the window",
                "FAIL: it was seen not to",
                "INCONCLUSIVE: the observation ended before either was seen",
            ],
        };
        Self {
            id: definition.id,
            runbook: definition.id.runbook().map(Runbook::name),
            clause: definition.clause,
            stages: definition.stages,
            sources: definition.sources,
            kind: definition.kind,
            statistic: definition.statistic,
            limit: limit(definition),
            hard_stop: definition.hard_stop,
            overridable: definition.overridable,
            meaning: definition.meaning,
            verdicts,
            remedy: definition.remedy,
        }
    }
}

/// The limit of a requirement is whatever the policy writes.
fn limit(definition: &Definition) -> String {
    let symbol = definition.comparator.symbol();
    match definition.id {
        CheckId::Rank(measure) if measure.measure().is_share() => {
            format!("{symbol} what [gate] require says")
        }
        CheckId::Rank(_) => "none: nothing can be required of it".to_owned(),
        _ => format!("{symbol} {}", definition.limit),
    }
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let Some(id) = &args.id else {
        let all: Vec<Explanation> = Definition::all().map(Explanation::of).collect();
        output.result(&all, |out| {
            all.iter()
                .try_for_each(|check| writeln!(out, "{:<10} {}", check.id.name(), check.clause))?;
            writeln!(
                out,
                "{:<10} any ranking measure, as [gate] require names it: rank.ndcg_cut_10",
                "rank.NAME"
            )
        })?;
        return Ok(ExitStatus::Success);
    };
    let id = check(id).map_err(|error| Failure::Name(error.to_string()))?;
    let explanation = Explanation::of(Definition::of(id));
    output.result(&explanation, |out| text(&explanation, out))?;
    Ok(ExitStatus::Success)
}

/// The ids of clauses are read in any case, since they are all in capitals; names of measures are not.
fn check(id: &str) -> Result<CheckId, UnknownName> {
    if RankMeasure::is_meant(id) {
        return id.parse();
    }
    id.to_uppercase().parse()
}

fn text(check: &Explanation, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{} ({}): {}\n",
        check.id,
        check.runbook.map_or_else(
            || "[gate] require, any runbook".to_owned(),
            |runbook| format!("{runbook} runbook")
        ),
        check.clause
    )?;
    writeln!(out, "{}\n", check.meaning)?;
    let stages: Vec<&str> = check.stages.iter().map(|stage| stage.name()).collect();
    let sources: Vec<&str> = check.sources.iter().map(|source| source.words()).collect();
    writeln!(out, "stages     {}", stages.join(", "))?;
    writeln!(out, "evidence   {}", sources.join(", "))?;
    writeln!(out, "statistic  {}", check.statistic)?;
    writeln!(
        out,
        "limit      {}{}",
        check.limit,
        if check.overridable {
            ", which [gate.override] may change with a reason"
        } else {
            ""
        }
    )?;
    if check.hard_stop {
        writeln!(
            out,
            "hard stop  a FAIL ends the rollout at once (exit code 5)"
        )?;
    }
    for verdict in check.verdicts {
        writeln!(out, "           {verdict}")?;
    }
    writeln!(out, "when red   {}", check.remedy)
}
