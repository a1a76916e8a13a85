//! The table of checks.

use std::collections::HashMap;

use crate::judge::{Check, CheckVerdict, Comparator, Kind};
use crate::report::html::words::{Pill, limit, number, percent};
use crate::report::labels::signed;
use crate::report::{Better, labels, plain, printable};

/// One check.
pub(super) struct CheckRow {
    /// What a link points to.
    pub(super) anchor: String,
    /// Its id in the runbook, and the name a drill plan gave it.
    pub(super) id: String,
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
    let mut rows: Vec<(usize, CheckRow)> = checks
        .iter()
        .zip(anchors(checks))
        .map(|(check, anchor)| (place(check), row(check, checks, anchor)))
        .collect();
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// What links to each check point to. They are given in the order of the verdict, so that they do not
/// move when a verdict does.
pub(super) fn anchors(checks: &[Check]) -> Vec<String> {
    let mut taken = HashMap::new();
    let one = |check| anchor(check, &mut taken);
    checks.iter().map(one).collect()
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

fn row(check: &Check, checks: &[Check], anchor: String) -> CheckRow {
    CheckRow {
        anchor,
        id: labels::check(check),
        clause: plain(&check.clause),
        target: plain(&labels::judged_on(check, checks)),
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
    /// Where zero lies, on a scale that has it inside.
    pub(super) zero: Option<String>,
    /// Where the limits lie.
    pub(super) limits: Vec<String>,
    /// What the limit is and where the scale ends; labels that would meet are left out.
    pub(super) labels: Vec<BarLabel>,
}

/// A text under the drawing, its middle at `x`.
pub(super) struct BarLabel {
    /// Where.
    pub(super) x: String,
    /// What it says.
    pub(super) text: String,
    /// Whether it names the limit.
    pub(super) strong: bool,
}

impl BarLabel {
    fn end(x: f64, text: String) -> Self {
        Self {
            x: px(x),
            text,
            strong: false,
        }
    }
}

/// A straight scale from `[low, high]` onto the drawing.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    low: f64,
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
            low: 0.0,
            high: if high > 1.0 { round(high) } else { 1.0 },
        }
    }

    /// Zero in the middle, and as far to both sides as holds every value: a round number.
    pub(super) fn around_zero(values: impl Iterator<Item = f64>) -> Self {
        const LEAST: f64 = 0.01;
        let reach = 1.1 * values.map(f64::abs).fold(LEAST, f64::max);
        // Dividing whole numbers keeps 0.05 from becoming 0.05000000000000001.
        let scales = [1000.0, 100.0, 10.0, 1.0, 0.1, 0.01, 0.001];
        let mut round = scales
            .into_iter()
            .flat_map(|scale| [1.0, 2.0, 5.0].map(|digit| digit / scale));
        let high = round.find(|round| *round >= reach).unwrap_or(reach);
        Self { low: -high, high }
    }

    fn x(self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        Self::LEFT + (Self::RIGHT - Self::LEFT) * share
    }
}

fn bar(check: &Check) -> Option<Bar> {
    let estimate = check.estimate.filter(|value| value.is_finite())?;
    if check.kind != Kind::Sample || !check.limit.is_finite() {
        return None;
    }
    let bounds = [check.ci_low, check.ci_high];
    let values = bounds.into_iter().flatten().chain([estimate, check.limit]);
    let values = values.filter(|value| value.is_finite());
    let within = check.comparator == Comparator::Within;
    let scale = if within {
        Scale::around_zero(values)
    } else {
        Scale::holding(values)
    };
    let limits: Vec<f64> = if within {
        vec![-check.limit, check.limit]
    } else {
        vec![check.limit]
    };
    Some(Bar {
        title: title(check),
        good: good(check.comparator, scale, check.limit),
        zero: within.then(|| px(scale.x(0.0))),
        limits: limits.into_iter().map(|limit| px(scale.x(limit))).collect(),
        labels: if within {
            margin_labels(scale, check.limit)
        } else {
            limit_labels(scale, check.limit)
        },
        ..interval(scale, estimate, bounds)
    })
}

/// The estimate between its bounds.
fn interval(scale: Scale, estimate: f64, bounds: [Option<f64>; 2]) -> Bar {
    let [low, high] = bounds;
    let ends = || {
        let low = low.map_or(Scale::LEFT, |low| scale.x(low));
        let high = high.map_or(Scale::RIGHT, |high| scale.x(high));
        (px(low), px(high))
    };
    Bar {
        title: String::new(),
        good: None,
        interval: bounds.iter().any(Option::is_some).then(ends),
        caps: bounds
            .into_iter()
            .flatten()
            .map(|bound| px(scale.x(bound)))
            .collect(),
        dot: px(scale.x(estimate)),
        zero: None,
        limits: Vec::new(),
        labels: Vec::new(),
    }
}

