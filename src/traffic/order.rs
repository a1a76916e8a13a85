//! What the order of a log's lines tells: lines that came late, and clocks that disagree.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::traffic::Intake;
use crate::traffic::counts::Counter;
use crate::traffic::sketch::Bucket;

/// Every how many lines the clocks of two regions are held beside each other.
const EVERY: u64 = 8;

/// Times of lines beside those of the lines above them.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    n: u64,
    last_ms: Option<i64>,
    last_region: Option<usize>,
    n_late: u64,
    furthest_back_ms: u64,
    regions: Counter,
    gaps: Vec<Gaps>,
}

/// How far lines of a region are from the line above, and the line below from them, where that is
/// another region's: signed buckets of milliseconds.
#[derive(Clone, Debug, Default)]
struct Gaps {
    after_other: FxHashMap<i32, u64>,
    before_other: FxHashMap<i32, u64>,
}

impl Order {
    /// Begins a stretch of lines that does not follow the one before.
    pub(super) fn begin(&mut self) {
        self.n = 0;
        self.last_ms = None;
        self.last_region = None;
    }

    #[inline]
    pub(super) fn line(&mut self, ms: i64, region: Option<&str>) {
        let back = self.last_ms.map_or(0, |last| last - ms);
        if back > 0 {
            self.n_late += 1;
            self.furthest_back_ms = self.furthest_back_ms.max(back.unsigned_abs());
        }
        let place = self.n % EVERY;
        self.n += 1;
        if place == EVERY - 2 {
            self.last_region = region.map(|region| self.regions.id(region));
        } else if place == EVERY - 1
            && let (Some(before), Some(region), Some(last)) =
                (self.last_region.take(), region, self.last_ms)
        {
            let here = self.regions.id(region);
            if here != before {
                self.gap(before, here, ms - last);
            }
        }
        self.last_ms = Some(ms);
    }

    fn gap(&mut self, before: usize, here: usize, gap: i64) {
        self.gaps.resize_with(self.regions.len(), Gaps::default);
        let bucket = Bucket::of(gap.unsigned_abs() as f64).cast_signed() * gap.signum() as i32;
        *self.gaps[here].after_other.entry(bucket).or_default() += 1;
        *self.gaps[before].before_other.entry(bucket).or_default() += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.n_late += other.n_late;
        self.furthest_back_ms = self.furthest_back_ms.max(other.furthest_back_ms);
        for (index, gaps) in other.gaps.iter().enumerate() {
            let here = self.regions.id(other.regions.name(index));
            self.gaps.resize_with(self.regions.len(), Gaps::default);
            for (bucket, n) in &gaps.after_other {
                *self.gaps[here].after_other.entry(*bucket).or_default() += n;
            }
            for (bucket, n) in &gaps.before_other {
                *self.gaps[here].before_other.entry(*bucket).or_default() += n;
            }
        }
    }

    /// Writes down what was found.
    ///
    /// In a log that is written as requests come in, a line is as far from the line above as two
    /// requests are from each other. Where the regions differ, a clock that is ahead makes the way to
    /// its lines longer and the way from them shorter by as much: half the difference of the two
    /// medians is how far it is ahead. A log that was sorted by time tells nothing.
    pub(super) fn tell(&self, intake: &mut Intake) {
        intake.n_out_of_order = self.n_late;
        intake.furthest_back_ms = self.furthest_back_ms;
        let mut skew = BTreeMap::new();
        for (index, gaps) in self.gaps.iter().enumerate() {
            if let (Some(after), Some(before)) =
                (median(&gaps.after_other), median(&gaps.before_other))
            {
                let ahead = ((after - before) / 2.0).round() as i64;
                skew.insert(self.regions.name(index).to_owned(), ahead);
            }
        }
        intake.clock_skew_ms = skew;
    }
}

fn median(buckets: &FxHashMap<i32, u64>) -> Option<f64> {
    let sorted: BTreeMap<i32, u64> = buckets.iter().map(|(bucket, n)| (*bucket, *n)).collect();
    let total: u64 = sorted.values().sum();
    let mut seen = 0;
    for (bucket, n) in sorted {
        seen += n;
        if seen * 2 >= total {
            let size = Bucket::middle(bucket.unsigned_abs());
            return Some(if bucket == 0 {
                0.0
            } else {
                size * f64::from(bucket.signum())
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_ahead_is_told() {
        let mut order = Order::default();
        for i in 0..4000_i64 {
            let (region, skew) = if (i * 7919) % 13 < 6 {
                ("us-east", 0)
            } else {
                ("eu-west", 1500)
            };
            order.line(1_700_000_000_000 + i * 20 + skew, Some(region));
        }
        let mut intake = Intake::default();
        order.tell(&mut intake);
        let (east, west) = (
            intake.clock_skew_ms["us-east"],
            intake.clock_skew_ms["eu-west"],
        );
        assert!(
            (west - 1500).abs() < 10 && (east + 1500).abs() < 10,
            "{east} {west}"
        );
        assert!(intake.n_out_of_order > 600);
        assert_eq!(intake.furthest_back_ms, 1480);
    }
}
