//! Contract and rows of each side against its control.

use crate::parity::{FieldParity, FieldStatus, Ids, RowDiff, SideParity};
use crate::report::html::ladder::LadderView;
use crate::report::html::words::{count, name};
use crate::report::{plain, rows};

/// One side.
pub(super) struct ParityView {
    /// The side.
    pub(super) target: String,
    /// What it is compared with.
    pub(super) control: String,
    /// Field by field.
    pub(super) fields: Vec<FieldView>,
    /// How its rows relate to the control's.
    pub(super) summary: String,
    /// How the vectors differ, and which metadata keys.
    pub(super) sentences: Vec<String>,
    /// Sections, then rows, then vectors, that differ.
    pub(super) lists: Vec<ListView>,
    /// Where it breaks first.
    pub(super) ladder: Option<LadderView>,
}

/// One contract field.
pub(super) struct FieldView {
    /// Which field.
    pub(super) field: &'static str,
    /// What it should be.
    pub(super) intended: Option<String>,
    /// What it is.
    pub(super) found: Option<String>,
    /// Style of the status.
    pub(super) class: &'static str,
    /// A sign that differs in shape.
    pub(super) sign: &'static str,
    /// How they relate.
    pub(super) status: &'static str,
}

/// Ids that differ in one way.
pub(super) struct ListView {
    /// In which way, and how many.
    pub(super) title: String,
    /// The first of them.
    pub(super) ids: Vec<String>,
    /// How many more there are.
    pub(super) more: usize,
}

/// Arranges one side.
pub(super) fn view(parity: &SideParity, ladder: Option<LadderView>) -> ParityView {
    ParityView {
        target: name(&parity.target),
        control: name(&parity.control),
        fields: parity.fields.iter().map(field).collect(),
        summary: summary(parity.rows.as_ref()),
        sentences: parity.rows.as_ref().map_or_else(Vec::new, |rows| {
            let sentences = [keys(rows), Some(rows::vectors(rows))];
            sentences.into_iter().flatten().collect()
        }),
        lists: parity.rows.as_ref().map_or_else(Vec::new, lists),
        ladder,
    }
}

fn field(field: &FieldParity) -> FieldView {
    let (class, sign, status) = match field.status {
        FieldStatus::Equal => ("pass", "✓", "equal"),
        FieldStatus::Differs => ("fail", "✕", "differs"),
        FieldStatus::Versioned => ("waived", "~", "versioned on purpose"),
        FieldStatus::NotStated => ("inconclusive", "?", "not stated"),
        FieldStatus::Informative => ("quiet", "–", "for information"),
    };
    FieldView {
        field: field.field.name(),
        intended: field.intended.as_deref().map(plain),
        found: field.found.as_deref().map(plain),
        class,
        sign,
        status,
    }
}

fn summary(rows: Option<&RowDiff>) -> String {
    match rows {
        None => "Rows were not compared: one side or both cannot list them.".to_owned(),
        Some(rows) if rows.n_changed == 0 => {
            format!(
                "All {} have the same ids, texts and metadata.",
                count(rows.n_control, "row")
            )
        }
        Some(rows) => format!(
            "{} differ; {} here, {} in the control.",
            count(rows.n_changed, "row id"),
            count(rows.n_target, "row"),
            rows.n_control
        ),
    }
}

fn lists(rows: &RowDiff) -> Vec<ListView> {
    rows::lists(rows)
        .into_iter()
        .map(|(title, ids)| list(title, ids))
        .collect()
}

/// `Metadata keys: title in 3 rows, rev in 1 row.`
fn keys(rows: &RowDiff) -> Option<String> {
    let (keys, more) = rows::keys(rows);
    let mut keys: Vec<String> = keys
        .into_iter()
        .map(|(key, n)| format!("{} in {}", plain(key), count(n, "row")))
        .collect();
    if more > 0 {
        keys.push(format!("{more} more"));
    }
    (!keys.is_empty()).then(|| format!("Metadata keys: {}.", keys.join(", ")))
}

fn list(title: String, ids: &Ids) -> ListView {
    ListView {
        title,
        ids: ids.first.iter().map(|id| plain(id)).collect(),
        more: ids.n.saturating_sub(ids.first.len()),
    }
}
