//! Live requests and drills on a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};

use crate::judge::{CheckId, CheckVerdict};
use crate::report::columns::{clip, clip_middle, left, right, width};
use crate::report::observed::{
    ArmTotals, Moments, Routed, clock, headline, latency_point, milliseconds, phases, remarks,
    routed, share, simulation, since, steady_words, summary, temperature, totals,
};
use crate::report::terminal::{NAME_COLUMNS, Style, paint_of};
use crate::report::{Report, labels, plain};
use crate::traffic::{LatencyPoint, Observed, TrafficTable};

/// More of a route is in the table of the page.
const ROUTE_COLUMNS: usize = 24;
/// More of a remark is in the other reports.
const REMARK_COLUMNS: usize = 150;

/// Writes what a log of requests comes to: a line for each arm, route and temperature, then each arm
/// as a whole, then its errors and how reading went. Quiet leaves the arms alone. Print through a
/// stream that strips colours where they do not belong.
///
/// # Errors
/// If the writer fails.
pub fn traffic_table(
    table: &TrafficTable,
    latency: LatencyPoint,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if style == Style::Normal {
        routes(table, latency, out)?;
        writeln!(out)?;
    }
    arms(table, latency, out)?;
    if style == Style::Normal {
        let observed = Observed {
            traffic: Some(table.clone()),
            timeline: None,
        };
        notes(&observed, out)?;
    }
    Ok(())
}

/// Columns as wide as what stands in them; the first few stand at the left.
fn grid(rows: &[Vec<String>], n_left: usize, out: &mut dyn Write) -> io::Result<()> {
    let n = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| {
        rows.iter()
            .map(|row| width(&row[column]))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n).map(widest).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (text, columns))| {
            if column < n_left {
                left(text, *columns)
            } else {
                right(text, *columns)
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        writeln!(out, "  {}", line.trim_end())?;
    }
    Ok(())
}

fn routes(table: &TrafficTable, latency: LatencyPoint, out: &mut dyn Write) -> io::Result<()> {
    let heads = [
        "arm", "route", "cold", "n", "errors", "5xx", "p50", "p75", "p95", "p99", "hits",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    for (arm, route, of, all) in routed(table) {
        let mut row = vec![
            clip_middle(&plain(arm), NAME_COLUMNS),
            if route.is_empty() {
                "–".to_owned()
            } else {
                clip_middle(&plain(route), ROUTE_COLUMNS)
            },
            temperature(of).to_owned(),
        ];
        row.extend(numbers(&all, latency));
        rows.push(row);
    }
    writeln!(out, "requests by route, {} in ms", latency.name())?;
    grid(&rows, 3, out)
}

/// Requests, errors, server errors, percentiles, cache hits.
fn numbers(all: &Routed, latency: LatencyPoint) -> [String; 8] {
    let at = |q| milliseconds(all.latency.at(latency).quantile(q));
    [
        all.n.to_string(),
        all.n_errors.to_string(),
        all.n_5xx.to_string(),
        at(0.5),
        at(0.75),
        at(0.95),
        at(0.99),
        share(all.n_hits, all.n_hits + all.n_misses),
    ]
}

fn arms(table: &TrafficTable, latency: LatencyPoint, out: &mut dyn Write) -> io::Result<()> {
    let all = totals(table);
    let heads = [
        "arm",
        "n",
        "share",
        "errors",
        "5xx",
        "p50",
        "p95",
        "p99",
        "cold",
        "hits",
        "dedupe",
        "queue age",
    ];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(all.iter().map(|arm| arm_row(arm, latency)));
    let of = steady_words(&all);
    writeln!(
        out,
        "arms by {}, {} of {of} in ms",
        table.arm_by.name(),
        latency.name()
    )?;
    grid(&rows, 1, out)?;
    for arm in &all {
        for class in &arm.arm.errors {
            writeln!(
                out,
                "  error: {} {} at {} × {} ({} session{})",
                clip_middle(&plain(arm.name), NAME_COLUMNS),
                clip(&plain(&class.class), NAME_COLUMNS),
                class.stage,
                class.n,
                class.n_sessions,
                if class.n_sessions == 1 { "" } else { "s" }
            )?;
        }
    }
    Ok(())
}

fn arm_row(arm: &ArmTotals, latency: LatencyPoint) -> Vec<String> {
    let mut row = vec![clip_middle(&plain(arm.name), NAME_COLUMNS)];
    row.extend(arm.figures(latency));
    // Too wide for a terminal with p75.
    row.remove(6);
    row
}

fn notes(observed: &Observed, out: &mut dyn Write) -> io::Result<()> {
    for remark in remarks(observed) {
        writeln!(out, "  note: {}", clip(&plain(&remark), REMARK_COLUMNS))?;
    }
    Ok(())
}

/// What a report observed beside the probes: the banner of simulated evidence, the drill, the arms.
pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let observed = &report.observed;
    if observed.timeline.is_some() {
        moments(report, out)?;
    }
    if let Some(table) = &observed.traffic {
        arms(table, latency_point(report), out)?;
    }
    if observed.timeline.is_some() || observed.traffic.is_some() {
        notes(observed, out)?;
        writeln!(out)?;
    }
    Ok(())
}

