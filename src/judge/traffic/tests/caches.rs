//! Cache prefixes, hit shares, and side effects.

use super::*;
use CheckVerdict::{Fail, Inconclusive, Pass};

fn prefixes(control: &[(&str, PrefixUse)], canary: &[(&str, PrefixUse)]) -> Table {
    let put = |prefixes: &[(&str, PrefixUse)]| {
        let of = |(name, seen): &(&str, PrefixUse)| ((*name).to_owned(), *seen);
        prefixes.iter().map(of).collect::<BTreeMap<_, _>>()
    };
    arms(2, USUAL, USUAL)
        .with("control", |arm| arm.prefixes = put(control))
        .with("canary", |arm| arm.prefixes = put(canary))
}

#[test]
fn a_prefix_of_both_arms_poisons_the_cache() {
    let seen = prefix(5, 5, 0);
    let apart = prefixes(&[("v1:", seen)], &[("v2:", seen)]);
    check(CheckId::CaCache, apart, Pass, ReasonCode::PrefixesApart);
    let shared = prefixes(&[("v1:", seen)], &[("v2:", seen), ("v1:", prefix(0, 1, 0))]);
    let red = check(CheckId::CaCache, shared, Fail, ReasonCode::PrefixShared);
    assert!(
        red.detail.contains("`v1:` (1 look-ups here, 10"),
        "{}",
        red.detail
    );
    check(
        CheckId::CaCache,
        prefixes(&[("v1:", seen)], &[]),
        Inconclusive,
        ReasonCode::FieldMissing,
    );
}

#[test]
fn many_shared_prefixes_are_named_in_part() {
    let names: Vec<String> = (0..8).map(|i| format!("p{i}:")).collect();
    let all: Vec<(&str, PrefixUse)> = names
        .iter()
        .map(|name| (name.as_str(), prefix(1, 0, 0)))
        .collect();
    let red = check(
        CheckId::CaCache,
        prefixes(&all, &all),
        Fail,
        ReasonCode::PrefixShared,
    );
    assert!(
        red.detail.ends_with("and 3 more") && red.estimate == Some(8.0),
        "{}",
        red.detail
    );
}

#[test]
fn purges_of_one_prefix_for_both_arms_collide() {
    let purged = prefix(5, 5, 1);
    let apart = prefixes(&[("v1:", purged)], &[("v2:", prefix(5, 5, 0))]);
    check(CheckId::CaS25, apart, Pass, ReasonCode::PurgesApart);
    let both = prefixes(
        &[("v1:", purged)],
        &[("v2:", purged), ("v1:", prefix(0, 0, 1))],
    );
    let red = check(CheckId::CaS25, both, Fail, ReasonCode::PurgesCollide);
    assert!(
        red.hard_stop && red.detail.contains("`v1:`"),
        "{}",
        red.detail
    );
    let untold = prefixes(&[("v1:", prefix(5, 5, 0))], &[("v2:", prefix(5, 5, 0))]);
    check(
        CheckId::CaS25,
        untold,
        Inconclusive,
        ReasonCode::FieldMissing,
    );
}

#[test]
fn a_purge_that_the_drill_log_tells_of_counts() {
    let purge = |variant: &str| Happening::CachePurged {
        prefix: "v1:".to_owned(),
        region: None,
        variant: Some(variant.to_owned()),
    };
    let observed = Observed {
        timeline: Some(drill(vec![(0, purge("control")), (1, purge("canary"))])),
        ..only(arms(2, USUAL, USUAL))
    };
    let judged = judged(CheckId::CaS25, RunbookStage::Live, &observed, &settings());
    assert_eq!(judged.reason_code, ReasonCode::PurgesCollide);
}

fn hitting(n_hits: u64) -> Minute {
    Minute { n_hits, ..USUAL }
}

