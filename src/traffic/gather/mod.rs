//! Requests, gathered into groups as they come.

mod arm;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::traffic::counts::{Counter, MOST_NAMES, Repeats};
use crate::traffic::fields::Field;
use crate::traffic::order::Order;
use crate::traffic::request::Request;
use crate::traffic::{ArmField, BadLine, Group, Intake, Latencies, Temperature, TrafficTable};
use crate::units::Moment;
use arm::ArmSoFar;

/// A table in the making. Gatherings of parts of a log may be merged in any order: what
/// [`finish`](Self::finish) makes of them is the same, but for what the order of lines tells
/// ([`Intake::n_out_of_order`] and [`Intake::clock_skew_ms`]).
///
/// Memory grows with the groups, seconds and names that differ, and by eight bytes for each request
/// that has a dedupe key.
#[derive(Clone, Debug)]
pub struct Gathering {
    arm_by: ArmField,
    window_s: u32,
    arms: Counter,
    of_arm: Vec<ArmSoFar>,
    routes: Counter,
    groups: FxHashMap<GroupKey, usize>,
    of_group: Vec<GroupSoFar>,
    order: Order,
    counts: Counts,
    /// The first by their places; parts of a log that were read apart may share those.
    bad: BTreeSet<(Place, BadLine)>,
    unknown: Counter,
    /// A field that has too many values to group by.
    pub(super) too_many: Option<Field>,
}

/// Where a line stands: number of its file, and its own.
pub(super) type Place = (usize, u64);

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    lines: u64,
    bad: u64,
    duplicates: u64,
    without_arm: u64,
    simulated: u64,
    without_zone: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct GroupKey {
    arm: u32,
    route: u32,
    temperature: Temperature,
    window: i64,
}

#[derive(Clone, Debug, Default)]
struct GroupSoFar {
    n: u64,
    errors: u64,
    server_errors: u64,
    hits: u64,
    misses: u64,
    latency: Latencies,
}

impl Gathering {
    /// Of no request.
    ///
    /// # Panics
    /// If a window has no second.
    pub fn new(arm_by: ArmField, window_s: u32) -> Self {
        assert!(window_s > 0, "a window has a length");
        Self {
            arm_by,
            window_s,
            arms: Counter::default(),
            of_arm: Vec::new(),
            routes: Counter::default(),
            groups: FxHashMap::default(),
            of_group: Vec::new(),
            order: Order::default(),
            counts: Counts::default(),
            bad: BTreeSet::new(),
            unknown: Counter::default(),
            too_many: None,
        }
    }

    /// Begins a stretch of lines that does not follow the one before.
    pub(super) fn begin(&mut self) {
        self.order.begin();
    }

    /// Counts a field that nothing is read from.
    pub(super) fn unknown(&mut self, path: &str) {
        self.unknown_in(path, 1);
    }

    /// The same for many lines.
    pub(super) fn unknown_in(&mut self, path: &str, n: u64) {
        const MOST: usize = 1000;
        let path = if self.unknown.len() < MOST {
            path
        } else {
            "(more)"
        };
        self.unknown.add(path, n);
    }

    /// Counts a line that could not be read.
    #[cold]
    pub(super) fn bad(&mut self, place: Place, line: impl FnOnce() -> BadLine) {
        self.counts.lines += 1;
        self.counts.bad += 1;
        let last = self.bad.last().map(|(last, _)| *last);
        if self.bad.len() < Intake::SHOWN || last >= Some(place) {
            self.bad.insert((place, line()));
            if self.bad.len() > Intake::SHOWN {
                self.bad.pop_last();
            }
        }
    }

    /// Counts a request that was read before.
    pub(super) fn duplicate(&mut self, request: &Request) {
        self.counts.lines += 1;
        self.counts.duplicates += 1;
        // Of two threads either may have read it first: each line is looked at for its order.
        self.order.line(request.ts.ms, request.region.as_deref());
    }

    /// How many lines could not be read, of how many.
    pub(super) fn n_bad(&self) -> (u64, u64) {
        (self.counts.bad, self.counts.lines)
    }

    /// The first lines that could not be read.
    pub(super) fn first_bad(&self) -> Vec<BadLine> {
        self.bad.iter().map(|(_, line)| line.clone()).collect()
    }

    /// Counts a request.
    pub(super) fn push(&mut self, request: &Request) {
        self.counts.lines += 1;
        self.counts.simulated += u64::from(request.simulated);
        self.counts.without_zone += u64::from(!request.ts.zoned);
        self.order.line(request.ts.ms, request.region.as_deref());
        let Some(arm) = request.arm.as_deref() else {
            self.counts.without_arm += 1;
            return;
        };
        let arm = self.arm(arm);
        if request.warm_ping {
            self.of_arm[arm].warm_pings += 1;
            return;
        }
        let window = request.ts.ms.div_euclid(i64::from(self.window_s) * 1000);
        self.group(arm, request, window).push(request);
        if self.of_arm[arm].push(request, window) {
            self.too_many = Some(Field::CachePrefix);
        }
    }

    #[inline]
    fn arm(&mut self, name: &str) -> usize {
        let arm = self.arms.id(name);
        if arm == self.of_arm.len() {
            self.of_arm.push(ArmSoFar::new());
            if self.of_arm.len() > MOST_NAMES {
                self.too_many = Some(self.arm_by.into());
            }
        }
        arm
    }

    #[inline]
    fn group(&mut self, arm: usize, request: &Request, window: i64) -> &mut GroupSoFar {
        let route = self.routes.id(request.route.as_deref().unwrap_or(""));
        if self.routes.len() > MOST_NAMES {
            self.too_many = Some(Field::Route);
        }
        let key = GroupKey {
            arm: arm as u32,
            route: route as u32,
            temperature: request.temperature,
            window,
        };
        self.group_at(key)
    }

