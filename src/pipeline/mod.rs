//! The whole way from a policy to a report, stage by stage.
//!
//! This is the only place that knows every stage. Each step hands on a plain value; the clock is
//! read by the caller.

mod canaries;
mod conclude;
mod fingerprint;
mod live;
mod load;
mod outlook;
mod prepare;
mod record;
mod replayed;
mod resume;
pub mod retrieval;
mod targets;

use std::path::PathBuf;
use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;

use crate::earlier::{NoSide, NotComparable, Sides};
use crate::embed::{EmbedError, Referee, VectorTable};
use crate::export::ExportError;
use crate::goldset::{self, GoldSet, GoldSetError, NoQuestions};
use crate::ids::{Digest, TargetName};
use crate::judge::{self, PastRun};
use crate::measure::{MatchError, Matched, Prepared, Replies, SideAnswers, measure, seeds_vary};
use crate::net::ConnectionError;
use crate::parity::{Contract, SideParity, compare, diff};
use crate::plan::{Policy, TargetSpec};
use crate::replay::{
    Arm, Cached, Finished, Head, Journal, JournalError, Kept, Plan, ReplayError, Run, Side, Stop,
    replay,
};
use crate::report::{AskedIn, FolderError, JudgedRecord, Report};
use crate::target::Texts;
use crate::target::embedded::{BuildError, SkewError};
use crate::target::http::ReplySchemaError;
use crate::traffic::Observed;
use crate::units::Day;

pub use canaries::{CanaryError, read_canaries};
pub use conclude::{Saved, failing_questions, judge_again};
pub use fingerprint::{FingerprintError, read_token_streams};
pub use live::Live;
pub use load::Loading;
pub use outlook::outlook;
pub use prepare::also_embedded;
pub use record::Asked;
pub use resume::reopen;

use prepare::{asked, asked_texts, before, history, referee};

/// Why a policy could not be carried out.
#[derive(Debug, Error, Diagnostic)]
pub enum PipelineError {
    /// The gold set.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Gold(#[from] GoldSetError),
    /// The filter.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Filter(#[from] NoQuestions),
    /// The referee.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Embed(#[from] EmbedError),
    /// A target.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Build(#[from] BuildError),
    /// A target that cannot even be called.
    #[error("target `{target}`")]
    #[diagnostic(code(pipeline::connection))]
    Connection {
        /// Which target.
        target: TargetName,
        /// The reason.
        #[diagnostic_source]
        source: ConnectionError,
    },
    /// The schema of a target's replies.
    #[error(transparent)]
    #[diagnostic(transparent)]
    ReplySchema(#[from] ReplySchemaError),
    /// A target that no policy names.
    #[error("no target is called `{target}`")]
    #[diagnostic(code(pipeline::no_target), help("the policy has {known}"))]
    NoTarget {
        /// What was asked for.
        target: String,
        /// The names that there are.
        known: String,
    },
    /// An export without a vector that a side could be asked with.
    #[error("no row of the export has a vector to ask with")]
    #[diagnostic(
        code(pipeline::nothing_to_ask),
        help("a vector has numbers that are finite and not all zero")
    )]
    NothingToAsk,
    /// A target that takes no vector.
    #[error("target `{target}` cannot be asked with a vector: {problem}")]
    #[diagnostic(
        code(pipeline::takes_no_vector),
        help("stores take vectors, and services whose url or body holds {{vector}}")
    )]
    TakesNoVector {
        /// Which target.
        target: TargetName,
        /// Why not.
        problem: &'static str,
    },
    /// A target that answers nothing.
    #[error("target `{target}` answers nothing: {words}")]
    #[diagnostic(
        code(pipeline::unanswered),
        help("its rows could be read; look at how it is asked")
    )]
    Unanswered {
        /// Which target.
        target: TargetName,
        /// What went wrong.
        words: String,
    },
    /// A target that cannot be filled.
    #[error("target `{target}` cannot be filled: {problem}")]
    #[diagnostic(
        code(pipeline::not_fillable),
        help("`gold load` fills tables and collections with the referee's vectors")
    )]
    NotFillable {
        /// Which target.
        target: TargetName,
        /// Why not.
        problem: &'static str,
    },
    /// A store that did not take what it was given.
    #[error("{place}: {words}")]
    #[diagnostic(
        code(pipeline::load),
        help("nothing that was there is overwritten; {left}")
    )]
    Load {
        /// Where the rows go.
        place: String,
        /// What went wrong.
        words: String,
        /// What is left of the attempt.
        left: &'static str,
    },
    /// A target that does not list its rows.
    #[error("target `{target}` does not list its rows")]
    #[diagnostic(
        code(pipeline::not_listed),
        help("export them to a file, and stamp that; or leave out list_rows = false")
    )]
    NotListed {
        /// Which target.
        target: TargetName,
    },
    /// A target that did not say what was asked of it.
    #[error("target `{target}`: {words}")]
    #[diagnostic(code(pipeline::live))]
    Live {
        /// Which target.
        target: TargetName,
        /// What went wrong.
        words: String,
    },
    /// Rows that were downloaded cannot be read again.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Export(#[from] ExportError),
    /// Downloaded rows that could not be kept.
    #[error("{}: rows cannot be written", path.display())]
    #[diagnostic(code(pipeline::download), help("name another folder with --spill-to"))]
    Download {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: arrow::error::ArrowError,
    },
    /// A skew.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Skew(#[from] SkewError),
    /// The journal of the replay.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Journal(#[from] JournalError),
    /// The measuring.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Match(#[from] MatchError),
    /// An earlier run that cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Earlier(#[from] FolderError),
    /// An earlier run of which no difference would mean anything.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NotComparable(#[from] NotComparable),
    /// An earlier run without the target that was named.
    #[error(transparent)]
    #[diagnostic(transparent)]
    NoSide(#[from] NoSide),
    /// An earlier run that does not say when it began.
    #[error("{}: the run does not say when it began", run.display())]
    #[diagnostic(
        code(pipeline::no_beginning),
        help("history is ordered by time; leave it out")
    )]
    NoBeginning {
        /// The run folder.
        run: PathBuf,
    },
}

