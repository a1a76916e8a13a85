//! What a policy claims of a store's rows, held against the rows that the store lists.

use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::chroma::{gold, load};
use crate::loopback::Loopback;
use crate::support::{SmallGold, check, gate, ragstone, stderr, stdout, verdict};

/// A loaded collection, whose policy states this of it.
fn claiming(stated: &str) -> (SmallGold, Loopback) {
    let (gold, server) = gold(None);
    assert_eq!(load(&gold, &[]).status.code(), Some(0));
    let intended = "intended = { ANALYZER = 'none' }\n";
    let with_claim = format!("{intended}stated = {{ {stated} }}\n");
    gold.edit("ragstone.toml", intended, &with_claim);
    (gold, server)
}

fn judged(stated: &str) -> (Output, Value, TempDir) {
    let (gold, _server) = claiming(stated);
    let (output, folder) = gate(&gold.policy(), &[]);
    let verdict = verdict(&output);
    (output, verdict, folder)
}

/// The gate fails on its parity check, and says both values.
#[track_caller]
fn lies(stated: &str, words: &[&str]) {
    let (output, verdict, folder) = judged(stated);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let parity = check(&verdict, "CA-PAR");
    assert_eq!(parity["verdict"], "FAIL");
    assert_eq!(parity["reason_code"], "stamp_lies");
    let detail = parity["detail"].as_str().expect("words");
    let ladder = &verdict["ladders"][0]["ladder"];
    assert_eq!(ladder["cause"], "contract");
    let proof = ladder["rungs"][1]["proof"].as_str().expect("words");
    for word in words {
        assert!(detail.contains(word), "{word} in {detail}");
        assert!(proof.contains(word), "{word} in {proof}");
    }
    let remedy = parity["remedy"].as_str().expect("words");
    assert!(remedy.contains("publish what the rows give"), "{remedy}");
    // The bundle alone gives the same verdict again, lies and ladders included.
    let run = folder.path().join("run");
    let verified = ragstone(&["verify", run.to_str().expect("UTF-8")]);
    assert_eq!(verified.status.code(), Some(0), "{}", stdout(&verified));
    let summary = std::fs::read_to_string(run.join("summary.md")).expect("summary.md");
    assert!(summary.contains("first failing rung: contract: chroma claims"));
}

#[track_caller]
fn passes(stated: &str) -> Value {
    let (_output, verdict, _folder) = judged(stated);
    let parity = check(&verdict, "CA-PAR");
    assert_eq!(parity["verdict"], "PASS", "{parity:#}");
    assert_ne!(verdict["ladders"][0]["ladder"]["cause"], "contract");
    verdict
}

#[test]
fn a_count_that_the_rows_contradict_fails_with_both_values() {
    lies("COUNT = '9'", &["chroma claims COUNT 9", "8"]);
}

#[test]
fn a_hash_that_the_rows_contradict_fails_with_both_values() {
    let wrong = format!("b3:{}", "0".repeat(64));
    let found = passes("COUNT = '8'");
    for field in ["INDEX_HASH", "VECTOR_HASH"] {
        let computed = found["targets"][1]["contract"][field].as_str();
        let computed = &computed.expect("a hash")[..15];
        let claim = format!("chroma claims {field} b3:000000000000");
        lies(&format!("{field} = '{wrong}'"), &[&claim, computed]);
    }
}

#[test]
fn a_claim_that_the_rows_bear_out_passes() {
    let found = passes("COUNT = '8'");
    for field in ["INDEX_HASH", "VECTOR_HASH"] {
        let computed = found["targets"][1]["contract"][field].as_str();
        passes(&format!("{field} = '{}'", computed.expect("a hash")));
    }
}

#[test]
fn a_name_of_ones_own_is_no_claim_about_rows() {
    for stated in ["INDEX_HASH = 'spring release'", "VECTOR_HASH = 'v7'"] {
        let found = passes(stated);
        let hash = found["targets"][1]["contract"]["INDEX_HASH"].as_str();
        assert!(
            hash.expect("a hash").starts_with("b3:"),
            "rows outweigh a name"
        );
    }
}
