//! Dot product, length, cosine and what "near" means: a leaf beneath the embedder, the embedded index
//! and ΔS.

mod metric;

pub use metric::Metric;

/// Independent sums, so that the compiler can keep them in vector registers. Their number is part
/// of the result's rounding: changing it changes last digits.
const LANES: usize = 16;

/// Σ aᵢ·bᵢ.
///
/// Products are summed in sixteen f32 lanes and the lanes in f64, always in the same order:
/// relative error below 1e-5 at 384 dimensions, and the same bits on every machine and thread.
///
/// # Panics
/// If the lengths differ.
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "vectors of one space have one length");
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        // Not a range: in a build without optimisation that takes most of a whole gate's time.
        let mut lane = 0;
        while lane < LANES {
            lanes[lane] += a[lane] * b[lane];
            lane += 1;
        }
    }
    let rest: f64 = a_rest
        .iter()
        .zip(b_rest)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum();
    lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + rest
}

/// Euclidean length.
pub fn norm(a: &[f32]) -> f64 {
    dot(a, a).sqrt()
}

/// The cosine of two vectors, in `[-1, 1]`; `None` if one of them has no direction.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use ragstone::vector::cosine;
/// assert_eq!(cosine(&[3.0, 0.0], &[0.0, 2.0]), Some(0.0));
/// assert_eq!(cosine(&[3.0, 0.0], &[0.0, 0.0]), None);
/// ```
pub fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    let lengths = norm(a) * norm(b);
    (lengths > 0.0).then(|| (dot(a, b) / lengths).clamp(-1.0, 1.0))
}

/// Squared Euclidean distance.
///
/// # Panics
/// If the lengths differ.
pub fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "vectors of one space have one length");
    a.iter()
        .zip(b)
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lanes_agree_with_the_plain_sum(pairs in prop::collection::vec((-2.0..2.0_f32, -2.0..2.0_f32), 0..400)) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let plain: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            prop_assert!((dot(&a, &b) - plain).abs() <= 1e-5 * (1.0 + norm(&a) * norm(&b)));
        }
    }
}
