//! ΔS: how far what was retrieved is from what was asked.

use crate::vector::{dot, norm};

/// The mean direction of some unit vectors, kept as their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Centroid {
    sum: Vec<f32>,
    length: f64,
}

impl Centroid {
    /// The centroid of unit vectors of one dimension; `None` for no vectors, or if they cancel out
    /// and leave no direction.
    ///
    /// Sums in f32 in the given order, which is exact to about 1e-6 for the few dozen vectors of a
    /// reply. Time `O(k · dim)`.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn of<'a>(vectors: impl IntoIterator<Item = &'a [f32]>) -> Option<Self> {
        let mut vectors = vectors.into_iter();
        let mut sum = vectors.next()?.to_vec();
        for vector in vectors {
            assert_eq!(
                vector.len(),
                sum.len(),
                "vectors of one space have one length"
            );
            for (total, &number) in sum.iter_mut().zip(vector) {
                *total += number;
            }
        }
        let length = norm(&sum);
        // A direction that is only rounding error is none.
        let meaningful = length > 1e-5;
        meaningful.then_some(Self { sum, length })
    }

    /// 1 − cos to another centroid, in `[0, 2]`; 0 to itself.
    ///
    /// # Panics
    /// If the dimensions differ.
    pub fn distance_to(&self, other: &Self) -> f64 {
        if self.sum == other.sum {
            // Rounding would leave 1e-8 between a reply and its exact repeat.
            return 0.0;
        }
        (1.0 - dot(&self.sum, &other.sum) / (self.length * other.length)).clamp(0.0, 2.0)
    }
}

/// ΔS(text, retrieved) = 1 − cos(e(text), c), with `c` the centroid of the unit vectors of the
/// retrieved texts.
///
/// `text` is a unit vector. Unit: `1 − cos`, in `[0, 2]`; accurate to about 1e-6 at 384 dimensions.
/// Undefined for no hits, which [`Centroid::of`] says.
///
/// ```
/// use ragstone::measure::{Centroid, delta_s};
/// let retrieved = Centroid::of([[1.0, 0.0].as_slice(), [0.0, 1.0].as_slice()]).unwrap();
/// let distance = delta_s(&[1.0, 0.0], &retrieved);
/// assert!((distance - (1.0 - 0.5_f64.sqrt())).abs() < 1e-6); // 45° away
/// ```
///
/// # Panics
/// If the dimensions differ.
pub fn delta_s(text: &[f32], retrieved: &Centroid) -> f64 {
    (1.0 - dot(text, &retrieved.sum) / retrieved.length).clamp(0.0, 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unit(vector: &[f64]) -> Vec<f32> {
        let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        vector.iter().map(|x| (x / length) as f32).collect()
    }

    /// The definition, step by step.
    fn slow(question: &[f32], retrieved: &[Vec<f32>]) -> f64 {
        let dim = question.len();
        let mean: Vec<f64> = (0..dim)
            .map(|i| {
                retrieved.iter().map(|v| f64::from(v[i])).sum::<f64>() / retrieved.len() as f64
            })
            .collect();
        let dot: f64 = (0..dim).map(|i| mean[i] * f64::from(question[i])).sum();
        let length = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
        1.0 - dot
            / (length(&mut mean.iter().copied())
                * length(&mut question.iter().map(|&x| f64::from(x))))
    }

    fn vectors() -> impl Strategy<Value = Vec<Vec<f32>>> {
        (2_usize..40, 2_usize..12).prop_flat_map(|(dim, n)| {
            prop::collection::vec(
                prop::collection::vec(0.01..1.0_f64, dim).prop_map(|v| unit(&v)),
                n,
            )
        })
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition_and_stays_in_range(vectors in vectors()) {
            let (question, retrieved) = vectors.split_first().expect("two or more");
            let centroid = Centroid::of(retrieved.iter().map(Vec::as_slice)).expect("positive vectors do not cancel");
            let fast = delta_s(question, &centroid);
            prop_assert!((fast - slow(question, retrieved)).abs() < 2e-6);
            prop_assert!((0.0..=2.0).contains(&fast));
        }
    }

    #[test]
    fn nothing_retrieved_and_opposite_hits_have_no_direction() {
        assert_eq!(Centroid::of([]), None);
        assert_eq!(
            Centroid::of([[1.0, 0.0].as_slice(), [-1.0, 0.0].as_slice()]),
            None
        );
    }

    #[test]
    fn the_opposite_is_two_away() {
        let centroid = Centroid::of([[-1.0, 0.0].as_slice()]).expect("a direction");
        assert!((delta_s(&[1.0, 0.0], &centroid) - 2.0).abs() < 1e-12);
    }
}
