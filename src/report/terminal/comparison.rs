//! Two sides beside each other, within 100 columns.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Paint};

use crate::ids::{Form, QuestionId};
use crate::measure::Lambda;
use crate::report::columns::{clip, clip_middle, left, right, wrap};
use crate::report::hit_lists::{HitList, ListedHit, hit_lists, record};
use crate::report::labels::signed;
use crate::report::{Comparison, Overlap, QuestionRow, Report, plain};

/// Nothing is wider.
const COLUMNS: usize = 100;
/// Questions shown with both hit lists.
const QUESTIONS: usize = 3;
/// Hits of each list.
const HITS: usize = 5;
/// Ids named after a count.
const IDS: usize = 5;
/// One list beside the other.
const LIST_COLUMNS: usize = 46;

/// Writes measures, overlap, flips, topics and the most different questions.
pub(super) fn write(
    comparison: &Comparison,
    report: &Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    measures(comparison, out)?;
    let n_questions = comparison.questions.len();
    let n_same = comparison.n_same_order();
    if n_same == n_questions {
        let questions = questions(n_questions);
        writeln!(
            out,
            "  the sides returned the same sections in the same order on {questions}"
        )?;
    }
    if comparison.differing().next().is_none() {
        return writeln!(out);
    }
    fact(
        "rankings",
        &overlap(&comparison.overlap, report.record.k),
        out,
    )?;
    if n_same < n_questions {
        let words = format!("on {n_same} of {n_questions} questions, all wordings and seeds");
        fact("same order", &words, out)?;
    }
    fact("flips", &flips(comparison), out)?;
    fact("λ by axis", &axes(comparison), out)?;
    writeln!(out)?;
    topics(comparison, out)?;
    writeln!(
        out,
        "  most different questions (✓ target section, * not returned by the other side):"
    )?;
    for row in comparison.differing().take(QUESTIONS) {
        question(comparison, row, report, out)?;
    }
    Ok(())
}

/// `all 100 questions`.
fn questions(n: usize) -> String {
    match n {
        1 => "the 1 question".to_owned(),
        n => format!("all {n} questions"),
    }
}

fn measures(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let bold = Paint::new().bold();
    let name = |name: &str| clip_middle(&plain(name), 40);
    let (a, b) = (name(comparison.a.as_str()), name(comparison.b.as_str()));
    writeln!(out, "{bold}A = {a}, B = {b}{bold:#}")?;
    writeln!(
        out,
        "  {:<16} {:<6} {:>6} {:>6} {:>8}  {:<19} B better / same / worse",
        "measure", "better", "A", "B", "B − A", "one-sided 95 % [ ]"
    )?;
    for row in &comparison.measures {
        let bound = |bound: Option<f64>| bound.map_or("–".to_owned(), |bound| signed(bound, 3));
        let bounds = format!("[{}, {}]", bound(row.ci_low), bound(row.ci_high));
        writeln!(
            out,
            "  {} {:<6} {:>6.3} {:>6.3} {:>8}  {:<19} {:>8} / {:>4} / {:>5}",
            left(&row.measure, 16),
            row.better.word(),
            row.mean_a,
            row.mean_b,
            signed(row.difference, 3),
            bounds,
            row.wins,
            row.ties,
            row.losses,
        )?;
    }
    writeln!(out)
}

/// A named line, wrapped under itself.
fn fact(name: &str, words: &str, out: &mut dyn Write) -> io::Result<()> {
    const NAME: usize = 12;
    for (index, line) in wrap(words, COLUMNS - NAME - 2).iter().enumerate() {
        let name = if index == 0 { name } else { "" };
        writeln!(out, "  {}{line}", left(name, NAME))?;
    }
    Ok(())
}

fn overlap(overlap: &Overlap, k: usize) -> String {
    let number =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    format!(
        "RBO {}, overlap@{k} {}, Jaccard {}, Kendall τ-b {} (means; 1 is the same)",
        number(overlap.rbo),
        number(overlap.overlap_at_k),
        number(overlap.jaccard),
        number(overlap.kendall_tau_b)
    )
}

fn flips(comparison: &Comparison) -> String {
    let side = |side: &str, questions: &[QuestionId]| {
        let n = questions.len();
        format!("on {side} only {n}{}", first(questions))
    };
    format!(
        "questions that converge {}; {}",
        side("A", &comparison.flips.only_a),
        side("B", &comparison.flips.only_b)
    )
}

/// The first ids of a list in brackets.
fn first(questions: &[QuestionId]) -> String {
    let ids: Vec<String> = questions
        .iter()
        .take(IDS)
        .map(|id| clip(&plain(id.as_str()), 24))
        .collect();
    let more = if questions.len() > IDS { ", …" } else { "" };
    if ids.is_empty() {
        String::new()
    } else {
        format!(" ({}{more})", ids.join(", "))
    }
}

fn axes(comparison: &Comparison) -> String {
    let axes = &comparison.axes;
    format!(
        "questions whose λ changes with the paraphrase on B {}, with the seed {}, from A to B {}",
        axes.paraphrase.len(),
        axes.seed.len(),
        axes.region.len()
    )
}

