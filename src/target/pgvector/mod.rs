//! PostgreSQL with pgvector, over its own protocol.
//!
//! The distance that a question is asked with follows the operator class of the index, which is what
//! an application's fast queries follow too; so an index of the wrong class shows as another `METRIC`.
//! Sessions are read-only. Scores are distances turned so that larger is nearer:
//!
//! | operator | distance | score |
//! |---|---|---|
//! | `<=>` | 1 − cosine | 1 − distance: the cosine |
//! | `<#>` | − inner product | − distance: the inner product |
//! | `<->` | Euclidean | − distance |

mod analysis;
mod catalog;
mod load;
mod session;
mod sql;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::ids::TargetName;
use crate::net::{Attempt, ConnectionError, Failure, SecretSource, Secrets, Stage};
use crate::parity::{Contract, ContractField};
use crate::target::store::{Fields, Filter, QueryVectors};
use crate::target::{
    Analysis, Export, Listing, Locality, Metric, Page, Query, Reply, StoredRow, Target, Working,
};

pub use load::PgvectorLoad;

use catalog::{Layout, Param, get, of_text};
use session::{Opener, Pool, Session};

/// Whether the connection is encrypted.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Encrypted, and the server's certificate verified.
    #[default]
    Verify,
    /// Neither: for servers of this machine only.
    Off,
}

/// Which table of which server, and how it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// Who asks.
    pub user: String,
    /// Where the password is, if one is needed.
    pub password: Option<SecretSource>,
    /// Whether the connection is encrypted.
    pub tls: Tls,
    /// PEM certificates of a private authority, trusted beside the system's own.
    pub ca_file: Option<PathBuf>,
    /// Bytes of a reply above which it is not read on.
    pub max_body: usize,
    /// The table's schema.
    pub schema: String,
    /// The table, or a view of it.
    pub table: String,
    /// The column of a row's id.
    pub id_column: String,
    /// The column (`jsonb`) of everything else that is kept of a row, if there is one.
    pub metadata_column: Option<String>,
    /// The other columns.
    pub fields: Fields,
    /// What production asks for beside nearness.
    pub filter: Filter,
    /// The metric of the exact search in a table without an index.
    pub metric: Option<Metric>,
    /// Candidates that an HNSW search looks at, if not as the server says.
    pub ef_search: Option<u32>,
    /// Lists that an IVF search looks at, if not as the server says.
    pub probes: Option<u32>,
    /// The text search configuration of the table's words, if not the server's own.
    pub text_config: Option<String>,
    /// Whether the rows are listed.
    pub list_rows: bool,
}

impl Settings {
    /// Whether a field has a column of its own, whatever metadata may hold under its name.
    fn is_column(&self, field: &str) -> bool {
        let columns = [
            &self.id_column,
            &self.fields.doc_id,
            &self.fields.section_id,
        ];
        columns.iter().any(|column| *column == field)
    }

    /// The fields of the filter that are sought in the metadata.
    pub(crate) fn filtered_metadata(&self) -> impl Iterator<Item = &str> {
        let fields = self.filter.iter().map(|(field, _)| field);
        fields.filter(|field| !self.is_column(field))
    }
}

/// A table of vectors.
pub struct Pgvector {
    name: TargetName,
    settings: Settings,
    vectors: QueryVectors,
    pool: Pool,
    /// As the catalog had it last; the first reading settles which table is meant.
    layout: Mutex<Option<Arc<Layout>>>,
}

impl Pgvector {
    /// The contract fields that the table says of itself.
    pub const COMPUTED: [ContractField; 5] = [
        ContractField::Metric,
        ContractField::IndexParams,
        ContractField::Ranking,
        ContractField::Analyzer,
        ContractField::Dim,
    ];

    /// A table that can be asked; nothing is sent yet.
    ///
    /// # Errors
    /// If the password or a certificate cannot be read.
    pub fn new(
        name: TargetName,
        settings: Settings,
        vectors: QueryVectors,
    ) -> Result<Self, ConnectionError> {
        Ok(Self {
            name,
            pool: Pool::new(Opener::new(&settings)?),
            settings,
            vectors,
            layout: Mutex::default(),
        })
    }

