//! Live requests by arm, route, temperature, part of a drill and window.

use std::collections::BTreeMap;

use crate::judge::CheckId;
use crate::report::Report;
use crate::report::observed::{Moments, Period, Point, Series, milliseconds, share};
use crate::traffic::{
    Arm, Bucket, ErrorClass, Group, Latencies, LatencyPoint, Sketch, Temperature, TrafficTable,
};
use crate::units::Moment;

/// Windows of more than this are put together in a drawing.
const MOST_WINDOWS: i64 = 180;

/// What the groups of requests that have something in common come to.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct Routed {
    /// Requests.
    pub(in crate::report) n: u64,
    /// Those that failed.
    pub(in crate::report) n_errors: u64,
    /// Those with a status of 500 or above.
    pub(in crate::report) n_5xx: u64,
    /// Those that found their answer in a cache.
    pub(in crate::report) n_hits: u64,
    /// Those that looked in a cache in vain.
    pub(in crate::report) n_misses: u64,
    /// How long they took.
    pub(in crate::report) latency: Latencies,
}

impl Routed {
    fn add(&mut self, group: &Group) {
        self.n += group.n;
        self.n_errors += group.n_errors;
        self.n_5xx += group.n_5xx;
        self.n_hits += group.n_hits;
        self.n_misses += group.n_misses;
        for point in LatencyPoint::ALL {
            let ours = match point {
                LatencyPoint::Tffb => &mut self.latency.tffb,
                LatencyPoint::Tusable => &mut self.latency.tusable,
                LatencyPoint::Tfinal => &mut self.latency.tfinal,
            };
            ours.merge(group.latency.at(point));
        }
    }
}

/// Requests by arm, route and temperature over the whole log, in that order.
pub(in crate::report) fn routed(table: &TrafficTable) -> Vec<(&str, &str, Temperature, Routed)> {
    let mut found: BTreeMap<(&str, &str, Temperature), Routed> = BTreeMap::new();
    for group in &table.groups {
        let key = (group.arm.as_str(), group.route.as_str(), group.temperature);
        found.entry(key).or_default().add(group);
    }
    let row = |((arm, route, temperature), all)| (arm, route, temperature, all);
    found.into_iter().map(row).collect()
}

/// An arm over the whole log.
#[derive(Clone, Debug)]
pub(in crate::report) struct ArmTotals<'a> {
    /// Its name.
    pub(in crate::report) name: &'a str,
    /// What its requests come to.
    pub(in crate::report) arm: &'a Arm,
    /// Requests of all arms.
    pub(in crate::report) n_all: u64,
    /// Its requests by temperature.
    pub(in crate::report) by_temperature: BTreeMap<Temperature, Routed>,
}

/// Of which requests the percentiles of arms are.
pub(in crate::report) fn steady_words(arms: &[ArmTotals]) -> &'static str {
    if arms.iter().any(|arm| arm.steady() == Temperature::Untold) {
        "requests that do not say whether they were cold"
    } else {
        "warm requests"
    }
}

impl ArmTotals<'_> {
    /// The sum of a number over all temperatures.
    pub(in crate::report) fn sum(&self, of: fn(&Routed) -> u64) -> u64 {
        self.by_temperature.values().map(of).sum()
    }

    /// Requests of a temperature.
    pub(in crate::report) fn n(&self, temperature: Temperature) -> u64 {
        self.by_temperature.get(&temperature).map_or(0, |all| all.n)
    }

    /// The temperature by which the arm is read: warm, or what is not told where nothing is.
    pub(in crate::report) fn steady(&self) -> Temperature {
        if self.n(Temperature::Warm) == 0 && self.n(Temperature::Untold) > 0 {
            Temperature::Untold
        } else {
            Temperature::Warm
        }
    }

    /// A latency of the requests of that temperature.
    pub(in crate::report) fn latency(&self, point: LatencyPoint) -> Option<&Sketch> {
        let steady = self.by_temperature.get(&self.steady());
        steady.map(|all| all.latency.at(point))
    }

    /// The mean age of the queue in milliseconds over all requests that state it, and the largest.
    pub(in crate::report) fn queue_age_ms(&self) -> Option<(f64, f64)> {
        let n: u64 = self.arm.queue.iter().map(|window| window.n_age).sum();
        let us: u64 = self.arm.queue.iter().map(|window| window.age_sum_us).sum();
        let most = self
            .arm
            .queue
            .iter()
            .map(|window| window.age_max_us)
            .max()?;
        (n > 0).then(|| (us as f64 / n as f64 / 1000.0, most as f64 / 1000.0))
    }

    /// The share of writes without a repeat: 1 − (repeated + shared) / (writes − suppressed).
    pub(in crate::report) fn dedupe(&self) -> String {
        let writes = self.arm.writes;
        let effects = writes.n.saturating_sub(writes.n_suppressed);
        let doubled = writes.n_repeated + writes.n_shared;
        share(effects.saturating_sub(doubled), effects)
    }

    /// Requests, their share, shares of errors and of server errors; p50, p75, p95 and p99; the shares
    /// of cold requests, of cache hits and of writes without a repeat; the mean queue age.
    pub(in crate::report) fn figures(&self, point: LatencyPoint) -> [String; 12] {
        let n = self.arm.n;
        let at = |q| milliseconds(self.latency(point).and_then(|sketch| sketch.quantile(q)));
        let (hits, misses) = (self.sum(|all| all.n_hits), self.sum(|all| all.n_misses));
        let told = n.saturating_sub(self.n(Temperature::Untold));
        [
            n.to_string(),
            share(n, self.n_all),
            share(self.sum(|all| all.n_errors), n),
            share(self.sum(|all| all.n_5xx), n),
            at(0.5),
            at(0.75),
            at(0.95),
            at(0.99),
            share(self.n(Temperature::Cold), told),
            share(hits, hits + misses),
            self.dedupe(),
            milliseconds(self.queue_age_ms().map(|(mean, _)| mean)),
        ]
    }

    /// The largest backlog that a request states.
    pub(in crate::report) fn backlog_max(&self) -> Option<u64> {
        let stated = self.arm.queue.iter().filter(|window| window.n_backlog > 0);
        stated.map(|window| window.backlog_max).max()
    }
}

