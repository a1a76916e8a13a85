//! What can be wrong with a policy.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

/// Why a policy cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(code(policy::read), help("`ragstone init` writes a starter policy"))]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Not TOML, or an unknown key or value.
    #[error("{} line {line}: {message}", path.display())]
    #[diagnostic(code(policy::syntax))]
    Line {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
        /// The nearest thing that would be right.
        #[help]
        help: Option<String>,
    },
    /// Values that are readable but cannot be meant.
    #[error("{}: {message}", path.display())]
    #[diagnostic(code(policy::meaning))]
    Meaning {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// What to do.
        #[help]
        help: String,
    },
}

impl PolicyError {
    pub(super) fn meaning(
        path: &Path,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Meaning {
            path: path.to_owned(),
            message: message.into(),
            help: help.into(),
        }
    }

    /// Turns the parser's byte range into a line, and its list of expected names into the nearest
    /// one.
    pub(super) fn from_toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text
            .bytes()
            .take(start)
            .filter(|&byte| byte == b'\n')
            .count();
        let message = error.message().to_owned();
        Self::Line {
            path: path.to_owned(),
            line,
            help: nearest(&message),
            message,
        }
    }
}

/// serde words it "unknown field `x`, expected one of `a`, `b`" (or "unknown variant"): the first
/// name is the culprit.
fn nearest(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (found, known) = names.split_first()?;
    let closeness = |name: &str| strsim::damerau_levenshtein(found, name);
    let nearest = known.iter().copied().min_by_key(|name| closeness(name))?;
    let alike = closeness(nearest) * 2 <= nearest.chars().count().max(found.chars().count());
    Some(if alike {
        format!("did you mean `{nearest}`?")
    } else {
        format!("known here: {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_name_is_offered() {
        let offered = |message| nearest(message).expect("an offer");
        assert_eq!(
            offered("unknown field `metrc`, expected one of `name`, `metric`"),
            "did you mean `metric`?"
        );
        assert_eq!(
            offered("unknown field `zzzzzz`, expected `name` or `role`"),
            "known here: name, role"
        );
        assert_eq!(nearest("invalid type: string"), None);
    }
}
