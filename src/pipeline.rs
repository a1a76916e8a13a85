//! The whole way from a policy to a report, stage by stage.
//!
//! This is the only place that knows every stage. Each step hands on a plain value; the clock is
//! read by the caller.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::Diagnostic;
use thiserror::Error;

use crate::earlier::{Asked, NotComparable, Sides};
use crate::embed::{EmbedError, EmbedderId, Endpoint, Referee, VectorTable};
use crate::goldset::{self, GoldSet, GoldSetError, NoQuestions, Section};
use crate::ids::{Digest, QuestionId, TargetName};
use crate::judge::{
    self, Evidence, GoldRef, Outlook, PastRun, SideEvidence, TargetRef, Verdict, notes, waive,
    worst,
};
use crate::measure::{MatchError, Matched, MetricTable, measure, seeds_vary};
use crate::parity::{Contract, ContractField, SideParity, compare, diff};
use crate::plan::{Policy, RefereeSpec, TargetSpec};
use crate::replay::{Counts, Plan, Purpose, Run, Side, replay};
use crate::report::{
    self, FolderError, JudgedRecord, QuestionRecord, Report, RunRecord, TargetRecord,
};
use crate::target::embedded::{self, BuildError, Embedded, Lengths, Settings, Skew, SkewError};
use crate::target::{Locality, Target};
use crate::units::Day;

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
    /// A skew.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Skew(#[from] SkewError),
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
    targets: Vec<Arc<dyn Target>>,
    /// The targets as they were before, if the policy names an earlier run.
    before: Option<Sides>,
    /// Earlier runs of the same step, if the policy says which there are.
    history: Option<Vec<PastRun>>,
}

/// A finished replay with the session it belongs to.
pub struct Replayed {
    session: Session,
    run: Run,
    record: RunRecord,
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
        let settings = policy
            .targets
            .iter()
            .map(|target| embedded_settings(target, &gold))
            .collect::<Result<Vec<_>, _>>()?;
        let referee = referee(&policy.referee, &gold)?;
        let mut texts = asked_texts(&gold);
        for settings in &settings {
            texts.extend(embedded::texts(&gold.corpus, settings)?);
        }
        texts.sort_unstable();
        texts.dedup();
        let vectors = Arc::new(referee.vectors(&texts).await?);
        let asked = asked(&policy, &gold, gold_digest, referee.id(&vectors));
        let before = policy.baseline.as_deref().map(|run| before(run, &asked));
        let before = before.transpose()?;
        let history = policy.history.as_deref().map(history).transpose()?;
        let mut targets: Vec<Arc<dyn Target>> = Vec::new();
        for (spec, settings) in policy.targets.iter().zip(&settings) {
            let built = Embedded::build(
                spec.name.clone(),
                &gold.corpus,
                settings,
                Arc::clone(&vectors),
                &occasion.started_at,
            )?;
            targets.push(Arc::new(built));
        }
        Ok(Self {
            policy,
            gold,
            gold_digest,
            n_questions,
            referee,
            vectors,
            targets,
            before,
            history,
        })
    }

    /// Asks every planned probe. `progress` is told `(done, planned)`.
    pub async fn replay(
        self,
        occasion: &Occasion,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Replayed {
        let plan = Plan::new(&self.gold, self.targets.len(), &self.policy.replay);
        let run = replay(
            &self.gold,
            &self.targets,
            &plan,
            &self.policy.replay,
            progress,
        )
        .await;
        let record = self.record(&run, occasion);
        Replayed {
            session: self,
            run,
            record,
        }
    }

    fn record(&self, run: &Run, occasion: &Occasion) -> RunRecord {
        let settings = &self.policy.replay;
        RunRecord {
            format: RunRecord::FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: occasion.run_id.clone(),
            gold_name: self.gold.manifest.name.clone(),
            gold_digest: self.gold_digest,
            policy_digest: self.policy.digest,
            filter: self.policy.filter.clone(),
            gold_questions: self.n_questions,
            k: settings.k.get(),
            k_sweep: settings.k_sweep.iter().map(|k| k.get()).collect(),
            seeds: settings.seeds.iter().map(|seed| seed.0).collect(),
            judged: None,
            targets: run
                .sides
                .iter()
                .zip(&self.policy.targets)
                .map(|(side, spec)| TargetRecord {
                    name: side.name.clone(),
                    role: spec.role,
                    locality: side.locality,
                    contract_at_start: side.contract_at_start.clone().ok(),
                    contract_at_end: side.contract_at_end.clone().ok(),
                    contract_error: [&side.contract_at_start, &side.contract_at_end]
                        .into_iter()
                        .find_map(|reading| reading.clone().err()),
                    seeds_vary: seeds_vary(run, &side.name),
                    baseline_of: None,
                })
                .collect(),
            questions: self
                .gold
                .questions
                .iter()
                .map(|question| QuestionRecord {
                    id: question.id.clone(),
                    line: question.line,
                    topic: question.topic.clone(),
                    forms: question.forms().map(|(_, text)| text.to_owned()).collect(),
                    targets: question
                        .target
                        .iter()
                        .map(|target| target.key.clone())
                        .collect(),
                })
                .collect(),
        }
    }
}