    fn known(&self) -> Option<Arc<Layout>> {
        self.layout
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the catalog once more. A table that was replaced under the same name is another table.
    async fn read(&self, session: &Session, attempt: &Attempt) -> Result<Arc<Layout>, Failure> {
        let now = Arc::new(catalog::read(session, &self.settings, attempt).await?);
        let mut known = self.layout.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.as_ref().filter(|before| before.oid != now.oid) {
            let message = format!(
                "{} ({}) was replaced by {} ({}) during the run",
                before.concrete, before.oid, now.concrete, now.oid
            );
            return Err(Failure::lasting("table_replaced", Stage::Tool, message));
        }
        *known = Some(Arc::clone(&now));
        Ok(now)
    }

    async fn layout(&self, session: &Session, attempt: &Attempt) -> Result<Arc<Layout>, Failure> {
        match self.known() {
            Some(layout) => Ok(layout),
            None => self.read(session, attempt).await,
        }
    }

    fn metric(&self, layout: &Layout) -> Option<Metric> {
        layout.metric.or(self.settings.metric)
    }

    async fn search(
        &self,
        session: &Session,
        query: &Query,
        vector: &[f32],
        attempt: &Attempt,
    ) -> Result<Reply, Failure> {
        let layout = self.layout(session, attempt).await?;
        let Some(metric) = self.metric(&layout) else {
            let message = format!(
                "{} has no index that says the metric; name it in the policy: metric = \"cosine\"",
                layout.concrete
            );
            return Err(Failure::lasting("metric_unknown", Stage::Query, message));
        };
        let conditions = sql::Conditions::of(&self.settings);
        let statement = sql::nearest(&self.settings, &layout, metric, &conditions);
        let k = i64::try_from(query.k.get()).unwrap_or(i64::MAX);
        let text = sql::vector_text(vector);
        let mut params = vec![of_text(&text), (&k as _, Type::INT8)];
        params.extend(conditions.values.iter().map(of_text));
        let rows = session.rows(&statement, &params, attempt).await?;
        attempt.finished();
        let mut hits = Vec::new();
        for row in &rows {
            let distance: f64 = get(row, 5)?;
            let stored = self.stored(row, None)?;
            hits.push(self.settings.fields.hit(stored, score(metric, distance)));
        }
        Ok(Reply {
            hits,
            ..Reply::default()
        })
    }

    async fn listed(
        &self,
        session: &Session,
        after: Option<&str>,
        attempt: &Attempt,
    ) -> Result<Page, Failure> {
        let layout = self.layout(session, attempt).await?;
        let id = layout.id.as_ref().filter(|id| id.unique).ok_or_else(|| {
            let message = format!(
                "column `{}` of {} is not a unique key, by which rows could be listed one by one",
                self.settings.id_column, layout.concrete
            );
            Failure::lasting("id_not_unique", Stage::Tool, message)
        })?;
        let statement = sql::page(&self.settings, &id.type_name, after.is_some());
        let mark = after.map(str::to_owned);
        let params: Vec<Param> = mark.iter().map(of_text).collect();
        let found = session.rows(&statement, &params, attempt).await?;
        attempt.finished();
        let mut rows = Vec::new();
        for row in &found {
            let text: Option<String> = get(row, 5)?;
            let vector = text.as_deref().map(|text| {
                sql::parse_vector(text).ok_or_else(|| {
                    let message = "the vector is not written as [1,2]";
                    Failure::lasting("bad_vector", Stage::Decode, message)
                })
            });
            rows.push(self.stored(row, vector.transpose()?)?);
        }
        let full = rows.len() == sql::PAGE;
        let next = rows.last().filter(|_| full).map(|row| row.id.clone());
        Ok(Page { rows, next })
    }

    /// The row that both statements begin with.
    fn stored(&self, row: &Row, vector: Option<Vec<f32>>) -> Result<StoredRow, Failure> {
        let fields = &self.settings.fields;
        let secrets = self.pool.secrets();
        let id = text(row, 0, secrets)?.unwrap_or_default();
        let mut kept = match get::<Option<Value>>(row, 4)? {
            None => Map::new(),
            Some(Value::Object(kept)) => kept,
            Some(_) => {
                let message = format!("the metadata of row {id} is no JSON object");
                return Err(Failure::lasting("bad_metadata", Stage::Schema, message));
            }
        };
        for (column, name) in [
            (1, &fields.doc_id),
            (2, &fields.section_id),
            (3, &fields.text),
        ] {
            // A column outweighs a key of the same name.
            kept.remove(name);
            if let Some(value) = text(row, column, secrets)? {
                kept.insert(name.clone(), Value::String(value));
            }
        }
        fields.row(id, kept, None, vector)
    }
}

/// A text as it may be shown.
fn text(row: &Row, column: usize, secrets: &Secrets) -> Result<Option<String>, Failure> {
    let text: Option<String> = get(row, column)?;
    Ok(text.map(|text| secrets.scrub(&text).into_owned()))
}

/// The score behind a distance: larger is nearer.
fn score(metric: Metric, distance: f64) -> f64 {
    match metric {
        Metric::Cosine => 1.0 - distance,
        Metric::Dot | Metric::L2 => -distance,
    }
}

impl Target for Pgvector {
    fn name(&self) -> &TargetName {
        &self.name
    }

