//! The report page: one self-contained file without scripts.
//!
//! Every module here turns a part of the report into a view of plain texts; `templates/report.html`
//! lays them out and escapes them. Text from outside passes [`plain`] or [`printable`] on its way
//! into a view, and the template marks nothing as safe.

mod calls;
mod charts;
mod checks;
mod grid;
mod ladder;
mod observed;
mod parity;
mod side_by_side;
mod words;
mod worst;

use std::io::{self, Write};

use askama::Template;

use crate::ids::TargetName;
use crate::judge::{Basis, CheckVerdict, RunVerdict, Verdict};
use crate::measure::latency;
use crate::report::observed::simulation;
use crate::report::{Comparison, Report, TargetRecord, labels, ladders, plain, printable};
use crate::target::{Locality, Role};

pub(super) use observed::one_page;
use words::{NONE, Pill, number};

/// Fill patterns and markers there are; more targets than this share them.
const STYLES: usize = 4;

/// Writes the report as one self-contained page.
///
/// # Errors
/// If the writer fails.
pub fn html(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let page = page(report).render().map_err(io::Error::other)?;
    out.write_all(page.as_bytes())
}

/// A target as every part of the page names and draws it.
pub(super) struct Side<'a> {
    /// Its name.
    target: &'a TargetName,
    /// Its name, harmless; it says so where it is a side of an earlier run.
    name: String,
    /// Its part, and where it was asked.
    part: String,
    /// Whether the others are compared with it.
    control: bool,
    /// Whether it is a side of an earlier run, which nothing judges.
    past: bool,
    /// Which fill pattern and marker it has.
    style: usize,
}

/// The whole page.
#[derive(Template)]
#[template(path = "report.html", whitespace = "minimize")]
struct Page<'a> {
    title: String,
    pill: Pill,
    meaning: &'static str,
    runbook: &'static str,
    stage: &'static str,
    tally: String,
    labels: Vec<&'static str>,
    facts: Vec<Fact>,
    checks: Vec<checks::CheckRow>,
    sides: Vec<Side<'a>>,
    side_by_side: Option<side_by_side::SideBySideView>,
    drill: Option<observed::DrillView>,
    traffic: Option<observed::TrafficView>,
    charts: Vec<charts::Chart>,
    lambda: grid::LambdaView,
    parities: Vec<parity::ParityView>,
    /// Ladders of sides whose contracts were not compared.
    ladders: Vec<ladder::LadderView>,
    worst: Vec<worst::WorstView>,
    main_k: usize,
    notes: Vec<String>,
    waivers: Vec<String>,
    faults: Vec<calls::FaultView>,
    latencies: Vec<LatencyView>,
    speeds: Vec<calls::SpeedView>,
    digests: Vec<(&'static str, String)>,
    version: String,
    run_id: String,
}

/// A line of the header.
struct Fact {
    name: &'static str,
    value: String,
    /// Whether it is compared by eye and so wants letters of one width.
    code: bool,
}

/// Percentiles of one target.
struct LatencyView {
    target: String,
    label: &'static str,
    n: usize,
    values: Vec<String>,
}

fn page(report: &Report) -> Page<'_> {
    let verdict = &report.verdict;
    let pill = Pill::of_run(verdict.verdict);
    let sides = sides(report);
    let comparison = Comparison::of(report);
    Page {
        title: format!("{}: {} {}", pill.name, verdict.runbook, verdict.stage),
        pill,
        meaning: meaning(verdict.verdict),
        runbook: verdict.runbook.name(),
        stage: verdict.stage.name(),
        tally: tally(report),
        labels: labels(report),
        facts: facts(report),
        checks: checks::rows(&verdict.checks),
        side_by_side: comparison
            .as_ref()
            .map(|comparison| side_by_side::view(comparison, report)),
        drill: observed::drill(report, &sides),
        traffic: observed::traffic(report),
        charts: charts::charts(report, &sides),
        lambda: grid::view(report, &sides),
        parities: parities(verdict),
        ladders: lone_ladders(verdict),
        worst: worst::views(report, &sides, comparison.as_ref()),
        main_k: report.record.k,
        notes: verdict.notes.iter().map(|note| printable(note)).collect(),
        waivers: verdict
            .waivers
            .iter()
            .map(|waiver| printable(&waiver.to_string()))
            .collect(),
        faults: calls::faults(report),
        speeds: calls::speeds(report),
        latencies: report
            .record
            .targets
            .iter()
            .map(|target| latency_view(report, target))
            .collect(),
        digests: vec![
            ("Gold set", report.record.gold_digest.to_string()),
            ("Policy", report.record.policy_digest.to_string()),
        ],
        version: plain(&report.record.tool_version),
        run_id: plain(&verdict.run_id),
        sides,
    }
}

