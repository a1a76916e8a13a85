//! Histograms and the ΔS(k) curve, ready to draw: places are in units of the drawing, as text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::judge::{Check, CheckId};
use crate::measure::{CurvePoint, Missing, QuestionMetrics, RankMeasure, curve, questions};
use crate::report::Report;
use crate::report::figures::{Bins, Histogram, histogram, step};
use crate::report::html::Side;
use crate::report::html::checks::px;
use crate::report::html::words::{NONE, count, limit, number};

/// ΔS below this is stable.
const STABLE: f64 = 0.40;
/// The runbooks' limit of the ΔS median.
const DELTA_S_LIMIT: f64 = 0.45;
/// ΔS from here on is a risk, and a hard stop.
const RISK: f64 = 0.60;
/// The runbooks' limit of mean coverage.
const COVERAGE_LIMIT: f64 = 0.70;

/// Bins of 0.05: each band begins with a bin.
const DELTA_S_BINS: Bins = Bins {
    low: 0.0,
    high: 1.2,
    n: 24,
};
/// Bins of a value in `[0, 1]`.
const SHARE_BINS: Bins = Bins {
    low: 0.0,
    high: 1.0,
    n: 20,
};

/// One drawing with its words and numbers.
pub(super) struct Chart {
    /// Its heading.
    pub(super) heading: Cow<'static, str>,
    /// What it shows, for people who cannot see it.
    pub(super) title: String,
    /// What is drawn and how it was reduced.
    pub(super) about: Cow<'static, str>,
    /// Under the horizontal axis.
    pub(super) x_label: Cow<'static, str>,
    /// Above the vertical axis.
    pub(super) y_label: &'static str,
    /// Names of the bands.
    pub(super) bands: Vec<Label>,
    /// Limits and edges of bands.
    pub(super) marks: Vec<Mark>,
    /// Ticks of the horizontal axis.
    pub(super) x_ticks: Vec<Label>,
    /// Ticks of the vertical axis.
    pub(super) y_ticks: Vec<Label>,
    /// One for each target.
    pub(super) layers: Vec<Layer>,
    /// What the drawing cannot show.
    pub(super) words: Vec<String>,
    /// Heads of the columns of the numbers.
    pub(super) heads: Vec<String>,
    /// The numbers drawn; the first of each row names it.
    pub(super) rows: Vec<Vec<String>>,
}

/// A text at a place.
pub(super) struct Label {
    /// From the left.
    pub(super) x: String,
    /// From above.
    pub(super) y: String,
    /// Where the text begins: `start`, `middle` or `end`.
    pub(super) anchor: &'static str,
    /// What it says.
    pub(super) text: String,
}

/// A dashed line with a label.
pub(super) struct Mark {
    /// The line, as path data.
    pub(super) path: String,
    /// What it marks.
    pub(super) label: Label,
}

/// What one target draws.
pub(super) struct Layer {
    /// Which of the styles.
    pub(super) style: usize,
    /// An area or a line.
    pub(super) path: String,
    /// Markers of a line.
    pub(super) dots: String,
    /// Whether the path encloses an area.
    pub(super) area: bool,
    /// Whether the target is a side of an earlier run.
    pub(super) past: bool,
}

/// The plot's frame within the drawing of 440 × 270.
mod frame {
    pub(super) const LEFT: f64 = 40.0;
    pub(super) const RIGHT: f64 = 430.0;
    pub(super) const TOP: f64 = 48.0;
    pub(super) const BOTTOM: f64 = 222.0;
}

/// ΔS histogram, coverage histogram, ΔS(k) curve, and a histogram of each ranking measure that was required.
pub(super) fn charts(report: &Report, sides: &[Side]) -> Vec<Chart> {
    let metrics: Vec<Vec<QuestionMetrics>> = sides
        .iter()
        .map(|side| questions(&report.table, side.target, Missing::Worst))
        .collect();
    let mut charts = vec![
        delta_s(report, sides, &metrics),
        coverage(report, sides, &metrics),
        curves(report, sides),
    ];
    let ids = report.verdict.checks.iter().map(|check| check.id);
    let required: BTreeSet<RankMeasure> = ids
        .filter_map(|id| match id {
            CheckId::Rank(measure) => Some(measure),
            _ => None,
        })
        .collect();
    let ranking = required.into_iter();
    charts.extend(ranking.map(|measure| ranked(report, sides, &metrics, measure)));
    charts
}

