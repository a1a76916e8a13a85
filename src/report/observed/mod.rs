//! What live requests and a drill log come to, arranged for people. Nothing here decides anything.
//!
//! Text from outside is left as it is: the renderer makes it harmless.

mod answers;
mod caches;
mod contracts;
mod intake;
mod moments;
mod phases;
mod queues;
mod requests;
mod series;
mod story;
mod summary;

pub(super) use answers::{AnswersTable, answers};
pub(super) use caches::{Cache, caches, hit_ratios};
pub(super) use contracts::{Said, Stated, contract_log, fields_of};
pub(super) use intake::{remarks, simulation};
pub(super) use moments::{Moments, Period, clock, lasting, since};
pub(super) use phases::{Phase, phases, region_and_phase};
pub(super) use queues::{drain_limit_s, queues};
pub(super) use requests::{
    ArmTotals, ErrorRow, PeriodRow, Routed, error_rows, p95_limit, period_rows, routed,
    steady_words, tails, totals, within,
};
pub(super) use series::{Point, Series};
pub(super) use story::story;
pub(super) use summary::{Item, Summary, Tile, headline, summary};

use crate::report::Report;
use crate::traffic::{LatencyPoint, Temperature};

/// Which latency the clauses of a report mean.
pub(super) fn latency_point(report: &Report) -> LatencyPoint {
    let judged = report.record.judged.as_ref();
    judged.map_or_else(LatencyPoint::default, |judged| {
        judged.settings.observed.latency
    })
}

/// A temperature in words.
pub(super) fn temperature(of: Temperature) -> &'static str {
    match of {
        Temperature::Warm => "warm",
        Temperature::Cold => "cold",
        Temperature::Untold => "not told",
    }
}

/// A share in percent with one decimal, or two near nothing and near all: `12.5 %`, `0.04 %`; a dash
/// without anything to have a share of.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let percent = 100.0 * part as f64 / whole as f64;
    let decimals = match part {
        _ if part == 0 || part == whole => 0,
        _ if (1.0..=99.0).contains(&percent) => 1,
        _ => 2,
    };
    format!("{percent:.decimals$} %")
}

/// Milliseconds as tables show them: one decimal below 100, none above; a dash without a number.
pub(super) fn milliseconds(ms: Option<f64>) -> String {
    match ms.filter(|ms| ms.is_finite()) {
        Some(ms) if ms < 99.95 => format!("{ms:.1}"),
        Some(ms) => format!("{ms:.0}"),
        None => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_keep_the_digits_that_tell() {
        assert_eq!(
            [(0, 0), (0, 9), (1, 8), (4, 10_000), (9, 9)].map(|(part, whole)| share(part, whole)),
            ["–", "0 %", "12.5 %", "0.04 %", "100 %"]
        );
    }

    #[test]
    fn milliseconds_lose_their_decimals_when_they_are_many() {
        let shown = [None, Some(f64::NAN), Some(0.25), Some(99.94), Some(1320.4)];
        assert_eq!(shown.map(milliseconds), ["–", "–", "0.2", "99.9", "1320"]);
    }
}
