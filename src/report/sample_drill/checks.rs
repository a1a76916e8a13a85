//! The checks of the audit.

use crate::ids::TargetName;
use crate::judge::{Check, CheckId, CheckVerdict, DrillCheck, ReasonCode};
use crate::report::sample::{self, HOSTILE};

fn one(
    id: CheckId,
    target: &str,
    verdict: CheckVerdict,
    numbers: Option<(f64, f64, f64)>,
    detail: &str,
) -> Check {
    let reason = match verdict {
        CheckVerdict::Pass => ReasonCode::BoundInsideLimit,
        CheckVerdict::Fail => ReasonCode::BoundOutsideLimit,
        _ => ReasonCode::EvidenceMissing,
    };
    Check {
        target: TargetName::new(target),
        control: TargetName::new(if target.starts_with("eu-west") {
            "us-east (post)"
        } else {
            "eu-west (post)"
        }),
        worst_questions: Vec::new(),
        ..sample::check(id, verdict, reason, numbers, detail)
    }
}

fn named(name: &str, check: Check) -> Check {
    Check {
        named: DrillCheck::find(name),
        ..check
    }
}

fn passed(id: CheckId, target: &str, detail: &str) -> Check {
    one(
        id,
        target,
        CheckVerdict::Pass,
        Some((0.34, 0.31, 0.38)),
        detail,
    )
}

fn exact(id: CheckId, target: &str, verdict: CheckVerdict, detail: &str) -> Check {
    one(id, target, verdict, None, detail)
}

fn timed(id: CheckId, target: &str, seconds: f64, detail: &str) -> Check {
    Check {
        estimate: Some(seconds),
        ..one(id, target, CheckVerdict::Pass, None, detail)
    }
}

pub(super) fn checks() -> Vec<Check> {
    [checks_before(), checks_during(), checks_after()].concat()
}

fn checks_before() -> Vec<Check> {
    use CheckVerdict::{Fail, Pass};

    vec![
        named(
            "index_hash_equal",
            exact(CheckId::FdPar, "us-east (pre)", Pass, "INDEX_HASH agrees"),
        ),
        passed(CheckId::FdDs, "eu-west (pre)", "0.340"),
        passed(CheckId::FdDs, "us-east (pre)", "0.340"),
        named(
            "queue_empty",
            exact(
                CheckId::FdDrain,
                "eu-west (pre)",
                Fail,
                "the last three samples before the decision are 10, 11 and 12",
            ),
        ),
        named(
            "cache_warm",
            exact(
                CheckId::FdCache,
                "eu-west (pre)",
                Pass,
                "two prefixes are warm",
            ),
        ),
    ]
}

fn checks_during() -> Vec<Check> {
    use CheckVerdict::{Inconclusive, Pass};

    vec![
        timed(
            CheckId::FdCut,
            "eu-west (live)",
            28.4,
            "28.400 s from the decision to the cutover",
        ),
        named(
            "error_rate",
            timed(
                CheckId::FdBurst,
                "eu-west (live)",
                0.8,
                "the longest burst lasts 0.800 s",
            ),
        ),
        named(
            "p95_latency",
            one(
                CheckId::FdP95,
                "eu-west (live)",
                Inconclusive,
                Some((1.21, 1.12, 1.31)),
                "p95 1.21 × that before the drill, bounds 1.12 and 1.31",
            ),
        ),
        named(
            "queue_backlog",
            timed(
                CheckId::FdDrain,
                "eu-west (live)",
                405.0,
                "back at the baseline of 12 after 405.000 s",
            ),
        ),
        exact(
            CheckId::FdFlap,
            "eu-west (live)",
            Pass,
            "the weight of us-east never rises",
        ),
    ]
}

fn checks_after() -> Vec<Check> {
    use CheckVerdict::{Error, Fail, NotApplicable, Pass};

    vec![
        exact(
            CheckId::FdPar,
            "us-east (post)",
            Error,
            "us-east did not answer",
        ),
        Check {
            estimate: Some(0.67),
            ..one(
                CheckId::FdEq,
                "us-east (post)",
                Fail,
                None,
                &format!("1 of 3 questions is answered otherwise; {HOSTILE}"),
            )
        },
        Check {
            control: TargetName::new("eu-west (pre)"),
            ..one(
                CheckId::FdEq,
                "eu-west (post)",
                Pass,
                Some((1.0, 0.9, 1.0)),
                "3 of 3",
            )
        },
        exact(
            CheckId::FdWrites,
            "eu-west (post)",
            Fail,
            "1 of 40 accepted writes was never applied (w-7), 1 applied twice (w-9)",
        ),
        exact(
            CheckId::FdHook,
            "eu-west (post)",
            NotApplicable,
            "no webhook is on the log",
        ),
        named(
            "cache_rewarmed",
            timed(
                CheckId::FdCache,
                "eu-west (post)",
                330.0,
                "eu:answers: back after 330.000 s",
            ),
        ),
        exact(
            CheckId::FdHome,
            "eu-west (post)",
            Pass,
            "10, 30, 60 and 100 in order",
        ),
    ]
}
