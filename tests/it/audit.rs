//! Failover drills, as the program audits them.

use crate::judged::{
    EVACUATION, HANDBOOK, REGIONS, STALE, gives, judged, said, shared, text, undecided,
};
use crate::support::{SmallGold, check, ragstone, root, stderr};

#[test]
fn a_drill_is_audited_from_its_plan_and_its_runs() {
    let pre = &shared(REGIONS, &["--runbook", "failover-drill"]).run;
    let (found, folder) = judged(
        &["audit", EVACUATION, "--pre", text(pre), "--post", text(pre)],
        3,
    );
    gives(&found, "FD-EQ", "PASS", "bound_inside_limit");
    gives(&found, "FD-RISK", "PASS", "bound_inside_limit");
    undecided(
        &found,
        &[
            "FD-CUT",
            "FD-BURST",
            "FD-P95",
            "FD-WRITES",
            "FD-DRAIN",
            "FD-HOOK",
            "FD-CACHE",
        ],
    );
    let checks = found["checks"].as_array().expect("checks");
    let named = |name: &str| checks.iter().filter(|check| check["named"] == name).count();
    // Both regions before and after; the parity of one beside the other.
    assert_eq!((named("ΔS_probe"), named("λ_state")), (4, 4));
    assert_eq!(
        (
            named("env_parity"),
            named("index_hash_equal"),
            named("answers_equal")
        ),
        (1, 1, 3)
    );
    assert!(
        ragstone(&["verify", text(&folder.path().join("out"))])
            .status
            .success()
    );
}

#[test]
fn a_survivor_that_is_stale_fails_the_audit_with_the_questions_by_name() {
    let pre = &shared(HANDBOOK, &[]).run;
    let post = &shared(STALE, &[]).run;
    let (found, _folder) = judged(
        &[
            "audit",
            EVACUATION,
            "--pre",
            text(pre),
            "--post",
            text(post),
        ],
        1,
    );
    let checks = found["checks"].as_array().expect("checks");
    let failed = |id: &str| {
        checks
            .iter()
            .filter(|check| check["id"] == id && check["verdict"] == "FAIL")
            .count()
    };
    assert_eq!(
        failed("FD-EQ"),
        2,
        "beside the other region, and beside itself before"
    );
    assert!(failed("FD-PAR") > 0 && failed("FD-LAM") > 0);
    let survivor = checks
        .iter()
        .find(|check| check["id"] == "FD-EQ" && check["target"] == "eu-west (post)")
        .expect("judged");
    assert_eq!(survivor["control"], "eu-west (pre)");
    assert!(
        !survivor["worst_questions"]
            .as_array()
            .expect("questions")
            .is_empty()
    );
}

#[test]
fn a_plan_that_cannot_be_meant_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = folder.path().join("drill.json");
    let written = std::fs::read_to_string(root().join(EVACUATION)).expect("the plan");
    std::fs::write(&plan, written.replace("contracts_equal", "vibes_equal")).expect("written");
    let output = ragstone(&["audit", text(&plan), "--pre", "x"]);
    assert_eq!(output.status.code(), Some(2));
    let error = said(&output);
    assert!(
        error.contains("unknown check `vibes_equal`") && error.contains("env_parity"),
        "{error}"
    );
    let output = ragstone(&["audit", EVACUATION]);
    assert_eq!(
        output.status.code(),
        Some(2),
        "no run at all is wrong usage"
    );
    std::fs::write(&plan, written.replace("\"k\": 10", "\"k\": 5")).expect("written");
    let run = &shared(HANDBOOK, &[]).run;
    let output = ragstone(&["audit", text(&plan), "--pre", text(run)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("k differs"), "{}", said(&output));
    // A phase without a run, and a region that no run has, leave their checks undecided.
    std::fs::write(&plan, written.replace("eu-west", "ap-south")).expect("written");
    let (found, _folder) = judged(&["audit", text(&plan), "--pre", text(run)], 3);
    gives(&found, "FD-RISK", "INCONCLUSIVE", "evidence_missing");
}

#[test]
fn shards_of_a_drill_merge_into_its_answers() {
    let small = SmallGold::new(80);
    let folder = tempfile::tempdir().expect("a folder");
    let policy = small.policy();
    let mut merge = vec!["merge".to_owned()];
    for shard in ["1/2", "2/2"] {
        let out = folder.path().join(shard.replace('/', "-"));
        let args = [
            "gate",
            text(&policy),
            "--runbook",
            "failover-drill",
            "--stage",
            "post",
        ];
        let output = ragstone(&[&args[..], &["--shard", shard, "--out", text(&out)]].concat());
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        merge.push(text(&out).to_owned());
    }
    let merge: Vec<&str> = merge.iter().map(String::as_str).collect();
    let (whole, kept) = judged(&merge, 3);
    gives(&whole, "FD-EQ", "PASS", "bound_inside_limit");
    assert_eq!(check(&whole, "FD-EQ")["n_questions"], 80);
    assert!(
        ragstone(&["verify", text(&kept.path().join("out"))])
            .status
            .success()
    );
}
