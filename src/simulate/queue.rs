//! The queues that requests meet.

use rand_chacha::ChaCha8Rng;

use crate::simulate::course::Course;
use crate::simulate::law::Law;
use crate::simulate::request::unit;
use crate::simulate::{Plan, Stream};
use crate::stats::stream;

/// The queue of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Messages that wait.
    pub backlog: u64,
    /// 95th percentile of how long they have waited, in milliseconds.
    pub age_p95_ms: u64,
}

/// The queues of both arms, second by second: they vary around a level, as a process that forgets a
/// fifth of where it was each second.
pub(super) struct Queues {
    rng: ChaCha8Rng,
    /// The last second that was reached.
    second: i64,
    length_s: f64,
    growth: [f64; 2],
    waver: [f64; 2],
    now: [Queue; 2],
}

/// What is left of a deviation after a second, and what is added anew, of a level of 1.
const KEPT: f64 = 0.8;
const NEW: f64 = 0.06;

impl Queues {
    pub(super) fn new(plan: &Plan) -> Self {
        let empty = Queue {
            backlog: 0,
            age_p95_ms: 0,
        };
        Self {
            rng: stream(plan.seed, Stream::Queues as u64),
            second: -1,
            length_s: plan.minutes * 60.0,
            growth: Law::of(plan).map(|law| law.queue_growth),
            waver: [0.0; 2],
            now: [empty; 2],
        }
    }

    pub(super) fn met(&self, side: usize) -> Queue {
        self.now[side]
    }

    /// Goes on to the second of a request. A drill begins with empty queues and fills them itself.
    pub(super) fn step_to(&mut self, at: i64, course: Option<&Course>) {
        let second = at / 1000;
        while self.second < second {
            self.second += 1;
            for side in 0..2 {
                let fresh = NEW * (2.0 * unit(&mut self.rng) - 1.0);
                self.waver[side] = KEPT * self.waver[side] + fresh;
                let grown = self.growth[side] * self.second as f64 / self.length_s;
                let level = (1.0 + grown) * (1.0 + self.waver[side]);
                self.now[side] = match course {
                    None => Queue {
                        backlog: (12.0 * level).round() as u64,
                        age_p95_ms: (4000.0 * level).round() as u64,
                    },
                    Some(course) => {
                        let backlog = course.backlog(side, self.second * 1000);
                        Queue {
                            backlog,
                            age_p95_ms: (80.0 * level) as u64 + 90 * backlog,
                        }
                    }
                };
            }
        }
    }
}
