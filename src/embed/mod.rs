//! The referee embedder: one pinned model that measures every target alike.
//!
//! A ΔS is comparable between two index families only if one embedder made all its vectors. That
//! embedder is the *referee*, whatever models the targets use themselves. It is a cache of vectors
//! made earlier, an endpoint, or the lexical stand-in.

mod cache;
mod endpoint;
mod lexical;
mod table;

use std::path::PathBuf;

use miette::Diagnostic;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use cache::{read_cache, write_cache};
pub use endpoint::Endpoint;
pub use lexical::LEXICAL_DIM;
pub use table::{BadVector, VectorTable};

/// Which kind of embedder measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EmbedderKind {
    /// Vectors made earlier, read from Parquet.
    Cache,
    /// An OpenAI-compatible service; what it returns is kept in the cache.
    Endpoint,
    /// Hashed words and character n-grams: deterministic, needs no model, and is *not* comparable
    /// with the runbooks' thresholds.
    Lexical,
}

impl EmbedderKind {
    /// Whether the runbooks' ΔS limits, which were set with sentence embeddings, mean anything
    /// under it.
    pub fn comparable_with_runbooks(self) -> bool {
        !matches!(self, Self::Lexical)
    }
}

/// Which embedder measured: part of the evidence, since two runs under different referees cannot be
/// compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmbedderId {
    /// How it was reached.
    pub kind: EmbedderKind,
    /// The model's name.
    pub model: String,
    /// Numbers in a vector.
    pub dim: usize,
}

/// Where the referee's vectors come from.
#[derive(Clone, Debug)]
pub enum Referee {
    /// Only the cache: no network, no model.
    Cache {
        /// The Parquet file.
        path: PathBuf,
        /// Which of its models.
        model: String,
    },
    /// The cache first; what it lacks is asked for and written through.
    Endpoint {
        /// The Parquet file.
        path: PathBuf,
        /// The service.
        endpoint: Endpoint,
    },
    /// Computed here.
    Lexical,
}

/// Why there are no vectors.
#[derive(Debug, Error, Diagnostic)]
pub enum EmbedError {
    /// The cache file is not there or cannot be opened.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(embed::read),
        help("make it with `ragstone gold embed FOLDER --endpoint URL`")
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The cache file is not Parquet, is damaged or has other columns.
    #[error("{}: not a readable vector cache", path.display())]
    #[diagnostic(
        code(embed::parquet),
        help(
            "expected Parquet with the columns model (text), text_digest (32 bytes, or `b3:…`) and vector (list of numbers); `ragstone gold embed` writes one"
        )
    )]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: parquet::errors::ParquetError,
    },
    /// A column has the wrong type.
    #[error("{}: column `{column}` is {found}", path.display())]
    #[diagnostic(code(embed::column), help("expected {expected}"))]
    Column {
        /// Which file.
        path: PathBuf,
        /// Which column.
        column: &'static str,
        /// What it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A vector cannot be used.
    #[error("{} row {row}: {problem}", path.display())]
    #[diagnostic(
        code(embed::vector),
        help("embed that text again: delete the row or the file and run `ragstone gold embed`")
    )]
    Vector {
        /// Which file.
        path: PathBuf,
        /// Row, from 1.
        row: usize,
        /// What is wrong with it.
        problem: BadVector,
    },
    /// The cache knows other models only.
    #[error("{}: no vector of model `{model}`", path.display())]
    #[diagnostic(code(embed::model), help("models in the file: {found}"))]
    Model {
        /// Which file.
        path: PathBuf,
        /// The model asked for.
        model: String,
        /// The models there are.
        found: String,
    },
    /// Texts without a vector.
    #[error("{n_missing} of {n_texts} texts have no vector of `{model}`; the first is {first:?}")]
    #[diagnostic(
        code(embed::missing),
        help("embed them: ragstone gold embed {folder} --endpoint URL")
    )]
    Missing {
        /// How many lack one.
        n_missing: usize,
        /// How many were wanted.
        n_texts: usize,
        /// The model.
        model: String,
        /// The beginning of the first of them.
        first: String,
        /// The folder of the cache, for the command.
        folder: String,
    },
    /// The service did not give vectors.
    #[error("{url}: {problem}")]
    #[diagnostic(
        code(embed::endpoint),
        help(
            "expected an OpenAI-compatible POST …/v1/embeddings that answers with one vector a text; the key is read from the environment variable you name"
        )
    )]
    Endpoint {
        /// Where, without credentials and query.
        url: String,
        /// What happened.
        problem: String,
    },
    /// The named environment variable holds no key.
    #[error("the environment variable `{variable}` is not set")]
    #[diagnostic(
        code(embed::key),
        help("export {variable} with the service's key; keys are never read from a file or flag")
    )]
    Key {
        /// Its name.
        variable: String,
    },
    /// The cache cannot be written.
    #[error("{}: cannot be written", path.display())]
    #[diagnostic(code(embed::write))]
    Write {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
}

