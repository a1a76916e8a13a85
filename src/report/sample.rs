//! One fixed report with every awkward thing in it, from which all renderers are snapshot-tested.

use serde_json::{Map, Value};

use crate::embed::{EmbedderId, EmbedderKind};
use crate::goldset::Filter;
use crate::ids::{Digest, Form, QuestionId, SectionKey, Seed, TargetName, Topic};
use crate::judge::{
    Basis, Check, CheckId, CheckVerdict, Definition, GoldRef, ReasonCode, Runbook, RunbookStage,
    SideLadder, TargetRef, Verdict, worst,
};
use crate::measure::{CellMetrics, CoverageMode, Lambda, MetricTable, RankValues, Status};
use crate::parity::Inventory;
use crate::parity::stamp::{Digester, GivenRow, Lie, SEED};
use crate::parity::{
    Contract, ContractField, Finding, LadderEvidence, SideParity, compare, diff, ladder,
};
use crate::replay::{Counts, HitRecord, Observation, Outcome, Purpose};
use crate::report::{QuestionRecord, Report, RunRecord, TargetRecord};
use crate::target::{Locality, OffsetUnit, Offsets, Role, Stage, Texts};
use crate::traffic::Observed;
use crate::units::Cutoff;

/// What an attacker, or an unlucky author, might write.
pub(crate) const HOSTILE: &str = "Is <script>alert('x')</script> | `safe`? ]]> \u{1b}[31mred\u{7}\nsecond line \u{202e}desrever & \"quoted\"";

const FORMS: u16 = 2;
const SEEDS: [u64; 2] = [1, 2];

fn target(name: &str) -> TargetName {
    TargetName::new(name)
}

fn question_id(index: usize) -> QuestionId {
    QuestionId::new(format!("q-{index:03}"))
}

fn section(index: usize) -> SectionKey {
    SectionKey::new("failover", format!("part-{index}"))
}

fn hits(index: usize, texts: &mut Texts) -> Vec<HitRecord> {
    let text = if index == 1 {
        HOSTILE.to_owned()
    } else {
        format!("Section {index} tells how the writes are frozen.")
    };
    let digest = Digest::of(&text);
    texts.insert(digest, text);
    let offsets = Some(Offsets {
        start: 0,
        end: 40,
        unit: OffsetUnit::Char,
    });
    vec![HitRecord {
        section: section(index),
        snippet_id: format!("failover/part-{index}#0"),
        score: 0.5,
        text: digest,
        offsets,
    }]
}

/// The state of a cell: healthy on the control; on the follower one question fails, one flips.
fn lambda(name: &str, index: usize, form: u16) -> Lambda {
    match (name, index, form) {
        ("eu-west", 2, _) => Lambda::Divergent,
        ("eu-west", 1, 1) => Lambda::Recursive,
        _ => Lambda::Convergent,
    }
}

fn cell(name: &str, index: usize, form: u16, seed: u64, k: usize) -> CellMetrics {
    let purpose = if k == 10 {
        Purpose::Score
    } else {
        Purpose::Sweep
    };
    let state = lambda(name, index, form);
    let failed = state == Lambda::Divergent;
    let worse = if name == "eu-west" { 0.15 } else { 0.0 };
    let distance = 0.30 + 0.04 * index as f64 + 0.01 * f64::from(form) + 0.002 * k as f64 + worse;
    let some = |value: f64| (!failed).then_some(value);
    CellMetrics {
        target: target(name),
        question: question_id(index),
        topic: Topic::new(if index == 0 { "routing" } else { "failover" }),
        answerable: true,
        form: Form(form),
        seed: Seed(seed),
        k,
        purpose,
        status: if failed {
            Status::Failed {
                class: "no_hits".to_owned(),
                stage: Stage::Tool,
            }
        } else {
            Status::Scored
        },
        n_hits: usize::from(!failed),
        delta_s: some(distance),
        delta_s_anchor: some(distance - 0.1),
        delta_s_decoy: some(distance + 0.1),
        coverage: some(0.9 - worse),
        evidence_coverage: some(1.0),
        coverage_mode: (!failed).then_some(CoverageMode::Span),
        target_rank: (!failed).then_some(1),
        agreement: some(if state == Lambda::Recursive {
            0.3
        } else {
            0.95
        }),
        lambda: (purpose == Purpose::Score).then_some(state),
        elapsed_ms: 0.25,
        latency_ms: None,
        cached: false,
        cold_start: None,
        rank: RankValues::new(),
    }
}

