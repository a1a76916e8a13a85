//! Caches that are purged, and answer as often as before soon after.

use std::collections::BTreeMap;

use crate::judge::timeline::log::{Log, Points, in_region, listed, median};
use crate::judge::timeline::route::undecided;
use crate::judge::{Check, CheckVerdict, Comparator, Kind, ReasonCode};
use crate::traffic::{Event, Happening};
use crate::units::Moment;

/// By how much less a warm cache may answer than it used to: five points.
const SLACK: f64 = 0.05;
/// Shares are written with few digits; their difference is exact to more than these.
const ROUNDING: f64 = 1e-9;
/// Samples that a usual hit ratio takes where nothing was purged.
const IN_A_ROW: usize = 3;

/// Whose hit ratio: a prefix, and the region of the cache where it is said.
type Place<'a> = (&'a str, Option<&'a str>);

/// How long the slowest cache takes after a purge to answer as often as before.
pub(super) fn rewarmed(check: Check, log: &Log) -> Check {
    let purges: Vec<Purge> = purges(log.events()).collect();
    if purges.is_empty() {
        return never_purged(check, log);
    }
    let mut outcomes: Vec<(String, Warm)> = Vec::new();
    for purge in &purges {
        let series = purge.series(log.events());
        if series.is_empty() {
            outcomes.push((in_region(purge.place.0, purge.place.1), Warm::NoBaseline));
        }
        for (place, points) in series {
            let first = purges
                .iter()
                .find(|first| first.is_of(place))
                .unwrap_or(purge);
            let usual = points.iter().filter(|(at, _)| *at < first.index);
            let usual = median(usual.map(|(_, (_, ratio))| *ratio));
            let later = points.iter().filter(|(at, _)| *at > purge.index);
            let later: Points = later
                .map(|(_, (ts, ratio))| (ts.seconds_since(purge.ts), *ratio))
                .collect();
            let name = in_region(place.0, place.1);
            outcomes.push((name, Warm::of(usual, &later, check.limit)));
        }
    }
    concluded(check, &outcomes)
}

/// One purge of a prefix.
struct Purge<'a> {
    /// Its place among the events.
    index: usize,
    ts: Moment,
    place: Place<'a>,
}

/// Samples of one place, each with its place among the events.
type Series<'a> = BTreeMap<Place<'a>, Vec<(usize, (Moment, f64))>>;

impl<'a> Purge<'a> {
    /// A purge that names no region is of every region's cache.
    fn is_of(&self, (prefix, region): Place) -> bool {
        let (purged, purged_in) = self.place;
        purged == prefix
            && purged_in
                .zip(region)
                .is_none_or(|(purged_in, region)| purged_in == region)
    }

    fn series(&self, events: &'a [Event]) -> Series<'a> {
        let mut series = Series::new();
        for (index, event) in events.iter().enumerate() {
            if let Some((place, ratio)) = sample(event)
                && self.is_of(place)
            {
                series
                    .entry(place)
                    .or_default()
                    .push((index, (event.ts, ratio)));
            }
        }
        series
    }
}

fn purges(events: &[Event]) -> impl Iterator<Item = Purge<'_>> {
    events
        .iter()
        .enumerate()
        .filter_map(|(index, event)| match &event.what {
            Happening::CachePurged { prefix, region, .. } => Some(Purge {
                index,
                ts: event.ts,
                place: (prefix, region.as_deref()),
            }),
            _ => None,
        })
}

fn sample(event: &Event) -> Option<(Place<'_>, f64)> {
    match &event.what {
        Happening::CacheSample {
            prefix,
            hit_ratio,
            region,
        } => Some(((prefix, region.as_deref()), *hit_ratio)),
        _ => None,
    }
}

/// What became of one cache after one purge.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Warm {
    /// Back after so many seconds.
    After(f64),
    /// Not back when its time was up, or only after so many seconds.
    TooLong(f64),
    /// Not back when its samples end, after so many seconds.
    Ended(f64),
    /// No sample before the purge.
    NoBaseline,
}

impl Warm {
    fn of(usual: Option<f64>, later: &Points, limit: f64) -> Self {
        let Some(usual) = usual else {
            return Self::NoBaseline;
        };
        let back = later.iter().find(|(_, ratio)| is_warm(*ratio, usual));
        match (back, later.last()) {
            (Some((seconds, _)), _) if *seconds <= limit => Self::After(*seconds),
            (Some((seconds, _)), _) => Self::TooLong(*seconds),
            (None, Some((seconds, _))) if *seconds >= limit => Self::TooLong(*seconds),
            (None, last) => Self::Ended(last.map_or(0.0, |(seconds, _)| *seconds)),
        }
    }

