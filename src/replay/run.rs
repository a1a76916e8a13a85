//! Carries out a plan.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use miette::Diagnostic;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::goldset::GoldSet;
use crate::ids::Digest;
use crate::net::{Attempt, Failure, Retry, Timing};
use crate::replay::finished::unasked;
use crate::replay::observation::accept;
use crate::replay::open::{open, reopen, within};
use crate::replay::pace::{Begin, Throttle};
use crate::replay::{
    Arm, Finished, HitRecord, Journal, JournalError, Observation, Outcome, Plan, Probe, Purpose,
    Settings, Side,
};
use crate::target::{Origin, Query, Reply, Target, Texts};

/// Says when a replay is to stop: at the first `true`.
pub type Stop = watch::Receiver<bool>;

/// Why a replay has not come to its end. What a target does is never a reason.
#[derive(Debug, Error, Diagnostic)]
pub enum ReplayError {
    /// Somebody stopped it.
    #[error("interrupted: {finished} of {planned} probes are kept")]
    #[diagnostic(code(replay::interrupted))]
    Interrupted {
        /// Probes that need not be asked again.
        finished: usize,
        /// Probes in all.
        planned: usize,
    },
    /// The journal.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Journal(#[from] JournalError),
}

/// Asks every probe of the plan that the journal does not hold yet, and reads contracts before and
/// after. `progress` is told `(done, planned)`.
///
/// Targets are asked side by side, none more than a window ahead of another, so that they meet the same
/// weather. Nothing that a target does ends the run: what fails becomes a failed observation, and the
/// probes of a target that cannot be used are left with the reason.
///
/// # Errors
/// If it is stopped, or the journal cannot be written, or its contracts moved. What came back until
/// then is in the journal.
///
/// # Panics
/// If the plan was made for another gold set or number of targets.
pub async fn replay(
    gold: &GoldSet,
    arms: &[Arm],
    plan: Plan,
    settings: &Settings,
    mut journal: Journal,
    mut stop: Stop,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<Finished, ReplayError> {
    let planned = plan.probes.len();
    let sides = async {
        let sides = join_all(arms.iter().map(|arm| open(arm, settings))).await;
        journal.same_contracts(&sides).await?;
        if !is_complete(&journal, &sides, &plan) {
            let usable = arms.iter().zip(&sides);
            let usable = usable.filter(|(_, side)| side.contract_at_start.is_ok());
            join_all(usable.map(|(arm, _)| warm_up(gold, arm, &plan, settings))).await;
        }
        Ok::<_, JournalError>(sides)
    };
    let sides = tokio::select! {
        sides = sides => Some(sides?),
        () = stopped(&mut stop) => None,
    };
    let interrupted = |journal: Journal| {
        let finished = journal.n_finished();
        // On the disk before anybody is told.
        journal.close()?;
        Err(ReplayError::Interrupted { finished, planned })
    };
    let Some(mut sides) = sides else {
        return interrupted(journal);
    };
    let mut asking = Asking::new(gold, arms, &sides, &plan, settings, journal);
    let end = asking.carry_out(&mut stop, progress).await?;
    let (journal, given_up) = asking.end();
    if end == End::Stopped {
        return interrupted(journal);
    }
    for (side, given_up) in sides.iter_mut().zip(given_up) {
        side.given_up = given_up;
    }
    let ends = join_all(arms.iter().map(|arm| reopen(arm, settings))).await;
    for (side, contract) in sides.iter_mut().zip(ends) {
        side.contract_at_end = contract;
    }
    Ok(Finished {
        plan,
        sides,
        kept: journal.close()?,
    })
}

/// Waits for the word to stop; for ever if nobody is left who could say it.
async fn stopped(stop: &mut Stop) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn is_complete(journal: &Journal, sides: &[Side], plan: &Plan) -> bool {
    let mut probes = plan.probes.iter().enumerate();
    probes.all(|(place, probe)| {
        journal.is_finished(place) || sides[probe.target].contract_at_start.is_err()
    })
}

/// Asks a target its first probes in advance. What comes of it is nobody's business; a target that does
/// not answer is not warmed up any longer.
async fn warm_up(gold: &GoldSet, arm: &Arm, plan: &Plan, settings: &Settings) {
    for probe in plan.probes.iter().take(arm.pace.warm_up) {
        let query = Query {
            warm_up: true,
            ..query(gold, probe)
        };
        let attempt = Attempt::begin();
        let asked = arm.target.retrieve(&query, Arc::clone(&attempt));
        if within(settings.timeout, &attempt, asked).await.is_err() {
            return;
        }
    }
}

/// How asking came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Everything was asked that could be.
    Done,
    /// Somebody said stop.
    Stopped,
}

