//! The clock of one attempt.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::net::Stage;

/// How long the parts of an attempt took, in milliseconds. What did not happen, or cannot be told
/// apart, is absent: a call over a connection that was open already neither resolves nor connects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Finding the address.
    pub resolve_ms: Option<f64>,
    /// Opening the connection, with encryption.
    pub connect_ms: Option<f64>,
    /// From the beginning to the status and headers.
    pub headers_ms: Option<f64>,
    /// From the beginning to the first byte of the body.
    pub tffb_ms: Option<f64>,
    /// From the beginning to the first part of the body that a reader could use.
    pub tusable_ms: Option<f64>,
    /// From the beginning to the last byte.
    pub tfinal_ms: Option<f64>,
    /// Making sense of the bytes.
    pub decode_ms: Option<f64>,
}

/// What a probe took when it was made, for a probe that is read from a saved run: it stands in for what
/// the reading takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taken {
    /// Network tries.
    pub attempts: u32,
    /// From the first attempt's start to the last one's end.
    pub elapsed_ms: f64,
    /// The parts of the last attempt.
    pub timing: Timing,
    /// Whether the reply had been kept from a still earlier run.
    pub cached: bool,
    /// Whether the target had to start something first, where it said so.
    pub cold_start: Option<bool>,
}

/// Stages and times of one attempt, shared between who makes the call and who waits for it.
#[derive(Debug)]
pub struct Attempt {
    began: Instant,
    stage: AtomicU8,
    marks: [AtomicU64; N_MARKS],
}

/// No time yet.
const NEVER: u64 = u64::MAX;
const N_MARKS: usize = 8;

/// A moment of an attempt.
#[derive(Clone, Copy)]
pub(crate) enum Mark {
    Resolving,
    Resolved,
    Connecting,
    Connected,
    Headers,
    FirstByte,
    Usable,
    Final,
}

tokio::task_local! {
    /// The attempt that this task is making: a client's resolver and connector have no other way to
    /// learn on whose behalf they work.
    pub(super) static CURRENT: Arc<Attempt>;
}

impl Attempt {
    /// Starts the clock.
    pub fn begin() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            stage: AtomicU8::new(index(Stage::Deadline)),
            marks: std::array::from_fn(|_| AtomicU64::new(NEVER)),
        })
    }

    /// Says what is being done now.
    pub fn enter(&self, stage: Stage) {
        self.stage.store(index(stage), Ordering::Relaxed);
    }

    /// What is being done now.
    pub fn stage(&self) -> Stage {
        Stage::ALL[usize::from(self.stage.load(Ordering::Relaxed))]
    }

    /// Time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Milliseconds since the beginning.
    pub fn elapsed_ms(&self) -> f64 {
        self.elapsed().as_secs_f64() * 1000.0
    }

    /// The first byte of the body is there.
    pub fn first_byte(&self) {
        self.mark(Mark::FirstByte);
    }

    /// Something that a reader could use is there.
    pub fn usable(&self) {
        self.mark(Mark::Usable);
    }

    /// The last byte is there.
    pub fn finished(&self) {
        self.mark(Mark::Final);
    }

    /// Keeps the first time that this is said.
    pub(crate) fn mark(&self, mark: Mark) {
        let now = u64::try_from(self.elapsed().as_nanos()).unwrap_or(NEVER - 1);
        let _ = self.marks[mark as usize].compare_exchange(
            NEVER,
            now,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// What is known so far. Decoding is what followed the last byte.
    pub fn timing(&self) -> Timing {
        let at = |mark: Mark| {
            let nanos = self.marks[mark as usize].load(Ordering::Relaxed);
            (nanos != NEVER).then(|| nanos as f64 / 1e6)
        };
        let between = |from, to| Some(at(to)? - at(from)?);
        Timing {
            resolve_ms: between(Mark::Resolving, Mark::Resolved),
            connect_ms: between(Mark::Connecting, Mark::Connected),
            headers_ms: at(Mark::Headers),
            tffb_ms: at(Mark::FirstByte),
            tusable_ms: at(Mark::Usable).or_else(|| at(Mark::Final)),
            tfinal_ms: at(Mark::Final),
            decode_ms: at(Mark::Final).map(|end| self.elapsed_ms() - end),
        }
    }
}

fn index(stage: Stage) -> u8 {
    let mut known = Stage::ALL.iter();
    let index = known.position(|known| *known == stage);
    u8::try_from(index.expect("`ALL` has every stage")).expect("few stages")
}

/// Tells the attempt that this task is making, if it is making one.
pub(super) fn tell(what: impl FnOnce(&Attempt)) {
    let _ = CURRENT.try_with(|attempt| what(attempt));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_of_a_mark_counts() {
        let attempt = Attempt::begin();
        assert_eq!(attempt.stage(), Stage::Deadline, "nobody has said");
        attempt.enter(Stage::Body);
        attempt.first_byte();
        let first = attempt.timing().tffb_ms.expect("marked");
        attempt.first_byte();
        attempt.finished();
        let timing = attempt.timing();
        assert_eq!(timing.tffb_ms, Some(first));
        assert_eq!(timing.tusable_ms, timing.tfinal_ms, "usable when whole");
        assert_eq!(timing.connect_ms, None);
        assert_eq!(attempt.stage(), Stage::Body);
    }
}
