//! p95 of warm requests beside the control's.

use std::collections::BTreeMap;

use crate::judge::rule::decide;
use crate::judge::sample::UNDEFINED;
use crate::judge::traffic::arms::{Arms, Undecided};
use crate::judge::{Basis, Check, Comparator, ReasonCode};
use crate::stats::{Binned, Interval, Pairing, bootstrap_binned_ratio};
use crate::traffic::{Bucket, Group, Sketch, Temperature};
use crate::units::Moment;

/// The percentile of the clauses.
const TAIL: f64 = 0.95;
/// The fewest windows that are resampled.
pub(super) const WINDOWS: usize = 20;
/// The most: beyond, neighbours are resampled together.
const MOST_WINDOWS: usize = 1440;
/// The fewest warm requests of an arm: five of them lie above its 95th percentile.
const REQUESTS: u64 = 100;
/// Share of warm requests without a latency above which the rest says too little.
const UNTIMED: f64 = 0.05;

/// Warm latencies of one arm, window by window.
pub(super) type Warm = BTreeMap<Moment, Sketch>;

/// CA-P95 and its like: the ratio of the 95th percentiles, windows paired.
pub(super) fn ratio(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let (control, side) = common(arms)?;
    if side.len() < WINDOWS {
        let detail = format!(
            "{} windows of {} s have warm requests of both arms; {WINDOWS} are the least",
            side.len(),
            arms.table.window_s
        );
        return Err((ReasonCode::TooFewRequests, detail));
    }
    let check = Check {
        statistic: "p95 ratio of warm requests, windows of both arms resampled together".to_owned(),
        ..check
    };
    Ok(judged(check, arms, &control, &side, Pairing::Paired)?
        .adding(format!("{} windows with warm requests of both", side.len())))
}

/// The windows in which both arms have warm requests: the control's and the side's.
pub(super) fn common(arms: &Arms) -> Result<(Vec<Sketch>, Vec<Sketch>), Undecided> {
    arms.side()?;
    arms.control()?;
    let everything = |_: &Group| true;
    let mut side = warm(arms, arms.side_name(), everything)?;
    let mut control = warm(arms, arms.control_name(), everything)?;
    side.retain(|start, _| control.contains_key(start));
    control.retain(|start, _| side.contains_key(start));
    if side.is_empty() {
        return Err(arms.never_together("warm requests"));
    }
    Ok((
        control.into_values().collect(),
        side.into_values().collect(),
    ))
}

/// Warm latencies of an arm in the windows that count. Where requests do not say whether they met a
/// cold instance, warm and cold would be mixed, and nothing can be said.
pub(super) fn warm(
    arms: &Arms,
    name: &str,
    counts: impl Fn(&Group) -> bool,
) -> Result<Warm, Undecided> {
    let point = arms.scene.settings.observed.latency;
    let mut warm = Warm::new();
    let (mut n, mut n_timed, mut n_untold) = (0, 0, 0);
    for group in arms.table.groups_of(name).filter(|group| counts(group)) {
        match group.temperature {
            Temperature::Cold => {}
            Temperature::Untold => n_untold += group.n,
            Temperature::Warm => {
                let times = group.latency.at(point);
                n += group.n;
                n_timed += times.len();
                if !times.is_empty() {
                    warm.entry(group.start).or_default().merge(times);
                }
            }
        }
    }
    if n_untold > 0 {
        let detail = format!("{n_untold} requests of `{name}` do not state cold_start");
        return Err((ReasonCode::FieldMissing, detail));
    }
    let untimed = n - n_timed.min(n);
    if untimed as f64 > UNTIMED * n as f64 {
        let point = point.name();
        let detail = format!("{untimed} of {n} warm requests of `{name}` lack latency_ms.{point}");
        return Err((ReasonCode::FieldMissing, detail));
    }
    Ok(warm)
}

/// The ratio of two sets of windows against the check's limit.
pub(super) fn judged(
    check: Check,
    arms: &Arms,
    control: &[Sketch],
    side: &[Sketch],
    pairing: Pairing,
) -> Result<Check, Undecided> {
    let settings = arms.scene.settings;
    let total = |windows: &[Sketch]| windows.iter().map(Sketch::len).sum::<u64>();
    let (n, n_control) = (total(side), total(control));
    if n.min(n_control) < REQUESTS {
        let detail = format!(
            "{n} warm requests beside {n_control}; {REQUESTS} are the least on either side"
        );
        return Err((ReasonCode::TooFewRequests, detail));
    }
    let interval = bootstrap_binned_ratio(
        &units(control),
        &units(side),
        pairing,
        TAIL,
        Bucket::middle,
        settings.resamples,
        settings.confidence,
    )
    .unwrap_or(UNDEFINED);
    let (verdict, reason) = decide(interval, Comparator::AtMost, check.limit, settings.basis);
    let check = Check {
        n_requests: Some(n),
        ..check.measured(interval, settings.confidence.get())
    };
    let p95 = |windows: &[Sketch]| {
        let mut all = Sketch::default();
        for window in windows {
            all.merge(window);
        }
        all.quantile(TAIL).unwrap_or(f64::NAN)
    };
    let point = settings.observed.latency.name();
    Ok(check
        .with(verdict, reason, shown(interval, arms))
        .adding(format!(
            "p95 of {point} {:.0} ms in {n} warm requests, {:.0} ms in {n_control} of the control",
            p95(side),
            p95(control)
        )))
}

/// What is resampled: windows, or where there are very many, runs of them.
fn units(windows: &[Sketch]) -> Vec<Vec<Binned>> {
    let together = windows.len().div_ceil(MOST_WINDOWS).max(1);
    let unit = |run: &[Sketch]| run.iter().flat_map(binned).collect();
    windows.chunks(together).map(unit).collect()
}

/// The values of a sketch by bucket.
pub(super) fn binned(sketch: &Sketch) -> Vec<Binned> {
    let of = |bucket: Bucket| Binned {
        index: bucket.index,
        n: bucket.n,
    };
    sketch.buckets().into_iter().map(of).collect()
}

/// An estimate with its bounds, in words.
pub(super) fn shown(interval: Interval, arms: &Arms) -> String {
    let Interval {
        estimate,
        low,
        high,
    } = interval;
    let level = 100.0 * arms.confidence().get();
    let by_point = if arms.scene.settings.basis == Basis::Point {
        " by point alone"
    } else {
        ""
    };
    format!("{estimate:.3}{by_point}, one-sided {level:.0} % bounds {low:.3} and {high:.3}")
}
