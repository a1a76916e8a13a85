//! The events of a drill, and the purges of a canary's caches.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::judge::Runbook;
use crate::simulate::cast::{Arm, OTHER_INDEX, REGIONS, arms};
use crate::simulate::course::{Course, EVACUATED, SURVIVOR};
use crate::simulate::law::Law;
use crate::simulate::request::{DedupeKey, FIRST_PURGES, PURGE_EVERY};
use crate::simulate::{Plan, PlanError, Scenario, Stream};
use crate::stats::stream;
use crate::traffic::{Event, Happening, KeyParts};
use crate::units::Moment;

/// Milliseconds from one sample of the queues to the next, and of the caches, and of health.
const QUEUE_EVERY: i64 = 10_000;
const CACHE_EVERY: i64 = 15_000;
const HEALTH_EVERY: i64 = 30_000;
/// Milliseconds from one accepted write to the next.
const WRITE_EVERY: i64 = 4_000;
/// Queue samples before the decision and before the end in which nothing waits.
const QUIET: i64 = 5;

/// The events of a plan in the order of their time: those of a drill, or the purges of a canary; none
/// at another runbook.
///
/// # Errors
/// If the plan cannot be simulated.
pub fn events(plan: &Plan) -> Result<Vec<Event>, PlanError> {
    plan.check()?;
    let mut log = Log {
        start: plan.start.as_millisecond(),
        events: Vec::new(),
    };
    match plan.runbook {
        Runbook::FailoverDrill => drill(plan, &mut log),
        Runbook::Canary => purges(plan, &mut log),
        _ => {}
    }
    // Stable, so that what is told first comes first.
    log.events.sort_by_key(|event| event.ts.as_millisecond());
    Ok(log.events)
}

struct Log {
    start: i64,
    events: Vec<Event>,
}

impl Log {
    fn add(&mut self, at: i64, what: Happening) {
        let ts = Moment::from_millisecond(self.start + at).expect("a moment of a plan");
        self.events.push(Event {
            ts,
            what,
            simulated: true,
        });
    }
}

fn name(region: usize) -> String {
    REGIONS[region].name.to_owned()
}

/// Purges of both arms' caches.
fn purges(plan: &Plan, log: &mut Log) {
    let (arms, laws) = (arms(plan.runbook), Law::of(plan));
    for side in 0..2 {
        let mut at = FIRST_PURGES[side];
        let taken = if laws[side].purges_other {
            1 - side
        } else {
            side
        };
        while at < plan.length_ms() {
            let what = Happening::CachePurged {
                prefix: arms[taken].prefix.to_owned(),
                region: None,
                variant: Some(arms[side].release.variant.to_owned()),
            };
            log.add(at, what);
            at += PURGE_EVERY;
        }
    }
}

fn drill(plan: &Plan, log: &mut Log) {
    let course = Course::of(plan);
    let arms = arms(plan.runbook);
    let mut rng = stream(plan.seed, Stream::Events as u64);
    steps(&course, log);
    samples(plan, &course, &arms, &mut rng, log);
    writes(plan, &course, &arms, &mut rng, log);
    log.add(course.ended - 1, Happening::DrillEnded {});
}

/// What the operators do.
fn steps(course: &Course, log: &mut Log) {
    let region = || name(EVACUATED);
    log.add(
        0,
        Happening::WeightChanged {
            region: name(SURVIVOR),
            weight: 100.0,
        },
    );
    for (at, weight) in &course.weights {
        let (region, weight) = (region(), *weight);
        log.add(*at, Happening::WeightChanged { region, weight });
    }
    let region = region();
    log.add(course.decided, Happening::EvacuateDecided { region });
    let region = Some(name(SURVIVOR));
    log.add(course.cutover, Happening::CutoverComplete { region });
    let region = name(EVACUATED);
    log.add(course.returned, Happening::ReturnDecided { region });
}

/// What is measured all along: queues, caches, health.
fn samples(plan: &Plan, course: &Course, arms: &[Arm; 2], rng: &mut ChaCha8Rng, log: &mut Log) {
    for (side, arm) in arms.iter().enumerate() {
        let region = || Some(name(side));
        for at in every(QUEUE_EVERY, course) {
            let near = |moment: i64| (moment - QUIET * QUEUE_EVERY..moment).contains(&at);
            let idle = if near(course.decided) || near(course.ended) {
                0
            } else {
                // One waits now and then, and never in two samples in a row.
                u64::from(at / QUEUE_EVERY % 3 == 1 && rng.random_bool(0.4))
            };
            let backlog = idle.max(course.backlog(side, at));
            let what = Happening::QueueSample {
                backlog,
                age_ms: Some(90.0 * backlog as f64),
                region: region(),
                queue: Some("ingest".to_owned()),
            };
            log.add(at, what);
        }
        let purged = Happening::CachePurged {
            prefix: arm.prefix.to_owned(),
            region: region(),
            variant: None,
        };
        log.add(course.purged[side], purged);
        for at in every(CACHE_EVERY, course) {
            let usual = 0.6 + 0.02 * (rng.random::<f64>() - 0.5);
            let what = Happening::CacheSample {
                prefix: arm.prefix.to_owned(),
                hit_ratio: (usual * course.warmth(side, at) * 1e4).round() / 1e4,
                region: region(),
            };
            log.add(at, what);
        }
        for at in every(HEALTH_EVERY, course) {
            let status = course.health(side, at);
            let what = Happening::Health {
                region: name(side),
                contract: if status == 200 {
                    contract(plan, side, arm)
                } else {
                    BTreeMap::new()
                },
                status: Some(status),
            };
            log.add(at, what);
        }
    }
}

