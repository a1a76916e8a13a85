//! What requests of one arm come to, as they come.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::measure::Lambda;
use crate::net::Stage;
use crate::traffic::counts::{Counter, Distinct, Keyed, MOST_NAMES, fingerprint};
use crate::traffic::request::Request;
use crate::traffic::{
    Arm, Egress, ErrorClass, Pins, PrefixUse, QueueWindow, Second, Sketch, Writes,
};
use crate::units::Moment;

#[derive(Clone, Debug)]
pub(super) struct ArmSoFar {
    pub(super) n: u64,
    pub(super) warm_pings: u64,
    first: i64,
    last: i64,
    statuses: Keyed<u16, u64>,
    errors: FxHashMap<(Stage, Box<str>), ErrorSoFar>,
    prefixes: Counter,
    uses: Vec<PrefixUse>,
    pins: PinsSoFar,
    writes: Writes,
    pub(super) effects: Vec<u64>,
    egress: Egress,
    lambda: [u64; Lambda::ALL.len()],
    delta_s: Sketch,
    coverage: Sketch,
    queue: Keyed<i64, QueueSoFar>,
    seconds: Keyed<i64, SecondSoFar>,
}

#[derive(Clone, Debug, Default)]
struct ErrorSoFar {
    n: u64,
    server_errors: u64,
    sessions: Distinct,
}

#[derive(Clone, Debug, Default)]
struct PinsSoFar {
    without: [u64; 3],
    mixed: u64,
    values: [Counter; 3],
}

#[derive(Clone, Copy, Debug, Default)]
struct QueueSoFar {
    n_backlog: u64,
    backlog_sum: u64,
    backlog_max: u64,
    n_age: u64,
    age_sum_us: u64,
    age_max_us: u64,
}

#[derive(Clone, Copy, Debug)]
struct SecondSoFar {
    n: u64,
    server_errors: u64,
    first: u16,
    last: u16,
}

impl ArmSoFar {
    pub(super) fn new() -> Self {
        Self {
            n: 0,
            warm_pings: 0,
            first: i64::MAX,
            last: i64::MIN,
            statuses: Keyed::default(),
            errors: FxHashMap::default(),
            prefixes: Counter::default(),
            uses: Vec::new(),
            pins: PinsSoFar::default(),
            writes: Writes::default(),
            effects: Vec::new(),
            egress: Egress::default(),
            lambda: [0; Lambda::ALL.len()],
            delta_s: Sketch::default(),
            coverage: Sketch::default(),
            queue: Keyed::default(),
            seconds: Keyed::default(),
        }
    }
}

impl ArmSoFar {
    /// Whether the cache has more prefixes than can be told apart.
    #[inline]
    pub(super) fn push(&mut self, request: &Request, window: i64) -> bool {
        let ms = request.ts.ms;
        self.n += 1;
        self.first = self.first.min(ms);
        self.last = self.last.max(ms);
        *self.statuses.at(request.status) += 1;
        self.seconds
            .at(ms.div_euclid(1000))
            .push(ms, request.status >= 500);
        if request.failed() {
            self.error(request);
        }
        self.cache(request);
        self.pins.push(request);
        self.side_effects(request);
        if let Some(state) = request.lambda {
            self.lambda[state as usize] += 1;
        }
        if let Some(delta_s) = request.delta_s {
            self.delta_s.add(delta_s);
        }
        if let Some(coverage) = request.coverage {
            self.coverage.add(coverage);
        }
        if request.backlog.is_some() || request.queue_age_ms.is_some() {
            self.queue.at(window).push(request);
        }
        self.prefixes.len() > MOST_NAMES
    }

    #[cold]
    fn error(&mut self, request: &Request) {
        let key = (request.stage(), request.class().into());
        let error = self.errors.entry(key).or_default();
        error.n += 1;
        error.server_errors += u64::from(request.status >= 500);
        // A request without a session is told apart by all that is known of it.
        let session = if let Some(sticky) = &request.sticky {
            fingerprint(sticky.as_bytes())
        } else {
            let known = format!("\u{0}{}{:?}", request.ts.ms, request.latency);
            fingerprint(known.as_bytes())
        };
        error.sessions.add(session, ErrorClass::MOST_SESSIONS);
    }

