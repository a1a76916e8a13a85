//! How far vectors lie apart, finely enough to tell equal texts from nearly equal ones.

/// Differences below this are rounding: `1 − cos` of two single-precision spellings of one vector.
pub(super) const ROUNDING: f64 = 1e-6;

/// Whether a vector has a direction: finite and not zero.
pub(super) fn has_direction(vector: &[f32]) -> bool {
    let norm = norm(vector);
    norm.is_finite() && norm > 0.0
}

/// Euclidean length, summed in double precision.
pub(super) fn norm(vector: &[f32]) -> f64 {
    let squares = vector.iter().map(|&number| f64::from(number).powi(2));
    squares.sum::<f64>().sqrt()
}

/// `1 − cos`, in `[0, 2]`; `None` if a vector has no direction or the dimensions differ.
///
/// As half the squared distance of the two directions, which keeps its digits where `1 − cos` by
/// the product loses them all. Time `O(dim)`.
pub(super) fn cosine_distance(a: &[f32], b: &[f32]) -> Option<f64> {
    if a.len() != b.len() || !has_direction(a) || !has_direction(b) {
        return None;
    }
    let (a_norm, b_norm) = (norm(a), norm(b));
    let apart = a.iter().zip(b).map(|(&a, &b)| {
        let apart = f64::from(a) / a_norm - f64::from(b) / b_norm;
        apart * apart
    });
    Some((apart.sum::<f64>() / 2.0).clamp(0.0, 2.0))
}

/// The largest distance between a vector of the one list and one of the other; `None` if a list is
/// empty or any pair has no distance.
pub(super) fn between(a: &[&[f32]], b: &[&[f32]]) -> Option<f64> {
    let mut largest: Option<f64> = None;
    for a in a {
        for b in b {
            largest = Some(cosine_distance(a, b)?.max(largest.unwrap_or(0.0)));
        }
    }
    largest
}

/// The largest distance within a list; `None` of fewer than two vectors.
pub(super) fn spread(vectors: &[&[f32]]) -> Option<f64> {
    (vectors.len() > 1).then(|| between(vectors, vectors))?
}

/// The median; `None` of nothing. The lower of the two in the middle, so that it is one of the values.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}