impl Replayed {
    /// What was asked of whom.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Everything that was observed.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Measures with the vectors at hand, which is all there is to do unless a target returned
    /// texts of its own.
    ///
    /// # Errors
    /// If a retrieved text has no vector.
    pub fn measure(&self) -> Result<MetricTable, PipelineError> {
        Ok(measure(Matched::new(
            &self.session.gold,
            &self.run,
            &self.session.vectors,
        )?))
    }

    /// Measures and judges. `ended_at` is RFC 3339.
    ///
    /// # Errors
    /// If a retrieved text has no vector and none can be made.
    pub async fn judge(
        self,
        occasion: &Occasion,
        ended_at: &dyn Fn() -> String,
    ) -> Result<Report, PipelineError> {
        let Self {
            mut session,
            mut run,
            mut record,
        } = self;
        let vectors = session.vectors_of(&run).await?;
        let mut table = measure(Matched::new(&session.gold, &run, &vectors)?);
        let probes = run.counts();
        if let Some(before) = session.before.take() {
            let (observations, texts) = (&mut run.observations, &mut run.texts);
            before.join(&mut record, &mut table, observations, texts);
        }
        let judged = JudgedRecord {
            settings: judge::Settings {
                history: session.history.take(),
                ..session.policy.judge.clone()
            },
            on: occasion.day,
            referee: session.referee.id(&vectors),
            parity: parity(&run, &session.policy.targets),
        };
        let evidence = evidence(&record, &judged, table, &occasion.started_at);
        let verdict = Verdict {
            format: Verdict::FORMAT,
            run_id: occasion.run_id.clone(),
            started_at: occasion.started_at.clone(),
            ended_at: ended_at(),
            probes,
            ..verdict(&record, &evidence, &judged)
        };
        record.judged = Some(judged);
        Ok(Report {
            verdict,
            record,
            table: evidence.table,
            observations: run.observations,
            texts: run.texts,
        })
    }
}

impl Session {
    /// Vectors for what was asked and what came back.
    async fn vectors_of(&self, run: &Run) -> Result<Arc<VectorTable>, EmbedError> {
        if run
            .texts
            .keys()
            .all(|digest| self.vectors.get(digest).is_some())
        {
            return Ok(Arc::clone(&self.vectors));
        }
        let mut texts = asked_texts(&self.gold);
        texts.extend(run.texts.values().cloned());
        texts.sort_unstable();
        texts.dedup();
        Ok(Arc::new(self.referee.vectors(&texts).await?))
    }
}

/// What a policy is going to ask: its gold set is read, and nothing is asked, embedded or built.
///
/// # Errors
/// If the gold set cannot be read, or nothing is left of it after the filter.
pub fn outlook(policy: &Policy) -> Result<Outlook, PipelineError> {
    let mut gold = goldset::load(&policy.gold)?;
    policy.filter.apply(&mut gold)?;
    let answerable = || gold.questions.iter().filter(|question| question.answerable);
    let mut topics = BTreeMap::new();
    for question in answerable() {
        *topics.entry(question.topic.clone()).or_insert(0) += 1;
    }
    let forms = answerable().map(|question| question.forms().count()).max();
    let judged = || policy.targets.iter().filter(|spec| spec.role.is_judged());
    let control = policy.targets.iter().find(|spec| spec.role.is_control());
    let states = |spec: &TargetSpec, field: ContractField| {
        Embedded::COMPUTED.contains(&field) || spec.stated.get(field).is_some()
    };
    let by_control = |field| control.is_some_and(|control| states(control, field));
    let fields = |other: &dyn Fn(&TargetSpec, ContractField) -> bool| {
        let known = |field: &ContractField| {
            judged().all(|spec| states(spec, *field) && other(spec, *field))
        };
        ContractField::ALL.iter().copied().filter(known).collect()
    };
    Ok(Outlook {
        n_questions: answerable().count(),
        topics,
        n_forms: forms.unwrap_or(1).min(1 + policy.replay.paraphrases),
        n_seeds: policy.replay.seeds.len(),
        n_sides: judged().count(),
        referee: policy.referee.kind(),
        // Every kind of target that a policy knows runs inside this process.
        locality: Locality::InProcess,
        stated: fields(&|_, field| by_control(field)),
        compared: fields(&|spec, field| spec.intended.get(field).is_some() || by_control(field)),
        history: policy.history.is_some(),
        baseline: policy.baseline.is_some(),
    })
}