    #[inline]
    fn cache(&mut self, request: &Request) {
        let Some(prefix) = &request.cache_prefix else {
            return;
        };
        let id = self.prefixes.id(prefix);
        if id == self.uses.len() {
            self.uses.push(PrefixUse::default());
        }
        let used = &mut self.uses[id];
        match request.cache_hit {
            Some(true) => used.n_hits += 1,
            Some(false) => used.n_misses += 1,
            None => {}
        }
        used.n_purges += u64::from(request.cache_purged);
    }

    #[inline]
    fn side_effects(&mut self, request: &Request) {
        let Some(call) = &request.call else {
            return;
        };
        self.egress.n += 1;
        self.egress.n_failed += u64::from(request.failed());
        self.egress.n_retried += u64::from(call.tries > 1);
        // What failed had no effect, and may be tried again under its key.
        if let Some(key) = call.key.as_ref().filter(|_| !request.failed()) {
            self.writes.n += 1;
            if call.deduped {
                self.writes.n_suppressed += 1;
            } else {
                self.effects.push(fingerprint(key.as_bytes()));
            }
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.warm_pings += other.warm_pings;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        for (status, n) in other.statuses.into_values() {
            *self.statuses.at(status) += n;
        }
        for (key, error) in other.errors {
            let so_far = self.errors.entry(key).or_default();
            so_far.n += error.n;
            so_far.server_errors += error.server_errors;
            so_far
                .sessions
                .merge(&error.sessions, ErrorClass::MOST_SESSIONS);
        }
        for (index, used) in other.uses.iter().enumerate() {
            let id = self.prefixes.id(other.prefixes.name(index));
            self.uses
                .resize_with(self.prefixes.len(), PrefixUse::default);
            self.uses[id].n_hits += used.n_hits;
            self.uses[id].n_misses += used.n_misses;
            self.uses[id].n_purges += used.n_purges;
        }
        self.pins.merge(&other.pins);
        self.writes.n += other.writes.n;
        self.writes.n_suppressed += other.writes.n_suppressed;
        self.effects.extend(other.effects);
        self.egress.n += other.egress.n;
        self.egress.n_failed += other.egress.n_failed;
        self.egress.n_retried += other.egress.n_retried;
        for (n, more) in self.lambda.iter_mut().zip(other.lambda) {
            *n += more;
        }
        self.delta_s.merge(&other.delta_s);
        self.coverage.merge(&other.coverage);
        for (window, queue) in other.queue.into_values() {
            self.queue.at(window).merge(queue);
        }
        for (start, second) in other.seconds.into_values() {
            self.seconds.at(start).merge(second);
        }
    }

    pub(super) fn finish(mut self, window_ms: i64) -> Arm {
        let moment = |ms| Moment::from_millisecond(ms).expect("times are checked as they are read");
        self.delta_s.seal();
        self.coverage.seal();
        let mut errors: Vec<ErrorClass> = self
            .errors
            .into_iter()
            .map(|((stage, class), error)| ErrorClass {
                stage,
                class: class.into_string(),
                n: error.n,
                n_5xx: error.server_errors,
                n_sessions: error.sessions.len(),
            })
            .collect();
        errors.sort_unstable_by(|a, b| (a.stage, &a.class).cmp(&(b.stage, &b.class)));
        let queue: BTreeMap<i64, QueueSoFar> = self.queue.into_values().collect();
        let seconds: BTreeMap<i64, SecondSoFar> = self
            .seconds
            .into_values()
            .filter(|(_, second)| second.server_errors > 0)
            .collect();
        let states = Lambda::ALL
            .iter()
            .map(|state| (*state, self.lambda[*state as usize]));
        let lambda = states.filter(|(_, n)| *n > 0).collect();
        Arm {
            n: self.n,
            n_warm_pings: self.warm_pings,
            first: moment(self.first),
            last: moment(self.last),
            statuses: self.statuses.into_values().collect(),
            errors,
            prefixes: (0..self.prefixes.len())
                .map(|id| (self.prefixes.name(id).to_owned(), self.uses[id]))
                .collect(),
            pins: self.pins.finish(),
            writes: self.writes,
            egress: self.egress,
            lambda,
            delta_s: self.delta_s,
            coverage: self.coverage,
            queue: queue
                .into_iter()
                .map(|(window, queue)| QueueWindow {
                    start: moment(window * window_ms),
                    n_backlog: queue.n_backlog,
                    backlog_sum: queue.backlog_sum,
                    backlog_max: queue.backlog_max,
                    n_age: queue.n_age,
                    age_sum_us: queue.age_sum_us,
                    age_max_us: queue.age_max_us,
                })
                .collect(),
            seconds_5xx: seconds
                .into_iter()
                .map(|(start, second)| Second {
                    start: moment(start * 1000),
                    n: second.n,
                    n_5xx: second.server_errors,
                    first_5xx_ms: second.first,
                    last_5xx_ms: second.last,
                })
                .collect(),
        }
    }
}

impl PinsSoFar {
    #[inline]
    fn push(&mut self, request: &Request) {
        let mut hashes = request.index_hash.iter().flatten();
        let index_hash = hashes.next();
        self.mixed += u64::from(index_hash.is_some_and(|first| hashes.any(|other| other != first)));
        let stated = [
            request.schema_rev.as_deref(),
            index_hash.map(|hash| &**hash),
            request.model_tag.as_deref(),
        ];
        for (field, value) in stated.into_iter().enumerate() {
            match value {
                None => self.without[field] += 1,
                // What is different in each request is no pin; its values need not all be told.
                Some(value) if self.values[field].len() < MOST_NAMES => {
                    self.values[field].add(value, 1);
                }
                Some(_) => self.values[field].add("(more)", 1),
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.mixed += other.mixed;
        for field in 0..3 {
            self.without[field] += other.without[field];
            self.values[field].merge(&other.values[field]);
        }
    }

    fn finish(self) -> Pins {
        let [schema_rev, index_hash, model_tag] = self.values.map(Counter::finish);
        Pins {
            n_without_schema_rev: self.without[0],
            n_without_index_hash: self.without[1],
            n_without_model_tag: self.without[2],
            n_mixed: self.mixed,
            schema_rev,
            index_hash,
            model_tag,
        }
    }
}

impl QueueSoFar {
    fn push(&mut self, request: &Request) {
        if let Some(backlog) = request.backlog {
            self.n_backlog += 1;
            self.backlog_sum += backlog;
            self.backlog_max = self.backlog_max.max(backlog);
        }
        if let Some(age) = request.queue_age_ms {
            let age = (age * 1000.0).round() as u64;
            self.n_age += 1;
            self.age_sum_us = self.age_sum_us.saturating_add(age);
            self.age_max_us = self.age_max_us.max(age);
        }
    }

    fn merge(&mut self, other: Self) {
        self.n_backlog += other.n_backlog;
        self.backlog_sum += other.backlog_sum;
        self.backlog_max = self.backlog_max.max(other.backlog_max);
        self.n_age += other.n_age;
        self.age_sum_us = self.age_sum_us.saturating_add(other.age_sum_us);
        self.age_max_us = self.age_max_us.max(other.age_max_us);
    }
}

impl Default for SecondSoFar {
    fn default() -> Self {
        Self {
            n: 0,
            server_errors: 0,
            first: u16::MAX,
            last: 0,
        }
    }
}

impl SecondSoFar {
    #[inline]
    fn push(&mut self, ms: i64, failed: bool) {
        self.n += 1;
        if failed {
            let at = ms.rem_euclid(1000) as u16;
            self.server_errors += 1;
            self.first = self.first.min(at);
            self.last = self.last.max(at);
        }
    }

    fn merge(&mut self, other: Self) {
        self.n += other.n;
        self.server_errors += other.server_errors;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}
