//! A log in parts: however it is split, and in whichever order the parts are merged, it comes to the
//! same table and the same verdicts.

use rand::RngExt;

use ragstone::ids::TargetName;
use ragstone::judge::CheckId::{CaCache, CaErr, CaHit, CaNewErr, CaP95, CaS1, CaS25};
use ragstone::judge::{
    Check, CheckVerdict, ObservedSettings, RunbookStage, Settings, Trial, judge_observed,
};
use ragstone::simulate::{LineWriter, Plan, Scenario, requests};
use ragstone::stats::{Resamples, stream};
use ragstone::traffic::{Gathering, Intake, Observed, ReadOptions, TrafficTable, gather_lines};

/// The lines of a simulated log.
pub(crate) fn simulated(plan: &Plan) -> Vec<u8> {
    let (mut writer, mut log) = (LineWriter::default(), Vec::new());
    for request in requests(plan).expect("a sound plan") {
        writer.write(&request, &mut log);
    }
    log
}

/// A log with a fault in it, and with lines of every kind that is left out or counted apart.
fn odd_log() -> Vec<String> {
    let plan = Plan {
        minutes: 22.0,
        rate: 4.0,
        error_rate: 0.02,
        ..Plan::new(Scenario::NewErrorClass)
    };
    let log = String::from_utf8(simulated(&plan)).expect("UTF-8");
    let mut lines: Vec<String> = log.lines().map(str::to_owned).collect();
    for n in 0..30 {
        let ts = format!("\"ts\":\"2026-01-05T09:10:{n:02}\"");
        let rest = "\"region\":\"us-east\",\"status\":200,\"latency_ms\":{}}";
        lines.push(format!("{{{ts},{rest}"));
        lines.push(format!(
            "{{{ts},\"variant\":\"canary\",\"weather\":{{\"rain\":{n}}},{rest}"
        ));
        lines.push(format!("{{{ts},\"variant\":\"canary\",\"status\":\"{n}\""));
    }
    lines
}

/// Each line in a part by chance, in its order there.
fn split(lines: &[String], n: usize) -> Vec<Vec<u8>> {
    let mut rng = stream(7, n as u64);
    let mut parts = vec![Vec::new(); n];
    for line in lines {
        let part = &mut parts[rng.random_range(0..n)];
        part.extend_from_slice(line.as_bytes());
        part.push(b'\n');
    }
    parts
}

/// Merges two by chance until one is left.
fn merged(mut parts: Vec<Gathering>, seed: u64) -> TrafficTable {
    let mut rng = stream(seed, 0);
    while parts.len() > 1 {
        let other = parts.swap_remove(rng.random_range(0..parts.len()));
        let place = rng.random_range(0..parts.len());
        parts[place].merge(other);
    }
    parts.remove(0).finish()
}

/// All but what the order of lines tells, and where bad ones stand.
fn without_order(mut table: TrafficTable) -> TrafficTable {
    table.intake = Intake {
        bad: Vec::new(),
        n_out_of_order: 0,
        furthest_back_ms: 0,
        clock_skew_ms: std::collections::BTreeMap::new(),
        ..table.intake
    };
    table
}

fn judged(table: &TrafficTable) -> Vec<Check> {
    let settings = Settings {
        observed: ObservedSettings {
            share: Some(0.5),
            planned_minutes: Some(20.0),
            allow_simulated: true,
            ..ObservedSettings::default()
        },
        resamples: Resamples { n: 200, seed: 1 },
        ..Settings::default()
    };
    let trial = Trial {
        side: TargetName::new("canary"),
        control: TargetName::new("control"),
        stage: RunbookStage::Fifty,
        checks: vec![CaP95, CaErr, CaNewErr, CaCache, CaHit, CaS1, CaS25],
        named: Vec::new(),
    };
    let observed = Observed {
        traffic: Some(table.clone()),
        timeline: None,
    };
    judge_observed(&observed, &[trial], &settings)
}

/// Splits, merges and compares, with windows of a length.
fn check(window_s: u32) {
    let options = ReadOptions {
        window_s,
        ..ReadOptions::default()
    };
    let lines = odd_log();
    let gathered = |parts: Vec<Vec<u8>>| -> Vec<Gathering> {
        let named = parts.into_iter().enumerate();
        let gather = |(part, bytes)| gather_lines(&format!("part-{part}.jsonl"), bytes, &options);
        named.map(|part| gather(part).expect("readable")).collect()
    };
    let whole = merged(gathered(split(&lines, 1)), 1);
    let verdicts = judged(&whole);
    assert_eq!(whole.intake.n_lines, lines.len() as u64);
    assert_eq!((whole.intake.n_bad, whole.intake.n_without_arm), (30, 30));
    assert_eq!(whole.intake.unknown_fields["weather"], 30);
    for n in [7, 64] {
        let parts = gathered(split(&lines, n));
        let first = merged(parts.clone(), 1);
        for seed in 2..4 {
            let again = merged(parts.clone(), seed);
            assert_eq!(first.intake, again.intake, "{n} parts");
            assert!(first == again, "{n} parts, merged in another order");
        }
        assert_eq!(first.intake.bad.len(), Intake::SHOWN, "{n} parts");
        let (first, whole) = (without_order(first), without_order(whole.clone()));
        assert_eq!(first.intake, whole.intake, "{n} parts");
        assert!(first == whole, "{n} parts");
        assert_eq!(judged(&first), verdicts, "{n} parts");
    }
    let red = |check: &&Check| check.verdict == CheckVerdict::Fail;
    let red: Vec<_> = verdicts.iter().filter(red).map(|check| check.id).collect();
    assert_eq!(red, [CaNewErr, CaS1]);
}

#[test]
fn parts_merged_in_any_order_are_the_whole() {
    check(60);
}

/// Where hundreds of requests share a window, percentiles are read from buckets, and the parts that
/// have few are merged into those.
#[test]
fn parts_of_long_windows_are_the_whole_too() {
    check(660);
}
