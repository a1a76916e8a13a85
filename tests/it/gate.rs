//! The gate on the handbook: healthy regions pass, skewed followers fail for the right reason.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::judged::{HANDBOOK, STALE, WRONG_ANALYZER, WRONG_METRIC, shared};
use crate::support::{SmallGold, check, gate, ragstone, root, stderr, stdout, verdict};

fn handbook(name: &str) -> PathBuf {
    root().join("goldsets/handbook").join(name)
}

/// Verdicts may differ in when they were reached, and in nothing else.
fn without_times(mut verdict: Value) -> Value {
    for key in ["run_id", "started_at", "ended_at"] {
        assert!(verdict[key].take().is_string(), "{key}");
    }
    for target in verdict["targets"].as_array_mut().expect("targets") {
        assert!(target["contract"]["BUILD_TS"].take().is_string());
    }
    for parity in verdict["parity"].as_array_mut().expect("parity") {
        for field in parity["fields"].as_array_mut().expect("fields") {
            if field["field"] == "BUILD_TS" {
                field.take();
            }
        }
    }
    verdict
}

#[test]
fn two_healthy_regions_pass_and_every_probe_is_accounted_for() {
    let healthy = shared(HANDBOOK, &[]);
    let output = &healthy.output;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    let verdict = healthy.verdict();
    assert_eq!(verdict["verdict"], "PASS");
    assert_eq!(
        verdict["probes"],
        serde_json::json!({"planned": 1600, "scored": 1600, "failed": 0, "skipped": 0})
    );
    for id in ["CA-DS", "CA-COV", "CA-LAM", "CA-NEWERR", "CA-PAR", "CA-S0"] {
        assert_eq!(check(&verdict, id)["verdict"], "PASS", "{id}");
    }
    assert_eq!(
        check(&verdict, "CA-P95")["reason_code"],
        "in_process_target"
    );
    assert_eq!(
        check(&verdict, "CA-ERR")["reason_code"],
        "no_traffic_at_stage"
    );
    let printed = stdout(output);
    let run = &healthy.run;
    assert_eq!(
        std::fs::read_to_string(run.join("verdict.json")).expect("verdict.json"),
        printed
    );
    for file in [
        "run.json",
        "observations.parquet",
        "texts.parquet",
        "metrics.parquet",
        "junit.xml",
        "ctrf.json",
        "metrics.prom",
        "test-result.intoto.json",
        "summary.md",
        "report.html",
    ] {
        assert!(
            std::fs::metadata(run.join(file)).expect(file).len() > 0,
            "{file}"
        );
    }
    assert!(
        verdict["notes"]
            .to_string()
            .contains("same reply for every seed")
    );
}

#[track_caller]
fn drill(policy: &'static str, clauses: &[&str], rung: &str, differing: &str, needles: &[&str]) {
    let drill = shared(policy, &[]);
    let output = &drill.output;
    assert_eq!(output.status.code(), Some(1), "{}", stderr(output));
    let verdict = drill.verdict();
    let failed: Vec<&str> = verdict["checks"]
        .as_array()
        .expect("checks")
        .iter()
        .filter(|check| check["verdict"] == "FAIL")
        .filter_map(|check| check["id"].as_str())
        .collect();
    assert_eq!(failed, clauses);
    let parity = check(&verdict, "CA-PAR");
    let detail = parity["detail"].as_str().expect("a detail");
    assert!(detail.contains(differing), "{detail}");
    for needle in needles {
        assert!(detail.contains(needle), "{needle} in {detail}");
    }
    assert!(
        parity["remedy"]
            .as_str()
            .is_some_and(|remedy| remedy.contains("rebuild"))
    );
    let [side] = &verdict["ladders"].as_array().expect("ladders")[..] else {
        panic!("one side is on trial");
    };
    assert_eq!(side["target"], "eu-west");
    assert_eq!(side["ladder"]["cause"], rung);
    assert_eq!(side["ladder"]["rungs"].as_array().map(Vec::len), Some(11));
    let explained = check(&verdict, "CA-LAM")["remedy"].as_str();
    let expected = format!("the {rung} rung of the ladder fails");
    assert!(explained.is_some_and(|remedy| remedy.starts_with(&expected)));
    let copy = drill.copy();
    let run = run_folder(copy.path());
    assert_eq!(ragstone(&["verify", &run]).status.code(), Some(0));
    let printed = stdout(&ragstone(&["report", &run]));
    let cause = format!("Cause  eu-west: first failing rung: {rung}: ");
    assert!(printed.contains(&cause), "{printed}");
}

#[test]
fn a_wrong_analyzer_is_refused() {
    drill(
        WRONG_ANALYZER,
        &["CA-LAM", "CA-PAR"],
        "contract",
        "ANALYZER is whitespace where en_stem was intended",
        &["0 ids differ"],
    );
}

#[test]
fn a_wrong_metric_is_refused() {
    drill(
        WRONG_METRIC,
        &["CA-LAM", "CA-PAR"],
        "contract",
        "METRIC is dot where cosine was intended",
        &["0 ids differ"],
    );
}

