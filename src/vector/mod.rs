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
        // Written out, and no loop: the same sixteen sums, and a build without optimisation takes half the time.
        lanes[0] += a[0] * b[0];
        lanes[1] += a[1] * b[1];
        lanes[2] += a[2] * b[2];
        lanes[3] += a[3] * b[3];
        lanes[4] += a[4] * b[4];
        lanes[5] += a[5] * b[5];
        lanes[6] += a[6] * b[6];
        lanes[7] += a[7] * b[7];
        lanes[8] += a[8] * b[8];
        lanes[9] += a[9] * b[9];
        lanes[10] += a[10] * b[10];
        lanes[11] += a[11] * b[11];
        lanes[12] += a[12] * b[12];
        lanes[13] += a[13] * b[13];
        lanes[14] += a[14] * b[14];
        lanes[15] += a[15] * b[15];
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
    cosine_of((a, norm(a)), (b, norm(b)))
}

/// The cosine of two vectors whose lengths are known.
fn cosine_of((a, length_a): (&[f32], f64), (b, length_b): (&[f32], f64)) -> Option<f64> {
    let lengths = length_a * length_b;
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
