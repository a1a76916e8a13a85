//! TS-PINS: contract pins of every request.

use std::collections::BTreeMap;

use crate::judge::traffic::arms::{Arms, Undecided, listed};
use crate::judge::{Check, CheckVerdict, ReasonCode};
use crate::traffic::Pins;

/// Every request states every pin, and none states two values of one.
pub(super) fn pins(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let side = arms.side()?;
    let pins = &side.pins;
    let missing = [
        ("SCHEMA_REV", pins.n_without_schema_rev),
        ("INDEX_HASH", pins.n_without_index_hash),
        ("MODEL_TAG", pins.n_without_model_tag),
    ];
    let check = Check {
        estimate: Some((missing.iter().map(|(_, n)| n).sum::<u64>() + pins.n_mixed) as f64),
        n_requests: Some(side.n),
        ..check
    };
    if pins.n_mixed > 0 {
        let detail = format!(
            "{} of {} requests state two values of INDEX_HASH",
            pins.n_mixed, side.n
        );
        let check = check.with(CheckVerdict::Fail, ReasonCode::PinsMixed, detail);
        return Ok(lacking(&missing, side.n)
            .into_iter()
            .fold(check, Check::adding));
    }
    if missing.iter().all(|(_, n)| *n >= side.n) {
        let detail = "no request states SCHEMA_REV, INDEX_HASH or MODEL_TAG".to_owned();
        return Err((ReasonCode::FieldMissing, detail));
    }
    let check = if let Some(lacking) = lacking(&missing, side.n) {
        check.with(CheckVerdict::Fail, ReasonCode::PinsMissing, lacking)
    } else {
        let detail = format!("all {} requests state each pin once", side.n);
        check.with(CheckVerdict::Pass, ReasonCode::PinsComplete, detail)
    };
    Ok(several(pins).into_iter().fold(check, Check::adding))
}

fn lacking(missing: &[(&str, u64)], n: u64) -> Option<String> {
    let missing: Vec<String> = missing
        .iter()
        .filter(|(_, without)| *without > 0)
        .map(|(pin, without)| format!("{without} of {n} requests lack {pin}"))
        .collect();
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// Pins that differ from request to request, which the clause allows and a reader wants to know.
fn several(pins: &Pins) -> Option<String> {
    let of = |(name, values): (&str, &BTreeMap<String, u64>)| {
        let named = values.iter().map(|(value, n)| format!("`{value}` × {n}"));
        (values.len() > 1).then(|| format!("{name} is {}", listed(named)))
    };
    let all = [
        ("SCHEMA_REV", &pins.schema_rev),
        ("INDEX_HASH", &pins.index_hash),
        ("MODEL_TAG", &pins.model_tag),
    ];
    let said: Vec<String> = all.into_iter().filter_map(of).collect();
    (!said.is_empty()).then(|| said.join("; "))
}
