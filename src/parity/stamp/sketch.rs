//! A short projection of a vector, so that two vectors can be compared when one of them is not at hand.
//!
//! Each of sixteen numbers is the sum of the coordinates under random signs, divided by four: the
//! expected squared length of the projection is the squared length of the vector. Source: Achlioptas,
//! "Database-friendly random projections" (2003), with signs of ±1.

use pulp::{Arch, Simd, WithSimd};

/// Numbers in a sketch.
pub const FLOATS: usize = 16;

/// A sketch.
pub type Sketch = [f32; FLOATS];

const CONTEXT: &str = "ragstone 2026 vector sketch v1";
/// Independent sums, which hide the time that an addition takes. Their number is part of the result's
/// rounding.
const CHAINS: usize = 4;

/// The signs of a seed, for vectors of up to so many numbers.
#[derive(Clone, Debug)]
pub(super) struct Signs {
    /// `[dim][FLOATS]`, each ±1/4.
    signs: Vec<Sketch>,
}

/// What one pass over a vector finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// Its projection.
    pub(super) sketch: Sketch,
    /// The sum of its squares, in f32 lanes: infinite or NaN where a number is, or where it overflows.
    pub(super) squares: f64,
}

impl Signs {
    /// The signs of a seed: sign `j` of coordinate `i` is bit `j` of the `i`-th little-endian u16 of
    /// BLAKE3's extended `derive_key` output over the seed, little-endian; a set bit is minus.
    pub(super) fn new(seed: u64, dim: usize) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&seed.to_le_bytes());
        let mut bits = vec![0; 2 * dim];
        hasher.finalize_xof().fill(&mut bits);
        let sign = |bits: &[u8; 2], j: usize| {
            let bits = u16::from_le_bytes(*bits);
            if bits >> j & 1 == 1 { -0.25 } else { 0.25 }
        };
        let row = |bits: &[u8; 2]| std::array::from_fn(|j| sign(bits, j));
        Self {
            signs: bits.as_chunks::<2>().0.iter().map(row).collect(),
        }
    }

    /// How many numbers a vector may have.
    pub(super) fn reach(&self) -> usize {
        self.signs.len()
    }

    /// Projects each vector that is there. The bits do not depend on the machine: a product with ±1/4 is
    /// exact, and sums are in a fixed order.
    ///
    /// # Panics
    /// If one is longer than the signs reach.
    pub(super) fn measure(&self, vectors: &[Option<&[f32]>]) -> Vec<Option<Measured>> {
        let mut measured = Vec::with_capacity(vectors.len());
        Arch::new().dispatch(Measuring {
            signs: &self.signs,
            vectors,
            measured: &mut measured,
        });
        measured
    }
}

/// The work of [`Signs::measure`], for whichever registers the machine has.
struct Measuring<'a> {
    signs: &'a [Sketch],
    vectors: &'a [Option<&'a [f32]>],
    measured: &'a mut Vec<Option<Measured>>,
}

impl WithSimd for Measuring<'_> {
    type Output = ();

    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "only what is inlined is compiled for wide registers"
    )]
    fn with_simd<S: Simd>(self, simd: S) {
        match FLOATS / S::F32_LANES {
            1 => self.each::<S, 1>(simd),
            2 => self.each::<S, 2>(simd),
            4 => self.each::<S, 4>(simd),
            _ => self.each::<S, FLOATS>(simd),
        }
    }
}

impl Measuring<'_> {
    /// A sketch fills `R` registers. Where it fills one, two vectors are measured side by side, which hides
    /// the time that an addition takes and changes no sum.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn each<S: Simd, const R: usize>(self, simd: S) {
        let mut rest = self.vectors;
        while let Some((first, others)) = rest.split_first() {
            rest = others;
            match (first, others.first()) {
                (Some(a), Some(Some(b))) if R == 1 && a.len() == b.len() => {
                    let both = together::<S, R, 2>(simd, self.signs, [a, b]);
                    self.measured.extend(both.map(Some));
                    rest = &others[1..];
                }
                (Some(vector), _) => {
                    let [one] = together::<S, R, 1>(simd, self.signs, [vector]);
                    self.measured.push(Some(one));
                }
                (None, _) => self.measured.push(None),
            }
        }
    }
}

