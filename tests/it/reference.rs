//! Statistics with published or independently computed answers.

use ragstone::stats::{
    Alternative, BootstrapMethod, Difference, Interval, Margin, NullLaw, PairedDesign, Resamples,
    Summary, Tally, TestResult, Zeros, abc_mean, agresti_coull, benjamini_hochberg, bootstrap_mean,
    bootstrap_median, clopper_pearson, hodges_lehmann, holm, jeffreys, kolmogorov_smirnov,
    lag_one_autocorrelation, mann_whitney, mann_whitney_cdf, mean, median_power, newcombe,
    permutation_of_means, pseudomedian_bounds, quantile_bounds, sign_flip, sign_test,
    standard_deviation, tost_power, wilcoxon_signed_rank, wilson,
};
use ragstone::units::Confidence;
use serde::Deserialize;
use serde_json::Value;

use crate::support::{root, shared_data};

/// One published or computed answer: of which test, on what, within what.
#[derive(Deserialize)]
struct Entry {
    kind: String,
    name: String,
    input: Value,
    expected: Value,
    abs_tol: f64,
}

/// Entries that are not matched, each with its reason. None at present.
const NOT_MATCHED: [(&str, &str); 0] = [];

impl Entry {
    fn numbers(&self, key: &str) -> Vec<f64> {
        serde_json::from_value(self.input[key].clone()).expect("numbers")
    }

    fn number(&self, key: &str) -> f64 {
        self.input[key].as_f64().expect("a number")
    }

    fn whole(&self, key: &str) -> usize {
        usize::try_from(self.input[key].as_u64().expect("a whole number")).expect("small")
    }

    fn text(&self, key: &str) -> &str {
        self.input[key].as_str().expect("a text")
    }

    fn tally(&self, key: &str) -> Tally {
        let [hits, trials]: [u64; 2] =
            serde_json::from_value(self.input[key].clone()).expect("a pair");
        Tally::new(hits, trials).expect("a tally")
    }

    fn summary(&self, mean: &str, deviation: &str, n: &str) -> Summary {
        Summary {
            mean: self.number(mean),
            standard_deviation: self.number(deviation),
            n: self.whole(n),
        }
    }

    fn alternative(&self) -> Alternative {
        match self.text("alternative") {
            "less" => Alternative::Less,
            "greater" => Alternative::Greater,
            "two-sided" => Alternative::TwoSided,
            other => panic!("{}: no alternative {other}", self.name),
        }
    }

    fn law(&self) -> NullLaw {
        match self.text("method") {
            "exact" | "exact-conditional-on-ties" => NullLaw::Exact,
            _ if self.input["continuity"] == true => NullLaw::NormalWithContinuity,
            _ => NullLaw::Normal,
        }
    }

    /// Every number asked for and not found within the tolerance.
    fn misses(&self) -> Vec<String> {
        let found = answers(self);
        let miss = |key: &str, expected: f64| {
            let Some((_, found)) = found.iter().find(|(name, _)| name == key) else {
                return Some(format!("{} {}: no {key}", self.kind, self.name));
            };
            // The ABC intervals of a Monte Carlo entry are exact, as its note says.
            let tolerance = if key.starts_with("abc") {
                1e-7
            } else {
                self.abs_tol
            };
            let near = (found - expected).abs() <= tolerance;
            (!near).then(|| {
                let (kind, name) = (&self.kind, &self.name);
                format!("{kind} {name}: {key} is {found}, not {expected} ± {tolerance}")
            })
        };
        let wanted = self.expected.as_object().expect("named answers");
        let wanted: Vec<(String, f64)> = wanted
            .iter()
            .flat_map(|(key, value)| numbered(key, value))
            .collect();
        assert!(!wanted.is_empty(), "{} asks for nothing", self.name);
        let missed = wanted.iter();
        missed
            .filter_map(|(key, expected)| miss(key, *expected))
            .collect()
    }
}

/// `ci: [a, b]` as `ci.0: a` and `ci.1: b`.
fn numbered(key: &str, value: &Value) -> Vec<(String, f64)> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(i, item)| numbered(&format!("{key}.{i}"), item))
            .collect(),
        Value::Bool(holds) => vec![(key.to_owned(), f64::from(u8::from(*holds)))],
        number => vec![(key.to_owned(), number.as_f64().expect("a number"))],
    }
}

