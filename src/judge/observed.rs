//! Clauses that live requests or the events of a drill decide, which no probe replaces.

use crate::ids::TargetName;
use crate::judge::{
    Check, Definition, Method, ReasonCode, RunbookStage, Settings, Trial, blanks, timeline, traffic,
};
use crate::traffic::Observed;

/// Two sides as live requests and the drill log know them.
pub(super) struct Scene<'a> {
    pub(super) observed: &'a Observed,
    pub(super) side: &'a TargetName,
    pub(super) control: &'a TargetName,
    pub(super) stage: RunbookStage,
    pub(super) settings: &'a Settings,
}

impl<'a> Scene<'a> {
    pub(super) fn new(observed: &'a Observed, trial: &'a Trial, settings: &'a Settings) -> Self {
        Self {
            observed,
            side: &trial.side,
            control: &trial.control,
            stage: trial.stage,
            settings,
        }
    }
}

/// Undecided while what would decide was not collected; at a stage without user traffic there is
/// nothing to collect.
pub(super) fn observed(check: Check, scene: &Scene) -> Check {
    if matches!(scene.stage, RunbookStage::Shadow | RunbookStage::PreFlight) {
        let detail = format!("the {} stage carries no user traffic", scene.stage);
        return check.not_applicable(ReasonCode::NoTrafficAtStage, detail);
    }
    let missing = check.clone();
    let judged = match Definition::of(check.id).method {
        Method::Cutover
        | Method::Writes
        | Method::Drain
        | Method::Webhooks
        | Method::Rewarmed
        | Method::Flapping
        | Method::Homecoming => timeline::judged(check, scene),
        _ => traffic::judged(check, scene),
    };
    judged.unwrap_or_else(|| not_given(missing))
}

fn not_given(check: Check) -> Check {
    let sources = Definition::of(check.id).sources;
    let words: Vec<&str> = sources.iter().map(|source| source.words()).collect();
    let sources = words.join(" or ");
    let then = check.remedy.clone().unwrap_or_default();
    let detail = format!("decided by {sources}, which was not given");
    check
        .inconclusive(ReasonCode::EvidenceMissing, detail)
        .advising(Some(format!(
            "collect the {sources} of this stage; if it is red then: {then}"
        )))
}

/// Judges what live requests and a drill log alone decide, without any probe: of each trial the
/// clauses that they decide, in its order.
pub fn judge_observed(observed: &Observed, trials: &[Trial], settings: &Settings) -> Vec<Check> {
    let of_trial = |trial: &Trial| {
        let scene = Scene::new(observed, trial, settings);
        let mut checks = Vec::new();
        for blank in blanks(trial, settings) {
            if Definition::of(blank.id).method.is_observed() {
                checks.push(self::observed(blank, &scene).finished());
            } else if let Some(check) = traffic::judged(blank, &scene) {
                checks.push(check.finished());
            }
        }
        checks
    };
    trials.iter().flat_map(of_trial).collect()
}