/// Measures `N` vectors of one length. Inlined, so that it is compiled for the machine's own registers.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
fn together<S: Simd, const R: usize, const N: usize>(
    simd: S,
    signs: &[Sketch],
    vectors: [&[f32]; N],
) -> [Measured; N] {
    let dim = vectors[0].len();
    assert!(dim <= signs.len(), "signs for every coordinate");
    let (signs, _) = S::as_simd_f32s(signs[..dim].as_flattened());
    let (signs, _) = signs.as_chunks::<R>();
    let vectors = vectors.map(|vector| &vector[..dim]);
    let mut sums = [[[simd.splat_f32s(0.0); R]; CHAINS]; N];
    for (i, signs) in signs.iter().enumerate() {
        for n in 0..N {
            let value = simd.splat_f32s(vectors[n][i]);
            let sums = &mut sums[n][i % CHAINS];
            for r in 0..R {
                sums[r] = simd.mul_add_f32s(value, signs[r], sums[r]);
            }
        }
    }
    std::array::from_fn(|n| {
        let mut sketch = [0.0; FLOATS];
        for r in 0..R {
            let [a, b, c, d] = sums[n].map(|chain| chain[r]);
            let sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
            S::as_mut_simd_f32s(&mut sketch).0[r] = sum;
        }
        Measured {
            sketch: sketch.map(one_nan),
            squares: squares::<S, R>(simd, vectors[n]),
        }
    })
}

/// The sum of squares: in sixteen lanes, and the lanes in f64.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
fn squares<S: Simd, const R: usize>(simd: S, vector: &[f32]) -> f64 {
    let (whole, rest) = vector.as_chunks::<FLOATS>();
    let (whole, _) = S::as_simd_f32s(whole.as_flattened());
    let mut squares = [simd.splat_f32s(0.0); R];
    for values in whole.as_chunks::<R>().0 {
        for r in 0..R {
            // Not one fused step, whose last bit differs from that of two.
            squares[r] = simd.add_f32s(squares[r], simd.mul_f32s(values[r], values[r]));
        }
    }
    let mut lanes = [0.0; FLOATS];
    S::as_mut_simd_f32s(&mut lanes).0.copy_from_slice(&squares);
    let rest: f64 = rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + rest
}

/// Which NaN an addition gives differs between machines.
fn one_nan(sum: f32) -> f32 {
    if sum.is_nan() { f32::NAN } else { sum }
}

/// `1 − cos` of two vectors, estimated from their sketches and lengths: half the squared length of the
/// difference of the unit vectors, whose expectation is exact.
///
/// Range `[0, 2]` or slightly above; the relative standard deviation is about 35 % (`√(2/16)`). `None`
/// if a length is not a positive finite number.
pub fn estimated_distance(a: (&Sketch, f64), b: (&Sketch, f64)) -> Option<f64> {
    let usable = |length: f64| length.is_finite() && length > 0.0;
    if !usable(a.1) || !usable(b.1) {
        return None;
    }
    let squares = a.0.iter().zip(b.0).map(|(&x, &y)| {
        let difference = f64::from(x) / a.1 - f64::from(y) / b.1;
        difference * difference
    });
    Some(squares.sum::<f64>() / 2.0).filter(|distance| distance.is_finite())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::vector::{cosine, norm};

    fn sketch(signs: &Signs, vector: &[f32]) -> Measured {
        signs.measure(&[Some(vector)])[0].expect("a vector")
    }

    #[test]
    fn the_signs_are_those_of_the_format_note() {
        // Computed a second time in Python with the `blake3` package.
        let signs = Signs::new(1, 3);
        let bits =
            |row: &Sketch| (0..FLOATS).fold(0_u16, |bits, j| bits | u16::from(row[j] < 0.0) << j);
        let found: Vec<u16> = signs.signs.iter().map(bits).collect();
        assert_eq!(found, [22_242, 35_860, 12_664]);
    }

    #[test]
    fn the_estimate_is_right_on_average() {
        let dim = 384;
        let wave = |shift: f32| -> Vec<f32> {
            (0..dim).map(|i| (i as f32 * 0.37 + shift).sin()).collect()
        };
        let (left, right) = (wave(0.0), wave(0.02));
        let exact = 1.0 - cosine(&left, &right).expect("directions");
        let estimates: Vec<f64> = (0..400)
            .map(|seed| {
                let signs = Signs::new(seed, dim);
                let (x, y) = (sketch(&signs, &left), sketch(&signs, &right));
                estimated_distance((&x.sketch, norm(&left)), (&y.sketch, norm(&right)))
                    .expect("lengths")
            })
            .collect();
        let mean = estimates.iter().sum::<f64>() / estimates.len() as f64;
        assert!((mean / exact - 1.0).abs() < 0.06, "{mean} for {exact}");
    }

    proptest! {
        #[test]
        fn a_sketch_is_the_plain_sum_under_signs(vector in prop::collection::vec(-2.0..2.0_f32, 0..100), seed in any::<u64>()) {
            let signs = Signs::new(seed, vector.len() + 7);
            let measured = sketch(&signs, &vector);
            for j in 0..FLOATS {
                let plain: f64 = vector.iter().zip(&signs.signs).map(|(&x, row)| f64::from(x) * f64::from(row[j])).sum();
                prop_assert!((f64::from(measured.sketch[j]) - plain).abs() < 1e-4);
            }
            prop_assert!((measured.squares.sqrt() - norm(&vector)).abs() < 1e-4);
        }
    }
}
