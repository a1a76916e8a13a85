//! The checks, each with laws at its limit, with a defect and in health.

use ragstone::judge::{CheckId, Definition, Healthy, Kind, Method};

use super::laws::{LOST, Laws};

/// One method and limit, for every clause that shares them.
pub(crate) struct Row {
    /// The clause that is judged.
    pub(crate) id: CheckId,
    /// Laws on the edge, of which each must keep one wrong verdict rare.
    pub(crate) limits: Vec<Case>,
    /// Laws with a defect of twice the margin, which must FAIL.
    pub(crate) defects: Vec<Case>,
    /// Laws with nothing wrong.
    pub(crate) healthy: Laws,
    /// Why `ragstone plan` foresees another rate, where it does.
    pub(crate) foresight: Option<&'static str>,
}

/// Laws with a name.
pub(crate) struct Case {
    /// What is on the edge or broken, in words.
    pub(crate) what: &'static str,
    /// The laws.
    pub(crate) laws: Laws,
    /// Whether a PASS would be wrong. On an edge it is so half of the time, hence must be rare;
    /// where nothing is wrong, only a FAIL must be.
    pub(crate) pass_is_wrong: bool,
    /// Why it does not meet the bar, where that is known.
    pub(crate) excuse: Option<&'static str>,
}

