use proptest::prelude::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF, Normal};

use super::*;
use crate::ids::QuestionId;
use crate::judge::paired::mean_within;
use crate::judge::quality::{converging, delta_s_bounds};
use crate::judge::{CheckVerdict, Override, Runbook};
use crate::measure::QuestionMetrics;
use crate::stats::{Resamples, clopper_pearson, stream};

pub(in crate::judge) fn outlook(n: usize) -> Outlook {
    let topics = (0..10).map(|topic| (Topic::new(format!("t{topic}")), n / 10));
    let stated: BTreeSet<ContractField> = [
        ContractField::IndexHash,
        ContractField::Metric,
        ContractField::Analyzer,
    ]
    .into();
    Outlook {
        n_questions: n,
        topics: topics.collect(),
        n_forms: 3,
        n_seeds: 2,
        n_sides: 1,
        referee: EmbedderKind::Cache,
        locality: Locality::Network,
        stated: stated.clone(),
        compared: stated,
        history: false,
        baseline: false,
    }
}

fn at(runbook: Runbook, stage: RunbookStage) -> Settings {
    Settings {
        runbook,
        stage,
        ..Settings::default()
    }
}

/// The prospect of one check at its first stage.
fn of(id: CheckId, n: usize, healthy: &Healthy) -> Prospect {
    let stage = Definition::of(id).stages[0];
    prospects(
        &at(id.runbook().expect("a clause"), stage),
        &outlook(n),
        healthy,
    )
    .into_iter()
    .find(|prospect| prospect.id == id)
    .expect("judged at its first stage")
}

fn p(id: CheckId, n: usize, healthy: &Healthy) -> f64 {
    let definition = Definition::of(id);
    let settings = at(id.runbook().expect("a clause"), definition.stages[0]);
    Chances::new(&settings, &outlook(n), healthy).of(definition, n)
}

#[track_caller]
fn says(id: CheckId, n: usize, words: &str) {
    let prospect = of(id, n, &Healthy::usual());
    let text = format!("{:?} {}", prospect.decidable, prospect.why);
    assert!(text.contains(words), "{id} at {n}: {text}");
}

#[test]
fn the_numbers_are_those_of_the_statistics_page() {
    for (n, words) in [(50, "32 of 50"), (100, "59 of 100"), (200, "113 of 200")] {
        says(CheckId::CaDs, n, words);
    }
    for (n, words) in [
        // The page rounds these up: 0.072, 0.102, 0.145.
        (50, "up to 0.071"),
        (100, "up to 0.102"),
        (200, "up to 0.144"),
    ] {
        says(CheckId::MrDrift, n, words);
    }
    for (id, words) in [
        (CheckId::CaErr, "about 372 errors"),
        (CheckId::CaHit, "about 1187 requests"),
        (CheckId::BgHit, "about 1644 requests"),
        (CheckId::TsCold, "59 requests without"),
        (CheckId::TsDedupe, "2995 sampled"),
    ] {
        says(id, 100, words);
    }
    says(
        CheckId::CaNewErr,
        100,
        "5 questions here and none on the control FAIL",
    );
    says(CheckId::CaS5, 100, "9 fully covered");
}

#[test]
fn no_mismatch_at_all_shows_what_the_statistics_page_says() {
    let healthy = Healthy {
        equal_answers: 1.0,
        ..Healthy::usual()
    };
    let shows = |n: usize, limit: f64| {
        let settings = Settings {
            overrides: [(
                CheckId::FdEq,
                Override {
                    limit,
                    reason: "a test".to_owned(),
                },
            )]
            .into(),
            ..at(Runbook::FailoverDrill, RunbookStage::Post)
        };
        let outlook = outlook(n);
        Chances::new(&settings, &outlook, &healthy).of(Definition::of(CheckId::FdEq), n)
    };
    assert_eq!([shows(100, 0.970), shows(100, 0.971)], [1.0, 0.0]);
    assert_eq!([shows(300, 0.990), shows(300, 0.991)], [1.0, 0.0]);
    // 7.2 % at 40 questions would do for a limit of 92 %; but fewer than 50 decide nothing.
    assert_eq!(shows(40, 0.92), 0.0);
}

