//! What is wrong with one side alone, counted.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length within this of 1 is that of a unit vector; f16 keeps three digits.
const UNIT: f64 = 2e-3;

/// Counts over the rows of one index. Sums only, so that the order of rows and threads leaves no trace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Rows, counted one by one.
    pub rows: u64,
    /// Different ids.
    pub distinct_ids: u64,
    /// Ids that stand on more than one row.
    pub duplicate_ids: u64,
    /// Rows without a text.
    pub absent_texts: u64,
    /// Rows whose text is empty or white space.
    pub empty_texts: u64,
    /// Rows without a vector.
    pub absent_vectors: u64,
    /// Rows whose vector holds a NaN.
    pub nan_vectors: u64,
    /// Rows whose vector holds an infinite number and no NaN.
    pub infinite_vectors: u64,
    /// Rows whose vector is all zeros.
    pub zero_vectors: u64,
    /// Rows whose vector has another length than most.
    pub wrong_dimension: u64,
    /// Rows whose vector, bit by bit, stands on another row too; rows of zeros and repeated ids included.
    pub duplicate_vectors: u64,
    /// Rows with a finite vector whose Euclidean length is not 1, by more than 0.002.
    pub unnormalised: u64,
    /// How many rows have vectors of how many numbers.
    pub dimensions: BTreeMap<u32, u64>,
    /// Euclidean lengths of the finite vectors, in eighths of a power of two.
    pub norms: NormHistogram,
}

/// How many rows have vectors of which Euclidean length: bin `b` holds `[2^((b−½)/8), 2^((b+½)/8))`, so
/// that unit vectors stand in the middle of bin 0. Zero has no bin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NormHistogram(pub BTreeMap<i32, u64>);

impl NormHistogram {
    /// Bins that a doubling has.
    const PARTS: i32 = 8;

    /// Counts a length.
    pub fn add(&mut self, norm: f64) {
        if norm > 0.0 && norm.is_finite() {
            *self.0.entry(Self::bin(norm)).or_default() += 1;
        }
    }

    /// The lower and the upper edge of a bin.
    pub fn edges(bin: i32) -> (f64, f64) {
        let edge = |half: f64| ((f64::from(bin) + half) / f64::from(Self::PARTS)).exp2();
        (edge(-0.5), edge(0.5))
    }

    /// Without a logarithm, whose last bit differs between machines.
    fn bin(norm: f64) -> i32 {
        /// 2^(1/8) to 2^(7/8).
        const EDGES: [f64; 7] = [
            1.090_507_732_665_257_7,
            1.189_207_115_002_721,
            1.296_839_554_651_009_6,
            std::f64::consts::SQRT_2,
            1.542_210_825_407_940_7,
            1.681_792_830_507_429,
            1.834_008_086_409_342_4,
        ];
        /// 2^(1/16).
        const HALF_A_BIN: f64 = 1.044_273_782_427_413_8;
        /// Where f64 keeps its exponent, and what it adds to it.
        const MANTISSA: u32 = 52;
        const BIAS: i32 = 1_023;
        // Lengths come from f32, far above the smallest normal f64.
        let norm = norm * HALF_A_BIN;
        let exponent = (norm.to_bits() >> MANTISSA) as i32 - BIAS;
        let scaled = norm / f64::from(exponent).exp2();
        let part = EDGES.iter().take_while(|edge| **edge <= scaled).map(|_| 1);
        exponent * Self::PARTS + part.sum::<i32>()
    }
}

impl Health {
    /// Counts one row's text.
    pub(super) fn text(&mut self, text: Option<&str>) {
        self.rows += 1;
        match text {
            None => self.absent_texts += 1,
            Some(text) if text.trim().is_empty() => self.empty_texts += 1,
            Some(_) => {}
        }
    }

    /// Counts one row's vector, whose squares sum up to `squares`, and gives its Euclidean length: NaN or
    /// infinite where it has none.
    pub(super) fn vector(&mut self, vector: Option<&[f32]>, squares: f64) -> f64 {
        let Some(vector) = vector else {
            self.absent_vectors += 1;
            return f64::NAN;
        };
        let dim = u32::try_from(vector.len()).unwrap_or(u32::MAX);
        *self.dimensions.entry(dim).or_default() += 1;
        if vector.iter().all(|x| *x == 0.0) {
            self.zero_vectors += 1;
            return 0.0;
        }
        let norm = if squares.is_finite() && squares > 1e-20 {
            squares.sqrt()
        } else if vector.iter().any(|x| x.is_nan()) {
            self.nan_vectors += 1;
            return f64::NAN;
        } else if vector.iter().any(|x| x.is_infinite()) {
            self.infinite_vectors += 1;
            return f64::INFINITY;
        } else {
            // Squares that are too large or too small for f32.
            let square = |x: &f32| f64::from(*x).powi(2);
            vector.iter().map(square).sum::<f64>().sqrt()
        };
        self.norms.add(norm);
        if (norm - 1.0).abs() > UNIT {
            self.unnormalised += 1;
        }
        norm
    }