/// How far one target may be ahead of another, in probes for each that may be under way.
const WINDOW: usize = 4;

/// A probe between two attempts.
struct Tried {
    tries: u32,
    first: Duration,
    /// What the last attempt came to.
    last: Option<(Failure, Timing)>,
}

/// One target's probes on their way.
struct Lane {
    throttle: Throttle,
    /// The next place in the plan to look at.
    next: usize,
    under_way: usize,
    /// Places that wait for another attempt, the earliest first.
    waiting: BinaryHeap<Reverse<(Duration, usize)>>,
    tried: HashMap<usize, Tried>,
    /// Why it is not asked, or not any more.
    closed: Option<String>,
}

/// One attempt that has ended.
struct Ended {
    place: usize,
    begun: Duration,
    reply: Result<Scored, Failure>,
    timing: Timing,
}

/// A reply as it is kept, with the texts it brought. Made by the attempt itself, so that digests are
/// computed side by side.
struct Scored {
    outcome: Outcome,
    texts: Texts,
    cold_start: Option<bool>,
    status: Option<u16>,
    origin: Origin,
}

/// Everything that is under way.
struct Asking<'a> {
    gold: &'a GoldSet,
    arms: &'a [Arm],
    sides: &'a [Side],
    plan: &'a Plan,
    settings: &'a Settings,
    journal: Journal,
    lanes: Vec<Lane>,
    attempts: JoinSet<Ended>,
    clock: Instant,
}

impl<'a> Asking<'a> {
    fn new(
        gold: &'a GoldSet,
        arms: &'a [Arm],
        sides: &'a [Side],
        plan: &'a Plan,
        settings: &'a Settings,
        journal: Journal,
    ) -> Self {
        let lane = |(arm, side): (&Arm, &Side)| Lane {
            throttle: Throttle::new(arm.pace, settings.backoff),
            next: 0,
            under_way: 0,
            waiting: BinaryHeap::new(),
            tried: HashMap::new(),
            closed: side.contract_at_start.as_ref().err().cloned(),
        };
        Self {
            lanes: arms.iter().zip(sides).map(lane).collect(),
            gold,
            arms,
            sides,
            plan,
            settings,
            journal,
            attempts: JoinSet::new(),
            clock: Instant::now(),
        }
    }

    /// The journal, and why each target was given up.
    fn end(self) -> (Journal, Vec<Option<String>>) {
        let closed = self.lanes.into_iter().map(|lane| lane.closed);
        (self.journal, closed.collect())
    }

