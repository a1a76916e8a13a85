//! Live requests and drills in the step summary.

use std::io::{self, Write};

use crate::report::Report;
use crate::report::markdown::{escape, icon_of};
use crate::report::observed::{
    ArmTotals, Item, error_rows, latency_point, remarks, simulation, steady_words, summary, totals,
};

/// The banner of simulated evidence, and a drill in short.
pub(super) fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(short) = summary(report) else {
        return match simulation(report) {
            Some(words) => writeln!(out, "> **{words}**\n"),
            None => Ok(()),
        };
    };
    for warning in &short.warnings {
        writeln!(out, "> **{warning}**\n")?;
    }
    writeln!(
        out,
        "**{}**\n\n{}\n",
        escape(&short.sentence),
        escape(&short.what)
    )?;
    writeln!(out, "| | | limit | verdict |\n|---|---:|---|---|")?;
    for tile in &short.tiles {
        let verdict = tile.verdict.map_or("not checked", |verdict| verdict.name());
        writeln!(
            out,
            "| {} | {} | {} | {} {verdict} |",
            tile.name,
            escape(&tile.value),
            escape(&tile.limit),
            icon_of(verdict)
        )?;
    }
    writeln!(out)?;
    items(
        "What is red, and what to do",
        &short.red,
        short.more_red,
        out,
    )?;
    items(
        "What could not be decided",
        &short.undecided,
        short.more_undecided,
        out,
    )?;
    if !short.not_checked.is_empty() {
        writeln!(out, "**What was not checked**\n")?;
        for line in &short.not_checked {
            writeln!(out, "- {}", escape(line))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn items(title: &str, list: &[Item], more: usize, out: &mut dyn Write) -> io::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    writeln!(out, "**{title}**\n")?;
    for item in list {
        let remedy = item.remedy.as_deref().map_or_else(String::new, |remedy| {
            format!(" What to do: {}", escape(remedy))
        });
        writeln!(
            out,
            "- {} **{}** on {}: {}{remedy}",
            icon_of(item.verdict.name()),
            escape(&item.check),
            escape(&item.on),
            escape(&item.detail)
        )?;
    }
    if more > 0 {
        writeln!(out, "- and {more} more below")?;
    }
    writeln!(out)
}

/// Arms, error classes, and how the logs were read.
pub(super) fn traffic(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let observed = &report.observed;
    if let Some(table) = &observed.traffic {
        let point = latency_point(report);
        let arms = totals(table);
        writeln!(
            out,
            "## Live requests\n\nArms by `{}`; `{}` of {} in milliseconds.\n",
            table.arm_by.name(),
            point.name(),
            steady_words(&arms)
        )?;
        writeln!(
            out,
            "| arm | requests | share | errors | 5xx | p50 | p75 | p95 | p99 | cold | cache hits | dedupe | queue age |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        for arm in &arms {
            writeln!(
                out,
                "| {} | {} |",
                escape(arm.name),
                arm.figures(point).join(" | ")
            )?;
        }
        writeln!(out)?;
        errors(report, &arms, out)?;
    }
    let told = remarks(observed);
    if !told.is_empty() {
        writeln!(out, "How the logs were read:\n")?;
        for remark in told {
            writeln!(out, "- {}", escape(&remark))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn errors(report: &Report, arms: &[ArmTotals], out: &mut dyn Write) -> io::Result<()> {
    let Some(table) = &report.observed.traffic else {
        return Ok(());
    };
    let rows = error_rows(table);
    if rows.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = arms.iter().map(|arm| escape(arm.name)).collect();
    writeln!(out, "| stage | error class | {} |", names.join(" | "))?;
    writeln!(out, "|---|---|{}", "---:|".repeat(names.len()))?;
    for row in rows {
        let counts = row
            .by_arm
            .iter()
            .map(|class| class.map_or(0, |class| class.n).to_string());
        let counts: Vec<String> = counts.collect();
        writeln!(
            out,
            "| {} | {} | {} |",
            row.of.stage,
            escape(&row.of.class),
            counts.join(" | ")
        )?;
    }
    writeln!(out)
}