/// ΔS of one region before and after a drill.
pub(super) fn pre_and_post(report: &Report, sides: &[Side]) -> Chart {
    let of = |side: &Side| questions(&report.table, side.target, Missing::Worst);
    let metrics: Vec<Vec<QuestionMetrics>> = sides.iter().map(of).collect();
    delta_s(report, sides, &metrics)
}

fn delta_s(report: &Report, sides: &[Side], metrics: &[Vec<QuestionMetrics>]) -> Chart {
    let value = |question: &QuestionMetrics| question.delta_s;
    let histograms = counted(metrics, DELTA_S_BINS, value);
    let own = limit_in_force(
        &report.verdict.checks,
        &[CheckId::CaDs, CheckId::BgDs, CheckId::FdDs],
    );
    let ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2];
    let mark = |value, anchor| vertical(DELTA_S_BINS, value, anchor);
    let mut chart = Chart {
        heading: "ΔS by question".into(),
        title: format!(
            "Histogram of ΔS by question for {}; bands at 0.40, 0.45 and 0.60",
            names(sides)
        ),
        about: "Median of each question over its wordings and seeds, as it is judged: a failed cell counts as infinitely far. Up to 0.45 the median passes; 0.60 is the hard stop.".into(),
        x_label: "ΔS(question, retrieved)".into(),
        bands: [
            (0.0, STABLE, "stable"),
            (STABLE, RISK, "transitional"),
            (RISK, DELTA_S_BINS.high, "risk"),
        ]
        .map(|(from, to, text)| band(from, to, text))
        .into(),
        marks: vec![
            mark(STABLE, "end"),
            mark(DELTA_S_LIMIT, "start"),
            mark(RISK, "start"),
        ],
        x_ticks: ticks.map(|value| x_tick(DELTA_S_BINS, value)).into(),
        ..histogram_chart(sides, metrics, &histograms, DELTA_S_BINS)
    };
    chart
        .marks
        .extend(own_mark(DELTA_S_BINS, own, DELTA_S_LIMIT));
    chart
}

fn coverage(report: &Report, sides: &[Side], metrics: &[Vec<QuestionMetrics>]) -> Chart {
    let histograms = counted(metrics, SHARE_BINS, |question| question.coverage);
    let own = limit_in_force(&report.verdict.checks, &[CheckId::CaCov, CheckId::BgCov]);
    let ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
    let mut chart = Chart {
        heading: "Coverage by question".into(),
        title: format!(
            "Histogram of coverage by question for {}; limit at 0.70",
            names(sides)
        ),
        about: "Mean of each question over its wordings and seeds, as it is judged: a failed cell covers nothing. The mean over questions passes from 0.70 on.".into(),
        x_label: "share of the target sections' tokens retrieved".into(),
        marks: vec![vertical(SHARE_BINS, COVERAGE_LIMIT, "middle")],
        x_ticks: ticks.map(|value| x_tick(SHARE_BINS, value)).into(),
        ..histogram_chart(sides, metrics, &histograms, SHARE_BINS)
    };
    chart
        .marks
        .extend(own_mark(SHARE_BINS, own, COVERAGE_LIMIT));
    chart
}

