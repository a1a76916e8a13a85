//! What a step of GitHub Actions hands on: annotations, outputs and a summary.
//!
//! Source: GitHub's "Workflow commands for GitHub Actions", and the runner's parser of them.

use std::io::{self, Write};

use crate::ids::{Digest, QuestionId};
use crate::judge::{Check, CheckVerdict};
use crate::report::columns::clip;
use crate::report::{Report, labels, markdown, plain, terminal};

/// Of more annotations of a kind, GitHub shows none.
const MOST_OF_A_KIND: usize = 10;

/// More of an annotation than this nobody reads beside a line of code.
const MESSAGE_COLUMNS: usize = 2_000;

/// The most that GitHub takes as the summary of a step.
pub const SUMMARY_BYTES: u64 = 1024 * 1024;

/// What the key of an output's delimiter is derived from.
const DELIMITER_DOMAIN: &str = "ragstone 2026 delimiter of a step's output v1";

/// A line of a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, from the root of the repository.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
}

/// Writes workflow commands, one a line: `error` for FAIL, `warning` for INCONCLUSIVE, ERROR and WAIVED,
/// and one `notice` with the verdict. `place` says where a check points to, if anywhere.
///
/// GitHub shows ten annotations of a kind. Where there are more, the tenth says how many.
///
/// # Errors
/// If the writer fails.
pub fn annotations(
    report: &Report,
    place: &dyn Fn(&Check) -> Option<Place>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let checks = &report.verdict.checks;
    let of = |wanted: fn(&Check) -> bool| -> Vec<&Check> {
        let found = checks.iter().filter(|check| wanted(check));
        found.collect()
    };
    let mut failed = of(|check| check.verdict == CheckVerdict::Fail);
    failed.sort_by_key(|check| !check.hard_stop);
    let unsure = of(|check| {
        check.verdict == CheckVerdict::Waived
            || check.is_red() && check.verdict != CheckVerdict::Fail
    });
    for (command, checks) in [("error", failed), ("warning", unsure)] {
        kind(command, &checks, report, place, out)?;
    }
    let verdict = &report.verdict;
    let title = format!("Ragstone: {}", verdict.verdict.name());
    let words = format!(
        "{} at stage {}: {}",
        verdict.runbook,
        verdict.stage,
        terminal::tally(checks)
    );
    command("notice", &title, None, &words, out)
}

fn kind(
    name: &str,
    checks: &[&Check],
    report: &Report,
    place: &dyn Fn(&Check) -> Option<Place>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = if checks.len() > MOST_OF_A_KIND {
        MOST_OF_A_KIND - 1
    } else {
        checks.len()
    };
    for check in &checks[..shown] {
        let label = labels::whole(check, &report.verdict.checks);
        let word = match check.verdict {
            CheckVerdict::Fail if check.hard_stop => "HARD_STOP",
            verdict => verdict.name(),
        };
        let title = format!("{word} {label}");
        command(name, &title, place(check).as_ref(), &message(check), out)?;
    }
    let rest: Vec<String> = checks[shown..]
        .iter()
        .map(|check| labels::whole(check, &report.verdict.checks))
        .collect();
    if rest.is_empty() {
        return Ok(());
    }
    let title = format!("{} more", rest.len());
    command(name, &title, None, &rest.join(", "), out)
}

fn message(check: &Check) -> String {
    let mut parts = vec![format!("{}: {}", check.clause, check.detail)];
    parts.extend(
        check
            .remedy
            .as_ref()
            .map(|remedy| format!("What to do: {remedy}")),
    );
    if !check.worst_questions.is_empty() {
        let worst: Vec<&str> = check
            .worst_questions
            .iter()
            .map(QuestionId::as_str)
            .collect();
        parts.push(format!("Worst questions: {}", worst.join(", ")));
    }
    let parts: Vec<String> = parts.iter().map(|part| plain(part)).collect();
    clip(&parts.join("\n"), MESSAGE_COLUMNS)
}

fn command(
    name: &str,
    title: &str,
    place: Option<&Place>,
    message: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let place = place.map_or_else(String::new, |place| {
        format!(",file={},line={}", property(&place.file), place.line)
    });
    writeln!(
        out,
        "::{name} title={}{place}::{}",
        property(&plain(title)),
        data(message)
    )
}

/// The message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Writes the outputs of the step, as the file that `$GITHUB_OUTPUT` names takes them: `verdict`,
/// `exit_code`, `run` (the folder) and `failed_checks` (one a line).
///
/// # Errors
/// If the writer fails.
pub fn step_outputs(report: &Report, run: &str, out: &mut dyn Write) -> io::Result<()> {
    let verdict = &report.verdict;
    let failed: Vec<String> = verdict
        .checks
        .iter()
        .filter(|check| check.verdict == CheckVerdict::Fail)
        .map(|check| plain(&labels::whole(check, &verdict.checks)))
        .collect();
    writeln!(out, "verdict={}", verdict.verdict.name())?;
    writeln!(out, "exit_code={}", verdict.exit_code)?;
    output("run", run, out)?;
    output("failed_checks", &failed.join("\n"), out)
}

