//! Samples, reduced to what hypotheses are held against.

use crate::parity::metric_inference::{
    Candidate, HYPOTHESES, LeftOut, MAY_BE_OFF, Residual, ScoreSample, Transform, Value,
};

/// One usable sample.
struct Pair {
    /// The cosine.
    cosine: f64,
    /// The inner product.
    dot: f64,
    /// What rounding of the product is relative to.
    dot_unit: f64,
    /// The squared distance.
    squared: f64,
    /// What rounding of the squared distance is relative to.
    squared_unit: f64,
    score: f64,
    scaled: bool,
}

/// All usable samples.
pub(super) struct Evidence {
    pairs: Vec<Pair>,
    pub(super) left_out: LeftOut,
}

/// How one hypothesis does.
pub(super) struct Fit {
    pub(super) value: Value,
    transform: Transform,
    pub(super) residual: Residual,
    /// Ascending.
    plain: Vec<f64>,
    /// Ascending.
    scaled: Vec<f64>,
}

impl Evidence {
    pub(super) fn of<'a>(samples: impl IntoIterator<Item = ScoreSample<'a>>) -> Self {
        let mut evidence = Self {
            pairs: Vec::new(),
            left_out: LeftOut::default(),
        };
        for sample in samples {
            let left_out = &mut evidence.left_out;
            let (query, document) = (sample.query, sample.document);
            if query.len() != document.len() {
                left_out.wrong_dimension += 1;
            } else if !query
                .iter()
                .chain(document)
                .all(|number| number.is_finite())
            {
                left_out.bad_vector += 1;
            } else if is_zero(query) || is_zero(document) {
                left_out.zero_vector += 1;
            } else if !sample.score.is_finite() {
                left_out.bad_score += 1;
            } else {
                evidence.pairs.push(Pair::of(&sample));
            }
        }
        evidence
    }

    pub(super) fn n_samples(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn n_scaled(&self) -> usize {
        self.pairs.iter().filter(|pair| pair.scaled).count()
    }

    /// Every hypothesis beside the scores, in the order in which they are listed.
    pub(super) fn fits(&self) -> Vec<Fit> {
        if self.pairs.is_empty() {
            return Vec::new();
        }
        let fit = |&(value, transform): &(Value, Transform)| self.fit(value, transform);
        HYPOTHESES.iter().map(fit).collect()
    }

    fn fit(&self, value: Value, transform: Transform) -> Fit {
        let deviations = |scaled: bool| {
            let pairs = self.pairs.iter().filter(|pair| pair.scaled == scaled);
            let mut found: Vec<f64> = pairs.map(|pair| pair.deviation(value, transform)).collect();
            found.sort_by(f64::total_cmp);
            found
        };
        let (plain, scaled) = (deviations(false), deviations(true));
        let mut all = [&plain[..], &scaled].concat();
        all.sort_by(f64::total_cmp);
        Fit {
            value,
            transform,
            residual: Residual {
                max: all[all.len() - 1],
                median: all[all.len() / 2],
            },
            plain,
            scaled,
        }
    }

    /// From the smallest to the largest relative value.
    pub(super) fn spread(&self, value: Value) -> f64 {
        let values = self.pairs.iter().map(|pair| {
            let (base, unit) = pair.base(value);
            base / unit
        });
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        (high - low).max(0.0)
    }
}

impl Pair {
    fn of(sample: &ScoreSample) -> Self {
        let wide = |number: &f32| f64::from(*number);
        let norm_squared = |vector: &[f32]| vector.iter().map(|x| wide(x).powi(2)).sum::<f64>();
        let pairs = || {
            sample
                .query
                .iter()
                .map(wide)
                .zip(sample.document.iter().map(wide))
        };
        let dot: f64 = pairs().map(|(a, b)| a * b).sum();
        let (q, d) = (norm_squared(sample.query), norm_squared(sample.document));
        let lengths = q.sqrt() * d.sqrt();
        Self {
            cosine: dot / lengths,
            dot,
            dot_unit: lengths.max(1.0),
            squared: pairs().map(|(a, b)| (a - b).powi(2)).sum(),
            squared_unit: (q + d).max(1.0),
            score: sample.score,
            scaled: sample.scaled,
        }
    }

    /// The quantity that a value is measured in, and what its rounding is relative to: distances
    /// are measured in their squares, and those of directions in the cosine.
    fn base(&self, value: Value) -> (f64, f64) {
        match value {
            Value::Cosine | Value::L2OfDirections | Value::SquaredL2OfDirections => {
                (self.cosine, 1.0)
            }
            Value::Dot => (self.dot, self.dot_unit),
            Value::L2 | Value::SquaredL2 => (self.squared, self.squared_unit),
        }
    }

    /// In `[0, 1]`.
    fn deviation(&self, value: Value, transform: Transform) -> f64 {
        let Some(x) = transform.unbend(self.score) else {
            return 1.0;
        };
        let (base, unit) = self.base(value);
        // A distance a rounding error below 0 stays below it.
        let meant = match value {
            Value::Cosine | Value::Dot | Value::SquaredL2 => x,
            Value::L2 => x * x.abs(),
            Value::L2OfDirections => 1.0 - x * x.abs() / 2.0,
            Value::SquaredL2OfDirections => 1.0 - x / 2.0,
        };
        let deviation = (meant - base).abs() / unit;
        // Both overflow for no vector of f32; a score may be anything.
        if deviation.is_finite() {
            deviation.min(1.0)
        } else {
            1.0
        }
    }
}

impl Fit {
    /// Whether the scores of plain queries, and those of stretched ones, are met within a tolerance
    /// but for the share that may be off.
    pub(super) fn holds(&self, tolerance: f64) -> bool {
        [&self.plain, &self.scaled].into_iter().all(|deviations| {
            off(deviations, tolerance) as f64 <= MAY_BE_OFF * deviations.len() as f64
        })
    }

    pub(super) fn candidate(&self, tolerance: f64) -> Candidate {
        Candidate {
            metric: self.value.metric(),
            value: self.value,
            transform: self.transform,
            residual: self.residual,
            n_off: (off(&self.plain, tolerance) + off(&self.scaled, tolerance)) as u64,
        }
    }
}

fn off(ascending: &[f64], tolerance: f64) -> usize {
    ascending.len() - ascending.partition_point(|deviation| *deviation <= tolerance)
}

fn is_zero(vector: &[f32]) -> bool {
    vector.iter().all(|number| *number == 0.0)
}
