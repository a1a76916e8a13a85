//! Where a value stands in a reply.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

use crate::target::{Failure, Stage};

/// A JSON pointer (RFC 6901): `/hits/0/text`, or empty for the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(String);

/// A text that is no JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no JSON pointer")]
pub struct NotAPointer(String);

impl FromStr for Pointer {
    type Err = NotAPointer;

    fn from_str(text: &str) -> Result<Self, NotAPointer> {
        let begins = text.is_empty() || text.starts_with('/');
        let mut tildes = text.split('~').skip(1);
        if begins && tildes.all(|after| after.starts_with(['0', '1'])) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAPointer(text.to_owned()))
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Pointer {
    /// What stands there; a null counts as nothing.
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        value.pointer(&self.0).filter(|found| !found.is_null())
    }

    /// What stands there, which must be something.
    pub(super) fn need<'a>(&self, value: &'a Value, of: Of) -> Result<&'a Value, Failure> {
        self.find(value).ok_or_else(|| self.missing(of))
    }

    /// Nothing stands there.
    pub(super) fn missing(&self, of: Of) -> Failure {
        let message = format!("nothing at `{self}`{of}");
        Failure::lasting("field_missing", Stage::Schema, message)
    }

    /// What stands there is not what was agreed.
    pub(super) fn wrong(&self, found: &Value, expected: &str, of: Of) -> Failure {
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let message = format!("`{self}`{of} is {found}, expected {expected}");
        Failure::lasting("field_type", Stage::Schema, message)
    }
}

/// What a pointer was applied to, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    /// The reply, or an event of it.
    Reply,
    /// A hit, by its index from 0.
    Hit(usize),
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reply => Ok(()),
            Self::Hit(index) => write!(f, " of hit {index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pointers_are_pointers() {
        for sound in ["", "/hits", "/a~1b/~0/0", "/"] {
            assert!(sound.parse::<Pointer>().is_ok(), "{sound}");
        }
        for wrong in ["hits", "$.hits", "/a~", "/~2"] {
            assert!(wrong.parse::<Pointer>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_null_counts_as_nothing() {
        let reply = serde_json::json!({ "a/b": { "c": [null, 1] } });
        let find = |text: &str| text.parse::<Pointer>().expect("one").find(&reply).cloned();
        assert_eq!(find("/a~1b/c/1"), Some(serde_json::json!(1)));
        assert_eq!(find("/a~1b/c/0"), None);
        assert_eq!(find("/a~1b/c/2"), None);
    }
}
