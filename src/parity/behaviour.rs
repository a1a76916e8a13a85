//! The behaviour channel: what a live side does, kept in its stamp so that two sides can be compared
//! later, wherever they were.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parity::analyzer::{self, AnalyzerParity, AnalyzerStatus, TimeParity, TokenStreams};
use crate::parity::canary::{self, CanaryReading, CanaryStatus, EmbeddingParity};
use crate::parity::retrieval::{
    Aspect, RetrievalComparison, RetrievalOutcome, RetrievalReading, compare_retrieval,
};
use crate::parity::{Contract, ContractField, FieldParity, FieldStatus, Finding};

/// One reading, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reading<T> {
    /// What was read.
    Read(T),
    /// Why nothing was.
    NotRead(String),
}

impl<T> Reading<T> {
    /// What was read, if anything was.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Read(reading) => Some(reading),
            Self::NotRead(_) => None,
        }
    }

    fn why_not(&self) -> Option<&str> {
        match self {
            Self::Read(_) => None,
            Self::NotRead(why) => Some(why),
        }
    }
}

/// What a live side does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// Which concrete index answered from the first look to the last.
    pub identity: Reading<String>,
    /// How it cuts texts into words.
    pub analyzer: Reading<TokenStreams>,
    /// How it embeds fixed strings.
    pub canaries: Reading<CanaryReading>,
    /// By which metric it ranks, what it finds of what is nearest, and how steady it is.
    pub retrieval: Reading<RetrievalReading>,
}

impl Behaviour {
    /// Nothing was read.
    pub fn not_read(why: &str) -> Self {
        Self {
            identity: Reading::NotRead(why.to_owned()),
            analyzer: Reading::NotRead(why.to_owned()),
            canaries: Reading::NotRead(why.to_owned()),
            retrieval: Reading::NotRead(why.to_owned()),
        }
    }
}

/// What two sides do, beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BehaviourParity {
    /// Which concrete indexes answered, where both sides are live.
    pub identities: Option<[String; 2]>,
    /// Their analyzers.
    pub analyzer: AnalyzerParity,
    /// Their embedders.
    pub canaries: EmbeddingParity,
    /// Their search.
    pub retrieval: RetrievalComparison,
    /// Why something was not read, with its side; empty if all was.
    pub not_read: Vec<String>,
}

/// What behaviour says to the rungs of the ladder. What was not compared says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BehaviourFindings {
    /// Whether each side is one concrete index.
    pub target: Option<Finding>,
    /// Part of the contract.
    pub analyzer: Option<Finding>,
    /// Part of the contract.
    pub metric: Option<Finding>,
    /// Whether texts become the same vectors.
    pub query_embedding: Option<Finding>,
    /// Whether the exact neighbours are the same.
    pub exact_knn: Option<Finding>,
    /// Whether the search finds them.
    pub ann: Option<Finding>,
}

impl BehaviourParity {
    /// Compares two sides, each given with its name.
    pub fn of((a_name, a): (&str, &Behaviour), (b_name, b): (&str, &Behaviour)) -> Self {
        let mut not_read = Vec::new();
        for (name, side) in [(a_name, a), (b_name, b)] {
            for (what, why) in [
                ("analyzer", side.analyzer.why_not()),
                ("canaries", side.canaries.why_not()),
                ("retrieval", side.retrieval.why_not()),
            ] {
                not_read.extend(why.map(|why| format!("{what} of {name}: {why}")));
            }
        }
        let retrieval = compare_retrieval(a.retrieval.get(), b.retrieval.get());
        // A filter on one side only. Where a side has no reading at all, that was said above.
        let filtered = retrieval.of(Aspect::FilteredRecall);
        let filtered = filtered.filter(|found| found.outcome == RetrievalOutcome::NotChecked);
        not_read.extend(filtered.map(|found| format!("recall under a filter: {}", found.why)));
        let identities = a.identity.get().zip(b.identity.get());
        Self {
            identities: identities.map(|(a, b)| [a.clone(), b.clone()]),
            analyzer: analyzer::compare(a.analyzer.get(), b.analyzer.get()),
            canaries: canary::compare(a.canaries.get(), b.canaries.get()),
            retrieval,
            not_read,
        }
    }

