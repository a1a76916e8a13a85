//! A new table with its index, filled in one transaction: whole, or not there at all.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_postgres::types::Type;

use crate::net::{Attempt, ConnectionError, Failure, Stage};
use crate::target::pgvector::Settings;
use crate::target::pgvector::catalog::get;
use crate::target::pgvector::session::{Access, Opener, Session};
use crate::target::pgvector::sql::{ident, relation, vector_text};
use crate::target::store::{Load, Shape};
use crate::target::{Metric, StoredRow, Working};

/// A table that is being filled.
pub struct PgvectorLoad {
    settings: Settings,
    opener: Opener,
    /// The session whose transaction it is, and the schema of the extension.
    open: Mutex<Option<(Session, String)>>,
}

impl PgvectorLoad {
    /// A table to be made; nothing is sent yet.
    ///
    /// # Errors
    /// If the password or a certificate cannot be read.
    pub fn new(settings: Settings) -> Result<Self, ConnectionError> {
        Ok(Self {
            opener: Opener::new(&settings)?,
            settings,
            open: Mutex::default(),
        })
    }

    fn columns(&self) -> Vec<String> {
        let fields = &self.settings.fields;
        let names = [
            &self.settings.id_column,
            &fields.doc_id,
            &fields.section_id,
            &fields.text,
        ];
        let mut columns: Vec<String> = names.map(|name| ident(name)).to_vec();
        columns.push(ident(&fields.vector));
        columns.extend(self.settings.metadata_column.as_deref().map(ident));
        columns
    }

    async fn make(&self, shape: Shape, attempt: &Attempt) -> Result<(), Failure> {
        let session = self.opener.open(Access::Write, attempt).await?;
        session.run("BEGIN", attempt).await?;
        session
            .run("CREATE EXTENSION IF NOT EXISTS vector", attempt)
            .await?;
        let find = "SELECT n.nspname::text FROM pg_catalog.pg_extension e \
            JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'vector'";
        let found = session.rows(find, &[], attempt).await?;
        let Some(row) = found.first() else {
            let message = "the extension `vector` is not there";
            return Err(Failure::lasting("no_extension", Stage::Schema, message));
        };
        let schema: String = get(row, 0)?;
        let types = |at: usize| match at {
            0 => "text PRIMARY KEY".to_owned(),
            4 => format!("{}.vector({}) NOT NULL", ident(&schema), shape.dim),
            5 => "jsonb NOT NULL".to_owned(),
            _ => "text NOT NULL".to_owned(),
        };
        let columns: Vec<String> = self
            .columns()
            .iter()
            .enumerate()
            .map(|(at, name)| format!("{name} {}", types(at)))
            .collect();
        let table = relation(&self.settings);
        let make = format!("CREATE TABLE {table} ({})", columns.join(", "));
        session.run(&make, attempt).await?;
        *self.open.lock().await = Some((session, schema));
        Ok(())
    }

    async fn insert(&self, rows: &[StoredRow], attempt: &Attempt) -> Result<(), Failure> {
        let open = self.open.lock().await;
        let Some((session, schema)) = open.as_ref() else {
            return Err(not_made());
        };
        let each = |of: fn(&StoredRow) -> String| rows.iter().map(of).collect::<Vec<String>>();
        let mut values = vec![
            each(|row| row.id.clone()),
            each(|row| row.section.doc_id.as_str().to_owned()),
            each(|row| row.section.section_id.as_str().to_owned()),
            each(|row| row.text.clone()),
            each(|row| vector_text(row.vector.as_deref().unwrap_or_default())),
        ];
        let columns = self.columns();
        let vector = format!("v5::{}.vector", ident(schema));
        let mut picked = vec!["v1", "v2", "v3", "v4", vector.as_str()];
        if self.settings.metadata_column.is_some() {
            values.push(each(|row| {
                serde_json::Value::Object(row.metadata.clone()).to_string()
            }));
            picked.push("v6::jsonb");
        }
        let names: Vec<String> = (1..=values.len()).map(|n| format!("v{n}")).collect();
        let arrays: Vec<String> = (1..=values.len())
            .map(|n| format!("pg_catalog.unnest(${n})"))
            .collect();
        let insert = format!(
            "INSERT INTO {} ({}) SELECT {} FROM ROWS FROM ({}) AS u({})",
            relation(&self.settings),
            columns.join(", "),
            picked.join(", "),
            arrays.join(", "),
            names.join(", "),
        );
        let params: Vec<_> = values
            .iter()
            .map(|values| {
                (
                    values as &(dyn tokio_postgres::types::ToSql + Sync),
                    Type::TEXT_ARRAY,
                )
            })
            .collect();
        session.rows(&insert, &params, attempt).await?;
        Ok(())
    }

    async fn index(&self, shape: Shape, attempt: &Attempt) -> Result<(), Failure> {
        let mut open = self.open.lock().await;
        let Some((session, schema)) = open.take() else {
            return Err(not_made());
        };
        let class = match shape.metric {
            Metric::Cosine => "vector_cosine_ops",
            Metric::Dot => "vector_ip_ops",
            Metric::L2 => "vector_l2_ops",
        };
        let table = relation(&self.settings);
        let index = format!(
            "CREATE INDEX ON {table} USING hnsw ({} {}.{class})",
            ident(&self.settings.fields.vector),
            ident(&schema),
        );
        session.run(&index, attempt).await?;
        session.run("COMMIT", attempt).await?;
        session.run(&format!("ANALYZE {table}"), attempt).await
    }
}

fn not_made() -> Failure {
    Failure::lasting(
        "not_made",
        Stage::Query,
        "the table was not made in this session",
    )
}

impl Load for PgvectorLoad {
    fn place(&self) -> String {
        let Settings {
            host,
            port,
            database,
            schema,
            table,
            ..
        } = &self.settings;
        format!("{schema}.{table} of {database} at {host}:{port}")
    }

    fn create(&self, shape: Shape, attempt: Arc<Attempt>) -> Working<'_, ()> {
        Box::pin(async move { self.make(shape, &attempt).await })
    }

    fn add<'a>(&'a self, rows: &'a [StoredRow], attempt: Arc<Attempt>) -> Working<'a, ()> {
        Box::pin(async move { self.insert(rows, &attempt).await })
    }

    fn finish(&self, shape: Shape, attempt: Arc<Attempt>) -> Working<'_, ()> {
        Box::pin(async move { self.index(shape, &attempt).await })
    }
}