fn observation(cell: &CellMetrics, index: usize, texts: &mut Texts) -> Observation {
    let outcome = match &cell.status {
        Status::Scored => Outcome::Scored {
            hits: hits(index, texts),
            answer: None,
            citations: vec![],
        },
        _ => Outcome::Failed {
            class: "no_hits".to_owned(),
            stage: Stage::Tool,
            message: format!("nothing for {HOSTILE}"),
        },
    };
    Observation {
        target: cell.target.clone(),
        question: cell.question.clone(),
        form: cell.form,
        seed: cell.seed,
        k: Cutoff::new(cell.k).expect("positive"),
        purpose: cell.purpose,
        outcome,
        attempts: 1,
        elapsed_ms: cell.elapsed_ms,
        timing: crate::net::Timing::default(),
        status: None,
        cached: false,
        cold_start: cell.cold_start,
    }
}

fn contract(analyzer: &str, hash: &str) -> Contract {
    Contract::default()
        .with(ContractField::IndexHash, hash)
        .with(ContractField::Metric, "cosine")
        .with(ContractField::Analyzer, analyzer)
        .with(ContractField::BuildTs, "2026-01-02T03:04:05Z")
        .with(ContractField::Count, "3")
}

/// Rows with a text, a value of the metadata and a vector.
fn inventory(rows: &[(&str, &str, [f32; 2])]) -> Inventory {
    let row = |(index, (text, value, vector)): (usize, &(&str, &str, [f32; 2]))| {
        let given = GivenRow {
            id: &format!("failover/part-{index}#0"),
            section: Some(&section(index).to_string()),
            text,
            metadata: &Map::from_iter([(HOSTILE.to_owned(), Value::from(*value))]),
            vector: Some(&vector[..]),
        };
        Digester::new(SEED).row(&given).expect("canonical")
    };
    Inventory {
        rows: rows.iter().enumerate().map(row).collect(),
    }
}

/// What the control holds, and what the follower does: a text, a normal form, a value and two vectors
/// are others, and a row is missing.
fn inventories() -> [Inventory; 2] {
    const EAST: [f32; 2] = [1.0, 0.0];
    [
        inventory(&[
            ("one", "v", EAST),
            ("two", "v", EAST),
            ("caf\u{e9}", "v", EAST),
            ("four", "v", EAST),
            ("five", "v", EAST),
            ("six", "v", EAST),
        ]),
        inventory(&[
            ("one", "v", EAST),
            ("changed", "v", [0.0, 1.0]),
            ("cafe\u{301}", "v", EAST),
            ("four", "w", [1.0, 0.02]),
            ("five", "v", [2.0, 0.0]),
        ]),
    ]
}

pub(super) fn check(
    id: CheckId,
    verdict: CheckVerdict,
    reason_code: ReasonCode,
    numbers: Option<(f64, f64, f64)>,
    detail: &str,
) -> Check {
    let definition = Definition::of(id);
    let quiet = matches!(verdict, CheckVerdict::Pass | CheckVerdict::NotApplicable);
    Check {
        named: None,
        id,
        clause: definition.clause.to_owned(),
        target: target("eu-west"),
        control: target("us-east"),
        kind: definition.kind,
        statistic: definition.statistic.to_owned(),
        estimate: numbers.map(|(estimate, _, _)| estimate),
        ci_low: numbers.map(|(_, low, _)| low),
        ci_high: numbers.map(|(_, _, high)| high),
        confidence: numbers.map(|_| 0.95),
        comparator: definition.comparator,
        limit: definition.limit,
        override_reason: None,
        n_questions: numbers.map(|_| 3),
        n_requests: None,
        n_missing: numbers.map(|_| 4),
        verdict,
        reason_code,
        detail: detail.to_owned(),
        hard_stop: definition.hard_stop,
        remedy: (!quiet).then(|| definition.remedy.to_owned()),
        worst_questions: if quiet {
            Vec::new()
        } else {
            vec![question_id(2), question_id(1)]
        },
    }
}