/// What a policy asks.
fn asked(policy: &Policy, gold: &GoldSet, digest: Digest, referee: EmbedderId) -> Asked {
    let replay = &policy.replay;
    let questions = gold.questions.iter().map(|question| {
        let forms = question.forms().take(1 + replay.paraphrases).count();
        (question.id.clone(), forms)
    });
    Asked {
        run: "this run".to_owned(),
        gold: digest,
        referee: Some(referee),
        k: replay.k.get(),
        seeds: replay.seeds.iter().map(|seed| seed.0).collect(),
        questions: questions.collect(),
    }
}

fn before(run: &Path, asked: &Asked) -> Result<Sides, PipelineError> {
    let report = report::load(run)?;
    Asked::of(&report).comparable_with(asked)?;
    Ok(Sides::before(report))
}

fn history(runs: &[PathBuf]) -> Result<Vec<PastRun>, PipelineError> {
    let past = |run: &PathBuf| {
        let verdict = report::load_verdict(run)?;
        PastRun::of(&verdict).ok_or_else(|| PipelineError::NoBeginning { run: run.clone() })
    };
    runs.iter().map(past).collect()
}

/// The texts that measuring needs whatever comes back: wordings, anchors, decoys.
fn asked_texts(gold: &GoldSet) -> Vec<String> {
    let of = |question: &goldset::Question| {
        let decoy = question
            .decoy
            .as_ref()
            .and_then(|decoy| gold.section(decoy))
            .map(|section| section.text.clone());
        let forms: Vec<String> = question.forms().map(|(_, text)| text.to_owned()).collect();
        forms
            .into_iter()
            .chain(question.anchor.clone())
            .chain(decoy)
    };
    gold.questions.iter().flat_map(of).collect()
}

/// Older editions and other files that `gold embed` reads beside the corpus.
///
/// # Errors
/// If one cannot be read.
pub fn also_embedded(gold: &GoldSet) -> Result<Vec<Section>, GoldSetError> {
    let mut sections = Vec::new();
    for path in &gold.manifest.also_embed {
        sections.extend(goldset::read_sections(&gold.root.join(path))?);
    }
    Ok(sections)
}

fn embedded_settings(spec: &TargetSpec, gold: &GoldSet) -> Result<Settings, GoldSetError> {
    let older_editions = spec
        .older_editions
        .as_deref()
        .map(goldset::read_sections)
        .transpose()?
        .unwrap_or_default();
    Ok(Settings {
        metric: spec.metric,
        analyzer: spec.analyzer,
        ranking: spec.ranking,
        snippets: spec.snippets.unwrap_or(gold.manifest.snippets),
        stated: spec.stated.clone(),
        skew: Skew {
            missing: spec.missing.clone(),
            edited: spec.edited.clone(),
            duplicated: spec.duplicated.clone(),
            older_editions,
            lengths: if spec.unnormalised {
                Lengths::Uneven
            } else {
                Lengths::Unit
            },
        },
    })
}

fn referee(spec: &RefereeSpec, gold: &GoldSet) -> Result<Referee, EmbedError> {
    let cache = |path: &Option<PathBuf>| path.clone().unwrap_or_else(|| gold.embeddings_path());
    let model_or =
        |model: &Option<String>| model.clone().unwrap_or_else(|| gold.manifest.model.clone());
    match spec {
        RefereeSpec::Cache { path, model } => Ok(Referee::Cache {
            path: cache(path),
            model: model_or(model),
        }),
        RefereeSpec::Lexical => Ok(Referee::Lexical),
        RefereeSpec::Endpoint {
            path,
            model,
            url,
            key_env,
        } => Ok(Referee::Endpoint {
            path: cache(path),
            endpoint: Endpoint::new(url, model_or(model), key_env.clone())?,
        }),
    }
}