#[test]
fn hit_shares_may_fall_by_five_points() {
    check(
        CheckId::CaHit,
        arms(60, hitting(60), hitting(59)),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    check(
        CheckId::CaHit,
        arms(60, hitting(60), hitting(50)),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    check(
        CheckId::CaHit,
        arms(3, hitting(60), hitting(60)),
        Inconclusive,
        ReasonCode::BoundCrossesLimit,
    );
    // Far better is no harm to a canary, and a difference between blue and green.
    check(
        CheckId::CaHit,
        arms(60, hitting(60), hitting(80)),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    check(
        CheckId::BgHit,
        arms(60, hitting(60), hitting(59)),
        Pass,
        ReasonCode::BoundInsideLimit,
    );
    check(
        CheckId::BgHit,
        arms(60, hitting(60), hitting(80)),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
    check(
        CheckId::BgHit,
        arms(60, hitting(60), hitting(40)),
        Fail,
        ReasonCode::BoundOutsideLimit,
    );
}

#[test]
fn without_look_ups_there_is_no_hit_share() {
    let mut table = arms(60, USUAL, USUAL);
    for group in &mut table.0.groups {
        (group.n_hits, group.n_misses) = (0, 0);
    }
    check(
        CheckId::BgHit,
        table,
        Inconclusive,
        ReasonCode::FieldMissing,
    );
}

fn writes(n: u64, n_suppressed: u64, n_repeated: u64, n_shared: u64) -> Writes {
    Writes {
        n,
        n_suppressed,
        n_repeated,
        n_shared,
    }
}

#[test]
fn a_repeated_side_effect_is_red_at_a_step() {
    let with = |writes| arms(2, USUAL, USUAL).with("canary", |arm| arm.writes = writes);
    check(
        CheckId::TsDedupe,
        with(writes(2000, 100, 0, 0)),
        Pass,
        ReasonCode::NoDuplicates,
    );
    check(
        CheckId::TsDedupe,
        with(writes(2000, 0, 1, 0)),
        Fail,
        ReasonCode::Duplicates,
    );
    check(
        CheckId::TsDedupe,
        with(writes(2000, 0, 0, 1)),
        Fail,
        ReasonCode::Duplicates,
    );
    check(
        CheckId::TsDedupe,
        with(Writes::default()),
        Inconclusive,
        ReasonCode::FieldMissing,
    );
}

#[test]
fn at_a_failover_one_side_effect_of_a_thousand_may_repeat() {
    let regions = |west, east| {
        Table::new(ArmField::Region)
            .usual("west", 2, USUAL)
            .usual("east", 2, USUAL)
            .with("west", |arm| arm.writes = west)
            .with("east", |arm| arm.writes = east)
    };
    // A key that both regions acted on is one repeat, not two.
    let limit = regions(writes(500, 0, 0, 1), writes(600, 100, 0, 1));
    let judged = check(CheckId::MrDedupe, limit, Pass, ReasonCode::PointInsideLimit);
    assert_eq!(judged.estimate, Some(0.999));
    let beyond = regions(writes(500, 0, 1, 1), writes(600, 100, 0, 1));
    check(CheckId::MrDedupe, beyond, Fail, ReasonCode::Duplicates);
    let clean = regions(writes(500, 0, 0, 0), writes(600, 100, 0, 0));
    check(CheckId::MrDedupe, clean, Pass, ReasonCode::NoDuplicates);
}

#[test]
fn a_drill_log_alone_tells_of_writes_applied_twice() {
    let applied = |id: &str| Happening::WriteApplied {
        id: id.to_owned(),
        key: Some(format!("key-{id}")),
        region: "west".to_owned(),
    };
    let of = |events| {
        let observed = Observed {
            traffic: None,
            timeline: Some(drill(events)),
        };
        judged(
            CheckId::MrDedupe,
            RunbookStage::Routing,
            &observed,
            &settings(),
        )
    };
    let clean = of(vec![(0, applied("a")), (1, applied("b"))]);
    assert_eq!(clean.reason_code, ReasonCode::NoDuplicates);
    let twice = of(vec![(0, applied("a")), (1, applied("a"))]);
    assert_eq!(twice.verdict, Fail);
    assert!(twice.detail.contains("`key-a` × 2"), "{}", twice.detail);
}