#[test]
fn an_unchanged_service_passes_p95_as_often_as_the_statistics_page_says() {
    let healthy = Healthy::usual();
    for (n, quoted) in [(50, 0.86), (100, 0.99)] {
        let found = p(CheckId::CaP95, n, &healthy);
        assert!((found - quoted).abs() < 0.03, "{n}: {found}");
    }
}

#[test]
fn what_cannot_be_decided_says_why() {
    says(CheckId::CaDs, 49, "49 questions decide nothing");
    says(
        CheckId::MrHealth,
        100,
        "SCHEMA_REV, MODEL_TAG, SECRETS_REV stated by both sides",
    );
    says(CheckId::MrKv, 100, "needs DEDUPE_STORE");
    says(CheckId::BgPre, 100, "CACHE_PREFIX, QUEUE_TOPICS");
    says(CheckId::TsTwice, 100, "earlier verdicts");
    says(CheckId::BgAudit, 100, "before the cutover");
    says(CheckId::FdCut, 100, "drill log");
    says(CheckId::CaErr, 100, "no user traffic");
    let lexical = Outlook {
        referee: EmbedderKind::Lexical,
        locality: Locality::InProcess,
        ..outlook(100)
    };
    let shadow = at(Runbook::Canary, RunbookStage::Shadow);
    let prospects = prospects(&shadow, &lexical, &Healthy::usual());
    let word = |id| {
        let found = prospects.iter().find(|prospect| prospect.id == id);
        found.expect("judged").decidable.word()
    };
    assert_eq!(word(CheckId::CaDs), "no");
    assert_eq!(word(CheckId::CaCov), "yes");
    assert_eq!(word(CheckId::CaP95), "not applicable");
    assert_eq!(word(CheckId::CaPar), "census");
    let outcome = outcome(&prospects, &lexical);
    assert_eq!(outcome.undecided, [CheckId::CaDs, CheckId::CaS0]);
    assert!(
        outcome
            .at_best
            .starts_with("INCONCLUSIVE: CA-DS, CA-S0 (the lexical"),
        "{outcome:?}"
    );
}

#[test]
fn a_promotion_needs_its_hour() {
    let promotion = at(Runbook::Canary, RunbookStage::Promotion);
    let decided = |history| {
        let outlook = Outlook {
            history,
            ..outlook(100)
        };
        let prospects = prospects(&promotion, &outlook, &Healthy::usual());
        prospects
            .into_iter()
            .filter(|one| one.p_pass.is_some() && one.decidable == Decidable::Yes)
            .count()
    };
    assert_eq!(decided(false), 0);
    assert_eq!(decided(true), 5);
}

#[test]
fn sides_multiply_and_the_smallest_stands_beside_the_product() {
    let shadow = at(Runbook::Canary, RunbookStage::Shadow);
    let two = Outlook {
        n_sides: 2,
        ..outlook(60)
    };
    let prospects = prospects(&shadow, &two, &Healthy::usual());
    let outcome = outcome(&prospects, &two);
    let product: f64 = prospects.iter().filter_map(|one| one.p_pass).product();
    assert_eq!(outcome.all_pass, Some(product * product));
    assert!(outcome.smallest >= outcome.all_pass && outcome.at_best == "PASS");
}

#[test]
fn enough_questions_are_enough() {
    let healthy = Healthy::usual();
    for id in [
        CheckId::CaLam,
        CheckId::MrDrift,
        CheckId::CaP95,
        CheckId::FdEq,
        CheckId::MrP95,
    ] {
        let needed = of(id, 100, &healthy).n_needed.expect("some number does");
        assert!(p(id, needed, &healthy) >= 0.8, "{id} {needed}");
        assert!(
            needed == 50 || p(id, needed - 1, &healthy) < 0.8 || needed > 200,
            "{id} {needed}"
        );
    }
    let hopeless = Healthy {
        converges: 0.75,
        ..healthy.clone()
    };
    assert_eq!(of(CheckId::CaLam, 100, &hopeless).n_needed, None);
    assert_eq!(of(CheckId::CaS50, 100, &healthy).n_needed, None);
}

