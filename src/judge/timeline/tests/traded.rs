//! Writes and webhooks.

use super::*;

const KEY: &str = "5b0e8a7bb5a9c1c6ef7e5c1ea0b1e2d94f1d1c2a5d4f0ad7b0f0c1b2a3948576";

/// A drill with two sound writes, and more.
fn drill(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let sound = [
        accepted(-5.0, "w1", HOME),
        applied(-4.0, "w1", HOME),
        decided(0.0),
        cutover(20.0),
        accepted(25.0, "w2", AWAY),
        applied(26.0, "w2", AWAY),
        ended(3000.0),
    ];
    sound.into_iter().chain(more).collect()
}

#[test]
fn writes_that_are_applied_once_pass_also_when_they_are_replayed() {
    let sound = check(
        CheckId::FdWrites,
        drill([]),
        Pass,
        ReasonCode::WritesComplete,
    );
    assert_eq!((sound.estimate, sound.limit), (Some(0.0), 0.0));
    let replayed = drill([accepted(15.0, "w3", HOME), applied(400.0, "w3", AWAY)]);
    check(
        CheckId::FdWrites,
        replayed,
        Pass,
        ReasonCode::WritesComplete,
    );
    let asked_again = drill([accepted(30.0, "w2", AWAY)]);
    check(
        CheckId::FdWrites,
        asked_again,
        Pass,
        ReasonCode::WritesComplete,
    );
}

