//! Asking a side by the vectors of its own rows.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::Instant;

use crate::net::Failure;
use crate::parity::retrieval::Ranked;
use crate::pipeline::retrieval::Sample;
use crate::pipeline::retrieval::sample::{OWN, SCALED};
use crate::replay::{self, Pace, patiently};
use crate::target::{Query, Reply, Target};
use crate::units::Cutoff;

/// What came back for each row of a sample, in their order.
pub(super) type Found = Vec<Result<Vec<Ranked>, Failure>>;

/// One target's answers.
pub(super) struct Answers {
    pub(super) own: Found,
    /// The same asked once more.
    pub(super) again: Found,
    /// With twice the vectors; empty if that was not asked.
    pub(super) scaled: Found,
}

/// How a target is asked.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) settings: &'a replay::Settings,
    pub(super) pace: Pace,
    pub(super) k: Cutoff,
}

impl Asking<'_> {
    pub(super) async fn answers(
        self,
        target: &dyn Target,
        sample: &Sample,
        scaled: bool,
        done: &mut (dyn FnMut() + Send),
    ) -> Answers {
        let own = self
            .all(target, sample.queries(OWN, false, self.k), done)
            .await;
        let again = self
            .all(target, sample.queries(OWN, true, self.k), done)
            .await;
        let scaled = if scaled {
            self.all(target, sample.queries(SCALED, false, self.k), done)
                .await
        } else {
            Vec::new()
        };
        Answers { own, again, scaled }
    }

    async fn all(
        self,
        target: &dyn Target,
        queries: Vec<Query>,
        done: &mut (dyn FnMut() + Send),
    ) -> Found {
        let began = Instant::now();
        let ask = |(index, query): (usize, Query)| async move {
            if let Some(rate) = self.pace.per_second {
                let due = Duration::from_secs_f64(index as f64 / rate);
                tokio::time::sleep_until(began + due).await;
            }
            patiently(self.settings, |attempt| target.retrieve(&query, attempt)).await
        };
        let asked = stream::iter(queries.into_iter().enumerate()).map(ask);
        let mut replies = asked.buffered(self.pace.concurrency);
        let mut found = Vec::new();
        while let Some(reply) = replies.next().await {
            found.push(reply.map(|reply| ranked(reply, self.k)));
            done();
        }
        found
    }
}

/// At most `k` hits with scores that are numbers, best first as they came.
fn ranked(reply: Reply, k: Cutoff) -> Vec<Ranked> {
    let hits = reply.hits.into_iter().filter(|hit| hit.score.is_finite());
    let hits = hits.take(k.get()).map(|hit| Ranked {
        id: hit.snippet_id,
        score: hit.score,
    });
    hits.collect()
}