/// A gold set, its referee and the targets, ready to be asked.
pub struct Session {
    policy: Policy,
    gold: GoldSet,
    gold_digest: Digest,
    /// Questions of the gold set before the filter.
    n_questions: usize,
    referee: Referee,
    vectors: Arc<VectorTable>,
    arms: Vec<Arm>,
    /// For each, the run in which it was asked, if that is not this one.
    asked_in: Vec<Option<AskedIn>>,
    /// For each, where its replies are kept, if they are.
    caches: Vec<Option<Arc<Cached>>>,
    /// The targets as they were before, if the policy names an earlier run.
    before: Option<Sides>,
    /// Earlier runs of the same step, if the policy says which there are.
    history: Option<Vec<PastRun>>,
    /// What was observed beside the probes.
    observed: Observed,
}

/// A finished replay with the session it belongs to.
pub struct Replayed {
    session: Session,
    finished: Finished,
    occasion: Occasion,
}

/// When something happened, RFC 3339, and under which id: read from the clock by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// The run's id.
    pub run_id: String,
    /// When the run began.
    pub started_at: String,
    /// The day (UTC) of that.
    pub day: Day,
}

impl Session {
    /// Reads the gold set, gets the vectors and builds the targets.
    ///
    /// # Errors
    /// If any of them cannot be had.
    pub async fn prepare(policy: Policy, occasion: &Occasion) -> Result<Self, PipelineError> {
        let mut gold = goldset::load(&policy.gold)?;
        let gold_digest = gold.digest();
        let n_questions = gold.questions.len();
        policy.filter.apply(&mut gold)?;
        let prepared = targets::prepare(&policy.targets, &gold, gold_digest)?;
        let referee = referee(&policy.referee, &gold)?;
        let mut texts = asked_texts(&gold);
        for target in &prepared {
            texts.extend(target.texts(&gold)?);
        }
        texts.sort_unstable();
        texts.dedup();
        let vectors = Arc::new(referee.vectors(&texts).await?);
        let asked = asked(&policy, &gold, gold_digest, referee.id(&vectors));
        let before = policy.baseline.as_deref().map(|run| before(run, &asked));
        let before = before.transpose()?;
        let history = policy.history.as_deref().map(history).transpose()?;
        let mut arms = Vec::new();
        let (mut asked_in, mut caches) = (Vec::new(), Vec::new());
        for (spec, prepared) in policy.targets.iter().zip(prepared) {
            asked_in.push(prepared.asked_in());
            let target = prepared.build(&spec.name, &gold.corpus, &vectors, None, occasion)?;
            let kept = policy.cache.as_ref().filter(|_| spec.may_be_kept());
            let keeping = kept.map(|cache| {
                let settings = targets::settings_digest(spec, &referee.id(&vectors));
                Arc::new(Cached::new(
                    target.clone(),
                    settings,
                    &occasion.run_id,
                    cache,
                ))
            });
            arms.push(Arm {
                target: keeping.clone().map_or(target, |keeping| keeping),
                stated: spec.stated.clone(),
                pace: spec.pace,
            });
            caches.push(keeping);
        }
        Ok(Self {
            policy,
            gold,
            gold_digest,
            n_questions,
            referee,
            vectors,
            arms,
            asked_in,
            caches,
            before,
            history,
            observed: Observed::default(),
        })
    }

    /// What the run's journal begins with.
    pub fn head(&self, occasion: &Occasion) -> Head {
        Head {
            format: Head::FORMAT,
            run_id: occasion.run_id.clone(),
            started_at: occasion.started_at.clone(),
            gold: self.gold_digest,
            policy: self.policy.digest,
            plan: self.plan().digest(&self.gold),
        }
    }

    fn plan(&self) -> Plan {
        Plan::new(&self.gold, self.arms.len(), &self.policy.replay)
    }