    fn locality(&self) -> Locality {
        Locality::Network
    }

    fn contract(&self, attempt: Arc<Attempt>) -> Working<'_, Contract> {
        Box::pin(async move {
            let session = self.pool.take(&attempt).await?;
            let read = self.read(&session, &attempt).await;
            self.pool.give_back(session);
            let layout = read?;
            // A search by vectors analyses no text, which is known and therefore stated.
            let mut contract = Contract::default()
                .with(ContractField::IndexParams, &layout.params)
                .with(ContractField::Ranking, "dense")
                .with(ContractField::Analyzer, "none");
            if let Some(metric) = self.metric(&layout) {
                contract = contract.with(ContractField::Metric, metric.name());
            }
            if let Some(dim) = layout.dim {
                contract = contract.with(ContractField::Dim, dim.to_string());
            }
            Ok(contract)
        })
    }

    fn listing(&self) -> Listing<'_> {
        if self.settings.list_rows {
            Listing::Paged(self)
        } else {
            Listing::None
        }
    }

    fn analysis(&self) -> Option<&dyn Analysis> {
        Some(self)
    }

    fn retrieve<'a>(&'a self, query: &'a Query, attempt: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(async move {
            let vector = self.vectors.of(query, &attempt).await?;
            let session = self.pool.take(&attempt).await?;
            let reply = self.search(&session, query, &vector, &attempt).await;
            self.pool.give_back(session);
            reply
        })
    }
}

impl Export for Pgvector {
    fn page<'a>(&'a self, after: Option<&'a str>, attempt: Arc<Attempt>) -> Working<'a, Page> {
        Box::pin(async move {
            let session = self.pool.take(&attempt).await?;
            let page = self.listed(&session, after, &attempt).await;
            self.pool.give_back(session);
            page
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::{cosine, dot};

    /// A table of a server on this machine.
    pub(super) fn settings() -> Settings {
        Settings {
            host: "127.0.0.1".to_owned(),
            port: 5432,
            database: "gold".to_owned(),
            user: "gold".to_owned(),
            password: None,
            tls: Tls::Off,
            ca_file: None,
            max_body: 1 << 20,
            schema: "public".to_owned(),
            table: "t".to_owned(),
            id_column: "id".to_owned(),
            metadata_column: Some("metadata".to_owned()),
            fields: Fields::default(),
            filter: Filter::default(),
            metric: None,
            ef_search: None,
            probes: None,
            text_config: None,
            list_rows: true,
        }
    }

    /// What PostgreSQL 16.2 with pgvector 0.6.2 gave for these two vectors.
    #[test]
    fn a_distance_turns_back_into_its_score() {
        let (query, row) = ([2.0, 0.0], [0.6, 0.8]);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(close(
            score(Metric::Cosine, 0.399_999_976_158_142_1),
            cosine(&query, &row).expect("not zero")
        ));
        assert!(close(
            score(Metric::Dot, -1.200_000_047_683_715_8),
            dot(&query, &row)
        ));
        assert!(close(
            score(Metric::L2, 1.612_451_520_087_523_5),
            Metric::L2.score(&query, &row)
        ));
    }
}
