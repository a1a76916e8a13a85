//! A drill on the page.

use crate::ids::TargetName;
use crate::judge::{Check, Runbook};
use crate::measure::Lambda;
use crate::report::html::charts::{Chart, pre_and_post};
use crate::report::html::checks::anchors;
use crate::report::html::observed::answers::{AnswersView, views};
use crate::report::html::observed::time_chart::{Plan, TimeChart, draw};
use crate::report::html::words::{NONE, Pill};
use crate::report::html::{Side, grid};
use crate::report::observed::{
    Cache, Moments, Said, Series, Stated, caches, clock, contract_log, drain_limit_s, fields_of,
    hit_ratios, lasting, phases, queues, region_and_phase, since, story,
};
use crate::report::{Report, figures, labels, plain};
use crate::units::Moment;

/// Prefixes that are drawn.
const DRAWN: usize = 6;
/// Statements of the contract log that are shown.
const STATED: usize = 200;

/// A drill.
pub(in crate::report::html) struct DrillView {
    /// Its checks by phase.
    pub(in crate::report::html) phases: Vec<PhaseView>,
    /// What happened, by time.
    pub(in crate::report::html) story: Vec<StoryView>,
    /// Events that the list leaves out.
    pub(in crate::report::html) story_cut: usize,
    /// Backlog and age of the queues.
    pub(in crate::report::html) queues: Vec<TimeChart>,
    /// Cache hit ratios around purges.
    pub(in crate::report::html) caches: Vec<TimeChart>,
    /// Prefixes that are not drawn.
    pub(in crate::report::html) caches_cut: usize,
    /// ΔS of each region before and after.
    pub(in crate::report::html) histograms: Vec<PairView>,
    /// λ of each region in each phase.
    pub(in crate::report::html) lambda: Vec<LambdaBar>,
    /// What each region said of its index.
    pub(in crate::report::html) contracts: Vec<ContractRow>,
    /// Heads of that log.
    pub(in crate::report::html) fields: [&'static str; 6],
    /// Statements that are left out.
    pub(in crate::report::html) contracts_cut: usize,
    /// Answers beside answers.
    pub(in crate::report::html) answers: Vec<AnswersView>,
}

/// The checks of one phase.
pub(in crate::report::html) struct PhaseView {
    pub(in crate::report::html) name: &'static str,
    pub(in crate::report::html) meaning: &'static str,
    pub(in crate::report::html) regions: Vec<String>,
    /// Label, clause, and the verdicts of each region.
    pub(in crate::report::html) rows: Vec<(String, String, Vec<Vec<VerdictView>>)>,
}

/// One verdict in a phase.
pub(in crate::report::html) struct VerdictView {
    pub(in crate::report::html) pill: Pill,
    pub(in crate::report::html) anchor: String,
    /// What it stands beside, where the phase does not say.
    pub(in crate::report::html) beside: Option<String>,
}

/// One line of the list of events.
pub(in crate::report::html) struct StoryView {
    pub(in crate::report::html) clock: String,
    pub(in crate::report::html) since: String,
    pub(in crate::report::html) text: String,
    pub(in crate::report::html) single: bool,
}

/// One region before and after.
pub(in crate::report::html) struct PairView {
    pub(in crate::report::html) region: String,
    pub(in crate::report::html) chart: Chart,
}

/// λ of a region in a phase: a bar of parts.
pub(in crate::report::html) struct LambdaBar {
    pub(in crate::report::html) target: String,
    pub(in crate::report::html) title: String,
    /// Style, where it begins, how wide it is.
    pub(in crate::report::html) parts: Vec<(&'static str, String, String)>,
    /// Cells in each state and their share.
    pub(in crate::report::html) counts: Vec<String>,
}

/// One statement of the contract log.
pub(in crate::report::html) struct ContractRow {
    pub(in crate::report::html) when: String,
    pub(in crate::report::html) region: String,
    pub(in crate::report::html) status: String,
    /// Value of each field, and whether it is another than in the first statement.
    pub(in crate::report::html) values: Vec<(String, bool)>,
}

/// Arranges a drill; none for another run without a drill log.
pub(in crate::report::html) fn view(report: &Report, sides: &[Side]) -> Option<DrillView> {
    let timeline = report.observed.timeline.as_ref();
    if report.verdict.runbook != Runbook::FailoverDrill && timeline.is_none() {
        return None;
    }
    let moments = Moments::of(timeline);
    let (story, story_cut) = timeline.map_or_else(Default::default, |log| story(log, moments));
    let caches = timeline.map_or_else(Vec::new, caches);
    let contracts = contract_log(report, moments);
    Some(DrillView {
        phases: phase_views(&report.verdict.checks),
        story: story
            .into_iter()
            .map(|line| StoryView {
                clock: clock(line.at),
                since: line.since_s.map_or_else(|| NONE.to_owned(), since),
                text: plain(&line.text),
                single: line.single,
            })
            .collect(),
        story_cut,
        queues: queue_charts(report, moments),
        caches_cut: caches.len().saturating_sub(DRAWN),
        caches: cache_charts(report, &caches, moments),
        histograms: histograms(report, sides),
        lambda: lambda(report, sides),
        contracts_cut: contracts.len().saturating_sub(STATED),
        contracts: contract_rows(&contracts),
        fields: fields_of(),
        answers: views(report),
    })
}

fn phase_views(checks: &[Check]) -> Vec<PhaseView> {
    let anchors = anchors(checks);
    let verdict = |index: usize| VerdictView {
        pill: Pill::of_check(checks[index].verdict),
        anchor: anchors[index].clone(),
        beside: labels::beside(&checks[index], checks).map(|control| plain(control.as_str())),
    };
    let row = |(label, cells): (String, Vec<Vec<usize>>)| {
        let first = cells.iter().flatten().next();
        let clause = first.map_or_else(String::new, |index| plain(&checks[*index].clause));
        let cells = cells
            .into_iter()
            .map(|cell| cell.into_iter().map(verdict).collect());
        (plain(&label), clause, cells.collect())
    };
    let view = |phase: crate::report::observed::Phase| PhaseView {
        name: phase.name,
        meaning: match phase.name {
            "pre" => "before the drill",
            "live" => "while it was under way",
            _ => "after it",
        },
        regions: phase.regions.iter().map(|region| plain(region)).collect(),
        rows: phase.rows.into_iter().map(row).collect(),
    };
    phases(checks).into_iter().map(view).collect()
}

/// The moments of the drill, and when the queue must have drained.
fn queue_moments(report: &Report, moments: Moments) -> Vec<(String, Moment)> {
    let mut marked: Vec<(String, Moment)> = moments
        .named()
        .into_iter()
        .map(|(name, at)| (name.to_owned(), at))
        .collect();
    let limit_s = drain_limit_s(report);
    let limit = moments
        .decision
        .and_then(|at| Moment::from_millisecond(at.as_millisecond() + (limit_s * 1000.0) as i64));
    marked.extend(limit.map(|at| (format!("drain limit {}", lasting(limit_s)), at)));
    marked
}

fn queue_charts(report: &Report, moments: Moments) -> Vec<TimeChart> {
    let queues = queues(report, moments);
    let thin = |series: &Series| series.clone().thinned(|a, b| a > b);
    let backlogs: Vec<Series> = queues.iter().map(|queue| thin(&queue.backlog)).collect();
    let ages: Vec<Series> = queues.iter().map(|queue| thin(&queue.age_s)).collect();
    let mut baselines: Vec<f64> = queues.iter().filter_map(|queue| queue.baseline).collect();
    baselines.sort_unstable_by(f64::total_cmp);
    baselines.dedup();
    let baseline = |level: f64| (format!("baseline {level}"), level);
    let chart = |heading: &str,
                 y_label,
                 series: &[Series],
                 levels: Vec<(String, f64)>,
                 decimals| {
        draw(&Plan {
            heading: heading.to_owned(),
            about: "The baseline is the median of the samples before the decision. Of many samples the largest of neighbours are drawn.".to_owned(),
            y_label,
            series: series.iter().filter(|series| !series.points.is_empty()).collect(),
            origin: moments.decision.map(|at| ("decision", at)),
            moments: queue_moments(report, moments),
            levels,
            least_top: 1.0,
            decimals,
        })
    };
    let levels = baselines.into_iter().map(baseline).collect();
    let both = [
        chart("Queue backlog", "messages waiting", &backlogs, levels, 0),
        chart("Queue age", "seconds", &ages, Vec::new(), 1),
    ];
    both.into_iter().flatten().collect()
}

fn cache_charts(report: &Report, caches: &[Cache], moments: Moments) -> Vec<TimeChart> {
    let origin = moments.decision.map(|at| ("decision", at));
    let of_prefix = |cache: &Cache| {
        let ratios: Vec<Series> = cache
            .ratios
            .iter()
            .map(|series| series.clone().thinned(|a, b| a < b))
            .collect();
        let purged = |(at, region): &(Moment, Option<String>)| {
            let place = region
                .as_ref()
                .map_or_else(String::new, |region| format!(" in {region}"));
            (format!("purged{place}"), *at)
        };
        draw(&Plan {
            heading: format!("Cache hits under {}", plain(&cache.prefix)),
            about: "Samples of the drill log. A cache is warm again at its median before the purge less 0.05.".to_owned(),
            y_label: "share of look-ups that found something",
            series: ratios.iter().collect(),
            origin,
            moments: cache.purges.iter().map(purged).collect(),
            levels: cache.warm_from.map(|ratio| (format!("warm from {ratio:.2}"), ratio)).into_iter().collect(),
            least_top: 1.0,
            decimals: 3,
        })
    };
    let mut charts: Vec<TimeChart> = caches.iter().take(DRAWN).filter_map(of_prefix).collect();
    let hits = report
        .observed
        .traffic
        .as_ref()
        .map_or_else(Vec::new, hit_ratios);
    let thin: Vec<Series> = hits
        .into_iter()
        .map(|series| series.thinned(|a, b| a < b))
        .collect();
    let purges = caches
        .iter()
        .flat_map(|cache| &cache.purges)
        .map(|(at, _)| *at);
    let purges: std::collections::BTreeSet<Moment> = purges.collect();
    charts.extend(draw(&Plan {
        heading: "Cache hits of requests".to_owned(),
        about: "By window, over all prefixes.".to_owned(),
        y_label: "share of look-ups that found something",
        series: thin.iter().collect(),
        origin,
        moments: purges
            .into_iter()
            .map(|at| ("purge".to_owned(), at))
            .collect(),
        levels: Vec::new(),
        least_top: 1.0,
        decimals: 3,
    }));
    charts
}

/// ΔS of each region that was asked both before and after.
fn histograms(report: &Report, sides: &[Side]) -> Vec<PairView> {
    let phased = |side: &&Side, phase| region_and_phase(side.target).1 == Some(phase);
    let before = sides.iter().filter(|side| phased(side, "pre"));
    before
        .filter_map(|first| {
            let (region, _) = region_and_phase(first.target);
            let same = |side: &&Side| region_and_phase(side.target) == (region, Some("post"));
            let after = sides.iter().find(same)?;
            let pair = [first, after].into_iter().enumerate();
            let pair = pair.map(|(style, side)| Side {
                name: side.name.clone(),
                part: String::new(),
                style,
                ..*side
            });
            Some(PairView {
                region: plain(region),
                chart: pre_and_post(report, &pair.collect::<Vec<_>>()),
            })
        })
        .collect()
}

/// λ of every region in every phase, regions together.
fn lambda(report: &Report, sides: &[Side]) -> Vec<LambdaBar> {
    let mut ordered: Vec<&Side> = sides.iter().collect();
    ordered.sort_by_key(|side| region_and_phase(side.target).0);
    let bar = |side: &Side| lambda_bar(report, side.target, &side.name);
    ordered.into_iter().filter_map(bar).collect()
}

fn lambda_bar(report: &Report, target: &TargetName, name: &str) -> Option<LambdaBar> {
    const WIDTH: f64 = 400.0;
    let counts = figures::states(&report.table, target);
    let all: usize = counts.iter().sum();
    let share = |n: usize| n as f64 / all as f64;
    let mut from = 0.0;
    let states = Lambda::ALL.into_iter().zip(counts);
    let mut parts = Vec::new();
    for (state, n) in states.clone().filter(|(_, n)| *n > 0) {
        let width = WIDTH * share(n);
        parts.push((
            grid::class(state),
            format!("{from:.1}"),
            format!("{width:.1}"),
        ));
        from += width;
    }
    let told: Vec<String> = states
        .map(|(state, n)| format!("{} {n}", state.word()))
        .collect();
    (all > 0).then(|| LambdaBar {
        target: name.to_owned(),
        title: format!("λ of {name}: {}", told.join(", ")),
        parts,
        counts: counts
            .iter()
            .map(|n| format!("{n} ({:.1} %)", 100.0 * share(*n)))
            .collect(),
    })
}

fn contract_rows(log: &[Stated]) -> Vec<ContractRow> {
    let Some(first) = log.first() else {
        return Vec::new();
    };
    let row = |one: &Stated| {
        let when = match &one.when {
            Said::Run(when) => format!("probes, {when}"),
            Said::Event(at, since_s) => {
                let since = since_s.map_or_else(String::new, |s| format!(" ({})", since(s)));
                let times = if one.times > 1 {
                    format!(", {} times in a row", one.times)
                } else {
                    String::new()
                };
                format!("{}{since}{times}", clock(*at))
            }
        };
        let value = |field: &&str| {
            let value = one
                .fields
                .get(*field)
                .map_or_else(|| NONE.to_owned(), |value| plain(value));
            (value, one.differs(first, field))
        };
        ContractRow {
            when,
            region: plain(&one.region),
            status: one
                .status
                .map_or_else(|| NONE.to_owned(), |status| status.to_string()),
            values: fields_of().iter().map(value).collect(),
        }
    };
    log.iter().take(STATED).map(row).collect()
}