#[test]
fn an_effect_that_just_passes_passes_four_times_in_five() {
    let healthy = Healthy::usual();
    let effect = of(CheckId::CaDs, 100, &healthy).effect;
    let moved = Healthy {
        delta_s: Law::Spread {
            mean: effect.passes.expect("one passes"),
            deviation: 0.068,
        },
        ..healthy.clone()
    };
    assert!((p(CheckId::CaDs, 100, &moved) - 0.8).abs() < 1e-6);
    let effect = of(CheckId::CmpLam, 100, &healthy).effect;
    let moved = Healthy {
        flips: effect.passes.expect("one passes"),
        ..healthy
    };
    assert!((p(CheckId::CmpLam, 100, &moved) - 0.8).abs() < 1e-6);
}

#[test]
fn a_run_by_point_looks_at_the_point() {
    let settings = Settings {
        basis: Basis::Point,
        ..at(Runbook::Canary, RunbookStage::Shadow)
    };
    // Right at the limits, a coin decides.
    let healthy = Healthy {
        delta_s: Law::Spread {
            mean: 0.45,
            deviation: 0.07,
        },
        coverage: Law::Spread {
            mean: 0.70,
            deviation: 0.1,
        },
        ..Healthy::usual()
    };
    let prospects = prospects(&settings, &outlook(100), &healthy);
    for prospect in &prospects[..2] {
        let chance = prospect.p_pass.expect("chance decides");
        assert!((chance - 0.5).abs() < 0.01, "{prospect:?}");
        assert!(prospect.why.ends_with("by point alone"), "{prospect:?}");
    }
}

/// A uniform number and what follows from it.
struct Draw(ChaCha8Rng);

impl Draw {
    fn happens(&mut self, chance: f64) -> bool {
        self.0.random::<f64>() < chance
    }

    fn normal(&mut self) -> f64 {
        Normal::standard().inverse_cdf(self.0.random::<f64>().clamp(1e-12, 1.0 - 1e-12))
    }
}

/// The share of runs that pass, by the rule itself on synthetic questions.
fn simulated(runs: u64, mut passes: impl FnMut(&mut Draw) -> bool) -> f64 {
    let n_passed = (0..runs)
        .filter(|&run| passes(&mut Draw(stream(21, run))))
        .count();
    n_passed as f64 / runs as f64
}

#[track_caller]
fn agrees(found: f64, expected: f64, runs: u64) {
    let error = (expected * (1.0 - expected) / runs as f64).sqrt();
    let tolerance = 0.03_f64.max(3.0 * error);
    assert!(
        (found - expected).abs() < tolerance,
        "simulated {found}, said {expected}"
    );
}

fn question(delta_s: f64, recursive: f64) -> QuestionMetrics {
    QuestionMetrics {
        question: QuestionId::new("q"),
        topic: Topic::new("t"),
        n_cells: 8,
        n_missing: 0,
        delta_s,
        coverage: 1.0,
        evidence_coverage: 1.0,
        converges: recursive <= 0.0,
        share_recursive: recursive,
        rank: crate::measure::RankValues::new(),
        n_chaotic: 0,
    }
}

#[test]
fn the_median_passes_as_often_as_said() {
    let healthy = Healthy {
        delta_s: Law::Spread {
            mean: 0.43,
            deviation: 0.07,
        },
        ..Healthy::usual()
    };
    let runs = 1500;
    let found = simulated(runs, |draw| {
        let questions: Vec<QuestionMetrics> = (0..80)
            .map(|_| question(0.43 + 0.07 * draw.normal(), 0.0))
            .collect();
        delta_s_bounds(&questions, Confidence::P95).high <= 0.45
    });
    agrees(found, p(CheckId::CaDs, 80, &healthy), runs);
}

