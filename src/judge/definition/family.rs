//! What clauses of several runbooks share. A row of a runbook's table takes a family and states what
//! is its own: id, clause, stages, and now and then a limit.

use crate::judge::CheckId;
use crate::judge::definition::{Comparator, Definition, Kind, Method, Source};
use crate::parity::ContractField;

/// The fields that say which index is behind a name.
pub(in crate::judge) const IDENTITY: [ContractField; 3] = [
    ContractField::IndexHash,
    ContractField::Metric,
    ContractField::Analyzer,
];

const MEDIAN: &str = "median, exact sign bound";
const MEAN: &str = "mean, BCa bootstrap of questions, no tighter than ABC";
const RATE: &str = "share of questions, Clopper-Pearson";
const PAIRED: &str = "mean of paired differences, two one-sided t-tests, no tighter than ABC";
const CENSUS: &str = "exact comparison";
const OBSERVED: &str = "request telemetry";
const LOGGED: &str = "drill log";

const BLANK: Definition = Definition {
    id: CheckId::CaDs,
    clause: "",
    stages: &[],
    sources: &[Source::Probes],
    kind: Kind::Sample,
    method: Method::DeltaS,
    statistic: "",
    comparator: Comparator::AtMost,
    limit: 0.0,
    overridable: false,
    hard_stop: false,
    meaning: "",
    remedy: "",
};

pub(super) const DELTA_S: Definition = Definition {
    method: Method::DeltaS,
    statistic: MEDIAN,
    limit: 0.45,
    overridable: true,
    meaning: "ΔS(question, retrieved) is 1 − cos between the question's embedding and the centroid of the k retrieved texts, under the referee embedder. \
Each question is reduced to the median over its forms and seeds; the bound of the median over questions is an order statistic, so that \
59 of 100 questions at or below the limit prove it. Failed probes count as infinitely far.",
    remedy: "look at ΔS(k): flat and high means a metric, normalisation or index mismatch; falling sharply with k means filtering or reranking; \
anchor and decoy equally near means chunk boundaries",
    ..BLANK
};

pub(super) const COVERAGE: Definition = Definition {
    method: Method::Coverage,
    statistic: MEAN,
    comparator: Comparator::AtLeast,
    limit: 0.70,
    overridable: true,
    meaning: "Coverage is the share of the target sections' tokens that was retrieved: by offsets where the hit reads as the gold section does, by runs of \
four tokens otherwise. Cells are averaged per question, questions are bootstrapped. Failed probes cover nothing.",
    remedy: "compare with ΔS: both bad means the index lost the section; coverage low with ΔS low means a near-topic section was retrieved instead",
    ..BLANK
};

pub(super) const CONVERGENCE: Definition = Definition {
    method: Method::Convergence,
    statistic: RATE,
    comparator: Comparator::AtLeast,
    limit: 0.80,
    overridable: true,
    meaning: "A cell is → if a target section is in the top k and the ranking agrees (rank-biased overlap, p = 0.8, at least 0.5) with the question's first \
wording at the first seed; a question converges when all its cells are →. The rate of converging questions is bounded exactly; in addition no cell may be × \
and the bound on the share of <> cells must stay at or below 10 %.",
    remedy: "flips across paraphrases: query parsing or analyzer; flips across seeds with stable ΔS: ordering variance, so make the reranker and the tie-break deterministic",
    ..BLANK
};

pub(super) const P95: Definition = Definition {
    sources: &[Source::Probes, Source::Telemetry],
    method: Method::LatencyRatio,
    statistic: "p95 ratio, paired bootstrap of questions",
    limit: 1.25,
    meaning: "The ratio of the 95th percentiles of warm latency, this side to its control, questions paired and resampled with all their calls. Calls that the \
target marks as cold are left out, and a target that does not say which calls were cold leaves the clause undecided. In-process targets have no service latency, \
so the clause does not apply to them. Live requests are judged beside the probes: windows in which both arms have warm requests, at least 20, are resampled together. It is red when either is, and else as the requests say, where these say anything.",
    remedy: "worse only when cold: concurrency or memory, not the release",
    ..BLANK
};

