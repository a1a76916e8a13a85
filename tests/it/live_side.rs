//! Stamps and comparisons of live targets, by the real program: indexes in this process, and doubles of
//! a store that go wrong while they are looked at.

use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::loopback::{Loopback, Request, Response};
use crate::store_doubles::{Qdrant, Rows};
use crate::support::{SmallGold, ragstone, root, stderr, stdout};

const KEY: &str = "a-key-that-nobody-sees";
/// Rows enough for three pages of a listing.
const ROWS: usize = 60;

/// A gold set with two indexes in this process and a store.
fn beside_store(server: &Loopback, more: &str) -> SmallGold {
    let small = SmallGold::new(ROWS);
    small.write("key", KEY);
    let policy = format!(
        "gold = '.'\n[referee]\nkind = 'lexical'\n\
         [replay]\nseeds = [1]\nparaphrases = 0\nk_sweep = [10]\nretries = 0\n\
         [[target]]\nname = 'us-east'\nrole = 'control'\nkind = 'embedded'\nranking = 'dense'\n\
         [[target]]\nname = 'store'\nrole = 'candidate'\nkind = 'qdrant'\nurl = '{}'\n\
         collection = 'docs'\nexact = true\nef_search = 64\nid_field = 'row'\n\
         auth_file = 'key'\nauth_header = 'api-key'\n{more}\n",
        server.url()
    );
    small.write("ragstone.toml", &policy);
    small
}

/// The store as it should be, but for what `changed` answers to the `n`-th request of a listing.
fn spoilt(
    changed: impl Fn(&Request, usize) -> Option<Response> + Send + Sync + 'static,
) -> Loopback {
    let rows = Rows::of(&SmallGold::new(ROWS));
    let pages = AtomicUsize::new(0);
    Loopback::answering(move |request| {
        let is_page = request.path.ends_with("/scroll");
        let n_pages = pages.fetch_add(usize::from(is_page), Ordering::Relaxed);
        changed(request, n_pages + usize::from(is_page))
            .unwrap_or_else(|| Qdrant::SOUND.answer(&rows, request))
    })
}

fn sound() -> Loopback {
    spoilt(|_, _| None)
}