#[test]
fn a_stale_follower_is_refused_with_the_ids() {
    let needles = [
        "51 ids differ",
        "10 missing",
        "incidents/paging",
        "routing/region-pins",
        "6 edited",
        "failover/promote-follower",
        "2 duplicated",
        "indexing/tombstones",
    ];
    drill(STALE, &["CA-LAM", "CA-PAR"], "ids", "INDEX_HASH", &needles);
}

#[test]
fn the_same_run_at_any_thread_count_gives_the_same_verdict() {
    let policy = handbook("drills/stale-follower.toml");
    let at = |threads| without_times(verdict(&gate(&policy, &["--threads", threads]).0));
    let as_many_as_there_are = without_times(shared(STALE, &[]).verdict());
    for threads in ["1", "2"] {
        assert_eq!(at(threads), as_many_as_there_are, "{threads}");
    }
}

#[test]
fn blue_green_judges_its_own_clauses() {
    let small = handbook("ragstone.toml");
    let (output, _folder) = gate(&small, &["--runbook", "blue-green"]);
    let verdict = verdict(&output);
    assert_eq!(output.status.code(), Some(0), "{verdict:#}");
    for id in [
        "BG-DS",
        "BG-COV",
        "BG-LAM",
        "BG-NEWERR",
        "BG-PAR",
        "BG-SHADOW",
    ] {
        assert_eq!(check(&verdict, id)["verdict"], "PASS", "{id}");
    }
}

#[test]
fn a_declared_difference_is_a_version_and_not_a_fault() {
    let small = SmallGold::new(60);
    let declared = crate::support::policy("lexical").replace(
        "role = 'candidate'\n",
        "role = 'candidate'\nanalyzer = 'simple'\nintended = { ANALYZER = 'simple' }\n",
    );
    small.write("ragstone.toml", &declared);
    let (output, _folder) = gate(&small.policy(), &[]);
    let verdict = verdict(&output);
    assert_eq!(
        check(&verdict, "CA-PAR")["reason_code"],
        "intentionally_versioned"
    );
    small.write(
        "ragstone.toml",
        &declared.replace("ANALYZER = 'simple'", "ANALYZER = 'whitespace'"),
    );
    assert_eq!(
        check(&self::verdict(&gate(&small.policy(), &[]).0), "CA-PAR")["verdict"],
        "FAIL"
    );
}

#[test]
fn the_lexical_referee_decides_no_distance() {
    let small = SmallGold::new(60);
    let (output, _folder) = gate(&small.policy(), &[]);
    assert_eq!(output.status.code(), Some(3));
    let verdict = verdict(&output);
    assert_eq!(
        check(&verdict, "CA-DS")["reason_code"],
        "referee_not_comparable"
    );
    assert_eq!(check(&verdict, "CA-COV")["verdict"], "PASS");
}