/// Every arm, by name.
pub(in crate::report) fn totals(table: &TrafficTable) -> Vec<ArmTotals<'_>> {
    let mut found: BTreeMap<&str, BTreeMap<Temperature, Routed>> = BTreeMap::new();
    for group in &table.groups {
        let of_arm = found.entry(group.arm.as_str()).or_default();
        of_arm.entry(group.temperature).or_default().add(group);
    }
    let n_all = table.arms.values().map(|arm| arm.n).sum();
    let arms = table.arms.iter();
    arms.map(|(name, arm)| ArmTotals {
        name,
        arm,
        n_all,
        by_temperature: found.remove(name.as_str()).unwrap_or_default(),
    })
    .collect()
}

/// Requests of an arm and a temperature in a part of the drill.
#[derive(Clone, Debug)]
pub(in crate::report) struct PeriodRow<'a> {
    /// The arm.
    pub(in crate::report) arm: &'a str,
    /// The part; none where no drill divides the log.
    pub(in crate::report) period: Option<Period>,
    /// Warm or cold.
    pub(in crate::report) temperature: Temperature,
    /// What they come to.
    pub(in crate::report) all: Routed,
}

/// By arm, then temperature, then part of the drill.
pub(in crate::report) fn period_rows(table: &TrafficTable, moments: Moments) -> Vec<PeriodRow<'_>> {
    let mut found: BTreeMap<(&str, Temperature, Option<Period>), Routed> = BTreeMap::new();
    for group in &table.groups {
        let period = moments.period(group.start, table.window_s);
        let key = (group.arm.as_str(), group.temperature, period);
        found.entry(key).or_default().add(group);
    }
    let row = |((arm, temperature, period), all)| PeriodRow {
        arm,
        period,
        temperature,
        all,
    };
    found.into_iter().map(row).collect()
}

/// Errors of one stage and class.
#[derive(Clone, Debug)]
pub(in crate::report) struct ErrorRow<'a> {
    /// Of each arm by name, in the order of the arms; none where an arm has none of the kind.
    pub(in crate::report) by_arm: Vec<Option<&'a ErrorClass>>,
    /// The stage and class.
    pub(in crate::report) of: &'a ErrorClass,
}

/// Every stage and class, in the order in which a call meets the stages.
pub(in crate::report) fn error_rows(table: &TrafficTable) -> Vec<ErrorRow<'_>> {
    let mut rows: Vec<ErrorRow> = Vec::new();
    let n_arms = table.arms.len();
    for (index, arm) in table.arms.values().enumerate() {
        for class in &arm.errors {
            let same =
                |row: &&mut ErrorRow| row.of.stage == class.stage && row.of.class == class.class;
            if let Some(row) = rows.iter_mut().find(same) {
                row.by_arm[index] = Some(class);
            } else {
                let mut by_arm = vec![None; n_arms];
                by_arm[index] = Some(class);
                rows.push(ErrorRow { by_arm, of: class });
            }
        }
    }
    rows.sort_by_key(|row| {
        let stages = crate::net::Stage::ALL;
        let place = stages.iter().position(|stage| *stage == row.of.stage);
        (place, row.of.class.as_str())
    });
    rows
}

