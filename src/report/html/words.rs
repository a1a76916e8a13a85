//! Numbers and names as the page writes them.

use crate::ids::{QuestionId, TargetName};
use crate::judge::{CheckVerdict, RunVerdict};
use crate::report::plain;

/// What stands where a number is undefined.
pub(super) const NONE: &str = "–";

/// A number with this many decimals, a dash where it is undefined.
pub(super) fn number(value: Option<f64>, decimals: usize) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) => format!("{value:.decimals$}"),
        None => NONE.to_owned(),
    }
}

/// A limit as clauses write it: two decimals, or more if it has them; whole numbers bare.
pub(super) fn limit(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let shortest = value.to_string();
    match shortest.split_once('.') {
        Some((_, decimals)) if decimals.len() < 2 => format!("{value:.2}"),
        _ => shortest,
    }
}

/// A share as a percentage: `95 %`, `97.5 %`.
pub(super) fn percent(share: f64) -> String {
    if !share.is_finite() {
        return NONE.to_owned();
    }
    format!("{} %", (share * 1000.0).round() / 10.0)
}

/// `1 question`, `2 questions`.
pub(super) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The first question ids of a list.
pub(super) fn ids(questions: &[QuestionId]) -> String {
    const SHOWN: usize = 12;
    let mut names: Vec<String> = questions
        .iter()
        .take(SHOWN)
        .map(|question| plain(question.as_str()))
        .collect();
    if questions.len() > SHOWN {
        names.push(format!("{} more", questions.len() - SHOWN));
    }
    names.join(", ")
}

/// At most `n` characters, and a sign if there are more.
pub(super) fn beginning(text: &str, n: usize) -> String {
    match text.char_indices().nth(n) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A target's name, harmless.
pub(super) fn name(target: &TargetName) -> String {
    plain(target.as_str())
}

/// A verdict as the page shows it: never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pill {
    /// Its style.
    pub(super) class: &'static str,
    /// A sign that differs in shape.
    pub(super) sign: &'static str,
    /// Its name.
    pub(super) name: &'static str,
}

impl Pill {
    /// Of one check.
    pub(super) fn of_check(verdict: CheckVerdict) -> Self {
        let (class, sign) = match verdict {
            CheckVerdict::Pass => ("pass", "✓"),
            CheckVerdict::Fail => ("fail", "✕"),
            CheckVerdict::Inconclusive => ("inconclusive", "?"),
            CheckVerdict::Error => ("error", "!"),
            CheckVerdict::Waived => ("waived", "~"),
            CheckVerdict::NotApplicable => ("quiet", NONE),
        };
        Self {
            class,
            sign,
            name: verdict.name(),
        }
    }

    /// Of the run.
    pub(super) fn of_run(verdict: RunVerdict) -> Self {
        let (class, sign) = match verdict {
            RunVerdict::Pass => ("pass", "✓"),
            RunVerdict::Inconclusive => ("inconclusive", "?"),
            RunVerdict::Error => ("error", "!"),
            RunVerdict::Fail => ("fail", "✕"),
            RunVerdict::HardStop => ("hard-stop", "■"),
        };
        Self {
            class,
            sign,
            name: verdict.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undefined_is_a_dash() {
        for value in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            assert_eq!(number(value, 3), NONE);
        }
        assert_eq!(number(Some(0.44), 3), "0.440");
        assert_eq!(
            [0.8, 0.45, 1.0, 0.125].map(limit),
            ["0.80", "0.45", "1", "0.125"]
        );
        assert_eq!(limit(f64::INFINITY), NONE);
        assert_eq!([0.95, 0.975].map(percent), ["95 %", "97.5 %"]);
    }
}
