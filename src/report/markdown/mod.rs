//! The step summary: Markdown for a CI page or a ticket.

mod comparison;
mod ladder;
mod observed;

use std::io::{self, Write};

use crate::judge::{Basis, Check};
use crate::parity::{FieldStatus, RowDiff, SideParity};
use crate::report::calls::Speed;
use crate::report::columns::clip;
use crate::report::{Comparison, Report, calls, labels, ladders, plain, rows};
use crate::target::Role;

/// More of a message than this is in the page.
const MESSAGE_COLUMNS: usize = 200;

/// Writes the verdict, the checks, what is red and why, and the notes.
///
/// # Errors
/// If the writer fails.
pub fn markdown(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    writeln!(
        out,
        "# {} {}: {} at stage {}\n",
        icon_of(verdict.verdict.name()),
        verdict.verdict.name(),
        verdict.runbook,
        verdict.stage
    )?;
    observed::head(report, out)?;
    let probes = verdict.probes;
    writeln!(
        out,
        "{} questions, {} probes ({} scored, {} failed, {} skipped). Referee {} ({}). Run `{}`.\n",
        verdict.gold.questions,
        probes.planned,
        probes.scored,
        probes.failed,
        probes.skipped,
        escape(&verdict.referee.model),
        escape(
            serde_json::to_value(verdict.referee.kind)
                .ok()
                .and_then(|kind| kind.as_str().map(str::to_owned))
                .as_deref()
                .unwrap_or("?")
        ),
        code(&verdict.run_id)
    )?;
    targets(report, out)?;
    if verdict.evidence == Basis::Point {
        writeln!(out, "**Judged by point estimates alone.**\n")?;
    }
    checks(&verdict.checks, out)?;
    red(&verdict.checks, out)?;
    observed::traffic(report, out)?;
    if let Some(found) = Comparison::of(report) {
        comparison::write(&found, report, out)?;
    }
    for parity in &verdict.parity {
        contract(parity, out)?;
        if let Some(side) = ladders::of(parity, verdict) {
            ladder::write(side, verdict, out)?;
        }
    }
    for side in ladders::alone(verdict) {
        ladder::write(side, verdict, out)?;
    }
    faults(report, out)?;
    speeds(report, out)?;
    let waivers: Vec<String> = verdict.waivers.iter().map(ToString::to_string).collect();
    list("Waivers", &waivers, out)?;
    list("Notes", &verdict.notes, out)?;
    writeln!(
        out,
        "Gold set `{}`, policy `{}`.",
        verdict.gold.digest, verdict.policy_digest
    )
}

/// The targets that this run did not ask, or does not judge.
fn targets(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let elsewhere: Vec<String> = report
        .record
        .targets
        .iter()
        .filter(|target| target.asked_in.is_some() || target.role == Role::Baseline)
        .map(|target| {
            let (name, part) = (escape(target.name.as_str()), escape(&labels::part(target)));
            format!("{name}: {part}")
        })
        .collect();
    for line in &elsewhere {
        writeln!(out, "- {line}")?;
    }
    if elsewhere.is_empty() {
        return Ok(());
    }
    writeln!(out)
}

/// What failed, if anything did.
fn faults(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let faults = calls::faults(report);
    if faults.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "## Errors\n\n| target | class | stage | probes | status | tries | median ms | first message |\n|---|---|---|---:|---|---:|---:|---|"
    )?;
    for fault in faults {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            escape(fault.target.as_str()),
            escape(fault.class),
            fault.stage,
            fault.n,
            fault.statuses(),
            fault.attempts,
            calls::milliseconds(fault.median_ms),
            escape(&clip(fault.message, MESSAGE_COLUMNS))
        )?;
    }
    writeln!(out)
}

/// How long the targets took that are reached over a network, if there are any.
fn speeds(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let speeds = calls::speeds(report);
    if speeds.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "## Latency\n\nMilliseconds, p50 / p95.\n\n| target | {} | |\n|---|---:|---:|---:|---|",
        Speed::NAMES.join(" | ")
    )?;
    for speed in speeds {
        let times = speed.times.map(|times| {
            let (p50, p95) = (times.map(|t| t.p50), times.map(|t| t.p95));
            format!(
                "{} / {}",
                calls::milliseconds(p50),
                calls::milliseconds(p95)
            )
        });
        writeln!(
            out,
            "| {} | {} | {} |",
            escape(speed.target.as_str()),
            times.join(" | "),
            speed.calls()
        )?;
    }
    writeln!(out)
}

/// A section of remarks, if there are any.
fn list(title: &str, remarks: &[String], out: &mut dyn Write) -> io::Result<()> {
    if remarks.is_empty() {
        return Ok(());
    }
    writeln!(out, "## {title}\n")?;
    for remark in remarks {
        writeln!(out, "- {}", escape(remark))?;
    }
    writeln!(out)
}

