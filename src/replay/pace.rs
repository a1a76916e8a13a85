//! How fast a target is asked: as fast as it can take it, and no longer than it is alive.
//!
//! A [`Throttle`] is told what happens and when, and says when the next attempt may begin. It has no
//! clock of its own: times are durations since the replay began.

use std::time::Duration;

use crate::ids::Digest;
use crate::net::{Failure, Retry, Stage};

/// How fast one target is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Probes under way at once, at most.
    pub concurrency: usize,
    /// Attempts begun in a second, at most.
    pub per_second: Option<f64>,
    /// Probes asked before the run and not measured.
    pub warm_up: usize,
}

/// Waits between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Longest wait before the second attempt; it doubles each time.
    pub first: Duration,
    /// Longest wait of all, unless the target asks for more.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// The wait after attempt number `tries` (from 1) of a probe: full jitter, that is anything up to
    /// the doubled wait, drawn from the probe's place in the plan and nothing else.
    ///
    /// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    pub fn wait(&self, probe: usize, tries: u32) -> Duration {
        let doubled = self
            .first
            .saturating_mul(1 << tries.saturating_sub(1).min(16));
        let bytes = [&(probe as u64).to_le_bytes()[..], &tries.to_le_bytes()].concat();
        let drawn = *Digest::derive("ragstone 2026 backoff v1", bytes).as_bytes();
        let drawn = u32::from_le_bytes([drawn[0], drawn[1], drawn[2], drawn[3]]);
        doubled
            .min(self.longest)
            .mul_f64(f64::from(drawn) / f64::from(u32::MAX))
    }
}

/// Failures in a row, at the least, after which a target is not believed to be alive.
const TRIP: usize = 8;
/// Trials that a target gets before it is given up.
const TRIALS: u32 = 3;
/// The first trial comes after this many first back-offs.
const COOL_DOWN: u32 = 5;

/// When the next attempt may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Now,
    /// Not before this.
    At(Duration),
    /// When another has ended.
    Later,
    /// Never: the target is given up.
    Never,
}

#[derive(Clone, Debug, PartialEq)]
enum Circuit {
    Closed,
    /// Nothing is asked until then; so many trials have failed.
    Open {
        until: Duration,
        trials: u32,
    },
    /// One attempt is under way that decides.
    Trying {
        trials: u32,
    },
    /// Given up, and why.
    Dead(String),
}

/// One target's limits as they are now.
#[derive(Clone, Debug)]
pub(super) struct Throttle {
    pace: Pace,
    backoff: Backoff,
    /// Attempts under way at once; fractional, since it grows by one a round.
    limit: f64,
    decreased_at: Option<Duration>,
    paused_until: Duration,
    next_begin: Duration,
    in_a_row: usize,
    circuit: Circuit,
}

impl Throttle {
    pub(super) fn new(pace: Pace, backoff: Backoff) -> Self {
        Self {
            pace,
            backoff,
            limit: pace.concurrency.max(1) as f64,
            decreased_at: None,
            paused_until: Duration::ZERO,
            next_begin: Duration::ZERO,
            in_a_row: 0,
            circuit: Circuit::Closed,
        }
    }

    /// When the next attempt may begin, with so many under way.
    pub(super) fn may_begin(&self, now: Duration, under_way: usize) -> Begin {
        let until = match &self.circuit {
            Circuit::Dead(_) => return Begin::Never,
            Circuit::Trying { .. } => return Begin::Later,
            Circuit::Open { .. } if under_way > 0 => return Begin::Later,
            Circuit::Open { until, .. } => *until,
            Circuit::Closed => Duration::ZERO,
        };
        if under_way >= (self.limit as usize).max(1) {
            return Begin::Later;
        }
        let at = until.max(self.paused_until).max(self.next_begin);
        if at <= now { Begin::Now } else { Begin::At(at) }
    }

    /// An attempt begins.
    pub(super) fn begun(&mut self, now: Duration) {
        if let Some(rate) = self.pace.per_second {
            self.next_begin = self.next_begin.max(now) + Duration::from_secs_f64(1.0 / rate);
        }
        if let Circuit::Open { trials, .. } = self.circuit {
            self.circuit = Circuit::Trying { trials };
        }
    }

    /// An attempt came back: the limit grows by one a round.
    pub(super) fn succeeded(&mut self) {
        self.in_a_row = 0;
        self.circuit = match std::mem::replace(&mut self.circuit, Circuit::Closed) {
            dead @ Circuit::Dead(_) => dead,
            _ => Circuit::Closed,
        };
        let most = self.pace.concurrency.max(1) as f64;
        self.limit = (self.limit + 1.0 / self.limit).min(most);
    }

    /// An attempt that began at `begun` did not come back.
    pub(super) fn failed(&mut self, failure: &Failure, begun: Duration, now: Duration) {
        if let Retry::Later(Some(wait)) = failure.retry {
            self.paused_until = self.paused_until.max(now + wait);
        }
        // Those that were under way at the last decrease tell nothing new.
        if failure.is_overload() && self.decreased_at.is_none_or(|at| begun >= at) {
            self.limit = (self.limit / 2.0).max(1.0);
            self.decreased_at = Some(now);
        }
        if !is_of_the_target(failure.stage) {
            self.succeeded_at_serving();
            return;
        }
        self.in_a_row += 1;
        let cool_down = |trials: u32| now + self.backoff.first * COOL_DOWN * (1 << trials);
        match self.circuit {
            Circuit::Trying { trials } if trials + 1 >= TRIALS => {
                self.circuit = Circuit::Dead(format!(
                    "given up after {} failures in a row, the last {} at {}: {}",
                    self.in_a_row, failure.class, failure.stage, failure.message
                ));
            }
            Circuit::Trying { trials } => {
                let trials = trials + 1;
                self.circuit = Circuit::Open {
                    until: cool_down(trials).max(self.paused_until),
                    trials,
                };
            }
            Circuit::Closed if self.in_a_row >= self.pace.concurrency.max(TRIP) => {
                self.circuit = Circuit::Open {
                    until: cool_down(0),
                    trials: 0,
                };
            }
            Circuit::Closed | Circuit::Open { .. } | Circuit::Dead(_) => {}
        }
    }

