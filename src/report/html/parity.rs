//! Contract and rows of each side against its control.

use crate::parity::{FieldParity, FieldStatus, Ids, RowDiff, SideParity};
use crate::report::html::words::{count, name};
use crate::report::plain;

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
    /// Sections, then rows, that differ.
    pub(super) lists: Vec<ListView>,
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
pub(super) fn view(parity: &SideParity) -> ParityView {
    ParityView {
        target: name(&parity.target),
        control: name(&parity.control),
        fields: parity.fields.iter().map(field).collect(),
        summary: summary(parity.rows.as_ref()),
        lists: parity.rows.as_ref().map_or_else(Vec::new, lists),
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
            format!("All {} are the same.", count(rows.n_control, "row"))
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
    let sections = &rows.sections;
    [
        ("section missing", "sections missing", &sections.missing),
        ("section edited", "sections edited", &sections.edited),
        (
            "section duplicated",
            "sections duplicated",
            &sections.duplicated,
        ),
        (
            "section that the control does not have",
            "sections that the control does not have",
            &sections.extra,
        ),
        ("row missing", "rows missing", &rows.missing),
        (
            "row with another text",
            "rows with another text",
            &rows.text_changed,
        ),
        (
            "row with other metadata",
            "rows with other metadata",
            &rows.metadata_changed,
        ),
        ("row duplicated", "rows duplicated", &rows.duplicated),
        (
            "row that the control does not have",
            "rows that the control does not have",
            &rows.extra,
        ),
    ]
    .into_iter()
    .filter(|(_, _, ids)| ids.n > 0)
    .map(|(one, many, ids)| list(if ids.n == 1 { one } else { many }, ids))
    .collect()
}

fn list(title: &str, ids: &Ids) -> ListView {
    ListView {
        title: format!("{} {title}", ids.n),
        ids: ids.first.iter().map(|id| plain(id)).collect(),
        more: ids.n.saturating_sub(ids.first.len()),
    }
}