/// Every side that is not the control, against it.
fn parity(run: &Run, specs: &[TargetSpec]) -> Vec<SideParity> {
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
            fields: compare(&contract(control), &contract(side), &spec.intended),
            rows: control
                .inventory
                .as_ref()
                .zip(side.inventory.as_ref())
                .map(|(ours, theirs)| diff(ours, theirs)),
        })
        .collect()
}

fn evidence(
    record: &RunRecord,
    judged: &JudgedRecord,
    table: MetricTable,
    started_at: &str,
) -> Evidence {
    let reading = |contract: &Option<Contract>, error: &Option<String>| {
        contract
            .clone()
            .ok_or_else(|| error.clone().unwrap_or_else(|| "not read".to_owned()))
    };
    let side = |target: &TargetRecord| SideEvidence {
        name: target.name.clone(),
        role: target.role,
        locality: target.locality,
        contract_at_start: reading(&target.contract_at_start, &target.contract_error),
        contract_at_end: reading(&target.contract_at_end, &target.contract_error),
        seeds_vary: target.seeds_vary,
        baseline_of: target.baseline_of.clone(),
    };
    Evidence {
        table,
        sides: record.targets.iter().map(side).collect(),
        parity: judged.parity.clone(),
        referee: judged.referee.clone(),
        started_at: started_at.parse().ok(),
    }
}

/// The verdict, but for what only the clock and the run know.
fn verdict(record: &RunRecord, evidence: &Evidence, judged: &JudgedRecord) -> Verdict {
    let settings = &judged.settings;
    let (checks, waivers) = waive(
        judge::judge(evidence, settings),
        &settings.waivers,
        judged.on,
    );
    let worst = worst(&checks);
    Verdict {
        format: Verdict::FORMAT,
        run_id: record.run_id.clone(),
        verdict: worst,
        exit_code: worst.exit_code(),
        runbook: settings.runbook,
        stage: settings.stage,
        evidence: settings.basis,
        gold: GoldRef {
            digest: record.gold_digest,
            questions: record.questions.len(),
        },
        policy_digest: record.policy_digest,
        referee: evidence.referee.clone(),
        probes: Counts::default(),
        targets: record
            .targets
            .iter()
            .map(|target| TargetRef {
                name: target.name.clone(),
                role: target.role,
                contract: target.contract_at_start.clone().unwrap_or_default(),
            })
            .collect(),
        checks,
        parity: evidence.parity.clone(),
        notes: slice(record)
            .into_iter()
            .chain(notes(evidence, settings))
            .collect(),
        waivers,
        started_at: String::new(),
        ended_at: String::new(),
    }
}

/// The questions of a loaded report that missed a limit themselves. `None` for a replay that was never
/// judged.
pub fn failing_questions(report: &Report) -> Option<BTreeSet<QuestionId>> {
    let judged = report.record.judged.as_ref()?;
    let started_at = &report.verdict.started_at;
    let evidence = evidence(&report.record, judged, report.table.clone(), started_at);
    Some(judge::failing(&evidence, &judged.settings))
}

/// What a reader must know before taking a slice for the whole.
fn slice(record: &RunRecord) -> Option<String> {
    let (asked, of) = (record.questions.len(), record.gold_questions);
    let failing = if record.filter.only.is_some() {
        ", which were red before and are no fair sample"
    } else {
        ""
    };
    (asked < of).then(|| {
        format!(
            "{asked} of {of} questions were asked ({}){failing}",
            record.filter
        )
    })
}

/// Judges a loaded report once more from its tables, with nothing but the bundle: no gold set, no
/// target, no network, no clock.
///
/// Contracts, observations and metrics are taken as recorded; what follows from them is computed
/// again. `None` for a replay that was never judged.
pub fn judge_again(report: &Report) -> Option<Verdict> {
    let judged = report.record.judged.as_ref()?;
    let recorded = &report.verdict;
    let started_at = &recorded.started_at;
    let evidence = evidence(&report.record, judged, report.table.clone(), started_at);
    let earlier: BTreeSet<&TargetName> = report
        .record
        .targets
        .iter()
        .filter(|target| target.baseline_of.is_some())
        .map(|target| &target.name)
        .collect();
    let scored = report
        .observations
        .iter()
        .filter(|seen| seen.purpose == Purpose::Score && !earlier.contains(&seen.target));
    Some(Verdict {
        probes: Counts::of(scored.map(|seen| &seen.outcome)),
        started_at: recorded.started_at.clone(),
        ended_at: recorded.ended_at.clone(),
        ..verdict(&report.record, &evidence, judged)
    })
}