/// An output of any text. Its delimiter is made of a digest of the text, so that the text cannot hold it.
fn output(name: &str, value: &str, out: &mut dyn Write) -> io::Result<()> {
    let delimiter = Digest::derive(DELIMITER_DOMAIN, value).to_string();
    let delimiter = delimiter.replace(':', "_");
    let end = if value.is_empty() { "" } else { "\n" };
    writeln!(out, "{name}<<{delimiter}\n{value}{end}{delimiter}")
}

/// The step summary in Markdown, in less than `room` bytes: what is too much is left out from the end of a
/// line on, and a remark says so. Nothing, where there is no room even for that.
///
/// # Errors
/// If the report cannot be drawn.
pub fn step_summary(report: &Report, room: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    markdown(report, &mut bytes)?;
    let whole = String::from_utf8(bytes).map_err(io::Error::other)?;
    Ok(cut(whole, usize::try_from(room).unwrap_or(usize::MAX)))
}

const CUT: &str =
    "\n**The rest is left out: GitHub shows no more than 1 MiB. All of it is in `summary.md`.**\n";

fn cut(mut text: String, room: usize) -> String {
    if text.len() < room {
        return text;
    }
    let Some(most) = room.checked_sub(CUT.len() + 1) else {
        return String::new();
    };
    let end = text.as_bytes()[..most].iter().rposition(|b| *b == b'\n');
    text.truncate(end.map_or(0, |end| end + 1));
    text + CUT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn annotated(report: &Report) -> Vec<String> {
        let mut bytes = Vec::new();
        annotations(report, &|_| None, &mut bytes).expect("a vector takes everything");
        let text = String::from_utf8(bytes).expect("UTF-8");
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_text_is_escaped_as_the_runner_unescapes_it() {
        assert_eq!(data("50% : a,b\r\n"), "50%25 : a,b%0D%0A");
        assert_eq!(property("50% : a,b\n::x"), "50%25 %3A a%2Cb%0A%3A%3Ax");
    }

    #[test]
    fn a_command_that_a_text_forges_is_part_of_the_message() {
        let mut report = sample::report();
        report.verdict.checks[2].detail = "x\n::error::y%0A::set-output name=a::b".to_owned();
        let lines = annotated(&report);
        assert!(lines.iter().all(|line| !line.contains('\n')));
        let told = lines.iter().find(|line| line.contains("CA-LAM"));
        let told = told.expect("the check is told");
        assert!(
            told.contains("x⏎::error::y%250A::set-output name=a::b"),
            "{told}"
        );
        assert_eq!(lines.len(), 4, "two failed, one unsure, and the verdict");
    }

    #[test]
    fn the_tenth_of_too_many_says_how_many_more_there_are() {
        let mut report = sample::report();
        let red = report.verdict.checks[2].clone();
        for (n, shown, rest) in [
            (10, 10, None),
            (11, 10, Some("2 more")),
            (40, 10, Some("31 more")),
        ] {
            report.verdict.checks = vec![red.clone(); n];
            let lines = annotated(&report);
            let errors: Vec<&String> = lines.iter().filter(|l| l.starts_with("::error ")).collect();
            assert_eq!(errors.len(), shown);
            let last = errors.last().expect("errors");
            assert_eq!(last.contains(" more::"), rest.is_some(), "{last}");
            assert!(rest.is_none_or(|rest| last.contains(rest)), "{last}");
        }
    }

    #[test]
    fn a_hard_stop_comes_first() {
        let mut report = sample::report();
        report.verdict.checks[6].verdict = CheckVerdict::Fail;
        let lines = annotated(&report);
        assert!(
            lines[0].starts_with("::error title=HARD_STOP CA-S0 on eu-west::"),
            "{}",
            lines[0]
        );
    }

    #[test]
    fn an_output_cannot_hold_its_delimiter() {
        let mut bytes = Vec::new();
        output("run", "a\nverdict=PASS\nb3_00", &mut bytes).expect("written");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, rest) = text.split_once('\n').expect("lines");
        let delimiter = head.strip_prefix("run<<").expect("a delimiter");
        assert_eq!(rest, format!("a\nverdict=PASS\nb3_00\n{delimiter}\n"));
        let mut empty = Vec::new();
        output("run", "", &mut empty).expect("written");
        assert_eq!(String::from_utf8(empty).expect("UTF-8").lines().count(), 2);
    }

    #[test]
    fn a_summary_is_cut_at_the_end_of_a_line_and_says_so() {
        let text = "a line of text\n".repeat(40);
        assert_eq!(cut(text.clone(), text.len() + 1), text);
        let short = cut(text.clone(), text.len());
        assert!(short.len() < text.len() && short.ends_with(CUT));
        assert!(text.starts_with(short.strip_suffix(CUT).expect("the remark")));
        assert!(
            short
                .strip_suffix(CUT)
                .is_some_and(|kept| kept.ends_with('\n'))
        );
        assert_eq!(cut(text.clone(), 20), "");
        assert_eq!(cut(text, CUT.len() + 5), CUT);
    }
}