/// A ranking measure that the policy requires.
fn ranked(
    report: &Report,
    sides: &[Side],
    metrics: &[Vec<QuestionMetrics>],
    measure: RankMeasure,
) -> Chart {
    let value = |question: &QuestionMetrics| question.rank.get(&measure).copied();
    let histograms: Vec<Histogram> = metrics
        .iter()
        .map(|questions| histogram(questions.iter().filter_map(value), SHARE_BINS))
        .collect();
    let limit = limit_in_force(&report.verdict.checks, &[CheckId::Rank(measure)]);
    let name = measure.name();
    let worst = if measure.measure().family().is_better_low() {
        "one"
    } else {
        "zero"
    };
    let ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
    Chart {
        heading: format!("{name} by question").into(),
        title: format!(
            "Histogram of {name} by question for {}; limit at {}",
            names(sides),
            number(limit, 2)
        ),
        about: format!(
            "{} Mean of each question over its wordings and seeds, as it is judged: a failed cell counts as {worst}.",
            measure.measure().family().summary()
        )
        .into(),
        x_label: name.into(),
        marks: limit
            .map(|limit| vertical(SHARE_BINS, limit, "middle"))
            .into_iter()
            .collect(),
        x_ticks: ticks.map(|value| x_tick(SHARE_BINS, value)).into(),
        ..histogram_chart(sides, metrics, &histograms, SHARE_BINS)
    }
}

fn counted(
    metrics: &[Vec<QuestionMetrics>],
    bins: Bins,
    value: impl Fn(&QuestionMetrics) -> f64,
) -> Vec<Histogram> {
    metrics
        .iter()
        .map(|questions| histogram(questions.iter().map(&value), bins))
        .collect()
}

/// What both histograms share.
fn histogram_chart(
    sides: &[Side],
    metrics: &[Vec<QuestionMetrics>],
    histograms: &[Histogram],
    bins: Bins,
) -> Chart {
    let tallest = histograms.iter().flat_map(|h| &h.counts).max();
    let tallest = tallest.copied().unwrap_or(0).max(1);
    let step = step(tallest);
    let top = tallest.div_ceil(step) * step;
    let words = sides.iter().zip(metrics).zip(histograms);
    Chart {
        heading: "".into(),
        title: String::new(),
        about: "".into(),
        x_label: "".into(),
        y_label: "questions",
        bands: Vec::new(),
        marks: Vec::new(),
        x_ticks: Vec::new(),
        y_ticks: (0..=top)
            .step_by(step)
            .map(|n| y_tick(n as f64 / top as f64, n.to_string()))
            .collect(),
        layers: sides
            .iter()
            .zip(histograms)
            .map(|(side, histogram)| steps(side, histogram, bins, top))
            .collect(),
        words: words
            .map(|((side, questions), histogram)| left_out(side, questions, histogram))
            .collect(),
        heads: heads("from", sides),
        rows: bin_rows(histograms, bins),
    }
}

fn left_out(side: &Side, questions: &[QuestionMetrics], histogram: &Histogram) -> String {
    let missing: usize = questions.iter().map(|question| question.n_missing).sum();
    let cells: usize = questions.iter().map(|question| question.n_cells).sum();
    let mut words = format!(
        "{}: {}, {missing} of {cells} cells failed",
        side.name,
        count(histogram.total(), "question")
    );
    if histogram.undefined > 0 {
        let _ = write!(
            words,
            "; {} cannot be drawn, half of the cells or more having failed",
            count(histogram.undefined, "question")
        );
    }
    if histogram.beyond > 0 {
        let _ = write!(
            words,
            "; {} beyond the scale",
            count(histogram.beyond, "question")
        );
    }
    words + "."
}

fn bin_rows(histograms: &[Histogram], bins: Bins) -> Vec<Vec<String>> {
    let counts = |bin: usize| {
        histograms
            .iter()
            .map(move |histogram| histogram.counts[bin])
    };
    (0..bins.n)
        .filter(|&bin| counts(bin).any(|n| n > 0))
        .map(|bin| {
            let head = number(Some(bins.edge(bin)), 2);
            [head]
                .into_iter()
                .chain(counts(bin).map(|n| n.to_string()))
                .collect()
        })
        .collect()
}

