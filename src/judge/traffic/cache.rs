//! Cache prefixes and hit shares of both arms.

use std::collections::BTreeSet;

use crate::judge::rule::decide;
use crate::judge::traffic::arms::{Arms, Both, Totals, Undecided, listed};
use crate::judge::traffic::latency::shown;
use crate::judge::{Check, CheckVerdict, Comparator, ReasonCode};
use crate::stats::{Tally, newcombe};
use crate::traffic::{Arm, Happening, PrefixUse};

/// CA-CACHE: no prefix is looked up by both arms.
pub(super) fn overlap(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let (side, control) = (arms.side()?, arms.control()?);
    let used = |name: &str, arm| -> Result<BTreeSet<String>, Undecided> {
        let used = prefixes(arm, |seen| {
            seen.n_purges == 0 || seen.n_hits + seen.n_misses > 0
        });
        if used.is_empty() {
            return Err(no_prefix(name));
        }
        Ok(used)
    };
    let side_used = used(arms.side_name(), side)?;
    let control_used = used(arms.control_name(), control)?;
    let shared: Vec<&String> = side_used.intersection(&control_used).collect();
    let check = Check {
        estimate: Some(shared.len() as f64),
        n_requests: Some(side.n),
        ..check
    };
    if shared.is_empty() {
        let detail = format!(
            "{} here, {} on the control",
            quoted(&side_used),
            quoted(&control_used)
        );
        let nested = nested(&side_used, &control_used);
        let check = check.with(CheckVerdict::Pass, ReasonCode::PrefixesApart, detail);
        return Ok(nested.into_iter().fold(check, Check::adding));
    }
    let requests = |arm: &Arm, prefix: &str| {
        let seen = arm.prefixes.get(prefix).copied().unwrap_or_default();
        seen.n_hits + seen.n_misses
    };
    let named = shared.iter().map(|prefix| {
        let (here, there) = (requests(side, prefix), requests(control, prefix));
        format!("`{prefix}` ({here} look-ups here, {there} on the control)")
    });
    let detail = format!("both arms use {}", listed(named));
    Ok(check.with(CheckVerdict::Fail, ReasonCode::PrefixShared, detail))
}

/// CA-S25: no prefix is purged on both arms' account.
pub(super) fn collision(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let (side, control) = (arms.side()?, arms.control()?);
    let purged = |name: &str, arm| {
        let mut purged = prefixes(arm, |seen| seen.n_purges > 0);
        purged.extend(purged_by_log(arms, name));
        purged
    };
    let here = purged(arms.side_name(), side);
    let there = purged(arms.control_name(), control);
    if here.is_empty() && there.is_empty() {
        let detail = "no request states `cache.purged`, and no event tells of a purge on either arm's account: what was not recorded cannot be told from what did not happen";
        return Err((ReasonCode::FieldMissing, detail.to_owned()));
    }
    let both: Vec<&String> = here.intersection(&there).collect();
    let check = Check {
        estimate: Some(both.len() as f64),
        n_requests: Some(side.n),
        ..check
    };
    if both.is_empty() {
        let detail = format!(
            "purged: {} here, {} on the control's account",
            quoted(&here),
            quoted(&there)
        );
        return Ok(check.with(CheckVerdict::Pass, ReasonCode::PurgesApart, detail));
    }
    let detail = format!("{} purged on both arms' account", quoted(both));
    Ok(check.with(CheckVerdict::Fail, ReasonCode::PurgesCollide, detail))
}

/// Prefixes that the drill log says were purged for an arm.
fn purged_by_log(arms: &Arms, name: &str) -> Vec<String> {
    let timeline = arms.scene.observed.timeline.iter();
    let events = timeline.flat_map(|timeline| &timeline.events);
    let purged = events.filter_map(|event| match &event.what {
        Happening::CachePurged {
            prefix,
            variant: Some(variant),
            ..
        } if variant == name => Some(prefix.clone()),
        _ => None,
    });
    purged.collect()
}

fn prefixes(arm: &Arm, counts: impl Fn(&PrefixUse) -> bool) -> BTreeSet<String> {
    let counted = arm.prefixes.iter().filter(|(_, seen)| counts(seen));
    counted.map(|(prefix, _)| prefix.clone()).collect()
}

fn no_prefix(name: &str) -> Undecided {
    let detail = format!("no request of `{name}` states `cache.prefix`");
    (ReasonCode::FieldMissing, detail)
}

fn quoted<'a>(prefixes: impl IntoIterator<Item = &'a String>) -> String {
    let named = listed(prefixes.into_iter().map(|prefix| format!("`{prefix}`")));
    if named.is_empty() {
        "none".to_owned()
    } else {
        named
    }
}

/// A prefix that another begins with is not the same, and purging it purges the other's keys too.
fn nested(side: &BTreeSet<String>, control: &BTreeSet<String>) -> Option<String> {
    let pairs = side
        .iter()
        .flat_map(|a| control.iter().map(move |b| (a, b)));
    let nested = pairs.filter(|(a, b)| a.starts_with(b.as_str()) || b.starts_with(a.as_str()));
    let named = listed(nested.map(|(a, b)| format!("`{a}` and `{b}`")));
    let said = format!("one begins the other, so that a purge takes both: {named}");
    (!named.is_empty()).then_some(said)
}

/// CA-HIT: the share of look-ups that find something is not much below the control's, in the windows
/// that both arms have.
pub(super) fn not_below(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let Both { side, control } = Both::of(&arms.concurrent()?);
    let (hits, control_hits) = (
        hits(arms.side_name(), side)?,
        hits(arms.control_name(), control)?,
    );
    // Points below the control, so that more than the limit is too many.
    Ok(hit_shares(check, arms, (control_hits, hits), side, control))
}

/// BG-HIT: the shares are close to each other. Blue may have served before green, so that every window
/// counts.
pub(super) fn within(check: Check, arms: &Arms) -> Result<Check, Undecided> {
    let Both { side, control } = arms.whole()?;
    let (hits, control_hits) = (
        hits(arms.side_name(), side)?,
        hits(arms.control_name(), control)?,
    );
    Ok(hit_shares(check, arms, (hits, control_hits), side, control))
}

fn hits(name: &str, totals: Totals) -> Result<Tally, Undecided> {
    Tally::new(totals.n_hits, totals.n_lookups()).ok_or_else(|| {
        let detail = format!("no request of `{name}` states `cache.hit`");
        (ReasonCode::FieldMissing, detail)
    })
}

/// The first share less the second against the limit.
fn hit_shares(
    check: Check,
    arms: &Arms,
    (first, second): (Tally, Tally),
    side: Totals,
    control: Totals,
) -> Check {
    let settings = arms.scene.settings;
    let interval = newcombe(first, second, settings.confidence);
    let comparator = match check.comparator {
        Comparator::Within => Comparator::Within,
        _ => Comparator::AtMost,
    };
    let (verdict, reason) = decide(interval, comparator, check.limit, settings.basis);
    let percent = |totals: Totals| 100.0 * totals.n_hits as f64 / totals.n_lookups() as f64;
    let check = Check {
        n_requests: Some(side.n_lookups()),
        ..check.measured(interval, settings.confidence.get())
    };
    check
        .with(verdict, reason, shown(interval, arms))
        .adding(format!(
            "{:.1} % of {} look-ups hit, {:.1} % of {} on the control",
            percent(side),
            side.n_lookups(),
            percent(control),
            control.n_lookups()
        ))
}
