//! Where a field stands within a row.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

/// A place within a JSON value, or several: a JSON Pointer (RFC 6901) in which `*` stands for every
/// element of a list, and `*[KEY=A|B]` for those whose member `KEY` is `A` or `B`. `!=` takes the
/// others.
///
/// Without a leading `/` it is the name of one column or member.
///
/// ```
/// use ragstone::exchange::Pointer;
/// let row = serde_json::json!({"list": [{"kind": "a", "text": "x"}, {"kind": "b", "text": "y"}]});
/// let pointer: Pointer = "/list/*[kind=b]/text".parse()?;
/// assert_eq!(pointer.select(&row), [&serde_json::json!("y")]);
/// # Ok::<(), ragstone::exchange::NotAPointer>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    text: String,
    steps: Vec<Step>,
}

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A member of an object, or an element of a list by its number from 0.
    Key(String),
    /// Every element of a list, or those that pass.
    Each(Option<Filter>),
}

/// Which elements of a list are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    /// The member that is looked at.
    pub(super) key: String,
    values: Vec<String>,
    keeps: bool,
}

impl Filter {
    /// Whether an element is meant.
    pub(super) fn takes(&self, element: &Value) -> bool {
        let found = element.get(&self.key).and_then(text);
        found.is_some_and(|found| self.values.contains(&found)) == self.keeps
    }
}

/// A scalar as text; `None` for null, lists and objects.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Step {
    /// What the step leads to, of one child of a value: `key` is its name or number.
    pub(super) fn leads_to(&self, parent: &Value, key: &str, child: &Value) -> bool {
        match self {
            Self::Key(wanted) => wanted == key,
            Self::Each(filter) => {
                parent.is_array() && filter.as_ref().is_none_or(|filter| filter.takes(child))
            }
        }
    }
}

impl Pointer {
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What stands there, in the order of the lists; nothing if the place does not exist.
    pub fn select<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| below(value, step))
                .collect();
        }
        found
    }
}

fn below<'a>(value: &'a Value, step: &Step) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Key(key), Value::Object(members)) => members.get(key).into_iter().collect(),
        (Step::Key(key), Value::Array(elements)) => {
            let index: Option<usize> = key.parse().ok();
            index
                .and_then(|index| elements.get(index))
                .into_iter()
                .collect()
        }
        (Step::Each(filter), Value::Array(elements)) => elements
            .iter()
            .filter(|element| filter.as_ref().is_none_or(|filter| filter.takes(element)))
            .collect(),
        _ => Vec::new(),
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is no pointer.
#[derive(Debug, Error)]
#[error("`{text}` is no pointer: {reason}")]
pub struct NotAPointer {
    text: String,
    reason: &'static str,
}

impl FromStr for Pointer {
    type Err = NotAPointer;

    fn from_str(text: &str) -> Result<Self, NotAPointer> {
        let not = |reason| NotAPointer {
            text: text.to_owned(),
            reason,
        };
        let steps = match text.strip_prefix('/') {
            None if text.is_empty() => {
                return Err(not(
                    "write a column's name, or a path such as /variants/*/text",
                ));
            }
            None => vec![Step::Key(text.to_owned())],
            Some(path) => parts(path)
                .into_iter()
                .map(|part| {
                    step(part).ok_or_else(|| not("a filter is written *[KEY=A|B] or *[KEY!=A]"))
                })
                .collect::<Result<_, _>>()?,
        };
        Ok(Self {
            text: text.to_owned(),
            steps,
        })
    }
}

/// Cut at slashes outside of brackets.
fn parts(path: &str) -> Vec<&str> {
    let mut inside = false;
    path.split(|c| {
        inside = match c {
            '[' => true,
            ']' => false,
            _ => inside,
        };
        c == '/' && !inside
    })
    .collect()
}

fn step(part: &str) -> Option<Step> {
    let Some(rest) = part.strip_prefix('*') else {
        return Some(Step::Key(part.replace("~1", "/").replace("~0", "~")));
    };
    if rest.is_empty() {
        return Some(Step::Each(None));
    }
    let (key, values) = rest.strip_prefix('[')?.strip_suffix(']')?.split_once('=')?;
    let (key, keeps) = match key.strip_suffix('!') {
        Some(key) => (key, false),
        None => (key, true),
    };
    (!key.is_empty()).then(|| {
        Step::Each(Some(Filter {
            key: key.to_owned(),
            values: values.split('|').map(str::to_owned).collect(),
            keeps,
        }))
    })
}

/// The pointer of a child, escaped as RFC 6901 asks.
pub(super) fn child(parent: &str, key: &str) -> String {
    format!("{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn finds(pointer: &str, expected: &[&str]) {
        let row = json!({
            "a b": "column",
            "list": [{"kind": "x", "text": "1"}, {"kind": "y/z", "text": "2"}, {"text": "3"}],
            "flag": {"a/b": true},
        });
        let pointer: Pointer = pointer.parse().expect("a pointer");
        let found: Vec<_> = pointer.select(&row).into_iter().filter_map(text).collect();
        assert_eq!(found, expected, "{pointer}");
    }

    #[test]
    fn a_pointer_takes_members_elements_lists_and_parts_of_lists() {
        finds("a b", &["column"]);
        finds("/list/1/text", &["2"]);
        finds("/list/*/text", &["1", "2", "3"]);
        finds("/list/*[kind=x|y/z]/text", &["1", "2"]);
        finds("/list/*[kind!=x]/text", &["2", "3"]);
        finds("/flag/a~1b", &["true"]);
        finds("/nowhere/*/x", &[]);
        finds("/a b/*", &[]);
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        for wrong in ["", "/a/*[kind]", "/a/*[=x]", "/a/*kind=x", "/a/*[kind=x"] {
            assert!(wrong.parse::<Pointer>().is_err(), "{wrong}");
        }
    }
}
