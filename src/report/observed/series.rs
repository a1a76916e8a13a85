//! Values over time, few enough to draw.

use crate::units::Moment;

/// More points than this are put together.
const MOST: usize = 240;

/// A value at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct Point {
    /// When.
    pub(in crate::report) at: Moment,
    /// How much, finite.
    pub(in crate::report) value: f64,
}

/// Values of one thing, by time.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Series {
    /// What they belong to.
    pub(in crate::report) name: String,
    /// Ascending by time.
    pub(in crate::report) points: Vec<Point>,
}

impl Series {
    /// The points that a drawing needs: of as many neighbours as it takes, the one that `worse` prefers
    /// stands for all.
    pub(in crate::report) fn thinned(mut self, worse: fn(f64, f64) -> bool) -> Self {
        let together = self.points.len().div_ceil(MOST).max(1);
        let one = |points: &[Point]| {
            let kept = |a: Point, b: &Point| if worse(b.value, a.value) { *b } else { a };
            points.iter().fold(points[0], kept)
        };
        self.points = self.points.chunks(together).map(one).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_outlives_thinning() {
        let point = |index: i64| Point {
            at: Moment::from_millisecond(index * 1000).expect("a moment"),
            value: if index == 777 { 9.0 } else { 1.0 },
        };
        let series = Series {
            name: String::new(),
            points: (0..1000).map(point).collect(),
        };
        let thin = series.thinned(|a, b| a > b);
        assert!(thin.points.len() <= MOST);
        assert!(thin.points.contains(&point(777)));
    }
}
