//! What a waiver covers, and what it never does.

use super::tests::{HEALTHY, Shape, contract, evidence};
use super::*;
use crate::ids::TargetName;
use crate::measure::Lambda;
use crate::parity::{Contract, ContractField, compare};
use crate::target::Stage;

use CheckVerdict::{Error, Fail, Inconclusive, Pass};

fn waiver(check: CheckId, max_value: f64) -> Waiver {
    let day = "2026-12-31".parse().expect("a day");
    Waiver {
        check,
        target: None,
        reason: "agreed".to_owned(),
        approver: "the owner".to_owned(),
        expires_at: day,
        max_value,
    }
}

/// The verdict of the check after a waiver, and what became of the waiver.
fn waived(evidence: &Evidence, waiver: Waiver, on: &str) -> (CheckVerdict, WaiverStatus) {
    let runbook = waiver.check.runbook().expect("a clause");
    let checks = judge(
        evidence,
        &Settings {
            runbook,
            ..Settings::default()
        },
    );
    let id = waiver.check;
    let (checks, uses) = waive(checks, &[waiver], on.parse().expect("a day"));
    let check = checks
        .into_iter()
        .find(|check| check.id == id)
        .expect("judged");
    (check.verdict, uses[0].status)
}

#[test]
fn a_waiver_covers_a_sample_for_a_while_and_up_to_a_point() {
    let weak = evidence(100, |i| Shape {
        lambda: if i < 30 {
            Lambda::Divergent
        } else {
            Lambda::Convergent
        },
        ..HEALTHY
    });
    let lam = |max_value| waiver(CheckId::CaLam, max_value);
    assert_eq!(
        waived(&weak, lam(0.70), "2026-12-31"),
        (CheckVerdict::Waived, WaiverStatus::Applied)
    );
    assert_eq!(
        waived(&weak, lam(0.70), "2027-01-01"),
        (Fail, WaiverStatus::Expired)
    );
    assert_eq!(
        waived(&weak, lam(0.71), "2026-01-01"),
        (Fail, WaiverStatus::ValueWorse)
    );
    let elsewhere = Waiver {
        target: Some(TargetName::new("another")),
        ..lam(0.5)
    };
    assert_eq!(
        waived(&weak, elsewhere, "2026-01-01"),
        (Fail, WaiverStatus::NotNeeded)
    );
    let healthy = evidence(100, |_| HEALTHY);
    assert_eq!(
        waived(&healthy, lam(0.5), "2026-01-01"),
        (Pass, WaiverStatus::NotNeeded)
    );
    let far = evidence(100, |_| Shape {
        delta_s: 0.5,
        ..HEALTHY
    });
    assert_eq!(
        waived(&far, waiver(CheckId::CaDs, 0.5), "2026-01-01").0,
        CheckVerdict::Waived
    );
    assert_eq!(
        waived(&far, waiver(CheckId::CaDs, 0.49), "2026-01-01").0,
        Fail
    );
}

#[test]
fn no_waiver_covers_a_hard_stop_a_census_or_an_error() {
    let risky = evidence(100, |_| Shape {
        delta_s: 0.65,
        ..HEALTHY
    });
    assert_eq!(
        waived(&risky, waiver(CheckId::CaS0, 2.0), "2026-01-01"),
        (Fail, WaiverStatus::NotCoverable)
    );
    let mut skewed = evidence(100, |_| HEALTHY);
    skewed.parity[0].fields = compare(
        &contract(),
        &contract().with(ContractField::Metric, "dot"),
        &Contract::default(),
    );
    assert_eq!(
        waived(&skewed, waiver(CheckId::CaPar, 9.0), "2026-01-01"),
        (Fail, WaiverStatus::NotCoverable)
    );
    let mut unread = evidence(100, |_| HEALTHY);
    unread.sides[0].contract_at_start = Err("refused".to_owned());
    assert_eq!(
        waived(&unread, waiver(CheckId::CaDs, 2.0), "2026-01-01"),
        (Error, WaiverStatus::NotCoverable)
    );
    // Without an estimate nothing shows that it is good enough.
    let lost = Shape {
        failed: Some(("timeout", Stage::Deadline)),
        ..HEALTHY
    };
    let nearly_silent = evidence(100, |i| if i < 99 { lost } else { HEALTHY });
    assert_eq!(
        waived(&nearly_silent, waiver(CheckId::CaDs, 2.0), "2026-01-01"),
        (Inconclusive, WaiverStatus::ValueWorse)
    );
}
