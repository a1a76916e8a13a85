//! The table of checks.

use std::collections::HashMap;

use crate::judge::{Check, CheckVerdict, Comparator, Kind};
use crate::report::html::words::{Pill, limit, name, number, percent};
use crate::report::{plain, printable};

/// One check.
pub(super) struct CheckRow {
    /// What a link points to.
    pub(super) anchor: String,
    /// Its id in the runbook.
    pub(super) id: &'static str,
    /// The clause in words.
    pub(super) clause: String,
    /// The target judged.
    pub(super) target: String,
    /// What was computed, and from how much.
    pub(super) basis: String,
    /// The point estimate.
    pub(super) estimate: String,
    /// Its bounds; none without an interval.
    pub(super) bounds: Option<String>,
    /// Comparator and limit.
    pub(super) limit: String,
    /// The interval beside the limit; none without an estimate.
    pub(super) bar: Option<Bar>,
    /// What follows.
    pub(super) pill: Pill,
    /// Why, for machines.
    pub(super) reason: String,
    /// Why, for people.
    pub(super) detail: String,
    /// What to do.
    pub(super) remedy: Option<String>,
    /// Why the limit is not the runbook's.
    pub(super) override_reason: Option<String>,
    /// Whether a FAIL ends the rollout at once.
    pub(super) hard_stop: bool,
    /// Neither passed nor not applicable: wants a reader.
    pub(super) red: bool,
}

