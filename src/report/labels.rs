//! Names of checks and targets as every report writes them. Text from outside is left as it is: the
//! renderer makes it harmless.

use crate::ids::TargetName;
use crate::judge::Check;
use crate::report::TargetRecord;
use crate::target::Role;

/// A check's id, with the name a drill plan gave it: `FD-DS (ΔS_probe)`.
pub(super) fn check(check: &Check) -> String {
    match check.named {
        Some(named) => format!("{} ({})", check.id, named.name()),
        None => check.id.name().to_owned(),
    }
}

/// What a check was judged on: the target, and what it stands beside where that is not the same for
/// every check.
pub(super) fn judged_on(check: &Check, checks: &[Check]) -> String {
    match beside(check, checks) {
        Some(control) => format!("{} beside {control}", check.target),
        None => check.target.to_string(),
    }
}

/// Why a check came out as it did, for machines: `FAIL:bound_outside_limit`.
pub(super) fn reason(check: &Check) -> String {
    let code = serde_json::to_value(check.reason_code).ok();
    let word = code.as_ref().and_then(serde_json::Value::as_str);
    format!("{}:{}", check.verdict.name(), word.unwrap_or_default())
}

/// A check and what it was judged on, as a list of checks names it: `CA-DS on eu-west`.
pub(super) fn whole(check: &Check, checks: &[Check]) -> String {
    format!("{} on {}", self::check(check), judged_on(check, checks))
}

/// What a check stands beside, where that is not the same for every check.
pub(super) fn beside<'a>(check: &'a Check, checks: &[Check]) -> Option<&'a TargetName> {
    let others = || checks.iter().filter(|other| other.compares());
    let one_for_all = others().all(|other| other.control == check.control);
    (check.compares() && !one_for_all).then_some(&check.control)
}

/// A target's part in the run, and where it was asked if that was elsewhere.
pub(super) fn part(target: &TargetRecord) -> String {
    let role = match (&target.role, &target.baseline_of) {
        (Role::Baseline, Some(of)) => format!("earlier run of {of}, not judged"),
        (Role::Baseline, None) => "earlier run, not judged".to_owned(),
        (role, _) => {
            let role = serde_json::to_value(role).ok();
            let word = role.as_ref().and_then(serde_json::Value::as_str);
            word.unwrap_or("?").to_owned()
        }
    };
    match &target.asked_in {
        Some(asked) if asked.name == target.name => {
            format!("{role}, asked in run {}", asked.run_id)
        }
        Some(asked) => format!("{role}, asked in run {} as {}", asked.run_id, asked.name),
        None => role,
    }
}

/// A difference with its sign, `+0.015`; nothing that rounds to zero has one.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:+.decimals$}");
    let zero = |digits: &&str| digits.chars().all(|c| matches!(c, '0' | '.'));
    match text.strip_prefix(['+', '-']).filter(zero) {
        Some(zero) => zero.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::DrillCheck;
    use crate::report::{AskedIn, sample};

    #[test]
    fn a_check_is_named_as_its_drill_plan_names_it() {
        let mut one = sample::report().verdict.checks.remove(0);
        assert_eq!(check(&one), "CA-DS");
        one.named = DrillCheck::find("delta_s_probe");
        assert_eq!(check(&one), "CA-DS (ΔS_probe)");
    }

    #[test]
    fn a_target_of_another_run_says_so_and_a_baseline_is_not_judged() {
        let mut target = sample::report().record.targets.remove(1);
        assert_eq!(part(&target), "candidate");
        target.asked_in = Some(AskedIn {
            run_id: "r1".to_owned(),
            name: target.name.clone(),
        });
        assert_eq!(part(&target), "candidate, asked in run r1");
        target.role = Role::Baseline;
        target.baseline_of = Some(TargetName::new("eu-west"));
        target.name = TargetName::new("eu-west (before)");
        assert_eq!(
            part(&target),
            "earlier run of eu-west, not judged, asked in run r1 as eu-west"
        );
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(
            [0.0149, -0.0904, -0.0001, 0.0].map(|value| signed(value, 3)),
            ["+0.015", "-0.090", "0.000", "0.000"]
        );
    }
}