fn checks(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "| | check | target | estimate | 95 % bounds | limit | verdict |\n|---|---|---|---:|---:|---:|---|"
    )?;
    for check in checks {
        let number = |value: Option<f64>| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
        };
        let bounds = if check.ci_low.is_some() || check.ci_high.is_some() {
            format!("{} … {}", number(check.ci_low), number(check.ci_high))
        } else {
            "–".to_owned()
        };
        writeln!(
            out,
            "| {} | {} | {} | {} | {bounds} | {} {} | {} |",
            icon_of(check.verdict.name()),
            escape(&labels::check(check)),
            escape(&labels::judged_on(check, checks)),
            number(check.estimate),
            check.comparator.symbol(),
            check.limit,
            check.verdict.name(),
        )?;
    }
    writeln!(out)
}

fn red(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    for check in checks.iter().filter(|check| check.is_red()) {
        writeln!(
            out,
            "## {} {} on {}\n",
            escape(&labels::check(check)),
            check.verdict.name(),
            escape(&labels::judged_on(check, checks))
        )?;
        writeln!(
            out,
            "{}. {}.\n",
            escape(&check.clause),
            escape(&check.detail)
        )?;
        if let Some(remedy) = &check.remedy {
            writeln!(out, "**What to do:** {}.\n", escape(remedy))?;
        }
        if !check.worst_questions.is_empty() {
            let worst: Vec<String> = check
                .worst_questions
                .iter()
                .map(|question| escape(question.as_str()))
                .collect();
            writeln!(out, "Worst questions: {}.\n", worst.join(", "))?;
        }
    }
    Ok(())
}

fn contract(parity: &SideParity, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "## Contract of {} against {}\n",
        escape(parity.target.as_str()),
        escape(parity.control.as_str())
    )?;
    writeln!(out, "| field | intended | found | |\n|---|---|---|---|")?;
    for field in &parity.fields {
        let value = |value: &Option<String>| {
            value.as_deref().map_or_else(
                || "not stated".to_owned(),
                |value| format!("`{}`", code(value)),
            )
        };
        let status = match field.status {
            FieldStatus::Equal => "equal",
            FieldStatus::Differs => "**differs**",
            FieldStatus::Versioned => "versioned on purpose",
            FieldStatus::NotStated => "not stated",
            FieldStatus::Informative => "for information",
        };
        writeln!(
            out,
            "| {} | {} | {} | {status} |",
            field.field,
            value(&field.intended),
            value(&field.found)
        )?;
    }
    if let Some(rows) = parity.rows.as_ref().filter(|rows| rows.n_changed > 0) {
        writeln!(
            out,
            "\n{} ids differ; {} rows here, {} in the control.",
            rows.n_changed, rows.n_target, rows.n_control
        )?;
        for (name, ids) in rows
            .sections
            .lists()
            .into_iter()
            .filter(|(_, ids)| ids.n > 0)
        {
            let shown: Vec<String> = ids
                .first
                .iter()
                .map(|id| format!("`{}`", code(id)))
                .collect();
            let more = if ids.n > ids.first.len() { ", …" } else { "" };
            writeln!(
                out,
                "- {} section{} {name}: {}{more}",
                ids.n,
                if ids.n == 1 { "" } else { "s" },
                shown.join(", ")
            )?;
        }
    }
    if let Some(found) = &parity.rows {
        row_classes(found, out)?;
    }
    writeln!(out)
}

/// How many rows differ in which way, in which metadata keys, and how the vectors differ.
fn row_classes(found: &RowDiff, out: &mut dyn Write) -> io::Result<()> {
    if let Some(classes) = rows::classes(found) {
        writeln!(out, "- {classes}")?;
    }
    let (keys, more) = rows::keys(found);
    if !keys.is_empty() {
        let keys: Vec<String> = keys
            .into_iter()
            .map(|(key, n)| format!("{} in {n}", escape(key)))
            .collect();
        let more = if more > 0 { ", …" } else { "" };
        writeln!(out, "- metadata keys: {}{more}", keys.join(", "))?;
    }
    let lead = if found.n_changed > 0 { "- " } else { "\n" };
    writeln!(out, "{lead}{}", rows::vectors(found))
}

fn icon_of(verdict: &str) -> &'static str {
    match verdict {
        "PASS" => "✅",
        "FAIL" => "❌",
        "HARD_STOP" => "🛑",
        "ERROR" => "🚫",
        "NOT_APPLICABLE" => "➖",
        _ => "❔",
    }
}

/// Text that Markdown and the HTML inside it take literally, on one line.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '@' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text for a code span inside a table: no backtick, no column break.
fn code(text: &str) -> String {
    plain(text).replace('`', "'").replace('|', "¦")
}
