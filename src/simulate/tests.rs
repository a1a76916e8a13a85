//! What is planted is there, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::traffic::{Event, Happening};

/// Half an hour at ten requests a second.
fn plan(scenario: Scenario) -> Plan {
    Plan {
        minutes: 30.0,
        rate: 10.0,
        ..Plan::new(scenario)
    }
}

fn at(scenario: Scenario, runbook: Runbook) -> Plan {
    Plan {
        runbook,
        ..plan(scenario)
    }
}

fn all(plan: &Plan) -> Vec<Request> {
    requests(plan).expect("a sound plan").collect()
}

/// Requests of the control and of the candidate, by the field that tells them apart.
fn sides(plan: &Plan) -> [Vec<Request>; 2] {
    let candidate = |request: &Request| match plan.runbook {
        Runbook::MultiRegion | Runbook::FailoverDrill => request.region == "eu-west",
        _ => request.release.revision == "new",
    };
    let (candidate, control) = all(plan).into_iter().partition(candidate);
    [control, candidate]
}

/// The share of the control's and of the candidate's requests that are so.
fn shares(plan: &Plan, so: impl Fn(&Request) -> bool) -> [f64; 2] {
    sides(plan)
        .map(|side| side.iter().filter(|request| so(request)).count() as f64 / side.len() as f64)
}

#[track_caller]
fn near(value: f64, expected: f64, tolerance: f64) {
    assert!(
        (value - expected).abs() <= tolerance,
        "{value}, not {expected}"
    );
}

fn failed(request: &Request) -> bool {
    request.error_class.is_some()
}

fn p95(side: &[Request]) -> f64 {
    let warm = side
        .iter()
        .filter(|request| !request.cold_start && !request.warm_ping);
    let times: Vec<f64> = warm.map(|request| f64::from(request.latency[2])).collect();
    crate::stats::quantile(&times, 0.95).expect("requests")
}

#[test]
fn a_healthy_log_is_the_same_law_twice() {
    let plan = plan(Scenario::Healthy);
    let [control, candidate] = sides(&plan);
    assert_eq!(control.len() + candidate.len(), 18_000);
    near(candidate.len() as f64 / 18_000.0, 0.5, 0.02);
    near(p95(&candidate) / p95(&control), 1.0, 0.04);
    for share in shares(&plan, |request| request.cold_start) {
        near(share, 0.01, 0.005);
    }
    for share in shares(&plan, failed) {
        near(share, 0.002, 0.0015);
    }
    let hit = |request: &Request| request.cache.is_some_and(|cache| cache.hit == Some(true));
    for share in shares(&plan, hit) {
        near(share, 0.6 * 0.9, 0.02);
    }
    for side in [&control, &candidate] {
        let classes: BTreeSet<_> = side
            .iter()
            .filter_map(|request| request.error_class)
            .collect();
        assert_eq!(
            classes.into_iter().collect::<Vec<_>>(),
            ["rate_limited", "upstream_timeout"]
        );
        let effects = side
            .iter()
            .filter_map(|request| request.egress)
            .filter(|call| !call.deduped);
        let keys: Vec<_> = effects.map(|call| call.key).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        assert!(
            side.iter()
                .any(|request| request.egress.is_some_and(|call| call.deduped))
        );
        assert!(side.iter().all(|request| request.pins.model_tag.is_some()));
        let prefixes: BTreeSet<_> = side
            .iter()
            .filter_map(|request| request.cache)
            .map(|cache| cache.prefix)
            .collect();
        assert_eq!(prefixes.len(), 1);
    }
}

