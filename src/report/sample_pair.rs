//! A second fixed report with every awkward thing in it: two sides beside each other.

use crate::ids::{Digest, Form, QuestionId, SectionKey, TargetName, Topic};
use crate::judge::{CheckId, CheckVerdict, ReasonCode, Runbook, RunbookStage, worst};
use crate::replay::{HitRecord, Outcome, Purpose};
use crate::report::sample::{self, HOSTILE, check};
use crate::report::{AskedIn, Report};

/// A name that is long, wide and wants to be a tag.
pub(crate) const SECOND: &str =
    "eu-west after the second rebuild 索引 <b>|`x`</b> \u{1b}[2J with a name far too long (B)";

/// Four questions: one with an edge in one wording, one hostile, one that the second side fails, and
/// one on which nothing differs.
pub(crate) fn report() -> Report {
    let mut report = sample::report();
    add_equal_question(&mut report);
    for seen in &mut report.observations {
        let second = seen.target.as_str() == "eu-west";
        if let (Purpose::Score, Outcome::Scored { hits, .. }) = (seen.purpose, &mut seen.outcome) {
            *hits = match seen.question.as_str() {
                "q-000" if second && seen.form == Form(1) => list(&["part-0", "part-4", "part-2"]),
                "q-001" if second => {
                    list(&["part-5", HOSTILE, "part-1", "part-2", "part-3", "part-4"])
                }
                _ => list(&["part-1", "part-0", "part-2", "part-3"]),
            };
        }
    }
    report.texts.insert(text(), HOSTILE.to_owned());
    for question in &mut report.record.questions {
        if question.id.as_str() == "q-001" {
            question.topic = Topic::new(HOSTILE);
        }
    }
    for cell in &mut report.table.cells {
        if cell.question.as_str() == "q-001" {
            cell.topic = Topic::new(HOSTILE);
        }
    }
    for (target, run) in report.record.targets.iter_mut().zip(["first", HOSTILE]) {
        target.asked_in = Some(AskedIn {
            run_id: run.to_owned(),
            name: target.name.clone(),
        });
    }
    let verdict = &mut report.verdict;
    verdict.runbook = Runbook::Comparison;
    verdict.stage = RunbookStage::Pair;
    verdict.checks = checks();
    verdict.verdict = worst(&verdict.checks);
    verdict.exit_code = verdict.verdict.exit_code();
    rename(&mut report, "eu-west", &TargetName::new(SECOND));
    report
}

/// The same with two sides that are the same.
pub(crate) fn identical() -> Report {
    let mut report = report();
    let first = report.record.targets[0].name.clone();
    let second = TargetName::new(SECOND);
    report.table.cells.retain(|cell| cell.target == first);
    report.observations.retain(|seen| seen.target == first);
    let cells = report.table.cells.clone();
    let seen = report.observations.clone();
    report.table.cells.extend(cells.into_iter().map(|mut cell| {
        cell.target = second.clone();
        cell
    }));
    report.observations.extend(seen.into_iter().map(|mut seen| {
        seen.target = second.clone();
        seen
    }));
    report
}

/// What both sides of the equal question return, and the control of the others.
fn add_equal_question(report: &mut Report) {
    let id = QuestionId::new("q-003");
    let mut record = report.record.questions[0].clone();
    record.id = id.clone();
    record.topic = Topic::new("caching");
    report.record.questions.push(record);
    let targets = ["us-east", "eu-west"].map(TargetName::new);
    let cells = report.table.cells.clone();
    let cells = cells
        .iter()
        .filter(|cell| cell.question.as_str() == "q-000" && cell.target == targets[0]);
    for cell in cells {
        for target in &targets {
            let mut cell = cell.clone();
            cell.target = target.clone();
            cell.question = id.clone();
            cell.topic = Topic::new("caching");
            report.table.cells.push(cell);
        }
    }
    let seen = report.observations.clone();
    let seen = seen
        .iter()
        .filter(|seen| seen.question.as_str() == "q-000" && seen.target == targets[0]);
    for seen in seen {
        for target in &targets {
            let mut seen = seen.clone();
            seen.target = target.clone();
            seen.question = id.clone();
            report.observations.push(seen);
        }
    }
}

fn text() -> Digest {
    Digest::of(HOSTILE)
}

fn list(sections: &[&str]) -> Vec<HitRecord> {
    let hit = |(index, section): (usize, &&str)| HitRecord {
        section: SectionKey::new("failover", *section),
        snippet_id: format!("failover/{section}#0"),
        score: 0.5 / (index + 1) as f64,
        text: text(),
        offsets: None,
    };
    sections.iter().enumerate().map(hit).collect()
}

fn checks() -> Vec<crate::judge::Check> {
    use CheckVerdict::{Fail, Inconclusive, Pass};
    vec![
        check(
            CheckId::CmpPar,
            Pass,
            ReasonCode::BoundInsideLimit,
            None,
            "nothing differs",
        ),
        check(
            CheckId::CmpDrift,
            Inconclusive,
            ReasonCode::BoundCrossesLimit,
            Some((0.02, -0.01, 0.05)),
            "0.020, one-sided 95 % bounds -0.010 and 0.050",
        ),
        check(
            CheckId::CmpCov,
            Fail,
            ReasonCode::BoundOutsideLimit,
            Some((-0.32, -0.60, -0.08)),
            HOSTILE,
        ),
    ]
}

fn rename(report: &mut Report, from: &str, to: &TargetName) {
    let verdict = &mut report.verdict;
    let names = (report.record.targets.iter_mut().map(|one| &mut one.name))
        .chain(verdict.targets.iter_mut().map(|one| &mut one.name))
        .chain(verdict.checks.iter_mut().map(|one| &mut one.target))
        .chain(verdict.parity.iter_mut().map(|one| &mut one.target))
        .chain(verdict.ladders.iter_mut().map(|one| &mut one.target))
        .chain(report.table.cells.iter_mut().map(|one| &mut one.target))
        .chain(report.observations.iter_mut().map(|one| &mut one.target));
    for name in names.filter(|name| name.as_str() == from) {
        *name = to.clone();
    }
}
