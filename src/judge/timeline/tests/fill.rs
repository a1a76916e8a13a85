//! Queues that drain and caches that fill.

use super::*;
use crate::traffic::{ArmField, ReadOptions, TrafficTable, read_lines};

/// Three samples at 4 before the decision, then those given.
fn backlog(after: impl IntoIterator<Item = (f64, u64)>) -> Vec<Event> {
    let before = [
        queue(-90.0, 4),
        queue(-60.0, 3),
        queue(-30.0, 5),
        decided(0.0),
        cutover(20.0),
    ];
    let after = after
        .into_iter()
        .map(|(seconds, backlog)| queue(seconds, backlog));
    before.into_iter().chain(after).collect()
}

/// A surge that is back at the baseline from a second on, sampled until another.
fn surge(back: f64, end: f64) -> Vec<Event> {
    let step = 10.0;
    let until = |from: f64, to: f64| {
        let n = ((to - from) / step).ceil() as u32;
        (0..n).map(move |n| from + step * f64::from(n))
    };
    let above = until(step, back).map(|seconds| (seconds, 900));
    let below = until(back, end).map(|seconds| (seconds, 4));
    backlog(above.chain(below))
}

#[test]
fn a_queue_that_is_back_after_ten_minutes_passes_and_a_millisecond_later_fails() {
    let exact = check(
        CheckId::FdDrain,
        surge(600.0, 700.0),
        Pass,
        ReasonCode::WithinWindow,
    );
    assert_eq!(exact.estimate, Some(600.0));
    assert_eq!(
        exact.detail,
        "the queue of eu-west: back at its baseline after 600.000 s"
    );
    let late = check(
        CheckId::FdDrain,
        surge(600.001, 700.0),
        Fail,
        ReasonCode::WindowExceeded,
    );
    assert_eq!(late.estimate, Some(600.001));
    assert!(
        late.detail.contains("baseline of 4 before 600.001 s"),
        "{}",
        late.detail
    );
    check(
        CheckId::FdDrain,
        surge(120.0, 160.0),
        Pass,
        ReasonCode::WithinWindow,
    );
}