fn every(step: i64, course: &Course) -> impl Iterator<Item = i64> {
    (1..).map(move |n| n * step).take_while({
        let ended = course.ended;
        move |at| *at < ended
    })
}

/// What a region's health endpoint states.
fn contract(plan: &Plan, side: usize, arm: &Arm) -> BTreeMap<String, String> {
    let skewed = plan.scenario == Scenario::IndexSkew && side == SURVIVOR;
    let (index, analyzer) = if skewed {
        (OTHER_INDEX, "whitespace")
    } else {
        (arm.release.index_hash, "en_stem")
    };
    let fields = [
        ("INDEX_HASH", index),
        ("METRIC", "cosine"),
        ("ANALYZER", analyzer),
        ("SCHEMA_REV", "sc-12"),
        ("MODEL_TAG", "m3"),
        ("SECRETS_REV", "s-7"),
    ];
    fields
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .into()
}

/// Writes with their webhooks. Those that are accepted between the decision and the cutover wait and are
/// applied by the survivor.
fn writes(plan: &Plan, course: &Course, arms: &[Arm; 2], rng: &mut ChaCha8Rng, log: &mut Log) {
    // The last ones have time to be applied before the drill ends.
    let until = course.ended - 10_000;
    // Of the writes after the cutover, by their number.
    let mut after = 0;
    for n in 0..(until / WRITE_EVERY) {
        let at = n * WRITE_EVERY + rng.random_range(0..WRITE_EVERY);
        let took = rng.random_range(200..2_000);
        let told = rng.random_range(50..500);
        let writer = course.writer(at);
        let applied_at = if at >= course.decided && at < course.cutover {
            course.cutover + took
        } else {
            at + took
        };
        let applier = course.writer(applied_at);
        let both = course.is_split(at);
        after += u32::from(at >= course.cutover);
        let lost = plan.scenario == Scenario::LostWrite && matches!(after, 5 | 9);
        let again = plan.scenario == Scenario::DuplicateWebhook && matches!(after, 4 | 8 | 15);
        let write = Write::new(n, arms[writer].release.index_hash);
        log.add(at, write.accepted(writer));
        if lost && writer == SURVIVOR {
            continue;
        }
        log.add(applied_at, write.applied(applier));
        let told_at = applied_at + told;
        log.add(told_at, write.told(course.writer(told_at)));
        if again && writer == SURVIVOR {
            log.add(told_at + 1_500, write.told(SURVIVOR));
        }
        if both {
            log.add(at + 30, write.accepted(EVACUATED));
            log.add(applied_at + 40, write.applied(EVACUATED));
            log.add(told_at + 40, write.told(EVACUATED));
        }
    }
}

struct Write {
    id: String,
    key: DedupeKey,
    parts: KeyParts,
}

impl Write {
    fn new(n: i64, index_hash: &str) -> Self {
        let (source, partition) = (format!("doc-{n}"), format!("p{}", n % 8));
        Self {
            id: format!("w{n}"),
            key: DedupeKey::of(&[&source, "1", index_hash, &partition]),
            parts: KeyParts {
                source_id: Some(source),
                revision: Some("1".to_owned()),
                index_hash: Some(index_hash.to_owned()),
                partition: Some(partition),
            },
        }
    }

    fn accepted(&self, region: usize) -> Happening {
        Happening::WriteAccepted {
            id: self.id.clone(),
            key: Some(self.key.as_str().to_owned()),
            region: Some(name(region)),
            parts: self.parts.clone(),
        }
    }

    fn applied(&self, region: usize) -> Happening {
        Happening::WriteApplied {
            id: self.id.clone(),
            key: Some(self.key.as_str().to_owned()),
            region: name(region),
        }
    }

    fn told(&self, region: usize) -> Happening {
        let event_id = format!("e-{}", self.id);
        Happening::WebhookEmitted {
            dedupe_key: DedupeKey::of(&[&event_id, "1"]).as_str().to_owned(),
            region: name(region),
            event_id: Some(event_id),
            rev: Some("1".to_owned()),
        }
    }
}