    #[inline]
    fn group_at(&mut self, key: GroupKey) -> &mut GroupSoFar {
        let next = self.of_group.len();
        let at = *self.groups.entry(key).or_insert(next);
        if at == next {
            self.of_group.push(GroupSoFar::default());
        }
        &mut self.of_group[at]
    }

    /// Adds what another has gathered by the same arms and windows.
    ///
    /// # Panics
    /// If its arms or windows are others.
    pub fn merge(&mut self, other: Self) {
        assert_eq!(
            (self.arm_by, self.window_s),
            (other.arm_by, other.window_s),
            "gatherings of the same kind"
        );
        let arms: Vec<usize> = (0..other.arms.len())
            .map(|arm| self.arm(other.arms.name(arm)))
            .collect();
        for (arm, so_far) in arms.iter().zip(other.of_arm) {
            self.of_arm[*arm].merge(so_far);
        }
        let routes: Vec<usize> = (0..other.routes.len())
            .map(|route| self.routes.id(other.routes.name(route)))
            .collect();
        for (key, at) in other.groups {
            let key = GroupKey {
                arm: arms[key.arm as usize] as u32,
                route: routes[key.route as usize] as u32,
                ..key
            };
            self.group_at(key).merge(&other.of_group[at]);
        }
        self.order.merge(&other.order);
        self.unknown.merge(&other.unknown);
        let counts = other.counts;
        self.counts.lines += counts.lines;
        self.counts.bad += counts.bad;
        self.counts.duplicates += counts.duplicates;
        self.counts.without_arm += counts.without_arm;
        self.counts.simulated += counts.simulated;
        self.counts.without_zone += counts.without_zone;
        self.bad.extend(other.bad);
        while self.bad.len() > Intake::SHOWN {
            self.bad.pop_last();
        }
        self.too_many = self.too_many.or(other.too_many);
    }

    /// The table of everything gathered.
    pub fn finish(mut self) -> TrafficTable {
        let window_ms = i64::from(self.window_s) * 1000;
        let moment = |ms| Moment::from_millisecond(ms).expect("times are checked as they are read");
        let mut groups: Vec<Group> = std::mem::take(&mut self.groups)
            .into_par_iter()
            .map(|(key, at)| {
                let mut so_far = self.of_group[at].clone();
                so_far.seal();
                Group {
                    arm: self.arms.name(key.arm as usize).to_owned(),
                    route: self.routes.name(key.route as usize).to_owned(),
                    temperature: key.temperature,
                    start: moment(key.window * window_ms),
                    n: so_far.n,
                    n_errors: so_far.errors,
                    n_5xx: so_far.server_errors,
                    n_hits: so_far.hits,
                    n_misses: so_far.misses,
                    latency: so_far.latency,
                }
            })
            .collect();
        groups.sort_unstable_by(|a, b| {
            let key = |group: &'_ Group| (group.temperature, group.start);
            (&a.arm, &a.route)
                .cmp(&(&b.arm, &b.route))
                .then_with(|| key(a).cmp(&key(b)))
        });
        let mut effects: Vec<Vec<u64>> = self
            .of_arm
            .iter_mut()
            .map(|arm| std::mem::take(&mut arm.effects))
            .collect();
        effects
            .par_iter_mut()
            .for_each(|keys| keys.par_sort_unstable());
        let repeats = Repeats::of(&effects);
        drop(effects);
        let mut arms = BTreeMap::new();
        for (index, so_far) in self.of_arm.into_iter().enumerate() {
            // An arm of warm pings alone has no first request.
            if so_far.n == 0 {
                continue;
            }
            let mut arm = so_far.finish(window_ms);
            arm.writes.n_repeated = repeats.within[index];
            arm.writes.n_shared = repeats.shared[index];
            arms.insert(self.arms.name(index).to_owned(), arm);
        }
        let mut intake = Intake {
            n_lines: self.counts.lines,
            n_bad: self.counts.bad,
            bad: self.bad.into_iter().map(|(_, line)| line).collect(),
            n_duplicates: self.counts.duplicates,
            n_without_arm: self.counts.without_arm,
            n_simulated: self.counts.simulated,
            n_without_zone: self.counts.without_zone,
            unknown_fields: self.unknown.finish(),
            ..Intake::default()
        };
        self.order.tell(&mut intake);
        TrafficTable {
            format: TrafficTable::FORMAT,
            arm_by: self.arm_by,
            window_s: self.window_s,
            groups,
            arms,
            intake,
        }
    }
}

impl GroupSoFar {
    #[inline]
    fn push(&mut self, request: &Request) {
        self.n += 1;
        self.errors += u64::from(request.failed());
        self.server_errors += u64::from(request.status >= 500);
        match request.cache_hit {
            Some(true) => self.hits += 1,
            Some(false) => self.misses += 1,
            None => {}
        }
        let [tffb, tusable, tfinal] = request.latency;
        for (sketch, value) in [
            (&mut self.latency.tffb, tffb),
            (&mut self.latency.tusable, tusable),
            (&mut self.latency.tfinal, tfinal),
        ] {
            if let Some(value) = value {
                sketch.add(value);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.errors += other.errors;
        self.server_errors += other.server_errors;
        self.hits += other.hits;
        self.misses += other.misses;
        self.latency.tffb.merge(&other.latency.tffb);
        self.latency.tusable.merge(&other.latency.tusable);
        self.latency.tfinal.merge(&other.latency.tfinal);
    }

    fn seal(&mut self) {
        self.latency.tffb.seal();
        self.latency.tusable.seal();
        self.latency.tfinal.seal();
    }
}
