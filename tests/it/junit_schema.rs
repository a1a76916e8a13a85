//! What the schema of Jenkins' xUnit plugin (`junit-10.xsd`) allows in a JUnit file, in a table of our own,
//! and what its readers take for granted beyond it: that the counts are true.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element of a file.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Element>,
    /// Whether it holds more than white space between its children.
    has_text: bool,
}

/// What an element may hold.
struct Rule {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    children: &'static [&'static str],
    text: bool,
}

const REASON: [&str; 2] = ["type", "message"];

const RULES: [Rule; 10] = [
    Rule {
        name: "testsuites",
        required: &[],
        optional: &["name", "time", "tests", "failures", "errors"],
        children: &["testsuite"],
        text: false,
    },
    Rule {
        name: "testsuite",
        required: &["name", "tests", "failures", "errors"],
        optional: &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        children: &[
            "testsuite",
            "properties",
            "testcase",
            "system-out",
            "system-err",
        ],
        text: false,
    },
    Rule {
        name: "properties",
        required: &[],
        optional: &[],
        children: &["property"],
        text: false,
    },
    Rule {
        name: "property",
        required: &["name", "value"],
        optional: &[],
        children: &[],
        text: false,
    },
    Rule {
        name: "testcase",
        required: &["name"],
        optional: &["time", "classname", "group"],
        children: &["skipped", "error", "failure", "system-out", "system-err"],
        text: false,
    },
    told("failure", &REASON),
    told("error", &REASON),
    told("skipped", &REASON),
    told("system-out", &[]),
    told("system-err", &[]),
];

const fn told(name: &'static str, optional: &'static [&'static str]) -> Rule {
    Rule {
        name,
        required: &[],
        optional,
        children: &[],
        text: true,
    }
}

/// Reads a file and says why it is not valid, if it is not.
pub(crate) fn check(text: &str) -> Result<Element, String> {
    let root = parse(text)?;
    if root.name != "testsuites" {
        return Err(format!("the root is {}", root.name));
    }
    obeys(&root)?;
    counts(&root)?;
    Ok(root)
}

fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(tag) => open.push(element(&tag)?),
            Event::Empty(tag) => {
                let element = element(&tag)?;
                open.last_mut()
                    .expect("the document")
                    .children
                    .push(element);
            }
            Event::End(_) => {
                let done = open.pop().expect("the reader checks ends");
                open.last_mut().expect("the document").children.push(done);
            }
            Event::Text(text) => {
                let text = text.decode().map_err(|error| error.to_string())?;
                open.last_mut().expect("the document").has_text |= !text.trim().is_empty();
            }
            Event::GeneralRef(_) => open.last_mut().expect("the document").has_text = true,
            Event::Decl(_) => {}
            Event::Eof => break,
            other => return Err(format!("unexpected {other:?}")),
        }
    }
    let mut document = open.pop().expect("the document");
    match (open.is_empty(), document.children.len(), document.has_text) {
        (true, 1, false) => Ok(document.children.remove(0)),
        _ => Err("not one whole element".to_owned()),
    }
}

fn element(tag: &BytesStart) -> Result<Element, String> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut element = Element {
        name: name(tag.name().as_ref()),
        ..Element::default()
    };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = name(&attribute.value);
        if value.contains(['<', '\n', '\t']) {
            return Err(format!("{}: a character that does not stay", element.name));
        }
        element
            .attributes
            .insert(name(attribute.key.as_ref()), value);
    }
    Ok(element)
}

fn obeys(element: &Element) -> Result<(), String> {
    let name = &element.name;
    let rule = RULES.iter().find(|rule| rule.name == name);
    let rule = rule.ok_or_else(|| format!("unknown element {name}"))?;
    if let Some(missing) = rule
        .required
        .iter()
        .find(|key| !element.attributes.contains_key(**key))
    {
        return Err(format!("{name} without {missing}"));
    }
    let known = |key: &str| rule.required.contains(&key) || rule.optional.contains(&key);
    if let Some(unknown) = element.attributes.keys().find(|key| !known(key)) {
        return Err(format!("{name} with {unknown}"));
    }
    if let Some(child) = element
        .children
        .iter()
        .find(|child| !rule.children.contains(&child.name.as_str()))
    {
        return Err(format!("{} in {name}", child.name));
    }
    if element.has_text && !rule.text {
        return Err(format!("text in {name}"));
    }
    let timed = matches!(name.as_str(), "testsuites" | "testsuite");
    match element.attributes.get("time") {
        Some(time) if timed && !time.chars().all(|c| c.is_ascii_digit() || c == '.') => {
            return Err(format!("{name} took {time}"));
        }
        _ => {}
    }
    element.children.iter().try_for_each(obeys)
}

/// The cases below an element that have a child of this name; all of them for `tests`.
fn cases(element: &Element, outcome: Option<&str>) -> usize {
    let own = element.name == "testcase"
        && outcome.is_none_or(|name| element.children.iter().any(|child| child.name == name));
    usize::from(own)
        + element
            .children
            .iter()
            .map(|child| cases(child, outcome))
            .sum::<usize>()
}

fn counts(element: &Element) -> Result<(), String> {
    if !element.name.starts_with("testsuite") {
        return Ok(());
    }
    for (key, outcome) in [
        ("tests", None),
        ("failures", Some("failure")),
        ("errors", Some("error")),
        ("skipped", Some("skipped")),
    ] {
        let expected = cases(element, outcome).to_string();
        match element.attributes.get(key) {
            Some(told) if *told != expected => {
                return Err(format!(
                    "{} says {told} {key}, and has {expected}",
                    element.name
                ));
            }
            _ => {}
        }
    }
    element.children.iter().try_for_each(counts)
}

const SOUND: &str = "<?xml version=\"1.0\"?><testsuites name=\"r\" tests=\"2\"><testsuite name=\"t\" tests=\"2\" failures=\"1\" errors=\"0\"><properties><property name=\"a\" value=\"b\"/></properties><testcase name=\"x\"><failure message=\"m\">why &amp; how</failure><system-out>o</system-out></testcase><testcase name=\"y\" time=\"0.000\"/></testsuite></testsuites>";

#[test]
fn a_sound_file_is_valid() {
    let root = check(SOUND).expect("valid");
    assert_eq!(root.children[0].children.len(), 3);
}

#[test]
fn what_the_schema_does_not_allow_is_refused() {
    for (from, to) in [
        ("<testsuites name", "<testsuites skipped=\"0\" name"),
        ("<testcase name=\"x\">", "<testcase>"),
        ("value=\"b\"", ""),
        ("failures=\"1\" ", ""),
        ("<failure message=\"m\">", "<failure cause=\"m\">"),
        ("<system-out>o</system-out>", "<stdout>o</stdout>"),
        ("<system-out>o</system-out>", "loose"),
        ("<failure message=\"m\">", "<failure message=\"a\nb\">"),
        ("failures=\"1\"", "failures=\"2\""),
        ("<properties>", "<properties id=\"1\">"),
        ("</testsuites>", "</testsuite>"),
        ("</testsuites>", "</testsuites>tail"),
    ] {
        let broken = SOUND.replacen(from, to, 1);
        assert_ne!(broken, SOUND, "{from}");
        assert!(check(&broken).is_err(), "{from} → {to}");
    }
}