fn level(level: f64) -> Confidence {
    Confidence::new(level).expect("a level")
}

/// Both ends of a two-sided interval of 95 %.
const TWO_SIDED_95: f64 = 0.975;

type Answers = Vec<(String, f64)>;

fn named<const N: usize>(answers: [(&str, f64); N]) -> Answers {
    answers
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
}

fn of_test(statistic: &str, test: Option<TestResult>) -> Answers {
    let test = test.expect("the test has a value");
    named([(statistic, test.statistic), ("p", test.p)])
}

fn of_interval(interval: Interval) -> Answers {
    named([("low", interval.low), ("high", interval.high)])
}

fn of_ends(key: &str, interval: Interval) -> Answers {
    vec![
        (format!("{key}.0"), interval.low),
        (format!("{key}.1"), interval.high),
    ]
}

fn answers(entry: &Entry) -> Answers {
    match entry.kind.as_str() {
        "mann_whitney" | "mann_whitney_cdf" | "kolmogorov_smirnov" => of_two_samples(entry),
        "wilcoxon_signed_rank"
        | "wilcoxon_ci"
        | "sign_flip"
        | "sign_test"
        | "permutation_exact"
        | "paired_t" => of_pairs(entry),
        "t_test" | "tost" | "tost_summary" | "tost_paired" => of_means(entry),
        "binomial_ci95" | "newcombe" => of_rates(entry),
        kind if kind.starts_with("bootstrap") => of_bootstrap(entry),
        "p_adjust" => of_p_values(entry),
        "univariate" => of_nist(entry),
        "quantile_bounds" => {
            let (q, confidence) = (entry.number("q"), level(entry.number("confidence")));
            of_interval(quantile_bounds(&entry.numbers("x"), q, confidence).expect("values"))
        }
        "tost_power" => {
            let design = PairedDesign {
                n: entry.whole("n"),
                standard_deviation: entry.number("sd"),
                shift: entry.number("shift"),
                margin: entry.number("margin"),
            };
            named([("power", tost_power(design, Confidence::P95))])
        }
        "median_power" => {
            let (n, within) = (entry.whole("n"), entry.number("within"));
            named([("power", median_power(n, within, Confidence::P95))])
        }
        kind => panic!("{}: nothing answers a {kind}", entry.name),
    }
}

fn of_two_samples(entry: &Entry) -> Answers {
    if entry.kind == "mann_whitney_cdf" {
        let (n, m) = (entry.whole("n"), entry.whole("m"));
        let cdf = entry.numbers("u").into_iter().enumerate();
        return cdf
            .map(|(i, u)| (format!("cdf.{i}"), mann_whitney_cdf(u as usize, n, m)))
            .collect();
    }
    let (x, y) = (entry.numbers("x"), entry.numbers("y"));
    if entry.kind == "kolmogorov_smirnov" {
        return of_test("D", kolmogorov_smirnov(&x, &y, entry.law()));
    }
    let mut answers = of_test("U", mann_whitney(&x, &y, entry.alternative(), entry.law()));
    let shift = hodges_lehmann(&x, &y).expect("finite");
    answers.extend(named([("hodges_lehmann", shift)]));
    answers
}

fn of_pairs(entry: &Entry) -> Answers {
    match entry.kind.as_str() {
        "permutation_exact" => {
            let (x, y) = (entry.numbers("x"), entry.numbers("y"));
            of_test(
                "difference",
                permutation_of_means(&x, &y, entry.alternative()),
            )
        }
        "wilcoxon_signed_rank" => {
            let pairs = entry.numbers("x").into_iter().zip(entry.numbers("y"));
            let differences: Vec<f64> = pairs.map(|(x, y)| x - y).collect();
            let zeros = if entry.input["zero"] == "pratt" {
                Zeros::Pratt
            } else {
                Zeros::Wilcox
            };
            let test = wilcoxon_signed_rank(&differences, entry.alternative(), zeros, entry.law());
            let mut answers = of_test("Wplus", test);
            // SciPy's T is the smaller of W⁺ and W⁻; the one entry with it has W⁺ = 0.
            let smaller = answers[0].1;
            answers.push(("T".to_owned(), smaller));
            answers
        }
        "wilcoxon_ci" => of_interval(
            pseudomedian_bounds(&entry.numbers("d"), level(TWO_SIDED_95)).expect("values"),
        ),
        kind => {
            let (differences, alternative) = (entry.numbers("d"), entry.alternative());
            match kind {
                "sign_flip" => of_test("mean", sign_flip(&differences, alternative)),
                "sign_test" => of_test("positive", sign_test(&differences, alternative)),
                _ => {
                    let difference = Difference::of_pairs(&differences).expect("values");
                    let mut answers = of_test("t", difference.test(0.0, alternative));
                    answers.extend(named([("df", degrees(difference))]));
                    answers
                }
            }
        }
    }
}