    /// The length that most vectors have, the smaller of two that are as common.
    pub fn dimension(&self) -> Option<u32> {
        let most = self.dimensions.values().max()?;
        let mut dimensions = self.dimensions.iter();
        dimensions.find(|(_, n)| *n == most).map(|(dim, _)| *dim)
    }

    /// Rows that have a vector.
    pub fn vectors(&self) -> u64 {
        self.rows - self.absent_vectors
    }

    /// Adds the counts of other rows. What needs all rows at once ([`Self::finish`]) is not added.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.absent_texts += other.absent_texts;
        self.empty_texts += other.empty_texts;
        self.absent_vectors += other.absent_vectors;
        self.nan_vectors += other.nan_vectors;
        self.infinite_vectors += other.infinite_vectors;
        self.zero_vectors += other.zero_vectors;
        self.unnormalised += other.unnormalised;
        for (dim, n) in &other.dimensions {
            *self.dimensions.entry(*dim).or_default() += n;
        }
        for (bin, n) in &other.norms.0 {
            *self.norms.0.entry(*bin).or_default() += n;
        }
    }

    /// Completes the counts when all rows were seen. `vectors` holds the first eight bytes of each
    /// vector's digest, in any order: among ten million different vectors, the chance that two are taken
    /// for one is below 3e-6.
    pub fn finish(&mut self, distinct_ids: u64, duplicate_ids: u64, mut vectors: Vec<u64>) {
        self.distinct_ids = distinct_ids;
        self.duplicate_ids = duplicate_ids;
        rayon::slice::ParallelSliceMut::par_sort_unstable(&mut vectors[..]);
        let repeated = vectors
            .chunk_by(|a, b| a == b)
            .filter(|same| same.len() > 1);
        self.duplicate_vectors = repeated.map(|same| same.len() as u64).sum();
        let usual = self.dimension();
        let others = self
            .dimensions
            .iter()
            .filter(|(dim, _)| Some(**dim) != usual);
        self.wrong_dimension = others.map(|(_, n)| n).sum();
    }

    /// Vectors that no index should hold, in words, the worst first: with them, the side is not healthy
    /// whatever it is compared with.
    pub fn faults(&self) -> Vec<String> {
        named([
            (self.nan_vectors, "vectors with NaN"),
            (self.infinite_vectors, "vectors with an infinite number"),
            (self.zero_vectors, "vectors of zeros"),
            (
                self.wrong_dimension,
                "vectors of another length than the others",
            ),
        ])
    }

    /// What may be as it should, and is worth a look.
    pub fn remarks(&self) -> Vec<String> {
        let absent = if self.absent_texts == self.rows {
            0
        } else {
            self.absent_texts
        };
        let bare = if self.vectors() == 0 {
            0
        } else {
            self.absent_vectors
        };
        named([
            (self.duplicate_ids, "ids on more than one row"),
            (bare, "rows without a vector"),
            (self.unnormalised, "vectors whose length is not 1"),
            (
                self.duplicate_vectors,
                "rows that share their vector with another",
            ),
            (self.empty_texts, "empty texts"),
            (absent, "rows without a text"),
        ])
    }
}

fn named(counts: impl IntoIterator<Item = (u64, &'static str)>) -> Vec<String> {
    let counts = counts.into_iter().filter(|(n, _)| *n > 0);
    counts.map(|(n, what)| format!("{n} {what}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(vectors: &[Option<&[f32]>]) -> Health {
        let mut health = Health::default();
        for vector in vectors {
            health.text(Some("t"));
            let squares = vector.map_or(0.0, |v| v.iter().map(|x| f64::from(x * x)).sum());
            health.vector(*vector, squares);
        }
        health.finish(vectors.len() as u64, 0, Vec::new());
        health
    }

    #[test]
    fn each_fault_is_counted_once() {
        let health = of(&[
            Some(&[1.0, 0.0]),
            Some(&[0.0, -0.0]),
            Some(&[f32::NAN, f32::INFINITY]),
            Some(&[f32::NEG_INFINITY, 1.0]),
            Some(&[3e30, 4e30]),
            Some(&[1.0, 0.0, 0.0]),
            None,
        ]);
        assert_eq!(
            (
                health.zero_vectors,
                health.nan_vectors,
                health.infinite_vectors
            ),
            (1, 1, 1)
        );
        assert_eq!((health.wrong_dimension, health.absent_vectors), (1, 1));
        assert_eq!(
            health.unnormalised, 1,
            "the large one, whose squares overflow"
        );
        assert_eq!(health.norms.0.values().sum::<u64>(), 3);
        assert_eq!((health.faults().len(), health.remarks().len()), (4, 2));
    }

    #[test]
    fn vectors_that_share_a_digest_are_duplicates() {
        let mut health = Health::default();
        health.finish(5, 0, vec![3, 1, 3, 3, 2]);
        assert_eq!(health.duplicate_vectors, 3);
    }

    proptest! {
        #[test]
        fn a_length_lies_between_the_edges_of_its_bin(norm in prop::num::f32::POSITIVE) {
            let norm = f64::from(norm);
            let (low, high) = NormHistogram::edges(NormHistogram::bin(norm));
            prop_assert!(norm >= low * (1.0 - 1e-12) && norm < high * (1.0 + 1e-12), "{low} {norm} {high}");
        }
    }
}
