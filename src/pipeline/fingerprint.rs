//! The analyzer fingerprint of a live side.
//!
//! A cluster's nodes cannot be told apart here: Elasticsearch's `_analyze` takes no preference, and
//! a PostgreSQL replica is a server of its own. Per node means one target a node.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use miette::Diagnostic;
use thiserror::Error;

use crate::ids::TargetName;
use crate::net::{Failure, Stage};
use crate::parity::analyzer::{MalformedStreams, ProbeSet, TokenStream, TokenStreams};
use crate::replay::{Settings, patiently};
use crate::target::{Analysis, AnalysisTime, SearchAnalysis, Target};

/// Why a side's token streams are not known.
#[derive(Debug, Error, Diagnostic)]
pub enum FingerprintError {
    /// It has no text analysis that can be asked.
    #[error("target `{target}` does not say how it cuts texts into words")]
    #[diagnostic(
        code(fingerprint::no_analysis),
        help("embedded, elastic and pgvector targets can be asked; what others do is not checked")
    )]
    NoAnalysis {
        /// Which target.
        target: TargetName,
    },
    /// It was asked and did not answer.
    #[error("target `{target}` cannot be asked how it cuts texts: {class} at {stage}: {message}")]
    #[diagnostic(
        code(fingerprint::failed),
        help(
            "the user or key needs the right to analyse texts; until then the analyzer is not checked"
        )
    )]
    Failed {
        /// Which target.
        target: TargetName,
        /// Class of the failure: `http_403`.
        class: String,
        /// Where it happened.
        stage: Stage,
        /// What was said.
        message: String,
    },
    /// It answered with other streams than it was asked for.
    #[error("target `{target}` gives no whole reading: {source}")]
    #[diagnostic(code(fingerprint::malformed))]
    Malformed {
        /// Which target.
        target: TargetName,
        /// In what way.
        source: MalformedStreams,
    },
}

/// Has a target cut every probe of the current set, as it indexes and as it searches.
///
/// Each call has the time limit and the retries of `settings`, and as many are under way at once as
/// `settings.concurrency` says. A PostgreSQL server is asked three statements, an Elasticsearch index
/// one call a probe, and a second where questions have an analyzer of their own.
///
/// # Errors
/// If the target cannot analyse texts, a call fails for good, or streams are missing.
pub async fn read_token_streams(
    target: &dyn Target,
    settings: &Settings,
) -> Result<TokenStreams, FingerprintError> {
    let name = target.name();
    let Some(analysis) = target.analysis() else {
        return Err(FingerprintError::NoAnalysis {
            target: name.clone(),
        });
    };
    let streams = asked(analysis, settings).await.map_err(|failure| {
        let Failure {
            class,
            stage,
            message,
            ..
        } = failure;
        FingerprintError::Failed {
            target: name.clone(),
            class,
            stage,
            message,
        }
    })?;
    match streams.check(ProbeSet::current()) {
        Ok(()) => Ok(streams),
        Err(source) => Err(FingerprintError::Malformed {
            target: name.clone(),
            source,
        }),
    }
}

async fn asked(analysis: &dyn Analysis, settings: &Settings) -> Result<TokenStreams, Failure> {
    let set = ProbeSet::current();
    let texts: Vec<&str> = set
        .probes()
        .iter()
        .map(|probe| probe.text.as_str())
        .collect();
    let analyzer = patiently(settings, |attempt| analysis.analyzer(attempt)).await?;
    let index = at(analysis, &texts, AnalysisTime::Index, settings).await?;
    let search = match analyzer.search {
        SearchAnalysis::NotTold => None,
        SearchAnalysis::AsIndexed => Some(index.clone()),
        SearchAnalysis::OfItsOwn => {
            Some(at(analysis, &texts, AnalysisTime::Search, settings).await?)
        }
    };
    Ok(TokenStreams {
        probe_set: set.digest(),
        analyzer: analyzer.name,
        engine: analyzer.engine,
        index,
        search,
    })
}

/// One stream a text, in the order of the texts, however many calls that takes.
async fn at(
    analysis: &dyn Analysis,
    texts: &[&str],
    time: AnalysisTime,
    settings: &Settings,
) -> Result<Vec<TokenStream>, Failure> {
    // Boxed, since the compiler cannot see that a future over borrowed parts may move to another
    // thread.
    let calls: Vec<_> = texts
        .chunks(analysis.texts_a_call().max(1))
        .map(|part| -> futures_util::future::BoxFuture<'_, _> {
            Box::pin(patiently(settings, move |attempt| {
                analysis.streams(part, time, attempt)
            }))
        })
        .collect();
    let read = stream::iter(calls).buffered(settings.concurrency.max(1));
    let read: Vec<Vec<TokenStream>> = read.try_collect().await?;
    Ok(read.into_iter().flatten().collect())
}
