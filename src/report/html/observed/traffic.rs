//! Live requests on the page.

use crate::report::html::observed::time_chart::{Plan, TimeChart, draw};
use crate::report::html::words::NONE;
use crate::report::observed::{
    ArmTotals, Moments, error_rows, latency_point, milliseconds, p95_limit, period_rows, remarks,
    share, steady_words, tails, temperature, totals, within,
};
use crate::report::{Report, plain};
use crate::traffic::{LatencyPoint, Temperature, TrafficTable};

/// Requests of users.
pub(in crate::report::html) struct TrafficView {
    /// What tells arms apart, and which latency is shown.
    pub(in crate::report::html) about: String,
    /// Heads of the table of arms.
    pub(in crate::report::html) heads: [&'static str; 13],
    /// One an arm: name, then values under the heads.
    pub(in crate::report::html) arms: Vec<(String, Vec<String>)>,
    /// p95 over time.
    pub(in crate::report::html) tail: Option<TimeChart>,
    /// How many requests were within the limit, a sentence each.
    pub(in crate::report::html) within: Vec<String>,
    /// Percentiles by arm, temperature and part of the drill.
    pub(in crate::report::html) latencies: Vec<LatencyRow>,
    /// Whether a drill divides the rows above.
    pub(in crate::report::html) divided: bool,
    /// Names of the arms, as heads of the errors.
    pub(in crate::report::html) names: Vec<String>,
    /// Errors by stage and class.
    pub(in crate::report::html) errors: Vec<ErrorView>,
    /// How reading went.
    pub(in crate::report::html) remarks: Vec<String>,
}

/// Percentiles of one group.
pub(in crate::report::html) struct LatencyRow {
    pub(in crate::report::html) arm: String,
    pub(in crate::report::html) temperature: &'static str,
    pub(in crate::report::html) period: &'static str,
    pub(in crate::report::html) n: u64,
    /// p50, p75, p95 and p99 of each point.
    pub(in crate::report::html) values: Vec<String>,
}

/// Errors of one stage and class.
pub(in crate::report::html) struct ErrorView {
    pub(in crate::report::html) stage: &'static str,
    pub(in crate::report::html) class: String,
    /// By arm.
    pub(in crate::report::html) counts: Vec<String>,
}

/// Heads of the table of arms.
const HEADS: [&str; 13] = [
    "Requests",
    "Share",
    "Errors",
    "5xx",
    "p50",
    "p75",
    "p95",
    "p99",
    "Cold",
    "Cache hits",
    "Dedupe",
    "Queue age",
    "Backlog",
];

/// The stages of the runbook; others are named as the log names them.
fn stage(stage: crate::net::Stage) -> &'static str {
    match stage {
        crate::net::Stage::Tls => "TLS",
        crate::net::Stage::Body => "body read",
        crate::net::Stage::Tool => "tool call",
        other => other.name(),
    }
}

/// Arranges the requests of a report, if it has any.
pub(in crate::report::html) fn view(report: &Report) -> Option<TrafficView> {
    let table = report.observed.traffic.as_ref()?;
    let moments = Moments::of(report.observed.timeline.as_ref());
    let point = latency_point(report);
    let arms = totals(table);
    Some(TrafficView {
        about: about(table, point, &arms),
        heads: HEADS,
        arms: arms
            .iter()
            .map(|arm| (plain(arm.name), values(arm, point)))
            .collect(),
        tail: tail(report, table, moments, point),
        within: within_limit(report, table, moments, point),
        latencies: latencies(table, moments),
        divided: moments.decision.is_some(),
        names: arms.iter().map(|arm| plain(arm.name)).collect(),
        errors: errors(table, &arms),
        remarks: remarks(&report.observed)
            .iter()
            .map(|remark| plain(remark))
            .collect(),
    })
}

fn about(table: &TrafficTable, point: LatencyPoint, arms: &[ArmTotals]) -> String {
    let warm = steady_words(arms);
    format!(
        "Arms are told apart by {}. Percentiles are {} of {warm}, in milliseconds, whatever their status; warm pings count nowhere. Dedupe: side effects that are not repeats; queue age: mean, largest.",
        table.arm_by.name(),
        point.name()
    )
}

