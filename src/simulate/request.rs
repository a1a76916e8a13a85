//! The requests of a plan, one after the other.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::judge::Runbook;
use crate::measure::Lambda;
use crate::simulate::cast::{Arm, OTHER_INDEX, REGIONS, Region, arms};
use crate::simulate::course::Course;
use crate::simulate::law::Law;
use crate::simulate::queue::Queues;
use crate::simulate::{Plan, PlanError, Stream};
use crate::stats::stream;

pub use crate::simulate::cast::Release;
pub use crate::simulate::queue::Queue;

/// One request, as a line of the log states it.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// When it came, in milliseconds since 1970.
    pub at_ms: i64,
    /// What was asked.
    pub route: &'static str,
    /// The software that answered.
    pub release: Release,
    /// The session that it belongs to; the same one always meets the same arm while shares stay.
    pub session: u32,
    /// The region that answered.
    pub region: &'static str,
    /// The edge that it came through.
    pub edge_pop: &'static str,
    /// Whether an instance had to start first.
    pub cold_start: bool,
    /// Whether it only keeps an instance warm.
    pub warm_ping: bool,
    /// `tffb`, `tusable` and `tfinal`, in tenths of a millisecond.
    pub latency: [u32; 3],
    /// HTTP status.
    pub status: u16,
    /// Where a time limit ran out.
    pub timeout_stage: Option<&'static str>,
    /// What went wrong.
    pub error_class: Option<&'static str>,
    /// What an answer was made of; `None` where nothing was retrieved.
    pub retrieval: Option<Answered>,
    /// What was done with the cache.
    pub cache: Option<CacheUse>,
    /// The call that a write makes to the outside.
    pub egress: Option<Call>,
    /// The queue that it met.
    pub queue: Queue,
    /// Contract pins.
    pub pins: PinsStated,
}

/// What an answer was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answered {
    /// Hits asked for.
    pub k: u32,
    /// `INDEX_HASH` of the index that was asked.
    pub index_hash: &'static str,
    /// The analyzer of that index.
    pub analyzer: &'static str,
    /// ΔS(question, retrieved) in ten-thousandths.
    pub delta_s: u32,
    /// Coverage of the target section in ten-thousandths.
    pub coverage: u32,
    /// Its λ state.
    pub lambda: Lambda,
}

/// What was done with the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheUse {
    /// The prefix of the keys.
    pub prefix: &'static str,
    /// Whether an answer was found; `None` for a purge.
    pub hit: Option<bool>,
    /// Whether all keys of the prefix were taken out.
    pub purged: bool,
}

/// The call that a write makes to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who is told.
    pub webhook: &'static str,
    /// How often it was tried.
    pub tries: u32,
    /// SHA-256 of source, revision, index and partition.
    pub key: DedupeKey,
    /// Whether it was recognised as a repeat, and had no effect.
    pub deduped: bool,
}

/// The 64 small hexadecimal digits of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupeKey([u8; 64]);

impl DedupeKey {
    /// Of these parts, one after the other with nothing between them.
    pub fn of(parts: &[&str]) -> Self {
        use sha2::Digest;
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digest = sha2::Sha256::new();
        for part in parts {
            digest.update(part);
        }
        let mut hex = [0; 64];
        for (pair, byte) in hex.as_chunks_mut::<2>().0.iter_mut().zip(digest.finalize()) {
            *pair = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
        }
        Self(hex)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits")
    }
}

/// Contract pins that a request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinsStated {
    /// `SCHEMA_REV`.
    pub schema_rev: &'static str,
    /// `INDEX_HASH`.
    pub index_hash: &'static str,
    /// `MODEL_TAG`.
    pub model_tag: Option<&'static str>,
}

/// The requests of a plan in the order of their time.
///
/// # Errors
/// If the plan cannot be simulated.
pub fn requests(plan: &Plan) -> Result<Requests, PlanError> {
    plan.check()?;
    let course = (plan.runbook == Runbook::FailoverDrill).then(|| Course::of(plan));
    let next_purge = match &course {
        Some(course) => course.purged,
        None => FIRST_PURGES,
    };
    Ok(Requests {
        arms: arms(plan.runbook),
        laws: Law::of(plan),
        course,
        n: plan.n_requests(),
        next: 0,
        usual: stream(plan.seed, Stream::Requests as u64),
        planted: stream(plan.seed, Stream::Planted as u64),
        queues: Queues::new(plan),
        next_purge,
        n_writes: 0,
        last_write: [None; 2],
        plan: plan.clone(),
    })
}

