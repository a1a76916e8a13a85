//! What PostgreSQL's catalog says of the table: the concrete relation, the vector column, its index.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use crate::net::{Attempt, Failure, Stage};
use crate::target::Metric;
use crate::target::pgvector::Settings;
use crate::target::pgvector::session::Session;
use crate::target::pgvector::sql::ident;

/// Views are followed to their table this far.
const DEEPEST_VIEW: usize = 8;

/// The table as it really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Its identity: a table that replaces it under the same name has another.
    pub(super) oid: u32,
    /// The table that holds the rows, a view being resolved: `public.handbook_2`.
    pub(super) concrete: String,
    /// Where the extension lives.
    pub(super) type_schema: String,
    /// `vector` or `halfvec`.
    pub(super) type_name: String,
    /// Numbers in a vector, if the column says so.
    pub(super) dim: Option<i32>,
    /// The distance that the index is for; without an index, none.
    pub(super) metric: Option<Metric>,
    /// Index kind, operator class, parameters with their defaults, concrete table.
    pub(super) params: String,
    /// The id column.
    pub(super) id: Option<IdColumn>,
}

/// The column by which rows are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdColumn {
    /// Its type, as SQL writes it.
    pub(super) type_name: String,
    /// Whether no two rows share an id, and none lacks one.
    pub(super) unique: bool,
}

const RELATION: &str = "SELECT c.oid, c.relkind::text, n.nspname::text, c.relname::text \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'm', 'v', 'f')";

const UNDER_VIEW: &str = "SELECT DISTINCT c.oid, c.relkind::text, n.nspname::text, c.relname::text \
    FROM pg_catalog.pg_rewrite w \
    JOIN pg_catalog.pg_depend d ON d.objid = w.oid \
        AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass \
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
    JOIN pg_catalog.pg_class c ON c.oid = d.refobjid \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE w.ev_class = $1 AND c.oid <> $1 AND c.relkind IN ('r', 'p', 'm', 'v', 'f')";

const COLUMN: &str = "SELECT a.attnum::int4, a.atttypmod, t.typname::text, n.nspname::text \
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
    WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped";

/// Whole and usable indexes on the column alone.
const INDEXES: &str = "SELECT m.amname::text, o.opcname::text, x.reloptions \
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
    JOIN pg_catalog.pg_am m ON m.oid = x.relam \
    JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0] \
    WHERE i.indrelid = $1 AND i.indkey[0] = $2 AND i.indnkeyatts = 1 \
        AND i.indisvalid AND i.indisready AND i.indpred IS NULL ORDER BY x.relname";

const ID: &str = "SELECT pg_catalog.format_type(a.atttypid, NULL), \
    a.attnotnull AND EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid \
        AND i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum \
        AND i.indpred IS NULL) \
    FROM pg_catalog.pg_attribute a \
    WHERE a.attrelid = $1 AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped";

/// The settings of a session that a search depends on.
const SEARCH: &str = "SELECT pg_catalog.current_setting('hnsw.ef_search', true), \
    pg_catalog.current_setting('ivfflat.probes', true)";

/// A table or view.
struct Relation {
    oid: u32,
    kind: String,
    name: String,
}

/// One index on the vector column.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Index {
    method: String,
    class: String,
    options: Vec<String>,
}

/// Reads the catalog.
///
/// # Errors
/// If there is no such table, its vector column is none, or its indexes contradict each other.
pub(super) async fn read(
    session: &Session,
    settings: &Settings,
    attempt: &Attempt,
) -> Result<Layout, Failure> {
    let asked = asked(session, settings, attempt).await?;
    let table = concrete(session, asked, attempt).await?;
    let vector = &settings.fields.vector;
    let params = [of_oid(&table.oid), of_text(vector)];
    let column = session.rows(COLUMN, &params, attempt).await?;
    let Some(column) = column.first() else {
        let message = format!("{} has no column `{vector}`", table.name);
        return Err(wrong("column_missing", message));
    };
    let (number, modifier) = (get::<i32>(column, 0)?, get::<i32>(column, 1)?);
    let (type_name, type_schema) = (get::<String>(column, 2)?, get::<String>(column, 3)?);
    if !matches!(type_name.as_str(), "vector" | "halfvec") {
        let message = format!("column `{vector}` is of the type {type_name}, expected vector");
        return Err(wrong("not_a_vector_column", message));
    }
    let params = [of_oid(&table.oid), (&number as _, Type::INT4)];
    let rows = session.rows(INDEXES, &params, attempt).await?;
    let mut indexes = Vec::new();
    for row in &rows {
        indexes.push(Index {
            method: get(row, 0)?,
            class: get(row, 1)?,
            options: get::<Option<Vec<String>>>(row, 2)?.unwrap_or_default(),
        });
    }
    // The extension's settings are known once it is loaded, which reading a vector does.
    let load = format!(
        "SELECT '[1]'::{}.{}",
        ident(&type_schema),
        ident(&type_name)
    );
    session.run(&load, attempt).await?;
    let search = session.rows(SEARCH, &[], attempt).await?;
    let search = search
        .first()
        .map(|row| Ok::<_, Failure>((get(row, 0)?, get(row, 1)?)));
    let (ef_search, probes) = search.transpose()?.unwrap_or_default();
    let (metric, words) = indexed(&indexes, ef_search, probes)?;
    Ok(Layout {
        oid: table.oid,
        type_schema,
        type_name,
        dim: (modifier > 0).then_some(modifier),
        metric,
        params: format!("{words} on {}", table.name),
        id: id_column(session, settings, &table, attempt).await?,
        concrete: table.name,
    })
}

