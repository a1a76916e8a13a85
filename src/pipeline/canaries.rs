//! The embedding canaries of a live side.

use std::num::NonZeroUsize;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use miette::Diagnostic;
use thiserror::Error;

use crate::embed::{EmbedError, Endpoint};
use crate::net::{Failure, Stage};
use crate::parity::canary::{CanaryReading, CanarySet, MalformedReading, Refusal};

/// Requests under way at once: enough to overlap their ways, too few to be a load.
const CONCURRENCY: usize = 4;

/// Why a side's canaries are not known.
#[derive(Debug, Error, Diagnostic)]
pub enum CanaryError {
    /// The service cannot even be asked.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Embed(#[from] EmbedError),
    /// The service was asked and is not there, or has too much to do.
    #[error("the embeddings of `{model}` cannot be had: {class} at {stage}: {message}")]
    #[diagnostic(
        code(canary::unreachable),
        help("until the service answers, its embeddings are not checked")
    )]
    Unreachable {
        /// The model.
        model: String,
        /// Class of the failure: `connection_refused`.
        class: String,
        /// Where it happened.
        stage: Stage,
        /// What was said.
        message: String,
    },
    /// The service refused every canary.
    #[error("`{model}` refuses every canary, the first with {class}: {message}")]
    #[diagnostic(
        code(canary::refused),
        help(
            "the model's name or the key may be wrong; until then its embeddings are not checked"
        )
    )]
    Refused {
        /// The model.
        model: String,
        /// Class of the failure: `http_401`.
        class: String,
        /// What was said.
        message: String,
    },
    /// There are other answers than were asked for.
    #[error("the embeddings of `{model}` are no whole reading: {source}")]
    #[diagnostic(code(canary::malformed))]
    Malformed {
        /// The model.
        model: String,
        /// In what way.
        source: MalformedReading,
    },
}

/// Has a service embed every canary of the current set, `repeats` times.
///
/// Each request carries one text, so that a refused one takes no other with it and what stands beside
/// a text in a batch cannot change its vector. All canaries are asked once before any is asked again.
/// What the service says no to, such as the empty string, is kept with its class, also if it breaks on
/// it each time; a service that is not there, that does not answer in time or that asks to be asked
/// less gives no reading.
///
/// # Errors
/// If the service cannot be asked, does not answer, or refuses every canary.
pub async fn read_canaries(
    endpoint: &Endpoint,
    repeats: NonZeroUsize,
) -> Result<CanaryReading, CanaryError> {
    let set = CanarySet::current();
    let n = set.canaries().len();
    let asked = (0..repeats.get()).flat_map(|_| set.canaries());
    let calls: Vec<BoxFuture<'_, _>> = asked
        .map(|canary| -> BoxFuture<'_, _> { Box::pin(ask(endpoint, &canary.text)) })
        .collect();
    let given = stream::iter(calls).buffered(CONCURRENCY);
    let given: Vec<Result<Vec<f32>, Refusal>> = given.try_collect().await?;
    let mut answers = vec![Vec::with_capacity(repeats.get()); n];
    for (index, answer) in given.into_iter().enumerate() {
        answers[index % n].push(answer);
    }
    if let Some(refusal) = refused_all(&answers) {
        return Err(CanaryError::Refused {
            model: endpoint.model().to_owned(),
            class: refusal.class.clone(),
            message: refusal.message.clone(),
        });
    }
    let reading = CanaryReading::of_current(endpoint.model(), repeats.get(), answers);
    match reading.check(set) {
        Ok(()) => Ok(reading),
        Err(source) => Err(CanaryError::Malformed {
            model: endpoint.model().to_owned(),
            source,
        }),
    }
}

async fn ask(endpoint: &Endpoint, text: &String) -> Result<Result<Vec<f32>, Refusal>, CanaryError> {
    match endpoint.answer(&[text]).await? {
        Ok(vectors) => Ok(Ok(vectors.into_iter().next().unwrap_or_default())),
        Err(failure) if is_an_answer(&failure) => Ok(Err(Refusal {
            class: failure.class,
            message: failure.message,
        })),
        Err(failure) => Err(CanaryError::Unreachable {
            model: endpoint.model().to_owned(),
            class: failure.class,
            stage: failure.stage,
            message: failure.message,
        }),
    }
}

/// Whether a failure is about the text, as opposed to a service that serves nobody just now.
fn is_an_answer(failure: &Failure) -> bool {
    let is_reply = failure.status.is_some() || matches!(failure.stage, Stage::Schema);
    is_reply && !failure.is_overload()
}

/// The first refusal, if there is nothing but refusals.
fn refused_all(answers: &[Vec<Result<Vec<f32>, Refusal>>]) -> Option<&Refusal> {
    let mut refusals = answers.iter().flatten().map(|answer| answer.as_ref().err());
    let first = refusals.next()??;
    refusals.all(|refusal| refusal.is_some()).then_some(first)
}