/// Contracts and rows of each side, with the ladder of the same side.
fn parities(verdict: &Verdict) -> Vec<parity::ParityView> {
    let compared = verdict.parity.iter().enumerate();
    compared
        .map(|(index, one)| {
            let ladder = ladders::of(one, verdict).map(|side| ladder::view(side, index, verdict));
            parity::view(one, ladder)
        })
        .collect()
}

/// The ladders that stand alone.
fn lone_ladders(verdict: &Verdict) -> Vec<ladder::LadderView> {
    let from = verdict.parity.len();
    ladders::alone(verdict)
        .enumerate()
        .map(|(index, side)| ladder::view(side, from + index, verdict))
        .collect()
}

/// Every target, each with its own look.
fn sides(report: &Report) -> Vec<Side<'_>> {
    report
        .record
        .targets
        .iter()
        .enumerate()
        .map(|(index, target)| Side {
            target: &target.name,
            name: name_of(target),
            part: plain(&labels::part(target)),
            control: target.role.is_control(),
            past: target.role == Role::Baseline,
            style: index % STYLES,
        })
        .collect()
}

/// A target's name, which tells a side of an earlier run from the one that is judged.
fn name_of(target: &TargetRecord) -> String {
    let name = words::name(&target.name);
    match target.role {
        Role::Baseline => format!("{name} (earlier run)"),
        _ => name,
    }
}

/// The name that a fieldless enum has in files.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    let word = value.as_ref().and_then(serde_json::Value::as_str);
    word.unwrap_or(NONE).to_owned()
}

fn meaning(verdict: RunVerdict) -> &'static str {
    match verdict {
        RunVerdict::Pass => "Every clause that applies was shown to hold.",
        RunVerdict::Fail => {
            "A clause was shown not to hold. Do not promote; begin with the first row below."
        }
        RunVerdict::Inconclusive => {
            "Something could not be decided. This is not a pass; begin with the first row below."
        }
        RunVerdict::Error => {
            "Something could not be measured. Repair the measurement and run again."
        }
        RunVerdict::HardStop => "A hard stop was crossed. Stop the rollout and roll back now.",
    }
}

/// `2 FAIL · 1 INCONCLUSIVE · 3 PASS`.
fn tally(report: &Report) -> String {
    use CheckVerdict::{Error, Fail, Inconclusive, NotApplicable, Pass, Waived};
    let count = |verdict: CheckVerdict| {
        let checks = report.verdict.checks.iter();
        let n = checks.filter(|check| check.verdict == verdict).count();
        (n > 0).then(|| format!("{n} {}", verdict.name()))
    };
    let counts = [Fail, Error, Inconclusive, Waived, Pass, NotApplicable].map(count);
    counts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// What a reader must know before believing a number.
fn labels(report: &Report) -> Vec<&'static str> {
    let verdict = &report.verdict;
    let point = verdict.evidence == Basis::Point;
    let lexical = !verdict.referee.kind.comparable_with_runbooks();
    let labels = [
        (
            point,
            "Judged by point estimates alone: the evidence is “point”, so chance is not accounted for.",
        ),
        (
            lexical,
            "The referee is lexical: its distances have another scale than the runbooks' limits.",
        ),
    ];
    let labels = labels
        .into_iter()
        .filter_map(|(holds, label)| holds.then_some(label));
    simulation(report).into_iter().chain(labels).collect()
}

