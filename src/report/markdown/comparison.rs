//! Two sides beside each other, as tables.

use std::io::{self, Write};

use crate::ids::{Form, QuestionId, TargetName};
use crate::measure::Lambda;
use crate::report::hit_lists::{HitList, hit_lists, record};
use crate::report::labels::signed;
use crate::report::markdown::escape;
use crate::report::{Comparison, QuestionRow, Report};

/// Questions shown with both hit lists.
const QUESTIONS: usize = 5;
/// Hits of each list.
const HITS: usize = 5;
/// Ids named after a count.
const IDS: usize = 12;

/// Writes measures, overlap, flips, topics and the most different questions.
pub(super) fn write(
    comparison: &Comparison,
    report: &Report,
    out: &mut dyn Write,
) -> io::Result<()> {
    let [a, b] = [&comparison.a, &comparison.b].map(name);
    writeln!(out, "## Side by side: {a} (A) and {b} (B)\n")?;
    measures(comparison, out)?;
    let (n_same, n) = (comparison.n_same_order(), comparison.questions.len());
    writeln!(
        out,
        "The sides returned the same sections in the same order on {n_same} of {n} questions.\n"
    )?;
    if comparison.differing().next().is_none() {
        return Ok(());
    }
    rankings(comparison, report.record.k, out)?;
    topics(comparison, out)?;
    writeln!(out, "### Most different questions\n")?;
    for row in comparison.differing().take(QUESTIONS) {
        question(comparison, row, report, out)?;
    }
    Ok(())
}

fn name(target: &TargetName) -> String {
    escape(target.as_str())
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn measures(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "| measure | better | A | B | B − A | one-sided 95 % bounds | B better / same / worse |\n|---|---|---:|---:|---:|---:|---:|"
    )?;
    let bound = |bound: Option<f64>| bound.map_or("–".to_owned(), |bound| signed(bound, 3));
    for row in &comparison.measures {
        writeln!(
            out,
            "| {} | {} | {:.3} | {:.3} | {} | {} … {} | {} / {} / {} |",
            escape(&row.measure),
            row.better.word(),
            row.mean_a,
            row.mean_b,
            signed(row.difference, 3),
            bound(row.ci_low),
            bound(row.ci_high),
            row.wins,
            row.ties,
            row.losses
        )?;
    }
    writeln!(out)
}

fn rankings(comparison: &Comparison, k: usize, out: &mut dyn Write) -> io::Result<()> {
    let overlap = &comparison.overlap;
    writeln!(
        out,
        "- Rankings, mean over questions (1 is the same): RBO {}, overlap at {k} {}, Jaccard {}, Kendall τ-b {}.",
        number(overlap.rbo),
        number(overlap.overlap_at_k),
        number(overlap.jaccard),
        number(overlap.kendall_tau_b)
    )?;
    let side = |side: &str, questions: &[QuestionId]| {
        let n = questions.len();
        format!("on {side} only {n}{}", first(questions))
    };
    writeln!(
        out,
        "- Flips, questions that converge: {}; {}.",
        side("A", &comparison.flips.only_a),
        side("B", &comparison.flips.only_b)
    )?;
    let axes = &comparison.axes;
    writeln!(
        out,
        "- λ by axis, questions whose λ changes: with the paraphrase on B {}, with the seed on B {}, from A to B {}.\n",
        axes.paraphrase.len(),
        axes.seed.len(),
        axes.region.len()
    )
}

/// The first ids of a list in brackets.
fn first(questions: &[QuestionId]) -> String {
    let ids: Vec<String> = questions
        .iter()
        .take(IDS)
        .map(|id| escape(id.as_str()))
        .collect();
    let more = if questions.len() > IDS { ", …" } else { "" };
    if ids.is_empty() {
        String::new()
    } else {
        format!(" ({}{more})", ids.join(", "))
    }
}

fn topics(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let mut topics = comparison.differing_topics().peekable();
    if topics.peek().is_none() {
        return writeln!(out, "No topic differs.\n");
    }
    writeln!(
        out,
        "| topic | questions | differ | ΔS B − A | coverage B − A | λ convergent A | B | RBO |\n|---|---:|---:|---:|---:|---:|---:|---:|"
    )?;
    for topic in topics {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            escape(topic.topic.as_str()),
            topic.n_questions,
            topic.n_differ,
            topic
                .delta_s
                .map_or_else(|| "–".to_owned(), |value| signed(value, 3)),
            signed(topic.coverage, 3),
            topic.converging_a,
            topic.converging_b,
            number(topic.rbo)
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
    let record = record(report, &row.question);
    let wording = |form: Form| {
        let form = record.and_then(|record| record.forms.get(usize::from(form.0)));
        escape(form.map_or("", String::as_str))
    };
    writeln!(
        out,
        "**{}** ({}): {}\n",
        escape(row.question.as_str()),
        escape(row.topic.as_str()),
        wording(Form::ORIGINAL)
    )?;
    let states = |states: &[Lambda]| {
        let symbols: Vec<&str> = states.iter().map(|state| state.symbol()).collect();
        symbols.join(" ")
    };
    writeln!(
        out,
        "ΔS {} → {}, coverage {:.3} → {:.3}, λ of A `{}`, of B `{}`.",
        number(row.delta_s[0]),
        number(row.delta_s[1]),
        row.coverage[0],
        row.coverage[1],
        states(&row.lambda[0]),
        states(&row.lambda[1])
    )?;
    if let Some(cell) = row.least_alike {
        let (form, seed) = (cell.form, cell.seed.0);
        match form {
            Form::ORIGINAL => writeln!(out, "Least alike at the original wording, seed {seed}.\n"),
            _ => writeln!(
                out,
                "Least alike at wording {}, seed {seed}: {}\n",
                form.0,
                wording(form)
            ),
        }?;
    } else {
        writeln!(out)?;
    }
    let sides = [&comparison.a, &comparison.b];
    let lists = hit_lists(report, &sides, &row.question, row.least_alike);
    two_columns(&lists, out)
}

fn two_columns(lists: &[HitList], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| rank | A | B |\n|---:|---|---|")?;
    let longest = lists.iter().map(|list| list.hits.len()).max();
    for index in 0..longest.unwrap_or(0).clamp(1, HITS) {
        let cells: Vec<String> = lists.iter().map(|list| entry(list, index)).collect();
        writeln!(out, "| {} | {} |", index + 1, cells.join(" | "))?;
    }
    writeln!(out)
}

fn entry(list: &HitList, index: usize) -> String {
    match (&list.problem, list.hits.get(index)) {
        (Some(problem), _) if index == 0 => format!("**no hits:** {}", escape(problem)),
        (_, Some(hit)) => {
            let tick = if hit.target { "✓ " } else { "" };
            let only = if hit.only_here { ", **only here**" } else { "" };
            let section = hit.hit.section.to_string();
            format!("{tick}{} {:.4}{only}", escape(&section), hit.hit.score)
        }
        _ => String::new(),
    }
}