async fn asked(
    session: &Session,
    settings: &Settings,
    attempt: &Attempt,
) -> Result<Relation, Failure> {
    let params = [of_text(&settings.schema), of_text(&settings.table)];
    let rows = session.rows(RELATION, &params, attempt).await?;
    if let Some(row) = rows.first() {
        return relation(row);
    }
    let message = format!("there is no table {}.{}", settings.schema, settings.table);
    Err(wrong("table_missing", message))
}

/// Follows views to the one table that holds the rows.
async fn concrete(
    session: &Session,
    mut found: Relation,
    attempt: &Attempt,
) -> Result<Relation, Failure> {
    for _ in 0..DEEPEST_VIEW {
        if found.kind != "v" {
            return Ok(found);
        }
        let rows = session
            .rows(UNDER_VIEW, &[of_oid(&found.oid)], attempt)
            .await?;
        let [row] = rows.as_slice() else {
            let message = format!("the view {} stands over {} tables", found.name, rows.len());
            return Err(wrong("view_of_several", message));
        };
        found = relation(row)?;
    }
    let message = format!("views are nested more than {DEEPEST_VIEW} deep");
    Err(wrong("view_too_deep", message))
}

fn relation(row: &Row) -> Result<Relation, Failure> {
    Ok(Relation {
        oid: get(row, 0)?,
        kind: get(row, 1)?,
        name: format!("{}.{}", get::<String>(row, 2)?, get::<String>(row, 3)?),
    })
}

async fn id_column(
    session: &Session,
    settings: &Settings,
    table: &Relation,
    attempt: &Attempt,
) -> Result<Option<IdColumn>, Failure> {
    let params = [of_oid(&table.oid), of_text(&settings.id_column)];
    let rows = session.rows(ID, &params, attempt).await?;
    let column = |row: &Row| {
        Ok(IdColumn {
            type_name: get(row, 0)?,
            unique: get(row, 1)?,
        })
    };
    rows.first().map(column).transpose()
}

/// The metric that the indexes are for, and what to say of them. Indexes of other classes, such as
/// one that only sorts, serve no search.
fn indexed(
    indexes: &[Index],
    ef_search: Option<String>,
    probes: Option<String>,
) -> Result<(Option<Metric>, String), Failure> {
    let mut metric: Option<Metric> = None;
    let mut words: Vec<String> = Vec::new();
    for index in indexes {
        let Some(own) = metric_of(&index.class)? else {
            continue;
        };
        words.push(index.words(ef_search.as_deref(), probes.as_deref()));
        if metric.is_some_and(|other| other != own) {
            let message = format!("indexes for different metrics: {}", words.join("; "));
            return Err(wrong("several_metrics", message));
        }
        metric = Some(own);
    }
    if words.is_empty() {
        words.push("exact scan".to_owned());
    }
    Ok((metric, words.join("; ")))
}

/// The metric of an operator class; none if it is not for nearest neighbours.
fn metric_of(class: &str) -> Result<Option<Metric>, Failure> {
    let Some((_, kind)) = class.split_once('_') else {
        return Ok(None);
    };
    match kind {
        "cosine_ops" => Ok(Some(Metric::Cosine)),
        "ip_ops" => Ok(Some(Metric::Dot)),
        "l2_ops" => Ok(Some(Metric::L2)),
        "l1_ops" => {
            let message = format!("the operator class {class} has a metric that is not supported");
            Err(wrong("metric_not_supported", message))
        }
        _ => Ok(None),
    }
}

