//! An in-toto statement of a test result: what supply-chain tools sign and ask for before they let
//! something through.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::ids::{Digest, TargetName};
use crate::judge::{Check, CheckVerdict, RunVerdict, Verdict};
use crate::parity::ContractField;
use crate::report::{Report, labels, plain};

/// An in-toto Statement v1 with the predicate `test-result/v0.1`, not signed.
///
/// Its subjects are `verdict.json` and every judged index that states an `INDEX_HASH`. Sources: the
/// in-toto attestation framework, Statement v1, `ResourceDescriptor`, `DigestSet` and Test Result v0.1.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Resource>,
    predicate_type: &'static str,
    predicate: Predicate,
}

/// Something with a digest. Other names of algorithms than the framework's own are allowed, and are
/// ignored by whoever does not know them.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Resource {
    name: String,
    digest: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    result: &'static str,
    configuration: Vec<Resource>,
    passed_tests: Vec<String>,
    warned_tests: Vec<String>,
    failed_tests: Vec<String>,
}

impl Statement {
    /// What can be said of a run; `verdict_file` is its `verdict.json` to the byte.
    ///
    /// PASS is `PASSED`, or `WARNED` if a check was waived; FAIL and `HARD_STOP` are `FAILED`. `None` of
    /// INCONCLUSIVE and ERROR: the predicate has no word for "not known", and silence lets nothing through.
    pub fn of(report: &Report, verdict_file: &[u8]) -> Option<Self> {
        let verdict = &report.verdict;
        let of = |wanted: CheckVerdict| {
            let of_kind = verdict
                .checks
                .iter()
                .filter(move |check| check.verdict == wanted);
            of_kind.map(|check| name(check, verdict)).collect()
        };
        let warned: Vec<String> = of(CheckVerdict::Waived);
        let result = match verdict.verdict {
            RunVerdict::Pass if warned.is_empty() => "PASSED",
            RunVerdict::Pass => "WARNED",
            RunVerdict::Fail | RunVerdict::HardStop => "FAILED",
            RunVerdict::Inconclusive | RunVerdict::Error => return None,
        };
        let mut subject = vec![verdict_json(verdict, verdict_file)];
        subject.extend(indexes(verdict));
        Some(Self {
            kind: "https://in-toto.io/Statement/v1",
            subject,
            predicate_type: "https://in-toto.io/attestation/test-result/v0.1",
            predicate: Predicate {
                result,
                configuration: configuration(report),
                passed_tests: of(CheckVerdict::Pass),
                warned_tests: warned,
                failed_tests: of(CheckVerdict::Fail),
            },
        })
    }
}

fn name(check: &Check, verdict: &Verdict) -> String {
    plain(&labels::whole(check, &verdict.checks))
}

/// The file with the whole result. Tests that neither passed nor failed have no list in the predicate,
/// and are named here.
fn verdict_json(verdict: &Verdict, file: &[u8]) -> Resource {
    let names = |wanted: fn(CheckVerdict) -> bool| -> Vec<String> {
        let found = verdict.checks.iter().filter(|check| wanted(check.verdict));
        found.map(|check| name(check, verdict)).collect()
    };
    let undecided = |one| matches!(one, CheckVerdict::Inconclusive | CheckVerdict::Error);
    Resource {
        name: "verdict.json".to_owned(),
        digest: json!({ "sha256": hex(&Sha256::digest(file)), "blake3": hex(Digest::of(file).as_bytes()) }),
        annotations: Some(json!({
            "run_id": plain(&verdict.run_id),
            "verdict": verdict.verdict,
            "runbook": verdict.runbook,
            "stage": verdict.stage,
            "evidence": verdict.evidence,
            "ended_at": plain(&verdict.ended_at),
            "undecided_tests": names(undecided),
            "not_applicable_tests": names(|one| one == CheckVerdict::NotApplicable),
        })),
    }
}

/// Every index that was judged and says which one it is. Its hash is no digest of a file, and therefore
/// stands under a name of its own, as the target states it.
fn indexes(verdict: &Verdict) -> Vec<Resource> {
    let judged = |name: &TargetName| verdict.checks.iter().any(|check| check.target == *name);
    let targets = verdict.targets.iter().filter(|one| judged(&one.name));
    targets
        .filter_map(|target| {
            let hash = plain(target.contract.get(ContractField::IndexHash)?);
            Some(Resource {
                name: plain(&format!("index of {}", target.name)),
                digest: json!({ "ragstoneIndexHash": hash }),
                annotations: Some(json!({ "INDEX_HASH": hash, "role": target.role })),
            })
        })
        .collect()
}

fn configuration(report: &Report) -> Vec<Resource> {
    let verdict = &report.verdict;
    let resource = |name: &str, algorithm: &str, digest: Digest, more: Option<Value>| Resource {
        name: plain(name),
        digest: json!({ algorithm: hex(digest.as_bytes()) }),
        annotations: more,
    };
    let tool = json!({ "ragstone": plain(&report.record.tool_version) });
    vec![
        resource(
            "policy",
            "ragstonePolicy",
            verdict.policy_digest,
            Some(tool),
        ),
        resource(
            &format!("gold set {}", report.record.gold_name),
            "ragstoneGoldSet",
            verdict.gold.digest,
            Some(json!({ "questions": verdict.gold.questions })),
        ),
    ]
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn of(verdict: RunVerdict) -> Option<Statement> {
        let mut report = sample::report();
        report.verdict.verdict = verdict;
        Statement::of(&report, b"{}")
    }

    #[test]
    fn what_is_not_known_is_not_attested() {
        assert_eq!(of(RunVerdict::Inconclusive), None);
        assert_eq!(of(RunVerdict::Error), None);
        for failed in [RunVerdict::Fail, RunVerdict::HardStop] {
            assert_eq!(of(failed).expect("a statement").predicate.result, "FAILED");
        }
    }

    #[test]
    fn a_waived_check_warns() {
        let mut report = sample::report();
        report.verdict.verdict = RunVerdict::Pass;
        report
            .verdict
            .checks
            .retain(|check| check.verdict == CheckVerdict::Pass);
        let passed = Statement::of(&report, b"{}").expect("a statement");
        assert_eq!(passed.predicate.result, "PASSED");
        report.verdict.checks[0].verdict = CheckVerdict::Waived;
        let warned = Statement::of(&report, b"{}").expect("a statement");
        assert_eq!(warned.predicate.result, "WARNED");
        assert_eq!(warned.predicate.warned_tests, ["CA-COV on eu-west"]);
    }

    #[test]
    fn the_digest_of_the_file_is_the_published_one() {
        // Source: FIPS 180-4 test vectors, "abc".
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let resource = verdict_json(&sample::report().verdict, b"abc");
        assert_eq!(resource.digest["sha256"], known);
    }
}
