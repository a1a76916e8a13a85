//! The reading of a live side's retrieval: metric, recall, self-retrieval and noise of its own.
//!
//! [`Sample`] chooses rows of the side's export; the target is built to be asked with their
//! vectors; [`Asked::read`] asks and sets what comes back beside the export. [`read_retrieval`]
//! does all of that for a target of a policy.

mod ask;
mod exact;
mod sample;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use crate::export::{Chunk, ExportError, Source};
use crate::net::Failure;
use crate::parity::Contract;
use crate::parity::ContractField;
use crate::parity::metric_inference::{Inference, Inferred, ScoreMetric, ScoreSample, infer};
use crate::parity::retrieval::{
    ConditionReading, QueryReading, Ranked, RetrievalReading, overlap, recall, ties_with_last,
};
use crate::pipeline::targets::{asked_with, named};
use crate::pipeline::{Occasion, PipelineError};
use crate::plan::{Policy, TargetSettings};
use crate::replay::{self, Pace, patiently};
use crate::target::elastic::Mode;
use crate::target::embedded::Ranking;
use crate::target::http::Scores;
use crate::target::store::RowFilter;
use crate::target::{Metric, Target};
use crate::units::Cutoff;

pub use sample::Sample;

use ask::{Answers, Asking, Found};
use exact::{Exact, Held, search};
use sample::SampledRow;

/// The rows of an export, which can be gone through more than once.
pub trait Rows {
    /// Hands on every chunk, the same rows each time.
    ///
    /// # Errors
    /// If the rows cannot be read to the end.
    fn each(&self, take: &mut (dyn FnMut(&Chunk) + Send)) -> Result<(), PipelineError>;
}

impl Rows for [Chunk] {
    fn each(&self, take: &mut (dyn FnMut(&Chunk) + Send)) -> Result<(), PipelineError> {
        self.iter().for_each(take);
        Ok(())
    }
}

impl Rows for Vec<Chunk> {
    fn each(&self, take: &mut (dyn FnMut(&Chunk) + Send)) -> Result<(), PipelineError> {
        self.as_slice().each(take)
    }
}

/// Chunks come from several threads and are handed on one at a time, in no order that means anything.
impl Rows for Source {
    fn each(&self, take: &mut (dyn FnMut(&Chunk) + Send)) -> Result<(), PipelineError> {
        let take = Mutex::new(take);
        self.read(&|chunk| {
            let mut take = take.lock().expect("no thread panics with a chunk");
            (*take)(&chunk);
            Ok::<_, ExportError>(())
        })?;
        Ok(())
    }
}

/// What a target's scores can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// They are made of a distance.
    Distance,
    /// They may be; where no metric gives them, they are of a kind of their own.
    Unknown,
    /// They are not, and why: neither is a metric inferred, nor is there an exact ranking.
    NoDistance(&'static str),
}

impl ScoreKind {
    /// By how a target is asked.
    pub fn of(settings: &TargetSettings) -> Self {
        match settings {
            TargetSettings::Pgvector(_) | TargetSettings::Chroma(_) | TargetSettings::Qdrant(_) => {
                Self::Distance
            }
            TargetSettings::Embedded(spec) => match spec.ranking {
                Ranking::Dense => Self::Distance,
                Ranking::Bm25 => Self::NoDistance("not a distance: ranking is by words"),
                Ranking::Hybrid => Self::NoDistance("not a distance: ranking is hybrid"),
            },
            TargetSettings::Elastic(spec) => match spec.settings.mode {
                Some(Mode::Knn) => Self::Distance,
                Some(Mode::Bm25) => Self::NoDistance("not a distance: ranking is by words"),
                Some(Mode::Hybrid) => Self::NoDistance("not a distance: ranking is hybrid"),
                None => Self::Unknown,
            },
            TargetSettings::Http(spec) => match spec.settings.pointers.hit.score {
                Scores::ByRank => Self::NoDistance("not a distance: the service gives no scores"),
                _ => Self::Unknown,
            },
            TargetSettings::Recorded(_) => {
                Self::NoDistance("not a distance: replies are those of a saved run")
            }
        }
    }
}