/// The requests of a plan; made by [`requests`].
pub struct Requests {
    plan: Plan,
    arms: [Arm; 2],
    laws: [Law; 2],
    course: Option<Course>,
    n: u64,
    next: u64,
    usual: ChaCha8Rng,
    planted: ChaCha8Rng,
    queues: Queues,
    /// When each arm's cache is purged next, in milliseconds from the beginning.
    next_purge: [i64; 2],
    n_writes: u64,
    last_write: [Option<u64>; 2],
}

/// When the arms purge their caches for the first time, and how long until they do so again.
pub(super) const FIRST_PURGES: [i64; 2] = [60_000, 150_000];
pub(super) const PURGE_EVERY: i64 = 300_000;

/// Sessions that requests belong to.
const N_SESSIONS: u32 = 100_000;
/// Shares of the routes that are not `chat.rag.answer`.
const WRITES: f64 = 0.1;
const SEARCHES: f64 = 0.2;
/// Requests that only keep an instance warm.
const WARM_PINGS: f64 = 0.005;
/// Writes that a client sends again, and that are recognised.
const RETRIED_WRITES: f64 = 0.01;
/// Median of a warm answer that no cache had, in tenths of a millisecond, and the spread of its logarithm.
const MEDIAN: f64 = 9000.0;
const SPREAD: f64 = 0.5;
/// What a time limit allows, in tenths of a millisecond.
const TIME_LIMIT: u32 = 100_000;

const WRITE: &str = "ingest.write";
const SEARCH: &str = "chat.rag.search";
const ANSWER: &str = "chat.rag.answer";
const PURGE: &str = "cache.purge";

/// The numbers of one request that are drawn whatever is planted.
struct Usual {
    jitter: f64,
    session: u32,
    route: f64,
    normal: f64,
    other_normal: f64,
    cold: f64,
    ping: f64,
    error: f64,
    hit: f64,
    edge: bool,
    state: f64,
    retry: f64,
}

/// And those that only a fault looks at.
struct Planted {
    error: f64,
    slow: f64,
    cache: f64,
    write: f64,
    pins: f64,
}

/// A number in `[0, 1)`, a whole one of 2³² parts.
pub(super) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    f64::from(rng.next_u32()) / 4_294_967_296.0
}

impl Usual {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let mut unit = || unit(rng);
        // Box and Muller (1958); `1 − u` is never 0.
        let radius = (-2.0 * (1.0 - unit()).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * unit()).sin_cos();
        Self {
            jitter: unit(),
            session: (unit() * f64::from(N_SESSIONS)) as u32,
            route: unit(),
            normal: radius * cosine,
            other_normal: radius * sine,
            cold: unit(),
            ping: unit(),
            error: unit(),
            hit: unit(),
            edge: unit() < 0.5,
            state: unit(),
            retry: unit(),
        }
    }
}

impl Planted {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let mut unit = || unit(rng);
        Self {
            error: unit(),
            slow: unit(),
            cache: unit(),
            write: unit(),
            pins: unit(),
        }
    }
}

