//! A drill on one printed page, for readers who decide and do not measure.

use std::io::{self, Write};

use askama::Template;

use crate::report::html::words::Pill;
use crate::report::observed::{Item, Summary, Tile, summary};
use crate::report::{Report, plain};

/// The page.
#[derive(Template)]
#[template(path = "one-page.html", whitespace = "minimize")]
struct OnePage {
    title: String,
    pill: Pill,
    sentence: String,
    what: String,
    warnings: Vec<&'static str>,
    tiles: Vec<TileView>,
    red: Vec<ItemView>,
    more_red: usize,
    undecided: Vec<ItemView>,
    more_undecided: usize,
    not_checked: Vec<String>,
    run_id: String,
    judged: String,
    version: String,
    gold: String,
    policy: String,
}

/// One number.
struct TileView {
    name: &'static str,
    value: String,
    limit: String,
    pill: Option<Pill>,
}

/// One check that is not green.
struct ItemView {
    pill: Pill,
    check: String,
    on: String,
    detail: String,
    remedy: Option<String>,
}

/// Writes a drill as one page that fits on a sheet of A4. Nothing is written of another run.
///
/// # Errors
/// If the writer fails.
pub(in crate::report) fn one_page(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let Some(summary) = summary(report) else {
        return Ok(());
    };
    let page = page(report, summary).render().map_err(io::Error::other)?;
    out.write_all(page.as_bytes())
}

fn page(report: &Report, summary: Summary) -> OnePage {
    let verdict = &report.verdict;
    OnePage {
        title: format!("{}: {} in short", verdict.verdict.name(), verdict.runbook),
        pill: Pill::of_run(verdict.verdict),
        sentence: summary.sentence,
        what: plain(&summary.what),
        warnings: summary.warnings,
        tiles: summary.tiles.into_iter().map(tile).collect(),
        red: summary.red.into_iter().map(item).collect(),
        more_red: summary.more_red,
        undecided: summary.undecided.into_iter().map(item).collect(),
        more_undecided: summary.more_undecided,
        not_checked: summary.not_checked.iter().map(|line| plain(line)).collect(),
        run_id: plain(&verdict.run_id),
        judged: plain(&verdict.ended_at),
        version: plain(&report.record.tool_version),
        gold: verdict.gold.digest.short(12),
        policy: verdict.policy_digest.short(12),
    }
}

fn tile(tile: Tile) -> TileView {
    TileView {
        name: tile.name,
        value: tile.value,
        limit: tile.limit,
        pill: tile.verdict.map(Pill::of_check),
    }
}

fn item(item: Item) -> ItemView {
    ItemView {
        pill: Pill::of_check(item.verdict),
        check: plain(&item.check),
        on: plain(&item.on),
        detail: item.detail,
        remedy: item.remedy,
    }
}
