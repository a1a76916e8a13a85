//! `ragstone rank`: `trec_eval`'s layout, several runs beside each other, and files that are not as they should be.

use std::io::Write;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ragstone, stderr, stdout};

/// Two queries that were judged, one of them with a grade below 0, and one that the run does not have.
const QRELS: &str = "\
# made for this test
q1 0 d1 1
q1 0 d2 0
q1 0 d#3 2
q2 0 d1 0
q2 0 d4 -1
q2 0 d5 1
q9 0 d1 1
";
/// `d1` and `d2` of q1 have one score; q7 was judged by nobody.
const RUN: &str = "\
q2 Q0 d4 1 9 bm25
q1 Q0 d1 1 2.5 bm25
q1 Q0 d2 2 2.5 bm25
q1 Q0 d#3 3 1 bm25
q2 Q0 d5 2 8 bm25
q7 Q0 d1 1 1 bm25
";

struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        files.write("qrels", QRELS.as_bytes());
        files.write("run", RUN.as_bytes());
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("written");
    }

    /// `rank` with names of files in the folder and other arguments.
    fn rank(&self, files: &[&str], more: &[&str]) -> (i32, String, String) {
        let paths: Vec<String> = files
            .iter()
            .map(|name| self.path(name).to_str().expect("UTF-8").to_owned())
            .collect();
        let mut args = vec!["rank"];
        args.extend(paths.iter().map(String::as_str));
        args.extend(more);
        let output = ragstone(&args);
        let code = output.status.code().expect("a code");
        (code, stdout(&output), stderr(&output))
    }

    fn json(&self, files: &[&str], more: &[&str]) -> Value {
        let (code, out, err) = self.rank(files, &[&["--format", "json"], more].concat());
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).expect("JSON")
    }
}

fn near(found: &Value, expected: f64) {
    let found = found.as_f64().expect("a number");
    assert!(
        (found - expected).abs() < 1e-9,
        "{found}, expected {expected}"
    );
}

#[test]
fn a_run_is_printed_as_trec_eval_prints_it() {
    let more = [
        "-q",
        "-m",
        "runid",
        "-m",
        "num_ret",
        "-m",
        "map",
        "-m",
        "P.1,2",
        "-m",
        "relstring.3",
    ];
    let (code, out, err) = Files::new().rank(&["qrels", "run"], &more);
    // Of equal scores the higher name comes first: d2, d1, d#3.
    let expected = "\
num_ret               \tq1\t3
map                   \tq1\t0.5833
P_1                   \tq1\t0.0000
P_2                   \tq1\t0.5000
relstring_3           \tq1\t'012'
num_ret               \tq2\t2
map                   \tq2\t0.5000
P_1                   \tq2\t0.0000
P_2                   \tq2\t0.5000
relstring_3           \tq2\t'.1'
runid                 \tall\tbm25
num_ret               \tall\t5
map                   \tall\t0.5417
P_1                   \tall\t0.0000
P_2                   \tall\t0.5000
";
    assert_eq!((code, out.as_str()), (0, expected));
    assert!(
        err.contains(
            "judged queries without results are left out (-c counts them as 0); 1 of 3: q9"
        ),
        "{err}"
    );
    assert!(
        err.contains("queries that nobody judged are ignored; 1: q7"),
        "{err}"
    );
    assert!(err.contains("groups: 1"), "{err}");
}

#[test]
fn judged_queries_without_results_count_as_zero_if_asked() {
    let (_, out, err) = Files::new().rank(
        &["qrels", "run"],
        &["-c", "-m", "map", "-m", "num_q", "-m", "num_rel"],
    );
    assert!(out.contains("num_q                 \tall\t3\n"), "{out}");
    assert!(out.contains("num_rel               \tall\t4\n"), "{out}");
    assert!(
        out.contains("map                   \tall\t0.3611\n"),
        "{out}"
    );
    assert!(err.contains("count as 0; 1 of 3: q9"), "{err}");
}

