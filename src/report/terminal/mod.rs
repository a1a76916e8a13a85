//! The summary on a terminal.

mod comparison;
mod observed;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};

use crate::judge::{self, Basis, Check, CheckVerdict, RunVerdict};
use crate::measure::{CurvePoint, curve};
use crate::report::calls::{Percentiles, Speed};
use crate::report::columns::{clip, clip_middle, left, width};
use crate::report::{Comparison, QuestionRecord, Report, calls, labels, ladders, plain};
use crate::target::Role;

pub use observed::traffic_table;

/// A name longer than this loses its middle in a table.
const NAME_COLUMNS: usize = 32;
/// More of a message than this is in the other reports.
const MESSAGE_COLUMNS: usize = 60;

/// How the summary is written. Colour is left to the stream, which strips it where it does not
/// belong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Checks, what is red and why.
    Normal,
    /// The verdict line only.
    Quiet,
}

impl Style {
    /// Short for those who asked for quiet.
    pub fn quiet_if(quiet: bool) -> Self {
        if quiet { Self::Quiet } else { Self::Normal }
    }
}

/// Writes the summary with ANSI colours; print through a stream that strips them when piped or
/// under `NO_COLOR`.
///
/// # Errors
/// If the writer fails.
pub fn terminal(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    if style == Style::Normal {
        header(report, out)?;
        observed::drill(report, out)?;
        lines(&verdict.checks, out)?;
        writeln!(out)?;
        reds(&verdict.checks, &report.record.questions, out)?;
        observed::write(report, out)?;
        causes(report, out)?;
        if let Some(found) = Comparison::of(report) {
            comparison::write(&found, report, out)?;
        }
        for target in report.table.targets() {
            let points: Vec<String> = curve(&report.table, &target)
                .iter()
                .map(
                    |CurvePoint {
                         k, delta_s_median, ..
                     }| format!("{delta_s_median:.3} at k={k}"),
                )
                .collect();
            writeln!(
                out,
                "  ΔS(k) of {}: {}",
                plain(target.as_str()),
                points.join(", ")
            )?;
        }
        calls(report, out)?;
        for waiver in &verdict.waivers {
            writeln!(out, "  waiver: {}", plain(&waiver.to_string()))?;
        }
        for note in &verdict.notes {
            writeln!(out, "  note: {}", plain(note))?;
        }
    }
    observed::banner(report, out)?;
    let paint = paint_of_run(verdict.verdict).bold();
    let basis = if verdict.evidence == Basis::Point {
        " (by point estimates alone)"
    } else {
        ""
    };
    writeln!(
        out,
        "{paint}{}{paint:#} {} at stage {}{basis}: {}",
        verdict.verdict.name(),
        verdict.runbook,
        verdict.stage,
        tally(&verdict.checks)
    )
}

/// Writes checks that belong to no run, as [`terminal`] writes those of one: the table, then what is
/// red and why, then how many there are of each verdict. Quiet leaves the last line alone.
///
/// # Errors
/// If the writer fails.
pub fn terminal_checks(checks: &[Check], style: Style, out: &mut dyn Write) -> io::Result<()> {
    if style == Style::Normal {
        lines(checks, out)?;
        writeln!(out)?;
        reds(checks, &[], out)?;
    }
    let worst = judge::worst(checks);
    let paint = paint_of_run(worst).bold();
    writeln!(out, "{paint}{}{paint:#} {}", worst.name(), tally(checks))
}

fn header(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    let probes = verdict.probes;
    let targets: Vec<String> = verdict
        .targets
        .iter()
        .filter(|target| target.role != Role::Baseline)
        .map(|target| plain(target.name.as_str()))
        .collect();
    writeln!(
        out,
        "ragstone {} · gold set {} ({} questions) · {}",
        report.record.tool_version,
        plain(&report.record.gold_name),
        verdict.gold.questions,
        targets.join(", ")
    )?;
    writeln!(
        out,
        "{} probes: {} scored, {} failed, {} skipped · referee {}, {} dimensions",
        probes.planned,
        probes.scored,
        probes.failed,
        probes.skipped,
        plain(&verdict.referee.model),
        verdict.referee.dim
    )?;
    for target in &report.record.targets {
        if target.asked_in.is_some() || target.role == Role::Baseline {
            let (name, part) = (plain(target.name.as_str()), labels::part(target));
            writeln!(out, "{name}: {}", plain(&part))?;
        }
    }
    writeln!(out)
}

/// What failed, and how long a service took.
fn calls(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for fault in calls::faults(report) {
        writeln!(
            out,
            "  error: {} {} at {} × {} (status {}, {} tries, median {} ms): {}",
            clip_middle(&plain(fault.target.as_str()), NAME_COLUMNS),
            clip(&plain(fault.class), NAME_COLUMNS),
            fault.stage,
            fault.n,
            fault.statuses(),
            fault.attempts,
            calls::milliseconds(fault.median_ms),
            clip(&plain(fault.message), MESSAGE_COLUMNS)
        )?;
    }
    for speed in calls::speeds(report) {
        let part = |(name, times): (&str, &Option<Percentiles>)| {
            let at = |ms: Option<f64>| calls::milliseconds(ms);
            let (p50, p95) = (times.map(|t| t.p50), times.map(|t| t.p95));
            format!("{name} {} / {} ms", at(p50), at(p95))
        };
        let parts: Vec<String> = Speed::NAMES
            .into_iter()
            .zip(&speed.times)
            .map(part)
            .collect();
        writeln!(
            out,
            "  latency of {} (p50 / p95, {}): {}",
            clip_middle(&plain(speed.target.as_str()), NAME_COLUMNS),
            speed.calls(),
            parts.join(", ")
        )?;
    }
    Ok(())
}

