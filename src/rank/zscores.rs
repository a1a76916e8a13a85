//! Values as z-scores: how many standard deviations above the mean of reference runs, query by query.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use crate::rank::{Evaluation, QuerySet};
use crate::ranking::{Measure, Over};

/// Means and standard deviations of reference runs, as `trec_eval -Z` reads them.
#[derive(Clone, Debug)]
pub struct ZScores {
    path: PathBuf,
    /// By query, then by the measure's name: mean and standard deviation.
    of: HashMap<String, HashMap<String, (f64, f64)>>,
}

/// Why values have no z-scores.
#[derive(Debug, Error, Diagnostic)]
pub enum ZScoreError {
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(code(rank::zscores_read))]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A line that is none.
    #[error("{}: line {line}: not `query measure mean deviation` with two finite numbers", path.display())]
    #[diagnostic(
        code(rank::zscores_line),
        help("each pair of query and measure stands once; the deviation is 0 or more")
    )]
    Line {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Nothing is known of a value's reference runs, or they were all alike and it differs.
    #[error("{}: {measure} of query `{query}` has no z-score: {why}", path.display())]
    #[diagnostic(
        code(rank::zscores_missing),
        help("leave the measure or the query out, or make the file anew from the reference runs")
    )]
    Undefined {
        /// Which file.
        path: PathBuf,
        /// The query.
        query: String,
        /// The measure.
        measure: String,
        /// The reason.
        why: &'static str,
    },
}

impl ZScores {
    /// Reads lines of `query measure mean deviation`.
    ///
    /// # Errors
    /// If the file cannot be read, or a line is none or stands twice.
    pub fn read(path: &Path) -> Result<Self, ZScoreError> {
        let text = std::fs::read_to_string(path).map_err(|source| ZScoreError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut of: HashMap<String, HashMap<String, (f64, f64)>> = HashMap::new();
        for (line, content) in (1..).zip(text.lines()) {
            let fields: Vec<&str> = content.split_whitespace().collect();
            let wrong = || ZScoreError::Line {
                path: path.to_owned(),
                line,
            };
            let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
            let [query, measure, mean, deviation] = fields[..] else {
                return Err(wrong());
            };
            let (Some(mean), Some(deviation)) = (number(mean), number(deviation)) else {
                return Err(wrong());
            };
            let measures = of.entry(query.to_owned()).or_default();
            let twice = measures.insert(measure.to_owned(), (mean, deviation));
            if twice.is_some() || deviation < 0.0 {
                return Err(wrong());
            }
        }
        Ok(Self {
            path: path.to_owned(),
            of,
        })
    }

    /// Puts z-scores in the place of the values of a set's queries. A number of queries has none and stays, and a geometric mean has none
    /// either: it becomes 0.
    ///
    /// # Errors
    /// If a value has no z-score.
    pub fn apply(&self, evaluation: &mut Evaluation, set: QuerySet) -> Result<(), ZScoreError> {
        let all = set == QuerySet::Complete;
        let queries = evaluation.queries.iter_mut();
        for query in queries.filter(|query| all || query.has_results) {
            for (measure, value) in evaluation.measures.iter().zip(&mut query.values) {
                *value = self.of(&query.query, measure, *value)?;
            }
        }
        Ok(())
    }

    fn of(&self, query: &str, measure: &Measure, value: f64) -> Result<f64, ZScoreError> {
        match measure.family().over() {
            Over::Count => return Ok(value),
            Over::GeometricMean => return Ok(f64::NEG_INFINITY),
            Over::Sum | Over::Mean => {}
        }
        let name = measure.to_string();
        let known = self.of.get(query).and_then(|measures| measures.get(&name));
        let undefined = |why| ZScoreError::Undefined {
            path: self.path.clone(),
            query: query.to_owned(),
            measure: name.clone(),
            why,
        };
        match known {
            None => Err(undefined("the file does not have it")),
            Some((mean, deviation)) if *deviation > 0.0 => Ok((value - mean) / deviation),
            Some((mean, _)) if value == *mean => Ok(0.0),
            Some(_) => Err(undefined(
                "the reference runs were all alike, and it differs",
            )),
        }
    }
}
