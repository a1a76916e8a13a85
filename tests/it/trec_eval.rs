//! The outputs that `trec_eval` 10 comes with, the published values of two runs of DL-HARD, and these two compared.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{ragstone, shared_data, stderr, stdout};

/// The real binary's output, with paths in a folder.
fn rank(folder: &Path, args: &[&str], files: &[&str]) -> String {
    let paths: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
    let mut all = vec!["rank"];
    all.extend(args);
    all.extend(paths.iter().map(|path| path.to_str().expect("UTF-8")));
    let output = ragstone(&all);
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output)
}

/// The commands of `trec_eval`'s own test, but for those of measures that are not here: preferences and judgment
/// groups.
#[test]
fn every_output_of_trec_eval_is_reproduced_to_the_last_character() {
    const PARAMETERS: [&str; 9] = [
        "-miprec_at_recall..10,.20,.25,.75,.50",
        "-mP.5,7,3",
        "-mrecall.20,2000",
        "-mRprec_mult.5.0,0.2,0.35",
        "-mutility.2,-1,0,0",
        "-m11pt_avg..25,.5,.75",
        "-mndcg.1=3,2=9,4=4.5",
        "-mndcg_cut.10,20,23.4",
        "-msuccess.2,5,20",
    ];
    let Some(folder) = shared_data("trec_eval_tests") else {
        return;
    };
    let with_queries: Vec<&str> = ["-q"].into_iter().chain(PARAMETERS).collect();
    let all = "-mall_trec";
    let cases: [(&str, &[&str], [&str; 2]); 8] = [
        ("out.test", &[], ["qrels.test", "results.test"]),
        (
            "out.test",
            &[],
            ["qrels.test.with-comments", "results.test"],
        ),
        ("out.test.a", &[all], ["qrels.test", "results.test"]),
        ("out.test.aq", &[all, "-q"], ["qrels.test", "results.test"]),
        (
            "out.test.aqc",
            &[all, "-q", "-c"],
            ["qrels.test", "results.trunc"],
        ),
        (
            "out.test.aqcM",
            &[all, "-q", "-c", "-M100"],
            ["qrels.test", "results.trunc"],
        ),
        (
            "out.test.aql",
            &[all, "-mrelstring.20", "-q", "-l2"],
            ["qrels.rel_level", "results.test"],
        ),
        (
            "out.test.meas_params",
            &with_queries,
            ["qrels.test", "results.test"],
        ),
    ];
    for (expected, args, files) in cases {
        let found = rank(&folder, args, &files);
        let wanted = std::fs::read_to_string(folder.join(expected)).expect("readable");
        for (line, (found, wanted)) in (1..).zip(found.lines().zip(wanted.lines())) {
            assert_eq!(found, wanted, "{expected}, line {line}");
        }
        assert_eq!(found, wanted, "{expected}");
    }
}

#[test]
fn z_scores_are_those_of_trec_eval() {
    let Some(folder) = shared_data("trec_eval_tests") else {
        return;
    };
    let scores = folder.join("zscores_file");
    let args = ["-mall_trec", "-q", "-Z", scores.to_str().expect("UTF-8")];
    let found = rank(&folder, &args, &["qrels.test", "results.test"]);
    let wanted = std::fs::read_to_string(folder.join("out.test.aqZ")).expect("readable");
    for (line, (found, wanted)) in (1..).zip(found.lines().zip(wanted.lines())) {
        assert_eq!(found, wanted, "line {line}");
    }
    assert_eq!(found, wanted);
}

/// Values by measure and query. The fields of a line are parted by any white space.
fn values(text: &str) -> BTreeMap<(String, String), String> {
    let row = |line: &str| {
        let mut fields = line.split_whitespace().map(str::to_owned);
        let mut next = || fields.next().expect("three fields");
        ((next(), next()), next())
    };
    text.lines().map(row).collect()
}

#[test]
fn the_published_values_of_dl_hard_are_reproduced_at_level_two() {
    let Some(folder) = shared_data("dl_hard") else {
        return;
    };
    for name in ["passage-bm25", "passage-bm25+t5"] {
        let packed = std::fs::read(folder.join(format!("{name}.run.eval.gz"))).expect("readable");
        let mut wanted = String::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_string(&mut wanted)
            .expect("text");
        let run = format!("{name}.run.gz");
        let found = values(&rank(
            &folder,
            &["-mall_trec", "-q", "-l2"],
            &["dl_hard-passage.qrels", &run],
        ));
        // Version 9 counted interpolated precisions otherwise, and its `num_rel` over all holds queries that the
        // sum of its own lines does not.
        let other = |(measure, query): &(String, String)| {
            measure.starts_with("iprec_at_recall")
                || measure == "11pt_avg"
                || (measure == "num_rel" && query == "all")
        };
        let wanted = values(&wanted);
        assert_eq!(wanted.len(), 4644);
        let mut compared = BTreeSet::new();
        for (place, value) in wanted.iter().filter(|(place, _)| !other(place)) {
            assert_eq!(found.get(place), Some(value), "{name}: {place:?}");
            compared.insert(place);
        }
        assert_eq!(compared.len(), 4644 - 12 * 51 - 1);
    }
}

/// Figures by SciPy 1.17.1 on the same values: `ttest_1samp`, `wilcoxon(zero_method="pratt",
/// method="approx")`, and `bootstrap(method="BCa")` with 200,000 resamples.
#[test]
fn two_runs_of_dl_hard_are_compared_as_scipy_compares_them() {
    let Some(folder) = shared_data("dl_hard") else {
        return;
    };
    let args = [
        "--format",
        "json",
        "-l2",
        "-mnDCG@10",
        "--margin",
        "0.05",
        "--resamples",
        "20000",
    ];
    let runs = [
        "dl_hard-passage.qrels",
        "passage-bm25.run.gz",
        "passage-bm25+t5.run.gz",
    ];
    let report: Value = serde_json::from_str(&rank(&folder, &args, &runs)).expect("JSON");
    let found = &report["comparisons"][0]["measures"][0];
    let close = |value: &Value, expected: f64, tolerance: f64| {
        let value = value.as_f64().expect("a number");
        assert!(
            (value - expected).abs() < tolerance,
            "{value}, expected {expected}"
        );
    };
    close(&found["difference"], 0.104_703_294_881_609_57, 1e-12);
    close(&found["standard_deviation"], 0.197_385_620_415_419_2, 1e-12);
    let counts = ["wins", "ties", "losses"].map(|name| found[name].as_u64().expect("a count"));
    assert_eq!(counts, [30, 9, 11]);
    let tests = &found["significance"];
    close(&tests["t"]["p"], 0.000_466_493_148_093_168_8, 1e-12);
    close(&tests["wilcoxon"]["p"], 0.001_025_704_471_924_075_9, 1e-12);
    close(&tests["low"], 0.051_3, 0.002);
    close(&tests["high"], 0.160_0, 0.002);
    close(&tests["equivalence"]["p"], 0.972_1, 5e-5);
    assert_eq!(tests["equivalence"]["shown"], false);
}