impl Case {
    fn because(self, excuse: &'static str) -> Self {
        Self {
            excuse: Some(excuse),
            ..self
        }
    }
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

/// What [`Healthy::usual`] assumes, at 100 questions, put into laws of cells.
///
/// The spread of a question's ΔS is that of its own effect and of the median of eight cells'
/// effects as wide, whose variance is 0.168 of one cell's; the spread of its coverage that of its
/// own effect and of the mean of eight as wide. How often both sides cover a question alike follows
/// from the spread of the difference.
fn usual() -> Laws {
    let healthy = Healthy::usual();
    let coverage = healthy.coverage.mean();
    let effect = healthy.coverage.deviation().powi(2) / (1.0 + 1.0 / 8.0);
    let unlike = (healthy.coverage_deviation.powi(2) - effect / 4.0) / (2.0 * effect);
    Laws {
        n: 100,
        topics: 10,
        control_delta_s: healthy.delta_s.mean(),
        delta_s: healthy.delta_s.mean(),
        delta_s_spread: healthy.delta_s.deviation() / MEDIAN_OF_CELLS.sqrt(),
        shifted: healthy.shifted,
        lost: 0.0,
        coverage,
        first_topic_coverage: coverage,
        coverage_sum: coverage * (1.0 - coverage) / effect - 1.0,
        covered_alike: 1.0 - unlike,
        kept: 1.0,
        control_converging: healthy.converges,
        converging: healthy.converges,
        flipped: healthy.flips,
        recursive: healthy.recursive.mean(),
        recursive_forms: 1.25,
        slower: 1.0,
        latency_between: healthy.latency_between,
        latency_within: healthy.latency_within,
        incidents: 0.0,
        incident_classes: 1,
        broken: 0.0,
    }
}

/// The variance of a question's effect and of the median of eight cells, in that of one cell.
const MEDIAN_OF_CELLS: f64 = 1.168;

/// The same for clauses on the difference of two sides, whose spread is narrower.
fn usual_pair() -> Laws {
    Laws {
        delta_s_spread: Healthy::usual().shift_deviation / (2.0 * MEDIAN_OF_CELLS).sqrt(),
        ..usual()
    }
}

/// Differences that spread as wide as 100 questions may: 0.10 would still pass four times in five,
/// and leave many questions shifted, so that it is half of that.
fn wide_pair() -> Laws {
    Laws {
        delta_s_spread: 0.05 / (2.0 * MEDIAN_OF_CELLS).sqrt(),
        ..usual()
    }
}

const EXACT_RATE: &str = "at 100 questions the exact bound of a share wants 16 of them against a limit of 10 %, and 28 against \
20 %; the defect brings as many about four times in five, and 200 questions show it";
const WHOLE_QUESTIONS: &str = "here the <> cells are those of whole questions, so that their share is as uncertain as a count \
of questions: at 100 of them 17.75 % lies two standard errors beyond 10 %";
const FEW_LOST: &str = "a mean that one lost question in ten makes lies 1.7 standard errors beyond the limit at 100 questions, \
so that a test of the mean shows it in about half of the runs; a PASS is as rare as it should be, and the lost questions are named";
const NONE_LOST: &str = "when one question in twenty is lost, 50 questions meet none of them in 8 runs of 100, and no bound can \
know what was not asked; drift is for 100 questions or more";
const NARROW_RATIO: &str = "under the assumed latencies the p95 ratio of 100 questions with 8 calls each has a standard error of \
about 5 %, so that 1.20 lies less than two of them above 1.10";
const FEW_OF_A_TOPIC: &str = "ten questions bound a mean by a third of the scale, and where any of ten topics may stop the rollout \
each is tested at a tenth of the error rate, at 200 questions any of twenty at a twentieth; the clause stops for a topic that is all but lost, and passes one that is all but whole";

const HEAVY_TAILS: &str = "the plan takes differences for normal; here most of their spread comes from the few questions that one side \
covers and the other does not, which costs three points at 50 questions, and the ABC bounds two more";

fn covering(mean: f64, sum: f64) -> Laws {
    Laws {
        coverage: mean,
        first_topic_coverage: mean,
        coverage_sum: sum,
        ..usual()
    }
}

/// A question is covered wholly or, if the candidate has lost it, not at all.
fn whole_or_lost(lost: f64) -> Laws {
    Laws {
        lost,
        ..covering(1.0, 6.0)
    }
}

/// The candidate converges less often than the control, and a few questions the other way about.
fn converging(rate: f64) -> Laws {
    Laws {
        converging: rate,
        flipped: usual().control_converging - rate + 0.02,
        ..usual()
    }
}

fn wrong(what: &'static str, laws: Laws) -> Case {
    Case {
        what,
        laws,
        pass_is_wrong: true,
        excuse: None,
    }
}

fn harmless(what: &'static str, laws: Laws) -> Case {
    Case {
        pass_is_wrong: false,
        ..wrong(what, laws)
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
    let at = |delta_s| Laws { delta_s, ..usual() };
    Row {
        id: CheckId::CaDs,
        limits: vec![wrong("median ΔS 0.45", at(0.45))],
        defects: vec![wrong("median ΔS 0.523", at(0.523))],
        healthy: usual(),
        foresight: None,
    }
}

fn coverage() -> Row {
    Row {
        id: CheckId::CaCov,
        limits: vec![
            wrong("mean 0.70, questions in between", covering(0.70, 6.0)),
            wrong("mean 0.70, cells all or nothing", covering(0.70, 1.05)),
            wrong("mean 0.70, questions whole or lost", whole_or_lost(0.30)),
        ],
        defects: vec![wrong("mean 0.474", covering(0.474, 1.5))],
        healthy: usual(),
        foresight: None,
    }
}

fn convergence() -> Row {
    Row {
        id: CheckId::CaLam,
        limits: vec![
            wrong("rate 0.80", converging(0.80)),
            wrong("10 % of the cells <>, rate 0.895", at_recursive(0.10)),
        ],
        defects: vec![
            wrong("rate 0.68", converging(0.68)).because(EXACT_RATE),
            wrong("18 % of the cells <>", at_recursive(0.1775)).because(WHOLE_QUESTIONS),
        ],
        healthy: usual(),
        foresight: None,
    }
}

/// Nearly every question that does not converge is `<>` throughout.
fn at_recursive(recursive: f64) -> Laws {
    Laws {
        recursive,
        recursive_forms: 4.0,
        ..converging(1.0 - recursive - 0.005)
    }
}

fn latency(id: CheckId) -> Row {
    let at = |slower| Laws { slower, ..usual() };
    let narrow = Definition::of(id).limit < 1.2;
    let (limit, defect, words) = if narrow {
        ("every call 1.10 × slower", 1.20, "every call 1.20 × slower")
    } else {
        ("every call 1.25 × slower", 1.50, "every call 1.50 × slower")
    };
    Row {
        id,
        limits: vec![wrong(limit, at(Definition::of(id).limit))],
        defects: vec![wrong(words, at(defect)).because(NARROW_RATIO)],
        healthy: usual(),
        foresight: None,
    }
}

fn new_error() -> Row {
    let incidents = |share, classes| Laws {
        incidents: share,
        incident_classes: classes,
        ..usual()
    };
    Row {
        id: CheckId::CaNewErr,
        limits: vec![
            harmless(
                "one class strikes 1 % of either side's questions",
                incidents(0.01, 1),
            ),
            harmless("one class strikes 2 %", incidents(0.02, 1)),
            harmless("one of ten classes strikes 10 %", incidents(0.10, 10)),
        ],
        defects: vec![wrong(
            "a class of its own on 10 % of the questions",
            Laws {
                broken: 0.10,
                ..usual()
            },
        )],
        healthy: usual(),
        foresight: None,
    }
}

fn shadow_stop() -> Row {
    let at = |delta_s| Laws { delta_s, ..usual() };
    Row {
        id: CheckId::CaS0,
        limits: vec![wrong("median ΔS 0.60", at(0.60))],
        defects: vec![wrong("median ΔS 0.823", at(0.823))],
        healthy: usual(),
        foresight: None,
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
            wrong("median ΔS 0.60", at(0.60, 0.926)),
            wrong("mean coverage 0.70", at(0.377, 0.70)),
            wrong("both", at(0.60, 0.70)),
        ],
        defects: vec![
            wrong("median ΔS 0.823", at(0.823, 0.926)),
            wrong("mean coverage 0.474", at(0.377, 0.474)),
        ],
        healthy: usual(),
        foresight: None,
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
            wrong("one topic at 0.70, questions in between", first(0.70, 6.0)),
            wrong("one topic at 0.70, cells all or nothing", first(0.70, 1.05)),
            wrong(
                "every topic at 0.70, questions in between",
                covering(0.70, 6.0),
            ),
            wrong(
                "every topic at 0.70, questions whole or lost",
                whole_or_lost(0.30),
            ),
        ],
        defects: vec![
            wrong("one topic at 0.474", first(0.474, 1.5)).because(FEW_OF_A_TOPIC),
            wrong("every topic at 0.474", covering(0.474, 1.5)).because(FEW_OF_A_TOPIC),
        ],
        healthy: usual(),
        foresight: None,
    }
}