fn degrees(difference: Difference) -> f64 {
    difference.degrees_of_freedom().expect("a t-test")
}

fn of_means(entry: &Entry) -> Answers {
    if entry.kind == "tost_summary" {
        return of_summaries(entry);
    }
    let (x, y) = (entry.numbers("x"), entry.numbers("y"));
    if entry.kind == "tost_paired" {
        let margin = entry.number("margin");
        let (difference, margin) = if entry.input["log"] == true {
            (Difference::of_log_ratios(&x, &y), Margin::ratio(margin))
        } else {
            let differences: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x - y).collect();
            (
                Difference::of_pairs(&differences),
                Margin::symmetric(margin),
            )
        };
        let (difference, margin) = (difference.expect("pairs"), margin.expect("a margin"));
        let within = difference.equivalence(margin, Confidence::P95);
        let mut answers = of_interval(within.interval);
        let (low, high) = (("p_low", within.p_low), ("p_high", within.p_high));
        answers.extend(named([("p", within.p), low, high]));
        return answers;
    }
    let (x, y) = (
        Summary::of(&x).expect("values"),
        Summary::of(&y).expect("values"),
    );
    let difference = if entry.input["equal_var"] == true {
        Difference::pooled(x, y)
    } else {
        Difference::welch(x, y)
    };
    if entry.kind == "t_test" {
        let mut answers = of_test("t", difference.test(0.0, Alternative::TwoSided));
        answers.extend(named([("df", degrees(difference))]));
        answers.extend(of_ends("ci95", difference.interval(level(TWO_SIDED_95))));
        return answers;
    }
    let margin = Margin::symmetric(entry.number("eps")).expect("a margin");
    let within = difference.equivalence(margin, Confidence::P95);
    named([
        ("mean_diff", difference.estimate()),
        ("se", difference.standard_error()),
        ("df", degrees(difference)),
        ("p", within.p),
        ("ci90_low", within.interval.low),
        ("ci90_high", within.interval.high),
        ("equivalent_at_0.05", f64::from(u8::from(within.p <= 0.05))),
    ])
}

fn of_summaries(entry: &Entry) -> Answers {
    let has = |key: &str| entry.input.get(key).is_some();
    let (low, high, difference) = if has("prop1") {
        let tally = |rate: &str, n: &str| {
            let trials = entry.whole(n) as u64;
            let hits = (entry.number(rate) * trials as f64).round() as u64;
            Tally::new(hits, trials).expect("a tally")
        };
        let rates = (tally("prop1", "n1"), tally("prop2", "n2"));
        let difference = Difference::of_rates(rates.0, rates.1);
        (entry.number("low"), entry.number("high"), difference)
    } else if has("r12") {
        let (sd1, sd2, r) = (
            entry.number("sd1"),
            entry.number("sd2"),
            entry.number("r12"),
        );
        let pairs = Summary {
            mean: entry.number("m1") - entry.number("m2"),
            standard_deviation: (sd1 * sd1 + sd2 * sd2 - 2.0 * r * sd1 * sd2).sqrt(),
            n: entry.whole("n"),
        };
        let difference = Difference::of_summary(pairs);
        (entry.number("low"), entry.number("high"), difference)
    } else if has("m1") {
        let x = entry.summary("m1", "sd1", "n1");
        let y = entry.summary("m2", "sd2", "n2");
        let difference = Difference::welch(x, y);
        (entry.number("low"), entry.number("high"), difference)
    } else {
        let sample = entry.summary("m", "sd", "n");
        let shifted = Summary {
            mean: sample.mean - entry.number("mu"),
            ..sample
        };
        // Its margin is in standard deviations.
        let raw = |key: &str| entry.number(key) * sample.standard_deviation;
        (raw("low_d"), raw("high_d"), Difference::of_summary(shifted))
    };
    let margin = Margin::new(low, high).expect("a margin");
    let within = difference.equivalence(margin, Confidence::P95);
    let t = |null, alternative| {
        difference
            .test(null, alternative)
            .expect("spread")
            .statistic
    };
    let (t1, t2) = (t(low, Alternative::Greater), t(high, Alternative::Less));
    let mut answers = named([
        ("t1", t1),
        ("z1", t1),
        ("p1", within.p_low),
        ("t2", t2),
        ("z2", t2),
        ("p2", within.p_high),
        ("low", low),
        ("high", high),
    ]);
    answers.extend(of_ends("ci90", within.interval));
    answers.extend(of_ends("ci95", difference.interval(level(TWO_SIDED_95))));
    let none = difference.test(0.0, Alternative::TwoSided).expect("spread");
    answers.extend(named([("nhst_p", none.p)]));
    answers.extend(
        difference
            .degrees_of_freedom()
            .map(|df| ("df".to_owned(), df)),
    );
    answers
}

