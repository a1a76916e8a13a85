//! The checks, each with laws at its limit, with a defect and in health.

use ragstone::judge::{CheckId, Definition, Kind, Method};

use super::laws::{LOST, Laws};

/// One method and limit, for every clause that shares them.
pub(crate) struct Row {
    /// The clause that is judged.
    pub(crate) id: CheckId,
    /// Laws on the edge, of which each must keep one wrong verdict rare.
    pub(crate) limits: Vec<Limit>,
    /// Laws with a defect of twice the margin, each in words.
    pub(crate) defects: Vec<(&'static str, Laws)>,
    /// Laws with nothing wrong.
    pub(crate) healthy: Laws,
}

/// Laws on the edge.
pub(crate) struct Limit {
    /// What is on the edge, in words.
    pub(crate) what: &'static str,
    /// The laws.
    pub(crate) laws: Laws,
    /// Whether a PASS would be wrong half of the time it is said, so that it must be rare. If not,
    /// nothing is wrong there, and only a FAIL must be.
    pub(crate) pass_is_wrong: bool,
}

impl Row {
    /// Every clause of the same method and limit, this one first.
    pub(crate) fn ids(&self) -> Vec<CheckId> {
        let this = Definition::of(self.id);
        Definition::all()
            .filter(|check| check.method == this.method && check.limit == this.limit)
            .map(|check| check.id)
            .collect()
    }
}

/// Two hundred questions' worth of health, at a hundred.
///
/// ΔS 0.38 is the median of a healthy index on real questions.
const HEALTHY: Laws = Laws {
    n: 100,
    topics: 10,
    control_delta_s: 0.38,
    delta_s: 0.38,
    delta_s_spread: 0.03,
    shifted: 0.0,
    lost: 0.0,
    coverage: 0.90,
    kept: 1.0,
    first_topic_coverage: 0.90,
    coverage_sum: 1.5,
    control_converging: 0.93,
    converging: 0.93,
    flipped: 0.02,
    recursive: 0.01,
    slower: 1.0,
    latency_spread: 0.3,
    incidents: 0.0,
    incident_classes: 1,
    broken: 0.0,
};

/// ΔS of one side by itself spreads wider than the difference of two.
const ONE_SIDE: Laws = Laws {
    delta_s_spread: 0.07,
    ..HEALTHY
};

fn covering(mean: f64, sum: f64) -> Laws {
    Laws {
        coverage: mean,
        first_topic_coverage: mean,
        coverage_sum: sum,
        ..ONE_SIDE
    }
}

/// The candidate converges less often than the control, and a few questions the other way about.
fn converging(rate: f64) -> Laws {
    Laws {
        converging: rate,
        flipped: HEALTHY.control_converging - rate + 0.02,
        ..ONE_SIDE
    }
}

fn edge(what: &'static str, laws: Laws) -> Limit {
    Limit {
        what,
        laws,
        pass_is_wrong: true,
    }
}

fn harmless(what: &'static str, laws: Laws) -> Limit {
    Limit {
        what,
        laws,
        pass_is_wrong: false,
    }
}

/// Every row, in the order of the methods.
pub(crate) fn rows() -> Vec<Row> {
    vec![
        delta_s(),
        coverage(),
        convergence(),
        latency(CheckId::CaP95),
        latency(CheckId::MrP95),
        new_error(),
        shadow_stop(),
        block(),
        topics(),
        drift(CheckId::MrDrift),
        drift(CheckId::TsDrift),
        drift(CheckId::CmpDrift),
        drift(CheckId::CmpShift),
        coverage_drift(),
        flips(),
        drift(CheckId::BgAudit),
    ]
}

fn delta_s() -> Row {
    let at = |delta_s| Laws {
        delta_s,
        ..ONE_SIDE
    };
    Row {
        id: CheckId::CaDs,
        limits: vec![edge("median ΔS 0.45", at(0.45))],
        defects: vec![("median ΔS 0.52", at(0.52))],
        healthy: ONE_SIDE,
    }
}

fn coverage() -> Row {
    Row {
        id: CheckId::CaCov,
        limits: vec![
            edge("mean 0.70, most questions all or nothing", covering(0.70, 1.2)),
            edge("mean 0.70", covering(0.70, 1.5)),
            edge("mean 0.70, most questions in between", covering(0.70, 6.0)),
        ],
        defects: vec![("mean 0.50", covering(0.50, 1.5))],
        healthy: ONE_SIDE,
    }
}

fn convergence() -> Row {
    Row {
        id: CheckId::CaLam,
        limits: vec![
            edge("rate 0.80", converging(0.80)),
            edge("10 % of the cells <>, rate 0.895", at_recursive(0.10)),
        ],
        defects: vec![
            ("rate 0.67", converging(0.67)),
            ("19 % of the cells <>", at_recursive(0.19)),
        ],
        healthy: ONE_SIDE,
    }
}

/// Nearly every question that does not converge is `<>` throughout.
fn at_recursive(recursive: f64) -> Laws {
    Laws {
        recursive,
        ..converging(1.0 - recursive - 0.005)
    }
}

fn latency(id: CheckId) -> Row {
    let at = |slower| Laws { slower, ..ONE_SIDE };
    let narrow = Definition::of(id).limit < 1.2;
    let (limit, defect, words) = if narrow {
        ("every call 1.10 × slower", 1.20, "every call 1.20 × slower")
    } else {
        ("every call 1.25 × slower", 1.50, "every call 1.50 × slower")
    };
    Row {
        id,
        limits: vec![edge(limit, at(Definition::of(id).limit))],
        defects: vec![(words, at(defect))],
        healthy: ONE_SIDE,
    }
}

fn new_error() -> Row {
    let incidents = |share, classes| Laws {
        incidents: share,
        incident_classes: classes,
        ..ONE_SIDE
    };
    Row {
        id: CheckId::CaNewErr,
        limits: vec![
            harmless("one class strikes 1 % of either side's questions", incidents(0.01, 1)),
            harmless("one class strikes 2 %", incidents(0.02, 1)),
            harmless("one of ten classes strikes 10 %", incidents(0.10, 10)),
        ],
        defects: vec![("a class of its own on 10 % of the questions", Laws {
            broken: 0.10,
            ..ONE_SIDE
        })],
        healthy: ONE_SIDE,
    }
}

fn shadow_stop() -> Row {
    let at = |delta_s| Laws {
        delta_s,
        ..ONE_SIDE
    };
    Row {
        id: CheckId::CaS0,
        limits: vec![edge("median ΔS 0.60", at(0.60))],
        defects: vec![("median ΔS 0.82", at(0.82))],
        healthy: ONE_SIDE,
    }
}

fn block() -> Row {
    let at = |delta_s, coverage| Laws {
        delta_s,
        ..covering(coverage, 1.5)
    };
    Row {
        id: CheckId::BgShadow,
        limits: vec![
            edge("median ΔS 0.60", at(0.60, 0.90)),
            edge("mean coverage 0.70", at(0.38, 0.70)),
            edge("both", at(0.60, 0.70)),
        ],
        defects: vec![
            ("median ΔS 0.82", at(0.82, 0.90)),
            ("mean coverage 0.50", at(0.38, 0.50)),
        ],
        healthy: ONE_SIDE,
    }
}

fn topics() -> Row {
    let first = |first_topic_coverage, coverage_sum| Laws {
        first_topic_coverage,
        ..covering(1.0, coverage_sum)
    };
    Row {
        id: CheckId::CaS5,
        limits: vec![
            edge("one topic at 0.70, all or nothing", first(0.70, 1.05)),
            edge("one topic at 0.70", first(0.70, 1.5)),
            edge("one topic at 0.70, in between", first(0.70, 6.0)),
            edge("every topic at 0.70", covering(0.70, 1.5)),
            edge("every topic at 0.70, all or nothing", covering(0.70, 1.05)),
        ],
        defects: vec![
            ("one topic at 0.45", first(0.45, 1.5)),
            ("every topic at 0.45", covering(0.45, 1.5)),
        ],
        healthy: covering(0.95, 1.5),
    }
}

/// The clauses on paired ΔS, each with the conditions that it has.
fn drift(id: CheckId) -> Row {
    let by = |mean: f64| Laws {
        delta_s: HEALTHY.control_delta_s + mean,
        ..HEALTHY
    };
    let lost = |mean: f64| Laws {
        lost: mean / LOST,
        ..HEALTHY
    };
    // So little noise that a question shifts exactly when it is meant to.
    let shifted = |shifted| Laws {
        shifted,
        delta_s_spread: 0.01,
        ..HEALTHY
    };
    let method = Definition::of(id).method;
    let (mut limits, mut defects) = (Vec::new(), Vec::new());
    if method != Method::Shifts {
        limits.push(edge("mean 0.03, every question alike", by(0.03)));
        limits.push(edge("mean 0.03, 5 % of the questions lost", lost(0.03)));
        defects.push(("mean 0.06, every question alike", by(0.06)));
        defects.push(("mean 0.06, 10 % of the questions lost", lost(0.06)));
    }
    if method != Method::MeanDrift {
        limits.push(edge("10 % of the questions shift", shifted(0.10)));
        defects.push(("20 % of the questions shift", shifted(0.20)));
    }
    if method == Method::DriftAndConvergence {
        let rate = |rate| Laws {
            delta_s_spread: HEALTHY.delta_s_spread,
            ..converging(rate)
        };
        limits.push(edge("convergence rate 0.80", rate(0.80)));
        defects.push(("convergence rate 0.67", rate(0.67)));
    }
    Row {
        id,
        limits,
        defects,
        healthy: HEALTHY,
    }
}

fn coverage_drift() -> Row {
    let lost = |mean: f64| Laws {
        lost: mean / HEALTHY.coverage,
        ..HEALTHY
    };
    let cut = |mean: f64| Laws {
        kept: 1.0 - mean / HEALTHY.coverage,
        ..HEALTHY
    };
    Row {
        id: CheckId::CmpCov,
        limits: vec![
            edge("mean −0.05, every section cut", cut(0.05)),
            edge("mean −0.05, 5.6 % of the questions lost", lost(0.05)),
        ],
        defects: vec![
            ("mean −0.10, every section cut", cut(0.10)),
            ("mean −0.10, 11 % of the questions lost", lost(0.10)),
        ],
        healthy: HEALTHY,
    }
}

fn flips() -> Row {
    let flipped = |flipped| Laws {
        converging: HEALTHY.control_converging + 0.02 - flipped,
        flipped,
        ..HEALTHY
    };
    Row {
        id: CheckId::CmpLam,
        limits: vec![edge("10 % of the questions flip", flipped(0.10))],
        defects: vec![("18 % of the questions flip", flipped(0.18))],
        healthy: HEALTHY,
    }
}

/// Sample checks that no row stands for.
pub(crate) fn left_out() -> Vec<CheckId> {
    let covered: Vec<CheckId> = rows().iter().flat_map(Row::ids).collect();
    Definition::all()
        .filter(|check| check.kind == Kind::Sample && check.method != Method::Observed)
        .map(|check| check.id)
        .filter(|id| !covered.contains(id))
        .collect()
}