impl Referee {
    /// Vectors for all these texts.
    ///
    /// # Errors
    /// If one is missing and cannot be made, or the cache is not readable. With an endpoint, what
    /// was made is in the cache even then.
    pub async fn vectors(&self, texts: &[String]) -> Result<VectorTable, EmbedError> {
        match self {
            Self::Lexical => Ok(lexical::embed(texts)),
            Self::Cache { path, model } => {
                let table = read_cache(path, model)?;
                require(&table, texts, path)?;
                Ok(table)
            }
            Self::Endpoint { path, endpoint } => {
                let table = embed_missing(path, endpoint, texts, &mut |_, _| {}).await?;
                require(&table, texts, path)?;
                Ok(table)
            }
        }
    }

    /// Its identity, once its vectors are at hand.
    pub fn id(&self, table: &VectorTable) -> EmbedderId {
        let kind = match self {
            Self::Cache { .. } => EmbedderKind::Cache,
            Self::Endpoint { .. } => EmbedderKind::Endpoint,
            Self::Lexical => EmbedderKind::Lexical,
        };
        EmbedderId {
            kind,
            model: table.model().to_owned(),
            dim: table.dim(),
        }
    }
}

/// Texts sent in one request, and vectors lost at most when the program is killed.
const BATCH: usize = 64;
/// Batches between two writes of the cache.
const BATCHES_A_WRITE: usize = 16;

/// Embeds the texts that the cache at `path` lacks, and writes them through. `progress` is told
/// `(done, wanted)`.
///
/// # Errors
/// If the cache is there but not readable, the service fails, or the cache cannot be written.
pub async fn embed_missing(
    path: &std::path::Path,
    endpoint: &Endpoint,
    texts: &[String],
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<VectorTable, EmbedError> {
    let mut table = match read_cache(path, endpoint.model()) {
        Ok(table) => table,
        Err(EmbedError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            VectorTable::new(endpoint.model())
        }
        Err(EmbedError::Model { .. }) => VectorTable::new(endpoint.model()),
        Err(error) => return Err(error),
    };
    let wanted: Vec<&String> = texts
        .iter()
        .filter(|text| table.of_text(text).is_none())
        .collect();
    progress(0, wanted.len());
    for (index, batch) in wanted.chunks(BATCH).enumerate() {
        let vectors = endpoint.embed(batch).await?;
        for (text, vector) in batch.iter().zip(vectors) {
            table.insert_text(text, &vector).map_err(|problem| {
                endpoint.error(format!("a vector of {:?}: {problem}", beginning(text)))
            })?;
        }
        let done = (index * BATCH + batch.len()).min(wanted.len());
        if (index + 1) % BATCHES_A_WRITE == 0 || done == wanted.len() {
            write_cache(path, &table)?;
        }
        progress(done, wanted.len());
    }
    Ok(table)
}

fn require(
    table: &VectorTable,
    texts: &[String],
    path: &std::path::Path,
) -> Result<(), EmbedError> {
    let missing: Vec<&String> = texts
        .iter()
        .filter(|text| table.of_text(text).is_none())
        .collect();
    let Some(first) = missing.first() else {
        return Ok(());
    };
    let folder = path
        .parent()
        .map_or_else(|| ".".to_owned(), |folder| folder.display().to_string());
    Err(EmbedError::Missing {
        n_missing: missing.len(),
        n_texts: texts.len(),
        model: table.model().to_owned(),
        first: beginning(first),
        folder,
    })
}

/// Enough of a text to recognise it.
fn beginning(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