/// Where in `[0, 1)` a session stands, evenly and by nothing but its number and the seed.
fn place(session: u32, seed: u64) -> f64 {
    // The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
    let mut bits = (seed ^ u64::from(session)).wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

impl Iterator for Requests {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.next == self.n {
            return None;
        }
        let usual = Usual::draw(&mut self.usual);
        let planted = Planted::draw(&mut self.planted);
        let at = ((self.next as f64 + usual.jitter) / self.plan.rate * 1000.0) as i64;
        let at = at.min(self.plan.length_ms() - 1);
        self.next += 1;
        let (route, side) = self.routed(&usual, at);
        self.queues.step_to(at, self.course.as_ref());
        let purges = at >= self.next_purge[side];
        if purges {
            self.next_purge[side] = match self.course {
                Some(_) => i64::MAX,
                None => self.next_purge[side] + PURGE_EVERY,
            };
        }
        let route = if purges { PURGE } else { route };
        Some(self.request(at, route, side, &usual, &planted))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.n - self.next).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

impl Requests {
    /// What a request asks, and which arm answers it.
    fn routed(&self, usual: &Usual, at: i64) -> (&'static str, usize) {
        let route = match usual.route {
            share if share < WRITES => WRITE,
            share if share < WRITES + SEARCHES => SEARCH,
            _ => ANSWER,
        };
        let place = place(usual.session, self.plan.seed);
        let usually = usize::from(place < self.plan.share);
        let side = match &self.course {
            None => usually,
            Some(course) if route == WRITE && course.is_split(at) => usually,
            Some(course) if route == WRITE => course.writer(at),
            Some(course) => {
                let home = (1.0 - self.plan.share) * course.weight_at(at);
                usize::from(place < 1.0 - home)
            }
        };
        (route, side)
    }

    fn request(
        &mut self,
        at: i64,
        route: &'static str,
        side: usize,
        usual: &Usual,
        planted: &Planted,
    ) -> Request {
        let (arm, law) = (self.arms[side], self.laws[side]);
        let region = arm.region.unwrap_or_else(|| self.region(usual));
        let warm_ping = route != PURGE && usual.ping < WARM_PINGS;
        let cold_start = !warm_ping && usual.cold < law.cold_share;
        let failure = if warm_ping || route == PURGE {
            Failed::default()
        } else {
            self.failure(side, at, usual, planted)
        };
        let cache = self.cache(route, side, at, usual, planted);
        let hit = cache.is_some_and(|cache| cache.hit == Some(true));
        let mut tfinal = latency(route, hit, cold_start, usual);
        if !cold_start && planted.slow < law.slow_share {
            tfinal *= law.slow_factor;
        }
        if let Some(course) = &self.course {
            tfinal *= course.slowness(side, at);
        }
        if warm_ping {
            tfinal *= 0.05;
        }
        let tfinal = if failure.timeout_stage.is_some() {
            TIME_LIMIT
        } else {
            tfinal as u32
        };
        let mixed = planted.pins < law.mixed;
        let part = |share: f64| (f64::from(tfinal) * share) as u32;
        let reads = matches!(route, ANSWER | SEARCH);
        Request {
            at_ms: self.plan.start.as_millisecond() + at,
            route,
            release: arm.release,
            session: usual.session,
            region: region.name,
            edge_pop: region.edge_pops[usize::from(usual.edge)],
            cold_start,
            warm_ping,
            latency: [
                part(0.10 + 0.04 * usual.state),
                part(0.25 + 0.10 * usual.retry),
                tfinal,
            ],
            status: failure.status,
            timeout_stage: failure.timeout_stage,
            error_class: failure.class,
            retrieval: reads.then(|| answered(arm, law, mixed, &failure, usual)),
            cache,
            egress: (route == WRITE).then(|| self.call(side, usual, planted)),
            queue: self.queues.met(side),
            pins: PinsStated {
                schema_rev: "sc-12",
                index_hash: arm.release.index_hash,
                model_tag: (planted.pins >= law.unpinned).then_some("m3"),
            },
        }
    }

    /// Where a request of an arm is answered that is in both regions.
    fn region(&self, usual: &Usual) -> Region {
        REGIONS[usize::from(place(!usual.session, self.plan.seed) < 0.4)]
    }

    fn failure(&self, side: usize, at: i64, usual: &Usual, planted: &Planted) -> Failed {
        let law = self.laws[side];
        let course = self.course.as_ref();
        let server = course.map_or(law.server_error_rate, |course| course.failing(side, at));
        if planted.error < law.new_class_rate {
            Failed::with(500, None, "index_version_mismatch")
        } else if planted.error < law.new_class_rate + server {
            Failed::with(503, None, "upstream_unavailable")
        } else if usual.error < law.error_rate {
            // Which of the two does not depend on the rate, so that a higher one adds to both.
            if usual.state < 0.5 {
                Failed::with(499, Some("headers"), "upstream_timeout")
            } else {
                Failed::with(429, None, "rate_limited")
            }
        } else {
            Failed::default()
        }
    }

    fn cache(
        &self,
        route: &str,
        side: usize,
        at: i64,
        usual: &Usual,
        planted: &Planted,
    ) -> Option<CacheUse> {
        let law = self.laws[side];
        let [own, other] = [self.arms[side].prefix, self.arms[1 - side].prefix];
        match route {
            WRITE => None,
            PURGE => Some(CacheUse {
                prefix: if law.purges_other { other } else { own },
                hit: None,
                purged: true,
            }),
            _ => {
                let course = self.course.as_ref();
                let warmth = course.map_or(1.0, |course| course.warmth(side, at));
                let foreign = planted.cache < law.foreign_look_ups;
                Some(CacheUse {
                    prefix: if foreign { other } else { own },
                    hit: Some(usual.hit < law.hit_ratio * warmth),
                    purged: false,
                })
            }
        }
    }

    /// The call of a write: a new one, one that a client sent again, or what is planted.
    fn call(&mut self, side: usize, usual: &Usual, planted: &Planted) -> Call {
        let law = self.laws[side];
        let before = self.last_write[side];
        let elsewhere = self.last_write[1 - side];
        let repeated = before.filter(|_| planted.write < law.repeated_writes);
        let shared = elsewhere.filter(|_| planted.write < law.shared_writes);
        let retried = before.filter(|_| usual.retry < RETRIED_WRITES);
        let (write, deduped) = match (repeated.or(shared), retried) {
            (Some(write), _) => (write, false),
            (None, Some(write)) => (write, true),
            (None, None) => (self.n_writes, false),
        };
        self.n_writes += 1;
        self.last_write[side] = Some(write);
        let index = self.arms[side].release.index_hash;
        let (source, partition) = (format!("src-{write}"), format!("p{}", write % 8));
        Call {
            webhook: ["billing", "crm", "mirror"][(write % 3) as usize],
            tries: if deduped || usual.retry > 0.98 { 2 } else { 1 },
            key: DedupeKey::of(&[&source, "1", index, &partition]),
            deduped,
        }
    }
}

/// How a request failed, if it did.
struct Failed {
    status: u16,
    timeout_stage: Option<&'static str>,
    class: Option<&'static str>,
}

impl Default for Failed {
    fn default() -> Self {
        Self {
            status: 200,
            timeout_stage: None,
            class: None,
        }
    }
}

impl Failed {
    fn with(status: u16, timeout_stage: Option<&'static str>, class: &'static str) -> Self {
        Self {
            status,
            timeout_stage,
            class: Some(class),
        }
    }
}

/// How long a request takes to its last byte, in tenths of a millisecond: log-normal, less if a cache
/// has the answer, and more if an instance has to start.
fn latency(route: &str, hit: bool, cold_start: bool, usual: &Usual) -> f64 {
    let work = match route {
        SEARCH => 0.6,
        WRITE => 0.8,
        PURGE => 0.2,
        _ => 1.0,
    };
    let saved = if hit { 0.5 } else { 1.0 };
    let start = if cold_start {
        25_000.0 * (0.8 + 0.4 * usual.state)
    } else {
        0.0
    };
    MEDIAN * work * saved * (SPREAD * usual.normal).exp() + start
}

fn answered(arm: Arm, law: Law, mixed: bool, failure: &Failed, usual: &Usual) -> Answered {
    let ten_thousandths = |value: f64| (value.clamp(0.0, 1.0) * 1e4) as u32;
    let (further, lost) = if law.skewed { (0.14, 0.15) } else { (0.0, 0.0) };
    let state = usual.state + if law.skewed { 0.2 } else { 0.0 };
    let lambda = match state {
        _ if failure.class.is_some() => Lambda::Divergent,
        state if state < 0.90 => Lambda::Convergent,
        state if state < 0.97 => Lambda::Recursive,
        state if state < 0.99 => Lambda::Divergent,
        _ => Lambda::Chaotic,
    };
    Answered {
        k: 10,
        index_hash: if mixed {
            OTHER_INDEX
        } else {
            arm.release.index_hash
        },
        analyzer: if law.skewed { "whitespace" } else { "en_stem" },
        delta_s: ten_thousandths(0.34 + further + 0.06 * usual.other_normal),
        coverage: ten_thousandths(0.80 - lost - 0.07 * usual.other_normal),
        lambda,
    }
}