#[test]
fn each_fault_is_planted_as_it_says() {
    let tail = sides(&plan(Scenario::TailFault)).map(|side| p95(&side));
    assert!(tail[1] / tail[0] > 1.6, "{tail:?}");
    let cold = shares(&plan(Scenario::ColdStorm), |request| request.cold_start);
    near(cold[0], 0.01, 0.005);
    near(cold[1], 0.15, 0.01);
    let class = |plan: &Plan, class: &'static str| {
        shares(plan, move |request| request.error_class == Some(class))
    };
    let new = class(&plan(Scenario::NewErrorClass), "index_version_mismatch");
    assert_eq!(new[0], 0.0);
    near(new[1], 0.01, 0.003);
    let server = class(
        &at(Scenario::ServerErrors, Runbook::TrafficShaping),
        "upstream_unavailable",
    );
    assert!(server[0] > 0.0, "{server:?}");
    near(server[1], 0.015, 0.004);
    let errors = shares(
        &Plan {
            error_rate: 0.02,
            ..plan(Scenario::ErrorRate)
        },
        failed,
    );
    near(errors[1] / errors[0], 3.0, 0.6);
    let foreign = |request: &Request| request.cache.is_some_and(|cache| cache.prefix == "ctl:");
    near(
        shares(&plan(Scenario::CachePoison), foreign)[1],
        0.03 * 0.9,
        0.006,
    );
    let hit = |request: &Request| request.cache.is_some_and(|cache| cache.hit == Some(true));
    near(
        shares(&plan(Scenario::HitRatioDrop), hit)[1],
        0.45 * 0.9,
        0.02,
    );
    let unpinned = |request: &Request| request.pins.model_tag.is_none();
    near(
        shares(&plan(Scenario::MissingPins), unpinned)[1],
        0.005,
        0.003,
    );
    let mixed = |request: &Request| {
        request
            .retrieval
            .is_some_and(|of| of.index_hash != request.pins.index_hash)
    };
    near(shares(&plan(Scenario::MixedPins), mixed)[1], 0.005, 0.003);
    near(shares(&plan(Scenario::IndexSkew), mixed)[1], 0.9, 0.01);
}

/// The prefixes that each side purges.
fn purged(plan: &Plan) -> [BTreeSet<&'static str>; 2] {
    sides(plan).map(|side| {
        let uses = side.iter().filter_map(|request| request.cache);
        uses.filter(|cache| cache.purged)
            .map(|cache| cache.prefix)
            .collect()
    })
}

#[test]
fn purges_collide_only_where_that_is_planted() {
    assert_eq!(
        purged(&plan(Scenario::Healthy)),
        [["ctl:"].into(), ["cnr:"].into()]
    );
    let collision = plan(Scenario::PurgeCollision);
    assert_eq!(purged(&collision), [["ctl:"].into(), ["ctl:"].into()]);
    let by_events: BTreeSet<(String, String)> = events(&collision)
        .expect("sound")
        .into_iter()
        .filter_map(|event| match event.what {
            Happening::CachePurged {
                prefix, variant, ..
            } => Some((variant?, prefix)),
            _ => None,
        })
        .collect();
    let pair = |variant: &str| (variant.to_owned(), "ctl:".to_owned());
    assert_eq!(by_events, [pair("canary"), pair("control")].into());
}

#[test]
fn writes_repeat_within_an_arm_or_across_both() {
    let effects = |plan: &Plan| {
        sides(plan).map(|side| {
            let calls = side.iter().filter_map(|request| request.egress);
            let effects = calls.filter(|call| !call.deduped);
            effects.map(|call| call.key).collect::<Vec<_>>()
        })
    };
    let [control, candidate] = effects(&at(Scenario::DuplicateWrites, Runbook::TrafficShaping));
    let distinct = |keys: &[DedupeKey]| keys.iter().collect::<BTreeSet<_>>().len();
    assert_eq!(distinct(&control), control.len());
    assert!(distinct(&candidate) + 20 < candidate.len());
    let [home, other] = effects(&at(Scenario::SplitBrain, Runbook::MultiRegion));
    let home: BTreeSet<_> = home.into_iter().collect();
    assert!(other.iter().filter(|key| home.contains(key)).count() > 20);
}

#[test]
fn a_queue_grows_only_where_that_is_planted() {
    let ages = |plan: &Plan| {
        sides(plan).map(|side| {
            let age = |part: &[Request]| {
                part.iter()
                    .map(|request| request.queue.age_p95_ms as f64)
                    .sum::<f64>()
                    / part.len() as f64
            };
            age(&side[side.len() * 9 / 10..]) / age(&side[..side.len() / 10])
        })
    };
    let growth = ages(&at(Scenario::QueueGrowth, Runbook::TrafficShaping));
    near(growth[0], 1.0, 0.03);
    near(growth[1], 2.9 / 1.1, 0.1);
}

fn told(plan: &Plan) -> Vec<Event> {
    let events = events(plan).expect("sound");
    assert!(events.is_sorted_by_key(|event| event.ts.as_millisecond()));
    assert!(events.iter().all(|event| event.simulated));
    events
}

/// The moments of the events that are so, in seconds after the decision.
fn moments(events: &[Event], so: impl Fn(&Happening) -> bool) -> Vec<f64> {
    let decided = events
        .iter()
        .find(|event| matches!(event.what, Happening::EvacuateDecided { .. }))
        .expect("a decision");
    let found = events.iter().filter(|event| so(&event.what));
    found
        .map(|event| event.ts.seconds_since(decided.ts))
        .collect()
}

fn cutover(what: &Happening) -> bool {
    matches!(what, Happening::CutoverComplete { .. })
}

