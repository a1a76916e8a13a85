//! Lines, beside what `serde_json` makes of them.

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
        Raw::True => true.into(),
        Raw::False => false.into(),
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
