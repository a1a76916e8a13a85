//! Where a query's vector comes from.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::embed::{Endpoint, VectorTable};
use crate::ids::{Digest, Form, QuestionId};
use crate::net::{Attempt, Failure, Stage};
use crate::target::Query;

/// Where the vector of a question comes from that a store is asked with.
pub enum QueryVectors {
    /// The referee's: right for an index that was built with the referee's model.
    Referee(Arc<VectorTable>),
    /// The target's own model, behind a service; each text is embedded once a run.
    Endpoint {
        /// The service.
        endpoint: Box<Endpoint>,
        /// What it gave so far.
        known: Mutex<HashMap<Digest, Arc<[f32]>>>,
    },
    /// As they are given for each question and form, of whatever length.
    Given(Arc<GivenVectors>),
}

/// The vectors that questions are asked with, where no text is embedded.
pub type GivenVectors = HashMap<(QuestionId, Form), Arc<[f32]>>;

impl QueryVectors {
    /// The vectors of a target's own model.
    pub fn of_endpoint(endpoint: Endpoint) -> Self {
        Self::Endpoint {
            endpoint: Box::new(endpoint),
            known: Mutex::default(),
        }
    }

    /// The model's name; `given` where none was asked.
    pub fn model(&self) -> &str {
        match self {
            Self::Referee(table) => table.model(),
            Self::Endpoint { endpoint, .. } => endpoint.model(),
            Self::Given(_) => "given",
        }
    }

    /// The vector of a question's wording.
    ///
    /// # Errors
    /// If there is none, at the stage `query`.
    pub async fn of(&self, query: &Query, attempt: &Attempt) -> Result<Arc<[f32]>, Failure> {
        attempt.enter(Stage::Query);
        match self {
            Self::Referee(table) => {
                let vector = table.of_text(&query.text);
                vector.map(Arc::from).ok_or_else(|| no_query_vector(query))
            }
            Self::Given(given) => {
                let vector = given.get(&(query.question.clone(), query.form));
                vector.cloned().ok_or_else(|| no_query_vector(query))
            }
            Self::Endpoint { endpoint, known } => {
                let digest = Digest::of(&query.text);
                if let Some(vector) = known.lock().await.get(&digest) {
                    return Ok(Arc::clone(vector));
                }
                let embedded = endpoint.embed(&[&query.text]).await;
                let mut vectors = embedded.map_err(|error| {
                    Failure::passing("no_query_vector", Stage::Query, error.to_string())
                })?;
                let vector: Arc<[f32]> = vectors.pop().unwrap_or_default().into();
                known.lock().await.insert(digest, Arc::clone(&vector));
                Ok(vector)
            }
        }
    }
}

/// A question for which nobody has a vector.
fn no_query_vector(query: &Query) -> Failure {
    let message = format!("form {} of {} has no vector", query.form.0, query.question);
    Failure::lasting("no_query_vector", Stage::Query, message)
}
