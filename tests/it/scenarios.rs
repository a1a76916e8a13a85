//! Every clause that live requests or a drill log decide, on logs in which nothing is wrong and on logs
//! in which it is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ragstone::ids::TargetName;
use ragstone::judge::CheckId::{
    self, BgAudit, BgHit, BgNewErr, BgP95, CaCache, CaErr, CaHit, CaNewErr, CaP95, CaS1, CaS25,
    FdBurst, FdCache, FdCut, FdDrain, FdFlap, FdHome, FdHook, FdP95, FdWrites, Mr5xx, MrDedupe,
    MrP95, Ts5xx, TsCold, TsDedupe, TsP95, TsPins, TsQueue,
};
use ragstone::judge::{
    Check, CheckVerdict, Definition, DrillCheck, ObservedSettings, ReasonCode, Runbook,
    RunbookStage, Settings, Source, Trial, judge_observed,
};
use ragstone::simulate::{Form, LineWriter, Plan, Scenario, events, requests, write_folder};
use ragstone::stats::Resamples;
use ragstone::traffic::{Observed, ReadOptions, Roles, Timeline, read_lines};

use crate::judged::{REGIONS, gives, run_of, text};
use crate::support::{gate, root};

/// A clause: why it passes where nothing is wrong, and why it fails at each fault.
struct Row {
    id: CheckId,
    healthy: ReasonCode,
    faulty: &'static [(Scenario, ReasonCode)],
}

const fn row(id: CheckId, healthy: ReasonCode, faulty: &'static [(Scenario, ReasonCode)]) -> Row {
    Row {
        id,
        healthy,
        faulty,
    }
}

const TAIL: &[(Scenario, ReasonCode)] = &[(Scenario::TailFault, ReasonCode::BoundOutsideLimit)];
const NEW_CLASS: &[(Scenario, ReasonCode)] =
    &[(Scenario::NewErrorClass, ReasonCode::NewErrorClass)];
const FEWER_HITS: &[(Scenario, ReasonCode)] =
    &[(Scenario::HitRatioDrop, ReasonCode::BoundOutsideLimit)];
const SERVER_ERRORS: &[(Scenario, ReasonCode)] = &[
    (Scenario::ServerErrors, ReasonCode::BoundOutsideLimit),
    (Scenario::NewErrorClass, ReasonCode::BoundOutsideLimit),
];

#[rustfmt::skip]
const ROWS: [Row; 29] = [
    row(CaP95, ReasonCode::BoundInsideLimit, TAIL),
    row(CaErr, ReasonCode::BoundInsideLimit, &[
        (Scenario::ErrorRate, ReasonCode::BoundOutsideLimit),
        (Scenario::ServerErrors, ReasonCode::HarmShown),
        (Scenario::NewErrorClass, ReasonCode::BoundOutsideLimit),
    ]),
    row(CaNewErr, ReasonCode::NoNewErrorClass, NEW_CLASS),
    row(CaCache, ReasonCode::PrefixesApart, &[(Scenario::CachePoison, ReasonCode::PrefixShared)]),
    row(CaHit, ReasonCode::BoundInsideLimit, FEWER_HITS),
    row(CaS1, ReasonCode::HardStopNotCrossed, &[
        (Scenario::TailFault, ReasonCode::HardStopCrossed),
        (Scenario::NewErrorClass, ReasonCode::HardStopCrossed),
    ]),
    row(CaS25, ReasonCode::PurgesApart, &[(Scenario::PurgeCollision, ReasonCode::PurgesCollide)]),
    row(BgP95, ReasonCode::BoundInsideLimit, TAIL),
    row(BgNewErr, ReasonCode::NoNewErrorClass, NEW_CLASS),
    row(BgHit, ReasonCode::BoundInsideLimit, FEWER_HITS),
    row(MrP95, ReasonCode::BoundInsideLimit, TAIL),
    row(Mr5xx, ReasonCode::BoundInsideLimit, SERVER_ERRORS),
    row(MrDedupe, ReasonCode::NoDuplicates, &[
        (Scenario::DuplicateWrites, ReasonCode::Duplicates),
        (Scenario::SplitBrain, ReasonCode::Duplicates),
    ]),
    row(FdCut, ReasonCode::WithinWindow, &[(Scenario::SlowCutover, ReasonCode::WindowExceeded)]),
    row(FdBurst, ReasonCode::WithinWindow, &[(Scenario::ServerErrorBurst, ReasonCode::WindowExceeded)]),
    row(FdP95, ReasonCode::BoundInsideLimit, &[(Scenario::SlowSurvivor, ReasonCode::BoundOutsideLimit)]),
    row(FdWrites, ReasonCode::WritesComplete, &[
        (Scenario::LostWrite, ReasonCode::WritesLost),
        (Scenario::SplitBrain, ReasonCode::Duplicates),
    ]),
    row(FdDrain, ReasonCode::WithinWindow, &[(Scenario::SlowDrain, ReasonCode::WindowExceeded)]),
    row(FdHook, ReasonCode::NoDuplicates, &[
        (Scenario::DuplicateWebhook, ReasonCode::Duplicates),
        (Scenario::SplitBrain, ReasonCode::WrongRegion),
    ]),
    row(FdCache, ReasonCode::WithinWindow, &[(Scenario::LateRewarm, ReasonCode::WindowExceeded)]),
    row(FdFlap, ReasonCode::Steady, &[(Scenario::Flapping, ReasonCode::Flapping)]),
    row(FdHome, ReasonCode::InOrder, &[(Scenario::WrongReturnOrder, ReasonCode::OutOfOrder)]),
    row(TsP95, ReasonCode::BoundInsideLimit, TAIL),
    row(Ts5xx, ReasonCode::BoundInsideLimit, SERVER_ERRORS),
    row(TsCold, ReasonCode::BoundInsideLimit, &[(Scenario::ColdStorm, ReasonCode::BoundOutsideLimit)]),
    row(TsDedupe, ReasonCode::NoDuplicates, &[(Scenario::DuplicateWrites, ReasonCode::Duplicates)]),
    row(TsQueue, ReasonCode::BoundInsideLimit, &[(Scenario::QueueGrowth, ReasonCode::BoundOutsideLimit)]),
    row(TsPins, ReasonCode::PinsComplete, &[
        (Scenario::MissingPins, ReasonCode::PinsMissing),
        (Scenario::MixedPins, ReasonCode::PinsMixed),
        (Scenario::IndexSkew, ReasonCode::PinsMixed),
    ]),
    // Beside probes only, and so by the program: `green_is_audited_by_its_requests_too`.
    row(BgAudit, ReasonCode::BoundInsideLimit, &[(Scenario::DuplicateWrites, ReasonCode::Duplicates)]),
];

