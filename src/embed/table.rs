//! Unit vectors by the digest of their text.

use std::collections::HashMap;

use thiserror::Error;

use crate::ids::Digest;

/// The vectors of one model, each of unit length, keyed by the BLAKE3 digest of the exact text.
#[derive(Clone, Debug)]
pub struct VectorTable {
    model: String,
    dim: usize,
    rows: HashMap<Digest, usize>,
    /// `[n, dim]`, row by row.
    numbers: Vec<f32>,
}

/// Why a vector has no direction.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadVector {
    /// NaN or infinity at this coordinate, from 0.
    #[error("coordinate {0} is not a finite number")]
    NotFinite(usize),
    /// All zeros, or no coordinates at all.
    #[error("a vector of zeros has no direction")]
    Zero,
    /// Not as many numbers as the vectors before it.
    #[error("{found} numbers where the other vectors have {expected}")]
    Dimension {
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// Another vector was given for the same text.
    #[error("a second, different vector for the same text")]
    Conflict,
}

impl VectorTable {
    /// An empty table; the first vector fixes the dimension.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            dim: 0,
            rows: HashMap::new(),
            numbers: Vec::new(),
        }
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Numbers in a vector; 0 while the table is empty.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The unit vector of the text with this digest.
    pub fn get(&self, digest: &Digest) -> Option<&[f32]> {
        self.rows
            .get(digest)
            .map(|&row| &self.numbers[row * self.dim..(row + 1) * self.dim])
    }

    /// The unit vector of exactly this text.
    pub fn of_text(&self, text: &str) -> Option<&[f32]> {
        self.get(&Digest::of(text))
    }

    /// Keeps the direction of a vector. The same vector again is no error.
    ///
    /// # Errors
    /// If it is not finite, all zeros, of another dimension, or contradicts what is there.
    pub fn insert(&mut self, digest: Digest, vector: &[f32]) -> Result<(), BadVector> {
        if let Some(bad) = vector.iter().position(|number| !number.is_finite()) {
            return Err(BadVector::NotFinite(bad));
        }
        if !self.is_empty() && vector.len() != self.dim {
            return Err(BadVector::Dimension {
                found: vector.len(),
                expected: self.dim,
            });
        }
        let unit = unit(vector).ok_or(BadVector::Zero)?;
        if let Some(known) = self.get(&digest) {
            return if known == unit {
                Ok(())
            } else {
                Err(BadVector::Conflict)
            };
        }
        self.dim = unit.len();
        self.rows.insert(digest, self.rows.len());
        self.numbers.extend(unit);
        Ok(())
    }

    /// As [`Self::insert`], for a text.
    ///
    /// # Errors
    /// As [`Self::insert`].
    pub fn insert_text(&mut self, text: &str, vector: &[f32]) -> Result<(), BadVector> {
        self.insert(Digest::of(text), vector)
    }

    /// All rows in the order of their digests, so that a file of them has the same bytes whoever
    /// filled the table.
    pub fn by_digest(&self) -> Vec<(Digest, &[f32])> {
        let mut rows: Vec<_> = self
            .rows
            .keys()
            .map(|digest| (*digest, self.get(digest).expect("a key of the table")))
            .collect();
        rows.sort_by_key(|(digest, _)| *digest);
        rows
    }
}

/// The vector at length 1. One that already is (to f32 rounding) is kept to the bit, so that
/// writing and reading again changes nothing.
fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    const ROUNDING: f64 = 1e-6;
    let length = vector
        .iter()
        .map(|&number| f64::from(number).powi(2))
        .sum::<f64>()
        .sqrt();
    if length == 0.0 {
        return None;
    }
    if (length - 1.0).abs() <= ROUNDING {
        return Some(vector.to_vec());
    }
    Some(
        vector
            .iter()
            .map(|&number| (f64::from(number) / length) as f32)
            .collect(),
    )
}