/// A side that is built to be asked with the vectors of a [`Sample`].
pub struct Asked<'a> {
    /// Asked without the filter.
    pub plain: Arc<dyn Target>,
    /// Asked under the filter of production, if there is one.
    pub filtered: Option<(Arc<dyn Target>, RowFilter)>,
    /// Contract fields that it does not say of itself.
    pub stated: &'a Contract,
    /// What its scores can tell.
    pub scores: ScoreKind,
    /// Time limit and retries of a call.
    pub settings: &'a replay::Settings,
    /// How fast it is asked.
    pub pace: Pace,
}

/// Reads the retrieval of a policy's target, by rows of its export. `progress` is told `(done,
/// planned)`.
///
/// # Errors
/// If there is no such target, it cannot be asked with a vector or does not answer at all, or the
/// rows cannot be read.
pub async fn read_retrieval(
    policy: &Policy,
    target: &str,
    rows: &(dyn Rows + Sync),
    occasion: &Occasion,
    progress: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<RetrievalReading, PipelineError> {
    let spec = named(policy, target)?;
    let sample = Sample::choose(rows, Sample::ROWS)?;
    let given = sample.vectors();
    let mut plain = spec.clone();
    plain.settings = spec.settings.without_filter();
    let filtered = match spec.settings.filter() {
        None => None,
        Some(filter) => Some((asked_with(policy, spec, &given, occasion).await?, filter)),
    };
    let asked = Asked {
        plain: asked_with(policy, &plain, &given, occasion).await?,
        filtered,
        stated: &spec.stated,
        scores: ScoreKind::of(&spec.settings),
        settings: &policy.replay,
        pace: spec.pace,
    };
    asked.read(&sample, rows, progress).await
}

impl Asked<'_> {
    /// Hits asked for.
    pub const K: usize = 10;

    /// Asks for every row of the sample, and sets what comes back beside the export.
    ///
    /// # Errors
    /// If the side does not state its contract or answers nothing at all, or the rows cannot be
    /// read.
    pub async fn read(
        &self,
        sample: &Sample,
        rows: &(dyn Rows + Sync),
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<RetrievalReading, PipelineError> {
        let contract = patiently(self.settings, |attempt| self.plain.contract(attempt)).await;
        let contract = contract
            .map_err(|failure| self.unanswered(&failure))?
            .or(self.stated);
        let asking = Asking {
            settings: self.settings,
            pace: self.pace,
            k: Cutoff::new(Self::K).expect("not 0"),
        };
        let rounds = 3 + if self.filtered.is_some() { 2 } else { 0 };
        let (mut n_done, n_planned) = (0, rounds * sample.rows.len());
        let mut done = || {
            n_done += 1;
            progress(n_done, n_planned);
        };
        let plain = asking
            .answers(self.plain.as_ref(), sample, true, &mut done)
            .await;
        let filtered = match &self.filtered {
            None => None,
            Some((target, filter)) => {
                let answers = asking
                    .answers(target.as_ref(), sample, false, &mut done)
                    .await;
                Some((answers, filter))
            }
        };
        if let Some(failure) = plain.all_failed() {
            return Err(self.unanswered(failure));
        }
        let evidence = Evidence {
            sample,
            plain,
            filtered,
            k: asking.k,
        };
        evidence.reading(self.scores, &contract, rows)
    }

    fn unanswered(&self, failure: &Failure) -> PipelineError {
        PipelineError::Unanswered {
            target: self.plain.name().clone(),
            words: failure.to_string(),
        }
    }
}

impl Answers {
    /// The first failure, if there is nothing else.
    fn all_failed(&self) -> Option<&Failure> {
        if self.own.iter().any(Result::is_ok) {
            return None;
        }
        self.own.iter().find_map(|found| found.as_ref().err())
    }
}

/// Everything that came back.
struct Evidence<'a> {
    sample: &'a Sample,
    plain: Answers,
    filtered: Option<(Answers, &'a RowFilter)>,
    k: Cutoff,
}

impl Evidence<'_> {
    fn reading(
        &self,
        scores: ScoreKind,
        contract: &Contract,
        rows: &dyn Rows,
    ) -> Result<RetrievalReading, PipelineError> {
        let held = Held::of(rows, &self.found_ids())?;
        let inference = self.inference(scores, contract, &held);
        let stated = contract.get(ContractField::Metric);
        let inferred = inference.metric.metric().map(as_metric);
        let exact_metric = match scores {
            ScoreKind::NoDistance(_) => None,
            _ => stated.and_then(metric_named).or(inferred),
        };
        let other =
            inferred.filter(|inferred| exact_metric.is_some_and(|exact| exact != *inferred));
        let [plain_exact, filtered_exact, other_exact] = self.exact(rows, exact_metric, other)?;
        let beside = |answers, filter, exact| {
            let beside = Beside {
                held: &held,
                metric: exact_metric,
                filter,
                exact,
            };
            beside.search(self.sample, answers, self.k)
        };
        let by_inferred = other.zip(other_exact.as_ref()).and_then(|(metric, exact)| {
            let beside = Beside {
                held: &held,
                metric: Some(metric),
                filter: None,
                exact: Some(exact),
            };
            beside
                .search(self.sample, &self.plain, self.k)
                .quality
                .recall
        });
        let refused = self
            .plain
            .scaled
            .iter()
            .find_map(|found| found.as_ref().err());
        Ok(RetrievalReading {
            k: self.k.get() as u64,
            dim: self.sample.dim as u64,
            stated_metric: stated.map(str::to_owned),
            agreement: inference.beside(stated),
            inference,
            exact_metric,
            recall_by_inferred: by_inferred,
            scaled_refused: refused.map(ToString::to_string),
            plain: beside(&self.plain, None, plain_exact.as_ref()),
            filtered: self
                .filtered
                .as_ref()
                .map(|(answers, filter)| beside(answers, Some(*filter), filtered_exact.as_ref())),
        })
    }

    /// The exact neighbours without a filter, under it, and by another metric, as far as there are
    /// such.
    fn exact(
        &self,
        rows: &dyn Rows,
        metric: Option<Metric>,
        other: Option<Metric>,
    ) -> Result<[Option<Exact>; 3], PipelineError> {
        let filter = self.filtered.as_ref().map(|(_, filter)| *filter);
        let plain = metric.map(|metric| (metric, None));
        let filtered = metric
            .zip(filter)
            .map(|(metric, filter)| (metric, Some(filter)));
        let wanted = [plain, filtered, other.map(|metric| (metric, None))];
        let searches: Vec<_> = wanted.iter().flatten().copied().collect();
        let mut found = search(rows, self.sample, self.k, &searches)?.into_iter();
        Ok(wanted.map(|one| one.and_then(|_| found.next())))
    }

    fn found_ids(&self) -> HashSet<&str> {
        let filtered = self.filtered.iter().map(|(answers, _)| &answers.own);
        let lists = [&self.plain.own, &self.plain.scaled]
            .into_iter()
            .chain(filtered);
        let hits = lists
            .flatten()
            .filter_map(|found| found.as_ref().ok())
            .flatten();
        hits.map(|hit| hit.id.as_str()).collect()
    }

    /// The metric of the scores, as far as they are distances.
    fn inference(&self, scores: ScoreKind, contract: &Contract, held: &Held) -> Inference {
        if let ScoreKind::NoDistance(why) = scores {
            return Inference::undetermined(why);
        }
        let reranker = contract.get(ContractField::Reranker);
        if let Some(reranker) = reranker.filter(|reranker| *reranker != "none") {
            return Inference::undetermined(format!("not a distance: {reranker} reranks the hits"));
        }
        let twice = self.sample.vectors();
        let scaled = |row: &SampledRow| {
            let key = (crate::ids::QuestionId::new(&row.id), sample::SCALED);
            Arc::clone(&twice[&key])
        };
        let asked = |found: &Found, scaled_queries: bool| -> Vec<(Arc<[f32]>, Vec<Ranked>, bool)> {
            let rows = self.sample.rows.iter().zip(found);
            let of = |(row, found): (&SampledRow, &Result<Vec<Ranked>, Failure>)| {
                let vector = if scaled_queries {
                    scaled(row)
                } else {
                    Arc::clone(&row.vector)
                };
                Some((vector, found.as_ref().ok()?.clone(), scaled_queries))
            };
            rows.filter_map(of).collect()
        };
        let mut asked_with = asked(&self.plain.own, false);
        asked_with.extend(asked(&self.plain.scaled, true));
        let samples = asked_with.iter().flat_map(|(query, found, scaled)| {
            found.iter().filter_map(|hit| {
                Some(ScoreSample {
                    query,
                    document: held.vector(&hit.id)?,
                    score: hit.score,
                    scaled: *scaled,
                })
            })
        });
        let inference = infer(samples);
        if scores == ScoreKind::Unknown && inference.metric == Inferred::NoneFits {
            let why = format!("the service may score in its own way: {}", inference.why);
            return Inference {
                metric: Inferred::Undetermined,
                why,
                ..inference
            };
        }
        inference
    }
}