fn of_rates(entry: &Entry) -> Answers {
    if entry.kind == "newcombe" {
        let confidence = level(entry.number("confidence"));
        return of_interval(newcombe(entry.tally("x"), entry.tally("y"), confidence));
    }
    let (hits, trials) = (entry.whole("k") as u64, entry.whole("n") as u64);
    let (tally, confidence) = (
        Tally::new(hits, trials).expect("a tally"),
        level(TWO_SIDED_95),
    );
    of_interval(match entry.text("method") {
        "clopper_pearson" => clopper_pearson(hits, trials, confidence).expect("trials"),
        "wilson" => wilson(tally, confidence),
        "jeffreys" => jeffreys(tally, confidence),
        "agresti_coull" => agresti_coull(tally, confidence),
        other => panic!("no interval {other}"),
    })
}

fn of_bootstrap(entry: &Entry) -> Answers {
    let x = entry.numbers("x");
    // As many as the tolerance needs and a debug build can bear.
    let n = if entry.kind == "bootstrap_mean_ci95" {
        200_000
    } else {
        30_000
    };
    let resamples = Resamples { n, seed: 1 };
    let mean =
        |method, confidence| bootstrap_mean(&x, method, resamples, confidence).expect("values");
    if entry.kind == "bootstrap_mean_ci95" {
        let method = match entry.name.as_str() {
            "BCa" => BootstrapMethod::Bca,
            // `basic`: the percentile interval turned over about the mean.
            "basic" => BootstrapMethod::Percentile,
            other => panic!("no bootstrap {other}"),
        };
        let found = mean(method, level(TWO_SIDED_95));
        if method == BootstrapMethod::Bca {
            return of_interval(found);
        }
        let (low, high) = (
            2.0 * found.estimate - found.high,
            2.0 * found.estimate - found.low,
        );
        return of_interval(Interval { low, high, ..found });
    }
    // Levels come in pairs about one half: the i-th from below and the i-th from above.
    let alpha = entry.numbers("alpha");
    let mut answers = Answers::new();
    for (i, &tail) in alpha[..alpha.len() / 2].iter().enumerate() {
        let (last, confidence) = (alpha.len() - 1 - i, level(1.0 - tail));
        let abc = abc_mean(&x, confidence).expect("values");
        let mut both = |name: &str, interval: Interval| {
            answers.push((format!("{name}.{i}"), interval.low));
            answers.push((format!("{name}.{last}"), interval.high));
        };
        both("q", abc);
        both("abc", abc);
        if entry.kind == "bootstrap_mean_quantiles" {
            both("bca", mean(BootstrapMethod::Bca, confidence));
            both("percentile", mean(BootstrapMethod::Percentile, confidence));
        }
    }
    answers
}

fn of_p_values(entry: &Entry) -> Answers {
    let adjusted = match entry.text("method") {
        "Holm" => holm(&entry.numbers("p_sorted")),
        "BH" => benjamini_hochberg(&entry.numbers("p")),
        other => panic!("no adjustment {other}"),
    };
    let adjusted = adjusted.into_iter().enumerate();
    adjusted.map(|(i, p)| (format!("adj.{i}"), p)).collect()
}