/// The table of checks: columns are as wide as the longest name in them.
fn lines(checks: &[Check], out: &mut dyn Write) -> io::Result<()> {
    let name = |check: &Check| clip_middle(&plain(check.target.as_str()), NAME_COLUMNS);
    let widest = |names: &mut dyn Iterator<Item = String>| names.map(|name| width(&name)).max();
    let ids = widest(&mut checks.iter().map(labels::check));
    let names = widest(&mut checks.iter().map(name));
    for check in checks {
        let id = left(&labels::check(check), ids.unwrap_or(0).max(10));
        let name = left(&name(check), names.unwrap_or(0).max(12));
        let beside = labels::beside(check, checks);
        let beside = beside.map(|control| clip_middle(&plain(control.as_str()), NAME_COLUMNS));
        line(check, &id, &name, beside.as_deref(), out)?;
    }
    Ok(())
}

fn line(
    check: &Check,
    id: &str,
    name: &str,
    beside: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let paint = paint_of(check.verdict);
    let number =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    let numbers = match (check.estimate, check.ci_low.or(check.ci_high)) {
        (None, None) => String::new(),
        (_, None) => format!(
            "{} {} {}",
            number(check.estimate),
            check.comparator.symbol(),
            check.limit
        ),
        _ => format!(
            "{} [{}, {}] {} {}",
            number(check.estimate),
            number(check.ci_low),
            number(check.ci_high),
            check.comparator.symbol(),
            check.limit
        ),
    };
    let beside = beside.map_or_else(String::new, |control| format!(" beside {control}"));
    writeln!(
        out,
        "  {paint}{:<14}{paint:#} {id} {name} {numbers}{beside}",
        check.verdict.name(),
    )
}

/// What is red, why, and what to do.
fn reds(checks: &[Check], questions: &[QuestionRecord], out: &mut dyn Write) -> io::Result<()> {
    for check in checks.iter().filter(|check| check.is_red()) {
        let paint = paint_of(check.verdict);
        writeln!(
            out,
            "{paint}{} {}{paint:#} on {}: {}",
            check.verdict.name(),
            labels::check(check),
            plain(&labels::judged_on(check, checks)),
            plain(&check.clause)
        )?;
        writeln!(out, "  why:    {}", plain(&check.detail))?;
        if let Some(remedy) = &check.remedy {
            writeln!(out, "  remedy: {}", plain(remedy))?;
        }
        for id in check.worst_questions.iter().take(3) {
            let question = questions.iter().find(|question| question.id == *id);
            let wording = question.and_then(|question| question.forms.first());
            writeln!(
                out,
                "  worst:  {} {}",
                plain(id.as_str()),
                plain(wording.map_or("", String::as_str))
            )?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Where each ladder breaks first, a line a side.
fn causes(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    for side in ladders::failing(verdict) {
        let word = ladders::word(side, verdict);
        let paint = match word {
            "Cause" => Paint::new().fg_color(Some(AnsiColor::Red.into())).bold(),
            _ => Paint::new().bold(),
        };
        let name = plain(&ladders::name(side, verdict));
        let sentence = plain(&side.ladder.sentence());
        writeln!(out, "{paint}{word}{paint:#}  {name}: {sentence}")?;
    }
    if ladders::failing(verdict).next().is_some() {
        writeln!(out)?;
    }
    Ok(())
}

/// How many checks came out how, in words.
pub(super) fn tally(checks: &[Check]) -> String {
    use CheckVerdict::{Error, Fail, Inconclusive, NotApplicable, Pass, Waived};
    let counts = [
        (Pass, "passed"),
        (Waived, "waived"),
        (Fail, "failed"),
        (Error, "could not be measured"),
        (Inconclusive, "undecided"),
        (NotApplicable, "not applicable"),
    ];
    let count = |wanted: CheckVerdict| {
        checks
            .iter()
            .filter(|check| check.verdict == wanted)
            .count()
    };
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(verdict, _)| count(*verdict) > 0)
        .map(|(verdict, name)| format!("{} {name}", count(verdict)))
        .collect();
    if parts.is_empty() {
        "nothing was judged".to_owned()
    } else {
        parts.join(", ")
    }
}

fn paint_of(verdict: CheckVerdict) -> Paint {
    let colour = match verdict {
        CheckVerdict::Pass => AnsiColor::Green,
        CheckVerdict::Fail => AnsiColor::Red,
        CheckVerdict::Error => AnsiColor::Magenta,
        CheckVerdict::Inconclusive | CheckVerdict::Waived => AnsiColor::Yellow,
        CheckVerdict::NotApplicable => AnsiColor::BrightBlack,
    };
    Paint::new().fg_color(Some(colour.into()))
}

fn paint_of_run(verdict: RunVerdict) -> Paint {
    let colour = match verdict {
        RunVerdict::Pass => AnsiColor::Green,
        RunVerdict::Fail | RunVerdict::HardStop => AnsiColor::Red,
        RunVerdict::Error => AnsiColor::Magenta,
        RunVerdict::Inconclusive => AnsiColor::Yellow,
    };
    Paint::new().fg_color(Some(colour.into()))
}