/// What answers are set beside.
#[derive(Clone, Copy)]
struct Beside<'a> {
    held: &'a Held,
    /// The metric of the exact neighbours, if any were sought.
    metric: Option<Metric>,
    filter: Option<&'a RowFilter>,
    exact: Option<&'a Exact>,
}

impl Beside<'_> {
    fn search(&self, sample: &Sample, answers: &Answers, k: Cutoff) -> ConditionReading {
        let queries = sample.rows.iter().enumerate();
        let queries = queries
            .map(|(index, row)| self.query(index, row, answers))
            .collect();
        let conditions = self.filter.map_or_else(BTreeMap::new, |filter| {
            let fields = filter.filter.iter();
            fields
                .map(|(field, value)| (field.to_owned(), value.clone()))
                .collect()
        });
        let n_rows = self.exact.map_or(0, |exact| exact.n_rows);
        ConditionReading::new(conditions, n_rows, k, queries, |id| self.held.has(id))
    }

    fn query(&self, index: usize, row: &SampledRow, answers: &Answers) -> QueryReading {
        let exact = self.exact.map_or(&[][..], |exact| &exact.lists[index]);
        let score = |id: &str| self.held.score(self.metric?, &row.vector, id);
        let own = self
            .metric
            .map(|metric| metric.score(&row.vector, &row.vector));
        let among = |list: &[Ranked]| {
            let tied = own.is_some_and(|own| ties_with_last(list, own));
            list.iter().any(|one| one.id == row.id) || tied
        };
        let answer = &answers.own[index];
        let found = answer.as_ref().map(Vec::as_slice).unwrap_or_default();
        let exactly = |hit: &Ranked| {
            Some(Ranked {
                id: hit.id.clone(),
                score: score(&hit.id)?,
            })
        };
        let found_exactly: Vec<Ranked> = found.iter().filter_map(exactly).collect();
        let passes = self.filter.is_none_or(|filter| row.passes(filter));
        let repeated = match (answer, &answers.again[index]) {
            (Ok(first), Ok(second)) => Some(overlap(first, second)),
            _ => None,
        };
        let scored = found.iter().map(|hit| (hit.id.as_str(), score(&hit.id)));
        QueryReading {
            id: row.id.clone(),
            recall: recall(exact, scored).filter(|_| answer.is_ok()),
            repeated,
            should_find_itself: passes && (self.exact.is_none() || among(exact)),
            finds_itself: found.iter().any(|hit| hit.id == row.id) || among(&found_exactly),
            failure: answer.as_ref().err().map(ToString::to_string),
            found: found.to_vec(),
            exact: exact.to_vec(),
        }
    }
}

fn metric_named(name: &str) -> Option<Metric> {
    let metrics = [Metric::Cosine, Metric::Dot, Metric::L2];
    metrics.into_iter().find(|metric| metric.name() == name)
}

fn as_metric(metric: ScoreMetric) -> Metric {
    match metric {
        ScoreMetric::Cosine => Metric::Cosine,
        ScoreMetric::Dot => Metric::Dot,
        ScoreMetric::L2 | ScoreMetric::SquaredL2 => Metric::L2,
    }
}
