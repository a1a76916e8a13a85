//! Values over time, ready to draw: places are in units of the drawing, as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::report::html::STYLES;
use crate::report::html::charts::{Label, Layer, Mark, marker};
use crate::report::html::checks::px;
use crate::report::html::words::{NONE, limit};
use crate::report::observed::{Series, clock, since};
use crate::report::plain;
use crate::units::Moment;

/// The plot's frame within the drawing of 900 × 300.
mod frame {
    pub(super) const LEFT: f64 = 60.0;
    pub(super) const RIGHT: f64 = 784.0;
    pub(super) const TOP: f64 = 72.0;
    pub(super) const BOTTOM: f64 = 244.0;
}

/// Seconds between ticks, of which the first that gives few is taken.
const STEPS_S: [f64; 15] = [
    5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 43_200.0,
    86_400.0, 604_800.0,
];
/// Markers on a line, beside those of points that stand alone.
const MARKERS: usize = 12;
/// The most lines of labels above the plot.
const LABEL_LINES: usize = 4;
/// Height of such a line.
const LINE: usize = 14;

/// One drawing with its words and numbers.
pub(in crate::report::html) struct TimeChart {
    /// Its heading.
    pub(in crate::report::html) heading: String,
    /// What it shows, for people who cannot see it.
    pub(in crate::report::html) title: String,
    /// What is drawn and how it was reduced.
    pub(in crate::report::html) about: String,
    /// Where the drawing begins from above: lines of labels that are not needed are left out.
    pub(in crate::report::html) from_y: usize,
    /// Above the vertical axis.
    pub(in crate::report::html) y_label: &'static str,
    /// Under the horizontal axis.
    pub(in crate::report::html) x_label: String,
    /// Limits, moments and baselines.
    pub(in crate::report::html) marks: Vec<Mark>,
    /// Ticks of the horizontal axis.
    pub(in crate::report::html) x_ticks: Vec<Label>,
    /// Ticks of the vertical axis.
    pub(in crate::report::html) y_ticks: Vec<Label>,
    /// One a series.
    pub(in crate::report::html) layers: Vec<Layer>,
    /// Style and name of each series.
    pub(in crate::report::html) key: Vec<(usize, String)>,
    /// Heads of the columns of the numbers.
    pub(in crate::report::html) heads: Vec<String>,
    /// The numbers drawn; the first of each row is the time.
    pub(in crate::report::html) rows: Vec<Vec<String>>,
}

/// What is to be drawn.
pub(in crate::report::html) struct Plan<'a> {
    /// Its heading.
    pub(in crate::report::html) heading: String,
    /// What is drawn and how it was reduced.
    pub(in crate::report::html) about: String,
    /// Above the vertical axis.
    pub(in crate::report::html) y_label: &'static str,
    /// The values; each keeps its style by its place.
    pub(in crate::report::html) series: Vec<&'a Series>,
    /// The moment that is 0 on the axis, and its name; none to begin with the first point.
    pub(in crate::report::html) origin: Option<(&'static str, Moment)>,
    /// Upright marks.
    pub(in crate::report::html) moments: Vec<(String, Moment)>,
    /// Level marks.
    pub(in crate::report::html) levels: Vec<(String, f64)>,
    /// The least that the vertical axis reaches.
    pub(in crate::report::html) least_top: f64,
    /// Decimals of the numbers.
    pub(in crate::report::html) decimals: usize,
}

/// Both axes.
#[derive(Clone, Copy)]
struct Axes {
    origin: Moment,
    from_s: f64,
    to_s: f64,
    step: f64,
    parts: u32,
}