#[test]
fn a_lost_write_fails_once_it_cannot_come_any_more() {
    let lost = drill([accepted(15.0, "w3", HOME)]);
    let failed = check(CheckId::FdWrites, lost, Fail, ReasonCode::WritesLost);
    assert_eq!(
        (failed.detail.as_str(), failed.estimate),
        ("accepted and never applied: w3", Some(1.0))
    );
    let open = |end: f64| {
        let mut events = drill([accepted(30.0, "w3", AWAY), queue(end, 0)]);
        events.retain(|event| event.what != Happening::DrillEnded {});
        events
    };
    check(
        CheckId::FdWrites,
        open(630.0),
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
    check(
        CheckId::FdWrites,
        open(630.001),
        Fail,
        ReasonCode::WritesLost,
    );
}

#[test]
fn a_write_that_takes_effect_twice_fails() {
    for region in [AWAY, HOME] {
        let twice = drill([applied(10.0, "w1", region)]);
        let failed = check(CheckId::FdWrites, twice, Fail, ReasonCode::Duplicates);
        assert_eq!(failed.detail, "applied more than once: w1");
    }
    let many = (0..7).flat_map(|n| {
        let id = format!("x{n}");
        [
            accepted(30.0, &id, AWAY),
            applied(31.0, &id, AWAY),
            applied(32.0, &id, AWAY),
        ]
    });
    let failed = check(CheckId::FdWrites, drill(many), Fail, ReasonCode::Duplicates);
    assert_eq!(
        failed.detail,
        "applied more than once: x0, x1, x2, x3, x4 and 2 more"
    );
}

#[test]
fn after_the_cutover_the_survivor_writes_alone_until_the_return() {
    let split = drill([accepted(15.0, "w3", HOME), applied(21.0, "w3", HOME)]);
    let failed = check(CheckId::FdWrites, split, Fail, ReasonCode::WrongRegion);
    assert!(
        failed.detail.ends_with(": w3 applied in us-east"),
        "{}",
        failed.detail
    );
    let taken = drill([accepted(21.0, "w3", HOME), applied(22.0, "w3", AWAY)]);
    check(CheckId::FdWrites, taken, Fail, ReasonCode::WrongRegion);
    let just_before = drill([accepted(15.0, "w3", HOME), applied(19.999, "w3", HOME)]);
    check(
        CheckId::FdWrites,
        just_before,
        Pass,
        ReasonCode::WritesComplete,
    );
    // Of what is logged in the moment of the cutover, what stands before it is before it.
    let mut same_moment = drill([]);
    same_moment.insert(3, applied(20.0, "w3", HOME));
    same_moment.insert(3, accepted(20.0, "w3", HOME));
    check(
        CheckId::FdWrites,
        same_moment,
        Pass,
        ReasonCode::WritesComplete,
    );
    let at_home = drill([
        returned(900.0),
        accepted(901.0, "w3", HOME),
        applied(902.0, "w3", HOME),
    ]);
    check(CheckId::FdWrites, at_home, Pass, ReasonCode::WritesComplete);
    let third = drill([
        accepted(-1.0, "w3", "ap-south"),
        applied(-0.5, "w3", "ap-south"),
    ]);
    check(
        CheckId::FdWrites,
        third.clone(),
        Fail,
        ReasonCode::WrongRegion,
    );
    let mut thawed = timeline(third);
    thawed.freeze_writes_on_followers = false;
    assert_eq!(judged(thawed, CheckId::FdWrites).verdict, Pass);
}

#[test]
fn silence_on_writes_is_no_pass() {
    let none = [decided(0.0), cutover(9.0), ended(900.0)];
    check(
        CheckId::FdWrites,
        none,
        Inconclusive,
        ReasonCode::NothingHappened,
    );
    let quiet = [
        accepted(-9.0, "w1", HOME),
        applied(-8.0, "w1", HOME),
        decided(0.0),
        cutover(9.0),
    ];
    check(
        CheckId::FdWrites,
        quiet.clone(),
        Inconclusive,
        ReasonCode::NothingHappened,
    );
    let no_cutover = quiet.into_iter().take(3);
    check(
        CheckId::FdWrites,
        no_cutover,
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
    let unknown = drill([applied(30.0, "w9", AWAY)]);
    check(
        CheckId::FdWrites,
        unknown,
        Inconclusive,
        ReasonCode::WritesUnknown,
    );
}

/// A write of a key and its parts, accepted and applied.
fn keyed(id: &str, key: &str, applied_key: &str) -> [Event; 2] {
    let some = |text: &str| Some(text.to_owned());
    let accepted = Happening::WriteAccepted {
        id: id.to_owned(),
        key: some(key),
        region: None,
        parts: KeyParts {
            source_id: some("doc-17"),
            revision: some("3"),
            index_hash: some("0x9a77"),
            partition: some("p0"),
        },
    };
    let applied = Happening::WriteApplied {
        id: id.to_owned(),
        key: some(applied_key),
        region: AWAY.to_owned(),
    };
    [at(30.0, accepted), at(31.0, applied)]
}

/// `printf 'doc-1730x9a77p0' | sha256sum`.
const RIGHT: &str = "559adc99b1494d886c01ec513303cfd141bf4cf0d15edb042184b56882b5789e";

#[test]
fn keys_are_computed_again_where_their_parts_are_given() {
    let sound = check(
        CheckId::FdWrites,
        drill(keyed("w3", RIGHT, RIGHT)),
        Pass,
        ReasonCode::WritesComplete,
    );
    assert!(
        sound.detail.ends_with("1 key computed again"),
        "{}",
        sound.detail
    );
    let prefixed = format!("sha256:{RIGHT}");
    let prefixed = drill(keyed("w3", &prefixed, &prefixed));
    check(
        CheckId::FdWrites,
        prefixed,
        Pass,
        ReasonCode::WritesComplete,
    );
    let wrong = check(
        CheckId::FdWrites,
        drill(keyed("w3", KEY, KEY)),
        Fail,
        ReasonCode::KeyWrong,
    );
    assert!(wrong.detail.ends_with(": w3"), "{}", wrong.detail);
    check(
        CheckId::FdWrites,
        drill(keyed("w3", RIGHT, KEY)),
        Fail,
        ReasonCode::KeyWrong,
    );
}

#[test]
fn ids_with_one_key_are_one_write() {
    let again = keyed("w3", RIGHT, RIGHT)
        .into_iter()
        .chain(keyed("w4", RIGHT, RIGHT));
    check(
        CheckId::FdWrites,
        drill(again),
        Fail,
        ReasonCode::Duplicates,
    );
    let [accepted, applied] = keyed("w3", RIGHT, RIGHT);
    let [asked_again, _] = keyed("w4", RIGHT, RIGHT);
    let deduped = drill([accepted, applied, asked_again]);
    check(CheckId::FdWrites, deduped, Pass, ReasonCode::WritesComplete);
}

fn hooks(more: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let sound = [
        webhook(-5.0, "k1", HOME),
        decided(0.0),
        cutover(20.0),
        webhook(25.0, "k2", AWAY),
        ended(900.0),
    ];
    sound.into_iter().chain(more).collect()
}

#[test]
fn webhooks_come_from_one_region_and_once() {
    let sound = check(CheckId::FdHook, hooks([]), Pass, ReasonCode::NoDuplicates);
    assert_eq!(sound.estimate, Some(0.0));
    let astray = check(
        CheckId::FdHook,
        hooks([webhook(20.001, "k3", HOME)]),
        Fail,
        ReasonCode::WrongRegion,
    );
    assert!(
        astray.detail.ends_with(": k3 from us-east"),
        "{}",
        astray.detail
    );
    let before = hooks([webhook(19.999, "k3", HOME)]);
    check(CheckId::FdHook, before, Pass, ReasonCode::NoDuplicates);
    let twice = check(
        CheckId::FdHook,
        hooks([webhook(30.0, "k1", AWAY)]),
        Fail,
        ReasonCode::Duplicates,
    );
    assert_eq!(twice.detail, "sent more than once: k1 (2 times)");
    let home = [returned(500.0), webhook(501.0, "k3", HOME)];
    check(CheckId::FdHook, hooks(home), Pass, ReasonCode::NoDuplicates);
    let elsewhere = [returned(500.0), webhook(501.0, "k3", "ap-south")];
    check(
        CheckId::FdHook,
        hooks(elsewhere),
        Fail,
        ReasonCode::WrongRegion,
    );
    let mut other = timeline(hooks([]));
    other.webhooks_from = "ap-south".to_owned();
    assert_eq!(
        judged(other, CheckId::FdHook).reason_code,
        ReasonCode::WrongRegion
    );
}

#[test]
fn silence_on_webhooks_is_no_pass() {
    let before = [
        webhook(-5.0, "k1", HOME),
        decided(0.0),
        cutover(20.0),
        ended(900.0),
    ];
    check(
        CheckId::FdHook,
        before.clone(),
        Inconclusive,
        ReasonCode::NothingHappened,
    );
    let no_cutover = before.into_iter().take(2);
    check(
        CheckId::FdHook,
        no_cutover,
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
}

#[test]
fn a_dedupe_key_is_the_digest_of_event_and_revision() {
    let of = |dedupe_key: &str| {
        let what = Happening::WebhookEmitted {
            dedupe_key: dedupe_key.to_owned(),
            region: AWAY.to_owned(),
            event_id: Some("a".to_owned()),
            rev: Some("bc".to_owned()),
        };
        hooks([at(40.0, what)])
    };
    // FIPS 180-4: the digest of `abc`.
    let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    check(CheckId::FdHook, of(right), Pass, ReasonCode::NoDuplicates);
    check(CheckId::FdHook, of(KEY), Fail, ReasonCode::KeyWrong);
    let mut other = timeline(of(KEY));
    other.other_webhook_keys = true;
    assert_eq!(
        judged(other, CheckId::FdHook).verdict,
        Pass,
        "made in another way"
    );
}