impl Index {
    /// `hnsw vector_l2_ops m=16 ef_construction=64 ef_search=40`.
    fn words(&self, ef_search: Option<&str>, probes: Option<&str>) -> String {
        let (defaults, search): (&[(&str, &str)], _) = match self.method.as_str() {
            "hnsw" => (
                &[("m", "16"), ("ef_construction", "64")],
                ef_search.map(|value| ("ef_search", value)),
            ),
            "ivfflat" => (&[("lists", "100")], probes.map(|value| ("probes", value))),
            _ => (&[], None),
        };
        let mut words = vec![self.method.clone(), self.class.clone()];
        for (name, usual) in defaults {
            let set = self.options.iter().find_map(|option| {
                let (key, value) = option.split_once('=')?;
                (key == *name).then_some(value)
            });
            words.push(format!("{name}={}", set.unwrap_or(usual)));
        }
        let known = |option: &&String| {
            defaults
                .iter()
                .any(|(name, _)| option.split('=').next() == Some(name))
        };
        words.extend(self.options.iter().filter(|option| !known(option)).cloned());
        words.extend(search.map(|(name, value)| format!("{name}={value}")));
        words.join(" ")
    }
}

/// A parameter with its type.
pub(super) type Param<'a> = (&'a (dyn tokio_postgres::types::ToSql + Sync), Type);

pub(super) fn of_text(text: &String) -> Param<'_> {
    (text, Type::TEXT)
}

fn of_oid(oid: &u32) -> Param<'_> {
    (oid, Type::OID)
}

/// A column of a reply.
///
/// # Errors
/// If it is of another type than was asked for.
pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: usize,
) -> Result<T, Failure> {
    row.try_get(column).map_err(|error| {
        let message = format!("column {column} of the reply: {error}");
        Failure::lasting("unexpected_type", Stage::Decode, message)
    })
}

fn wrong(class: &str, message: String) -> Failure {
    Failure::lasting(class, Stage::Schema, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(method: &str, class: &str, options: &[&str]) -> Index {
        Index {
            method: method.to_owned(),
            class: class.to_owned(),
            options: options.iter().map(ToString::to_string).collect(),
        }
    }

    #[track_caller]
    fn check(indexes: &[Index], metric: Option<Metric>, words: &str) {
        let (ef_search, probes) = (Some("40".to_owned()), Some("1".to_owned()));
        let found = indexed(indexes, ef_search, probes).expect("no contradiction");
        assert_eq!(found, (metric, words.to_owned()));
    }

    #[test]
    fn an_index_says_its_metric_and_every_parameter() {
        check(
            &[index("hnsw", "vector_cosine_ops", &[])],
            Some(Metric::Cosine),
            "hnsw vector_cosine_ops m=16 ef_construction=64 ef_search=40",
        );
        check(
            &[index(
                "hnsw",
                "halfvec_l2_ops",
                &["ef_construction=32", "m=8"],
            )],
            Some(Metric::L2),
            "hnsw halfvec_l2_ops m=8 ef_construction=32 ef_search=40",
        );
        check(
            &[index("ivfflat", "vector_ip_ops", &["lists=3"])],
            Some(Metric::Dot),
            "ivfflat vector_ip_ops lists=3 probes=1",
        );
        check(
            &[index("diskann", "vector_cosine_ops", &["num_neighbors=50"])],
            Some(Metric::Cosine),
            "diskann vector_cosine_ops num_neighbors=50",
        );
    }

    #[test]
    fn without_an_index_for_neighbours_the_metric_is_not_known() {
        check(&[], None, "exact scan");
        check(&[index("btree", "vector_ops", &[])], None, "exact scan");
    }

    #[test]
    fn two_indexes_of_one_metric_agree_and_of_two_do_not() {
        let hnsw = index("hnsw", "vector_l2_ops", &[]);
        let flat = index("ivfflat", "vector_l2_ops", &[]);
        let both = [hnsw.clone(), flat];
        let (metric, _) = indexed(&both, None, None).expect("they agree");
        assert_eq!(metric, Some(Metric::L2));
        let other = index("hnsw", "vector_cosine_ops", &[]);
        let failure = indexed(&[hnsw, other], None, None).expect_err("they do not");
        assert_eq!(failure.class, "several_metrics");
        assert!(
            failure.message.contains("vector_cosine_ops"),
            "{}",
            failure.message
        );
    }
}
