//! Adjusting p-values when any of several checks may decide.

/// Holm's adjusted p-values, in the order given: reject where one is at most α, and the chance of
/// any false rejection is at most α, however the checks depend on each other.
///
/// ```
/// assert_eq!(ragstone::stats::holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
/// ```
///
/// # Panics
/// If a p-value lies outside `[0, 1]`.
///
/// Source: Holm (1979), *A simple sequentially rejective multiple test procedure*.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let mut adjusted = vec![0.0; n];
    let mut largest: f64 = 0.0;
    for (rank, index) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max(p_values[index] * (n - rank) as f64);
        adjusted[index] = largest.min(1.0);
    }
    adjusted
}

/// The adjusted p-values of Benjamini and Hochberg, in the order given: reject where one is at
/// most α, and at most a share α of the rejections is false on average, for independent checks.
///
/// ```
/// assert_eq!(ragstone::stats::benjamini_hochberg(&[0.01, 0.04, 0.02]), [0.03, 0.04, 0.03]);
/// ```
///
/// # Panics
/// If a p-value lies outside `[0, 1]`.
///
/// Source: Benjamini and Hochberg (1995), *Controlling the false discovery rate*.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let n = p_values.len();
    let mut adjusted = vec![0.0; n];
    let mut smallest: f64 = 1.0;
    for (rank, index) in ascending(p_values).into_iter().enumerate().rev() {
        // The ratio first: it is at least 1, so no value falls by rounding.
        smallest = smallest.min(p_values[index] * (n as f64 / (rank + 1) as f64));
        adjusted[index] = smallest;
    }
    adjusted
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    assert!(
        p_values.iter().all(|p| (0.0..=1.0).contains(p)),
        "a p-value lies in [0, 1]"
    );
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether Holm's procedure, as written in his paper, rejects `index` at `alpha`: it goes up
    /// the sorted p-values and stops at the first above α over the number left.
    fn holm_rejects(p_values: &[f64], index: usize, alpha: f64) -> bool {
        let order = ascending(p_values);
        let stop = order
            .iter()
            .enumerate()
            .position(|(rank, &at)| p_values[at] * (order.len() - rank) as f64 > alpha)
            .unwrap_or(order.len());
        order[..stop].contains(&index)
    }

    /// Whether the step-up procedure rejects `index`: the largest rank whose p-value is below its
    /// line, and all before it.
    fn step_up_rejects(p_values: &[f64], index: usize, alpha: f64) -> bool {
        let order = ascending(p_values);
        let n = order.len() as f64;
        let last = (0..order.len())
            .rev()
            .find(|&rank| p_values[order[rank]] * (n / (rank + 1) as f64) <= alpha);
        last.is_some_and(|last| order[..=last].contains(&index))
    }

    proptest! {
        #[test]
        fn an_adjusted_value_is_the_level_at_which_its_procedure_rejects(
            p_values in prop::collection::vec((0_u32..60).prop_map(|i| f64::from(i) / 60.0), 1..9),
            alpha in 0.001..0.999_f64,
        ) {
            let (family, discovery) = (holm(&p_values), benjamini_hochberg(&p_values));
            for index in 0..p_values.len() {
                prop_assert_eq!(family[index] <= alpha, holm_rejects(&p_values, index, alpha));
                prop_assert_eq!(discovery[index] <= alpha, step_up_rejects(&p_values, index, alpha));
                prop_assert!(p_values[index] <= discovery[index] && discovery[index] <= family[index]);
            }
        }
    }

    #[test]
    fn no_check_has_no_adjusted_value() {
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }
}
