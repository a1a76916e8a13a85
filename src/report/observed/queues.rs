//! Queues over time.

use std::collections::BTreeMap;

use crate::judge::CheckId;
use crate::report::Report;
use crate::report::observed::{Moments, Point, Series, headline};
use crate::stats::median;
use crate::traffic::{Happening, Timeline, TrafficTable};
use crate::units::Moment;

/// The runbook's limit of draining, in seconds.
const DRAIN_S: f64 = 600.0;
/// Samples before the decision that a baseline takes.
const LEAST: usize = 3;

/// One queue, of one region where the log tells regions apart.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Queue {
    /// Messages waiting.
    pub(in crate::report) backlog: Series,
    /// How long the oldest have waited, in seconds.
    pub(in crate::report) age_s: Series,
    /// The median backlog before the decision; none of fewer than three samples.
    pub(in crate::report) baseline: Option<f64>,
}

/// The queues of the drill log, or else those that requests state.
pub(in crate::report) fn queues(report: &Report, moments: Moments) -> Vec<Queue> {
    let logged = report.observed.timeline.as_ref().map(logged);
    let mut queues = logged.unwrap_or_default();
    if queues.is_empty() {
        queues = report
            .observed
            .traffic
            .as_ref()
            .map_or_else(Vec::new, stated);
    }
    for queue in &mut queues {
        let before = |point: &&Point| Some(point.at) < moments.decision;
        let before = queue.backlog.points.iter().filter(before);
        let before: Vec<f64> = before.map(|point| point.value).collect();
        queue.baseline = median(&before).filter(|_| before.len() >= LEAST);
    }
    queues
}

fn logged(timeline: &Timeline) -> Vec<Queue> {
    let mut found: BTreeMap<String, [Vec<Point>; 2]> = BTreeMap::new();
    for event in &timeline.events {
        if let Happening::QueueSample {
            backlog,
            age_ms,
            region,
            queue,
        } = &event.what
        {
            let parts = [queue.as_deref(), region.as_deref()];
            let name: Vec<&str> = parts.into_iter().flatten().collect();
            let [backlogs, ages] = found.entry(name.join(" in ")).or_default();
            let point = |value| Point {
                at: event.ts,
                value,
            };
            backlogs.push(point(*backlog as f64));
            let waited_s = age_ms.filter(|ms| ms.is_finite()).map(|ms| ms / 1000.0);
            ages.extend(waited_s.map(point));
        }
    }
    found.into_iter().map(queue).collect()
}

fn stated(table: &TrafficTable) -> Vec<Queue> {
    let one = |(name, arm): (&String, &crate::traffic::Arm)| {
        let mean = |at: Moment, sum: f64, n: u64| {
            let value = sum / n as f64;
            (n > 0).then_some(Point { at, value })
        };
        let windows = arm.queue.iter();
        let backlogs = windows
            .clone()
            .filter_map(|window| mean(window.start, window.backlog_sum as f64, window.n_backlog));
        let ages = windows
            .filter_map(|window| mean(window.start, window.age_sum_us as f64 / 1e6, window.n_age));
        queue((name.clone(), [backlogs.collect(), ages.collect()]))
    };
    let queues = table.arms.iter().map(one);
    queues
        .filter(|queue| !queue.backlog.points.is_empty() || !queue.age_s.points.is_empty())
        .collect()
}

fn queue((name, [backlog, age_s]): (String, [Vec<Point>; 2])) -> Queue {
    let name = if name.is_empty() {
        "queue".to_owned()
    } else {
        name
    };
    let series = |points| Series {
        name: name.clone(),
        points,
    };
    Queue {
        backlog: series(backlog),
        age_s: series(age_s),
        baseline: None,
    }
}

/// Within how many seconds of the decision a queue has to drain.
pub(in crate::report) fn drain_limit_s(report: &Report) -> f64 {
    let check = headline(&report.verdict.checks, CheckId::FdDrain);
    // The limit of an empty queue is no time.
    let timed = check.filter(|check| check.limit > 0.0);
    timed.map_or(DRAIN_S, |check| check.limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_drill;

    #[test]
    fn an_empty_queue_sets_no_limit_of_time() {
        let mut report = sample_drill::report();
        let mut drains: Vec<_> = report
            .verdict
            .checks
            .iter_mut()
            .filter(|check| check.id == CheckId::FdDrain)
            .collect();
        let empty = drains.first_mut().expect("a check of an empty queue");
        assert_eq!(
            empty.named.map(crate::judge::DrillCheck::name),
            Some("queue_empty")
        );
        empty.limit = 0.0;
        assert!(drains.len() > 1);
        assert_eq!(drain_limit_s(&report), 600.0);
        let others = |check: &crate::judge::Check| check.limit == 0.0;
        report.verdict.checks.retain(others);
        assert_eq!(drain_limit_s(&report), DRAIN_S);
    }
}
