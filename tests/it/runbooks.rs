//! The five runbooks, as the program judges them.

use std::path::Path;

use serde_json::Value;

use crate::judged::{
    HANDBOOK, REGIONS, STALE, Shared, WRONG_ANALYZER, gives, run_of, said, shared, text, undecided,
};
use crate::support::{SmallGold, check, gate, ragstone, stdout, verdict};

/// What a run comes to at another step.
fn again(run: &Shared, step: &[&str]) -> Value {
    verdict(&run.judged_again(step).0)
}

#[test]
fn two_regions_that_state_everything_hold_all_that_probes_and_contracts_decide() {
    let (output, _folder) = gate(Path::new(REGIONS), &[]);
    let found = verdict(&output);
    assert_eq!(
        (&found["verdict"], &found["stage"]),
        (&Value::from("INCONCLUSIVE"), &Value::from("routing"))
    );
    for id in ["MR-HASH", "MR-HEALTH", "MR-BLOB", "MR-KV"] {
        gives(&found, id, "PASS", "fields_match");
    }
    gives(&found, "MR-DRIFT", "PASS", "bound_inside_limit");
    gives(&found, "MR-LAM", "PASS", "bound_inside_limit");
    undecided(&found, &["MR-5XX", "MR-DEDUPE"]);
}

#[test]
fn a_region_that_is_silent_or_cold_is_not_routed_to() {
    let small = SmallGold::new(60);
    small.edit(
        "ragstone.toml",
        "name = 'us-east'",
        "name = 'us-east'\nstated = { DEDUPE_STORE = 'cold' }",
    );
    small.edit(
        "ragstone.toml",
        "name = 'eu-west'",
        "name = 'eu-west'\nstated = { DEDUPE_STORE = 'cold', SECRETS_REV = '2' }",
    );
    let (output, _folder) = gate(&small.policy(), &["--runbook", "multi-region"]);
    let found = verdict(&output);
    // Agreeing that the store is cold is not enough.
    gives(&found, "MR-KV", "FAIL", "field_differs");
    gives(&found, "MR-HEALTH", "INCONCLUSIVE", "field_missing");
    gives(&found, "MR-BLOB", "INCONCLUSIVE", "field_missing");
}

#[test]
fn a_wrong_analyzer_between_regions_is_seen_by_contract_and_by_convergence() {
    let found = again(
        shared(WRONG_ANALYZER, &[]),
        &["--runbook", "traffic-shaping", "--stage", "five"],
    );
    // The mean of ΔS hardly moves; the clause asks for convergence too.
    let drift = check(&found, "TS-DRIFT");
    assert_eq!(drift["verdict"], "FAIL", "{drift:#}");
    let low = drift["ci_low"].as_f64().expect("a bound");
    assert!(low > 0.0 && low < 0.03, "{drift:#}");
    undecided(
        &found,
        &[
            "TS-5XX",
            "TS-COLD",
            "TS-DEDUPE",
            "TS-QUEUE",
            "TS-PINS",
            "TS-TWICE",
        ],
    );
}

#[test]
fn the_stages_of_a_canary_have_their_own_hard_stops() {
    let at = |stage: &str| again(shared(HANDBOOK, &[]), &["--stage", stage]);
    // Ten questions a topic cannot prove 0.70, and nothing stops.
    gives(&at("five"), "CA-S5", "INCONCLUSIVE", "bound_crosses_limit");
    let small = SmallGold::new(60);
    let small = |stage: &str| verdict(&gate(&small.policy(), &["--stage", stage]).0);
    gives(&small("ten"), "CA-S10", "PASS", "fields_match");
    undecided(&small("one"), &["CA-S1", "CA-ERR", "CA-CACHE"]);
    undecided(&small("twentyfive"), &["CA-S25"]);
    let fifty = at("fifty");
    gives(&fifty, "CA-S50", "FAIL", "paraphrases_flip");
    assert_eq!(
        (&fifty["verdict"], &fifty["exit_code"]),
        (&Value::from("HARD_STOP"), &Value::from(5))
    );
    let stale = again(shared(STALE, &[]), &["--stage", "ten"]);
    gives(&stale, "CA-S10", "FAIL", "field_differs");
    assert_eq!(stale["exit_code"], 5);
}