fn values(arm: &ArmTotals, point: LatencyPoint) -> Vec<String> {
    let mut values = arm.figures(point).to_vec();
    if let (Some((_, most)), Some(age)) = (arm.queue_age_ms(), values.last_mut()) {
        *age = format!("{age}, {}", milliseconds(Some(most)));
    }
    let backlog = arm.backlog_max().map(|n| n.to_string());
    values.push(backlog.unwrap_or_else(|| NONE.to_owned()));
    values
}

fn latencies(table: &TrafficTable, moments: Moments) -> Vec<LatencyRow> {
    let row = |row: crate::report::observed::PeriodRow| LatencyRow {
        arm: plain(row.arm),
        temperature: temperature(row.temperature),
        period: row
            .period
            .map_or("whole log", crate::report::observed::Period::name),
        n: row.all.n,
        values: LatencyPoint::ALL
            .into_iter()
            .flat_map(|point| {
                let sketch = row.all.latency.at(point);
                [0.5, 0.75, 0.95, 0.99].map(|q| milliseconds(sketch.quantile(q)))
            })
            .collect(),
    };
    period_rows(table, moments).into_iter().map(row).collect()
}

fn errors(table: &TrafficTable, arms: &[ArmTotals]) -> Vec<ErrorView> {
    let rows = error_rows(table);
    let view = |row: &crate::report::observed::ErrorRow| ErrorView {
        stage: stage(row.of.stage),
        class: plain(&row.of.class),
        counts: row
            .by_arm
            .iter()
            .zip(arms)
            .map(|(class, arm)| {
                class.map_or_else(
                    || NONE.to_owned(),
                    |class| format!("{} ({})", class.n, share(class.n, arm.arm.n)),
                )
            })
            .collect(),
    };
    rows.iter().map(view).collect()
}

/// p95 of each arm by window, with the limit and the moments of the drill.
fn tail(
    report: &Report,
    table: &TrafficTable,
    moments: Moments,
    point: LatencyPoint,
) -> Option<TimeChart> {
    let (series, block_s) = tails(table, point);
    let limit = p95_limit(report, moments, point);
    let level = limit.map(|(_, ms)| (format!("limit {} ms", milliseconds(Some(ms))), ms));
    let by = if block_s == 1 {
        "1 second".to_owned()
    } else {
        format!("{block_s} seconds")
    };
    draw(&Plan {
        heading: format!("p95 of {} by {by}", point.name()),
        about: format!(
            "Each point is the 95th percentile of the warm requests of {by}; a window of few requests is uncertain.{}",
            limit.map_or_else(String::new, |(factor, _)| format!(
                " The limit is {factor} × the p95 of all arms' requests before the drill that were not cold."
            ))
        ),
        y_label: "milliseconds",
        series: series.iter().collect(),
        origin: moments.decision.map(|at| ("decision", at)),
        moments: moments
            .named()
            .into_iter()
            .map(|(name, at)| (name.to_owned(), at))
            .collect(),
        levels: level.into_iter().collect(),
        least_top: 1.0,
        decimals: 1,
    })
}

/// The share of each arm's warm requests that took no longer than the limit, by part of the drill.
fn within_limit(
    report: &Report,
    table: &TrafficTable,
    moments: Moments,
    point: LatencyPoint,
) -> Vec<String> {
    let Some((_, limit)) = p95_limit(report, moments, point) else {
        return Vec::new();
    };
    let mut sentences: Vec<(&str, Vec<String>)> = Vec::new();
    for row in period_rows(table, moments) {
        let sketch = row.all.latency.at(point);
        let (Some(period), false) = (row.period, row.temperature == Temperature::Cold) else {
            continue;
        };
        let told = format!(
            "{} {}",
            share(within(sketch, limit), sketch.len()),
            period.name()
        );
        match sentences.last_mut().filter(|(arm, _)| *arm == row.arm) {
            Some((_, parts)) => parts.push(told),
            None => sentences.push((row.arm, vec![told])),
        }
    }
    let sentence = |(arm, parts): (&str, Vec<String>)| {
        let limit = milliseconds(Some(limit));
        plain(&format!(
            "Within {limit} ms on {arm}: {}.",
            parts.join(", ")
        ))
    };
    sentences.into_iter().map(sentence).collect()
}