fn topics(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let mut topics = comparison.differing_topics().peekable();
    if topics.peek().is_none() {
        return writeln!(out, "  no topic differs\n");
    }
    writeln!(
        out,
        "  {:<28} {:>9} {:>7} {:>10} {:>14} {:>13} {:>6}",
        "topic", "questions", "differ", "ΔS B − A", "coverage B − A", "λ convergent", "RBO"
    )?;
    for topic in topics {
        writeln!(
            out,
            "  {} {:>9} {:>7} {:>10} {:>14} {:>13} {:>6}",
            left(&plain(topic.topic.as_str()), 28),
            topic.n_questions,
            topic.n_differ,
            topic
                .delta_s
                .map_or_else(|| "–".to_owned(), |value| signed(value, 3)),
            signed(topic.coverage, 3),
            format!("{} → {}", topic.converging_a, topic.converging_b),
            topic
                .rbo
                .map_or_else(|| "–".to_owned(), |rbo| format!("{rbo:.3}")),
        )?;
    }
    writeln!(out)
}

fn question(
    comparison: &Comparison,
    row: &QuestionRow,
    report: &Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    let bold = Paint::new().bold();
    let id = clip(&plain(row.question.as_str()), 30);
    let record = record(report, &row.question);
    let wording = |form: usize| {
        let form = record.and_then(|record| record.forms.get(form));
        plain(form.map_or("", String::as_str))
    };
    writeln!(
        out,
        "  {bold}{id}{bold:#}  {}",
        clip(&plain(row.topic.as_str()), 60)
    )?;
    for line in wrap(&wording(0), COLUMNS - 4).iter().take(3) {
        writeln!(out, "    {line}")?;
    }
    let number =
        |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.3}"));
    let [delta_a, delta_b] = row.delta_s.map(number);
    let [coverage_a, coverage_b] = row.coverage.map(|value| number(Some(value)));
    writeln!(
        out,
        "    ΔS {delta_a} → {delta_b}, coverage {coverage_a} → {coverage_b}"
    )?;
    for (side, states) in ["A", "B"].iter().zip(&row.lambda) {
        let symbols: Vec<&str> = states.iter().map(|state| Lambda::symbol(*state)).collect();
        for line in wrap(&symbols.join(" "), COLUMNS - 10) {
            writeln!(out, "    λ {side}   {line}")?;
        }
    }
    if let Some(cell) = row.least_alike {
        let words = match cell.form {
            Form::ORIGINAL => format!("least alike at the original wording, seed {}", cell.seed.0),
            Form(form) => format!(
                "least alike at wording {form}, seed {}: {}",
                cell.seed.0,
                wording(usize::from(form))
            ),
        };
        for line in wrap(&words, COLUMNS - 4).iter().take(3) {
            writeln!(out, "    {line}")?;
        }
    }
    let sides = [&comparison.a, &comparison.b];
    let lists = hit_lists(report, &sides, &row.question, row.least_alike);
    two_columns(&lists, out)?;
    writeln!(out)
}

fn two_columns(lists: &[HitList], out: &mut dyn Write) -> io::Result<()> {
    let [a, b] = lists else { return Ok(()) };
    let green = Paint::new().fg_color(Some(AnsiColor::Green.into()));
    let columns = [list("A", a), list("B", b)];
    let n_lines = columns.iter().map(Vec::len).max().unwrap_or(0);
    for index in 0..n_lines {
        let cell = |column: &Vec<Line>| {
            let blank = Line::default();
            let line = column.get(index).unwrap_or(&blank);
            let text = left(&line.text, LIST_COLUMNS);
            if line.target {
                format!("{green}{text}{green:#}")
            } else {
                text
            }
        };
        let (a, b) = (cell(&columns[0]), cell(&columns[1]));
        writeln!(out, "{}", format!("    {a} │ {b}").trim_end())?;
    }
    Ok(())
}

/// One line of a list.
#[derive(Default)]
struct Line {
    text: String,
    target: bool,
}

fn list(side: &str, list: &HitList) -> Vec<Line> {
    let line = |text: String, target| Line { text, target };
    let shown = || list.hits.iter().take(HITS);
    let head = match list.hits.len() {
        0 => side.to_owned(),
        n => format!("{side}, first {} of {n}", n.min(HITS)),
    };
    let mut lines = vec![line(head, false)];
    if let Some(problem) = &list.problem {
        let problem = wrap(&plain(problem), LIST_COLUMNS);
        lines.extend(problem.into_iter().take(HITS).map(|text| line(text, false)));
    } else if list.hits.is_empty() {
        lines.push(line("nothing".to_owned(), false));
    }
    let scores: Vec<String> = shown().map(|hit| format!("{:.4}", hit.hit.score)).collect();
    let score_columns = scores.iter().map(String::len).max().unwrap_or(0).min(12);
    for (hit, score) in shown().zip(&scores) {
        lines.push(line(entry(hit, score, score_columns), hit.target));
    }
    lines
}

fn entry(hit: &ListedHit, score: &str, score_columns: usize) -> String {
    let tick = if hit.target { '✓' } else { ' ' };
    let mark = if hit.only_here { '*' } else { ' ' };
    let section = plain(&hit.hit.section.to_string());
    // Rank, tick, mark and the blanks between them take seven columns.
    let room = LIST_COLUMNS - score_columns - 7;
    let section = left(&clip_middle(&section, room), room);
    let score = right(score, score_columns);
    format!("{:>2} {tick}{mark} {section} {score}", hit.rank)
}