#[test]
fn levels_cuts_and_judged_documents_only_change_what_counts() {
    let files = Files::new();
    let map = |more: &[&str]| {
        let report = files.json(&["qrels", "run"], &[&["-m", "map", "-q"], more].concat());
        report["runs"][0]["queries"][0]["values"]["map"]
            .as_f64()
            .expect("a value")
    };
    assert!((map(&[]) - 7.0 / 12.0).abs() < 1e-12);
    assert!((map(&["-l", "2"]) - 1.0 / 3.0).abs() < 1e-12);
    assert!((map(&["-M", "2"]) - 0.25).abs() < 1e-12);
    // Without d4, which nobody judged, d5 is the first document of q2.
    let of_q2 = |more: &[&str]| {
        let report = files.json(
            &["qrels", "run"],
            &[&["-m", "recip_rank", "-q"], more].concat(),
        );
        report["runs"][0]["queries"][1]["values"]["recip_rank"].as_f64()
    };
    assert_eq!((of_q2(&[]), of_q2(&["-J"])), (Some(0.5), Some(1.0)));
}

#[test]
fn scores_of_32_bits_have_more_ties() {
    let files = Files::new();
    files.write("close", b"q1 Q0 d#3 1 1.00000001 r\nq1 Q0 d2 2 1.0 r\n");
    let first = |more: &[&str]| {
        let report = files.json(&["qrels", "close"], &[&["-m", "P_1"], more].concat());
        let run = &report["runs"][0];
        (
            run["ties"]["groups"].as_u64(),
            run["measures"][0]["intersection"].as_f64(),
        )
    };
    assert_eq!(first(&[]), (Some(0), Some(1.0)));
    assert_eq!(first(&["--f32"]), (Some(1), Some(0.0)));
}

/// A run of `q00` to `q19` in which the relevant document of each stands at a rank of its own.
fn ranks(place: impl Fn(usize) -> usize) -> String {
    let row = |query: usize, rank: usize| {
        let document = if rank == place(query) {
            "good".to_owned()
        } else {
            format!("other{rank}")
        };
        format!("q{query:02} Q0 {document} {rank} {} r\n", 100 - rank)
    };
    let queries = (0..20).flat_map(|query| (1..=10).map(move |rank| (query, rank)));
    let rows: Vec<String> = queries.map(|(query, rank)| row(query, rank)).collect();
    rows.concat()
}

#[test]
fn several_runs_are_put_beside_the_first() {
    let files = Files::new();
    let judged = (0..20).map(|query| format!("q{query:02} 0 good 1\n"));
    let judged: Vec<String> = judged.collect();
    files.write("qrels", judged.concat().as_bytes());
    files.write("one", ranks(|query| query % 4 + 2).as_bytes());
    files.write("two", ranks(|query| query % 3 + 1).as_bytes());
    let more = [
        "-m",
        "recip_rank",
        "-m",
        "P_5",
        "--margin",
        "0.3",
        "--resamples",
        "2000",
    ];
    let report = files.json(&["qrels", "one", "two"], &more);
    let comparison = &report["comparisons"][0];
    assert_eq!(
        (&comparison["run"], &comparison["n_queries"]),
        (&2.into(), &20.into())
    );
    let found = comparison["measures"].as_array().expect("measures");
    let measure = found
        .iter()
        .find(|one| one["measure"] == "recip_rank")
        .expect("asked for");
    near(&measure["first"], 0.320_833_333_333_333_3);
    near(&measure["other"], 0.625);
    near(&measure["difference"], 0.304_166_666_666_666_6);
    // SciPy 1.17.1: ttest_rel, wilcoxon(zero_method="pratt", method="asymptotic"), std(ddof=1).
    near(&measure["standard_deviation"], 0.312_595_014_795_268);
    near(
        &measure["significance"]["t"]["p"],
        0.000_343_576_282_697_114,
    );
    near(
        &measure["significance"]["wilcoxon"]["p"],
        0.000_631_113_794_656_152_1,
    );
    assert_eq!(measure["significance"]["equivalence"]["shown"], false);
    let counts = ["wins", "ties", "losses"].map(|name| measure[name].as_u64().expect("a count"));
    assert_eq!(counts, [15, 4, 1]);
    let p = |test: &str, which: &str| measure["significance"][test][which].as_f64().expect("a p");
    assert!(p("sign_flip", "p") < 0.01 && p("sign_flip", "p_holm") >= p("sign_flip", "p"));
    assert_eq!(measure["worst"][0]["query"], "q08");
    let likeness = &comparison["likeness"];
    near(&likeness["overlap_at_10"]["mean"], 0.92);
    assert_eq!(likeness["n_queries"], 20);
}

