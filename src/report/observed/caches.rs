//! Cache hit ratios over time.

use std::collections::BTreeMap;

use crate::report::observed::{Point, Series};
use crate::stats::median;
use crate::traffic::{Happening, Timeline, TrafficTable};
use crate::units::Moment;

/// How far below its median before the purge a hit ratio counts as back.
const BACK: f64 = 0.05;

/// What a drill log says of one cache prefix.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Cache {
    /// The prefix.
    pub(in crate::report) prefix: String,
    /// Hit ratios by region.
    pub(in crate::report) ratios: Vec<Series>,
    /// When it was purged, and in which region where the log says it.
    pub(in crate::report) purges: Vec<(Moment, Option<String>)>,
    /// From which ratio on it counts as warm again after its first purge; none without a sample before.
    pub(in crate::report) warm_from: Option<f64>,
}

/// Every prefix that is sampled or purged, by name.
pub(in crate::report) fn caches(timeline: &Timeline) -> Vec<Cache> {
    let mut ratios: BTreeMap<&str, BTreeMap<&str, Vec<Point>>> = BTreeMap::new();
    let mut purges: BTreeMap<&str, Vec<(Moment, Option<String>)>> = BTreeMap::new();
    for event in &timeline.events {
        match &event.what {
            Happening::CacheSample {
                prefix,
                hit_ratio,
                region,
            } if hit_ratio.is_finite() => {
                let point = Point {
                    at: event.ts,
                    value: *hit_ratio,
                };
                let of_prefix = ratios.entry(prefix).or_default();
                let region = region.as_deref().unwrap_or("all regions");
                of_prefix.entry(region).or_default().push(point);
            }
            Happening::CachePurged { prefix, region, .. } => {
                purges
                    .entry(prefix)
                    .or_default()
                    .push((event.ts, region.clone()));
                ratios.entry(prefix).or_default();
            }
            _ => {}
        }
    }
    let one = |(prefix, regions): (&str, BTreeMap<&str, Vec<Point>>)| {
        let purges = purges.remove(prefix).unwrap_or_default();
        let first = purges.iter().map(|(at, _)| *at).min();
        let before = |point: &&Point| Some(point.at) < first;
        let before: Vec<f64> = regions
            .values()
            .flatten()
            .filter(before)
            .map(|point| point.value)
            .collect();
        let series = |(region, points): (&str, Vec<Point>)| Series {
            name: region.to_owned(),
            points,
        };
        Cache {
            prefix: prefix.to_owned(),
            ratios: regions.into_iter().map(series).collect(),
            warm_from: median(&before).map(|ratio| ratio - BACK),
            purges,
        }
    };
    ratios.into_iter().map(one).collect()
}

/// The share of look-ups that a cache answered, by arm and window; arms without a look-up are left out.
pub(in crate::report) fn hit_ratios(table: &TrafficTable) -> Vec<Series> {
    let one = |name: &String| {
        let mut windows: BTreeMap<Moment, [u64; 2]> = BTreeMap::new();
        for group in table.groups_of(name) {
            let [hits, all] = windows.entry(group.start).or_default();
            *hits += group.n_hits;
            *all += group.n_hits + group.n_misses;
        }
        let looked = windows.into_iter().filter(|(_, [_, all])| *all > 0);
        let points = looked.map(|(at, [hits, all])| Point {
            at,
            value: hits as f64 / all as f64,
        });
        Series {
            name: name.clone(),
            points: points.collect(),
        }
    };
    let series = table.arms.keys().map(one);
    series.filter(|series| !series.points.is_empty()).collect()
}