/// The outline of a histogram: one closed area for each run of filled bins.
fn steps(side: &Side, histogram: &Histogram, bins: Bins, top: usize) -> Layer {
    let mut path = String::new();
    let mut inside = false;
    for (bin, &n) in histogram.counts.iter().enumerate() {
        let (from, to) = (
            px(x_of(bins, bins.edge(bin))),
            px(x_of(bins, bins.edge(bin + 1))),
        );
        let y = px(y_of(n as f64 / top as f64));
        if n > 0 && !inside {
            let _ = write!(path, "M{from},{}", frame::BOTTOM);
        }
        if n > 0 {
            let _ = write!(path, "L{from},{y}L{to},{y}");
        } else if inside {
            let _ = write!(path, "L{from},{}Z", frame::BOTTOM);
        }
        inside = n > 0;
    }
    if inside {
        let _ = write!(path, "L{},{}Z", frame::RIGHT, frame::BOTTOM);
    }
    Layer {
        style: side.style,
        path,
        dots: String::new(),
        area: true,
        past: side.past,
    }
}

fn curves(report: &Report, sides: &[Side]) -> Chart {
    let curves: Vec<Vec<CurvePoint>> = sides
        .iter()
        .map(|side| curve(&report.table, side.target))
        .collect();
    let mut cutoffs: Vec<usize> = curves.iter().flatten().map(|point| point.k).collect();
    cutoffs.sort_unstable();
    cutoffs.dedup();
    let highest = curves
        .iter()
        .flatten()
        .map(|point| point.delta_s_median)
        .fold(1.0, f64::max);
    let top = (highest * 5.0).ceil() / 5.0;
    Chart {
        heading: "ΔS by number of hits".into(),
        title: format!("Median ΔS over the number of hits k for {}", names(sides)),
        about: "Median over questions, original wording, first seed; failed probes are left out. Flat and high: metric, normalisation or index mismatch. Falling sharply: filtering or reranking.".into(),
        x_label: "hits asked for, k".into(),
        y_label: "median ΔS",
        bands: Vec::new(),
        marks: [DELTA_S_LIMIT, RISK]
            .map(|value| horizontal(value, top))
            .into(),
        x_ticks: cutoffs
            .iter()
            .map(|k| Label {
                x: px(ordinal(&cutoffs, *k)),
                y: px(frame::BOTTOM + 17.0),
                anchor: "middle",
                text: k.to_string(),
            })
            .collect(),
        y_ticks: [0.0, 0.25, 0.5, 0.75, 1.0]
            .map(|share| y_tick(share, number(Some(share * top), 2)))
            .into(),
        layers: sides
            .iter()
            .zip(&curves)
            .map(|(side, points)| line(side, points, &cutoffs, top))
            .collect(),
        words: Vec::new(),
        heads: heads("k", sides),
        rows: curve_rows(&curves, &cutoffs),
    }
}

fn curve_rows(curves: &[Vec<CurvePoint>], cutoffs: &[usize]) -> Vec<Vec<String>> {
    let at = |points: &Vec<CurvePoint>, k| {
        let point = points.iter().find(|point| point.k == k);
        point.map_or_else(
            || NONE.to_owned(),
            |point| {
                format!(
                    "{} (n = {})",
                    number(Some(point.delta_s_median), 3),
                    point.n_questions
                )
            },
        )
    };
    cutoffs
        .iter()
        .map(|&k| {
            let values = curves.iter().map(|points| at(points, k));
            [k.to_string()].into_iter().chain(values).collect()
        })
        .collect()
}

fn line(side: &Side, points: &[CurvePoint], cutoffs: &[usize], top: f64) -> Layer {
    let (mut path, mut dots) = (String::new(), String::new());
    for point in points
        .iter()
        .filter(|point| point.delta_s_median.is_finite())
    {
        let (x, y) = (ordinal(cutoffs, point.k), y_of(point.delta_s_median / top));
        let _ = write!(
            path,
            "{}{},{}",
            if path.is_empty() { "M" } else { "L" },
            px(x),
            px(y)
        );
        let _ = write!(dots, "M{},{}{}", px(x), px(y), marker(side.style));
    }
    Layer {
        style: side.style,
        path,
        dots,
        area: false,
        past: side.past,
    }
}

/// A shape around the current point: targets differ by it and not only by colour.
pub(super) fn marker(style: usize) -> &'static str {
    match style {
        0 => "m-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0",
        1 => "m-5,-5h10v10h-10z",
        2 => "m0,-6l6,11h-12z",
        _ => "m0,-7l7,7l-7,7l-7,-7z",
    }
}

