//! Ranks with ties, kept whole by doubling.

/// Twice the rank of each value, from 1; equal values share the mean of their ranks.
///
/// Doubled, a shared rank is still a whole number, so that laws of rank sums are exact. The values
/// must not hold NaN.
pub(super) fn doubled_midranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    let mut start = 0;
    // `chunk_by` on `==`, since −0 and 0 are equal values with an order of their own.
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        for &index in tied {
            ranks[index] = 2 * start + tied.len() + 1;
        }
        start += tied.len();
    }
    ranks
}

/// Halves all ranks when that leaves whole numbers, which makes exact laws half as long; and by
/// how much one step of the result counts, in ranks.
pub(super) fn in_whole_steps(doubled: &[usize]) -> (Vec<usize>, f64) {
    if doubled.iter().all(|rank| rank.is_multiple_of(2)) {
        (doubled.iter().map(|rank| rank / 2).collect(), 1.0)
    } else {
        (doubled.to_vec(), 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_the_mean_of_their_ranks() {
        assert_eq!(doubled_midranks(&[30.0, 10.0, 20.0, 20.0]), [8, 2, 5, 5]);
        assert_eq!(doubled_midranks(&[0.0, -0.0]), [3, 3]);
        assert_eq!(in_whole_steps(&[8, 2, 6, 4]), (vec![4, 1, 3, 2], 1.0));
        assert_eq!(in_whole_steps(&[3, 3]), (vec![3, 3], 0.5));
    }
}
