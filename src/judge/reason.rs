//! Why a check came out as it did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stable name for the reason of a verdict, for machines and search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The whole bound is on the right side.
    BoundInsideLimit,
    /// The opposite bound is on the wrong side.
    BoundOutsideLimit,
    /// The limit lies between the bounds: more questions would decide.
    BoundCrossesLimit,
    /// The point estimate is on the right side.
    PointInsideLimit,
    /// The point estimate is on the wrong side.
    PointOutsideLimit,
    /// The estimate is not a number.
    NotANumber,
    /// A cell is ×.
    ChaoticCells,
    /// Too many cells are <>.
    RecursiveCells,
    /// Fewer than 50 questions.
    TooFewQuestions,
    /// More than 5 % of the cells have no number.
    MissingCells,
    /// One arm lost clearly more cells than the other.
    MissingUneven,
    /// The contract at the end is not the one at the start.
    ContractMoved,
    /// Replies that were kept from earlier runs are no longer what the side says.
    RepliesStale,
    /// A side does not agree with its own repeats.
    UnsteadySide,
    /// The lexical referee's distances have another scale than the limits.
    RefereeNotComparable,
    /// Every compared field agrees.
    FieldsMatch,
    /// Every compared field is as intended, and some differ from the control on purpose.
    IntentionallyVersioned,
    /// A compared field differs.
    FieldDiffers,
    /// A side claims what its rows do not say.
    StampLies,
    /// A compared field is not stated.
    FieldMissing,
    /// No error class is new.
    NoNewErrorClass,
    /// Some is, but the control may merely have missed it.
    NewErrorClassPossible,
    /// Some is, and chance does not explain it.
    NewErrorClass,
    /// A reply was not of the agreed form.
    SchemaViolation,
    /// More questions shifted, or may have, than a mean difference lets see.
    ShiftedQuestions,
    /// Coverage differs, or may.
    CoverageShifted,
    /// More questions converge on one side only than the clause lets, or may.
    FlippedQuestions,
    /// The control differs from its own repeat as much as two sides may.
    ControlNoisy,
    /// A side was asked nothing twice.
    NoiseNotMeasured,
    /// A question flips on two or more paraphrases.
    ParaphrasesFlip,
    /// No question does.
    NoParaphraseFlips,
    /// Every part of the pre-flight is in place.
    PreFlightReady,
    /// A part of the pre-flight is not.
    PreFlightWrong,
    /// Green for as long as the clause demands.
    WindowCovered,
    /// Green, but not for as long.
    WindowNotCovered,
    /// A run within the window was red.
    WindowBroken,
    /// No gate failed in two verdicts of the step.
    NotFailedTwice,
    /// Some gate did.
    FailedTwice,
    /// The target is in this process and has no service latency.
    InProcessTarget,
    /// The stage has no user traffic.
    NoTrafficAtStage,
    /// What would decide was not collected.
    EvidenceMissing,
    /// The target's contract could not be read.
    TargetUnreachable,
    /// No probe was answered.
    NoProbeScored,
    /// The requests hold none of the side, or none of what it is compared with.
    ArmMissing,
    /// Too few requests, or too few windows of them, to say anything.
    TooFewRequests,
    /// No window of time has requests of both the side and what it is compared with.
    NotConcurrent,
    /// The side had another share of the requests than was planned.
    ShareMismatch,
    /// The log ends before the planned end, or before what was waited for.
    ObservationEnded,
    /// A generator wrote the evidence.
    SimulatedEvidence,
    /// Errors came so much more often than at the control that chance does not explain it, however
    /// often one looks.
    HarmShown,
    /// Two arms use one cache prefix.
    PrefixShared,
    /// Each arm has cache prefixes of its own.
    PrefixesApart,
    /// Keys of one prefix were purged on account of both arms.
    PurgesCollide,
    /// No prefix was purged on account of both arms.
    PurgesApart,
    /// The hard stop was crossed.
    HardStopCrossed,
    /// The hard stop was not crossed.
    HardStopNotCrossed,
    /// Something was done more than once.
    Duplicates,
    /// Nothing was done more than once.
    NoDuplicates,
    /// Contract pins are missing from requests.
    PinsMissing,
    /// Requests state two values of one pin.
    PinsMixed,
    /// Every request states every pin, and each once.
    PinsComplete,
    /// It happened within its window.
    WithinWindow,
    /// It took longer than its window.
    WindowExceeded,
    /// Accepted writes were never applied.
    WritesLost,
    /// Writes were applied that nobody accepted.
    WritesUnknown,
    /// Every accepted write was applied, and once.
    WritesComplete,
    /// A key is not the digest of its parts.
    KeyWrong,
    /// A region acted that was not to.
    WrongRegion,
    /// Traffic, or health, went to and fro.
    Flapping,
    /// Traffic and health went one way.
    Steady,
    /// Steps were skipped or came in another order than planned.
    OutOfOrder,
    /// Every step came in the planned order.
    InOrder,
    /// Nothing waits in the queue.
    QueueEmpty,
    /// Something waits in the queue.
    QueueNotEmpty,
    /// The cache answers as often as it used to.
    CacheWarm,
    /// The cache answers less often than it used to.
    CacheCold,
    /// A cache that was to be purged was not.
    NotPurged,
    /// The log tells of nothing of the kind.
    NothingHappened,
}
