//! What a run can decide, said before it.

use serde_json::Value;

use crate::judged::{HANDBOOK, shared, text};
use crate::support::{SmallGold, ragstone, stderr, stdout};

fn plan(policy: &str, more: &[&str], code: i32) -> Value {
    let mut args = vec!["plan", policy, "--format", "json"];
    args.extend(more);
    let output = ragstone(&args);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn check<'a>(plan: &'a Value, id: &str) -> &'a Value {
    let checks = plan["checks"].as_array().expect("checks");
    checks
        .iter()
        .find(|check| check["id"] == id)
        .unwrap_or_else(|| panic!("no check {id}"))
}

#[test]
fn the_handbook_can_decide_its_shadow_stage() {
    let plan = plan(HANDBOOK, &[], 0);
    assert_eq!(plan["questions"], 100);
    assert_eq!(plan["outcome"]["at_best"], "PASS");
    assert_eq!(check(&plan, "CA-DS")["decidable"], "yes");
    assert_eq!(check(&plan, "CA-PAR")["decidable"], "census");
    assert!(check(&plan, "CA-P95")["decidable"]["not_applicable"].is_string());
    let chance = check(&plan, "CA-LAM")["p_pass"].as_f64().expect("a chance");
    assert!((chance - 0.972).abs() < 0.005, "{chance}");
    let all = plan["outcome"]["all_pass"].as_f64().expect("a chance");
    assert!(all <= chance && all > 0.9, "{all}");
}

#[test]
fn a_stage_with_traffic_needs_its_telemetry() {
    let plan = plan(HANDBOOK, &["--stage", "five"], 3);
    assert_eq!(
        check(&plan, "CA-ERR")["decidable"]["no"],
        "needs request telemetry"
    );
    // Ten questions a topic prove hardly any; some twenty do.
    let topics = check(&plan, "CA-S5");
    assert!(
        topics["p_pass"]
            .as_f64()
            .is_some_and(|chance| chance < 0.01),
        "{topics:#}"
    );
    assert!(
        (150..400).contains(&topics["n_needed"].as_u64().expect("some number does")),
        "{topics:#}"
    );
}

#[test]
fn a_small_gold_set_decides_nothing_and_another_number_is_answered() {
    let small = SmallGold::new(6);
    let policy = small.policy();
    let policy = policy.to_str().expect("UTF-8");
    let plan_of_six = plan(policy, &[], 3);
    assert_eq!(plan_of_six["questions"], 6);
    assert!(
        check(&plan_of_six, "CA-COV")["decidable"]["no"]
            .as_str()
            .is_some_and(|why| why.contains("50 are the least")),
        "{plan_of_six:#}"
    );
    let plan_of_many = plan(policy, &["--questions", "100"], 3);
    assert_eq!(check(&plan_of_many, "CA-COV")["decidable"], "yes");
    assert!(
        check(&plan_of_many, "CA-DS")["decidable"]["no"]
            .as_str()
            .is_some_and(|why| why.contains("lexical")),
        "{plan_of_many:#}"
    );
}

#[test]
fn the_table_names_its_assumptions_and_a_wrong_policy_is_refused() {
    let output = ragstone(&["plan", HANDBOOK, "--runbook", "multi-region"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let text = stdout(&output);
    for words in [
        "MR-DRIFT",
        "up to 0.102",
        "at best INCONCLUSIVE: MR-HEALTH",
        "assumed when nothing is wrong",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let output = ragstone(&["plan", HANDBOOK, "--stage", "routing"]);
    assert_eq!(output.status.code(), Some(2));
    let output = ragstone(&["plan", "nowhere.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn a_finished_run_replaces_the_assumptions() {
    let run = text(&shared(HANDBOOK, &[]).run);
    let plan = plan(HANDBOOK, &["--from", run], 0);
    let assumptions = plan["assumptions"].as_array().expect("assumptions");
    let about = |what: &str| {
        let found = assumptions.iter().find(|one| one["what"] == what);
        found
            .and_then(|one| one["value"].as_str())
            .expect("assumed")
            .to_owned()
    };
    // The usual assumptions are those of this very gold set.
    assert_eq!(about("λ converges"), "92.0 % of the questions");
    assert_eq!(about("coverage"), "mean 0.926, SD 0.102");
    assert_eq!(about("ΔS between the sides"), "mean 0, SD 0.000");
    let chance = check(&plan, "CA-LAM")["p_pass"].as_f64().expect("a chance");
    assert!((chance - 0.972).abs() < 0.01, "{chance}");
}
