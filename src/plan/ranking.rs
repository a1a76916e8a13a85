//! The ranking measures of a policy: what it requires, and the columns that it wants.

use std::collections::BTreeSet;
use std::path::Path;

use miette::Diagnostic;

use crate::judge::{CheckId, Requirement};
use crate::measure::{RankMeasure, RankMeasures};
use crate::plan::PolicyError;
use crate::plan::written;
use crate::ranking::Over;
use crate::units::Cutoff;

/// What `[gate] require` says, each measure once.
pub(super) fn required(
    path: &Path,
    lines: &[String],
    k: Cutoff,
) -> Result<Vec<Requirement>, PolicyError> {
    const KEY: &str = "[gate] require";
    let mut required: Vec<Requirement> = Vec::new();
    for line in lines {
        let one: Requirement = line.parse().map_err(|error| because(path, KEY, &error))?;
        no_deeper_than(path, KEY, one.measure, k)?;
        if let Some(twin) = required.iter().find(|known| known.measure == one.measure) {
            return Err(PolicyError::meaning(
                path,
                format!("{KEY}: `{twin}` and `{one}` are of one measure"),
                "keep the one that is meant",
            ));
        }
        required.push(one);
    }
    Ok(required)
}

/// The usual measures, what is required, and what `[measure] rank` names.
pub(super) fn columns(
    path: &Path,
    written: &written::Measure,
    required: &[Requirement],
    k: Cutoff,
) -> Result<RankMeasures, PolicyError> {
    const KEY: &str = "[measure] rank";
    let mut named = BTreeSet::new();
    for name in &written.rank {
        let bare = name.trim().strip_prefix("rank.").unwrap_or(name);
        let one = RankMeasure::named(bare).map_err(|error| because(path, KEY, &error))?;
        no_deeper_than(path, KEY, one, k)?;
        if matches!(
            one.measure().family().over(),
            Over::Count | Over::GeometricMean
        ) {
            return Err(PolicyError::meaning(
                path,
                format!("{KEY}: {} has no value of one probe", one.name()),
                "name a measure of single queries, such as ndcg_cut_10",
            ));
        }
        if !named.insert(one) {
            return Err(PolicyError::meaning(
                path,
                format!("{KEY} names {} twice", one.name()),
                "name it once",
            ));
        }
    }
    let required = required.iter().map(|one| one.measure);
    Ok(RankMeasures::usual(k).with(required).with(named))
}

/// The limit of a ranking measure can be moved only where it was required, and stays a share.
pub(super) fn may_move(
    path: &Path,
    (written, id): (&str, CheckId),
    limit: f64,
    required: &[Requirement],
) -> Result<(), PolicyError> {
    if !matches!(id, CheckId::Rank(_)) {
        return Ok(());
    }
    if required.iter().all(|one| one.id() != id) {
        return Err(PolicyError::meaning(
            path,
            format!("[gate.override.{written}] moves the limit of {id}, which nothing requires"),
            format!("add \"{id} >= …\" to [gate] require, with the limit that is meant"),
        ));
    }
    if (0.0..=1.0).contains(&limit) {
        return Ok(());
    }
    Err(PolicyError::meaning(
        path,
        format!(
            "[gate.override.{written}] the limit is {limit}, and the values of {id} lie between 0 and 1"
        ),
        "write a number between 0 and 1",
    ))
}

/// A measure at more ranks than there are hits would be a smaller number under the name of a larger one.
fn no_deeper_than(
    path: &Path,
    key: &str,
    measure: RankMeasure,
    k: Cutoff,
) -> Result<(), PolicyError> {
    let cutoff = measure.measure().cutoff().filter(|cutoff| *cutoff > k);
    let Some(cutoff) = cutoff else {
        return Ok(());
    };
    Err(PolicyError::meaning(
        path,
        format!("{key}: {measure} looks at {cutoff} ranks, and [replay] k asks for {k} hits"),
        format!("set k = {cutoff} under [replay], or name the measure at {k} ranks or fewer"),
    ))
}

fn because(path: &Path, key: &str, error: &dyn Diagnostic) -> PolicyError {
    let help = error.help().map(|help| help.to_string());
    PolicyError::meaning(path, format!("{key}: {error}"), help.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Overrides, Policy, STARTER, load};

    fn read(gate: &str, rest: &str) -> Result<Policy, PolicyError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ragstone.toml");
        let text = STARTER.replacen("[gate]\n", &format!("[gate]\n{gate}\n"), 1);
        std::fs::write(&path, format!("{text}\n{rest}\n")).expect("written");
        load(&path, &Overrides::default())
    }

    #[track_caller]
    fn refused(gate: &str, rest: &str, needle: &str) {
        let error = read(gate, rest).expect_err(gate);
        let help = error.help().map(|help| help.to_string());
        let said = format!("{error}; {}", help.unwrap_or_default());
        assert!(said.contains(needle), "{said}");
    }

    #[test]
    fn what_is_required_is_measured_beside_the_usual() {
        let policy = read(
            "require = ['rank.recall@5 >= 0.8', 'rank.bpref >= 0.5']",
            "[measure]\nrank = ['P.5', 'rank.mrr_10']",
        );
        let policy = policy.expect("sound");
        let required: Vec<String> = policy
            .judge
            .required
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(required, ["rank.recall_5 >= 0.8", "rank.bpref >= 0.5"]);
        let names: Vec<&str> = policy.ranking.iter().map(RankMeasure::name).collect();
        assert_eq!(
            names,
            [
                "P_5",
                "bpref",
                "judged_10",
                "map_cut_10",
                "mrr_10",
                "ndcg_cut_10",
                "recall_10",
                "recall_5"
            ]
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let deep = "require = ['rank.ndcg_cut_20 >= 0.5']";
        refused(
            deep,
            "",
            "rank.ndcg_cut_20 looks at 20 ranks, and [replay] k asks for 10 hits; set k = 20",
        );
        refused(
            "require = ['rank.ndgc_cut@10 >= 0.5']",
            "",
            "did you mean `ndcg_cut_5`?",
        );
        refused("require = ['rank.gm_map >= 0.5']", "", "geometric mean");
        refused(
            "require = ['rank.map >= 0.5', 'rank.AP >= 0.6']",
            "",
            "`rank.map >= 0.5` and `rank.map >= 0.6` are of one measure",
        );
        refused(
            "",
            "[measure]\nrank = ['recall_20']",
            "[measure] rank: rank.recall_20 looks at 20 ranks",
        );
        refused("", "[measure]\nrank = ['num_q']", "no value of one probe");
        refused("", "[measure]\nrank = ['P_5', 'P.5']", "names P_5 twice");
    }

    #[test]
    fn only_what_is_required_has_a_limit_to_move() {
        let require = "require = ['rank.map >= 0.5']";
        let moved = |id: &str, min: f64| {
            format!("[gate.override.\"{id}\"]\nmin = {min:?}\nreason = 'agreed'\n")
        };
        let policy = read(require, &moved("rank.MAP", 0.4)).expect("sound");
        let over = &policy.judge.overrides[&policy.judge.required[0].id()];
        assert!((over.limit - 0.4).abs() < 1e-12);
        refused(require, &moved("rank.bpref", 0.4), "which nothing requires");
        refused(require, &moved("rank.map", 4.0), "lie between 0 and 1");
        let twice = moved("rank.map", 0.4) + &moved("rank.AP", 0.3);
        refused(require, &twice, "moves the limit of rank.map twice");
        refused(
            require,
            "[gate.override.\"rank.map\"]\nmax = 0.4\nreason = 'x'",
            "needs `min`",
        );
    }
}
