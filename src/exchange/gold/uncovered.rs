//! Which parts of rows no pointer reads.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::exchange::Pointer;
use crate::exchange::pointer::{Step, child, text};
use crate::exchange::records::Record;

/// How often a place was left unread, and on which line first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    /// The first line.
    pub(super) line: u64,
    /// How many values.
    pub(super) n: usize,
}

/// The places of `records` that hold something and that none of the pointers reads, generalised:
/// `*` stands for any element of a list. An element that a filter left has the member it was left
/// for.
pub(super) fn uncovered<'a>(
    records: impl IntoIterator<Item = &'a Record>,
    pointers: &[&Pointer],
) -> BTreeMap<String, Unread> {
    let mut found = BTreeMap::new();
    let steps: Vec<&[Step]> = pointers.iter().map(|pointer| pointer.steps()).collect();
    for record in records {
        let mut walk = Walk {
            line: record.line,
            found: &mut found,
        };
        walk.value(&record.value, "", &steps);
    }
    found
}

struct Walk<'a> {
    line: u64,
    found: &'a mut BTreeMap<String, Unread>,
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, at: &str, pointers: &[&[Step]]) {
        if pointers.iter().any(|steps| steps.is_empty()) || is_empty(value) {
            return;
        }
        if pointers.is_empty() {
            self.unread(at);
            return;
        }
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    let below = below(value, key, member, pointers);
                    self.value(member, &child(at, key), &below);
                }
            }
            Value::Array(elements) => {
                let filters = pointers.iter().filter_map(|steps| match &steps[0] {
                    Step::Each(Some(filter)) => Some(filter.key.as_str()),
                    _ => None,
                });
                let keys: Vec<&str> = filters.collect();
                for (index, element) in elements.iter().enumerate() {
                    let below = below(value, &index.to_string(), element, pointers);
                    self.element(element, at, &keys, &below);
                }
            }
            // A pointer leads deeper than the value goes.
            _ => self.unread(at),
        }
    }

    /// `keys` are the members that filters look at; they need no place of their own.
    fn element(&mut self, element: &Value, list: &str, keys: &[&str], pointers: &[&[Step]]) {
        if !pointers.is_empty() {
            let mut rest = element.clone();
            if let Some(members) = rest.as_object_mut() {
                members.retain(|key, _| !keys.contains(&key.as_str()));
            }
            self.value(&rest, &format!("{list}/*"), pointers);
            return;
        }
        let kind = keys.iter().find_map(|key| {
            let value = text(element.get(*key)?)?;
            Some(format!("{list}/*[{key}={value}]"))
        });
        if !is_empty(element) {
            self.unread(&kind.unwrap_or_else(|| format!("{list}/*")));
        }
    }

    fn unread(&mut self, at: &str) {
        let line = self.line;
        let unread = self.found.entry(at.to_owned());
        unread.or_insert(Unread { line, n: 0 }).n += 1;
    }
}

/// What is left of the pointers that lead to a child.
fn below<'a>(parent: &Value, key: &str, value: &Value, pointers: &[&'a [Step]]) -> Vec<&'a [Step]> {
    pointers
        .iter()
        .filter(|steps| steps[0].leads_to(parent, key, value))
        .map(|steps| &steps[1..])
        .collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(pointers: &[&str], expected: &[(&str, usize)]) {
        let value = json!({
            "id": 1, "none": null, "empty": [], "scores": {"a": 1, "b": 2},
            "variants": [{"kind": "x", "text": "1"}, {"kind": "y", "text": "2", "by": "me"}, {"kind": "z", "text": "3"}],
        });
        let record = Record { line: 7, value };
        let pointers: Vec<Pointer> = pointers
            .iter()
            .map(|p| p.parse().expect("a pointer"))
            .collect();
        let pointers: Vec<&Pointer> = pointers.iter().collect();
        let found = uncovered([&record, &record], &pointers);
        let found: Vec<_> = found
            .iter()
            .map(|(at, unread)| (at.as_str(), unread.n))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_no_pointer_reads_is_found_once_a_value() {
        check(&["id", "/scores", "variants"], &[]);
        check(&["id"], &[("/scores", 2), ("/variants", 2)]);
        check(&["id", "/scores/a", "/variants"], &[("/scores/b", 2)]);
        check(&["/id/deeper", "/scores", "/variants"], &[("/id", 2)]);
    }

    #[test]
    fn an_element_that_every_filter_left_is_named_by_what_it_was_left_for() {
        let x = "/variants/*[kind=x]/text";
        let both = "/variants/*[kind=x|y]/text";
        check(
            &["id", "scores", x],
            &[("/variants/*[kind=y]", 2), ("/variants/*[kind=z]", 2)],
        );
        check(
            &["id", "scores", both],
            &[("/variants/*/by", 2), ("/variants/*[kind=z]", 2)],
        );
    }
}
