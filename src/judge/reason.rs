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
}
