//! TS-COLD and TS-QUEUE: cold starts, and how long the queue makes messages wait.

use crate::judge::rule::decide;
use crate::judge::sample::UNDEFINED;
use crate::judge::traffic::arms::{Arms, Undecided};
use crate::judge::traffic::latency::shown;
use crate::judge::{Basis, Check, CheckVerdict, Comparator, ReasonCode};
use crate::stats::{Interval, Point, blocks, clopper_pearson, slope};
use crate::traffic::{QueueWindow, Temperature};

/// The share of requests that met a cold instance, in the windows that begin after the warm-up.
pub(super) fn cold_share(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let first = arms.side()?.first;
    let warm_up = arms.scene.settings.observed.warm_up_s;
    let (mut n, mut n_cold, mut n_untold) = (0, 0, 0);
    for group in arms.table.groups_of(arms.side_name()) {
        if group.start.seconds_since(first) < warm_up {
            continue;
        }
        match group.temperature {
            Temperature::Cold => (n, n_cold) = (n + group.n, n_cold + group.n),
            Temperature::Warm => n += group.n,
            Temperature::Untold => n_untold += group.n,
        }
    }
    if n_untold > 0 {
        let detail = format!("{n_untold} requests do not state cold_start");
        return Err((ReasonCode::FieldMissing, detail));
    }
    let settings = arms.scene.settings;
    let Some(interval) = clopper_pearson(n_cold, n, settings.confidence) else {
        let detail = format!("no window begins after the warm-up of {warm_up:.0} s");
        return Err((ReasonCode::TooFewRequests, detail));
    };
    let (verdict, reason) = decide(interval, Comparator::AtMost, check.limit, settings.basis);
    let check = Check {
        n_requests: Some(n),
        ..check.measured(interval, settings.confidence.get())
    };
    Ok(check
        .with(verdict, reason, shown(interval, arms))
        .adding(format!(
            "{n_cold} of {n} requests after the warm-up of {warm_up:.0} s were cold"
        )))
}

/// Blocks of windows, whose means are as good as independent.
const BLOCKS: usize = 10;
/// The fewest windows with an age.
const WINDOWS: usize = 5;
/// How much the mean age may grow over the whole step, at worst, and still count as not growing: a
/// queue at rest has a slope whose upper bound is above 0.
const GROWTH: f64 = 0.10;

/// The slope of the queue's age over the step.
pub(super) fn age_slope(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let side = arms.side()?;
    let windows: Vec<&QueueWindow> = side
        .queue
        .iter()
        .filter(|window| window.n_age > 0)
        .collect();
    let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
        let detail = "no request states `queue.age_p95_ms`".to_owned();
        return Err((ReasonCode::FieldMissing, detail));
    };
    if windows.len() < WINDOWS {
        let detail = format!(
            "{} windows state the age of the queue; {WINDOWS} are the least",
            windows.len()
        );
        return Err((ReasonCode::TooFewRequests, detail));
    }
    let point = |window: &&QueueWindow| Point {
        x: window.start.seconds_since(first.start) / 60.0,
        y: window.age_sum_us as f64 / window.n_age as f64 / 1000.0,
    };
    let points: Vec<Point> = windows.iter().map(point).collect();
    let settings = arms.scene.settings;
    let interval = slope(&blocks(&points, BLOCKS), settings.confidence).unwrap_or(UNDEFINED);
    let mean = points.iter().map(|point| point.y).sum::<f64>() / points.len() as f64;
    let seconds = last.start.seconds_since(first.start) + f64::from(arms.table.window_s);
    let tolerance = GROWTH * mean / (seconds / 60.0);
    let (verdict, reason) = not_growing(interval, check.limit, tolerance, settings.basis);
    let check = Check {
        n_requests: Some(windows.iter().map(|window| window.n_age).sum()),
        ..check.measured(interval, settings.confidence.get())
    };
    Ok(check
        .with(verdict, reason, shown(interval, arms))
        .adding(format!(
            "milliseconds a minute, over {:.0} minutes with a mean age of {mean:.0} ms; up to {tolerance:.3} counts as none",
            seconds / 60.0
        )))
}

/// Red as soon as growth is shown, green when it is shown to be small.
fn not_growing(
    slope: Interval,
    limit: f64,
    tolerance: f64,
    basis: Basis,
) -> (CheckVerdict, ReasonCode) {
    let tolerated = decide(slope, Comparator::AtMost, limit + tolerance, basis);
    let grows = basis == Basis::Bound && slope.low > limit;
    if grows {
        (CheckVerdict::Fail, ReasonCode::BoundOutsideLimit)
    } else {
        tolerated
    }
}
