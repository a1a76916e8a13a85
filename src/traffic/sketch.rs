//! Quantiles of many values in little memory, and the same whatever the order they came in.

use serde::{Deserialize, Serialize};

/// Values up to which all of them are kept.
const EXACT: usize = 256;
/// Bits of the mantissa that name a bucket: 256 buckets for each doubling.
const BITS: u32 = 8;
/// The lowest value with a bucket of its own; all below share the first.
const LOWEST: f64 = 1.0 / 1024.0;

/// The values of one quantity, each finite and not negative: exact up to 256 of them, counted in
/// buckets beyond.
///
/// A bucket is at most 1/256 of its value wide, so that a quantile taken as its middle is at most
/// [`Sketch::RELATIVE_ERROR`] off (for values of at least 1/1024). Which bucket a value belongs to
/// depends on nothing but the value: merging is associative and commutative, and the parts of any
/// split give the same sketch.
///
/// ```
/// use ragstone::traffic::Sketch;
/// let mut times = Sketch::default();
/// (1..=100).for_each(|ms| times.add(f64::from(ms)));
/// assert_eq!(times.quantile(0.5), Some(50.5));
/// ```
///
/// Source: the buckets are those of Masson, Rim and Lee (2019), *`DDSketch`*, with the mapping read
/// from the bits of the number, as `HdrHistogram` does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sketch {
    /// All values, while they are few; ascending once sealed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<f64>,
    /// The first bucket that is counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    first: u32,
    /// How many values each bucket from the first on has; neither end is 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counts: Vec<u64>,
    /// How many values there are.
    n: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// One bucket of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// Its number: of two buckets the one of the larger values has the larger.
    pub index: u32,
    /// How many values.
    pub n: u64,
}

impl Bucket {
    /// The bucket of a value that is finite and not negative.
    pub fn of(value: f64) -> u32 {
        if value < LOWEST {
            return 0;
        }
        let base = LOWEST.to_bits() >> (f64::MANTISSA_DIGITS - 1 - BITS);
        ((value.to_bits() >> (f64::MANTISSA_DIGITS - 1 - BITS)) - base) as u32 + 1
    }

    /// The least value of a bucket.
    pub fn low(index: u32) -> f64 {
        if index == 0 {
            return 0.0;
        }
        let base = LOWEST.to_bits() >> (f64::MANTISSA_DIGITS - 1 - BITS);
        f64::from_bits((base + u64::from(index) - 1) << (f64::MANTISSA_DIGITS - 1 - BITS))
    }

    /// The middle of a bucket.
    pub fn middle(index: u32) -> f64 {
        f64::midpoint(Self::low(index), Self::low(index + 1))
    }
}

impl Sketch {
    /// How far a quantile of more than 256 values may be off, as a share of it.
    pub const RELATIVE_ERROR: f64 = 1.0 / 512.0;

    /// Whether a value may be added: finite, and not negative.
    pub fn takes(value: f64) -> bool {
        value.is_finite() && value >= 0.0
    }

    /// Adds a value.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[inline]
    pub fn add(&mut self, value: f64) {
        assert!(Self::takes(value), "a finite value that is not negative");
        self.n += 1;
        if self.counts.is_empty() {
            // −0 would differ from 0 in a file.
            self.values.push(value + 0.0);
            if self.values.len() > EXACT {
                self.collapse();
            }
        } else {
            self.count(Bucket::of(value), 1);
        }
    }

    /// Adds all values of another.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        if self.counts.is_empty() && other.counts.is_empty() {
            self.values.extend_from_slice(&other.values);
            if self.values.len() > EXACT {
                self.collapse();
            }
            return;
        }
        self.collapse();
        for value in &other.values {
            self.count(Bucket::of(*value), 1);
        }
        for (index, n) in (other.first..).zip(&other.counts) {
            if *n > 0 {
                self.count(index, *n);
            }
        }
    }

    /// Brings the values into their order, so that equal multisets are equal sketches.
    pub fn seal(&mut self) {
        self.values.sort_unstable_by(f64::total_cmp);
        self.values.shrink_to_fit();
        self.counts.shrink_to_fit();
    }

    fn collapse(&mut self) {
        for value in std::mem::take(&mut self.values) {
            self.count(Bucket::of(value), 1);
        }
    }

    #[inline]
    fn count(&mut self, index: u32, n: u64) {
        if self.counts.is_empty() {
            self.first = index;
        }
        if index < self.first {
            let missing = (self.first - index) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = index;
        }
        let at = (index - self.first) as usize;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] += n;
    }

    /// How many values.
    pub fn len(&self) -> u64 {
        self.n
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Whether all values are kept.
    pub fn is_exact(&self) -> bool {
        self.counts.is_empty()
    }

    /// The buckets that have values, ascending; also of a sketch that keeps them all.
    pub fn buckets(&self) -> Vec<Bucket> {
        if self.is_exact() {
            let mut indices: Vec<u32> = self.values.iter().copied().map(Bucket::of).collect();
            indices.sort_unstable();
            return indices
                .chunk_by(|a, b| a == b)
                .map(|same| Bucket {
                    index: same[0],
                    n: same.len() as u64,
                })
                .collect();
        }
        let counted = (self.first..).zip(&self.counts);
        counted
            .filter(|(_, n)| **n > 0)
            .map(|(index, n)| Bucket { index, n: *n })
            .collect()
    }

    /// The quantile at `q` in `[0, 1]`: with linear interpolation (Hyndman and Fan's type 7) while all
    /// values are kept, else the middle of the bucket that holds the value of that rank. `None`
    /// without a value.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.is_exact() {
            return crate::stats::quantile(&self.values, q);
        }
        let rank = (q * (self.n - 1) as f64).round() as u64;
        let mut seen = 0;
        for (index, n) in (self.first..).zip(&self.counts) {
            seen += n;
            if seen > rank {
                return Some(Bucket::middle(index));
            }
        }
        None
    }
}
