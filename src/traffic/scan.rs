//! One line of JSON, read for the fields that are wanted and checked to its end.
//!
//! A log has a few dozen fields a line and almost always the same ones in the same order. So keys
//! are guessed from the line before, text is kept where it stands, and what is not wanted is only
//! checked. What comes out is what `serde_json` makes of the line, which a test holds it to.

use std::borrow::Cow;

use super::fields::{NodeId, Tree};

/// A value as it stands in the line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Raw<'a> {
    /// The field is not there.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, unparsed.
    Number(&'a str),
    /// Text without an escape.
    Text(&'a str),
    /// Text between its quotes, with escapes.
    Escaped(&'a str),
    /// An object or an array.
    Nested,
    /// A whole number of a column.
    Whole(i64),
    /// A number of a column.
    Real(f64),
    /// A time of a column, in milliseconds since 1970.
    Millis(i64),
}

impl<'a> Raw<'a> {
    /// Its text, if it is one.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Escaped(text) => serde_json::from_str::<String>(&format!("\"{text}\""))
                .ok()
                .map(Cow::Owned),
            _ => None,
        }
    }
}

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Byte of the line, from 1.
    pub(super) at: usize,
    /// What was expected there.
    pub(super) expected: &'static str,
}

/// How deep objects and arrays may lie in each other, as for `serde_json`.
const DEEPEST: usize = 127;

/// Reads one line after another.
pub(super) struct Scanner<'t> {
    tree: &'t Tree,
    /// The keys of the line before, in order.
    guesses: Vec<Guess>,
}

/// A key that stood at its place in the line before.
#[derive(Clone, Debug, Default)]
struct Guess {
    within: NodeId,
    /// With its quotes.
    key: Vec<u8>,
    /// What it leads to; `None` where no line has had a wanted key at this place yet.
    node: Option<NodeId>,
}

struct Walk<'a, 'w> {
    line: &'a str,
    at: usize,
    /// Keys met so far.
    met: usize,
    slots: &'w mut [Raw<'a>],
    unknown: &'w mut dyn FnMut(NodeId, &str),
}

impl<'t> Scanner<'t> {
    pub(super) fn new(tree: &'t Tree) -> Self {
        Self {
            tree,
            guesses: Vec::new(),
        }
    }

    /// Reads a line that is one object: the wanted fields into their slots, which are cleared first;
    /// each field that nothing wants is told to `unknown`, with the object it stands in.
    ///
    /// A key that occurs twice counts with its last value.
    pub(super) fn scan<'a>(
        &mut self,
        line: &'a str,
        slots: &mut [Raw<'a>],
        unknown: &mut dyn FnMut(NodeId, &str),
    ) -> Result<(), Malformed> {
        slots.fill(Raw::Absent);
        let mut walk = Walk {
            line,
            at: 0,
            met: 0,
            slots,
            unknown,
        };
        walk.blank();
        if walk.peek() != Some(b'{') {
            return Err(walk.expected("one JSON object a line"));
        }
        self.object(&mut walk, Tree::ROOT, 1)?;
        walk.blank();
        if walk.at < line.len() {
            return Err(walk.expected("the end of the line"));
        }
        Ok(())
    }

    fn object(
        &mut self,
        walk: &mut Walk<'_, '_>,
        within: NodeId,
        depth: usize,
    ) -> Result<(), Malformed> {
        walk.at += 1;
        walk.blank();
        if walk.take(b'}') {
            return Ok(());
        }
        loop {
            let node = self.key(walk, within)?;
            walk.blank();
            if !walk.take(b':') {
                return Err(walk.expected("a colon"));
            }
            walk.blank();
            match node {
                Some(id) => self.wanted(walk, id, depth)?,
                None => {
                    walk.value(depth)?;
                }
            }
            walk.blank();
            if walk.take(b'}') {
                return Ok(());
            }
            if !walk.take(b',') {
                return Err(walk.expected("a comma or the end of the object"));
            }
            walk.blank();
        }
    }

