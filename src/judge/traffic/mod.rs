//! Clauses that live requests decide.

use crate::judge::Check;
use crate::judge::observed::Scene;

/// What the requests say of a check; `None` if no telemetry was given, or none of its kind decides
/// the check.
pub(super) fn judged(_check: Check, _scene: &Scene) -> Option<Check> {
    None
}

/// A check that probes judged, beside what the requests say of it: red if either is, and else as
/// the requests say.
pub(super) fn beside(by_probes: Check, _scene: &Scene) -> Check {
    by_probes
}
