//! What a run will be able to decide, said before any call: which checks of the stage, with which
//! chance of a PASS when nothing is wrong, from which effect on, and with how many questions.
//!
//! A check is followed by its own rule, with the exact law of that rule where there is one. Nothing
//! here is random, and nothing is estimated from the run to come.

mod chance;
mod healthy;
mod reach;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::embed::EmbedderKind;
use crate::goldset::lint::PROBE_SET;
use crate::ids::Topic;
use crate::judge::{
    Basis, CheckId, Definition, Kind, Method, Requirement, RunbookStage, Settings, Source,
};
use crate::parity::ContractField;
use crate::stats::{
    Alternative, Power, errors_needed_per_arm, requests_needed_per_arm, trials_needed_without_event,
};
use crate::target::Locality;
use crate::units::Confidence;

use chance::Chances;

pub use healthy::{Assumption, Healthy, Law};

/// What is going to be asked, as far as it is known before a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Questions that have an answer.
    pub n_questions: usize,
    /// How many of them are on each topic. Another number of questions than their sum means as many
    /// more or fewer of each.
    pub topics: BTreeMap<Topic, usize>,
    /// Wordings of a question.
    pub n_forms: usize,
    /// Seeds.
    pub n_seeds: usize,
    /// Sides that are judged.
    pub n_sides: usize,
    /// Who measures.
    pub referee: EmbedderKind,
    /// Whether latency will mean anything, which takes every side to be reached over a network.
    pub locality: Locality,
    /// Contract fields that every judged side and its control will state.
    pub stated: BTreeSet<ContractField>,
    /// Contract fields that every judged side will state and that will be compared: with what its
    /// control states, or with what is declared for it.
    pub compared: BTreeSet<ContractField>,
    /// Whether earlier runs of the step are given, be it none.
    pub history: bool,
    /// Whether a run from before the change is given.
    pub baseline: bool,
}

impl Outlook {
    /// Warm calls of a question on a side: one for each wording and seed, all of them warm.
    fn calls(&self) -> usize {
        self.n_forms * self.n_seeds
    }
}

/// Whether a check can be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decidable {
    /// From the questions, as far as chance allows.
    Yes,
    /// Not at all.
    No(String),
    /// Exactly, however many questions there are.
    Census,
    /// The clause does not apply.
    NotApplicable(String),
}

impl Decidable {
    /// In a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No(_) => "no",
            Self::Census => "census",
            Self::NotApplicable(_) => "not applicable",
        }
    }
}

/// The smallest effect that is decided with 80 % power, in the unit of the check's limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Effect {
    /// The value nearest the limit that still passes four times in five, all else being as assumed.
    pub passes: Option<f64>,
    /// The value nearest the limit, on its wrong side, that fails four times in five.
    pub fails: Option<f64>,
}

/// What can be said of one check before the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prospect {
    /// Which check.
    pub id: CheckId,
    /// Its clause.
    pub clause: &'static str,
    /// Whether it can be decided.
    pub decidable: Decidable,
    /// The chance of a PASS when nothing is wrong, of one side. `None` where chance has no part in
    /// it, or nothing can be decided.
    pub p_pass: Option<f64>,
    /// The smallest effect that is decided.
    pub effect: Effect,
    /// The fewest questions, from 50, with which P(PASS) is 80 % or more when nothing is wrong.
    /// `None` when no number would do, or none is needed.
    pub n_needed: Option<usize>,
    /// What decides, or what is missing.
    pub why: String,
}

/// All checks together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The product of P(PASS) over every check and side: the chance that all of them pass if they
    /// were independent. They share the questions, so that the truth lies between this and the
    /// smallest. `None` when no check is left to chance.
    pub all_pass: Option<f64>,
    /// The smallest of them.
    pub smallest: Option<f64>,
    /// The checks that cannot be decided.
    pub undecided: Vec<CheckId>,
    /// The best verdict that the run can have: PASS, or INCONCLUSIVE if some check is undecided.
    pub at_best: String,
}

/// What can be said of each check of the stage, in the order of the runbook. The number of questions
/// is `outlook.n_questions`.
///
/// Time: some milliseconds a check.
pub fn prospects(settings: &Settings, outlook: &Outlook, healthy: &Healthy) -> Vec<Prospect> {
    let chances = Chances::new(settings, outlook, healthy);
    checks(settings)
        .into_iter()
        .map(|id| one(Definition::of(id), &chances))
        .collect()
}