/// The first stage of a clause that has user traffic, where requests or a drill log decide it.
fn live_stage(id: CheckId) -> Option<RunbookStage> {
    let definition = Definition::of(id);
    let live = [Source::Telemetry, Source::DrillLog];
    let mut stages = definition.stages.iter().copied();
    stages
        .find(|stage| !matches!(stage, RunbookStage::Shadow | RunbookStage::PreFlight))
        .filter(|_| {
            definition
                .sources
                .iter()
                .any(|source| live.contains(source))
        })
}

/// The clauses of a runbook that logs alone decide.
fn clauses(runbook: Runbook) -> impl Iterator<Item = (CheckId, RunbookStage)> {
    let ids = runbook.checks().iter().map(|check| check.id);
    ids.filter(|id| *id != BgAudit)
        .filter_map(|id| Some((id, live_stage(id)?)))
}

#[test]
fn every_clause_that_logs_decide_has_a_row_and_every_fault_is_expected() {
    let decided = Definition::all().filter_map(|check| live_stage(check.id).map(|_| check.id));
    let rows: BTreeSet<CheckId> = ROWS.iter().map(|row| row.id).collect();
    assert_eq!(rows, decided.collect());
    assert_eq!(rows.len(), ROWS.len());
    let mut reds = BTreeSet::new();
    for row in &ROWS {
        assert!(!row.faulty.is_empty(), "{}", row.id);
        reds.extend(row.faulty.iter().map(|(scenario, _)| (*scenario, row.id)));
    }
    let said = |scenario: Scenario| {
        let at = |runbook| scenario.turns_red(runbook).unwrap_or_default().iter();
        let all = scenario.runbooks().flat_map(at);
        all.map(|id| (scenario, *id)).collect::<Vec<_>>()
    };
    assert_eq!(reds, Scenario::all().flat_map(said).collect());
}

/// A log just long enough for what it is to prove.
fn plan(scenario: Scenario, runbook: Runbook) -> Plan {
    let (minutes, rate) = match (runbook, scenario) {
        (Runbook::FailoverDrill, Scenario::ServerErrorBurst) => (30.0, 6.0),
        (Runbook::FailoverDrill, _) => (30.0, 3.0),
        // Without a server error some thousand requests of each arm show that there are none.
        (Runbook::TrafficShaping | Runbook::MultiRegion, Scenario::Healthy) => (22.0, 12.0),
        // Errors are rare: to show three times as many, or to be known in the control, takes time.
        (_, Scenario::ErrorRate | Scenario::ServerErrors) => (22.0, 15.0),
        (_, Scenario::Healthy) => (22.0, 6.0),
        _ => (22.0, 4.0),
    };
    Plan {
        runbook,
        minutes,
        rate,
        ..Plan::new(scenario)
    }
}