    /// Asks every planned probe that the journal does not hold yet. `progress` is told
    /// `(done, planned)`.
    ///
    /// # Errors
    /// If it is stopped, or the journal belongs to another run or cannot be written.
    pub async fn replay(
        self,
        occasion: &Occasion,
        journal: Journal,
        stop: Stop,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<Replayed, ReplayError> {
        journal.same_run(&self.head(occasion))?;
        let finished = replay(
            &self.gold,
            &self.arms,
            self.plan(),
            &self.policy.replay,
            journal,
            stop,
            progress,
        );
        Ok(Replayed {
            finished: finished.await?,
            occasion: occasion.clone(),
            session: self,
        })
    }
}

impl Replayed {
    /// Measures and judges. `ended_at` is RFC 3339. The journal comes back with the report: it is to be
    /// removed when the report is saved.
    ///
    /// # Errors
    /// If a retrieved text has no vector and none can be made, or the journal was changed.
    pub async fn judge(
        self,
        ended_at: &dyn Fn() -> String,
    ) -> Result<(Report, Kept), PipelineError> {
        self.judge_with(ended_at, &|_| Contract::default()).await
    }

    /// The same, with more fields declared to differ on purpose than the policy does: `declared` is
    /// given what a side states.
    ///
    /// # Errors
    /// If a retrieved text has no vector and none can be made.
    pub async fn judge_with(
        self,
        ended_at: &dyn Fn() -> String,
        declared: &(dyn Fn(&Contract) -> Contract + Sync),
    ) -> Result<(Report, Kept), PipelineError> {
        let run = self.finished.run(&self.session.gold)?;
        let record = self.record(&|target| seeds_vary(&run, target));
        let Self {
            mut session,
            occasion,
            finished,
        } = self;
        let vectors = session.vectors_of(&run.texts).await?;
        let prepared = Prepared::new(&session.gold, &vectors)?;
        let table = measure(Matched::new(&prepared, &run)?, &session.policy.ranking);
        let judged = JudgedRecord {
            settings: judge::Settings {
                history: session.history.take(),
                ..session.policy.judge.clone()
            },
            on: occasion.day,
            referee: session.referee.id(&vectors),
            parity: parity(&run, &session.policy.targets, declared),
            answers: session.answers(&record, &run, &vectors),
            drill: None,
        };
        let mut saved = Saved {
            record,
            table,
            observations: run.observations,
            texts: run.texts,
            observed: std::mem::take(&mut session.observed),
        };
        if let Some(before) = session.before.take() {
            saved.add(before);
        }
        let report = saved.judge(judged, &occasion, ended_at);
        Ok((report, finished.kept))
    }
}

impl Session {
    /// Each judged side's replies beside the control's, if the stage asks for it.
    fn answers(
        &self,
        record: &crate::report::RunRecord,
        run: &Run,
        vectors: &VectorTable,
    ) -> Vec<SideAnswers> {
        let judge = &self.policy.judge;
        let asks = |check: &judge::Definition| check.method == judge::Method::AnswersEqual;
        let control = record
            .targets
            .iter()
            .find(|target| target.role.is_control());
        let Some(control) = control.filter(|_| judge.runbook.checks_at(judge.stage).any(asks))
        else {
            return Vec::new();
        };
        let replies = Replies {
            observations: &run.observations,
            texts: &run.texts,
            vectors: Some(vectors),
        };
        let asking = record.asking();
        let judged = record
            .targets
            .iter()
            .filter(|target| target.role.is_judged());
        judged
            .map(|side| replies.compare(&asking, &side.name, &control.name))
            .collect()
    }

    /// Vectors for what was asked and what came back.
    async fn vectors_of(&self, found: &Texts) -> Result<Arc<VectorTable>, EmbedError> {
        if found
            .keys()
            .all(|digest| self.vectors.get(digest).is_some())
        {
            return Ok(Arc::clone(&self.vectors));
        }
        let mut texts = asked_texts(&self.gold);
        texts.extend(found.values().cloned());
        texts.sort_unstable();
        texts.dedup();
        Ok(Arc::new(self.referee.vectors(&texts).await?))
    }
}

/// Every side that is not the control, against it.
fn parity(
    run: &Run,
    specs: &[TargetSpec],
    declared: &dyn Fn(&Contract) -> Contract,
) -> Vec<SideParity> {
    let sides = || run.sides.iter().zip(specs);
    let Some((control, _)) = sides().find(|(_, spec)| spec.role.is_control()) else {
        return Vec::new();
    };
    let unread = Contract::default();
    let contract = |side: &Side| {
        side.contract_at_start
            .clone()
            .unwrap_or_else(|_| unread.clone())
    };
    sides()
        .filter(|(_, spec)| !spec.role.is_control())
        .map(|(side, spec)| SideParity {
            target: side.name.clone(),
            control: control.name.clone(),
            fields: {
                let (control, side) = (contract(control), contract(side));
                compare(&control, &side, &spec.intended.or(&declared(&side)))
            },
            rows: control
                .inventory
                .as_ref()
                .zip(side.inventory.as_ref())
                .map(|(ours, theirs)| diff(ours, theirs)),
        })
        .collect()
}
