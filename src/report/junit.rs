//! JUnit XML, as CI systems read it: the form that the schema of Jenkins' xUnit plugin (`junit-10.xsd`)
//! describes, and nothing beyond it.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::ids::{QuestionId, TargetName};
use crate::judge::{Check, CheckVerdict, Verdict};
use crate::report::{Report, labels, ladders, plain, printable};

type Xml<'a> = Writer<&'a mut dyn Write>;

/// One suite a target, one case a check: FAIL is a `failure`, ERROR and INCONCLUSIVE an `error`,
/// `NOT_APPLICABLE` is `skipped`. Where a rung of the target's ladder fails, a property says so.
///
/// # Errors
/// If the writer fails.
pub fn junit(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    let mut xml = Writer::new_with_indent(out, b' ', 4);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let name = format!("ragstone {} {}", verdict.runbook, verdict.stage);
    let all = Counts::of(&verdict.checks.iter().collect::<Vec<_>>());
    xml.create_element("testsuites")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("tests", all.tests.to_string().as_str()))
        .with_attribute(("failures", all.failures.to_string().as_str()))
        .with_attribute(("errors", all.errors.to_string().as_str()))
        .write_inner_content(|xml| {
            targets(verdict)
                .into_iter()
                .try_for_each(|target| suite(verdict, target, xml))
        })?;
    xml.write_indent()
}

/// How many cases there are of each kind.
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn of(checks: &[&Check]) -> Self {
        let count = |kind| {
            let of_kind = checks.iter().filter(|check| outcome(check) == kind);
            of_kind.count()
        };
        Self {
            tests: checks.len(),
            failures: count(Some("failure")),
            errors: count(Some("error")),
            skipped: count(Some("skipped")),
        }
    }
}

/// The element that says what became of a case; none of one that passed.
fn outcome(check: &Check) -> Option<&'static str> {
    match check.verdict {
        CheckVerdict::Pass | CheckVerdict::Waived => None,
        CheckVerdict::Fail => Some("failure"),
        CheckVerdict::Error | CheckVerdict::Inconclusive => Some("error"),
        CheckVerdict::NotApplicable => Some("skipped"),
    }
}

/// Every target in the order of the run, then those that were judged without being asked: a drill log
/// judges the live phase without a run of it.
fn targets(verdict: &Verdict) -> Vec<&TargetName> {
    let mut targets: Vec<&TargetName> = verdict.targets.iter().map(|one| &one.name).collect();
    for check in &verdict.checks {
        if !targets.contains(&&check.target) {
            targets.push(&check.target);
        }
    }
    targets
}

fn suite(verdict: &Verdict, target: &TargetName, xml: &mut Xml) -> io::Result<()> {
    let of_target = |check: &&Check| check.target == *target;
    let checks: Vec<&Check> = verdict.checks.iter().filter(of_target).collect();
    if checks.is_empty() {
        return Ok(());
    }
    let counts = Counts::of(&checks);
    xml.create_element("testsuite")
        .with_attribute(("name", line(target.as_str()).as_str()))
        .with_attribute(("tests", counts.tests.to_string().as_str()))
        .with_attribute(("failures", counts.failures.to_string().as_str()))
        .with_attribute(("errors", counts.errors.to_string().as_str()))
        .with_attribute(("skipped", counts.skipped.to_string().as_str()))
        .write_inner_content(|xml| {
            xml.create_element("properties")
                .write_inner_content(|xml| properties(verdict, target, xml))?;
            checks.iter().try_for_each(|check| case(check, xml))
        })?;
    Ok(())
}

fn properties(verdict: &Verdict, target: &TargetName, xml: &mut Xml) -> io::Result<()> {
    property("verdict", verdict.verdict.name(), xml)?;
    property("run_id", &verdict.run_id, xml)?;
    property("gold_digest", &verdict.gold.digest.to_string(), xml)?;
    property("policy_digest", &verdict.policy_digest.to_string(), xml)?;
    for side in ladders::failing(verdict).filter(|side| side.target == *target) {
        let word = ladders::word(side, verdict).to_lowercase();
        let name = ladders::name(side, verdict);
        let sentence = format!("{name}: {}", side.ladder.sentence());
        property(&word, &sentence, xml)?;
    }
    Ok(())
}

fn property(name: &str, value: &str, xml: &mut Xml) -> io::Result<()> {
    xml.create_element("property")
        .with_attribute(("name", name))
        .with_attribute(("value", line(value).as_str()))
        .write_empty()?;
    Ok(())
}

fn case(check: &Check, xml: &mut Xml) -> io::Result<()> {
    let name = format!("{} {}", labels::check(check), check.clause);
    let class = format!("ragstone.{}", check.target);
    let message = line(&check.detail);
    xml.create_element("testcase")
        .with_attribute(("name", line(&name).as_str()))
        .with_attribute(("classname", line(&class).as_str()))
        .with_attribute(("time", "0.000"))
        .write_inner_content(|xml| {
            if let Some(element) = outcome(check) {
                let told = xml
                    .create_element(element)
                    .with_attribute(("message", message.as_str()));
                if check.is_red() {
                    let (kind, text) = (labels::reason(check), text(&description(check)));
                    told.with_attribute(("type", kind.as_str()))
                        .write_text_content(BytesText::new(&text))?;
                } else {
                    told.write_empty()?;
                }
            }
            xml.create_element("system-out")
                .write_text_content(BytesText::new(&text(&check.detail)))?;
            Ok(())
        })?;
    Ok(())
}

fn description(check: &Check) -> String {
    let remedy = check
        .remedy
        .as_deref()
        .map_or(String::new(), |remedy| format!("\nremedy: {remedy}"));
    let worst: Vec<&str> = check
        .worst_questions
        .iter()
        .map(QuestionId::as_str)
        .collect();
    let worst = if worst.is_empty() {
        String::new()
    } else {
        format!("\nworst questions: {}", worst.join(", "))
    };
    format!("{}{remedy}{worst}", check.detail)
}

/// An attribute, whose line breaks a parser would turn into spaces.
fn line(text: &str) -> String {
    allowed(&plain(text))
}

fn text(text: &str) -> String {
    allowed(&printable(text))
}

/// The two characters beyond controls that no XML document may hold, replaced.
fn allowed(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_no_xml_document_may_hold_is_replaced() {
        let mut report = sample::report();
        report.verdict.checks[2].detail = "a\u{fffe}b\u{ffff}c\0d".to_owned();
        let mut bytes = Vec::new();
        junit(&report, &mut bytes).expect("a vector takes everything");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.contains("a\u{fffd}b\u{fffd}c␀d"), "{text}");
        assert!(!text.contains(['\u{fffe}', '\u{ffff}', '\0']));
    }
}
