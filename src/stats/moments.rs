//! Mean, spread and memory of one sample.

/// The arithmetic mean. `None` for no values or one that is not finite.
///
/// ```
/// assert_eq!(ragstone::stats::mean(&[1.0, 2.0, 6.0]), Some(3.0));
/// assert_eq!(ragstone::stats::mean(&[]), None);
/// ```
///
/// Two passes: the second adds the mean residual, which keeps large offsets exact (NIST's
/// `NumAcc` sets).
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let n = values.len() as f64;
    let first = values.iter().sum::<f64>() / n;
    let mean = first + values.iter().map(|value| value - first).sum::<f64>() / n;
    mean.is_finite().then_some(mean)
}

/// The sample standard deviation, with `n − 1`.
///
/// `None` for fewer than two values or one that is not finite.
///
/// ```
/// assert_eq!(ragstone::stats::standard_deviation(&[1.0, 2.0, 3.0]), Some(1.0));
/// assert_eq!(ragstone::stats::standard_deviation(&[1.0]), None);
/// ```
pub fn standard_deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    if values.len() < 2 {
        return None;
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// How alike neighbours in time are: the autocorrelation at lag one, in `[-1, 1]`.
///
/// `None` for fewer than two values, one that is not finite, or no spread.
///
/// ```
/// let r = ragstone::stats::lag_one_autocorrelation(&[1.0, 3.0, 2.0]).unwrap();
/// assert_eq!(r, -0.5);
/// ```
///
/// Source: the definition in NIST's Statistical Reference Datasets.
pub fn lag_one_autocorrelation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let products: f64 = values
        .windows(2)
        .map(|pair| (pair[0] - mean) * (pair[1] - mean))
        .sum();
    (values.len() > 1 && squares > 0.0).then(|| products / squares)
}