fn checks() -> Vec<Check> {
    use CheckVerdict::{Fail, Inconclusive, NotApplicable, Pass};
    vec![
        check(
            CheckId::CaDs,
            Inconclusive,
            ReasonCode::BoundCrossesLimit,
            Some((0.44, 0.40, 0.52)),
            "0.440, one-sided 95 % bounds 0.400 and 0.520",
        ),
        check(
            CheckId::CaCov,
            Pass,
            ReasonCode::BoundInsideLimit,
            Some((0.85, 0.78, 0.91)),
            "0.850; 1.000 of the evidence spans",
        ),
        check(
            CheckId::CaLam,
            Fail,
            ReasonCode::BoundOutsideLimit,
            Some((0.33, 0.02, 0.79)),
            "1 of 3 questions converge",
        ),
        check(
            CheckId::CaP95,
            NotApplicable,
            ReasonCode::InProcessTarget,
            None,
            "eu-west runs inside this process",
        ),
        check(
            CheckId::CaNewErr,
            Pass,
            ReasonCode::NoNewErrorClass,
            None,
            "none in 12 probes, 12 on the control",
        ),
        check(
            CheckId::CaPar,
            Fail,
            ReasonCode::FieldDiffers,
            None,
            &format!("ANALYZER is whitespace where en_stem was intended; {HOSTILE}"),
        ),
        check(
            CheckId::CaS0,
            Pass,
            ReasonCode::BoundInsideLimit,
            Some((0.44, 0.40, 0.52)),
            "0.440; no reply violated the schema",
        ),
    ]
}

/// Every cell with the number of its question: three questions, and the sweep with the first
/// wording and seed.
fn cells() -> Vec<(usize, CellMetrics)> {
    let mut cells = Vec::new();
    for index in 0..3 {
        let mut both = |form, seed, k| {
            cells.extend(
                ["us-east", "eu-west"].map(|name| (index, cell(name, index, form, seed, k))),
            );
        };
        for form in 0..FORMS {
            for seed in SEEDS {
                both(form, seed, 10);
            }
        }
        for k in [5, 20] {
            both(0, 1, k);
        }
    }
    cells
}

const RUN_ID: &str = "20260102T030405Z-canary-shadow";