/// What the prospects of a run come to.
pub fn outcome(prospects: &[Prospect], outlook: &Outlook) -> Outcome {
    let decided = prospects
        .iter()
        .filter(|one| one.decidable == Decidable::Yes);
    let all: Vec<f64> = decided.filter_map(|one| one.p_pass).collect();
    let product: f64 = all.iter().product();
    let sides = i32::try_from(outlook.n_sides).unwrap_or(i32::MAX);
    let open = prospects.iter().filter_map(|one| match &one.decidable {
        Decidable::No(reason) => Some((one.id, reason)),
        _ => None,
    });
    let open: Vec<(CheckId, &String)> = open.collect();
    let applies = prospects
        .iter()
        .any(|one| !matches!(one.decidable, Decidable::NotApplicable(_)));
    let at_best = if open.is_empty() && applies {
        "PASS".to_owned()
    } else if open.is_empty() {
        "INCONCLUSIVE: no check applies".to_owned()
    } else {
        format!("INCONCLUSIVE: {}", by_reason(&open))
    };
    Outcome {
        all_pass: (!all.is_empty()).then(|| product.powi(sides)),
        smallest: all.into_iter().reduce(f64::min),
        undecided: open.into_iter().map(|(id, _)| id).collect(),
        at_best,
    }
}

/// `CA-ERR, CA-CACHE (needs request telemetry); …`.
fn by_reason(open: &[(CheckId, &String)]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (id, reason) in open {
        match groups.iter_mut().find(|(known, _)| known == reason) {
            Some((_, ids)) => ids.push(id.name()),
            None => groups.push((reason, vec![id.name()])),
        }
    }
    let words = |(reason, ids): (&str, Vec<&str>)| format!("{} ({reason})", ids.join(", "));
    let words: Vec<String> = groups.into_iter().map(words).collect();
    words.join("; ")
}

/// Those of the stage, or of all trials that the settings name, and what the policy requires besides.
fn checks(settings: &Settings) -> Vec<CheckId> {
    let required = settings.required.iter().map(Requirement::id);
    if settings.trials.is_empty() {
        let checks = settings.runbook.checks_at(settings.stage);
        return checks.map(|check| check.id).chain(required).collect();
    }
    let mut checks = Vec::new();
    for trial in &settings.trials {
        let named = trial.named.iter().map(|named| named.id());
        for id in trial.checks.iter().copied().chain(named) {
            if !checks.contains(&id) {
                checks.push(id);
            }
        }
    }
    checks.extend(required);
    checks
}

fn one(definition: &'static Definition, chances: &Chances) -> Prospect {
    let blank = Prospect {
        id: definition.id,
        clause: definition.clause,
        decidable: Decidable::Census,
        p_pass: None,
        effect: Effect::default(),
        n_needed: None,
        why: String::new(),
    };
    let (settings, outlook) = (chances.settings, chances.outlook);
    let prospect = match definition.method {
        method if method.is_observed() => Prospect {
            decidable: observed(definition, settings.stage),
            why: requests_needed(definition, settings.confidence),
            ..blank
        },
        // Agreeing is not enough here: both have to say it.
        Method::BothState(field, value) => Prospect {
            decidable: fields_known(&[field], &outlook.stated),
            why: format!("both sides must state `{value}`"),
            ..blank
        },
        Method::Parity(fields) => Prospect {
            decidable: fields_known(fields, &outlook.compared),
            why: "compared exactly, whatever the number of questions".to_owned(),
            ..blank
        },
        Method::PreFlight => Prospect {
            decidable: pre_flight(outlook),
            why: "contracts, and the probe set as it is written".to_owned(),
            ..blank
        },
        Method::GreenHour | Method::FailedTwice => Prospect {
            decidable: if outlook.history {
                Decidable::Census
            } else {
                no("needs earlier verdicts: give --history, or `history` in the policy")
            },
            why: if definition.method == Method::GreenHour {
                "earlier verdicts must reach back an hour, without a gap above 20 minutes"
            } else {
                "counted exactly over this run and the earlier ones"
            }
            .to_owned(),
            ..blank
        },
        Method::AfterCutover => Prospect {
            decidable: no(if outlook.baseline {
                "needs request telemetry (egress success, dedupe guard): the probes can only show a FAIL"
            } else {
                "needs a run from before the cutover (--baseline), and request telemetry"
            }),
            ..blank
        },
        Method::LatencyRatio if outlook.locality == Locality::InProcess => Prospect {
            decidable: Decidable::NotApplicable(
                "a target inside this process has no service latency; request telemetry would tell that of its service".to_owned(),
            ),
            ..blank
        },
        method if method.measures_distance() && !outlook.referee.comparable_with_runbooks() => {
            Prospect {
                decidable: no("the lexical referee's distances have another scale than the limit"),
                ..blank
            }
        }
        _ => of_questions(blank, definition, chances),
    };
    over_the_window(prospect, definition, chances)
}

/// A promotion is decided over an hour, which earlier runs must cover.
fn over_the_window(prospect: Prospect, definition: &Definition, chances: &Chances) -> Prospect {
    let decided = matches!(prospect.decidable, Decidable::Yes | Decidable::Census);
    let by_probes = definition.sources.contains(&Source::Probes);
    if chances.settings.stage != RunbookStage::Promotion || !decided || !by_probes {
        return prospect;
    }
    if chances.outlook.history {
        let why = format!("{}; earlier runs must cover one hour", prospect.why);
        return Prospect { why, ..prospect };
    }
    Prospect {
        decidable: no("needs one hour of earlier runs: give --history, or `history` in the policy"),
        ..prospect
    }
}