/// Every check, the worst first.
pub(super) fn rows(checks: &[Check]) -> Vec<CheckRow> {
    let mut taken = HashMap::new();
    // Anchors are given in the order of the verdict, so that they do not move when a verdict does.
    let mut rows: Vec<(usize, CheckRow)> = checks
        .iter()
        .map(|check| (place(check), row(check, anchor(check, &mut taken))))
        .collect();
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Where a check stands in the table.
pub(super) fn place(check: &Check) -> usize {
    match check.verdict {
        CheckVerdict::Fail if check.hard_stop => 0,
        CheckVerdict::Fail => 1,
        CheckVerdict::Error => 2,
        CheckVerdict::Inconclusive => 3,
        CheckVerdict::Waived => 4,
        CheckVerdict::Pass => 5,
        CheckVerdict::NotApplicable => 6,
    }
}

/// `CA-DS-eu-west`, numbered where two targets are spelt alike.
fn anchor(check: &Check, taken: &mut HashMap<String, usize>) -> String {
    let slug: String = check
        .target
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let anchor = format!("{}-{slug}", check.id);
    let uses = taken.entry(anchor.clone()).or_insert(0);
    *uses += 1;
    if *uses == 1 {
        anchor
    } else {
        format!("{anchor}--{uses}")
    }
}

fn row(check: &Check, anchor: String) -> CheckRow {
    CheckRow {
        anchor,
        id: check.id.name(),
        clause: plain(&check.clause),
        target: name(&check.target),
        basis: basis(check),
        estimate: number(check.estimate, 3),
        bounds: bounds(check),
        limit: match check.kind {
            Kind::Census => "exact match".to_owned(),
            Kind::Sample | Kind::Time => {
                format!("{} {}", check.comparator.symbol(), limit(check.limit))
            }
        },
        bar: bar(check),
        pill: Pill::of_check(check.verdict),
        reason: reason(check),
        detail: printable(&check.detail),
        remedy: check.remedy.as_deref().map(printable),
        override_reason: check.override_reason.as_deref().map(printable),
        hard_stop: check.hard_stop,
        red: place(check) < 4,
    }
}

fn reason(check: &Check) -> String {
    let value = serde_json::to_value(check.reason_code).expect("a fieldless enum is a string");
    value.as_str().unwrap_or_default().to_owned()
}

fn basis(check: &Check) -> String {
    let mut parts = vec![plain(&check.statistic)];
    parts.extend(check.n_questions.map(|n| format!("{n} questions")));
    let missing = check.n_missing.filter(|&n| n > 0);
    parts.extend(missing.map(|n| format!("{n} cells without a number")));
    parts.join(" · ")
}

fn bounds(check: &Check) -> Option<String> {
    let any = check.ci_low.is_some() || check.ci_high.is_some();
    any.then(|| format!("{} … {}", number(check.ci_low, 3), number(check.ci_high, 3)))
}

/// An interval beside its limit, ready to draw: places are in units of the drawing, as text.
pub(super) struct Bar {
    /// The same in words.
    pub(super) title: String,
    /// The side that passes: where it begins and how wide it is.
    pub(super) good: Option<(String, String)>,
    /// Both ends of the interval.
    pub(super) interval: Option<(String, String)>,
    /// Ends of the interval that are bounds and not merely the edge of the drawing.
    pub(super) caps: Vec<String>,
    /// Where the estimate lies.
    pub(super) dot: String,
    /// Where the limit lies.
    pub(super) limit: String,
    /// What the limit is.
    pub(super) limit_label: String,
    /// What the right end of the scale is.
    pub(super) high_label: String,
    /// Whether the label of the left end is clear of the limit's.
    pub(super) low_clear: bool,
    /// Whether the label of the right end is.
    pub(super) high_clear: bool,
}

/// A straight scale from `[0, high]` onto the drawing.
struct Scale {
    high: f64,
}

impl Scale {
    const LEFT: f64 = 8.0;
    const RIGHT: f64 = 192.0;

    /// `[0, 1]` if that holds every value, else a little more than the largest.
    fn holding(values: impl Iterator<Item = f64>) -> Self {
        let high = values.fold(1.0, f64::max);
        let round = |value: f64| (value * 11.0).ceil() / 10.0;
        Self {
            high: if high > 1.0 { round(high) } else { 1.0 },
        }
    }

    fn x(&self, value: f64) -> f64 {
        let share = (value / self.high).clamp(0.0, 1.0);
        Self::LEFT + (Self::RIGHT - Self::LEFT) * share
    }
}

fn bar(check: &Check) -> Option<Bar> {
    const LABEL_WIDTH: f64 = 30.0;
    let estimate = check.estimate.filter(|value| value.is_finite())?;
    // The scale begins at 0, which a margin to both sides does not.
    let drawable = check.kind == Kind::Sample && check.comparator != Comparator::Within;
    if !drawable || !check.limit.is_finite() {
        return None;
    }
    let bounds = [check.ci_low, check.ci_high];
    let values = bounds.into_iter().flatten().chain([estimate, check.limit]);
    let scale = Scale::holding(values.filter(|value| value.is_finite()));
    let at = |value| px(scale.x(value));
    let limit_x = scale.x(check.limit);
    let ends = || {
        let low = check.ci_low.map_or(Scale::LEFT, |low| scale.x(low));
        let high = check.ci_high.map_or(Scale::RIGHT, |high| scale.x(high));
        (px(low), px(high))
    };
    let interval = bounds.iter().any(Option::is_some).then(ends);
    Some(Bar {
        title: title(check),
        good: good(check.comparator, limit_x),
        interval,
        caps: bounds.into_iter().flatten().map(at).collect(),
        dot: at(estimate),
        limit: px(limit_x),
        limit_label: limit(check.limit),
        high_label: limit(scale.high),
        low_clear: limit_x - Scale::LEFT > LABEL_WIDTH,
        high_clear: Scale::RIGHT - limit_x > LABEL_WIDTH,
    })
}

fn good(comparator: Comparator, limit: f64) -> Option<(String, String)> {
    match comparator {
        Comparator::AtMost | Comparator::Below => Some((px(Scale::LEFT), px(limit - Scale::LEFT))),
        Comparator::AtLeast => Some((px(limit), px(Scale::RIGHT - limit))),
        Comparator::Equal | Comparator::Within => None,
    }
}

fn title(check: &Check) -> String {
    let sure = check.confidence.map_or_else(String::new, |level| {
        format!(
            ", one-sided {} bounds {} and {}",
            percent(level),
            number(check.ci_low, 3),
            number(check.ci_high, 3)
        )
    });
    format!(
        "{}: estimate {}{sure}, limit {} {}; the shaded side passes",
        check.id,
        number(check.estimate, 3),
        check.comparator.symbol(),
        limit(check.limit)
    )
}

/// A place in a drawing.
pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}