/// The clauses on paired ΔS, each with the conditions that it has.
fn drift(id: CheckId) -> Row {
    let by = |mean: f64| Laws {
        delta_s: usual().control_delta_s + mean,
        ..wide_pair()
    };
    let lost = |mean: f64| Laws {
        lost: mean / LOST,
        ..wide_pair()
    };
    // So little noise that a question shifts exactly when it is meant to.
    let shifted = |shifted| Laws {
        shifted,
        delta_s_spread: 0.01,
        ..wide_pair()
    };
    let method = Definition::of(id).method;
    let (mut limits, mut defects) = (Vec::new(), Vec::new());
    if method != Method::Shifts {
        limits.push(wrong("mean 0.03, every question alike", by(0.03)));
        limits.push(wrong("mean 0.03, 5 % of the questions lost", lost(0.03)).because(NONE_LOST));
        defects.push(wrong("mean 0.06, every question alike", by(0.06)));
        defects.push(wrong("mean 0.06, 10 % of the questions lost", lost(0.06)).because(FEW_LOST));
    }
    if method != Method::MeanDrift {
        limits.push(wrong("10 % of the questions shift", shifted(0.10)));
        defects.push(wrong("20 % of the questions shift", shifted(0.20)).because(EXACT_RATE));
    }
    if method == Method::DriftAndConvergence {
        let rate = |rate| Laws {
            delta_s_spread: wide_pair().delta_s_spread,
            ..converging(rate)
        };
        limits.push(wrong("convergence rate 0.80", rate(0.80)));
        defects.push(wrong("convergence rate 0.68", rate(0.68)).because(EXACT_RATE));
    }
    Row {
        id,
        limits,
        defects,
        healthy: usual_pair(),
        foresight: None,
    }
}

fn coverage_drift() -> Row {
    let lost = |mean: f64| Laws {
        lost: mean / usual().coverage,
        ..wide_pair()
    };
    let cut = |mean: f64| Laws {
        kept: 1.0 - mean / usual().coverage,
        ..wide_pair()
    };
    Row {
        id: CheckId::CmpCov,
        limits: vec![
            wrong("mean −0.05, every section cut", cut(0.05)),
            wrong("mean −0.05, 5.4 % of the questions lost", lost(0.05)).because(NONE_LOST),
        ],
        defects: vec![
            wrong("mean −0.10, every section cut", cut(0.10)),
            wrong("mean −0.10, 11 % of the questions lost", lost(0.10)).because(FEW_LOST),
        ],
        healthy: usual_pair(),
        foresight: Some(HEAVY_TAILS),
    }
}

fn flips() -> Row {
    let flipped = |flipped| Laws {
        converging: usual().control_converging + 0.02 - flipped,
        flipped,
        ..wide_pair()
    };
    Row {
        id: CheckId::CmpLam,
        limits: vec![wrong("10 % of the questions flip", flipped(0.10))],
        defects: vec![wrong("19 % of the questions flip", flipped(0.19)).because(EXACT_RATE)],
        healthy: usual_pair(),
        foresight: None,
    }
}

/// Sample checks that no row stands for.
pub(crate) fn left_out() -> Vec<CheckId> {
    let covered: Vec<CheckId> = rows().iter().flat_map(Row::ids).collect();
    Definition::all()
        .filter(|check| check.kind == Kind::Sample && !check.method.is_observed())
        .map(|check| check.id)
        .filter(|id| !covered.contains(id))
        .collect()
}