    /// Reads the value of a key that leads to something wanted. Of a key that occurs twice the last
    /// value counts, so what an earlier one brought is taken back.
    #[inline]
    fn wanted(
        &mut self,
        walk: &mut Walk<'_, '_>,
        id: NodeId,
        depth: usize,
    ) -> Result<(), Malformed> {
        let node = self.tree.node(id);
        for slot in &node.below {
            walk.slots[*slot] = Raw::Absent;
        }
        if node.has_children() && walk.peek() == Some(b'{') {
            if depth >= DEEPEST {
                return Err(walk.expected("fewer objects in each other"));
            }
            if let Some(slot) = node.slot {
                walk.slots[slot] = Raw::Nested;
            }
            return self.object(walk, id, depth + 1);
        }
        let value = walk.value(depth)?;
        match node.slot {
            Some(slot) => walk.slots[slot] = value,
            // An object is wanted, and its fields are not there.
            None if value == Raw::Null => {}
            None => (walk.unknown)(id, ""),
        }
        Ok(())
    }

    /// Reads a key and finds what it leads to.
    #[inline]
    fn key(
        &mut self,
        walk: &mut Walk<'_, '_>,
        within: NodeId,
    ) -> Result<Option<NodeId>, Malformed> {
        let place = walk.met;
        walk.met += 1;
        if let Some(guess) = self.guesses.get(place)
            && guess.node.is_some()
            && guess.within == within
            && walk.rest().starts_with(&guess.key)
        {
            walk.at += guess.key.len();
            return Ok(guess.node);
        }
        let start = walk.at;
        let raw = match walk.peek() {
            Some(b'"') => walk.string()?,
            _ => return Err(walk.expected("a key in quotes")),
        };
        let Some(key) = raw.text() else {
            return Err(walk.expected("a key"));
        };
        let node = self.tree.child(within, &key);
        if node.is_none() {
            (walk.unknown)(within, &key);
        } else {
            // Unknown keys are told each time, so that only wanted ones are guessed.
            if self.guesses.len() <= place {
                self.guesses.resize_with(place + 1, Guess::default);
            }
            self.guesses[place] = Guess {
                within,
                key: walk.line.as_bytes()[start..walk.at].to_vec(),
                node,
            };
        }
        Ok(node)
    }
}