/// Cut-offs stand at equal distances: they are few and far apart.
fn ordinal(cutoffs: &[usize], k: usize) -> f64 {
    let place = cutoffs.iter().position(|&other| other == k).unwrap_or(0);
    let share = (place as f64 + 0.5) / cutoffs.len().max(1) as f64;
    frame::LEFT + (frame::RIGHT - frame::LEFT) * share
}

fn x_of(bins: Bins, value: f64) -> f64 {
    let share = (value - bins.low) / (bins.high - bins.low);
    frame::LEFT + (frame::RIGHT - frame::LEFT) * share.clamp(0.0, 1.0)
}

fn y_of(share: f64) -> f64 {
    frame::BOTTOM - (frame::BOTTOM - frame::TOP) * share.clamp(0.0, 1.0)
}

fn x_tick(bins: Bins, value: f64) -> Label {
    Label {
        x: px(x_of(bins, value)),
        y: px(frame::BOTTOM + 17.0),
        anchor: "middle",
        text: number(Some(value), 1),
    }
}

fn y_tick(share: f64, text: String) -> Label {
    Label {
        x: px(frame::LEFT - 6.0),
        y: px(y_of(share)),
        anchor: "end",
        text,
    }
}

fn band(from: f64, to: f64, text: &str) -> Label {
    Label {
        x: px(x_of(DELTA_S_BINS, f64::midpoint(from, to))),
        y: "16".to_owned(),
        anchor: "middle",
        text: text.to_owned(),
    }
}

fn vertical(bins: Bins, value: f64, anchor: &'static str) -> Mark {
    let x = x_of(bins, value);
    let shift = match anchor {
        "end" => 4.0,
        "start" => -4.0,
        _ => 0.0,
    };
    Mark {
        path: format!("M{},{}V{}", px(x), frame::TOP - 8.0, frame::BOTTOM),
        label: Label {
            x: px(x + shift),
            y: px(frame::TOP - 13.0),
            anchor,
            text: number(Some(value), 2),
        },
    }
}

fn horizontal(value: f64, top: f64) -> Mark {
    let y = y_of(value / top);
    Mark {
        path: format!("M{},{}H{}", frame::LEFT, px(y), frame::RIGHT),
        label: Label {
            x: px(frame::RIGHT),
            y: px(y - 4.0),
            anchor: "end",
            text: number(Some(value), 2),
        },
    }
}

/// The limit in force where the policy overrides the runbook's.
fn own_mark(bins: Bins, own: Option<f64>, usual: f64) -> Option<Mark> {
    let value = own.filter(|own| own.is_finite() && own.total_cmp(&usual).is_ne())?;
    let mut mark = vertical(bins, value, "start");
    mark.label.x = px(x_of(bins, value) + 4.0);
    mark.label.y = px(frame::TOP + 10.0);
    mark.label.text = format!("policy {}", limit(value));
    Some(mark)
}

fn limit_in_force(checks: &[Check], ids: &[CheckId]) -> Option<f64> {
    checks
        .iter()
        .find(|check| ids.contains(&check.id))
        .map(|check| check.limit)
}

fn heads(first: &str, sides: &[Side]) -> Vec<String> {
    let names = sides.iter().map(|side| side.name.clone());
    [first.to_owned()].into_iter().chain(names).collect()
}

fn names(sides: &[Side]) -> String {
    let names: Vec<&str> = sides.iter().map(|side| side.name.as_str()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::html::sides;
    use crate::report::sample;

    #[test]
    fn histograms_add_up_to_the_questions_and_failed_cells_are_told() {
        let report = sample::report();
        let sides = sides(&report);
        let follower = questions(&report.table, sides[1].target, Missing::Worst);
        let found = counted(&[follower], DELTA_S_BINS, |question| question.delta_s);
        assert_eq!((found[0].total(), found[0].undefined), (3, 1));
        let charts = charts(&report, &sides);
        assert_eq!(charts.len(), 3);
        assert!(charts[0].words[1].contains("4 of 12 cells failed; 1 question cannot be drawn"));
        assert_eq!(charts[2].rows.len(), 3);
    }
}