pub(super) const NEW_ERROR: Definition = Definition {
    sources: &[Source::Probes, Source::Telemetry],
    method: Method::NewErrorClass,
    statistic: "new error classes, exposure share",
    comparator: Comparator::Equal,
    meaning: "An error class at headers or body read that the control never showed. One event blocks a PASS; with the class on k questions at exposure share θ the chance that \
the control merely missed it is θ^k, and the check fails when that, times the number of classes seen on either side, is at most 5 %. The cells of a question count once, since one incident may break them all. \
Live requests are judged in the same way beside the probes, sessions in place of questions: it is red when either is, and else as the requests say, where these say anything.",
    remedy: "read the class and stage in observations.parquet; a new class at body read usually means a truncated or re-encoded reply",
    ..BLANK
};

pub(super) const PARITY: Definition = Definition {
    sources: &[Source::Contracts],
    kind: Kind::Census,
    method: Method::Parity(&IDENTITY),
    statistic: CENSUS,
    comparator: Comparator::Equal,
    meaning: "INDEX_HASH, METRIC and ANALYZER are compared exactly with the intended variant: what the policy declares for the target, or else what the control states. A \
field that is not stated never counts as equal.",
    remedy: "INDEX_HASH differs: rebuild the follower from the same artifact, confirm the stamp, then route. METRIC or ANALYZER differs: refuse reuse and rebuild with the declared metric and analyzer",
    ..BLANK
};

/// Any other census of contract fields; a row names the fields.
pub(super) const FIELDS: Definition = Definition {
    meaning: "The named contract fields are compared exactly with what the control states, or with what the policy declares for the target. A field that is not stated never counts as equal.",
    remedy: "publish the same value on both sides; a side that does not state a field has to learn to, or the policy states it on its behalf",
    ..PARITY
};

pub(super) const DRIFT: Definition = Definition {
    method: Method::Drift,
    statistic: PAIRED,
    comparator: Comparator::Within,
    limit: 0.03,
    overridable: true,
    meaning: "The difference of ΔS, question by question, this side less its control. Two one-sided t-tests at 5 % each must place the mean difference inside the margin, and so must ABC bounds, which follow the skewness that a few lost questions bring; and, since \
opposite shifts cancel in a mean, the exact upper bound on the share of questions that shifted by more than 0.10 must stay at or below 10 %. A shift counts only beyond \
what either side shows against its own repeat (the second seed, or a repeat of the only one); a control that is not equivalent to its own repeat decides nothing.",
    remedy: "read the questions that shifted most, both hit lists side by side: the same documents in another order point to ranking, other documents to content or analyzer",
    ..BLANK
};

pub(super) const SHIFTS: Definition = Definition {
    method: Method::Shifts,
    statistic: RATE,
    comparator: Comparator::AtMost,
    limit: 0.10,
    overridable: true,
    meaning: "The share of questions whose ΔS differs between the sides by more than 0.10 beyond what either side shows against its own repeat, with its exact bound.",
    ..DRIFT
};

pub(super) const COVERAGE_DRIFT: Definition = Definition {
    method: Method::CoverageDrift,
    limit: 0.05,
    meaning: "The difference of coverage, question by question, this side less its control: two one-sided t-tests at 5 % each must place the mean difference inside the margin, and so must ABC bounds, which follow the skewness that a few lost questions bring.",
    remedy: "read the questions whose coverage fell: the index lost or cut their sections, or ranks near-topic ones before them",
    ..DRIFT
};

pub(super) const FLIPS: Definition = Definition {
    method: Method::Flips,
    meaning: "The share of questions that converge on one side and not on the other, with its exact bound. A question whose λ changes between two repeats of the control does not count.",
    remedy: "the report names the axis: flips across paraphrases point to query parsing or the analyzer, flips across seeds to ordering variance, flips on all forms to lost sections",
    ..SHIFTS
};

