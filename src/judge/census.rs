//! Parity of contracts: compared exactly, and never passed on silence.

use crate::judge::case::Case;
use crate::judge::{Check, CheckVerdict, ReasonCode};
use crate::parity::{ContractField, FieldParity, FieldStatus, RowDiff, SideParity};

/// The fields that CA-PAR and BG-PAR name.
pub(super) const REQUIRED: [ContractField; 3] = [
    ContractField::IndexHash,
    ContractField::Metric,
    ContractField::Analyzer,
];
/// Section ids named in a detail; the verdict's `parity` has the rest.
const NAMED: usize = 12;

/// `INDEX_HASH`, `METRIC` and `ANALYZER` match the intended variant.
pub(super) fn parity(check: Check, case: &Case) -> Check {
    let Some(parity) = case.parity() else {
        return check.inconclusive(ReasonCode::EvidenceMissing, "the sides were not compared");
    };
    let with = |status: FieldStatus| {
        REQUIRED
            .into_iter()
            .filter(|field| parity.status(*field) == status)
            .collect::<Vec<_>>()
    };
    let differing = with(FieldStatus::Differs);
    let not_stated = with(FieldStatus::NotStated);
    let versioned = with(FieldStatus::Versioned);
    let mut check = Check {
        estimate: Some(differing.len() as f64),
        ..check
    };
    if !differing.is_empty() {
        let remedies: Vec<String> = differing
            .iter()
            .map(|field| remedy(*field, parity))
            .collect();
        check.remedy = Some(remedies.join("; "));
        return check.with(
            CheckVerdict::Fail,
            ReasonCode::FieldDiffers,
            differences(&differing, parity),
        );
    }
    if !not_stated.is_empty() {
        return check.inconclusive(
            ReasonCode::FieldMissing,
            format!("not stated by both sides: {}", names(&not_stated)),
        );
    }
    if !versioned.is_empty() {
        let detail = format!("as declared in the policy: {}", names(&versioned));
        return check.with(
            CheckVerdict::Pass,
            ReasonCode::IntentionallyVersioned,
            detail,
        );
    }
    check.with(
        CheckVerdict::Pass,
        ReasonCode::FieldsMatch,
        format!("{} agree", names(&REQUIRED)),
    )
}

fn names(fields: &[ContractField]) -> String {
    fields
        .iter()
        .map(|field| field.name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn differences(differing: &[ContractField], parity: &SideParity) -> String {
    let field = |field: &ContractField| {
        let found = parity.fields.iter().find(|parity| parity.field == *field);
        let value = |pick: fn(&FieldParity) -> &Option<String>| {
            found
                .and_then(|parity| pick(parity).clone())
                .map_or_else(|| "not stated".to_owned(), |text| shortened(&text))
        };
        format!(
            "{field} is {} where {} was intended",
            value(|parity| &parity.found),
            value(|parity| &parity.intended)
        )
    };
    let mut parts: Vec<String> = differing.iter().map(field).collect();
    parts.extend(parity.rows.as_ref().map(what_changed));
    parts.join("; ")
}

/// A digest is recognised by its first digits.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 15;
    if text.starts_with("b3:") {
        text.chars().take(SHOWN).collect()
    } else {
        text.to_owned()
    }
}

/// `23 of 222 ids differ: sections missing 3 (a/b, …), edited 2 (…)`.
fn what_changed(rows: &RowDiff) -> String {
    let list = |(name, ids): (&str, &crate::parity::Ids)| {
        (ids.n > 0).then(|| {
            let more = if ids.n > NAMED { ", …" } else { "" };
            format!(
                "{} {name} ({}{more})",
                ids.n,
                ids.first
                    .iter()
                    .take(NAMED)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        })
    };
    let lists: Vec<String> = rows.sections.lists().into_iter().filter_map(list).collect();
    let counts = format!(
        "{} rows here, {} in the control",
        rows.n_target, rows.n_control
    );
    if rows.n_changed == 0 {
        return format!(
            "0 ids differ ({counts}): the content is the same, the configuration is not"
        );
    }
    format!(
        "{} ids differ ({counts}); sections: {}",
        rows.n_changed,
        lists.join(", ")
    )
}

fn remedy(field: ContractField, parity: &SideParity) -> String {
    let intended = parity
        .fields
        .iter()
        .find(|parity| parity.field == field)
        .and_then(|parity| parity.intended.as_deref())
        .unwrap_or("the declared one");
    match field {
        ContractField::IndexHash => {
            "rebuild the follower from the same artifact, confirm the stamp, then route".to_owned()
        }
        _ => format!("refuse reuse of this index; rebuild it with {field} {intended}"),
    }
}
