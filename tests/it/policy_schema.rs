//! The schema of a policy, beside what its reader takes.

use ragstone::judge::{Comparator, Definition};
use ragstone::plan::{self, Overrides, PolicyError};
use serde_json::{Value, json};

use crate::schema::{Read, Schema, agree, from_toml, mutations_below};

/// A policy with every key that there is, which a test proves.
const FULL: &str = include_str!("../data/full-policy.toml");

#[test]
fn the_full_policy_has_every_key() {
    let schema = Schema::of("policy");
    let mut objects: Vec<&Value> = vec![&schema.raw];
    let types = schema.raw["$defs"].as_object().expect("types");
    // Contract fields are values of a kind rather than settings.
    let settings = types.iter().filter(|(name, _)| *name != "Contract");
    objects.extend(settings.map(|(_, value)| value));
    for object in objects {
        for key in object["properties"].as_object().into_iter().flatten() {
            assert!(FULL.contains(key.0.as_str()), "the full policy has {key:?}");
        }
    }
}

fn read_policy(policy: &str) -> Read {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ragstone.toml");
    std::fs::write(&path, policy).expect("written");
    match plan::load(&path, &Overrides::default()) {
        Ok(_) => Read::Taken,
        Err(PolicyError::Meaning { .. }) => Read::Meaningless,
        Err(_) => Read::Unreadable,
    }
}

/// A policy as several, each with the part of it to be changed: targets do not look at each other's settings, and
/// reading a dozen thousands of times takes most of a minute.
fn few_targets_at_a_time(policy: Value) -> Vec<(&'static str, Value)> {
    let targets = policy["target"].as_array().expect("targets").clone();
    let [control, first, others @ ..] = &targets[..] else {
        panic!("two targets at least");
    };
    let one = |other: &Value| {
        let (gold, referee) = (&policy["gold"], &policy["referee"]);
        let alone = json!({ "gold": gold, "referee": referee, "target": [control, other] });
        ("/target/1", alone)
    };
    let mut all: Vec<_> = others.iter().map(one).collect();
    let mut head = policy;
    head["target"] = json!([control, first]);
    all.push(("", head));
    all
}

#[test]
fn the_policy_schema_and_the_reader_agree() {
    let schema = Schema::of("policy");
    let full = from_toml(FULL);
    assert_eq!(read_policy(FULL), Read::Taken);
    schema.accepts("the full policy", &full);
    let starter = from_toml(plan::STARTER);
    let mut seen = [0, 0, 0];
    for (part, base) in few_targets_at_a_time(full).iter().chain([&("", starter)]) {
        let written = toml::to_string(base).expect("TOML");
        assert_eq!(read_policy(&written), Read::Taken, "{written}");
        for (what, value) in mutations_below(part, base) {
            let read = read_policy(&toml::to_string(&value).expect("TOML"));
            seen[read as usize] += 1;
            agree(&schema, &what, &value, read);
        }
    }
    assert!(seen.iter().all(|&n| n > 20), "all three happen: {seen:?}");
}

#[test]
fn the_policy_schema_refuses_what_is_only_caught_by_meaning() {
    let schema = Schema::of("policy");
    for (from, to) in [
        ("seeds = [1, 2]", "seeds = []"),
        ("seeds = [1, 2]", "seeds = [1, 1]"),
        ("k = 10\n", "k = 0\n"),
        ("k_sweep = [5,", "k_sweep = [0,"),
        ("bootstrap_resamples = 1000", "bootstrap_resamples = 999"),
        ("max = 0.5", "min = 0.5"),
        ("max = 0.5", "max = nan"),
        ("max = 0.5", "max = 'nan'"),
        ("max_value = 0.7", "max_value = inf"),
        ("override.CA-DS", "override.CA-S0"),
        ("override.CA-DS", "override.CA-XX"),
        ("'2026-12-31'", "2026-12-31"),
    ] {
        let full = FULL.replace("\"2026-12-31\"", "'2026-12-31'");
        assert!(full.contains(from), "{from}");
        let changed = full.replacen(from, to, 1);
        assert_ne!(read_policy(&changed), Read::Taken, "{to}");
        schema.refuses(to, &from_toml(&changed));
    }
}

#[test]
fn limits_may_be_moved_where_the_reader_lets_them() {
    let schema = Schema::of("policy");
    for check in Definition::all() {
        for key in ["max", "min"] {
            let table = format!(
                "\n[gate.override.{}]\n{key} = 0.5\nreason = 'r'\n",
                check.id
            );
            let policy = format!("{}{table}", plan::STARTER);
            let value = from_toml(&policy);
            match read_policy(&policy) {
                Read::Taken => schema.accepts(&table, &value),
                _ => schema.refuses(&table, &value),
            }
        }
        let known = &schema.raw["$defs"]["Gate"]["properties"]["override"]["properties"];
        let entry = &known[check.id.name()];
        assert_eq!(entry.is_object(), check.overridable, "{}", check.id);
        if check.overridable {
            assert_eq!(entry["description"], check.clause);
            assert!(
                !matches!(check.comparator, Comparator::Below | Comparator::Equal),
                "{}: such a limit has no key",
                check.id
            );
        }
    }
}
