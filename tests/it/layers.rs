//! Data flows one way: a stage names the leaves and earlier stages, never a later one.

use std::path::{Path, PathBuf};

use crate::support::root;

/// From the leaves to the rim. `report` and `plan` know nothing of each other.
const ORDER: [&[&str]; 23] = [
    &["ids", "units", "vector", "files", "lines", "schema"],
    &["stats", "export", "ranking", "trec"],
    &["knn"],
    &["goldset"],
    &["net"],
    &["embed"],
    &["parity"],
    &["target", "stamp"],
    &["replay"],
    &["measure"],
    &["traffic"],
    &["judge"],
    &["drill"],
    &["simulate"],
    &["report", "plan"],
    &["exchange"],
    &["earlier"],
    &["pipeline"],
    &["answers", "import", "rank"],
    &["compare", "audit", "live"],
    &["merge", "indexes"],
    &["cli"],
    &["main", "lib"],
];

/// What the pure stages must not name: a clock, a network, a thread that waits, a file, randomness
/// of their own.
const PURE: [&str; 5] = ["stats", "ranking", "measure", "parity", "judge"];
const IMPURE: [&str; 9] = [
    "std::time",
    "std::net",
    "std::fs",
    "tokio",
    "reqwest",
    "net::Client",
    "jiff",
    "rand::rng",
    "from_os_rng",
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    let mut found = Vec::new();
    files(&src, &mut found);
    let named = |path: PathBuf| {
        let first = path
            .strip_prefix(&src)
            .expect("below src")
            .components()
            .next()
            .expect("a name");
        let stage = Path::new(first.as_os_str())
            .file_stem()
            .expect("a stem")
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&path).expect("readable");
        (stage, path, text)
    };
    found.into_iter().map(named).collect()
}

fn rank(stage: &str) -> usize {
    ORDER
        .iter()
        .position(|stages| stages.contains(&stage))
        .unwrap_or_else(|| panic!("src/{stage} has no place in the order of stages"))
}

/// The stages that a source names by `crate::`.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("crate::").map(|(at, _)| {
        let rest = &text[at + "crate::".len()..];
        let end = rest
            .find(|c: char| !c.is_ascii_lowercase() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn no_stage_names_a_later_one() {
    let sources = sources();
    assert!(sources.len() > 40, "the sources were found");
    for (stage, path, text) in sources {
        for other in named(&text).filter(|other| !other.is_empty()) {
            let allowed = other == stage || rank(other) < rank(&stage);
            assert!(
                allowed,
                "{} names {other}, which comes later",
                path.display()
            );
        }
    }
}

#[test]
fn the_pure_stages_have_no_clock_network_file_or_seed_of_their_own() {
    for (stage, path, text) in sources() {
        if PURE.contains(&stage.as_str()) {
            for name in IMPURE {
                assert!(!text.contains(name), "{} names {name}", path.display());
            }
        }
    }
}