impl Axes {
    fn of(plan: &Plan) -> Option<Self> {
        let points = || plan.series.iter().flat_map(|series| &series.points);
        let first = points().map(|point| point.at).min()?;
        let last = points().map(|point| point.at).max()?;
        let origin = plan.origin.map_or(first, |(_, at)| at);
        // The axis reaches every mark: a limit that lies ahead says how long is left.
        let marked = || plan.moments.iter().map(|(_, at)| *at);
        let (first, last) = (
            marked().fold(first, Moment::min),
            marked().fold(last, Moment::max),
        );
        let (from_s, to_s) = (first.seconds_since(origin), last.seconds_since(origin));
        let values = points().map(|point| point.value);
        let levels = plan.levels.iter().map(|(_, value)| *value);
        let highest = values.chain(levels).fold(plan.least_top, f64::max);
        let (step, parts) = parts(highest);
        Some(Self {
            origin,
            from_s,
            to_s: to_s.max(from_s + 1.0),
            step,
            parts,
        })
    }

    fn x(self, at: Moment) -> f64 {
        let share = (at.seconds_since(self.origin) - self.from_s) / (self.to_s - self.from_s);
        frame::LEFT + (frame::RIGHT - frame::LEFT) * share.clamp(0.0, 1.0)
    }

    fn y(self, value: f64) -> f64 {
        let share = (value / (self.step * f64::from(self.parts))).clamp(0.0, 1.0);
        frame::BOTTOM - (frame::BOTTOM - frame::TOP) * share
    }
}

/// The least round step that reaches a value in at most six parts, and how many it takes.
fn parts(value: f64) -> (f64, u32) {
    const MOST: f64 = 6.0;
    // The last of a value's digits may be off: 0.6 / 0.1 is 5.999….
    let needed = |step: f64| (value / step - 1e-9).ceil().max(1.0);
    let scale = 10_f64.powf((value / MOST).log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|digit| digit * scale);
    let step = step.into_iter().find(|step| needed(*step) <= MOST);
    let step = step.unwrap_or(value);
    (step, needed(step) as u32)
}

/// Draws; none without a point.
pub(in crate::report::html) fn draw(plan: &Plan) -> Option<TimeChart> {
    let axes = Axes::of(plan)?;
    let names = || plan.series.iter().map(|series| plain(&series.name));
    let from = plan.origin.map_or_else(
        || format!("time since {} (UTC)", clock(axes.origin)),
        |(name, at)| format!("time since the {name} at {} (UTC)", clock(at)),
    );
    let marked: Vec<String> = plan
        .moments
        .iter()
        .map(|(name, at)| format!("{name} at {}", clock(*at)))
        .collect();
    let title = format!(
        "{} over time for {}",
        plan.heading,
        names().collect::<Vec<_>>().join(", ")
    );
    Some(TimeChart {
        title: if marked.is_empty() {
            title
        } else {
            plain(&format!("{title}; {}", marked.join(", ")))
        },
        heading: plan.heading.clone(),
        about: plan.about.clone(),
        from_y: LINE * (LABEL_LINES - label_lines(plan)),
        y_label: plan.y_label,
        x_label: from,
        marks: marks(plan, axes),
        x_ticks: x_ticks(axes),
        y_ticks: y_ticks(axes),
        layers: plan
            .series
            .iter()
            .enumerate()
            .map(|(place, series)| layer(series, place % STYLES, axes))
            .collect(),
        key: names()
            .enumerate()
            .map(|(place, name)| (place % STYLES, name))
            .collect(),
        heads: std::iter::once("time".to_owned()).chain(names()).collect(),
        rows: rows(plan, axes),
    })
}

fn marks(plan: &Plan, axes: Axes) -> Vec<Mark> {
    levels(plan, axes)
        .into_iter()
        .chain(upright(plan, axes))
        .collect()
}

/// Level marks, their labels beside the plot and clear of each other.
fn levels(plan: &Plan, axes: Axes) -> Vec<Mark> {
    const APART: f64 = 13.0;
    let mut levels: Vec<&(String, f64)> = plan.levels.iter().collect();
    levels.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut free = 0.0_f64;
    let mark = |(name, value): &(String, f64)| {
        let y = free.max(axes.y(*value) + 4.0);
        free = y + APART;
        Mark {
            path: format!("M{},{}H{}", frame::LEFT, px(axes.y(*value)), frame::RIGHT),
            label: Label {
                x: px(frame::RIGHT + 5.0),
                y: px(y),
                anchor: "start",
                text: plain(name),
            },
        }
    };
    levels.into_iter().map(mark).collect()
}