/// A line where evidence was simulated.
pub(super) fn banner(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(words) = simulation(report) else {
        return Ok(());
    };
    let paint = Paint::new().fg_color(Some(AnsiColor::Yellow.into())).bold();
    writeln!(out, "{paint}{words}{paint:#}")
}

/// What a drill comes to: a sentence, its phases, and its moments, a line each.
pub(super) fn drill(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(short) = summary(report) else {
        return Ok(());
    };
    writeln!(out, "{}", plain(&short.what))?;
    for phase in phases(&report.verdict.checks) {
        let places = phase
            .rows
            .iter()
            .flat_map(|(_, cells)| cells.iter().flatten());
        let checks: Vec<_> = places.map(|place| &report.verdict.checks[*place]).collect();
        let green = |check: &&&crate::judge::Check| {
            matches!(check.verdict, CheckVerdict::Pass | CheckVerdict::Waived)
        };
        let mut reds: Vec<_> = checks.iter().filter(|check| check.is_red()).collect();
        reds.sort_by_key(|check| check.verdict == CheckVerdict::Inconclusive);
        let reds: Vec<String> = reds
            .iter()
            .map(|check| {
                let paint = paint_of(check.verdict);
                let label = labels::check(check);
                format!("{paint}{} {label}{paint:#}", check.verdict.name())
            })
            .collect();
        writeln!(
            out,
            "  {:<5} {} of {} green{}{}",
            phase.name,
            checks.iter().filter(green).count(),
            checks.len(),
            if reds.is_empty() { "" } else { "; " },
            reds.join(", ")
        )?;
    }
    writeln!(out)
}

/// The moments of the drill, a line each: the decision, the cutover, the drained queue, the decision
/// to return, the end.
fn moments(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let moments = Moments::of(report.observed.timeline.as_ref());
    let Some(decision) = moments.decision else {
        return writeln!(
            out,
            "  timeline: no decision to leave a region is on the log"
        );
    };
    let drained = headline(&report.verdict.checks, CheckId::FdDrain);
    let drained = drained.and_then(|check| check.estimate);
    let told = |name: &str, s: Option<f64>, at: String| match s {
        Some(s) => format!("  {name:<16} {} {at}", left(&since(s), 14)),
        None => format!("  {name:<16} not on the log"),
    };
    let at = |moment: Option<crate::units::Moment>| {
        let s = moment.map(|at| at.seconds_since(decision));
        (s, moment.map(clock).unwrap_or_default())
    };
    let mut lines = [
        ("decision", at(Some(decision))),
        ("cutover", at(moments.cutover)),
        ("queue drained", (drained, String::new())),
        ("return decided", at(moments.homeward)),
        ("drill ended", at(moments.ended)),
    ];
    // What is not on the log stands last.
    let when = |s: Option<f64>| s.unwrap_or(f64::INFINITY);
    lines.sort_by(|(_, (a, _)), (_, (b, _))| when(*a).total_cmp(&when(*b)));
    writeln!(out, "timeline since the decision (UTC beside it)")?;
    for (name, (s, clock)) in lines {
        writeln!(out, "{}", told(name, s, clock).trim_end())?;
    }
    writeln!(out)
}
