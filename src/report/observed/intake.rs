//! How reading logs went, in sentences.

use crate::report::Report;
use crate::report::observed::lasting;
use crate::traffic::{BadLine, Intake, Observed, Timeline, TrafficTable};

/// Bad lines that are quoted.
const QUOTED: usize = 5;
/// Names of fields or events that are listed.
const NAMED: usize = 12;
/// Clocks that disagree by less are not worth a sentence.
const LEAST_SKEW_MS: i64 = 50;

/// Whether any of what was observed was simulated.
fn simulated(observed: &Observed) -> bool {
    let requests = observed.traffic.as_ref();
    let events = observed.timeline.as_ref();
    requests.is_some_and(|table| table.intake.n_simulated > 0)
        || events.is_some_and(|timeline| timeline.events.iter().any(|event| event.simulated))
}

/// What stands over every report whose logs were simulated.
pub(in crate::report) fn simulation(report: &Report) -> Option<&'static str> {
    let judged = report.record.judged.as_ref();
    let allowed = judged.is_some_and(|judged| judged.settings.observed.allow_simulated);
    let words = if allowed {
        "SIMULATED EVIDENCE, judged as if it were real because that was allowed: this verdict proves nothing about real traffic."
    } else {
        "SIMULATED EVIDENCE: a generator wrote the logs. They prove nothing about real traffic."
    };
    simulated(&report.observed).then_some(words)
}

/// What a reader should know of how both logs were read, a sentence each.
pub(in crate::report) fn remarks(observed: &Observed) -> Vec<String> {
    let mut remarks = observed.traffic.as_ref().map_or_else(Vec::new, of_requests);
    remarks.extend(observed.timeline.iter().flat_map(of_events));
    remarks
}

fn of_requests(table: &TrafficTable) -> Vec<String> {
    let intake = &table.intake;
    let pings: u64 = table.arms.values().map(|arm| arm.n_warm_pings).sum();
    let mut remarks = vec![format!("{} of requests read", lines(intake.n_lines))];
    remarks.extend(bad(intake.n_lines, intake.n_bad, &intake.bad));
    remarks.extend(quantities(intake, table.arm_by.name(), pings));
    if intake.n_out_of_order > 0 {
        remarks.push(format!(
            "{} out of order, by up to {}; they count like all others",
            lines(intake.n_out_of_order),
            lasting(intake.furthest_back_ms as f64 / 1000.0)
        ));
    }
    let skewed = intake
        .clock_skew_ms
        .iter()
        .filter(|(_, ms)| ms.abs() >= LEAST_SKEW_MS);
    let skewed: Vec<String> = skewed
        .map(|(region, ms)| {
            let side = if *ms > 0 { "ahead" } else { "behind" };
            format!(
                "{region} {} {side}",
                lasting(ms.unsigned_abs() as f64 / 1000.0)
            )
        })
        .collect();
    if !skewed.is_empty() {
        remarks.push(format!(
            "clocks of regions, by the order of the lines: {}",
            skewed.join(", ")
        ));
    }
    let fields = intake
        .unknown_fields
        .iter()
        .map(|(name, n)| format!("{name} × {n}"));
    remarks.extend(listed("fields that nothing is read from", fields.collect()));
    remarks
}

/// Lines that were left out, or taken in a way that a reader should know.
fn quantities<'a>(
    intake: &Intake,
    arm_by: &'a str,
    pings: u64,
) -> impl Iterator<Item = String> + use<'a> {
    let told = [
        (
            intake.n_simulated,
            "simulated, which proves nothing".to_owned(),
        ),
        (intake.n_duplicates, "left out as duplicates".to_owned()),
        (intake.n_without_arm, format!("left out without {arm_by}")),
        (
            intake.n_without_zone,
            "without a zone, taken for UTC".to_owned(),
        ),
        (pings, "of warm pings, which count nowhere".to_owned()),
    ];
    let told = told.into_iter().filter(|(n, _)| *n > 0);
    told.map(|(n, what)| format!("{} {what}", lines(n)))
}

fn of_events(timeline: &Timeline) -> Vec<String> {
    let mut remarks = vec![format!(
        "{} of the drill log read, {} events",
        lines(timeline.n_lines),
        timeline.events.len()
    )];
    remarks.extend(bad(timeline.n_lines, timeline.n_bad, &timeline.bad));
    let simulated = timeline
        .events
        .iter()
        .filter(|event| event.simulated)
        .count();
    if simulated > 0 {
        remarks.push(format!("{simulated} events simulated, which prove nothing"));
    }
    let unknown = timeline
        .unknown_events
        .iter()
        .map(|(name, n)| format!("{name} × {n}"));
    remarks.extend(listed(
        "events of kinds that nothing is read from",
        unknown.collect(),
    ));
    remarks
}

fn bad(n_lines: u64, n_bad: u64, bad: &[BadLine]) -> Vec<String> {
    if n_bad == 0 {
        return Vec::new();
    }
    let share = 100.0 * n_bad as f64 / n_lines.max(1) as f64;
    let mut remarks = vec![format!(
        "{} not readable and left out ({share:.3} %)",
        lines(n_bad)
    )];
    let quoted = bad.iter().take(QUOTED);
    remarks.extend(quoted.map(|line| format!("{}: {}", line.place, line.problem)));
    let more = n_bad.saturating_sub(bad.len().min(QUOTED) as u64);
    if more > 0 {
        remarks.push(format!("and {more} more bad lines"));
    }
    remarks
}

fn listed(what: &str, names: Vec<String>) -> Option<String> {
    let more = names.len().saturating_sub(NAMED);
    let shown: Vec<String> = names.into_iter().take(NAMED).collect();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!shown.is_empty()).then(|| format!("{what}: {}{more}", shown.join(", ")))
}

fn lines(n: u64) -> String {
    format!("{n} line{}", if n == 1 { "" } else { "s" })
}
