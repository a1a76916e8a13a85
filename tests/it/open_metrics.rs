//! A strict reader of the part of `OpenMetrics` 1.0.0 that a file of gauges needs: families one after the
//! other, their metadata first, escaped labels, no time, and the end mark.

use std::collections::{BTreeMap, BTreeSet};

/// One sample.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    pub(crate) family: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// Reads a file, or says why it is none.
pub(crate) fn parse(text: &str) -> Result<Vec<Sample>, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("no end mark")?;
    let (mut samples, mut families) = (Vec::<Sample>::new(), BTreeSet::new());
    let (mut family, mut told) = (String::new(), BTreeSet::new());
    let mut seen = BTreeSet::new();
    for line in body.lines() {
        if let Some(metadata) = line.strip_prefix("# ") {
            let mut words = metadata.splitn(3, ' ');
            let [kind, name, rest] = [(); 3].map(|()| words.next().unwrap_or_default());
            if name != family {
                if !is_name(name) || !families.insert(name.to_owned()) {
                    return Err(format!("{name} again, or no name"));
                }
                name.clone_into(&mut family);
                told.clear();
            } else if samples.last().is_some_and(|last| last.family == family) {
                return Err(format!("metadata behind the samples of {name}"));
            }
            let known = match kind {
                "TYPE" => rest == "gauge",
                "HELP" => !rest.is_empty() && !rest.contains('\\'),
                _ => false,
            };
            if !known || !told.insert(kind.to_owned()) {
                return Err(line.to_owned());
            }
            continue;
        }
        let sample = sample(line).ok_or_else(|| format!("no sample: {line}"))?;
        if sample.family != family || !told.contains("TYPE") {
            return Err(format!("outside of its family: {line}"));
        }
        if !seen.insert((sample.family.clone(), sample.labels.clone())) {
            return Err(format!("the same labels again: {line}"));
        }
        samples.push(sample);
    }
    Ok(samples)
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    let first = characters.next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn sample(line: &str) -> Option<Sample> {
    let (family, mut rest) = line.split_once('{')?;
    let mut labels = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        if !is_name(name) || labels.insert(name.to_owned(), value).is_some() {
            return None;
        }
        rest = after;
        match rest.strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    let value = rest.strip_prefix("} ")?;
    let plain = value
        .chars()
        .all(|c| c.is_ascii_digit() || "+-.e".contains(c));
    (is_name(family) && plain).then_some(())?;
    Some(Sample {
        family: family.to_owned(),
        labels,
        value: value.parse().ok()?,
    })
}

/// The text up to the closing quote, and what stands behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                same @ ('"' | '\\') => same,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
    None
}

/// The sum of the samples of a family whose label is one of some values; `None` if there is no such sample.
pub(crate) fn sum(samples: &[Sample], family: &str, label: &str, values: &[&str]) -> Option<f64> {
    let of_family = samples.iter().filter(|sample| sample.family == family);
    let found: Vec<f64> = of_family
        .filter(|sample| values.contains(&sample.labels[label].as_str()))
        .map(|sample| sample.value)
        .collect();
    (!found.is_empty()).then(|| found.iter().sum())
}

const SOUND: &str = "# TYPE a gauge\n# HELP a What it is.\na{x=\"1\",y=\"q\\\"\\\\\\n\"} 0.5\na{x=\"2\",y=\"\"} 1\n# TYPE b gauge\nb{x=\"1\"} -3\n# EOF\n";

#[test]
fn a_sound_file_is_read() {
    let samples = parse(SOUND).expect("sound");
    assert_eq!(samples.len(), 3);
    assert_eq!(samples[0].labels["y"], "q\"\\\n");
    assert_eq!(sum(&samples, "a", "x", &["1", "2"]), Some(1.5));
    assert_eq!(sum(&samples, "a", "x", &["3"]), None);
}

#[test]
fn what_a_collector_would_refuse_is_refused() {
    for (from, to) in [
        ("# EOF\n", "# EOF"),
        ("# EOF\n", ""),
        ("# TYPE b gauge", "# TYPE b-b gauge"),
        ("# TYPE b gauge", "# TYPE a gauge"),
        ("# TYPE b gauge", "# TYPE b"),
        ("b{x", "c{x"),
        ("b{x=\"1\"} -3", "b{x=\"1\"} NaN"),
        ("b{x=\"1\"} -3", "b{x=\"1\"} -3 1700000000"),
        ("b{x=\"1\"} -3", "b{x=\"1\",x=\"2\"} -3"),
        ("b{x=\"1\"} -3", "b{x=\"1\\q\"} -3"),
        ("b{x=\"1\"} -3", "b{x=\"1\"} -3\nb{x=\"1\"} 4"),
        ("# HELP a What it is.\na{x", "a{x"),
        ("x=\"2\",y=\"\"", "x=\"2\"y=\"\""),
    ] {
        let broken = SOUND.replacen(from, to, 1);
        let refused = parse(&broken).is_err();
        // Without help a family is sound.
        assert_eq!(
            refused,
            from != "# HELP a What it is.\na{x",
            "{from} → {to}"
        );
    }
}
