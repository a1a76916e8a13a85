//! A text file of metrics in the format of `OpenMetrics` 1.0.0, for the textfile collector of
//! Prometheus' node exporter or a push gateway.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::judge::{Check, RunVerdict};
use crate::report::{Report, labels, plain};

const VERDICTS: [RunVerdict; 5] = [
    RunVerdict::Pass,
    RunVerdict::Fail,
    RunVerdict::Inconclusive,
    RunVerdict::Error,
    RunVerdict::HardStop,
];

/// A family of numbers of the checks: its name, what it is, and the number of one check.
type Family = (&'static str, &'static str, fn(&Check) -> Option<f64>);

const FAMILIES: [Family; 4] = [
    ("ragstone_check_value", "What a check measured.", |check| {
        check.estimate
    }),
    (
        "ragstone_check_ci_low",
        "The lower one-sided bound of what a check measured.",
        |check| check.ci_low,
    ),
    (
        "ragstone_check_ci_high",
        "The upper one-sided bound of what a check measured.",
        |check| check.ci_high,
    ),
    (
        "ragstone_check_threshold",
        "The limit that a check is judged by.",
        |check| Some(check.limit),
    ),
];

/// The verdict as 1 beside 0 for each of the others, and the numbers of every check.
///
/// No sample has a time, since a collector has its own. A number that does not exist has no sample.
/// Source: the `OpenMetrics` specification, 1.0.0.
///
/// # Errors
/// If the writer fails.
pub fn openmetrics(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    let about = "1 for what the run concluded, and 0 for every other verdict.";
    head("ragstone_verdict", about, out)?;
    for one in VERDICTS {
        let labels = [
            ("run", verdict.run_id.as_str()),
            ("stage", verdict.stage.name()),
            ("verdict", one.name()),
        ];
        let value = f64::from(u8::from(one == verdict.verdict));
        sample("ragstone_verdict", &labels, value, out)?;
    }
    let names = names(&verdict.checks);
    for (family, about, number) in FAMILIES {
        head(family, about, out)?;
        for (check, name) in verdict.checks.iter().zip(&names) {
            let Some(value) = number(check).filter(|value| value.is_finite()) else {
                continue;
            };
            let labels = [
                ("run", verdict.run_id.as_str()),
                ("check", name.as_str()),
                ("target", check.target.as_str()),
                ("control", check.control.as_str()),
            ];
            sample(family, &labels, value, out)?;
        }
    }
    writeln!(out, "# EOF")
}

/// A name for each check; of checks with one name, target and control, the second is `CA-DS #2`, since no
/// two samples may have the same labels.
fn names(checks: &[Check]) -> Vec<String> {
    let mut seen = BTreeMap::new();
    let name = |check: &Check| {
        let name = labels::check(check);
        let labels = (name.clone(), check.target.clone(), check.control.clone());
        let n = seen.entry(labels).or_insert(0);
        *n += 1;
        if *n == 1 {
            name
        } else {
            format!("{name} #{n}")
        }
    };
    checks.iter().map(name).collect()
}

fn head(family: &str, about: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# TYPE {family} gauge\n# HELP {family} {about}")
}

fn sample(
    family: &str,
    labels: &[(&str, &str)],
    value: f64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
        .collect();
    writeln!(out, "{family}{{{}}} {value}", labels.join(","))
}

/// The value of a label.
fn escape(text: &str) -> String {
    plain(text)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn rendered(report: &Report) -> String {
        let mut bytes = Vec::new();
        openmetrics(report, &mut bytes).expect("a vector takes everything");
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn a_number_that_does_not_exist_has_no_sample() {
        let mut report = sample::report();
        report.verdict.checks[0].estimate = Some(f64::NAN);
        report.verdict.checks[0].ci_low = None;
        let text = rendered(&report);
        assert!(!text.contains("NaN"));
        assert!(!text.contains(
            "ragstone_check_value{run=\"20260102T030405Z-canary-shadow\",check=\"CA-DS\""
        ));
        assert!(text.contains("check=\"CA-DS\",target=\"eu-west\",control=\"us-east\"} 0.52\n"));
    }

    #[test]
    fn no_two_samples_have_the_same_labels() {
        let mut report = sample::report();
        let twice = report.verdict.checks[0].clone();
        report.verdict.checks.push(twice);
        let text = rendered(&report);
        assert_eq!(text.matches("check=\"CA-DS\",").count(), 4);
        assert_eq!(text.matches("check=\"CA-DS #2\",").count(), 4);
    }

    #[test]
    fn a_label_cannot_be_closed_from_within() {
        assert_eq!(escape("a\"} 1\nb\\"), "a\\\"} 1⏎b\\\\");
    }
}