#[test]
fn back_takes_three_samples_in_a_row() {
    let two = surge(600.0, 620.0);
    check(
        CheckId::FdDrain,
        two,
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
    let three = surge(600.0, 630.0);
    check(CheckId::FdDrain, three, Pass, ReasonCode::WithinWindow);
    let dips = (1..70).map(|n| (10.0 * f64::from(n), if n % 3 == 0 { 900 } else { 2 }));
    check(
        CheckId::FdDrain,
        backlog(dips),
        Fail,
        ReasonCode::WindowExceeded,
    );
}

#[test]
fn a_log_that_ends_while_the_queue_is_long_decides_only_after_its_time() {
    let until = |end: f64| backlog([(10.0, 50), (300.0, 400), (end, 200)]);
    check(
        CheckId::FdDrain,
        until(599.999),
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
    check(
        CheckId::FdDrain,
        until(600.0),
        Fail,
        ReasonCode::WindowExceeded,
    );
    let unseen = backlog([]).into_iter().chain([ended(9000.0)]);
    check(
        CheckId::FdDrain,
        unseen,
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
}

#[test]
fn calm_before_the_surge_is_not_back() {
    let calm = [(5.0, 3), (10.0, 4), (15.0, 4)];
    let surge = (2..80).map(|n| (10.0 * f64::from(n), 500));
    check(
        CheckId::FdDrain,
        backlog(calm.into_iter().chain(surge)),
        Fail,
        ReasonCode::WindowExceeded,
    );
    // One sample above is chance, and a surge after its time is another matter.
    let blip = [
        (30.0, 3),
        (40.0, 3),
        (50.0, 3),
        (60.0, 9),
        (70.0, 3),
        (700.0, 9),
        (710.0, 9),
        (720.0, 9),
    ];
    check(
        CheckId::FdDrain,
        backlog(blip),
        Pass,
        ReasonCode::WithinWindow,
    );
}

#[test]
fn the_worst_queue_decides_and_each_has_its_own_baseline() {
    let other = |seconds: f64, backlog: u64| {
        let what = Happening::QueueSample {
            backlog,
            age_ms: Some(10.0),
            region: Some(AWAY.to_owned()),
            queue: Some("mail".to_owned()),
        };
        at(seconds, what)
    };
    let high = (1..5).map(|n| other(-10.0 * f64::from(n), 1000));
    let busy = (1..70).map(|n| other(10.0 * f64::from(n), 990));
    let both: Vec<Event> = surge(100.0, 650.0)
        .into_iter()
        .chain(high)
        .chain(busy)
        .collect();
    check(
        CheckId::FdDrain,
        both.clone(),
        Pass,
        ReasonCode::WithinWindow,
    );
    let fuller = both.into_iter().map(|event| match event.what {
        Happening::QueueSample { backlog: 990, .. } => other(
            event.ts.seconds_since(at(0.0, Happening::DrillEnded {}).ts),
            1001,
        ),
        _ => event,
    });
    let failed = check(CheckId::FdDrain, fuller, Fail, ReasonCode::WindowExceeded);
    assert!(
        failed.detail.starts_with("mail in eu-west: not back"),
        "{}",
        failed.detail
    );
}

#[test]
fn a_queue_needs_a_baseline_and_samples() {
    let short = surge(100.0, 200.0).into_iter().skip(1);
    let found = check(
        CheckId::FdDrain,
        short,
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
    assert!(
        found.detail.contains("2 samples before the decision"),
        "{}",
        found.detail
    );
    let none = [decided(0.0), cutover(9.0), ended(900.0)];
    check(
        CheckId::FdDrain,
        none,
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
    check(
        CheckId::FdDrain,
        [queue(0.0, 1)],
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
}

#[test]
fn a_plan_may_ask_for_empty_queues_before_and_after() {
    let empty = |n: u32, from: f64| (0..n).map(move |n| queue(from + f64::from(n), 0));
    let around = |before: u32, after: u32| {
        let decided = std::iter::once(decided(0.0));
        empty(before, -10.0)
            .chain(decided)
            .chain(empty(after, 50.0))
    };
    let passed = named("queue_empty", around(3, 0), ReasonCode::QueueEmpty);
    assert_eq!((passed.estimate, passed.limit), (Some(0.0), 0.0));
    assert_eq!(passed.clause, "queues are empty before the drill begins");
    named("queue_empty", around(2, 9), ReasonCode::EvidenceMissing);
    let one = around(3, 0).chain([queue(-11.0, 8), queue(-1.0, 1)]);
    let failed = named("queue_empty", one, ReasonCode::QueueNotEmpty);
    assert!(
        failed.detail.ends_with("the queue of eu-west: 1 waiting"),
        "{}",
        failed.detail
    );
    named("queue_empty", empty(9, 0.0), ReasonCode::EvidenceMissing);
    named("backlog_zero", around(3, 3), ReasonCode::QueueEmpty);
    named("backlog_zero", around(3, 2), ReasonCode::EvidenceMissing);
    named(
        "backlog_zero",
        around(3, 3).chain([queue(99.0, 2)]),
        ReasonCode::QueueNotEmpty,
    );
    named(
        "queue_backlog",
        surge(600.0, 700.0),
        ReasonCode::WithinWindow,
    );
    named(
        "queue_backlog",
        surge(601.0, 700.0),
        ReasonCode::WindowExceeded,
    );
}

/// One request of the survivor a minute, which meets a queue of 4 before the decision, a long one then,
/// and one of 4 again from a minute on.
fn requests(back: i64) -> TrafficTable {
    let line = |minute: i64| {
        let ts = at(60.0 * minute as f64 + 7.0, Happening::DrillEnded {}).ts;
        let backlog = if (0..back).contains(&minute) { 900 } else { 4 };
        format!(
            r#"{{"ts":"{ts}","region":"{AWAY}","status":200,"latency_ms":{{"tfinal":9}},"queue":{{"backlog":{backlog}}},"egress":{{"webhook":"w","dedupe_key":"{minute}"}}}}"#
        )
    };
    let lines: Vec<String> = (-5..15).map(line).collect();
    let options = ReadOptions {
        arm_by: ArmField::Region,
        ..ReadOptions::default()
    };
    read_lines("requests", lines.join("\n").into_bytes(), &options).expect("sound")
}

#[test]
fn requests_tell_of_a_queue_that_the_log_does_not_sample() {
    let judged = |events: Vec<Event>, back: i64| {
        let observed = Observed {
            traffic: Some(requests(back)),
            timeline: Some(timeline(events)),
        };
        judged_of(&observed, CheckId::FdDrain)
    };
    let silent = vec![decided(0.0), cutover(9.0)];
    let exact = judged(silent.clone(), 9);
    assert_eq!(
        (exact.verdict, exact.estimate),
        (Pass, Some(600.0)),
        "{}",
        exact.detail
    );
    let late = judged(silent, 10);
    assert_eq!(
        (late.verdict, late.estimate),
        (Fail, Some(660.0)),
        "{}",
        late.detail
    );
    let sampled = judged(surge(100.0, 200.0), 10);
    assert_eq!(
        sampled.estimate,
        Some(100.0),
        "what the log samples comes first"
    );
}

#[test]
fn requests_alone_lack_the_moments_of_a_drill() {
    for id in [CheckId::FdDrain, CheckId::FdHook, CheckId::FdCache] {
        let observed = Observed {
            traffic: Some(requests(9)),
            timeline: None,
        };
        let check = judged_of(&observed, id);
        assert_eq!(check.reason_code, ReasonCode::EvidenceMissing);
        assert!(
            check.detail.contains("the drill log does"),
            "{}",
            check.detail
        );
    }
}

#[test]
fn what_requests_repeat_and_what_was_simulated_counts() {
    let hooks = [decided(0.0), cutover(20.0), super::webhook(25.0, "k", AWAY)];
    let mut observed = Observed {
        traffic: Some(requests(9)),
        timeline: Some(timeline(hooks)),
    };
    assert_eq!(
        judged_of(&observed, CheckId::FdHook).reason_code,
        ReasonCode::NoDuplicates
    );
    let table = observed.traffic.as_mut().expect("given");
    table.arms.get_mut(AWAY).expect("an arm").writes.n_repeated = 2;
    let found = judged_of(&observed, CheckId::FdHook);
    assert_eq!(found.reason_code, ReasonCode::Duplicates);
    assert!(
        found.detail.ends_with("2 in the requests of eu-west"),
        "{}",
        found.detail
    );
    observed.traffic.as_mut().expect("given").intake.n_simulated = 1;
    for (id, reason) in [
        (CheckId::FdHook, ReasonCode::SimulatedEvidence),
        (CheckId::FdCut, ReasonCode::WithinWindow),
    ] {
        assert_eq!(judged_of(&observed, id).reason_code, reason);
    }
}

/// Hit ratios around a purge at second 100.
fn cache(after: impl IntoIterator<Item = (f64, f64)>) -> Vec<Event> {
    let before = [
        hits(10.0, 0.90),
        hits(20.0, 0.92),
        hits(30.0, 0.80),
        purged(100.0),
    ];
    let after = after
        .into_iter()
        .map(|(seconds, ratio)| hits(100.0 + seconds, ratio));
    before.into_iter().chain(after).collect()
}

#[test]
fn a_cache_that_is_warm_after_ten_minutes_passes_and_a_millisecond_later_fails() {
    let drill = |back: f64| cache([(60.0, 0.1), (300.0, 0.84), (back, 0.85), (900.0, 0.9)]);
    let exact = check(
        CheckId::FdCache,
        drill(600.0),
        Pass,
        ReasonCode::WithinWindow,
    );
    assert_eq!(exact.estimate, Some(600.0));
    assert_eq!(exact.detail, "p: warm 600.000 s after the purge");
    check(
        CheckId::FdCache,
        drill(600.001),
        Fail,
        ReasonCode::WindowExceeded,
    );
    named("cache_rewarmed", drill(600.0), ReasonCode::WithinWindow);
}

#[test]
fn a_cache_that_stays_cold_fails_when_it_was_seen_to() {
    let until = |end: f64| cache([(60.0, 0.1), (end, 0.849)]);
    check(
        CheckId::FdCache,
        until(600.0),
        Fail,
        ReasonCode::WindowExceeded,
    );
    check(
        CheckId::FdCache,
        until(599.999),
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
    check(
        CheckId::FdCache,
        cache([]),
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
    let unknown = [purged(100.0), hits(200.0, 0.9)];
    check(
        CheckId::FdCache,
        unknown,
        Inconclusive,
        ReasonCode::EvidenceMissing,
    );
}

#[test]
fn every_purge_is_judged_beside_the_time_before_the_first() {
    let again = |back: f64| {
        let more = [purged(400.0), hits(500.0, 0.2), hits(400.0 + back, 0.9)];
        cache([(60.0, 0.1), (200.0, 0.86)]).into_iter().chain(more)
    };
    check(
        CheckId::FdCache,
        again(300.0),
        Pass,
        ReasonCode::WithinWindow,
    );
    check(
        CheckId::FdCache,
        again(601.0),
        Fail,
        ReasonCode::WindowExceeded,
    );
}

#[test]
fn a_purge_of_one_region_is_not_of_another() {
    let sample = |seconds: f64, region: &str, hit_ratio: f64| {
        let what = Happening::CacheSample {
            prefix: "p:".to_owned(),
            hit_ratio,
            region: Some(region.to_owned()),
        };
        at(seconds, what)
    };
    let purge = |region: Option<&str>| {
        let what = Happening::CachePurged {
            prefix: "p:".to_owned(),
            region: region.map(str::to_owned),
            variant: None,
        };
        at(10.0, what)
    };
    let samples = [
        sample(0.0, HOME, 0.9),
        sample(0.0, AWAY, 0.5),
        sample(700.0, HOME, 0.1),
        sample(20.0, AWAY, 0.48),
    ];
    let with = |purge: Event| samples.clone().into_iter().chain([purge]);
    check(
        CheckId::FdCache,
        with(purge(Some(AWAY))),
        Pass,
        ReasonCode::WithinWindow,
    );
    check(
        CheckId::FdCache,
        with(purge(Some(HOME))),
        Fail,
        ReasonCode::WindowExceeded,
    );
    let both = check(
        CheckId::FdCache,
        with(purge(None)),
        Fail,
        ReasonCode::WindowExceeded,
    );
    assert!(
        both.detail.starts_with("p: in us-east not warm"),
        "{}",
        both.detail
    );
}

#[test]
fn a_purge_that_was_planned_and_never_came_fails_when_the_drill_is_over() {
    let open = [decided(0.0), cutover(9.0), hits(900.0, 0.9)];
    check(
        CheckId::FdCache,
        open.clone(),
        Inconclusive,
        ReasonCode::ObservationEnded,
    );
    let over = open.clone().into_iter().chain([ended(901.0)]);
    check(CheckId::FdCache, over.clone(), Fail, ReasonCode::NotPurged);
    let mut unplanned = timeline(over);
    unplanned.purge_cache = false;
    assert_eq!(judged(unplanned, CheckId::FdCache).verdict, NotApplicable);
}

#[test]
fn a_plan_may_ask_for_warm_caches_before() {
    let ratios = |ratios: &[f64]| {
        let samples = ratios.iter().zip(1_u8..);
        let samples = samples.map(|(ratio, n)| hits(f64::from(n) - 100.0, *ratio));
        samples
            .chain([decided(0.0), hits(1.0, 0.0)])
            .collect::<Vec<_>>()
    };
    let warm = named(
        "cache_warm",
        ratios(&[0.9, 0.9, 0.85]),
        ReasonCode::CacheWarm,
    );
    assert_eq!((warm.estimate, warm.verdict), (Some(0.0), Pass));
    named(
        "cache_warm",
        ratios(&[0.9, 0.9, 0.849]),
        ReasonCode::CacheCold,
    );
    named(
        "cache_warm",
        ratios(&[0.0, 0.0, 0.0]),
        ReasonCode::CacheCold,
    );
    named(
        "cache_warm",
        ratios(&[0.9, 0.9]),
        ReasonCode::EvidenceMissing,
    );
    named("cache_warm", ratios(&[]), ReasonCode::EvidenceMissing);
    named("cache_warm", [hits(0.0, 0.9)], ReasonCode::EvidenceMissing);
}