fn facts(report: &Report) -> Vec<Fact> {
    let (verdict, record) = (&report.verdict, &report.record);
    let probes = verdict.probes;
    let text = |name, value| Fact {
        name,
        value,
        code: false,
    };
    let code = |name, value| Fact {
        name,
        value,
        code: true,
    };
    let referee = &verdict.referee;
    let mut facts = vec![
        code("Run", plain(&verdict.run_id)),
        code("Started", plain(&verdict.started_at)),
        code("Judged", plain(&verdict.ended_at)),
        text(
            "Gold set",
            plain(&format!(
                "{}, {} asked",
                record.gold_name,
                words::count(verdict.gold.questions, "question")
            )),
        ),
        code(
            "Gold digest",
            format!("b3:{}…", verdict.gold.digest.short(12)),
        ),
        code(
            "Policy digest",
            format!("b3:{}…", verdict.policy_digest.short(12)),
        ),
        text(
            "Referee",
            plain(&format!(
                "{} ({}, {} dimensions)",
                referee.model,
                word(&referee.kind),
                referee.dim
            )),
        ),
        text(
            "Probes",
            format!(
                "{} planned: {} scored, {} failed, {} skipped",
                probes.planned, probes.scored, probes.failed, probes.skipped
            ),
        ),
        text("Evidence", word(&verdict.evidence)),
        text("Exit code", verdict.exit_code.to_string()),
    ];
    let elsewhere = record
        .targets
        .iter()
        .filter(|target| target.asked_in.is_some() || target.role == Role::Baseline);
    facts.extend(elsewhere.map(|target| {
        let (name, part) = (&target.name, labels::part(target));
        text("Target", plain(&format!("{name}: {part}")))
    }));
    facts
}