pub(super) const EQUAL_ANSWERS: Definition = Definition {
    method: Method::AnswersEqual,
    statistic: RATE,
    comparator: Comparator::AtLeast,
    limit: 0.95,
    overridable: true,
    meaning: "Each question stands on the first rung that holds between the two sides, form 0 at the first seed: identical, equal after normalisation, the same citations and the same numbers, \
gold section kept and semantic distance within the noise that each side shows against its own repeat, different. For targets that only retrieve, citations are the retrieved sections. \
The share of questions above the last rung is bounded exactly: no mismatch in 100 leaves at most 3.0 %, in 40 at most 7.2 %. The limit of 95 % is this tool's, as the runbook names none.",
    remedy: "read the named questions; answers that differ after a return to home mean that the follower was rebuilt with another analyzer or metric",
    ..BLANK
};

pub(super) const SHADOW_STOP: Definition = Definition {
    method: Method::ShadowStop,
    statistic: MEDIAN,
    comparator: Comparator::Below,
    limit: 0.60,
    meaning: "The shadow stage ends at once when the lower bound of the ΔS median is 0.60 or more, or when a single reply was not of the agreed form.",
    remedy: "stop the rollout; rebuild the index, purge the caches, and replay the shadow stage",
    hard_stop: true,
    ..BLANK
};

pub(super) const BLOCK: Definition = Definition {
    method: Method::Block,
    hard_stop: false,
    meaning: "Blocked when the ΔS median is shown to be 0.60 or more, when mean coverage of the target sections is shown to be below 0.70, or when a single reply was not of the agreed form. \
Either sample condition may block, so each is tested at half the error rate.",
    remedy: "rebuild the index, purge the caches, and replay",
    ..SHADOW_STOP
};

/// Judged from request telemetry alone.
pub(super) const TELEMETRY: Definition = Definition {
    sources: &[Source::Telemetry],
    statistic: OBSERVED,
    meaning: "Judged from live requests, which no probe replaces. Without request telemetry the clause stays undecided; a stage without user traffic has none, and there it does not apply.",
    ..BLANK
};

/// Judged from the events of a drill.
pub(super) const DRILL_LOG: Definition = Definition {
    sources: &[Source::DrillLog],
    statistic: LOGGED,
    meaning: "Judged from the typed events of the drill log, which no probe replaces and docs/drill-log.md lists. Without the log the clause stays undecided, and so it does while a generator wrote it.",
    ..BLANK
};

pub(super) const GREEN_HOUR: Definition = Definition {
    sources: &[Source::Probes, Source::History],
    kind: Kind::Time,
    method: Method::GreenHour,
    statistic: "minutes of green verdicts, without a gap above 20",
    comparator: Comparator::AtLeast,
    limit: 60.0,
    ..BLANK
};

pub(super) const TWICE: Definition = Definition {
    sources: &[Source::History],
    kind: Kind::Census,
    method: Method::FailedTwice,
    statistic: "gates that failed in two verdicts of the same step",
    comparator: Comparator::Equal,
    ..BLANK
};

pub(super) const PRE_FLIGHT: Definition = Definition {
    sources: &[Source::Contracts, Source::Telemetry],
    kind: Kind::Census,
    method: Method::PreFlight,
    statistic: CENSUS,
    comparator: Comparator::Equal,
    ..BLANK
};

pub(super) const AFTER_CUTOVER: Definition = Definition {
    sources: &[Source::Probes, Source::Contracts, Source::Telemetry],
    method: Method::AfterCutover,
    ..DRIFT
};

pub(super) const TOPIC_COVERAGE: Definition = Definition {
    method: Method::TopicCoverage,
    statistic: "lowest mean over a topic, binomial bound, Holm over topics",
    comparator: Comparator::AtLeast,
    limit: 0.70,
    hard_stop: true,
    ..BLANK
};

pub(super) const PARAPHRASE_FLIPS: Definition = Definition {
    kind: Kind::Census,
    method: Method::ParaphraseFlips,
    statistic: "questions with two or more flipped paraphrases",
    comparator: Comparator::Equal,
    hard_stop: true,
    ..BLANK
};
