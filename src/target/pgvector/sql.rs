//! The statements. Names are quoted, values are bound: nothing from outside becomes SQL.

use serde_json::{Map, Value};

use crate::target::Metric;
use crate::target::pgvector::Settings;
use crate::target::pgvector::catalog::Layout;

/// Rows of one page of an export.
pub(super) const PAGE: usize = 256;

/// A name as PostgreSQL quotes it.
pub(super) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The table or view as the policy names it.
pub(super) fn relation(settings: &Settings) -> String {
    format!("{}.{}", ident(&settings.schema), ident(&settings.table))
}

/// What a row is read by: id, document, section, text, metadata.
fn columns(settings: &Settings) -> String {
    let text = |name: &str| format!("r.{}::text", ident(name));
    let fields = &settings.fields;
    let metadata = match &settings.metadata_column {
        Some(name) => format!("r.{}::jsonb", ident(name)),
        None => "NULL::jsonb".to_owned(),
    };
    [
        text(&settings.id_column),
        text(&fields.doc_id),
        text(&fields.section_id),
        text(&fields.text),
        metadata,
    ]
    .join(", ")
}

/// The filter as SQL, with the values that it binds.
pub(super) struct Conditions {
    /// Nothing, or a `WHERE` with a space behind it.
    clause: String,
    /// From `$3` on.
    pub(super) values: Vec<String>,
}

impl Conditions {
    /// A column is compared as text; everything else is sought in the metadata at once, as an index
    /// on that column could serve it.
    pub(super) fn of(settings: &Settings) -> Self {
        let (mut terms, mut values) = (Vec::new(), Vec::new());
        let mut metadata = Map::new();
        for (field, value) in settings.filter.iter() {
            if settings.is_column(field) {
                values.push(
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                );
                terms.push(format!(
                    "r.{}::text = ${}::text",
                    ident(field),
                    values.len() + 2
                ));
            } else {
                metadata.insert(field.to_owned(), value.clone());
            }
        }
        if let Some(column) = settings
            .metadata_column
            .as_ref()
            .filter(|_| !metadata.is_empty())
        {
            values.push(Value::Object(metadata).to_string());
            let column = ident(column);
            terms.push(format!(
                "r.{column}::jsonb @> ${}::text::jsonb",
                values.len() + 2
            ));
        }
        let clause = if terms.is_empty() {
            String::new()
        } else {
            format!("WHERE {} ", terms.join(" AND "))
        };
        Self { clause, values }
    }
}

/// The nearest rows: `$1` is the query's vector, `$2` how many, and what follows belongs to the
/// conditions. The inner query is what an application asks, for an index serves an order by
/// distance alone, and what it finds is filtered; the outer one breaks ties by id, so that a
/// repeated question has the same reply.
pub(super) fn nearest(
    settings: &Settings,
    layout: &Layout,
    metric: Metric,
    conditions: &Conditions,
) -> String {
    let schema = ident(&layout.type_schema);
    let operator = match metric {
        Metric::Cosine => "<=>",
        Metric::Dot => "<#>",
        Metric::L2 => "<->",
    };
    format!(
        "SELECT * FROM (SELECT {columns}, r.{vector} OPERATOR({schema}.{operator}) \
         $1::text::{schema}.{kind} FROM {relation} AS r {clause}ORDER BY 6 LIMIT $2) \
         AS n(id, doc, section, words, kept, distance) ORDER BY distance, id COLLATE \"C\"",
        columns = columns(settings),
        vector = ident(&settings.fields.vector),
        kind = ident(&layout.type_name),
        clause = conditions.clause,
        relation = relation(settings),
    )
}

/// A page of rows by ascending id, after the id `$1` if there is a mark.
pub(super) fn page(settings: &Settings, id_type: &str, marked: bool) -> String {
    let id = ident(&settings.id_column);
    let after = if marked {
        format!("WHERE r.{id} > $1::text::{id_type} ")
    } else {
        String::new()
    };
    format!(
        "SELECT {columns}, r.{vector}::text FROM {relation} AS r {after}ORDER BY r.{id} LIMIT {PAGE}",
        columns = columns(settings),
        vector = ident(&settings.fields.vector),
        relation = relation(settings),
    )
}

/// A vector as pgvector reads it: `[1,0.5]`.
pub(super) fn vector_text(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// A vector as pgvector writes it; nothing if that is not what it is.
pub(super) fn parse_vector(text: &str) -> Option<Vec<f32>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.split(',').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::pgvector::tests::settings;
    use crate::target::store::Filter;

    fn layout() -> Layout {
        Layout {
            oid: 1,
            concrete: "public.t".to_owned(),
            type_schema: "ext".to_owned(),
            type_name: "halfvec".to_owned(),
            dim: Some(2),
            metric: None,
            params: String::new(),
            id: None,
        }
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(
            ident("a\"; DROP TABLE t; --"),
            "\"a\"\"; DROP TABLE t; --\""
        );
    }

    #[test]
    fn operator_and_type_are_those_of_the_extension_s_schema() {
        let settings = settings();
        let sql = nearest(
            &settings,
            &layout(),
            Metric::Dot,
            &Conditions::of(&settings),
        );
        assert!(
            sql.contains("OPERATOR(\"ext\".<#>) $1::text::\"ext\".\"halfvec\""),
            "{sql}"
        );
        assert!(sql.contains("AS r ORDER BY 6 LIMIT $2)"), "{sql}");
    }

    #[test]
    fn a_filter_is_bound_and_never_written_into_the_statement() {
        let mut settings = settings();
        let conditions =
            serde_json::json!({ "lang": "'; DROP TABLE t; --", "rev": 2, "doc_id": "a" });
        let conditions = serde_json::from_value(conditions).expect("a table");
        settings.filter = Filter::new(conditions);
        let conditions = Conditions::of(&settings);
        let sql = nearest(&settings, &layout(), Metric::L2, &conditions);
        let clause = "AS r WHERE r.\"doc_id\"::text = $3::text AND \
                      r.\"metadata\"::jsonb @> $4::text::jsonb ORDER BY 6 LIMIT $2)";
        assert!(sql.contains(clause), "{sql}");
        assert_eq!(
            conditions.values,
            ["a", r#"{"lang":"'; DROP TABLE t; --","rev":2}"#]
        );
        let listing = page(&settings, "text", false);
        assert!(
            !listing.contains("WHERE"),
            "the listing has every row: {listing}"
        );
    }

    #[test]
    fn a_page_goes_on_after_its_mark() {
        let first = page(&settings(), "uuid", false);
        let next = page(&settings(), "uuid", true);
        assert!(
            !first.contains("$1") && next.contains("r.\"id\" > $1::text::uuid"),
            "{next}"
        );
    }

    #[test]
    fn a_vector_survives_its_text() {
        let vector = [0.1_f32, -1.5e-9, 3.0];
        assert_eq!(parse_vector(&vector_text(&vector)), Some(vector.to_vec()));
        assert_eq!(parse_vector("0.1,2"), None);
        assert_eq!(parse_vector("[0.1,x]"), None);
    }
}