/// p95 of each arm over time, in milliseconds, of the temperature by which it is read; and for how
/// many seconds each point stands.
pub(in crate::report) fn tails(table: &TrafficTable, point: LatencyPoint) -> (Vec<Series>, i64) {
    let starts = || {
        table
            .groups
            .iter()
            .map(|group| group.start.as_millisecond())
    };
    let window_ms = 1000 * i64::from(table.window_s.max(1));
    let all = starts().max().zip(starts().min());
    let n_windows = all.map_or(1, |(last, first)| (last - first) / window_ms + 1);
    let block_ms = window_ms * ((n_windows + MOST_WINDOWS - 1) / MOST_WINDOWS).max(1);
    let one = |totals: &ArmTotals| {
        let mut blocks: BTreeMap<i64, Sketch> = BTreeMap::new();
        let steady = totals.steady();
        for group in table
            .groups_of(totals.name)
            .filter(|group| group.temperature == steady)
        {
            let start = group.start.as_millisecond().div_euclid(block_ms) * block_ms;
            blocks
                .entry(start)
                .or_default()
                .merge(group.latency.at(point));
        }
        let points = blocks.iter().filter_map(|(start, sketch)| {
            let value = sketch.quantile(0.95)?;
            Some(Point {
                at: Moment::from_millisecond(*start)?,
                value,
            })
        });
        Series {
            name: totals.name.to_owned(),
            points: points.collect(),
        }
    };
    let series = totals(table).iter().map(one).collect();
    (series, block_ms / 1000)
}

/// The limit of p95 in milliseconds: so many times the p95 of all warm requests before the drill, as
/// the clause says. None without requests before a decision.
pub(in crate::report) fn p95_limit(
    report: &Report,
    moments: Moments,
    point: LatencyPoint,
) -> Option<(f64, f64)> {
    /// What the clause says where no check does.
    const USUAL: f64 = 1.25;
    let table = report.observed.traffic.as_ref()?;
    let check = report
        .verdict
        .checks
        .iter()
        .find(|check| check.id == CheckId::FdP95);
    let factor = check.map_or(USUAL, |check| check.limit);
    let mut before = Sketch::default();
    for group in &table.groups {
        let first = moments.period(group.start, table.window_s) == Some(Period::Before);
        if first && group.temperature != Temperature::Cold {
            before.merge(group.latency.at(point));
        }
    }
    Some((factor, factor * before.quantile(0.95)?))
}

/// How many values of a sketch are within a limit, as far as its buckets tell: a bucket counts as a
/// whole, by its middle.
pub(in crate::report) fn within(sketch: &Sketch, limit: f64) -> u64 {
    let buckets = sketch.buckets().into_iter();
    let within = buckets.filter(|bucket| Bucket::middle(bucket.index) <= limit);
    within.map(|bucket| bucket.n).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_drill;

    #[test]
    fn arms_have_all_their_requests_in_temperatures_routes_and_parts() {
        let table = sample_drill::traffic();
        let timeline = sample_drill::timeline();
        let parts = period_rows(&table, Moments::of(Some(&timeline)));
        for arm in totals(&table) {
            let routes = routed(&table)
                .into_iter()
                .filter(|(name, ..)| *name == arm.name);
            let of_parts = parts.iter().filter(|row| row.arm == arm.name);
            assert_eq!(arm.sum(|all| all.n), arm.arm.n);
            assert_eq!(routes.map(|(.., all)| all.n).sum::<u64>(), arm.arm.n);
            assert_eq!(of_parts.map(|row| row.all.n).sum::<u64>(), arm.arm.n);
        }
    }

    #[test]
    fn long_logs_are_put_together_into_few_points() {
        let mut table = sample_drill::traffic();
        let mut later = table.groups.clone();
        for group in &mut later {
            let ms = group.start.as_millisecond() + 86_400_000;
            group.start = Moment::from_millisecond(ms).expect("a moment");
        }
        table.groups.extend(later);
        let (series, block_s) = tails(&table, LatencyPoint::Tfinal);
        assert_eq!(block_s % 60, 0);
        assert!(block_s >= 86_400 / MOST_WINDOWS);
        assert!(series.iter().all(|one| one.points.len() <= 181));
    }

    #[test]
    fn what_is_within_a_limit_is_counted_by_buckets() {
        let mut sketch = Sketch::default();
        (1..=100).for_each(|ms| sketch.add(f64::from(ms)));
        assert_eq!(within(&sketch, 50.5), 50);
        assert_eq!(within(&sketch, 1000.0), 100);
        assert_eq!(within(&Sketch::default(), 1.0), 0);
    }
}
