//! Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output::remark;

const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Progress of one long step.
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines { what: &'static str, last: Instant },
}

impl Progress {
    /// Begins a step: `what` is counted, such as `probes`.
    pub(super) fn begin(what: &'static str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines {
                what,
                last: Instant::now(),
            };
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        let style =
            ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {msg}, {eta} left")
                .expect("a fixed template");
        bar.set_style(style);
        bar.set_message(what);
        Self::Bar(bar)
    }

    /// Tells how far the step is.
    pub(super) fn tell(&mut self, done: usize, planned: usize) {
        match self {
            Self::Bar(bar) => {
                if bar.length() != Some(planned as u64) {
                    bar.set_length(planned as u64);
                }
                bar.set_position(done as u64);
            }
            Self::Lines { what, last } if last.elapsed() >= BETWEEN_LINES => {
                *last = Instant::now();
                remark(&format!("{done} of {planned} {what}"));
            }
            Self::Lines { .. } => {}
        }
    }

    /// Ends the step and clears the bar.
    pub(super) fn end(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