    async fn carry_out(
        &mut self,
        stop: &mut Stop,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<End, JournalError> {
        let planned = self.plan.probes.len();
        loop {
            let wake = self.begin_what_may();
            if self.attempts.is_empty() && wake.is_none() {
                return Ok(End::Done);
            }
            // A target may ask for a longer pause than the run has time.
            let wake = wake.map(|wake| self.settings.budget.map_or(wake, |end| end.min(wake)));
            let pause = wake.map(|wake| wake.saturating_sub(self.clock.elapsed()));
            let sleep = tokio::time::sleep(pause.unwrap_or(Duration::MAX));
            tokio::select! {
                biased;
                () = stopped(stop) => {
                    self.attempts.abort_all();
                    return Ok(End::Stopped);
                }
                Some(ended) = self.attempts.join_next() => {
                    self.take(heard(ended)).await?;
                    while let Some(ended) = self.attempts.try_join_next() {
                        self.take(heard(ended)).await?;
                    }
                    progress(self.journal.n_finished(), planned);
                }
                () = sleep, if pause.is_some() => {}
            }
        }
    }

    /// Begins every attempt that may begin, and says when another may, if not when one has ended.
    fn begin_what_may(&mut self) -> Option<Duration> {
        let mut wakes: Vec<Option<Duration>> = vec![None; self.lanes.len()];
        let mut begun = true;
        while begun {
            begun = false;
            for (index, wake) in wakes.iter_mut().enumerate() {
                let now = self.clock.elapsed();
                self.keep_to_budget(now);
                match self.step(index, now) {
                    Step::Begun => begun = true,
                    Step::Wait(until) => *wake = Some(until),
                    Step::Nothing => *wake = None,
                }
            }
        }
        wakes.into_iter().flatten().min()
    }

    fn keep_to_budget(&mut self, now: Duration) {
        let Some(budget) = self.settings.budget.filter(|budget| now >= *budget) else {
            return;
        };
        for lane in &mut self.lanes {
            let seconds = budget.as_secs_f64();
            lane.closed
                .get_or_insert_with(|| format!("the time of the whole run, {seconds} s, was over"));
        }
    }

    /// Begins one attempt of a lane, if there is one to begin.
    fn step(&mut self, index: usize, now: Duration) -> Step {
        self.skip_finished(index);
        let horizon = self.horizon(index);
        let lane = &mut self.lanes[index];
        if lane.closed.is_some() {
            return Step::Nothing;
        }
        let retry = lane.waiting.peek().map(|Reverse((ready, _))| *ready);
        let fresh = lane.next < self.plan.probes.len() && lane.next <= horizon;
        if retry.is_none() && !fresh {
            return Step::Nothing;
        }
        match lane.throttle.may_begin(now, lane.under_way) {
            Begin::Now => {}
            Begin::At(at) => return Step::Wait(at),
            Begin::Later | Begin::Never => return Step::Nothing,
        }
        let place = match retry {
            Some(ready) if ready <= now => lane.waiting.pop().map(|Reverse((_, place))| place),
            Some(ready) if !fresh => return Step::Wait(ready),
            _ => None,
        };
        let place = place.unwrap_or_else(|| {
            let next = lane.next;
            lane.next += 1;
            next
        });
        lane.throttle.begun(now);
        lane.under_way += 1;
        let tried = lane.tried.entry(place).or_insert(Tried {
            tries: 0,
            first: now,
            last: None,
        });
        tried.tries += 1;
        let query = query(self.gold, &self.plan.probes[place]);
        let target = Arc::clone(&self.arms[index].target);
        self.attempts
            .spawn(attempt(place, now, target, query, self.settings.timeout));
        Step::Begun
    }

    /// Moves a lane to its next probe that nobody has an answer to.
    fn skip_finished(&mut self, index: usize) {
        let lane = &mut self.lanes[index];
        while let Some(probe) = self.plan.probes.get(lane.next) {
            if probe.target == index && !self.journal.is_finished(lane.next) {
                break;
            }
            lane.next += 1;
        }
    }

    /// How far a lane may go, so that no other is left behind.
    fn horizon(&self, index: usize) -> usize {
        let others = self.lanes.iter().enumerate().filter(|(other, lane)| {
            *other != index && lane.closed.is_none() && lane.next < self.plan.probes.len()
        });
        let last = others.map(|(_, lane)| lane.next).min();
        let window = WINDOW * self.arms[index].pace.concurrency.max(1) * self.lanes.len();
        last.map_or(usize::MAX, |last| last.saturating_add(window))
    }

    async fn take(&mut self, ended: Ended) -> Result<(), JournalError> {
        let Ended {
            place,
            begun,
            reply,
            timing,
        } = ended;
        let now = self.clock.elapsed();
        let probe = &self.plan.probes[place];
        let lane = &mut self.lanes[probe.target];
        lane.under_way -= 1;
        let tries = lane.tried.get(&place).map_or(1, |tried| tried.tries);
        let failure = match reply {
            Ok(reply) => {
                lane.throttle.succeeded();
                return self.came(place, Ok(reply), timing, now).await;
            }
            Err(failure) => failure,
        };
        // What failed in a saved run says nothing of anybody's health now.
        if failure.taken.is_none() {
            lane.throttle.failed(&failure, begun, now);
        }
        if let Some(reason) = lane.throttle.given_up() {
            lane.closed.get_or_insert_with(|| reason.to_owned());
        }
        let again = failure.retry != Retry::Pointless && tries <= self.settings.retries;
        if again && lane.closed.is_none() {
            let ready = now + self.settings.backoff.wait(place, tries);
            lane.waiting.push(Reverse((ready, place)));
            if let Some(tried) = lane.tried.get_mut(&place) {
                tried.last = Some((failure, timing));
            }
            return Ok(());
        }
        let given_up = lane.closed.is_some();
        let target = probe.target;
        self.came(place, Err(failure), timing, now).await?;
        if given_up {
            self.fail_those_waiting(target, now).await?;
        }
        Ok(())
    }

    /// What waits for another attempt at a target that was given up has failed.
    async fn fail_those_waiting(&mut self, lane: usize, now: Duration) -> Result<(), JournalError> {
        let waiting = std::mem::take(&mut self.lanes[lane].waiting);
        for Reverse((_, place)) in waiting.into_sorted_vec() {
            let tried = self.lanes[lane].tried.get_mut(&place);
            if let Some((failure, timing)) = tried.and_then(|tried| tried.last.take()) {
                self.came(place, Err(failure), timing, now).await?;
            }
        }
        Ok(())
    }

    /// Keeps what came of a probe.
    async fn came(
        &mut self,
        place: usize,
        reply: Result<Scored, Failure>,
        timing: Timing,
        now: Duration,
    ) -> Result<(), JournalError> {
        let probe = &self.plan.probes[place];
        let tried = self.lanes[probe.target].tried.remove(&place);
        let (attempts, first) = tried.map_or((1, now), |tried| (tried.tries, tried.first));
        let blank = Observation {
            attempts,
            elapsed_ms: now.saturating_sub(first).as_secs_f64() * 1000.0,
            timing,
            ..unasked(self.gold, &self.sides[probe.target], probe)
        };
        // What is read from a saved run took what it took then.
        let taken = match &reply {
            Ok(reply) => reply.origin.taken(),
            Err(failure) => failure.taken.as_deref().copied(),
        };
        let (seen, texts) = match reply {
            Ok(reply) => reply.into_observation(blank),
            Err(failure) => (failed(blank, failure), Texts::new()),
        };
        let seen = seen.when_taken(taken);
        self.journal.keep(place, &seen, &texts).await
    }
}

/// What came of trying to begin.
enum Step {
    Begun,
    Wait(Duration),
    /// Nothing to begin, or not before another has ended.
    Nothing,
}

/// One attempt.
async fn attempt(
    place: usize,
    begun: Duration,
    target: Arc<dyn Target>,
    query: Query,
    limit: Duration,
) -> Ended {
    let attempt = Attempt::begin();
    let reply = within(
        limit,
        &attempt,
        target.retrieve(&query, Arc::clone(&attempt)),
    )
    .await
    .and_then(|reply| accept(reply, query.k))
    .map(Scored::of);
    Ended {
        place,
        begun,
        reply,
        timing: attempt.timing(),
    }
}

/// An attempt is only ever cancelled when nobody listens any more, so it can only fail by a panic, which
/// is ours and must be heard.
fn heard(ended: Result<Ended, tokio::task::JoinError>) -> Ended {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn query(gold: &GoldSet, probe: &Probe) -> Query {
    let question = &gold.questions[probe.question];
    let (_, text) = question
        .forms()
        .nth(usize::from(probe.form.0))
        .expect("the plan asks forms that exist");
    Query {
        question: question.id.clone(),
        form: probe.form,
        seed: probe.seed,
        k: probe.k,
        text: text.to_owned(),
        repeat: probe.purpose == Purpose::Repeat,
        warm_up: false,
    }
}

fn failed(blank: Observation, failure: Failure) -> Observation {
    Observation {
        status: failure.status,
        outcome: Outcome::Failed {
            class: failure.class,
            stage: failure.stage,
            message: failure.message,
        },
        ..blank
    }
}

impl Scored {
    fn of(reply: Reply) -> Self {
        let hits: Vec<HitRecord> = reply.hits.iter().map(HitRecord::of).collect();
        let found = reply.hits.into_iter().map(|hit| hit.text);
        let mut texts: Texts = hits.iter().map(|hit| hit.text).zip(found).collect();
        let answer = reply.answer.as_ref().map(Digest::of);
        texts.extend(answer.zip(reply.answer));
        Self {
            outcome: Outcome::Scored {
                hits,
                answer,
                citations: reply.citations,
            },
            texts,
            cold_start: reply.cold_start,
            status: reply.status,
            origin: reply.origin,
        }
    }

    fn into_observation(self, blank: Observation) -> (Observation, Texts) {
        let observation = Observation {
            cold_start: self.cold_start,
            status: self.status,
            cached: self.origin == Origin::Cached,
            timing: match self.origin {
                Origin::Asked | Origin::Recorded(_) => blank.timing,
                Origin::Cached => Timing::default(),
            },
            outcome: self.outcome,
            ..blank
        };
        (observation, self.texts)
    }
}