    /// A reply that cannot be used still shows that somebody serves.
    fn succeeded_at_serving(&mut self) {
        self.in_a_row = 0;
        if !matches!(self.circuit, Circuit::Dead(_)) {
            self.circuit = Circuit::Closed;
        }
    }

    /// Why the target was given up, if it was.
    pub(super) fn given_up(&self) -> Option<&str> {
        match &self.circuit {
            Circuit::Dead(reason) => Some(reason),
            _ => None,
        }
    }
}

/// Whether a failure at this stage says that nobody serves, as opposed to a reply of no use.
fn is_of_the_target(stage: Stage) -> bool {
    matches!(
        stage,
        Stage::Resolve
            | Stage::Connect
            | Stage::Tls
            | Stage::Headers
            | Stage::Body
            | Stage::Deadline
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn throttle(concurrency: usize, per_second: Option<f64>) -> Throttle {
        let pace = Pace {
            concurrency,
            per_second,
            warm_up: 0,
        };
        Throttle::new(pace, Backoff::default())
    }

    fn busy(wait: Option<Duration>) -> Failure {
        Failure {
            retry: Retry::Later(wait),
            ..Failure::passing("http_429", Stage::Headers, "busy")
        }
    }

    fn refused() -> Failure {
        Failure::passing("connection_refused", Stage::Connect, "refused")
    }

    #[test]
    fn overload_halves_the_limit_once_a_round_and_success_adds_one() {
        let mut throttle = throttle(16, None);
        for _ in 0..5 {
            throttle.failed(&busy(None), ms(0), ms(100));
        }
        assert_eq!(throttle.limit, 8.0, "five of one round count as one");
        throttle.failed(&busy(None), ms(150), ms(200));
        assert_eq!(throttle.limit, 4.0);
        assert_eq!(throttle.may_begin(ms(200), 4), Begin::Later);
        for _ in 0..4 {
            throttle.succeeded();
        }
        assert!((4.8..5.2).contains(&throttle.limit), "{}", throttle.limit);
        (0..1000).for_each(|_| throttle.succeeded());
        assert_eq!(throttle.limit, 16.0, "never more than asked for");
    }

    #[test]
    fn a_target_that_asks_for_a_pause_gets_it() {
        let mut throttle = throttle(4, None);
        throttle.failed(&busy(Some(ms(3000))), ms(0), ms(10));
        assert_eq!(throttle.may_begin(ms(10), 0), Begin::At(ms(3010)));
        assert_eq!(throttle.may_begin(ms(3010), 0), Begin::Now);
    }

    #[test]
    fn a_rate_spreads_the_beginnings() {
        let mut throttle = throttle(100, Some(10.0));
        throttle.begun(ms(0));
        assert_eq!(throttle.may_begin(ms(50), 1), Begin::At(ms(100)));
        throttle.begun(ms(100));
        assert_eq!(throttle.may_begin(ms(100), 2), Begin::At(ms(200)));
        throttle.begun(ms(1000));
        assert_eq!(
            throttle.may_begin(ms(1000), 3),
            Begin::At(ms(1100)),
            "no credit for a rest"
        );
    }

    #[test]
    fn a_dead_target_is_given_up_after_three_trials_and_a_live_one_is_not() {
        let mut throttle = throttle(2, None);
        for _ in 0..TRIP {
            assert_ne!(throttle.may_begin(ms(0), 0), Begin::Never);
            throttle.failed(&refused(), ms(0), ms(0));
        }
        let mut revived = throttle.clone();
        for trial in 0..TRIALS {
            let Begin::At(at) = throttle.may_begin(ms(0), 0) else {
                panic!("trial {trial} waits");
            };
            assert_eq!(throttle.may_begin(at, 1), Begin::Later, "one at a time");
            throttle.begun(at);
            throttle.failed(&refused(), at, at);
        }
        assert_eq!(throttle.may_begin(ms(60_000), 0), Begin::Never);
        let reason = throttle.given_up().expect("given up");
        assert!(reason.contains("connection_refused at connect"), "{reason}");
        revived.begun(ms(1000));
        revived.succeeded();
        assert_eq!(revived.may_begin(ms(1000), 0), Begin::Now);
        assert_eq!(revived.given_up(), None);
    }

    #[test]
    fn replies_of_no_use_do_not_open_the_circuit() {
        let mut throttle = throttle(1, None);
        for _ in 0..100 {
            throttle.failed(
                &Failure::lasting("no_hits", Stage::Tool, "none"),
                ms(0),
                ms(0),
            );
        }
        assert_eq!(throttle.may_begin(ms(0), 0), Begin::Now);
    }

    #[test]
    fn jitter_is_full_and_of_the_probe_alone() {
        let backoff = Backoff::default();
        let waits: Vec<Duration> = (0..200).map(|probe| backoff.wait(probe, 2)).collect();
        assert!(waits.iter().all(|wait| *wait <= ms(400)));
        assert!(
            waits.iter().any(|wait| *wait < ms(40)) && waits.iter().any(|wait| *wait > ms(360))
        );
        assert_eq!(backoff.wait(7, 3), backoff.wait(7, 3));
        assert!(backoff.wait(7, 60) <= backoff.longest);
    }
}