#[test]
fn convergence_passes_as_often_as_said() {
    let settings = Settings {
        resamples: Resamples { n: 300, seed: 1 },
        ..Settings::default()
    };
    // One question in twelve has a quarter of its cells at <>, as in the handbook.
    for (misses, share, n) in [(1.0 / 12.0, 0.25, 60), (1.0 / 10.0, 0.5, 100)] {
        let healthy = Healthy {
            converges: 1.0 - misses,
            recursive: Law::Seen([vec![0.0; (1.0 / misses) as usize - 1], vec![share]].concat()),
            ..Healthy::usual()
        };
        let runs = 300;
        let found = simulated(runs, |draw| {
            let questions: Vec<QuestionMetrics> = (0..n)
                .map(|_| question(0.3, if draw.happens(misses) { share } else { 0.0 }))
                .collect();
            converging(&questions, 0.80, &settings).decision.0 == CheckVerdict::Pass
        });
        agrees(found, p(CheckId::CaLam, n, &healthy), runs);
    }
}

#[test]
fn drift_passes_as_often_as_said() {
    let healthy = Healthy {
        shift_deviation: 0.10,
        shifted: 0.03,
        ..Healthy::usual()
    };
    let settings = Settings::default();
    let runs = 1500;
    let found = simulated(runs, |draw| {
        let differences: Vec<f64> = (0..100).map(|_| 0.10 * draw.normal()).collect();
        let n_shifted = (0..100).filter(|_| draw.happens(0.03)).count() as u64;
        let shifted = clopper_pearson(n_shifted, 100, Confidence::P95).expect("questions");
        mean_within(&differences, 0.03, &settings).decision.0 == CheckVerdict::Pass
            && shifted.high <= 0.10
    });
    agrees(found, p(CheckId::MrDrift, 100, &healthy), runs);
}

#[test]
fn rates_pass_as_often_as_said() {
    let healthy = Healthy {
        flips: 0.04,
        equal_answers: 0.99,
        paraphrases_flip: 0.005,
        ..Healthy::usual()
    };
    let runs = 3000;
    let high = |draw: &mut Draw, chance: f64| {
        let n = (0..100).filter(|_| draw.happens(chance)).count() as u64;
        clopper_pearson(n, 100, Confidence::P95)
            .expect("questions")
            .high
    };
    let flips = simulated(runs, |draw| high(draw, 0.04) <= 0.10);
    agrees(flips, p(CheckId::CmpLam, 100, &healthy), runs);
    let equal = simulated(runs, |draw| high(draw, 0.01) <= 0.05);
    agrees(equal, p(CheckId::FdEq, 100, &healthy), runs);
    let none = simulated(runs, |draw| !(0..100).any(|_| draw.happens(0.005)));
    agrees(none, p(CheckId::CaS50, 100, &healthy), runs);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn twice_the_questions_never_pass_less_often(
        n in 50_usize..400,
        distance in 0.30..0.44_f64,
        converges in 0.84..1.0_f64,
        coverage in 0.72..0.98_f64,
        deviation in 0.01..0.3_f64,
    ) {
        let healthy = Healthy {
            delta_s: Law::Spread { mean: distance, deviation: 0.07 },
            coverage: Law::Spread { mean: coverage, deviation: 0.1 },
            converges,
            shift_deviation: deviation,
            coverage_deviation: deviation,
            ..Healthy::usual()
        };
        for id in [
            CheckId::CaDs, CheckId::CaCov, CheckId::CaLam, CheckId::CaS0, CheckId::MrDrift,
            CheckId::CmpCov, CheckId::CmpShift, CheckId::CaP95,
        ] {
            let (fewer, more) = (p(id, n, &healthy), p(id, 2 * n, &healthy));
            // The teeth of an exact bound are a few points high.
            prop_assert!(more >= fewer - 0.05, "{} {} {} {}", id, n, fewer, more);
            prop_assert!((0.0..=1.0).contains(&more));
        }
    }
}

#[test]
fn server_errors_say_how_many_requests_show_that_there_are_none() {
    let settings = at(Runbook::TrafficShaping, RunbookStage::Fifty);
    let prospects = prospects(&settings, &outlook(100), &Healthy::usual());
    let one = prospects.iter().find(|one| one.id == CheckId::Ts5xx);
    let why = &one.expect("the stage has it").why;
    assert!(why.starts_with("about 5409 requests an arm"), "{why}");
    let none = |n| crate::stats::Tally::new(0, n).expect("a trial");
    let high = |n| crate::stats::newcombe(none(n), none(n), settings.confidence).high;
    assert!(high(5409) <= 0.0005 && high(5408) > 0.0005);
}