/// `ragstone stamp` of a target into a folder of its own.
fn stamp(small: &SmallGold, target: &str, more: &[&str]) -> (Output, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let (policy, out) = (small.policy(), folder.path().join("side"));
    let mut args = vec!["stamp", target, "--policy", text(&policy)];
    args.extend(["--out", text(&out)]);
    args.extend(more);
    (ragstone(&args), folder)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The document of a stamp that was made.
#[track_caller]
fn document((output, folder): &(Output, TempDir)) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    let path = folder.path().join("side.stamp.json");
    let bytes = std::fs::read(path).expect("a stamp");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// What stderr says in one line, without the frame that a terminal is drawn.
fn said(output: &Output) -> String {
    let words = stderr(output).replace(['│', '×', '╰', '─', '▶', '├'], " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// No stamp was made, with this exit code and these words; nobody's key is told.
#[track_caller]
fn refused((output, folder): &(Output, TempDir), code: i32, says: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for words in says {
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }
    assert!(!said.contains(KEY) && !stdout(output).contains(KEY));
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[track_caller]
fn parity(policy: &Path, sides: [&str; 2], more: &[&str]) -> (Option<i32>, Value) {
    let mut args = vec!["parity", sides[0], sides[1], "--policy", text(policy)];
    args.extend(["--format", "json"]);
    args.extend(more);
    let output = ragstone(&args);
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    (output.status.code(), report)
}

fn proof<'a>(report: &'a Value, rung: &str) -> &'a str {
    let rungs = report["ladder"]["rungs"].as_array().expect("rungs");
    let found = rungs.iter().find(|found| found["rung"] == rung);
    found.expect("every rung")["proof"].as_str().expect("words")
}

#[test]
fn a_store_that_lists_in_pages_has_the_rows_of_the_embedded_index() {
    let server = sound();
    let small = beside_store(&server, "");
    let store = document(&stamp(&small, "store", &[]));
    let pages = server.requests().into_iter();
    assert_eq!(
        pages
            .filter(|asked| asked.path.ends_with("/scroll"))
            .count(),
        3
    );
    let embedded = document(&stamp(&small, "us-east", &[]));
    for field in ["INDEX_HASH", "VECTOR_HASH", "COUNT", "DIM", "METRIC"] {
        assert!(store["contract"][field].is_string(), "{field}");
        assert_eq!(
            store["contract"][field], embedded["contract"][field],
            "{field}"
        );
    }
    let behaviour = &store["behaviour"];
    let identity = behaviour["identity"]["read"].as_str().expect("read");
    assert!(identity.contains("collection=docs-v3"), "{identity}");
    assert!(behaviour["analyzer"]["not_read"].is_string(), "{behaviour}");
    let why = behaviour["canaries"]["not_read"].as_str().expect("words");
    assert!(why.contains("no embedding service"), "{why}");
    let retrieval = &behaviour["retrieval"]["read"];
    assert_eq!(retrieval["inference"]["metric"], "cosine", "{retrieval}");
    assert_eq!(retrieval["plain"]["quality"]["recall"]["mean"], 1.0);
    assert_eq!(retrieval["filtered"], Value::Null);
}

#[test]
fn a_filter_of_the_policy_is_read_beside_the_whole_index() {
    let server = sound();
    let small = beside_store(&server, "filter = { rev = '1' }");
    let store = document(&stamp(&small, "store", &[]));
    let filtered = &store["behaviour"]["retrieval"]["read"]["filtered"];
    assert_eq!(filtered["quality"]["recall"]["mean"], 1.0, "{filtered}");
    assert_eq!(filtered["n_rows"], ROWS);
}

#[test]
fn a_store_that_fails_in_the_middle_of_a_listing_has_no_stamp() {
    let failing = || {
        spoilt(|request, n_pages| {
            let fails = request.path.ends_with("/scroll") && n_pages == 2;
            fails.then(|| Response {
                status: 500,
                ..Response::json(&json!({ "status": { "error": "the disk is gone" } }))
            })
        })
    };
    for more in [&[][..], &["--rows-only"]] {
        let server = failing();
        let made = stamp(&beside_store(&server, ""), "store", more);
        refused(&made, 4, &["target `store`", "http_500 at"]);
    }
    let server = failing();
    let small = beside_store(&server, "");
    let (policy, folder) = (small.policy(), tempfile::tempdir().expect("a folder"));
    let out = folder.path().join("report.json");
    let args = ["parity", "us-east", "store", "--policy", text(&policy)];
    let compared = ragstone(&[&args[..], &["--out", text(&out)]].concat());
    assert_eq!(compared.status.code(), Some(4), "{}", said(&compared));
    assert!(!out.exists() && stdout(&compared).is_empty());
}

#[test]
fn an_index_that_is_rebuilt_while_it_is_looked_at_has_no_stamp() {
    let rebuilt = |request: &Request, n_pages| {
        let is_rebuilt = request.path == "/collections/docs-v3" && n_pages >= 3;
        let other = Qdrant {
            distance: "Dot",
            ..Qdrant::SOUND
        };
        is_rebuilt.then(|| other.answer(&Rows::of(&SmallGold::new(ROWS)), request))
    };
    for more in [&[][..], &["--rows-only"]] {
        let server = spoilt(rebuilt);
        let made = stamp(&beside_store(&server, ""), "store", more);
        refused(
            &made,
            4,
            &["target `store`", "METRIC moved while it was looked at"],
        );
    }
}

#[test]
fn a_stamp_of_rows_only_says_why_nothing_else_was_read() {
    let server = sound();
    let stamped = document(&stamp(
        &beside_store(&server, ""),
        "store",
        &["--rows-only"],
    ));
    assert!(stamped["behaviour"]["identity"]["read"].is_string());
    for what in ["analyzer", "canaries", "retrieval"] {
        assert_eq!(
            stamped["behaviour"][what]["not_read"], "--rows-only",
            "{what}"
        );
    }
    let asked = server.requests().into_iter();
    assert_eq!(
        asked.filter(|asked| asked.path.ends_with("/query")).count(),
        0
    );
}

#[test]
fn a_target_that_lists_nothing_or_is_not_there_is_a_matter_of_usage() {
    let server = sound();
    let small = beside_store(&server, "list_rows = false");
    let unlisted = stamp(&small, "store", &[]);
    refused(
        &unlisted,
        2,
        &["does not list its rows", "list_rows = false"],
    );
    let nobody = stamp(&small, "nobody", &[]);
    refused(
        &nobody,
        2,
        &["no target is called `nobody`", "us-east, store"],
    );
}

#[test]
fn an_index_in_this_process_is_stamped_twice_to_the_same_bytes() {
    let small = SmallGold::new(ROWS);
    let made = [(); 2].map(|()| stamp(&small, "us-east", &[]));
    let mut documents = made.each_ref().map(document);
    for document in &mut documents {
        for part in ["contract", "claimed"] {
            document[part]["BUILD_TS"] = Value::Null;
        }
    }
    assert_eq!(documents[0], documents[1]);
    let rows = made.map(|(_, folder)| std::fs::read(folder.path().join("side.stamp.parquet")));
    let [first, second] = rows.map(|rows| rows.expect("rows"));
    assert!(first == second, "the rows of two stamps differ");
}

#[test]
fn equal_sides_are_the_same_and_drills_fail_at_their_rung() {
    let handbook = root().join("goldsets/handbook");
    let sides = ["us-east", "eu-west"];
    let (code, report) = parity(&handbook.join("ragstone.toml"), sides, &["--rows-only"]);
    assert_eq!(
        (code, &report["verdict"]),
        (Some(0), &json!("PASS")),
        "{report}"
    );
    for (drill, cause) in [
        ("wrong-analyzer", "contract"),
        ("wrong-metric", "contract"),
        ("stale-follower", "ids"),
    ] {
        let policy = handbook.join("drills").join(format!("{drill}.toml"));
        let (code, report) = parity(&policy, sides, &["--rows-only"]);
        assert_eq!(code, Some(1), "{drill}: {}", report["sentence"]);
        assert_eq!(
            report["ladder"]["cause"], cause,
            "{drill}: {}",
            report["sentence"]
        );
    }
}

#[test]
fn a_wrong_analyzer_is_named_with_the_first_token_that_differs() {
    let policy = root().join("goldsets/handbook/drills/wrong-analyzer.toml");
    let (code, report) = parity(&policy, ["us-east", "eu-west"], &[]);
    assert_eq!(code, Some(1));
    let why = proof(&report, "contract");
    assert!(why.contains("ANALYZER is whitespace"), "{why}");
    assert!(
        why.contains("probe texts are cut otherwise as indexed; first `"),
        "{why}"
    );
}

#[test]
fn a_wrong_metric_is_told_by_contract_and_by_scores() {
    let policy = root().join("goldsets/handbook/drills/wrong-metric.toml");
    let (code, report) = parity(&policy, ["us-east", "eu-west"], &[]);
    assert_eq!(
        (code, &report["ladder"]["cause"]),
        (Some(1), &json!("contract"))
    );
    let why = proof(&report, "contract");
    assert!(
        why.contains("METRIC is dot where cosine was intended"),
        "{why}"
    );
}

#[test]
fn what_a_policy_declares_and_states_settles_a_contract() {
    let server = sound();
    let stated = "intended = { ANALYZER = 'none' }\nstated = { CHUNKER = 'section' }";
    let small = beside_store(&server, stated);
    let sides = ["us-east", "store"];
    let (code, report) = parity(&small.policy(), sides, &["--rows-only"]);
    assert_eq!(code, Some(3), "{}", report["sentence"]);
    let undecided = report["undecided"][0].as_str().expect("words");
    let one_sided = "stated by one side only: INDEX_PARAMS, MODEL_TAG, READY";
    assert!(undecided.ends_with(one_sided), "{undecided}");
    let status = |report: &Value, name: &str| {
        let fields = report["fields"].as_array().expect("fields");
        let found = fields.iter().find(|field| field["field"] == name);
        found.expect("stated")["status"].clone()
    };
    assert_eq!(status(&report, "RANKING"), "equal");
    assert_eq!(status(&report, "ANALYZER"), "versioned");
    assert_eq!(status(&report, "BUILD_TS"), "informative");
    let declared = ["INDEX_PARAMS", "MODEL_TAG", "READY"];
    let mut more = vec!["--rows-only"];
    more.extend(declared.iter().flat_map(|field| ["--versioned", field]));
    for sides in [sides, ["store", "us-east"]] {
        let (code, report) = parity(&small.policy(), sides, &more);
        assert_eq!(
            code,
            Some(0),
            "{}: {}",
            report["sentence"],
            report["undecided"]
        );
        for field in declared {
            assert_eq!(status(&report, field), "versioned", "{field}");
        }
    }
}

#[test]
fn a_search_that_finds_nothing_under_the_filter_fails_at_the_rung_of_searches() {
    let server = spoilt(|request, _| {
        let filtered = !request.json()["filter"].is_null();
        let is_lost = filtered && request.path.ends_with("/query");
        is_lost.then(|| Response::json(&json!({ "result": { "points": [] }, "status": "ok" })))
    });
    let filter = "filter = { rev = '1' }";
    let small = beside_store(
        &server,
        &format!("{filter}\nintended = {{ ANALYZER = 'none' }}"),
    );
    let dense = "ranking = 'dense'\n";
    small.edit("ragstone.toml", dense, &format!("{dense}{filter}\n"));
    let (code, report) = parity(&small.policy(), ["us-east", "store"], &[]);
    assert_eq!((code, &report["ladder"]["cause"]), (Some(1), &json!("ann")));
    let why = proof(&report, "ann");
    assert!(why.contains("under the filter, "), "{why}");
}