#[test]
fn the_same_bytes_come_out_at_any_thread_count() {
    let files = Files::new();
    files.write("qrels", b"q01 0 good 1\nq02 0 good 1\nq03 0 other1 1\n");
    files.write("one", ranks(|query| query % 4 + 2).as_bytes());
    files.write("two", ranks(|query| query % 3 + 1).as_bytes());
    let run = |threads| {
        let more = ["-q", "--format", "json", "--threads", threads];
        files.rank(&["qrels", "one", "two"], &more).1
    };
    assert_eq!(run("1"), run("5"));
    let text = files.rank(&["qrels", "one", "two"], &["-q"]).1;
    assert!(text.contains("run 2 beside run 1, 3 queries"), "{text}");
}

#[test]
fn a_query_that_one_run_lacks_is_named_and_counts_as_zero_if_asked() {
    let files = Files::new();
    files.write("other", b"q1 Q0 d1 1 1 r\n");
    let of =
        |more: &[&str]| files.json(&["qrels", "run", "other"], &[&["-m", "map"], more].concat());
    let comparison = &of(&[])["comparisons"][0];
    assert_eq!(comparison["n_queries"], 1);
    assert_eq!(comparison["left_out"], serde_json::json!(["q2", "q9"]));
    let comparison = &of(&["-c"])["comparisons"][0];
    assert_eq!(comparison["n_queries"], 3);
    near(&comparison["measures"][0]["other"], 1.0 / 6.0);
}

#[test]
fn a_run_of_which_nothing_was_judged_is_not_a_result() {
    let files = Files::new();
    files.write("other", b"x Q0 d1 1 1 r\n");
    let (code, out, err) = files.rank(&["qrels", "other"], &["-m", "map"]);
    assert_eq!((code, out.as_str()), (4, ""));
    assert!(
        err.contains("no judged query has results: nothing was measured"),
        "{err}"
    );
}

/// Each file that is not as it should be, in place of one of the two.
#[test]
fn wrong_files_are_refused_by_line() {
    let gzipped = |text: &str, behind: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).expect("packed");
        [encoder.finish().expect("packed").as_slice(), behind].concat()
    };
    let cases: [(&str, Vec<u8>, i32, &str); 8] = [
        (
            "run",
            format!("{RUN}q1 Q0 d2 9 0.5 bm25\n").into(),
            2,
            "line 7: document `d2` of query `q1` stands on line 3 already",
        ),
        (
            "qrels",
            format!("{QRELS}q1 0 d1 0\n").into(),
            2,
            "line 9: document `d1` of query `q1` stands on line 2 already",
        ),
        (
            "run",
            format!("{RUN}q1 Q0 d8 9 NaN bm25\n").into(),
            2,
            "line 7: score `NaN` is not a finite number",
        ),
        (
            "qrels",
            format!("{QRELS}q1 0 d7 high\n").into(),
            2,
            "line 9: grade `high` is not a whole number",
        ),
        (
            "run",
            format!("{RUN}q1 Q0 two words 1 1 bm25\n").into(),
            2,
            "line 7: 7 fields where 6 belong",
        ),
        (
            "qrels",
            gzipped(QRELS, b"junk"),
            4,
            "cannot be read beyond line 8",
        ),
        ("run", Vec::new(), 2, "no rows"),
        ("qrels", b"q1 0 d1 1\xff\n".to_vec(), 2, "line 1: not UTF-8"),
    ];
    for (name, bytes, expected, message) in cases {
        let files = Files::new();
        files.write(name, &bytes);
        let (code, out, err) = files.rank(&["qrels", "run"], &["-m", "map"]);
        assert_eq!((code, out.as_str()), (expected, ""), "{message}: {err}");
        let flat = err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.replace(" │", "").contains(message), "{message}: {err}");
    }
}