/// A check that the answers to the questions decide.
fn of_questions(blank: Prospect, definition: &Definition, chances: &Chances) -> Prospect {
    let n = chances.outlook.n_questions;
    let least = chance::least_questions(definition.method);
    // Nobody can say how surely a measure passes of which it is not known what it comes to.
    let is_known = match definition.method {
        Method::Rank(measure) => chances.healthy.rank.contains_key(&measure),
        _ => true,
    };
    let n_needed = is_known.then(|| chances.n_needed(definition)).flatten();
    if n < least {
        return Prospect {
            decidable: no(&format!(
                "{n} questions decide nothing: {} are the least",
                PROBE_SET.start()
            )),
            n_needed,
            ..blank
        };
    }
    let by_point = if chances.settings.basis == Basis::Point && definition.kind == Kind::Sample {
        "; by point alone"
    } else {
        ""
    };
    Prospect {
        decidable: Decidable::Yes,
        p_pass: is_known.then(|| chances.of(definition, n)),
        effect: chances.effect(definition, n),
        n_needed,
        why: format!("{}{by_point}", chances.why(definition, n)),
        ..blank
    }
}

fn no(reason: &str) -> Decidable {
    Decidable::No(reason.to_owned())
}

fn observed(definition: &Definition, stage: RunbookStage) -> Decidable {
    if matches!(stage, RunbookStage::Shadow | RunbookStage::PreFlight) {
        return Decidable::NotApplicable(format!("the {stage} stage carries no user traffic"));
    }
    let words: Vec<&str> = definition
        .sources
        .iter()
        .map(|source| source.words())
        .collect();
    no(&format!("needs {}", words.join(" or ")))
}

/// How many requests would be needed, by the numbers of STATISTICS.md.
fn requests_needed(definition: &Definition, confidence: Confidence) -> String {
    /// A usual hit rate, at which the numbers of STATISTICS.md are given.
    const HIT_RATE: f64 = 0.6;
    let limit = definition.limit;
    match definition.id {
        CheckId::Mr5xx | CheckId::Ts5xx => format!(
            "about {} requests an arm without a server error",
            requests_without_event(limit, confidence)
        ),
        CheckId::TsQueue => {
            "at least five windows of requests that state the age of the queue".to_owned()
        }
        CheckId::FdP95 => {
            "at least ten windows of warm requests before the drill and ten after the cutover"
                .to_owned()
        }
        CheckId::CaErr => format!(
            "about {} errors an arm show {limit:.2} ×",
            errors_needed_per_arm(limit, Power::P80, confidence)
        ),
        CheckId::CaHit | CheckId::BgHit => {
            let sides = if definition.id == CheckId::CaHit {
                Alternative::Less
            } else {
                Alternative::TwoSided
            };
            let n = requests_needed_per_arm(HIT_RATE, limit, sides, Power::P80, confidence);
            format!("about {n} requests an arm at a hit rate of 60 %")
        }
        CheckId::TsCold => format!(
            "{} requests without a cold start",
            trials_needed_without_event(limit, confidence)
        ),
        CheckId::MrDedupe | CheckId::TsDedupe => format!(
            "a census, or {} sampled requests without a duplicate",
            trials_needed_without_event(1.0 - limit, confidence)
        ),
        _ => String::new(),
    }
}

/// The fewest requests, as many on both arms and none with the event, for which Newcombe's upper bound of
/// the difference of rates is at most the limit: it is Wilson's of no event, `z² / (n + z²)`.
fn requests_without_event(limit: f64, confidence: Confidence) -> u64 {
    let squared = Normal::standard().inverse_cdf(confidence.get()).powi(2);
    (squared * (1.0 - limit) / limit).ceil() as u64
}

fn fields_known(fields: &[ContractField], known: &BTreeSet<ContractField>) -> Decidable {
    let silent = names(fields.iter().filter(|field| !known.contains(field)));
    if silent.is_empty() {
        Decidable::Census
    } else {
        no(&format!("needs {silent} stated by both sides"))
    }
}

fn names<'a>(fields: impl Iterator<Item = &'a ContractField>) -> String {
    fields
        .map(|field| field.name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn pre_flight(outlook: &Outlook) -> Decidable {
    use ContractField::{
        Analyzer, CachePrefix, Metric, ModelTag, QueueTopics, SchemaRev, SecretsRev,
    };
    let silent: BTreeSet<ContractField> = [SchemaRev, ModelTag, SecretsRev]
        .into_iter()
        .filter(|field| !outlook.compared.contains(field))
        .chain(
            [Metric, Analyzer, CachePrefix, QueueTopics]
                .into_iter()
                .filter(|field| !outlook.stated.contains(field)),
        )
        .collect();
    if silent.is_empty() {
        return Decidable::Census;
    }
    no(&format!(
        "needs {} stated by both sides",
        names(silent.iter())
    ))
}

#[cfg(test)]
pub(super) mod tests;