#[test]
fn an_index_that_points_elsewhere_is_a_hard_stop() {
    let small = SmallGold::new(60);
    let gold = ragstone::goldset::load(small.folder.path()).expect("sound");
    let mut vectors = ragstone::embed::VectorTable::new("m");
    for text in gold.texts(&[]) {
        // Every question points one way, everything indexed another.
        let vector = if text.ends_with('?') {
            [1.0, 0.1]
        } else {
            [0.1, 1.0]
        };
        vectors.insert_text(&text, &vector).expect("a direction");
    }
    ragstone::embed::write_cache(&gold.embeddings_path(), &vectors).expect("written");
    small.write("ragstone.toml", &crate::support::policy("cache"));
    let (output, _folder) = gate(&small.policy(), &[]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    let verdict = verdict(&output);
    assert_eq!(verdict["verdict"], "HARD_STOP");
    assert_eq!(check(&verdict, "CA-S0")["verdict"], "FAIL");
    assert!(
        check(&verdict, "CA-DS")["remedy"]
            .as_str()
            .is_some_and(|remedy| remedy.contains("flat and high"))
    );
}

#[test]
fn ten_questions_decide_nothing() {
    let (output, _folder) = gate(&handbook("ragstone.toml"), &["--topic", "failover"]);
    assert_eq!(output.status.code(), Some(3));
    let verdict = verdict(&output);
    assert_eq!(verdict["gold"]["questions"], 10);
    for id in ["CA-DS", "CA-COV", "CA-LAM"] {
        assert_eq!(
            check(&verdict, id)["reason_code"],
            "too_few_questions",
            "{id}"
        );
    }
}

fn run_folder(folder: &Path) -> String {
    folder.join("run").to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_finished_run_renders_and_verifies_again_to_the_byte() {
    let folder = shared(WRONG_ANALYZER, &[]).copy();
    let run = run_folder(folder.path());
    let page = folder.path().join("run/report.html");
    let before = std::fs::read(&page).expect("a page");
    let again = ragstone(&["report", &run]);
    assert_eq!(
        again.status.code(),
        Some(0),
        "a report that was rendered is a success, whatever it says"
    );
    assert!(stdout(&again).contains("FAIL canary at stage shadow"));
    assert_eq!(std::fs::read(&page).expect("a page"), before);
    assert_eq!(ragstone(&["verify", &run]).status.code(), Some(0));
    let path = folder.path().join("run/verdict.json");
    let changed = std::fs::read_to_string(&path)
        .expect("a verdict")
        .replacen("\"FAIL\"", "\"PASS\"", 1);
    std::fs::write(&path, changed).expect("written");
    let tampered = ragstone(&["verify", &run]);
    assert_eq!(tampered.status.code(), Some(1));
    assert!(stdout(&tampered).contains("NOT verified"));
}

#[test]
fn a_probe_keeps_what_came_back_and_judges_nothing() {
    let small = SmallGold::new(6);
    let folder = tempfile::tempdir().expect("a folder");
    let run = run_folder(folder.path());
    let probed = ragstone(&[
        "probe",
        small.policy().to_str().expect("UTF-8"),
        "--out",
        &run,
    ]);
    assert_eq!(probed.status.code(), Some(0), "{}", stderr(&probed));
    assert!(
        stdout(&probed).starts_with("48 probes: 48 scored, 0 failed, 0 skipped"),
        "{}",
        stdout(&probed)
    );
    let refused = ragstone(&["report", &run]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("never judged"));
}

#[test]
fn a_summary_piped_has_no_colour_and_nothing_else_on_stdout() {
    let small = SmallGold::new(6);
    let folder = tempfile::tempdir().expect("a folder");
    let output = ragstone(&[
        "gate",
        small.policy().to_str().expect("UTF-8"),
        "--out",
        &run_folder(folder.path()),
    ]);
    let text = stdout(&output);
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(
        text.trim_end()
            .lines()
            .last()
            .expect("a line")
            .starts_with("INCONCLUSIVE canary at stage shadow"),
        "{text}"
    );
}

#[test]
fn the_committed_sample_still_gives_its_verdict() {
    let verified = ragstone(&["verify", "reports/sample"]);
    assert_eq!(
        verified.status.code(),
        Some(0),
        "{}{}",
        stdout(&verified),
        stderr(&verified)
    );
}

/// A run that was saved before verdicts had ladders, rows their classes and vectors a place.
#[test]
fn a_run_from_before_the_ladder_loads_and_renders_and_claims_nothing_of_it() {
    let saved = root().join("tests/data/runs/before-ladders");
    let folder = tempfile::tempdir().expect("a folder");
    for file in std::fs::read_dir(saved).expect("a saved run") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), folder.path().join(file.file_name())).expect("copied");
    }
    let run = folder.path().to_str().expect("UTF-8");
    let rendered = ragstone(&["report", run]);
    assert_eq!(rendered.status.code(), Some(0), "{}", stderr(&rendered));
    let printed = stdout(&rendered);
    assert!(
        printed.contains("51 ids differ") && !printed.contains("rung"),
        "{printed}"
    );
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
    let (page, summary) = (read("report.html"), read("summary.md"));
    assert!(page.contains("27 rows missing") && !page.contains("class=\"ladder\""));
    for text in [page, summary] {
        assert!(text.contains("Vectors were not compared"), "{text}");
        assert!(!text.contains("first failing rung"), "{text}");
    }
    // Judged again it has a ladder, so that the bytes are others and the verdict is the same.
    let again = ragstone(&["verify", run]);
    assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
    let words = "verdict.json says FAIL, the bundle gives FAIL with other bytes";
    assert!(stdout(&again).contains(words), "{}", stdout(&again));
}

#[test]
fn a_waived_gate_passes_lists_its_waiver_and_verifies() {
    let small = SmallGold::new(60);
    let waived = |expires: &str| {
        let waivers: Vec<String> = ["CA-DS", "CA-LAM"]
            .iter()
            .map(|check| format!("[[waiver]]\ncheck = '{check}'\nreason = 'agreed'\napprover = 'the owner'\nexpires_at = '{expires}'\nmax_value = {}\n", if *check == "CA-DS" { 2.0 } else { 0.0 }))
            .collect();
        // A limit that nothing meets makes the checks red.
        let limits =
            "[gate]\nevidence = 'point'\n[gate.override.CA-LAM]\nmin = 2.0\nreason = 'test'\n";
        small.write(
            "ragstone.toml",
            &format!(
                "{}{limits}{}",
                crate::support::policy("lexical"),
                waivers.concat()
            ),
        );
        gate(&small.policy(), &[])
    };
    let (output, folder) = waived("9999-12-31");
    let found = verdict(&output);
    assert_eq!(check(&found, "CA-LAM")["verdict"], "WAIVED", "{found:#}");
    assert_eq!(found["waivers"][1]["status"], "applied");
    assert_eq!(
        ragstone(&["verify", &run_folder(folder.path())])
            .status
            .code(),
        Some(0)
    );
    let (expired, _folder) = waived("2020-01-01");
    assert_eq!(expired.status.code(), Some(1));
    assert_eq!(verdict(&expired)["waivers"][1]["status"], "expired");
}