/// Lines of labels that the upright marks take.
fn label_lines(plan: &Plan) -> usize {
    plan.moments.len().min(LABEL_LINES)
}

/// Upright marks, their labels in lines above the plot.
fn upright(plan: &Plan, axes: Axes) -> Vec<Mark> {
    const WIDTH: f64 = 150.0;
    const DRAWING: f64 = 900.0;
    let mut moments: Vec<&(String, Moment)> = plan.moments.iter().collect();
    moments.sort_by_key(|(_, at)| *at);
    let lines = label_lines(plan).max(1);
    let mark = |(place, (name, at)): (usize, &(String, Moment))| {
        let x = axes.x(*at);
        let y = (LINE * (LABEL_LINES - lines + place % lines)) as f64 + 12.0;
        let (anchor, shift) = if x + WIDTH > DRAWING {
            ("end", -4.0)
        } else {
            ("start", 4.0)
        };
        Mark {
            path: format!("M{},{}V{}", px(x), px(y - 9.0), frame::BOTTOM),
            label: Label {
                x: px(x + shift),
                y: px(y),
                anchor,
                text: plain(name),
            },
        }
    };
    moments.into_iter().enumerate().map(mark).collect()
}

fn x_ticks(axes: Axes) -> Vec<Label> {
    const MOST: f64 = 9.0;
    let span = axes.to_s - axes.from_s;
    let few = STEPS_S.into_iter().find(|step| span / step <= MOST);
    let step = few.unwrap_or(span / MOST);
    let first = (axes.from_s / step).ceil();
    let ticks = (0..=MOST as u32 + 1).map(|index| (first + f64::from(index)) * step);
    ticks
        .filter(|s| *s <= axes.to_s)
        .map(|s| Label {
            x: px(frame::LEFT + (frame::RIGHT - frame::LEFT) * (s - axes.from_s) / span),
            y: px(frame::BOTTOM + 18.0),
            anchor: "middle",
            text: if s == 0.0 { "0".to_owned() } else { since(s) },
        })
        .collect()
}

fn y_ticks(axes: Axes) -> Vec<Label> {
    let tick = |part: u32| {
        let value = axes.step * f64::from(part);
        Label {
            x: px(frame::LEFT - 7.0),
            y: px(axes.y(value)),
            anchor: "end",
            text: if axes.step < 1.0 {
                limit((value * 1000.0).round() / 1000.0)
            } else {
                format!("{value:.0}")
            },
        }
    };
    (0..=axes.parts).map(tick).collect()
}

/// A line that breaks where points are missing, with a marker on some of its points.
fn layer(series: &Series, style: usize, axes: Axes) -> Layer {
    let points = &series.points;
    let gaps = points
        .windows(2)
        .map(|two| two[1].at.seconds_since(two[0].at));
    let gap = gaps.filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min) * 3.0;
    let joined = |a: usize, b: usize| points[b].at.seconds_since(points[a].at) <= gap;
    let every = points.len().div_ceil(MARKERS).max(1);
    let (mut path, mut dots) = (String::new(), String::new());
    for (index, point) in points.iter().enumerate() {
        let before = index > 0 && joined(index - 1, index);
        let after = index + 1 < points.len() && joined(index, index + 1);
        let (x, y) = (px(axes.x(point.at)), px(axes.y(point.value)));
        let _ = write!(path, "{}{x},{y}", if before { "L" } else { "M" });
        if index % every == 0 || !(before || after) {
            let _ = write!(dots, "M{x},{y}{}", marker(style));
        }
    }
    Layer {
        style,
        path,
        dots,
        area: false,
        past: false,
    }
}