/// How often each write was applied, of those that were accepted.
fn applied(events: &[Event]) -> BTreeMap<&str, usize> {
    let mut times = BTreeMap::new();
    for event in events {
        match &event.what {
            Happening::WriteAccepted { id, .. } => {
                times.entry(id.as_str()).or_insert(0);
            }
            Happening::WriteApplied { id, .. } => {
                *times.get_mut(id.as_str()).expect("accepted before") += 1;
            }
            _ => {}
        }
    }
    times
}

fn weights(events: &[Event]) -> Vec<f64> {
    let of = |event: &Event| match &event.what {
        Happening::WeightChanged { region, weight } if region == "us-east" => Some(*weight),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_healthy_drill_goes_as_planned() {
    let events = told(&at(Scenario::Healthy, Runbook::FailoverDrill));
    assert_eq!(moments(&events, cutover), [18.0]);
    assert!(applied(&events).values().all(|times| *times == 1));
    assert_eq!(
        weights(&events),
        [100.0, 60.0, 30.0, 0.0, 10.0, 30.0, 60.0, 100.0]
    );
    let waiting =
        |what: &Happening| matches!(what, Happening::QueueSample { backlog, .. } if *backlog > 5);
    let last = moments(&events, waiting).into_iter().next_back();
    assert!(
        last.is_some_and(|last| (200.0..300.0).contains(&last)),
        "{last:?}"
    );
    let after_cutover =
        |event: &&Event| event.ts.as_millisecond() >= START_MS + 12 * 60_000 + 18_250;
    for event in events.iter().filter(after_cutover) {
        if let Happening::WebhookEmitted { region, .. } | Happening::WriteApplied { region, .. } =
            &event.what
        {
            assert_eq!(region, "eu-west");
        }
    }
}

#[test]
fn each_fault_of_a_drill_is_planted_as_it_says() {
    let drill = |scenario| told(&at(scenario, Runbook::FailoverDrill));
    assert_eq!(moments(&drill(Scenario::SlowCutover), cutover), [75.0]);
    let writes = drill(Scenario::LostWrite);
    let written = applied(&writes);
    assert_eq!(written.values().filter(|times| **times == 0).count(), 2);
    let split = drill(Scenario::SplitBrain);
    assert!(
        applied(&split)
            .values()
            .filter(|times| **times == 2)
            .count()
            > 100
    );
    let mut keys = BTreeMap::new();
    for event in drill(Scenario::DuplicateWebhook) {
        if let Happening::WebhookEmitted { dedupe_key, .. } = event.what {
            *keys.entry(dedupe_key).or_insert(0) += 1;
        }
    }
    assert_eq!(keys.values().filter(|times| **times == 2).count(), 3);
    let waiting =
        |what: &Happening| matches!(what, Happening::QueueSample { backlog, .. } if *backlog > 5);
    let last = moments(&drill(Scenario::SlowDrain), waiting)
        .into_iter()
        .next_back();
    assert!(last.is_some_and(|last| last > 800.0), "{last:?}");
    let cold = |what: &Happening| matches!(what, Happening::CacheSample { hit_ratio, prefix, .. } if *hit_ratio < 0.54 && prefix == "euw1:");
    let last = moments(&drill(Scenario::LateRewarm), cold)
        .into_iter()
        .next_back();
    assert!(last.is_some_and(|last| last > 700.0), "{last:?}");
    let weight = weights(&drill(Scenario::Flapping));
    assert_eq!(weight[..6], [100.0, 60.0, 30.0, 0.0, 20.0, 0.0]);
    let weight = weights(&drill(Scenario::WrongReturnOrder));
    assert_eq!(weight[4..], [10.0, 60.0, 30.0, 100.0]);
    let slow = all(&at(Scenario::SlowSurvivor, Runbook::FailoverDrill));
    let (before, after): (Vec<_>, Vec<_>) = slow
        .into_iter()
        .partition(|request| request.at_ms < START_MS + 12 * 60_000);
    assert!(p95(&after) / p95(&before) > 1.5);
    let burst = all(&at(Scenario::ServerErrorBurst, Runbook::FailoverDrill));
    let failed = burst
        .iter()
        .filter(|request| request.status == 503)
        .map(|request| request.at_ms);
    let (first, last) = (failed.clone().min(), failed.max());
    let length = last.expect("failures") - first.expect("failures");
    assert!((85_000..90_000).contains(&length), "{length}");
}

#[test]
fn traffic_follows_the_weights_of_a_drill() {
    let drill = all(&at(Scenario::Healthy, Runbook::FailoverDrill));
    let home = |from: i64, to: i64| {
        let within = drill
            .iter()
            .filter(|request| (from..to).contains(&(request.at_ms - START_MS)));
        let (here, there): (Vec<_>, Vec<_>) =
            within.partition(|request| request.region == "us-east");
        here.len() as f64 / (here.len() + there.len()) as f64
    };
    let decided = 12 * 60_000 + 250;
    // Half of the reads, and all writes.
    near(home(0, decided), 0.45 + 0.1, 0.03);
    assert_eq!(home(decided + 18_000, decided + 600_000), 0.0);
    near(home(decided + 800_000, 30 * 60_000), 0.45, 0.04);
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let refused = |plan: Plan, message: &str| {
        let error = requests(&plan).err().expect("refused").to_string();
        assert!(error.contains(message), "{error}");
        assert!(events(&plan).is_err());
    };
    refused(
        at(Scenario::SlowDrain, Runbook::Canary),
        "slow-drain cannot be played at canary",
    );
    refused(
        Plan {
            minutes: 20.0,
            ..at(Scenario::SlowDrain, Runbook::FailoverDrill)
        },
        "minutes is 20",
    );
    refused(
        Plan {
            rate: f64::NAN,
            ..plan(Scenario::Healthy)
        },
        "rate is NaN",
    );
    refused(
        Plan {
            share: 1.0,
            ..plan(Scenario::Healthy)
        },
        "share is 1",
    );
    refused(
        Plan {
            error_rate: -0.1,
            ..plan(Scenario::Healthy)
        },
        "error-rate is -0.1",
    );
}

fn lines(plan: &Plan) -> String {
    let (mut writer, mut bytes) = (LineWriter::default(), Vec::new());
    for request in requests(plan).expect("sound") {
        writer.write(&request, &mut bytes);
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_fault_changes_nothing_but_what_it_plants() {
    let short = |scenario| Plan {
        minutes: 5.0,
        ..plan(scenario)
    };
    let healthy = all(&short(Scenario::Healthy));
    for (a, b) in healthy.iter().zip(&all(&short(Scenario::CachePoison))) {
        let cache = b.cache.map(|cache| CacheUse {
            prefix: a.cache.expect("a look-up").prefix,
            ..cache
        });
        assert_eq!(*a, Request { cache, ..b.clone() });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_line_is_of_the_schema_in_the_order_of_time_and_of_the_asked_share(
        which in 0..24_usize,
        seed in any::<u64>(),
        rate in 2.0..20.0_f64,
        share in 0.05..0.95_f64,
    ) {
        let scenario = Scenario::all().nth(which).expect("24 scenarios");
        for runbook in scenario.runbooks() {
            let plan = Plan { runbook, seed, rate, share, minutes: 25.0, ..plan(scenario) };
            let few = requests(&plan).expect("sound").take(200);
            let (mut writer, mut bytes) = (LineWriter::default(), Vec::new());
            let mut before = plan.start.as_millisecond();
            for request in few {
                prop_assert!(request.at_ms >= before);
                before = request.at_ms;
                bytes.clear();
                writer.write(&request, &mut bytes);
                let line: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
                prop_assert_eq!(&line["simulated"], &serde_json::Value::Bool(true));
                let ts: Moment = line["ts"].as_str().expect("a time").parse().expect("a time");
                prop_assert_eq!(ts.as_millisecond(), request.at_ms);
                let tfinal = line["latency_ms"]["tfinal"].as_f64().expect("a number");
                prop_assert_eq!(tfinal, f64::from(request.latency[2]) / 10.0);
                prop_assert!(request.latency[0] <= request.latency[1] && request.latency[1] <= request.latency[2]);
            }
            prop_assert!(before < plan.start.as_millisecond() + 25 * 60_000);
        }
    }
}

#[test]
fn the_same_plan_gives_the_same_lines_and_another_seed_others() {
    let short = Plan {
        minutes: 1.0,
        ..plan(Scenario::TailFault)
    };
    assert_eq!(lines(&short), lines(&short));
    assert_ne!(
        lines(&short),
        lines(&Plan {
            seed: 2,
            ..short.clone()
        })
    );
    let drill = at(Scenario::Healthy, Runbook::FailoverDrill);
    assert_eq!(
        events(&drill).expect("sound"),
        events(&drill).expect("sound")
    );
    let stage = Plan {
        share: Plan::share_at(RunbookStage::Five),
        ..plan(Scenario::Healthy)
    };
    let [control, candidate] = sides(&stage);
    near(
        candidate.len() as f64 / (control.len() + candidate.len()) as f64,
        0.05,
        0.01,
    );
}
