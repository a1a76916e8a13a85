//! Parity of contracts: compared exactly, and never passed on silence.

use crate::judge::case::Case;
use crate::judge::{Check, CheckVerdict, ReasonCode, SideEvidence};
use crate::parity::{ContractField, FieldParity, FieldStatus, RowDiff, SideParity};

/// What to do about a field that nobody states.
const STATE_IT: &str = "let each side state it in its health endpoint or manifest; the policy's `stated` does so for an index that cannot";
/// What to do about a claim that its rows contradict.
const BELIEVE_ROWS: &str = "the health endpoint or manifest is out of date, or describes another index: publish what the rows give, then find out what else it gets wrong";
/// Section ids named in a detail; the verdict's `parity` has the rest.
const NAMED: usize = 12;

/// The named fields match the intended variant. Rows are compared where the index itself is named.
pub(super) fn parity(check: Check, case: &Case, required: &[ContractField]) -> Check {
    let Some(parity) = case.parity() else {
        return check.inconclusive(ReasonCode::EvidenceMissing, "the sides were not compared");
    };
    let with = |status: FieldStatus| {
        required
            .iter()
            .copied()
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
    let lies = lies(case, required);
    if !lies.is_empty() {
        let check = check.with(CheckVerdict::Fail, ReasonCode::StampLies, lies.join("; "));
        return check.advising(Some(BELIEVE_ROWS.to_owned()));
    }
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
        let detail = format!("not stated by both sides: {}", names(&not_stated));
        return check
            .inconclusive(ReasonCode::FieldMissing, detail)
            .advising(Some(STATE_IT.to_owned()));
    }
    if !versioned.is_empty() {
        let detail = format!("as declared in the policy: {}", names(&versioned));
        return check.with(
            CheckVerdict::Pass,
            ReasonCode::IntentionallyVersioned,
            detail,
        );
    }
    let agree = if required.len() == 1 {
        "agrees"
    } else {
        "agree"
    };
    check.with(
        CheckVerdict::Pass,
        ReasonCode::FieldsMatch,
        format!("{} {agree}", names(required)),
    )
}

/// Where a side claims what its rows do not say. `INDEX_HASH` stands for all that is computed of rows.
fn lies(case: &Case, required: &[ContractField]) -> Vec<String> {
    let asked = |field: ContractField| {
        required.contains(&field) || required.contains(&ContractField::IndexHash)
    };
    let of = |side: &SideEvidence| -> Vec<String> {
        let lies = side.stamp_lies.iter().filter(|lie| asked(lie.field));
        lies.map(|lie| {
            let (claimed, computed) = (shortened(&lie.claimed), shortened(&lie.computed));
            format!(
                "{} claims {} {claimed}, and its rows give {computed}",
                side.name, lie.field
            )
        })
        .collect()
    };
    [case.control, case.side].into_iter().flat_map(of).collect()
}

/// Both sides state a field, and with this value: agreeing on another one is not enough.
pub(super) fn both_state(check: Check, case: &Case, field: ContractField, value: &str) -> Check {
    let stated = |side: &'_ SideEvidence| stated(side, field).map(str::to_owned);
    let sides = [case.control, case.side];
    let wrong: Vec<String> = sides
        .iter()
        .filter_map(|side| Some((&side.name, stated(side)?)))
        .filter(|(_, found)| found != value)
        .map(|(name, found)| format!("{field} of {name} is {found}, not {value}"))
        .collect();
    let check = Check {
        estimate: Some(wrong.len() as f64),
        ..check
    };
    if !wrong.is_empty() {
        return check.with(
            CheckVerdict::Fail,
            ReasonCode::FieldDiffers,
            wrong.join("; "),
        );
    }
    let silent: Vec<String> = sides
        .iter()
        .filter(|side| stated(side).is_none())
        .map(|side| format!("{} does not state {field}", side.name))
        .collect();
    if !silent.is_empty() {
        return check
            .inconclusive(ReasonCode::FieldMissing, silent.join("; "))
            .advising(Some(STATE_IT.to_owned()));
    }
    let detail = format!("{field} is {value} on both sides");
    check.with(CheckVerdict::Pass, ReasonCode::FieldsMatch, detail)
}

/// What a side states for a field; nothing if its contract could not be read.
pub(super) fn stated(side: &SideEvidence, field: ContractField) -> Option<&str> {
    side.contract_at_start.as_ref().ok()?.get(field)
}

/// The fields of identity that a side states otherwise than it did earlier. A field that either does
/// not state has moved, for all that is known.
pub(super) fn moved_since(before: &SideEvidence, now: &SideEvidence) -> Vec<&'static str> {
    [ContractField::IndexHash, ContractField::Analyzer]
        .into_iter()
        .filter(|field| {
            let (before, now) = (stated(before, *field), stated(now, *field));
            before.is_none() || before != now
        })
        .map(ContractField::name)
        .collect()
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
    if differing.contains(&ContractField::Metric) {
        parts.extend(index_words(parity));
    }
    parts.extend(parity.rows.as_ref().map(what_changed));
    parts.join("; ")
}

/// What the side says of its index in its own words, which is the evidence for a metric.
fn index_words(parity: &SideParity) -> Option<String> {
    let mut fields = parity.fields.iter();
    let params = fields.find(|parity| parity.field == ContractField::IndexParams)?;
    Some(format!("its index: {}", params.found.as_deref()?))
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
        ContractField::Metric | ContractField::Analyzer => {
            format!("refuse reuse of this index; rebuild it with {field} {intended}")
        }
        _ => format!("bring {field} to {intended} before any traffic is routed"),
    }
}
