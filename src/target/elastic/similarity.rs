//! What an index calls near, and how its scores tell the distance.
//!
//! Lucene wants scores that are never negative, so that every store built on it bends its similarities
//! into such scores. Each is bent back here:
//!
//! | mapping | score `s` | what it is turned into |
//! |---|---|---|
//! | `cosine`, `cosinesimil` (Lucene, Faiss) | `(1 + cos) / 2` | `2s − 1` |
//! | `dot_product` | `(1 + dot) / 2` | `2s − 1` |
//! | `l2_norm`, `l2` | `1 / (1 + d²)` | `−√(1/s − 1)` |
//! | `max_inner_product`, `innerproduct` | `1 / (1 − dot)` below 0, else `dot + 1` | `1 − 1/s` below 1, else `s − 1` |
//! | `l1`, `linf`, `hamming` | `1 / (1 + d)` | `1 − 1/s` |
//!
//! Sources: the vendors' references (`dense_vector`, k-NN spaces). Scores are left as they are where the
//! formula is another one: `dot_product` of bytes, vectors of bits, and cosines of the `nmslib` engine,
//! which it has bent in two ways over time.

use crate::target::Metric;

/// How scores tell the distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// `(1 + similarity) / 2`.
    Half,
    /// `1 / (1 + d²)`.
    Squared,
    /// `1 / (1 + d)`.
    Reciprocal,
    /// `1 / (1 − dot)` for a negative product, else `dot + 1`.
    Piecewise,
    /// As they are: larger is better, and nothing more is known.
    Raw,
}

impl Scale {
    /// The cosine, the inner product or the negative distance that a score stands for.
    pub(super) fn undo(self, score: f64) -> f64 {
        match self {
            Self::Half => 2.0 * score - 1.0,
            // A score may stand a rounding error above that of distance 0.
            Self::Squared => -(1.0 / score - 1.0).max(0.0).sqrt(),
            Self::Reciprocal => 1.0 - 1.0 / score,
            Self::Piecewise if score < 1.0 => 1.0 - 1.0 / score,
            Self::Piecewise => score - 1.0,
            Self::Raw => score,
        }
    }
}

/// What an index calls near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Similarity {
    /// Its name in contracts.
    pub(super) metric: String,
    pub(super) scale: Scale,
}

impl Similarity {
    /// Elasticsearch's `similarity` of a `dense_vector` of such elements.
    pub(super) fn of_dense_vector(word: &str, element: Option<&str>) -> Self {
        let (metric, scale) = match word {
            "l2_norm" if element == Some("bit") => ("hamming", Scale::Raw),
            "dot_product" if element == Some("byte") => (Metric::Dot.name(), Scale::Raw),
            "cosine" => (Metric::Cosine.name(), Scale::Half),
            "dot_product" => (Metric::Dot.name(), Scale::Half),
            "l2_norm" => (Metric::L2.name(), Scale::Squared),
            "max_inner_product" => (Metric::Dot.name(), Scale::Piecewise),
            other => (other, Scale::Raw),
        };
        Self::new(metric, scale)
    }

    /// The k-NN plugin's `space_type` of a `knn_vector`, as its engine scores it.
    pub(super) fn of_knn_vector(space: &str, engine: Option<&str>) -> Self {
        let (metric, scale) = match space {
            "cosinesimil" if engine == Some("nmslib") => (Metric::Cosine.name(), Scale::Raw),
            "cosinesimil" => (Metric::Cosine.name(), Scale::Half),
            "innerproduct" => (Metric::Dot.name(), Scale::Piecewise),
            "l2" => (Metric::L2.name(), Scale::Squared),
            "l1" => ("manhattan", Scale::Reciprocal),
            "linf" | "hamming" => (space, Scale::Reciprocal),
            other => (other, Scale::Raw),
        };
        Self::new(metric, scale)
    }

    fn new(metric: &str, scale: Scale) -> Self {
        Self {
            metric: metric.to_owned(),
            scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vendors' forward formulas, from similarity or distance to score.
    fn forward(scale: Scale, value: f64) -> f64 {
        match scale {
            Scale::Half => f64::midpoint(1.0, value),
            Scale::Squared => 1.0 / (1.0 + value * value),
            Scale::Reciprocal => 1.0 / (1.0 + value),
            Scale::Piecewise if value < 0.0 => 1.0 / (1.0 - value),
            Scale::Piecewise => value + 1.0,
            Scale::Raw => value,
        }
    }

    #[track_caller]
    fn check(scale: Scale, values: &[f64], sign: f64) {
        for &value in values {
            let back = scale.undo(forward(scale, value));
            let error = (back - sign * value).abs();
            assert!(error < 1e-9, "{scale:?} of {value} gives {back}");
        }
    }

    #[test]
    fn every_score_is_bent_back_to_what_it_stands_for() {
        check(Scale::Half, &[-1.0, -0.3, 0.0, 0.5, 1.0], 1.0);
        check(Scale::Squared, &[0.0, 0.1, 1.0, 1.414, 20.0], -1.0);
        check(Scale::Reciprocal, &[0.0, 0.1, 1.0, 7.5], -1.0);
        check(Scale::Piecewise, &[-30.0, -1.0, -0.01, 0.0, 0.01, 3.0], 1.0);
        check(Scale::Raw, &[0.0, 12.7], 1.0);
    }

    #[test]
    fn a_nearer_row_never_gets_the_lower_score() {
        for scale in [
            Scale::Half,
            Scale::Squared,
            Scale::Reciprocal,
            Scale::Piecewise,
        ] {
            let mut last = f64::NEG_INFINITY;
            for step in 1..200 {
                let score = scale.undo(f64::from(step) / 100.0);
                assert!(score >= last, "{scale:?} at {step}");
                last = score;
            }
        }
        assert_eq!(
            Scale::Squared.undo(1.000_000_1),
            0.0,
            "rounding is no distance"
        );
    }

    #[test]
    fn the_words_of_both_vendors_are_known() {
        let dense = |word| Similarity::of_dense_vector(word, Some("float"));
        assert_eq!(
            dense("max_inner_product"),
            Similarity::new("dot", Scale::Piecewise)
        );
        assert_eq!(dense("l2_norm").metric, "l2");
        assert_eq!(
            dense("l2_norm"),
            Similarity::of_knn_vector("l2", Some("faiss"))
        );
        assert_eq!(
            dense("cosine"),
            Similarity::of_knn_vector("cosinesimil", Some("lucene"))
        );
        let nmslib = Similarity::of_knn_vector("cosinesimil", Some("nmslib"));
        assert_eq!(nmslib, Similarity::new("cosine", Scale::Raw));
        assert_eq!(dense("jaccard"), Similarity::new("jaccard", Scale::Raw));
        let bytes = Similarity::of_dense_vector("dot_product", Some("byte"));
        assert_eq!(bytes, Similarity::new("dot", Scale::Raw));
        let bits = Similarity::of_dense_vector("l2_norm", Some("bit"));
        assert_eq!(bits, Similarity::new("hamming", Scale::Raw));
    }
}