fn latency_view(report: &Report, target: &TargetRecord) -> LatencyView {
    let found = latency(&report.table, &target.name);
    let values = found.map(|at| [at.p50_ms, at.p75_ms, at.p95_ms, at.p99_ms]);
    LatencyView {
        target: name_of(target),
        label: match target.locality {
            Locality::InProcess => "in-process, for information",
            Locality::Network => "over the network",
        },
        n: found.map_or(0, |found| found.n),
        values: (0..4)
            .map(|index| number(values.map(|values| values[index]), 2))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{QuestionId, SectionKey};
    use crate::report::{sample, sample_drill, sample_pair};

    fn render(report: &Report) -> String {
        let mut page = Vec::new();
        html(report, &mut page).expect("memory does not fail");
        String::from_utf8(page).expect("a page is text")
    }

    /// Every tag that is opened is closed in its turn.
    #[track_caller]
    fn check_balance(page: &str) {
        const VOID: [&str; 3] = ["meta", "br", "wbr"];
        let mut open: Vec<&str> = Vec::new();
        for tag in page.split('<').skip(1) {
            let inside = tag.split('>').next().expect("split yields a first part");
            let name = inside.split([' ', '\n', '/']).find(|part| !part.is_empty());
            let name = name.expect("a tag has a name");
            if inside.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "closing {inside}");
            } else if !(inside.starts_with('!') || inside.ends_with('/') || VOID.contains(&name)) {
                open.push(name);
            }
        }
        assert_eq!(open, Vec::<&str>::new());
    }

    #[test]
    fn tags_are_balanced() {
        check_balance(&render(&sample::report()));
        check_balance(&render(&sample_pair::report()));
        check_balance(&render(&sample_pair::identical()));
        check_balance(&render(&sample_drill::report()));
        check_balance(&render(&sample_drill::canary()));
        let mut short = Vec::new();
        one_page(&sample_drill::report(), &mut short).expect("memory does not fail");
        check_balance(&String::from_utf8(short).expect("a page is text"));
    }

    #[test]
    fn hostile_text_is_shown_and_never_obeyed() {
        let page = render(&sample::report());
        assert!(!page.contains("<script"));
        assert!(page.contains("script&#62;") || page.contains("script&gt;"));
        for raw in ['\u{1b}', '\u{7}', '\u{202e}'] {
            assert!(!page.contains(raw), "{raw:?}");
        }
        assert!(!page.contains(sample::HOSTILE));
    }

    #[test]
    fn hostile_names_do_no_harm_either() {
        let mut report = sample::report();
        let hostile = TargetName::new(sample::HOSTILE);
        let id = QuestionId::new("\"><img src=x onerror=1>");
        report.record.targets[1].name = hostile.clone();
        report.verdict.targets[1].name = hostile.clone();
        report.verdict.checks[0].target = hostile.clone();
        report.verdict.checks[0].worst_questions = vec![id.clone()];
        report.record.questions[0].id = id.clone();
        report.record.questions[0].targets = vec![SectionKey::new(sample::HOSTILE, "s")];
        for cell in report
            .table
            .cells
            .iter_mut()
            .filter(|cell| cell.target.as_str() == "eu-west")
        {
            cell.target = hostile.clone();
        }
        for cell in report
            .table
            .cells
            .iter_mut()
            .filter(|cell| cell.question.as_str() == "q-000")
        {
            cell.question = id.clone();
        }
        report.verdict.started_at = "<i>\u{1b}".to_owned();
        let page = render(&report);
        check_balance(&page);
        for raw in ["<script", "<img", "<i>", "\u{1b}", "\u{202e}"] {
            assert!(!page.contains(raw), "{raw:?}");
        }
    }

    #[test]
    fn every_check_target_and_note_appears_and_every_check_can_be_linked() {
        let report = sample::report();
        let page = render(&report);
        for check in &report.verdict.checks {
            let anchor = format!("id=\"{}-{}\"", check.id, check.target);
            assert_eq!(page.matches(&anchor).count(), 1, "{anchor}");
        }
        for target in &report.verdict.targets {
            assert!(page.contains(target.name.as_str()));
        }
        assert!(page.contains(report.verdict.verdict.name()));
        assert!(page.contains("eu-west gives the same reply for every seed"));
        assert!(page.contains("in-process, for information"));
    }

    #[test]
    fn the_page_refers_to_nothing_outside_and_holds_no_undefined_number() {
        let mut report = sample::report();
        report.verdict.checks[0].ci_high = None;
        report.verdict.checks[1].estimate = Some(f64::NAN);
        report.table.cells[1].elapsed_ms = f64::INFINITY;
        let page = render(&report);
        for absent in [
            "NaN", "http://", "https://", "Infinity", ">inf<", " src=", "onclick",
        ] {
            assert!(!page.contains(absent), "{absent}");
        }
        assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
    }

    #[test]
    fn the_same_report_gives_the_same_bytes_and_an_empty_one_a_page() {
        let mut report = sample::report();
        assert_eq!(render(&report), render(&report));
        report.table.cells.clear();
        report.observations.clear();
        report.verdict.checks.clear();
        report.verdict.parity.clear();
        check_balance(&render(&report));
        report.verdict.ladders.clear();
        report.record.questions.clear();
        check_balance(&render(&report));
        report.record.targets.clear();
        check_balance(&render(&report));
    }

    #[test]
    fn point_evidence_is_labelled() {
        let mut report = sample::report();
        assert!(!render(&report).contains("point estimates alone"));
        report.verdict.evidence = Basis::Point;
        assert!(render(&report).contains("point estimates alone"));
    }

    #[test]
    fn the_templates_mark_nothing_as_safe() {
        for template in [
            include_str!("../../../templates/macros.html"),
            include_str!("../../../templates/observed.html"),
            include_str!("../../../templates/one-page.html"),
            include_str!("../../../templates/report.html"),
        ] {
            assert!(!template.contains("|safe") && !template.contains("| safe"));
        }
    }
}
