//! Ranking measures that a policy requires: in the verdict, in every report, and as columns.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use ragstone::measure::{MetricTable, RankMeasure};
use ragstone::replay::Purpose;
use tempfile::TempDir;

use crate::judged::{HANDBOOK, gives, said, shared, text};
use crate::support::{SmallGold, check, gate, ragstone, stderr, stdout, verdict};

/// The handbook's healthy regions under one more requirement. The run is in `run` of the folder.
fn requiring(line: &str) -> (Output, TempDir) {
    let policy = shared(HANDBOOK, &[]).recorded();
    let written = std::fs::read_to_string(policy.path()).expect("a policy");
    let mut written: toml::Table = written.parse().expect("TOML");
    let table = written["gate"].as_table_mut().expect("a table");
    table.insert("require".to_owned(), toml::Value::from(vec![line]));
    // Enough for bounds that lie far from the limits.
    table.insert("bootstrap_resamples".to_owned(), 1000.into());
    std::fs::write(policy.path(), written.to_string()).expect("written");
    gate(policy.path(), &[])
}

#[track_caller]
fn verifies(folder: &TempDir) -> PathBuf {
    let run = folder.path().join("run");
    let output = ragstone(&["verify", text(&run)]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    run
}

#[test]
fn a_requirement_that_holds_passes() {
    let (output, folder) = requiring("rank.nDCG@10 >= 0.9");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let verdict = verdict(&output);
    gives(&verdict, "rank.ndcg_cut_10", "PASS", "bound_inside_limit");
    let found = check(&verdict, "rank.ndcg_cut_10");
    assert_eq!(found["n_questions"], 100);
    assert_eq!(found["comparator"], ">=");
    let run = verifies(&folder);
    let table = MetricTable::read(&run.join("metrics.parquet")).expect("metrics");
    let names: Vec<&str> = table.ranking().into_iter().map(RankMeasure::name).collect();
    assert_eq!(
        names,
        [
            "judged_10",
            "map_cut_10",
            "mrr_10",
            "ndcg_cut_10",
            "recall_10"
        ]
    );
}

#[test]
fn one_that_does_not_hold_fails_with_its_questions_in_every_report() {
    let (output, folder) = requiring("rank.ndcg_cut_10 >= 0.9999");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let verdict = verdict(&output);
    gives(&verdict, "rank.ndcg_cut_10", "FAIL", "bound_outside_limit");
    let found = check(&verdict, "rank.ndcg_cut_10");
    let run = verifies(&folder);
    let table = MetricTable::read(&run.join("metrics.parquet")).expect("metrics");
    let worst = found["worst_questions"].as_array().expect("questions");
    let lowest = lowest_question(&table, "eu-west", "ndcg_cut_10");
    assert_eq!(worst[0], lowest.as_str());
    assert!(
        found["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("recall_10 1.000"))
    );
    assert!(
        found["remedy"]
            .as_str()
            .is_some_and(|remedy| remedy.contains("ranking"))
    );
    let read = |name: &str| std::fs::read_to_string(run.join(name)).expect("a report");
    let junit = read("junit.xml");
    assert!(
        junit.contains("rank.ndcg_cut_10 ndcg_cut_10 of the retrieved sections"),
        "{junit}"
    );
    let page = read("report.html");
    assert!(page.contains("ndcg_cut_10 by question") && page.contains("limit at 1.00"));
    assert!(
        read("summary.md").contains("rank.ndcg\\_cut\\_10"),
        "{}",
        read("summary.md")
    );
    let printed = stdout(&ragstone(&["report", text(&run)]));
    assert!(
        printed.contains("FAIL rank.ndcg_cut_10 on eu-west"),
        "{printed}"
    );
}

/// The question of the lowest mean, the first of them in plan order.
fn lowest_question(table: &MetricTable, target: &str, name: &str) -> String {
    let measure = RankMeasure::named(name).expect("a measure");
    let mut sums: Vec<(&str, f64)> = Vec::new();
    let cells = table.cells.iter().filter(|cell| {
        cell.target.as_str() == target && cell.purpose == Purpose::Score && cell.answerable
    });
    for cell in cells {
        let (question, value) = (cell.question.as_str(), cell.rank[&measure]);
        match sums.iter_mut().find(|(known, _)| *known == question) {
            Some((_, sum)) => *sum += value,
            None => sums.push((question, value)),
        }
    }
    let lowest = sums.into_iter().min_by(|a, b| a.1.total_cmp(&b.1));
    lowest.expect("questions").0.to_owned()
}

#[test]
fn one_between_the_bounds_is_undecided() {
    let (output, folder) = requiring("rank.ndcg_cut_10 >= 0.992");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    gives(
        &verdict(&output),
        "rank.ndcg_cut_10",
        "INCONCLUSIVE",
        "bound_crosses_limit",
    );
    verifies(&folder);
}

#[test]
fn a_wrong_one_is_refused_before_anything_is_asked() {
    let small = SmallGold::new(6);
    let written = std::fs::read_to_string(small.policy()).expect("a policy");
    for (line, needle) in [
        ("rank.ndgc_cut_10 >= 0.6", "did you mean `ndcg_cut_5`?"),
        ("rank.ndcg_cut_20 >= 0.6", "[replay] k asks for 10 hits"),
        ("rank.num_ret >= 0.6", "it counts"),
        ("rank.recall_10 <= 0.6", "more of it is better"),
        ("recall_10", "is no requirement"),
    ] {
        small.write(
            "ragstone.toml",
            &format!("{written}[gate]\nrequire = ['{line}']\n"),
        );
        let (output, _folder) = gate(&small.policy(), &[]);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(said(&output).contains(needle), "{}", said(&output));
    }
}

/// Gold questions with two targets each, under the lexical referee, whose distances decide nothing.
fn graded(n: usize, grades: [i32; 2], gate: &str) -> SmallGold {
    let small = SmallGold::new(n);
    let mut questions = String::new();
    for index in 0..n {
        let (other, spare) = ((index + 1) % n, (index + 2) % n);
        let [first, second] = grades;
        writeln!(
            questions,
            r#"{{"id":"q{index}","topic":"t","question":"When is number {index} drained?","paraphrases":[],"target":[{{"doc_id":"d","section_id":"s{index}","grade":{first}}},{{"doc_id":"d","section_id":"s{other}","grade":{second}}}],"not_relevant":[{{"doc_id":"d","section_id":"s{spare}"}}],"anchor":"drained after {index} minutes"}}"#
        )
        .expect("a string");
    }
    small.write("questions.jsonl", &questions);
    let policy = std::fs::read_to_string(small.policy()).expect("a policy");
    let replay = "[replay]\nseeds = [1]\nk_sweep = [5]\n";
    small.write(
        "ragstone.toml",
        &format!("{policy}{replay}[gate]\nbootstrap_resamples = 1000\n{gate}"),
    );
    small
}

/// The mean of a column over what counts on a target.
fn mean(run: &Path, target: &str, name: &str) -> f64 {
    let measure = RankMeasure::named(name).expect("a measure");
    let table = MetricTable::read(&run.join("metrics.parquet")).expect("metrics");
    let counts = table.cells.iter().filter(|cell| cell.counts());
    let mine = counts.filter(|cell| cell.target.as_str() == target);
    let values: Vec<f64> = mine.map(|cell| cell.rank[&measure]).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn grades_alone_turn_a_requirement() {
    let require = "require = ['rank.ndcg_cut_10 >= 0.8', 'rank.mrr_10 >= 0.8']\n[measure]\nrank = ['bpref']\n";
    let of = |grades| {
        let small = graded(60, grades, require);
        let (output, folder) = gate(&small.policy(), &[]);
        (verdict(&output), verifies(&folder), folder)
    };
    let (own_first, run, _folder) = of([3, 1]);
    gives(&own_first, "rank.ndcg_cut_10", "PASS", "bound_inside_limit");
    let (other_first, other_run, _other_folder) = of([1, 9]);
    gives(
        &other_first,
        "rank.ndcg_cut_10",
        "FAIL",
        "bound_outside_limit",
    );
    for name in ["mrr_10", "recall_10", "map_cut_10", "judged_10", "bpref"] {
        let difference = mean(&run, "eu-west", name) - mean(&other_run, "eu-west", name);
        assert!(difference.abs() < 1e-12, "{name} sees no grade");
    }
    assert_eq!(
        check(&own_first, "rank.mrr_10")["estimate"],
        check(&other_first, "rank.mrr_10")["estimate"]
    );
    // A point of the sweep at 5 hits has no measure of 10 ranks.
    let table = MetricTable::read(&run.join("metrics.parquet")).expect("metrics");
    let mut sweep = table.cells.iter().filter(|cell| cell.k == 5);
    let deep = RankMeasure::named("ndcg_cut_10").expect("a measure");
    let flat = RankMeasure::named("bpref").expect("a measure");
    assert!(sweep.all(|cell| !cell.rank.contains_key(&deep) && cell.rank.contains_key(&flat)));
}

#[test]
fn shards_are_merged_and_sides_compared_by_what_was_required() {
    let small = graded(60, [3, 1], "require = ['rank.recall_10 >= 0.5']\n");
    let parts = ["1/2", "2/2"].map(|shard| gate(&small.policy(), &["--shard", shard]).1);
    let [first, second] = [0, 1].map(|part: usize| parts[part].path().join("run"));
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let merged = ragstone(&["merge", text(&first), text(&second), "--out", text(&run)]);
    assert_ne!(merged.status.code(), Some(2), "{}", stderr(&merged));
    verifies(&folder);
    let read = |run: &Path| -> serde_json::Value {
        let bytes = std::fs::read(run.join("verdict.json")).expect("a verdict");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    assert_eq!(check(&read(&run), "rank.recall_10")["n_questions"], 60);
    let sides = ["us-east", "eu-west"].map(|side| format!("{}:{side}", text(&run)));
    let out = folder.path().join("compared");
    let compare = |out: &Path| {
        ragstone(&["compare", &sides[0], &sides[1], "--out", text(out)]);
        read(out)
    };
    gives(
        &compare(&out),
        "rank.recall_10",
        "PASS",
        "bound_inside_limit",
    );
    // A run of a version that knew no ranking measures.
    let metrics = run.join("metrics.parquet");
    let mut table = MetricTable::read(&metrics).expect("metrics");
    table.cells.iter_mut().for_each(|cell| cell.rank.clear());
    table.write(&metrics).expect("written");
    let old = compare(&folder.path().join("old"));
    gives(&old, "rank.recall_10", "INCONCLUSIVE", "evidence_missing");
}

#[test]
fn a_plan_and_an_explanation_know_any_measure() {
    let small = graded(60, [3, 1], "require = ['rank.ndcg_cut_10 >= 0.8']\n");
    let planned = ragstone(&["plan", text(&small.policy()), "--format", "json"]);
    let planned: serde_json::Value = serde_json::from_slice(&planned.stdout).expect("JSON");
    let found = check(&planned, "rank.ndcg_cut_10");
    assert_eq!(found["decidable"], "yes");
    assert!(
        found["p_pass"].is_null() && found["effect"]["passes"].is_number(),
        "{found:#}"
    );
    let few = ragstone(&[
        "plan",
        text(&small.policy()),
        "--format",
        "json",
        "--questions",
        "20",
    ]);
    let few: serde_json::Value = serde_json::from_slice(&few.stdout).expect("JSON");
    assert!(check(&few, "rank.ndcg_cut_10")["decidable"]["no"].is_string());
    for (id, needle) in [
        (
            "rank.nDCG@10",
            "rank.ndcg_cut_10 ([gate] require, any runbook)",
        ),
        ("rank.unj_5", "limit      ≤ what [gate] require says"),
        ("rank.mrr_10", "which trec_eval does not have"),
        ("rank.num_rel", "nothing can be required of it"),
    ] {
        let output = ragstone(&["explain", id]);
        assert_eq!(output.status.code(), Some(0), "{id}");
        assert!(stdout(&output).contains(needle), "{}", stdout(&output));
    }
    let unknown = ragstone(&["explain", "rank.ndgc"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(said(&unknown).contains("did you mean `ndcg`?"));
}