fn contracts() -> [(&'static str, Role, Contract); 2] {
    [
        (
            "us-east",
            Role::Control,
            contract("en_stem", "b3:0011223344556677"),
        ),
        (
            "eu-west",
            Role::Candidate,
            contract("whitespace", "b3:8899aabbccddeeff"),
        ),
    ]
}

fn parity() -> SideParity {
    let [(_, _, control), (_, _, side)] = contracts();
    let [ours, theirs] = inventories();
    SideParity {
        target: target("eu-west"),
        control: target("us-east"),
        fields: compare(&control, &side, &Contract::default()),
        rows: Some(diff(&ours, &theirs)),
    }
}

/// Where the follower breaks first: a rung that holds, one not checked, and several that fail.
fn climbed(parity: &SideParity) -> SideLadder {
    let lie = Lie {
        field: ContractField::Count,
        claimed: HOSTILE.to_owned(),
        computed: "5".to_owned(),
    };
    let moved = Finding::holds("both contracts were read before and after the probes");
    let fusion = Finding::fails(format!("2 of 3 questions moved, such as {HOSTILE}"));
    SideLadder {
        target: parity.target.clone(),
        control: parity.control.clone(),
        ladder: ladder(&LadderEvidence {
            target: Some(&moved),
            fields: &parity.fields,
            lies: &[("eu-west", &[lie])],
            rows: parity.rows.as_ref(),
            fusion: Some(&fusion),
            ..LadderEvidence::default()
        }),
    }
}

fn verdict(probes: Counts) -> Verdict {
    let checks = checks();
    let verdict = worst(&checks);
    Verdict {
        format: Verdict::FORMAT,
        run_id: RUN_ID.to_owned(),
        verdict,
        exit_code: verdict.exit_code(),
        runbook: Runbook::Canary,
        stage: RunbookStage::Shadow,
        evidence: Basis::Bound,
        gold: GoldRef {
            digest: Digest::of("gold"),
            questions: 3,
        },
        policy_digest: Digest::of("policy"),
        referee: EmbedderId {
            kind: EmbedderKind::Cache,
            model: "all-MiniLM-L6-v2".to_owned(),
            dim: 384,
        },
        probes,
        targets: contracts()
            .map(|(name, role, contract)| TargetRef {
                name: target(name),
                role,
                contract,
            })
            .to_vec(),
        checks,
        ladders: vec![climbed(&parity())],
        parity: vec![parity()],
        notes: vec![format!(
            "eu-west gives the same reply for every seed; {HOSTILE}"
        )],
        waivers: Vec::new(),
        started_at: "2026-01-02T03:04:05Z".to_owned(),
        ended_at: "2026-01-02T03:04:07Z".to_owned(),
    }
}

fn question(index: usize) -> QuestionRecord {
    let wording = if index == 1 {
        HOSTILE.to_owned()
    } else {
        format!("How are the writes of part {index} frozen?")
    };
    QuestionRecord {
        id: question_id(index),
        line: index as u64 + 1,
        topic: Topic::new(if index == 0 { "routing" } else { "failover" }),
        forms: vec![wording, format!("Another wording of part {index}?")],
        targets: vec![section(index)],
    }
}

fn record() -> RunRecord {
    RunRecord {
        format: RunRecord::FORMAT,
        tool_version: "0.0.0".to_owned(),
        run_id: RUN_ID.to_owned(),
        gold_name: "sample".to_owned(),
        gold_digest: Digest::of("gold"),
        policy_digest: Digest::of("policy"),
        plan_digest: None,
        started_at: None,
        filter: Filter::default(),
        gold_questions: 3,
        k: 10,
        k_sweep: vec![5, 10, 20],
        seeds: SEEDS.to_vec(),
        judged: None,
        targets: contracts()
            .map(|(name, role, contract)| TargetRecord {
                name: target(name),
                role,
                locality: Locality::InProcess,
                contract_at_start: Some(contract.clone()),
                contract_at_end: Some(contract),
                contract_error: None,
                stamp_lies: Vec::new(),
                given_up: None,
                seeds_vary: Some(false),
                cache_abandoned: None,
                asked_in: None,
                baseline_of: None,
            })
            .to_vec(),
        questions: (0..3).map(question).collect(),
    }
}

/// The same run against two services: one call of each is cold, one reply of an earlier run, and what
/// failed came back as 503 or not at all.
pub(crate) fn services() -> Report {
    let mut report = report();
    for target in &mut report.record.targets {
        target.locality = Locality::Network;
    }
    for (index, seen) in report.observations.iter_mut().enumerate() {
        let ms = 10.0 + index as f64;
        seen.cold_start = Some(index < 2);
        seen.cached = matches!(index, 2 | 3);
        if let Outcome::Failed { class, stage, .. } = &mut seen.outcome {
            seen.attempts = 3;
            seen.elapsed_ms = 3.0 * ms;
            if seen.form.0 == 0 {
                "http_503".clone_into(class);
                *stage = Stage::Headers;
                seen.status = Some(503);
            }
        } else if !seen.cached {
            seen.status = Some(200);
            seen.timing.tffb_ms = Some(ms);
            seen.timing.tusable_ms = Some(ms + 1.0);
            seen.timing.tfinal_ms = Some(ms + 2.0);
        }
    }
    report
}

/// The report.
pub(crate) fn report() -> Report {
    let mut texts = Texts::new();
    let cells = cells();
    let observations: Vec<Observation> = cells
        .iter()
        .map(|(index, cell)| observation(cell, *index, &mut texts))
        .collect();
    let scored = observations
        .iter()
        .filter(|seen| seen.purpose == Purpose::Score);
    let counts = Counts::of(scored.map(|seen| &seen.outcome));
    Report {
        verdict: verdict(counts),
        record: record(),
        table: MetricTable {
            cells: cells.into_iter().map(|(_, cell)| cell).collect(),
        },
        observations,
        texts,
        observed: Observed::default(),
    }
}