fn observed(plan: &Plan) -> Observed {
    let (mut writer, mut log) = (LineWriter::default(), Vec::new());
    for request in requests(plan).expect("a sound plan") {
        writer.write(&request, &mut log);
    }
    let options = ReadOptions {
        arm_by: plan.runbook.arm_by(),
        ..ReadOptions::default()
    };
    let table = read_lines("simulated", log, &options).expect("readable");
    let timeline = (plan.runbook == Runbook::FailoverDrill).then(|| Timeline {
        events: events(plan).expect("a sound plan"),
        ..Timeline::new(Roles {
            evacuated: "us-east".to_owned(),
            survivor: "eu-west".to_owned(),
            webhooks_from: "eu-west".to_owned(),
            other_webhook_keys: false,
            freeze_writes_on_followers: true,
            purge_cache: true,
            return_weights: vec![10.0, 30.0, 60.0, 100.0],
        })
    });
    Observed {
        traffic: Some(table),
        timeline,
    }
}

/// What the arms of a runbook are called: control and candidate.
fn arms(runbook: Runbook) -> [&'static str; 2] {
    match runbook {
        Runbook::BlueGreen => ["blue", "green"],
        Runbook::TrafficShaping => ["old", "new"],
        Runbook::MultiRegion | Runbook::FailoverDrill => ["us-east", "eu-west"],
        _ => ["control", "canary"],
    }
}

fn trial(runbook: Runbook, stage: RunbookStage, checks: Vec<CheckId>) -> Trial {
    let [control, side] = arms(runbook).map(TargetName::new);
    Trial {
        side,
        control,
        stage,
        checks,
        named: Vec::new(),
    }
}

fn settings(runbook: Runbook) -> Settings {
    Settings {
        runbook,
        observed: ObservedSettings {
            share: (runbook != Runbook::FailoverDrill).then_some(0.5),
            planned_minutes: Some(20.0),
            allow_simulated: true,
            ..ObservedSettings::default()
        },
        // Faults are planted far from the limits, so that few resamples tell as much.
        resamples: Resamples { n: 500, seed: 1 },
        ..Settings::default()
    }
}

/// Each clause that logs alone decide, judged at its first stage with traffic.
fn judged(runbook: Runbook, observed: &Observed, settings: &Settings) -> BTreeMap<CheckId, Check> {
    let trials: Vec<Trial> = clauses(runbook)
        .map(|(id, stage)| trial(runbook, stage, vec![id]))
        .collect();
    let checks = judge_observed(observed, &trials, settings);
    assert_eq!(checks.len(), trials.len(), "every clause is judged");
    checks.into_iter().map(|check| (check.id, check)).collect()
}

#[track_caller]
fn came_out(check: &Check, scenario: Scenario, verdict: CheckVerdict, reason: ReasonCode) {
    assert_eq!(
        (check.verdict, check.reason_code),
        (verdict, reason),
        "{} at {scenario}: {}",
        check.id,
        check.detail
    );
}

/// Plays every scenario of a runbook: what is planted is red for its reason, and nothing else is red.
fn play(runbook: Runbook) {
    let settings = settings(runbook);
    let at = |scenario: &Scenario| scenario.turns_red(runbook).is_some();
    for scenario in Scenario::all().filter(at) {
        let checks = judged(runbook, &observed(&plan(scenario, runbook)), &settings);
        let red = checks
            .values()
            .filter(|check| check.verdict == CheckVerdict::Fail);
        let red: BTreeSet<CheckId> = red.map(|check| check.id).collect();
        let expected = scenario.turns_red(runbook).expect("played here");
        let expected = expected.iter().copied().filter(|id| *id != BgAudit);
        assert_eq!(red, expected.collect(), "{scenario} at {runbook}");
        for row in ROWS.iter().filter(|row| row.id.is_of(runbook)) {
            let Some(check) = checks.get(&row.id) else {
                continue;
            };
            if let Some((_, reason)) = row.faulty.iter().find(|(fault, _)| *fault == scenario) {
                came_out(check, scenario, CheckVerdict::Fail, *reason);
            }
            // Too few errors to prove a ratio; the next test has enough.
            if scenario == Scenario::Healthy && row.id != CaErr {
                came_out(check, scenario, CheckVerdict::Pass, row.healthy);
            }
        }
    }
}

#[test]
fn a_canary_is_red_where_a_fault_is_planted() {
    play(Runbook::Canary);
}

#[test]
fn a_switchover_is_red_where_a_fault_is_planted() {
    play(Runbook::BlueGreen);
}

#[test]
fn regions_are_red_where_a_fault_is_planted() {
    play(Runbook::MultiRegion);
}

