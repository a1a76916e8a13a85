//! On which line the parts of a JSON document stand, since the parser does not say.

use std::collections::BTreeMap;

use crate::exchange::pointer::child;

/// Lines by JSON Pointer, from 1, and members that one object has twice.
#[derive(Default)]
pub(super) struct Places {
    lines: BTreeMap<String, u64>,
    pub(super) twice: Vec<(String, u64)>,
}

impl Places {
    /// Of a text that is JSON.
    pub(super) fn of(text: &str) -> Self {
        let mut scan = Scan {
            bytes: text.as_bytes(),
            at: 0,
            line: 1,
            places: Self::default(),
        };
        scan.value(String::new());
        scan.places
    }

    /// Where a value stands.
    pub(super) fn set(&mut self, pointer: String, line: u64) {
        if self.lines.insert(pointer.clone(), line).is_some() {
            self.twice.push((pointer, line));
        }
    }

    /// The line of a value, or of what holds it.
    pub(super) fn line(&self, pointer: &str) -> u64 {
        let mut pointer = pointer;
        loop {
            if let Some(line) = self.lines.get(pointer) {
                return *line;
            }
            match pointer.rsplit_once('/') {
                Some((parent, _)) => pointer = parent,
                None => return 1,
            }
        }
    }
}

/// Walks over a text that was parsed before, so that nothing can be wrong with it.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    places: Places,
}

impl Scan<'_> {
    fn peek(&mut self) -> u8 {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' | b',' | b':' => {}
                byte => return *byte,
            }
            self.at += 1;
        }
        b']'
    }

    fn value(&mut self, pointer: String) {
        let first = self.peek();
        self.places.set(pointer.clone(), self.line);
        match first {
            b'{' => {
                self.at += 1;
                while self.peek() == b'"' {
                    let key = self.string();
                    self.value(child(&pointer, &key));
                }
                self.at += 1;
            }
            b'[' => {
                self.at += 1;
                let mut index = 0_usize;
                while !matches!(self.peek(), b']' | b'}') {
                    self.value(child(&pointer, &index.to_string()));
                    index += 1;
                }
                self.at += 1;
            }
            b'"' => {
                self.string();
            }
            _ => {
                let rest = &self.bytes[self.at..];
                let ends = |byte: &u8| b",]} \t\r\n".contains(byte);
                // At least one byte, so that the walk ends whatever the text is.
                self.at += rest.iter().position(ends).unwrap_or(rest.len()).max(1);
            }
        }
    }

    /// The string that begins here; a string of JSON holds no line end.
    fn string(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'\\' => self.at += 1,
                b'"' => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
        let raw = self.bytes.get(start..self.at).unwrap_or_default();
        serde_json::from_slice(raw).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_the_line_it_begins_on() {
        let text = "{\n \"a\": [1,\n  {\"b\": \"x,]\\\"}\"},\n  true],\n \"c/d\":\n  null\n}";
        let places = Places::of(text);
        for (pointer, line) in [
            ("", 1),
            ("/a", 2),
            ("/a/0", 2),
            ("/a/1", 3),
            ("/a/1/b", 3),
            ("/a/2", 4),
            ("/c~1d", 6),
            ("/a/1/b/unknown", 3),
        ] {
            assert_eq!(places.line(pointer), line, "{pointer}");
        }
        assert!(places.twice.is_empty());
    }

    #[test]
    fn a_member_that_stands_twice_is_found() {
        let places = Places::of("{\"q\": {\"1\": 0,\n\"1\": 2}}");
        assert_eq!(places.twice, [("/q/1".to_owned(), 2)]);
    }
}
