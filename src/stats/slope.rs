//! How a value changes over time.

use crate::stats::Interval;
use crate::stats::solve::student_quantile;
use crate::units::Confidence;

/// One value at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When.
    pub x: f64,
    /// How much.
    pub y: f64,
}

/// The slope of the least-squares line through the points, with Student's bounds, each one-sided at
/// `confidence`; in units of `y` for each of `x`.
///
/// The bounds take the distances from the line for independent; neighbours in time rarely are, so
/// average them in [`blocks`] first.
///
/// `None` for fewer than three points, a single time, or a number that is not finite.
///
/// ```
/// use ragstone::{stats::{Point, slope}, units::Confidence};
/// let points = [(1.0, 2.0), (2.0, 4.0), (3.0, 5.0), (4.0, 4.0), (5.0, 5.0)].map(|(x, y)| Point { x, y });
/// let slope = slope(&points, Confidence::P95).unwrap();
/// assert!((slope.estimate - 0.6).abs() < 1e-12);
/// ```
pub fn slope(points: &[Point], confidence: Confidence) -> Option<Interval> {
    let n = points.len() as f64;
    let finite = |point: &Point| point.x.is_finite() && point.y.is_finite();
    if points.len() < 3 || !points.iter().all(finite) {
        return None;
    }
    let mean = |of: fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|point| point.x), mean(|point| point.y));
    let squares: f64 = points.iter().map(|point| (point.x - x).powi(2)).sum();
    if squares <= 0.0 {
        return None;
    }
    let products: f64 = points
        .iter()
        .map(|point| (point.x - x) * (point.y - y))
        .sum();
    let estimate = products / squares;
    let residuals: f64 = points
        .iter()
        .map(|point| (point.y - y - estimate * (point.x - x)).powi(2))
        .sum();
    let degrees = n - 2.0;
    let error = (residuals / degrees / squares).sqrt();
    let reach = student_quantile(degrees, confidence.get()) * error;
    let bounds = Interval {
        estimate,
        low: estimate - reach,
        high: estimate + reach,
    };
    let all_finite = bounds.low.is_finite() && bounds.high.is_finite();
    all_finite.then_some(bounds)
}

/// The means of at most `most` runs of consecutive points, as long as each other or longer by one.
///
/// # Panics
/// If `most` is 0.
pub fn blocks(points: &[Point], most: usize) -> Vec<Point> {
    assert!(most > 0, "there is at least one block");
    let n_blocks = most.min(points.len());
    let block = |at: usize| {
        let run = &points[at * points.len() / n_blocks..(at + 1) * points.len() / n_blocks];
        let mean = |of: fn(&Point) -> f64| run.iter().map(of).sum::<f64>() / run.len() as f64;
        Point {
            x: mean(|point| point.x),
            y: mean(|point| point.y),
        }
    };
    (0..n_blocks).map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        values.iter().map(|&(x, y)| Point { x, y }).collect()
    }

    #[test]
    fn the_bounds_are_those_worked_out_by_hand() {
        // Squares of x about 3: 10; products: 6; residuals: 0.64 + 0.36 + 1 + 0.36 + 0.04 = 2.4, hence
        // a standard error of sqrt(2.4 / 3 / 10), and t of 0.95 at three degrees is 2.3534.
        let seen = points(&[(1.0, 2.0), (2.0, 4.0), (3.0, 5.0), (4.0, 4.0), (5.0, 5.0)]);
        let slope = slope(&seen, Confidence::P95).expect("points");
        let reach = 2.353_363_434_801_8 * 0.08_f64.sqrt();
        assert!((slope.estimate - 0.6).abs() < 1e-12);
        assert!((slope.high - 0.6 - reach).abs() < 1e-9 && (0.6 - slope.low - reach).abs() < 1e-9);
    }

    #[test]
    fn a_straight_line_has_its_slope_without_doubt() {
        let line = points(&[(0.0, 7.0), (1.0, 7.0), (2.0, 7.0)]);
        let slope = slope(&line, Confidence::P95).expect("points");
        assert_eq!((slope.low, slope.estimate, slope.high), (0.0, 0.0, 0.0));
    }

    #[test]
    fn what_has_no_slope_has_none() {
        let of = |values: &[(f64, f64)]| slope(&points(values), Confidence::P95);
        assert_eq!(of(&[(0.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(of(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(of(&[(0.0, 1.0), (1.0, f64::NAN), (2.0, 3.0)]), None);
    }

    #[test]
    fn blocks_hold_every_point_once_and_in_order() {
        let line: Vec<(f64, f64)> = (0..23).map(|i| (f64::from(i), 1.0)).collect();
        let blocks = blocks(&points(&line), 10);
        assert_eq!(blocks.len(), 10);
        assert!(blocks.is_sorted_by(|a, b| a.x < b.x));
        assert_eq!(super::blocks(&points(&line[..4]), 10).len(), 4);
        assert!(super::blocks(&[], 10).is_empty());
    }
}