#[test]
fn packed_files_and_files_without_a_last_line_end_are_read() {
    let files = Files::new();
    let plain = files.rank(&["qrels", "run"], &["-q"]).1;
    files.write(
        "run",
        &zstd::encode_all(RUN.trim_end().as_bytes(), 1).expect("packed"),
    );
    files.write("qrels", QRELS.trim_end().as_bytes());
    assert_eq!(files.rank(&["qrels", "run"], &["-q"]).1, plain);
}

#[test]
fn z_scores_count_deviations_from_the_mean_of_other_runs() {
    let files = Files::new();
    files.write(
        "z",
        b"q1 map 0.5 0.25\nq2 map 0.5 0\nq1 num_ret 2 0.5\nq2 num_ret 1 2\n",
    );
    let z = files.path("z");
    let of = |more: &[&str]| {
        let args = [&["-q", "-Z", z.to_str().expect("UTF-8")], more].concat();
        files.rank(&["qrels", "run"], &args)
    };
    let expected = "\
Znum_ret               \tq1\t2.0000
Zmap                   \tq1\t0.3333
Znum_ret               \tq2\t0.5000
Zmap                   \tq2\t0.0000
Znum_ret               \tall\t2.5000
Zmap                   \tall\t0.1667
";
    let (code, out, _) = of(&["-m", "map", "-m", "num_ret"]);
    assert_eq!((code, out.as_str()), (0, expected));
    let refused = |more: &[&str], message: &str| {
        let (code, out, err) = of(more);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        let flat = err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.replace(" │", "").contains(message), "{err}");
    };
    refused(
        &["-m", "bpref"],
        "bpref of query `q1` has no z-score: the file does not have it",
    );
    refused(
        &["-m", "map", "-l", "2"],
        "map of query `q2` has no z-score: the reference runs were all alike",
    );
    files.write("z", b"q1 map 0.5 -1\n");
    refused(&["-m", "map"], "line 1: not `query measure mean deviation`");
}

#[test]
fn names_from_a_file_do_not_steer_a_terminal() {
    let files = Files::new();
    files.write("qrels", "q\u{1b}[31m 0 d 1\n".as_bytes());
    files.write(
        "run",
        "q\u{1b}[31m Q0 d 1 1 tag\u{1b}]0;x\u{7}\n".as_bytes(),
    );
    for more in [&["-q"][..], &["-m", "runid"]] {
        let (code, out, err) = files.rank(&["qrels", "run"], more);
        assert_eq!(code, 0, "{err}");
        assert!(!(out + &err).contains(['\u{1b}', '\u{7}']));
    }
    files.write(
        "run",
        "q Q0 d\u{1b}[2J 1 1 r\nq Q0 d\u{1b}[2J 1 1 r\n".as_bytes(),
    );
    files.write("qrels", b"q 0 d 1\n");
    let (code, _, err) = files.rank(&["qrels", "run"], &[]);
    assert_eq!(code, 2);
    assert!(
        err.contains("line 2: document") && !err.contains('\u{1b}'),
        "{err}"
    );
}

#[test]
fn measures_are_listed_and_unknown_ones_say_what_is_near() {
    let output = ragstone(&["rank", "--list"]);
    assert!(stdout(&output).contains("ndcg_cut"), "{}", stdout(&output));
    let (code, _, err) = Files::new().rank(&["qrels", "run"], &["-m", "nDGC@10"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `ndcg`?"), "{err}");
    assert_eq!(Files::new().rank(&["qrels", "run"], &["-l", "0"]).0, 2);
    assert_eq!(Files::new().rank(&["qrels"], &[]).0, 2);
    assert_eq!(
        Files::new()
            .rank(&["qrels", "run", "run"], &["--margin", "0"])
            .0,
        2
    );
}