fn rows(plan: &Plan, axes: Axes) -> Vec<Vec<String>> {
    let mut found: BTreeMap<Moment, Vec<String>> = BTreeMap::new();
    for (place, series) in plan.series.iter().enumerate() {
        for point in &series.points {
            let row = found.entry(point.at);
            let row = row.or_insert_with(|| vec![NONE.to_owned(); plan.series.len()]);
            row[place] = format!("{:.*}", plan.decimals, point.value);
        }
    }
    let head = |at: Moment| format!("{} ({})", clock(at), since(at.seconds_since(axes.origin)));
    let row =
        |(at, values): (Moment, Vec<String>)| std::iter::once(head(at)).chain(values).collect();
    found.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::observed::Point;

    fn series(points: &[(i64, f64)]) -> Series {
        let point = |&(s, value): &(i64, f64)| Point {
            at: Moment::from_millisecond(s * 1000).expect("a moment"),
            value,
        };
        Series {
            name: "eu-west".to_owned(),
            points: points.iter().map(point).collect(),
        }
    }

    fn plan(series: &Series) -> Plan<'_> {
        Plan {
            heading: "Backlog".to_owned(),
            about: String::new(),
            y_label: "messages",
            series: vec![series],
            origin: None,
            moments: Vec::new(),
            levels: Vec::new(),
            least_top: 1.0,
            decimals: 0,
        }
    }

    #[test]
    fn steps_are_round_and_reach_the_value_in_few_parts() {
        let found = [1.0, 0.6, 7.0, 12.0, 552.0, 999.0, 1001.0].map(parts);
        let wanted = [
            (0.2, 5),
            (0.1, 6),
            (2.0, 4),
            (2.0, 6),
            (100.0, 6),
            (200.0, 5),
            (200.0, 6),
        ];
        for ((step, n), (wanted, parts)) in found.into_iter().zip(wanted) {
            assert!((step - wanted).abs() < 1e-12 && n == parts, "{step} × {n}");
        }
    }

    #[test]
    fn a_line_breaks_where_points_are_missing() {
        let series = series(&[(0, 1.0), (60, 2.0), (120, 3.0), (1200, 4.0), (1260, 5.0)]);
        let chart = draw(&plan(&series)).expect("points");
        assert_eq!(chart.layers[0].path.matches('M').count(), 2);
        assert_eq!(chart.rows.len(), 5);
        assert_eq!(chart.rows[1], ["00:01:00 (+1 min)", "2"]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing_and_one_point_is_a_dot() {
        assert!(draw(&plan(&series(&[]))).is_none());
        let alone = series(&[(0, 0.0)]);
        let chart = draw(&plan(&alone)).expect("a point");
        assert!(!chart.layers[0].dots.is_empty() && !chart.layers[0].dots.contains("NaN"));
        assert!(chart.x_ticks.iter().all(|tick| tick.text == "0"));
    }

    #[test]
    fn the_axis_reaches_every_mark_and_labels_of_levels_keep_apart() {
        let series = series(&[(0, 1.0), (60, 2.0)]);
        let mut plan = plan(&series);
        let at = |s: i64| Moment::from_millisecond(s * 1000).expect("a moment");
        plan.moments = vec![("late".to_owned(), at(120)), ("early".to_owned(), at(30))];
        plan.levels = vec![("b".to_owned(), 1.0), ("a".to_owned(), 1.01)];
        let chart = draw(&plan).expect("points");
        let labels: Vec<&str> = chart
            .marks
            .iter()
            .map(|mark| mark.label.text.as_str())
            .collect();
        assert_eq!(labels, ["a", "b", "early", "late"]);
        let y = |place: usize| chart.marks[place].label.y.parse::<f64>().expect("px");
        assert!(y(1) - y(0) >= 13.0);
        assert_eq!(chart.marks[3].path.split(',').next(), Some("M784.0"));
    }
}
