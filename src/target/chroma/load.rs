//! A new collection, filled batch by batch.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::net::{Attempt, Connection, ConnectionError, Failure, Stage};
use crate::target::chroma::Settings;
use crate::target::chroma::reply::{Collection, unexpected};
use crate::target::store::{Load, Shape};
use crate::target::{Metric, StoredRow, Working};

/// A collection that is being filled.
pub struct ChromaLoad {
    settings: Settings,
    connection: Connection,
    made: Mutex<Option<Filling>>,
}

/// A collection with what was put into it.
struct Filling {
    id: String,
    n_rows: u64,
}

impl ChromaLoad {
    /// A collection to be made; nothing is sent yet.
    ///
    /// # Errors
    /// If a secret or certificate cannot be read.
    pub fn new(settings: Settings) -> Result<Self, ConnectionError> {
        Ok(Self {
            connection: Connection::new(&settings.connection)?,
            settings,
            made: Mutex::default(),
        })
    }

    async fn make(&self, shape: Shape, attempt: &Arc<Attempt>) -> Result<(), Failure> {
        let space = match shape.metric {
            Metric::Cosine => "cosine",
            Metric::Dot => "ip",
            Metric::L2 => "l2",
        };
        let body = json!({
            "name": self.settings.collection,
            "configuration": { "hnsw": { "space": space } },
            "get_or_create": false,
        });
        let parts = self.settings.collections();
        let made = Collection::of(&self.connection.post(&parts, &body, attempt).await?)?;
        if made.metric != shape.metric {
            let message = format!(
                "asked for the space {space}, the server made {}",
                made.params
            );
            return Err(unexpected(message));
        }
        *self.made.lock().await = Some(Filling {
            id: made.id,
            n_rows: 0,
        });
        Ok(())
    }

    async fn insert(&self, rows: &[StoredRow], attempt: &Arc<Attempt>) -> Result<(), Failure> {
        let mut made = self.made.lock().await;
        let filling = made.as_mut().ok_or_else(not_made)?;
        let fields = &self.settings.fields;
        let metadata = |row: &StoredRow| -> Map<String, Value> {
            let mut kept = row.metadata.clone();
            kept.insert(fields.doc_id.clone(), row.section.doc_id.as_str().into());
            kept.insert(
                fields.section_id.clone(),
                row.section.section_id.as_str().into(),
            );
            kept
        };
        let body = json!({
            "ids": rows.iter().map(|row| &row.id).collect::<Vec<_>>(),
            "embeddings": rows.iter().map(|row| &row.vector).collect::<Vec<_>>(),
            "documents": rows.iter().map(|row| &row.text).collect::<Vec<_>>(),
            "metadatas": rows.iter().map(metadata).collect::<Vec<_>>(),
        });
        let mut parts = self.settings.collections().to_vec();
        parts.extend([filling.id.as_str(), "add"]);
        self.connection.post(&parts, &body, attempt).await?;
        filling.n_rows += rows.len() as u64;
        Ok(())
    }

    /// The server builds the index by itself; what is left is to see that it holds every row.
    async fn count(&self, attempt: &Arc<Attempt>) -> Result<(), Failure> {
        let made = self.made.lock().await;
        let filling = made.as_ref().ok_or_else(not_made)?;
        let mut parts = self.settings.collections().to_vec();
        parts.extend([filling.id.as_str(), "count"]);
        let count = self.connection.get(&parts, attempt).await?;
        if count.as_u64() == Some(filling.n_rows) {
            return Ok(());
        }
        let message = format!(
            "{} rows were sent, the server counts {count}",
            filling.n_rows
        );
        Err(Failure::lasting("rows_lost", Stage::Tool, message))
    }
}

fn not_made() -> Failure {
    Failure::lasting(
        "not_made",
        Stage::Query,
        "the collection was not made by this command",
    )
}

impl Load for ChromaLoad {
    fn place(&self) -> String {
        format!(
            "{} at {}",
            self.settings.collection,
            self.connection.shown()
        )
    }

    fn create(&self, shape: Shape, attempt: Arc<Attempt>) -> Working<'_, ()> {
        Box::pin(async move { self.make(shape, &attempt).await })
    }

    fn add<'a>(&'a self, rows: &'a [StoredRow], attempt: Arc<Attempt>) -> Working<'a, ()> {
        Box::pin(async move { self.insert(rows, &attempt).await })
    }

    fn finish(&self, _: Shape, attempt: Arc<Attempt>) -> Working<'_, ()> {
        Box::pin(async move { self.count(&attempt).await })
    }
}