#[test]
fn a_step_is_red_where_a_fault_is_planted() {
    play(Runbook::TrafficShaping);
}

#[test]
fn a_drill_is_red_where_a_fault_is_planted() {
    play(Runbook::FailoverDrill);
}

#[test]
fn an_error_rate_is_proved_by_some_hundred_errors() {
    let plan = Plan {
        error_rate: 0.1,
        rate: 12.0,
        ..plan(Scenario::Healthy, Runbook::Canary)
    };
    let trial = trial(Runbook::Canary, RunbookStage::Fifty, vec![CaErr]);
    let checks = judge_observed(&observed(&plan), &[trial], &settings(Runbook::Canary));
    let row = ROWS.iter().find(|row| row.id == CaErr).expect("a row");
    came_out(
        &checks[0],
        Scenario::Healthy,
        CheckVerdict::Pass,
        row.healthy,
    );
}

#[test]
fn the_named_checks_of_a_healthy_drill_pass() {
    let observed = observed(&plan(Scenario::Healthy, Runbook::FailoverDrill));
    let named = |stage, names: &[&str]| Trial {
        named: names
            .iter()
            .map(|name| DrillCheck::find(name).expect("a name"))
            .collect(),
        ..trial(Runbook::FailoverDrill, stage, Vec::new())
    };
    let trials = [
        named(RunbookStage::Pre, &["queue_empty", "cache_warm"]),
        named(
            RunbookStage::Live,
            &["p95_latency", "error_rate", "queue_backlog"],
        ),
        named(RunbookStage::Post, &["backlog_zero", "cache_rewarmed"]),
    ];
    let checks = judge_observed(&observed, &trials, &settings(Runbook::FailoverDrill));
    assert_eq!(checks.len(), 7);
    for check in checks {
        assert_eq!(
            check.verdict,
            CheckVerdict::Pass,
            "{:?}: {}",
            check.named,
            check.detail
        );
    }
}

/// The regions of the handbook, whose requests call them blue and green.
fn switchover(folder: &Path) -> PathBuf {
    let policy = std::fs::read_to_string(root().join(REGIONS)).expect("a policy");
    let handbook = root().join("goldsets/handbook");
    let gold = format!("gold = {:?}", text(&handbook));
    let arms = "\n[traffic.arms]\nus-east = 'blue'\neu-west = 'green'\n";
    assert!(policy.contains("gold = \".\""));
    let path = folder.join("ragstone.toml");
    std::fs::write(&path, policy.replacen("gold = \".\"", &gold, 1) + arms).expect("written");
    path
}

#[test]
fn green_is_audited_by_its_requests_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = switchover(folder.path());
    // Fifty questions are enough where the two runs are the same.
    let few = ["--runbook", "blue-green", "--sample", "50"];
    let shadow = [&few[..], &["--stage", "shadow"]].concat();
    let (before, _kept) = run_of(text(&policy), &shadow);
    let row = ROWS.iter().find(|row| row.id == BgAudit).expect("a row");
    let audit = |scenario: Scenario, verdict: CheckVerdict, reason: ReasonCode| {
        let logs = folder.path().join(scenario.name());
        let plan = plan(scenario, Runbook::BlueGreen);
        write_folder(&plan, Form::Lines, &logs).expect("written");
        let log = logs.join("telemetry.jsonl");
        let more = ["--stage", "audit", "--baseline", text(&before)];
        let requests = ["--telemetry", text(&log), "--allow-simulated"];
        let args = [&few[..], &more, &requests].concat();
        let found = gate(&policy, &args).0;
        let reason = serde_json::to_value(reason).expect("a name");
        let reason = reason.as_str().expect("a name");
        gives(
            &crate::support::verdict(&found),
            "BG-AUDIT",
            verdict.name(),
            reason,
        );
    };
    audit(Scenario::Healthy, CheckVerdict::Pass, row.healthy);
    for (scenario, reason) in row.faulty {
        audit(*scenario, CheckVerdict::Fail, *reason);
    }
}

#[test]
fn what_is_simulated_is_no_evidence_unless_that_is_allowed() {
    for runbook in [Runbook::TrafficShaping, Runbook::FailoverDrill] {
        let scenario = Scenario::Healthy;
        let strict = Settings {
            observed: ObservedSettings {
                allow_simulated: false,
                ..settings(runbook).observed
            },
            ..settings(runbook)
        };
        let short = Plan {
            rate: 1.0,
            ..plan(scenario, runbook)
        };
        for check in judged(runbook, &observed(&short), &strict).values() {
            let verdict = CheckVerdict::Inconclusive;
            came_out(check, scenario, verdict, ReasonCode::SimulatedEvidence);
        }
    }
}
