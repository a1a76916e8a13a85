//! Who sends webhooks, and how often.

use std::collections::BTreeMap;

use crate::judge::timeline::Requests;
use crate::judge::timeline::keys::is_digest_of;
use crate::judge::timeline::log::{Log, Part, listed};
use crate::judge::timeline::route::counted;
use crate::judge::{Check, CheckVerdict, ReasonCode};
use crate::traffic::Happening;

/// After the cutover webhooks come from one region only, and none is sent twice.
pub(super) fn webhooks(check: Check, log: &Log, requests: &Requests) -> Check {
    let sender = &log.timeline.webhooks_from;
    let mut n_sent: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut astray, mut wrong) = (Vec::new(), Vec::new());
    let (mut n_recomputed, mut n_away) = (0, 0);
    for (part, event) in log.with_parts() {
        let Happening::WebhookEmitted {
            dedupe_key,
            region,
            event_id,
            rev,
        } = &event.what
        else {
            continue;
        };
        *n_sent.entry(dedupe_key).or_default() += 1;
        n_away += usize::from(part == Part::Away);
        let may_send = match part {
            Part::Before => true,
            Part::Away => region == sender,
            Part::Returning => region == sender || *region == log.timeline.evacuated,
        };
        if !may_send {
            astray.push(format!("{dedupe_key} from {region}"));
        }
        if let (Some(event_id), Some(rev), false) = (event_id, rev, log.timeline.other_webhook_keys)
        {
            n_recomputed += 1;
            if !is_digest_of(dedupe_key, &[event_id, rev]) {
                wrong.push(format!("{dedupe_key} of event {event_id} rev {rev}"));
            }
        }
    }
    let twice = n_sent.iter().filter(|(_, n)| **n > 1);
    let mut twice: Vec<String> = twice.map(|(key, n)| format!("{key} ({n} times)")).collect();
    twice.extend(repeated(requests));
    let faults = [
        (
            ReasonCode::WrongRegion,
            format!("not sent by {sender} after the cutover"),
            astray,
        ),
        (
            ReasonCode::Duplicates,
            "sent more than once".to_owned(),
            twice,
        ),
        (
            ReasonCode::KeyWrong,
            "not sha256(event_id+rev)".to_owned(),
            wrong,
        ),
    ];
    let faults: Vec<_> = faults
        .iter()
        .filter(|(_, _, found)| !found.is_empty())
        .collect();
    let n_faults: usize = faults.iter().map(|(_, _, found)| found.len()).sum();
    let check = Check {
        estimate: Some(n_faults as f64),
        ..check
    };
    if let Some((reason, _, _)) = faults.first() {
        let words = |(_, words, found): &&(_, String, Vec<String>)| {
            format!("{words}: {}", listed(found.iter().cloned()))
        };
        let words: Vec<String> = faults.iter().map(words).collect();
        return check.with(CheckVerdict::Fail, *reason, words.join("; "));
    }
    sound(check, log, n_sent.len(), n_away, n_recomputed)
}

/// Nothing is wrong with any webhook that the log tells of.
fn sound(check: Check, log: &Log, n: usize, n_away: usize, n_recomputed: usize) -> Check {
    if log.cutover().is_none() {
        let detail = "without a cutover in the log nobody knows who was to send webhooks";
        return check.inconclusive(ReasonCode::EvidenceMissing, detail);
    }
    if n_away == 0 {
        let detail = "the log tells of no webhook after the cutover";
        return check
            .inconclusive(ReasonCode::NothingHappened, detail)
            .advising(Some(
                "log `webhook_emitted` with its dedupe_key and region; send one for the drill if none is due"
                    .to_owned(),
            ));
    }
    let detail = format!(
        "{}, each sent once; {n_away} after the cutover, by {} alone; {} computed again",
        counted(n, "webhook"),
        log.timeline.webhooks_from,
        counted(n_recomputed, "key"),
    );
    check.with(CheckVerdict::Pass, ReasonCode::NoDuplicates, detail)
}

/// Dedupe keys with more than one side effect in the requests of the drill's regions.
fn repeated(requests: &Requests) -> Vec<String> {
    let found = requests.arms.iter().filter_map(|(region, arm)| {
        let n = arm.writes.n_repeated + arm.writes.n_shared;
        (n > 0).then(|| format!("{n} in the requests of {region}"))
    });
    found.collect()
}