#[test]
fn a_topic_that_lost_its_sections_stops_the_rollout() {
    let small = SmallGold::new(90);
    small.edit("ragstone.toml", "name = 'eu-west'", "name = 'eu-west'\nskew = { missing = ['d/s0', 'd/s6', 'd/s12', 'd/s18', 'd/s24', 'd/s30', 'd/s36', 'd/s42', 'd/s48', 'd/s54', 'd/s60', 'd/s66'] }");
    let (output, _folder) = gate(&small.policy(), &["--stage", "five"]);
    let found = verdict(&output);
    gives(&found, "CA-S5", "FAIL", "bound_outside_limit");
    let detail = check(&found, "CA-S5")["detail"].as_str().expect("words");
    assert!(detail.contains("lowest topics: queue"), "{detail}");
}

#[test]
fn a_stage_of_another_runbook_is_refused_with_the_known_ones() {
    let output = ragstone(&[
        "gate",
        HANDBOOK,
        "--runbook",
        "multi-region",
        "--stage",
        "fifty",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output);
    assert!(
        error.contains("no stage `fifty`") && error.contains("routing"),
        "{error}"
    );
}

/// A copy of a run as if it had begun so many minutes earlier.
fn earlier(run: &Path, minutes: i64, into: &Path) {
    std::fs::create_dir_all(into).expect("made");
    let text = std::fs::read_to_string(run.join("verdict.json")).expect("a verdict");
    let mut verdict: Value = serde_json::from_str(&text).expect("JSON");
    let started: jiff::Timestamp = verdict["started_at"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    let before = started - jiff::SignedDuration::from_mins(minutes);
    verdict["started_at"] = Value::from(before.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    verdict["run_id"] = Value::from(format!("minus-{minutes}"));
    std::fs::write(into.join("verdict.json"), verdict.to_string()).expect("written");
}

/// Copies of a run from every quarter of the last `minutes`, as arguments.
fn history(run: &Path, minutes: i64, folder: &Path) -> Vec<String> {
    let mut args = Vec::new();
    for back in (15..=minutes).step_by(15) {
        let into = folder.join(format!("back-{back}"));
        earlier(run, back, &into);
        args.extend(["--history".to_owned(), text(&into).to_owned()]);
    }
    args
}

#[test]
fn a_promotion_needs_an_hour_of_green_runs() {
    let small = SmallGold::new(60);
    let policy = small.policy();
    let (run, folder) = run_of(text(&policy), &["--stage", "promotion"]);
    let alone: Value =
        serde_json::from_slice(&std::fs::read(run.join("verdict.json")).expect("a verdict"))
            .expect("JSON");
    gives(&alone, "CA-COV", "INCONCLUSIVE", "window_not_covered");
    // Runs that were judged as one of several count as they came out: undecided is not green.
    let red = history(&run, 60, &folder.path().join("undecided"));
    let args: Vec<&str> = red.iter().map(String::as_str).collect();
    let found = verdict(&gate(&policy, &[&["--stage", "promotion"], &args[..]].concat()).0);
    gives(&found, "CA-COV", "INCONCLUSIVE", "window_not_covered");
    // The same runs, had their checks passed.
    let green = folder.path().join("green");
    std::fs::create_dir_all(&green).expect("made");
    let passed = alone.to_string().replace("\"INCONCLUSIVE\"", "\"PASS\"");
    std::fs::write(green.join("verdict.json"), passed).expect("written");
    for (minutes, expected) in [(45, "INCONCLUSIVE"), (60, "PASS")] {
        let args = history(
            &green,
            minutes,
            &folder.path().join(format!("green-{minutes}")),
        );
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let found = verdict(&gate(&policy, &[&["--stage", "promotion"], &args[..]].concat()).0);
        assert_eq!(
            check(&found, "CA-COV")["verdict"],
            expected,
            "{:#}",
            check(&found, "CA-COV")
        );
    }
}

#[test]
fn a_gate_that_fails_twice_at_the_same_step_rolls_back() {
    let step = ["--runbook", "traffic-shaping", "--stage", "five"];
    let (wrong, healthy) = (shared(WRONG_ANALYZER, &[]), shared(HANDBOOK, &[]));
    let (_, folder) = wrong.judged_again(&step);
    let before = folder.path().join("before");
    earlier(&folder.path().join("run"), 5, &before);
    let history = ["--history", text(&before)];
    let twice = again(wrong, &[&step[..], &history].concat());
    gives(&twice, "TS-TWICE", "FAIL", "failed_twice");
    assert_eq!(twice["exit_code"], 5);
    // A step that failed once and is mended has not failed twice; another step is another history.
    let mended = again(healthy, &[&step[..], &history].concat());
    gives(&mended, "TS-TWICE", "PASS", "not_failed_twice");
    let fifty = ["--runbook", "traffic-shaping", "--stage", "fifty"];
    let other = again(wrong, &[&fifty[..], &history].concat());
    gives(&other, "TS-TWICE", "PASS", "not_failed_twice");
}

#[test]
fn green_is_kept_beside_its_own_run_from_before_the_cutover() {
    let regions = shared(REGIONS, &["--runbook", "failover-drill"]);
    let (_, kept) = regions.judged_again(&["--runbook", "blue-green", "--stage", "shadow"]);
    let before = kept.path().join("run");
    let audit = [
        "--runbook",
        "blue-green",
        "--stage",
        "audit",
        "--baseline",
        text(&before),
    ];
    let (output, folder) = gate(Path::new(REGIONS), &audit);
    let found = verdict(&output);
    let same = check(&found, "BG-AUDIT");
    assert_eq!(same["control"], "eu-west (before)");
    gives(&found, "BG-AUDIT", "INCONCLUSIVE", "evidence_missing");
    assert!(
        same["detail"]
            .as_str()
            .expect("words")
            .contains("the probes agree with the baseline")
    );
    gives(&found, "BG-KEEP", "INCONCLUSIVE", "window_not_covered");
    assert_eq!(
        found["probes"]["planned"], 1600,
        "the baseline's probes are not counted again"
    );
    let verified = ragstone(&["verify", text(&folder.path().join("run"))]);
    assert!(verified.status.success(), "{}", stdout(&verified));
    let stale = again(shared(STALE, &[]), &audit);
    gives(&stale, "BG-AUDIT", "FAIL", "field_differs");
    let none = again(regions, &audit[..4]);
    gives(&none, "BG-AUDIT", "INCONCLUSIVE", "evidence_missing");
}

#[test]
fn a_pre_flight_names_the_part_that_is_missing() {
    let flight = ["--runbook", "blue-green", "--stage", "pre-flight"];
    let regions = shared(REGIONS, &["--runbook", "failover-drill"]);
    let ready = again(regions, &flight);
    gives(&ready, "BG-PRE", "PASS", "pre_flight_ready");
    let silent = again(shared(HANDBOOK, &[]), &flight);
    gives(&silent, "BG-PRE", "INCONCLUSIVE", "field_missing");
    let small = SmallGold::new(60);
    let wrong = verdict(&gate(&small.policy(), &flight).0);
    gives(&wrong, "BG-PRE", "FAIL", "pre_flight_wrong");
    let detail = check(&wrong, "BG-PRE")["detail"]
        .as_str()
        .expect("words")
        .to_owned();
    assert!(
        detail.contains("60 questions with 1 paraphrases and 2 seeds"),
        "{detail}"
    );
}

#[test]
fn a_single_seed_is_repeated_so_that_a_side_is_known_against_itself() {
    let small = SmallGold::new(60);
    small.edit(
        "ragstone.toml",
        "[referee]",
        "replay = { seeds = [7] }\n[referee]",
    );
    let (output, folder) = gate(
        &small.policy(),
        &["--runbook", "failover-drill", "--stage", "post"],
    );
    let found = verdict(&output);
    // 60 × 2 forms × 1 seed × 2 targets: the repeats are not counted as probes.
    assert_eq!(found["probes"]["planned"], 240);
    gives(&found, "FD-EQ", "PASS", "bound_inside_limit");
    let run = ragstone::report::load(&folder.path().join("run")).expect("a run");
    let curve = ragstone::measure::curve(&run.table, &run.record.targets[0].name);
    assert!(
        curve.iter().all(|point| point.n_questions == 60),
        "{curve:?}"
    );
    assert!(
        ragstone(&["verify", text(&folder.path().join("run"))])
            .status
            .success()
    );
}