    /// What follows for the ladder. The contracts say whether words are searched at all, their fields
    /// whether other analyzers are declared.
    pub fn findings(&self, contracts: [&Contract; 2], fields: &[FieldParity]) -> BehaviourFindings {
        let identities = self.identities.as_ref();
        BehaviourFindings {
            target: identities.map(|[a, b]| Finding::holds(format!("{a} | {b}"))),
            analyzer: self.analyzer_finding(contracts, fields),
            metric: self.aspects(&[Aspect::Metric, Aspect::ControlMetric, Aspect::SideMetric]),
            query_embedding: self.canary_finding(),
            exact_knn: self.aspects(&[Aspect::ExactNeighbours, Aspect::FilteredExactNeighbours]),
            ann: self.aspects(&[
                Aspect::FoundNeighbours,
                Aspect::Recall,
                Aspect::SelfRetrieval,
                Aspect::FilteredFoundNeighbours,
                Aspect::FilteredRecall,
                Aspect::FilteredSelfRetrieval,
            ]),
        }
    }

    fn analyzer_finding(
        &self,
        contracts: [&Contract; 2],
        fields: &[FieldParity],
    ) -> Option<Finding> {
        let AnalyzerParity {
            status,
            index,
            search,
            engines,
            ..
        } = &self.analyzer;
        let searches = contracts.map(searches_words);
        let declared = fields.iter().any(|parity| {
            parity.field == ContractField::Analyzer && parity.status == FieldStatus::Versioned
        });
        let times = [("as indexed", index), ("as asked", search)];
        match status {
            AnalyzerStatus::NotChecked => None,
            AnalyzerStatus::Differs => {
                let words = times
                    .iter()
                    .find_map(|(time, parity)| differing(time, parity))?;
                Some(match searches {
                    [false, false] => {
                        Finding::holds(format!("{words}, but neither side searches words"))
                    }
                    _ if declared => Finding::holds(format!("as declared (ANALYZER): {words}")),
                    _ => Finding::fails(words),
                })
            }
            AnalyzerStatus::Equal | AnalyzerStatus::EngineDiffers => {
                let n = match index {
                    TimeParity::Compared(parity) => parity.n_probes,
                    TimeParity::NotChecked(_) => 0,
                };
                let engines = engines.as_ref().map_or_else(String::new, |engines| {
                    format!(" (other engines: {} and {})", engines.a, engines.b)
                });
                Some(Finding::holds(format!(
                    "the analyzers cut {n} probe texts alike{engines}"
                )))
            }
        }
    }

    fn canary_finding(&self) -> Option<Finding> {
        let n = self.canaries.canaries.len();
        match self.canaries.status {
            CanaryStatus::NotChecked => None,
            CanaryStatus::Same => Some(Finding::holds(format!(
                "{n} canaries lie as close between the sides as within them"
            ))),
            CanaryStatus::Drifted => {
                let kinds = self.canaries.points_to.iter().map(|kind| kind.name());
                let kinds: Vec<&str> = kinds.collect();
                Some(Finding::fails(format!(
                    "canaries drifted, worst {}; looks like: {}",
                    self.canaries.worst.join(", "),
                    kinds.join(", ")
                )))
            }
        }
    }

    /// The worst of some aspects. A warning holds: what it says is in the proof.
    fn aspects(&self, aspects: &[Aspect]) -> Option<Finding> {
        let wanted = self
            .retrieval
            .findings
            .iter()
            .filter(|finding| aspects.contains(&finding.aspect))
            .filter(|finding| finding.outcome != RetrievalOutcome::NotChecked);
        let worst = wanted.clone().map(|finding| finding.outcome).max()?;
        let said: Vec<String> = wanted
            .filter(|finding| finding.outcome == worst)
            .map(|finding| {
                let under = if finding.aspect.is_filtered() {
                    "under the filter, "
                } else {
                    ""
                };
                format!("{under}{}", finding.why)
            })
            .collect();
        let said = said.join("; ");
        Some(match worst {
            RetrievalOutcome::Fails => Finding::fails(said),
            RetrievalOutcome::Warns => Finding::holds(format!("with a warning: {said}")),
            RetrievalOutcome::Same | RetrievalOutcome::NotChecked => Finding::holds(said),
        })
    }
}

/// Whether a side searches words, as far as its contract tells.
fn searches_words(contract: &Contract) -> bool {
    let says = |field, value| contract.get(field) == Some(value);
    !says(ContractField::Analyzer, "none") && !says(ContractField::Ranking, "dense")
}

/// The first differing token, with both streams.
fn differing(time: &str, parity: &TimeParity) -> Option<String> {
    let TimeParity::Compared(parity) = parity else {
        return None;
    };
    let first = parity.first.as_ref()?;
    let token = |token: &Option<String>| {
        token
            .as_ref()
            .map_or_else(|| "nothing".to_owned(), |token| format!("`{token}`"))
    };
    Some(format!(
        "{} of {} probe texts are cut otherwise {time}; first `{}`: {} beside {} ({:?} beside {:?})",
        parity.n_differing,
        parity.n_probes,
        first.text,
        token(&first.a),
        token(&first.b),
        first.a_stream.tokens,
        first.b_stream.tokens,
    ))
}