fn of_nist(entry: &Entry) -> Answers {
    let name = entry.name.trim_start_matches("NIST-");
    let values = nist(name);
    assert_eq!(values.len(), entry.whole("n"), "{name}");
    named([
        ("mean", mean(&values).expect("values")),
        ("sd", standard_deviation(&values).expect("values")),
        (
            "lag1_autocorr",
            lag_one_autocorrelation(&values).expect("values"),
        ),
    ])
}

/// A set of NIST's; those that have a rule are made by it.
fn nist(name: &str) -> Vec<f64> {
    match name {
        "StRD-NumAcc1" => vec![10_000_001.0, 10_000_003.0, 10_000_002.0],
        // 1.2, then 1.1 and 1.3 in turn.
        "StRD-NumAcc2" => (0..1001)
            .map(|i| match i {
                0 => 1.2,
                odd if odd % 2 == 1 => 1.1,
                _ => 1.3,
            })
            .collect(),
        // NIST's file says 3 where π has an 8, 956 digits after the point, and is certified so.
        "StRD-PiDigits" => {
            let mut digits = digits_of_pi(5000);
            assert_eq!(digits[956], 8.0);
            digits[956] = 3.0;
            digits
        }
        listed => {
            let file: Value = own("nist_strd.json");
            serde_json::from_value(file[listed].clone()).expect("numbers")
        }
    }
}

/// The first digits of π, by the spigot of Rabinowitz and Wagon (1995).
fn digits_of_pi(n: usize) -> Vec<f64> {
    // A few more digits than asked for, since the last ones may still change.
    let n_more = n + 10;
    let mut state = vec![2_u64; n_more * 10 / 3 + 1];
    let mut digits: Vec<u64> = Vec::new();
    for _ in 0..n_more {
        let mut carry = 0;
        for (i, place) in state.iter_mut().enumerate().skip(1).rev() {
            let (value, i) = (*place * 10 + carry, i as u64);
            *place = value % (2 * i + 1);
            carry = value / (2 * i + 1) * i;
        }
        let value = state[0] * 10 + carry;
        state[0] = value % 10;
        digits.push(value / 10);
    }
    // A digit of 10 is a carry into the one before it.
    for i in (1..digits.len()).rev() {
        digits[i - 1] += digits[i] / 10;
        digits[i] %= 10;
    }
    digits[..n].iter().map(|&digit| digit as f64).collect()
}

/// A file of known answers of our own.
fn own<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    let text = std::fs::read_to_string(root().join("tests/data").join(name)).expect("readable");
    serde_json::from_str(&text).expect("as it was written")
}

#[track_caller]
fn check(entries: &[Entry]) {
    let excused = |entry: &Entry| NOT_MATCHED.iter().any(|(name, _)| *name == entry.name);
    let misses: Vec<String> = entries
        .iter()
        .filter(|entry| !excused(entry))
        .flat_map(Entry::misses)
        .collect();
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

#[test]
fn statistics_agree_with_published_answers() {
    let Some(folder) = shared_data("stats") else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("vectors.json")).expect("readable");
    let entries: Vec<Entry> = serde_json::from_str(&text).expect("entries");
    assert_eq!(entries.len(), 61);
    for (name, reason) in NOT_MATCHED {
        let known = entries.iter().any(|entry| entry.name == name);
        assert!(
            known && !reason.is_empty(),
            "{name} is excused for a reason"
        );
    }
    check(&entries);
}

#[test]
fn statistics_agree_with_scipy_on_inputs_of_our_own() {
    check(&own::<Vec<Entry>>("stats.json"));
}

#[test]
fn the_bootstrap_of_a_median_agrees_with_scipy() {
    #[derive(Deserialize)]
    struct Normal {
        percentile: [f64; 2],
        bca: [f64; 2],
        values: Vec<f64>,
    }
    let normal: Normal = own("normal_1200.json");
    for (method, [low, high]) in [
        (BootstrapMethod::Percentile, normal.percentile),
        (BootstrapMethod::Bca, normal.bca),
    ] {
        let resamples = Resamples::default();
        let found = bootstrap_median(&normal.values, method, resamples, level(TWO_SIDED_95));
        let found = found.expect("values");
        // At 10,000 resamples a bound wanders by about 0.0001 from seed to seed, in SciPy as here.
        assert!((found.low - low).abs() < 3e-4, "{method:?} {found:?}");
        assert!((found.high - high).abs() < 3e-4, "{method:?} {found:?}");
    }
}