    fn words(self) -> String {
        match self {
            Self::After(seconds) => format!("warm {seconds:.3} s after the purge"),
            Self::TooLong(seconds) => format!("not warm before {seconds:.3} s after the purge"),
            Self::Ended(seconds) => {
                format!("not seen warm when its samples end {seconds:.3} s after the purge")
            }
            Self::NoBaseline => "no sample before the purge".to_owned(),
        }
    }
}

fn is_warm(ratio: f64, usual: f64) -> bool {
    ratio >= usual - SLACK - ROUNDING
}

/// The worst cache decides.
fn concluded(check: Check, outcomes: &[(String, Warm)]) -> Check {
    let words = |is: &dyn Fn(&Warm) -> bool| {
        let of = outcomes.iter().filter(|(_, outcome)| is(outcome));
        listed(of.map(|(name, outcome)| format!("{name} {}", outcome.words())))
    };
    let slowest = outcomes.iter().filter_map(|(_, outcome)| match outcome {
        Warm::After(seconds) | Warm::TooLong(seconds) => Some(*seconds),
        _ => None,
    });
    let check = Check {
        estimate: slowest.reduce(f64::max),
        ..check
    };
    let too_long = words(&|outcome| matches!(outcome, Warm::TooLong(_)));
    let ended = words(&|outcome| matches!(outcome, Warm::Ended(_)));
    let unmeasured = words(&|outcome| matches!(outcome, Warm::NoBaseline));
    if !too_long.is_empty() {
        check.with(CheckVerdict::Fail, ReasonCode::WindowExceeded, too_long)
    } else if !ended.is_empty() {
        check.inconclusive(ReasonCode::ObservationEnded, ended)
    } else if !unmeasured.is_empty() {
        check
            .inconclusive(ReasonCode::EvidenceMissing, unmeasured)
            .advising(Some(
                "log `cache_sample` of each prefix before it is purged and after".to_owned(),
            ))
    } else {
        let detail = words(&|_| true);
        check.with(CheckVerdict::Pass, ReasonCode::WithinWindow, detail)
    }
}

fn never_purged(check: Check, log: &Log) -> Check {
    if !log.timeline.purge_cache {
        let detail = "no cache was purged, and the drill plan asks for none";
        return check.not_applicable(ReasonCode::NothingHappened, detail);
    }
    let detail = "the drill plan has caches purged, and the log tells of no purge";
    if log.is_over() {
        check.with(CheckVerdict::Fail, ReasonCode::NotPurged, detail)
    } else {
        let detail = format!("{detail} before it ends");
        check.inconclusive(ReasonCode::ObservationEnded, detail)
    }
}

/// Before the drill every cache answers as often as it usually does.
pub(super) fn warm_before(check: Check, log: &Log) -> Check {
    let check = Check {
        clause: "caches are warm before the drill begins".to_owned(),
        kind: Kind::Census,
        statistic: "caches below their usual hit ratio by more than 0.05, or at 0".to_owned(),
        comparator: Comparator::Equal,
        limit: 0.0,
        override_reason: None,
        ..check
    };
    if log.decided().is_none() {
        return undecided(check, log);
    }
    let mut samples: BTreeMap<Place, Vec<f64>> = BTreeMap::new();
    for (place, ratio) in log.before_decision().iter().filter_map(sample) {
        samples.entry(place).or_default().push(ratio);
    }
    let (mut cold, mut short) = (Vec::new(), Vec::new());
    for ((prefix, region), ratios) in &samples {
        let name = in_region(prefix, *region);
        let usual = median(ratios.iter().copied()).unwrap_or_default();
        let last = ratios.last().copied().unwrap_or_default();
        if last <= 0.0 || !is_warm(last, usual) {
            cold.push(format!("{name}: {last} after a median of {usual}"));
        } else if ratios.len() < IN_A_ROW {
            short.push(name);
        }
    }
    let check = Check {
        estimate: (!samples.is_empty()).then_some(cold.len() as f64),
        ..check
    };
    if !cold.is_empty() {
        return check.with(CheckVerdict::Fail, ReasonCode::CacheCold, listed(cold));
    }
    if samples.is_empty() || !short.is_empty() {
        let detail = if samples.is_empty() {
            "the log has no hit ratio before the decision".to_owned()
        } else {
            format!(
                "fewer than {IN_A_ROW} samples before the decision: {}",
                listed(short)
            )
        };
        return check
            .inconclusive(ReasonCode::EvidenceMissing, detail)
            .advising(Some(
                "log `cache_sample` of each prefix from well before the decision".to_owned(),
            ));
    }
    let names = samples
        .keys()
        .map(|(prefix, region)| in_region(prefix, *region));
    let detail = format!("as warm as usual: {}", listed(names));
    check.with(CheckVerdict::Pass, ReasonCode::CacheWarm, detail)
}
