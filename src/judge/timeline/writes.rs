//! No write is lost, and none takes effect twice or where it must not.

use std::collections::BTreeMap;

use crate::judge::timeline::keys::is_digest_of;
use crate::judge::timeline::log::{Log, Part, listed};
use crate::judge::timeline::route::counted;
use crate::judge::{Check, CheckId, CheckVerdict, Definition, ReasonCode};
use crate::traffic::{Happening, KeyParts};
use crate::units::Moment;

/// What became of one write. Ids with one idempotency key are one write.
#[derive(Default)]
struct Write<'a> {
    /// The first id that it goes by.
    id: &'a str,
    /// When it was last accepted.
    accepted: Option<Moment>,
    /// How often it took effect.
    n_applied: usize,
}

/// Every write of a log, and what is wrong with some of them.
#[derive(Default)]
struct Writes<'a> {
    by_name: BTreeMap<Name<'a>, Write<'a>>,
    /// Accepted or applied where it must not be.
    astray: Vec<String>,
    /// Keys that differ between two lines of one write, or from the digest of their parts.
    wrong_keys: Vec<String>,
    /// Keys that were computed again.
    n_recomputed: usize,
    /// Whether a write was accepted or applied while the survivor served alone.
    any_away: bool,
}

/// What tells writes apart: the idempotency key, or else the id.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Name<'a> {
    Key(&'a str),
    Id(&'a str),
}

/// Every accepted write is applied exactly once, and after the cutover by the survivor alone.
pub(super) fn writes(check: Check, log: &Log) -> Check {
    let writes = Writes::of(log);
    if writes.by_name.is_empty() {
        let detail = "the log tells of no write";
        return check
            .inconclusive(ReasonCode::NothingHappened, detail)
            .advising(Some(
                "log `write_accepted` and `write_applied` with the id of each write".to_owned(),
            ));
    }
    let named = |is: &dyn Fn(&Write) -> bool| -> Vec<String> {
        let found = writes.by_name.values().filter(|write| is(write));
        found.map(|write| write.id.to_owned()).collect()
    };
    let settled = |write: &Write| is_settled(write, log);
    let missing = |write: &Write| write.accepted.is_some() && write.n_applied == 0;
    let lost = named(&|write| missing(write) && settled(write));
    let open = named(&|write| missing(write) && !settled(write));
    let twice = named(&|write| write.n_applied > 1);
    let unknown = named(&|write| write.accepted.is_none());
    let n_accepted = named(&|write| write.accepted.is_some()).len();
    let faults = [
        (ReasonCode::WritesLost, "accepted and never applied", &lost),
        (ReasonCode::Duplicates, "applied more than once", &twice),
        (
            ReasonCode::WrongRegion,
            "outside the region that was to write",
            &writes.astray,
        ),
        (
            ReasonCode::KeyWrong,
            "keys that are not what they stand for",
            &writes.wrong_keys,
        ),
    ];
    let faults = faults.iter().filter(|(_, _, ids)| !ids.is_empty());
    let words = faults
        .clone()
        .map(|(_, words, ids)| format!("{words}: {}", listed(ids.iter().cloned())));
    let words: Vec<String> = words.collect();
    let n_faults: usize = faults.clone().map(|(_, _, ids)| ids.len()).sum();
    let check = Check {
        estimate: Some(n_faults as f64),
        ..check
    };
    if let Some((reason, _, _)) = faults.clone().next() {
        return check.with(CheckVerdict::Fail, *reason, words.join("; "));
    }
    if !open.is_empty() {
        let detail = format!("not yet applied when the log ends: {}", listed(open));
        return check.inconclusive(ReasonCode::ObservationEnded, detail);
    }
    if !unknown.is_empty() {
        let detail = format!("applied, and not accepted in this log: {}", listed(unknown));
        return check
            .inconclusive(ReasonCode::WritesUnknown, detail)
            .advising(Some(
                "begin the log before the first of its writes".to_owned(),
            ));
    }
    whole(check, log, &writes, n_accepted)
}

/// Nothing is wrong with any write that the log tells of.
fn whole(check: Check, log: &Log, writes: &Writes, n_accepted: usize) -> Check {
    let detail = format!(
        "{} accepted, each applied once; {} computed again",
        counted(n_accepted, "write"),
        counted(writes.n_recomputed, "key")
    );
    if log.cutover().is_none() {
        let detail =
            format!("{detail}; without a cutover in the log nobody knows who was to write");
        return check.inconclusive(ReasonCode::EvidenceMissing, detail);
    }
    if !writes.any_away {
        let detail =
            format!("{detail}; none after the cutover, so that a single writer was not seen");
        return check.inconclusive(ReasonCode::NothingHappened, detail);
    }
    check.with(CheckVerdict::Pass, ReasonCode::WritesComplete, detail)
}

/// Whether a write that was not applied will not be: the drill is over, or the queue's time to drain is.
fn is_settled(write: &Write, log: &Log) -> bool {
    let drained = Definition::of(CheckId::FdDrain).limit;
    let waited = log
        .end()
        .zip(write.accepted)
        .map_or(0.0, |(end, accepted)| end.seconds_since(accepted));
    log.is_over() || waited > drained
}

impl<'a> Writes<'a> {
    fn of(log: &Log<'a>) -> Self {
        let keys = keys(log);
        let mut writes = Self::default();
        for (part, event) in log.with_parts() {
            let (id, key, region, parts) = match &event.what {
                Happening::WriteAccepted {
                    id,
                    key,
                    region,
                    parts,
                } => (id, key, region.as_deref(), Some(parts)),
                Happening::WriteApplied { id, key, region } => (id, key, Some(&**region), None),
                _ => continue,
            };
            let known = keys.get(id.as_str()).copied();
            let name = known.map_or(Name::Id(id), Name::Key);
            let write = writes.by_name.entry(name).or_default();
            if write.id.is_empty() {
                write.id = id;
            }
            if parts.is_some() {
                write.accepted = Some(event.ts);
            } else {
                write.n_applied += 1;
            }
            writes.any_away |= part == Part::Away;
            if let Some(region) = region.filter(|region| !may_write(log, part, region)) {
                let done = if parts.is_some() {
                    "accepted"
                } else {
                    "applied"
                };
                writes.astray.push(format!("{id} {done} in {region}"));
            }
            let wrong = writes.is_wrong(key.as_deref(), known, parts);
            if wrong {
                writes.wrong_keys.push(id.clone());
            }
        }
        writes
    }

    /// Whether a key is another than the write's, or not the digest of its parts.
    fn is_wrong(
        &mut self,
        key: Option<&str>,
        known: Option<&str>,
        parts: Option<&KeyParts>,
    ) -> bool {
        let Some(key) = key else { return false };
        let recomputed = parts
            .and_then(complete)
            .map(|parts| is_digest_of(key, &parts));
        self.n_recomputed += usize::from(recomputed.is_some());
        recomputed == Some(false) || known.is_some_and(|known| known != key)
    }
}

/// The first key that the log states of each id.
fn keys<'a>(log: &Log<'a>) -> BTreeMap<&'a str, &'a str> {
    let mut keys = BTreeMap::new();
    for event in log.events() {
        if let Happening::WriteAccepted { id, key, .. } | Happening::WriteApplied { id, key, .. } =
            &event.what
            && let Some(key) = key
        {
            keys.entry(id.as_str()).or_insert(key.as_str());
        }
    }
    keys
}

fn complete(parts: &KeyParts) -> Option<[&str; 4]> {
    Some([
        parts.source_id.as_deref()?,
        parts.revision.as_deref()?,
        parts.index_hash.as_deref()?,
        parts.partition.as_deref()?,
    ])
}

/// After the cutover the survivor writes alone, and on the return both do; before the cutover
/// followers that play no part do not, where the plan freezes them.
fn may_write(log: &Log, part: Part, region: &str) -> bool {
    let is_survivor = region == log.timeline.survivor;
    let is_either = is_survivor || region == log.timeline.evacuated;
    match part {
        Part::Before => is_either || !log.timeline.freeze_writes_on_followers,
        Part::Away => is_survivor,
        Part::Returning => is_either,
    }
}