/// A difference between its bounds, around zero; the side on which it is an improvement is shaded.
pub(super) fn difference(
    title: String,
    scale: Scale,
    estimate: f64,
    bounds: [Option<f64>; 2],
    better: Better,
) -> Bar {
    let zero = scale.x(0.0);
    Bar {
        title,
        good: Some(match better {
            Better::Lower => (px(Scale::LEFT), px(zero - Scale::LEFT)),
            Better::Higher => (px(zero), px(Scale::RIGHT - zero)),
        }),
        zero: Some(px(zero)),
        labels: vec![
            BarLabel::end(Scale::LEFT, ends_label(-scale.high)),
            BarLabel::end(zero, "0".to_owned()),
            BarLabel::end(Scale::RIGHT, ends_label(scale.high)),
        ],
        ..interval(scale, estimate, bounds)
    }
}

/// The limit, and the ends of the scale where they are clear of it.
fn limit_labels(scale: Scale, of: f64) -> Vec<BarLabel> {
    const LABEL_WIDTH: f64 = 30.0;
    let at = scale.x(of);
    let mut labels = vec![BarLabel {
        x: px(at),
        text: limit(of),
        strong: true,
    }];
    if at - Scale::LEFT > LABEL_WIDTH {
        labels.push(BarLabel::end(Scale::LEFT, "0".to_owned()));
    }
    if Scale::RIGHT - at > LABEL_WIDTH {
        labels.push(BarLabel::end(Scale::RIGHT, limit(scale.high)));
    }
    labels
}

/// The margin in the middle, and both ends of the scale.
fn margin_labels(scale: Scale, margin: f64) -> Vec<BarLabel> {
    vec![
        BarLabel {
            x: px(scale.x(0.0)),
            text: format!("± {}", limit(margin)),
            strong: true,
        },
        BarLabel::end(Scale::LEFT, ends_label(scale.low)),
        BarLabel::end(Scale::RIGHT, ends_label(scale.high)),
    ]
}

/// One end of a scale around zero.
fn ends_label(value: f64) -> String {
    let sign = &signed(value, 3)[..1];
    format!("{sign}{}", limit(value.abs()))
}

fn good(comparator: Comparator, scale: Scale, limit: f64) -> Option<(String, String)> {
    let at = scale.x(limit);
    match comparator {
        Comparator::AtMost | Comparator::Below => Some((px(Scale::LEFT), px(at - Scale::LEFT))),
        Comparator::AtLeast => Some((px(at), px(Scale::RIGHT - at))),
        Comparator::Within => {
            let low = scale.x(-limit);
            Some((px(low), px(at - low)))
        }
        Comparator::Equal => None,
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
        "{}: estimate {}{sure}, limit {} {}; what is shaded passes",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::CheckId;
    use crate::report::sample;

    /// Where the margin begins and ends, where both ends of the interval and the dot lie, what the
    /// ends of the scale are.
    #[track_caller]
    fn check_within(numbers: [f64; 3], margin: f64, places: [&str; 5], ends: [&str; 2]) {
        let [estimate, low, high] = numbers;
        let mut check = sample::report().verdict.checks.remove(0);
        check.id = CheckId::CmpDrift;
        check.comparator = Comparator::Within;
        check.limit = margin;
        check.estimate = Some(estimate);
        (check.ci_low, check.ci_high) = (Some(low), Some(high));
        let bar = bar(&check).expect("a margin can be drawn");
        let (from, to) = bar.interval.expect("it has bounds");
        let found = [&bar.limits[0], &bar.limits[1], &from, &to, &bar.dot];
        assert_eq!(found.map(String::as_str), places);
        let (begin, width) = bar.good.expect("a zone");
        let end = begin.parse::<f64>().expect("px") + width.parse::<f64>().expect("px");
        assert_eq!(
            (begin, px(end)),
            (bar.limits[0].clone(), bar.limits[1].clone())
        );
        assert_eq!(bar.zero.as_deref(), Some("100.0"));
        assert_eq!([&bar.labels[1].text, &bar.labels[2].text], ends);
    }

    #[test]
    fn a_margin_to_both_sides_is_a_zone_around_zero() {
        check_within(
            [0.015, 0.01, 0.02],
            0.03,
            ["44.8", "155.2", "118.4", "136.8", "127.6"],
            ["-0.05", "+0.05"],
        );
        check_within(
            [-0.09, -0.11, -0.07],
            0.05,
            ["77.0", "123.0", "49.4", "67.8", "58.6"],
            ["-0.20", "+0.20"],
        );
    }

    #[test]
    fn a_bound_that_is_absent_reaches_the_edge_of_the_drawing() {
        let scale = Scale::around_zero([0.02].into_iter());
        let bar = difference(
            String::new(),
            scale,
            0.02,
            [Some(0.01), None],
            Better::Higher,
        );
        assert_eq!(bar.interval, Some(("118.4".to_owned(), "192.0".to_owned())));
        assert_eq!(bar.caps, ["118.4"]);
        assert_eq!(bar.good, Some(("100.0".to_owned(), "92.0".to_owned())));
    }

    #[test]
    fn a_limit_to_one_side_is_drawn_from_zero() {
        let mut check = sample::report().verdict.checks.remove(1);
        check.limit = 0.7;
        let bar = bar(&check).expect("a sample");
        assert_eq!(bar.limits, ["136.8"]);
        assert!(bar.zero.is_none());
        let labels: Vec<&str> = bar.labels.iter().map(|label| label.text.as_str()).collect();
        assert_eq!(labels, ["0.70", "0", "1"]);
    }
}