impl<'a> Walk<'a, '_> {
    #[inline]
    fn rest(&self) -> &'a [u8] {
        &self.line.as_bytes()[self.at..]
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn expected(&self, expected: &'static str) -> Malformed {
        Malformed {
            at: self.at + 1,
            expected,
        }
    }

    #[inline]
    fn value(&mut self, depth: usize) -> Result<Raw<'a>, Malformed> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Raw::Bool(true)),
            Some(b'f') => self.literal("false", Raw::Bool(false)),
            Some(b'n') => self.literal("null", Raw::Null),
            Some(b'{' | b'[') => {
                self.nested(depth)?;
                Ok(Raw::Nested)
            }
            _ => Err(self.expected("a value")),
        }
    }

    #[inline]
    fn literal(&mut self, word: &str, value: Raw<'a>) -> Result<Raw<'a>, Malformed> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.expected("a value"))
        }
    }

    /// Text, the opening quote being next.
    #[inline]
    fn string(&mut self) -> Result<Raw<'a>, Malformed> {
        let start = self.at + 1;
        let bytes = self.line.as_bytes();
        let mut at = start;
        // Most texts are short, so that a plain loop is quickest.
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    self.at = at + 1;
                    return Ok(Raw::Text(&self.line[start..at]));
                }
                b'\\' => return self.escaped(start, at),
                0..0x20 => break,
                _ => at += 1,
            }
        }
        self.at = at;
        Err(self.expected("text without control characters, and its closing quote"))
    }

    /// Text with an escape at `at`.
    #[cold]
    fn escaped(&mut self, start: usize, mut at: usize) -> Result<Raw<'a>, Malformed> {
        let bytes = self.line.as_bytes();
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => at += 2,
                Some(0..0x20) | None => {
                    self.at = at.min(bytes.len());
                    return Err(
                        self.expected("text without control characters, and its closing quote")
                    );
                }
                Some(_) => at += 1,
            }
        }
        self.at = at + 1;
        let inner = &self.line[start..at];
        let raw = Raw::Escaped(inner);
        if raw.text().is_none() {
            self.at = start;
            return Err(self.expected("text with sound escapes"));
        }
        Ok(raw)
    }

    /// A number by JSON's grammar.
    #[inline]
    fn number(&mut self) -> Result<Raw<'a>, Malformed> {
        let start = self.at;
        self.take(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.expected("a digit")),
        }
        if self.take(b'.') {
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(Raw::Number(&self.line[start..self.at]))
    }

    #[inline]
    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            Some(b'0'..=b'9') => {
                self.digits();
                Ok(())
            }
            _ => Err(self.expected("a digit")),
        }
    }

    /// An object or array of which nothing is wanted.
    fn nested(&mut self, depth: usize) -> Result<(), Malformed> {
        if depth >= DEEPEST {
            return Err(self.expected("fewer objects in each other"));
        }
        let object = self.peek() == Some(b'{');
        let end = if object { b'}' } else { b']' };
        self.at += 1;
        self.blank();
        if self.take(end) {
            return Ok(());
        }
        loop {
            if object {
                if self.peek() != Some(b'"') {
                    return Err(self.expected("a key in quotes"));
                }
                self.string()?;
                self.blank();
                if !self.take(b':') {
                    return Err(self.expected("a colon"));
                }
                self.blank();
            }
            self.value(depth + 1)?;
            self.blank();
            if self.take(end) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.expected("a comma or the end"));
            }
            self.blank();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::traffic::fields::FieldMap;

    fn tree() -> Tree {
        Tree::of(["a", "b.c", "b.d.e", "Δ"].iter().enumerate())
    }

    /// What `serde_json` makes of the wanted fields; `None` if it refuses the line.
    fn slowly(line: &str) -> Option<Vec<Value>> {
        let value: serde_json::Map<String, Value> = serde_json::from_str(line).ok()?;
        let value = Value::Object(value);
        let paths = ["/a", "/b/c", "/b/d/e", "/Δ"];
        let found = |path: &&str| value.pointer(path).cloned().unwrap_or(Value::Null);
        Some(paths.iter().map(found).collect())
    }

    fn seen(raw: Raw) -> Value {
        match raw {
            Raw::Absent | Raw::Null => Value::Null,
            Raw::Bool(value) => value.into(),
            Raw::Number(number) => serde_json::from_str(number).expect("a number"),
            Raw::Nested => Value::from("nested"),
            text => text.text().expect("text").into_owned().into(),
        }
    }

    #[track_caller]
    fn agrees(scanner: &mut Scanner, line: &str) {
        let mut slots = [Raw::Absent; 4];
        let quick = scanner.scan(line, &mut slots, &mut |_, _| {});
        let slow = slowly(line);
        assert_eq!(quick.is_ok(), slow.is_some(), "{line}: {quick:?}");
        for (raw, value) in slots.into_iter().zip(slow.into_iter().flatten()) {
            match value {
                Value::Object(_) | Value::Array(_) => assert_eq!(raw, Raw::Nested, "{line}"),
                value => assert_eq!(seen(raw), value, "{line}"),
            }
        }
    }

    #[test]
    fn lines_are_read_as_serde_json_reads_them() {
        let tree = tree();
        let mut scanner = Scanner::new(&tree);
        for line in [
            r#"{"a":1,"b":{"c":"x","d":{"e":true}},"Δ":0.34}"#,
            r#" { "a" : -0.5e+3 , "x":[1,{"y":null},[]], "b":{"d":{"e":"\u03bb \"q\""}} } "#,
            r#"{"b":null,"a":"→"}"#,
            r#"{"b":7,"a":[1]}"#,
            r#"{"\u0061":2}"#,
            "{}",
            "",
            "null",
            "[1]",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":tru}",
            "{\"a\":1}}",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{\"a\":\"\t\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"open",
            "{\"a\":NaN}",
            "{\"x\":{\"y\":}}",
            "{\"x\":[1 2]}",
            r#"{"a":"\ud800"}"#,
        ] {
            agrees(&mut scanner, line);
        }
        // An unknown key before the first wanted one, line after line.
        let mut fresh = Scanner::new(&tree);
        for _ in 0..3 {
            agrees(&mut fresh, r#"{"x":1,"y":{"a":2},"a":3}"#);
        }
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(126), "]".repeat(126));
        agrees(&mut scanner, &deep);
        let too_deep = format!("{{\"x\":{}{}}}", "[".repeat(127), "]".repeat(127));
        agrees(&mut scanner, &too_deep);
    }

    #[test]
    fn unknown_fields_are_told_with_their_place() {
        let map = FieldMap::default();
        let tree = map.tree();
        let mut scanner = Scanner::new(&tree);
        let mut slots = vec![Raw::Absent; tree.n_slots()];
        let mut unknown = Vec::new();
        let line = r#"{"ts":"x","cache":{"prefix":"p","shard":3},"extra":{"ts":1}}"#;
        let told = &mut |within: NodeId, key: &str| unknown.push(tree.path(within, key));
        scanner.scan(line, &mut slots, told).expect("sound");
        assert_eq!(unknown, ["cache.shard", "extra"]);
    }

    /// An object of some members, its keys in any order and perhaps twice.
    fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        let key = prop::sample::select(vec!["a", "b", "c", "d", "e", "x", "y", "Δ", "\\u0062"]);
        let members = proptest::collection::vec((key, value), 0..5);
        members.prop_map(|members| {
            let members = members
                .iter()
                .map(|(key, value)| format!("\"{key}\":{value}"));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        })
    }

    fn line() -> impl Strategy<Value = String> {
        let plain = prop::sample::select(vec!["7", "null", "\"λ\"", "[1,{\"a\":2}]", "{}"]);
        let value = plain.prop_map(str::to_owned).boxed();
        object(value.prop_recursive(2, 16, 4, object))
    }

    proptest! {
        #[test]
        fn random_lines_are_read_as_serde_json_reads_them(
            lines in proptest::collection::vec(
                "(\\{)?((\"(a|b|c|d|e|x|Δ)\":)?( )?(-?[0-9]{1,2}(\\.[0-9])?(e[0-9])?|\"[a-zΔ\\\\n\"]{0,3}\"|true|null|\\{|\\}|\\[|\\]|,){1,2},?){0,6}\\}?",
                1..8,
            )
        ) {
            let tree = tree();
            let mut scanner = Scanner::new(&tree);
            for line in &lines {
                agrees(&mut scanner, line);
            }
        }

        /// One scanner reads many lines, and what it guesses from one must not spoil the next.
        #[test]
        fn lines_of_many_forms_are_read_as_serde_json_reads_them(
            lines in proptest::collection::vec(line(), 1..8)
        ) {
            let tree = tree();
            let mut scanner = Scanner::new(&tree);
            for line in &lines {
                agrees(&mut scanner, line);
            }
        }

        #[test]
        fn random_objects_are_read_as_serde_json_reads_them(
            a in any::<f64>().prop_filter("finite", |a| a.is_finite()),
            c in ".{0,8}",
            e in any::<bool>(),
            spaced in any::<bool>(),
        ) {
            let tree = tree();
            let mut scanner = Scanner::new(&tree);
            let value = serde_json::json!({"a": a, "other": [a, {"c": c}], "b": {"c": c, "d": {"e": e}}});
            let line = if spaced {
                serde_json::to_string_pretty(&value).expect("JSON")
            } else {
                value.to_string()
            };
            agrees(&mut scanner, &line);
            agrees(&mut scanner, &line);
        }
    }
}
