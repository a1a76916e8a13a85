//! One JSON object as one row, parsed straight into columns.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use arrow::array::LargeStringBuilder;
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::chunk::{Chunk, Metadata, Place, Sections, Strings, Vectors};
use super::columns::{Columns, Present};

/// The keys that are wanted, and what for.
#[derive(Debug)]
pub(super) struct Wanted {
    keys: Vec<Key>,
    /// Of the channels, those that the first lines have.
    pub(super) present: Present,
    metadata: Vec<String>,
}

/// A key and what it is read for.
#[derive(Debug, Default)]
struct Key {
    name: String,
    /// For the columns of text that it goes into.
    text: Vec<Column>,
    vector: bool,
    metadata: bool,
}

/// A column of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Id,
    Text,
    DocId,
    SectionId,
}

const COLUMNS: [Column; 4] = [Column::Id, Column::Text, Column::DocId, Column::SectionId];

impl Wanted {
    /// The named columns, and the defaults of others: a later line may have what the first lack.
    pub(super) fn of(columns: &Columns, present: Option<&Present>) -> Self {
        let or = |name: &Option<String>, default: &str| {
            name.clone().unwrap_or_else(|| default.to_owned())
        };
        let mut wanted = Self {
            keys: Vec::new(),
            present: present.cloned().unwrap_or_else(|| Present {
                id: columns.id.clone(),
                text: None,
                vector: None,
                metadata: Vec::new(),
                sections: None,
            }),
            metadata: columns.metadata.clone(),
        };
        if wanted.metadata.is_empty() {
            wanted.metadata.push("metadata".to_owned());
        }
        wanted.key(&columns.id).text.push(Column::Id);
        for (name, column) in [
            (or(&columns.text, "text"), Column::Text),
            (or(&columns.doc_id, "doc_id"), Column::DocId),
            (or(&columns.section_id, "section_id"), Column::SectionId),
        ] {
            wanted.key(&name).text.push(column);
        }
        for name in wanted.metadata.clone() {
            wanted.key(&name).metadata = true;
        }
        let vector = wanted.key(&or(&columns.vector, "vector"));
        vector.vector = vector.text.is_empty() && !vector.metadata;
        wanted
    }

    fn key(&mut self, name: &str) -> &mut Key {
        let at = self.keys.iter().position(|key| key.name == name);
        let at = at.unwrap_or_else(|| {
            let name = name.to_owned();
            self.keys.push(Key {
                name,
                ..Key::default()
            });
            self.keys.len() - 1
        });
        &mut self.keys[at]
    }

    /// Whether a key is read.
    pub(super) fn covers(&self, name: &str) -> bool {
        let sections = [Column::DocId, Column::SectionId];
        let key = self.keys.iter().find(|key| key.name == name);
        key.is_some_and(|key| {
            let alone = self.present.sections.is_none()
                && !key.metadata
                && key.text.iter().all(|column| sections.contains(column))
                && !key.vector;
            !alone
        })
    }

    /// Whether the metadata is one key, an object itself.
    pub(super) fn one(&self) -> bool {
        self.metadata.len() == 1
    }
}

/// Adds an object's keys to those that are known.
pub(super) fn keys(line: &[u8], names: &mut Vec<String>) -> Result<(), String> {
    struct Keys<'a>(&'a mut Vec<String>);
    impl<'de> Visitor<'de> for Keys<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key_seed(TextSeed { integers: false })? {
                let key = key.unwrap_or_default();
                if !self.0.iter().any(|name| *name == key) {
                    self.0.push(key.into_owned());
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    whole(line, |json| json.deserialize_map(Keys(names)))
}

/// Parses a line to its end. What is wrong is said with the column, counted in bytes from 1.
fn whole<'a, T>(
    line: &'a [u8],
    parse: impl FnOnce(
        &mut serde_json::Deserializer<serde_json::de::StrRead<'a>>,
    ) -> serde_json::Result<T>,
) -> Result<T, String> {
    let text = str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to() + 1;
        format!("no UTF-8 at byte {at} of the line")
    })?;
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = parse(&mut json).and_then(|parsed| json.end().map(|()| parsed));
    parsed.map_err(|error| {
        let message = error.to_string();
        let end = message.find(" at line ").unwrap_or(message.len());
        format!("{} at byte {} of the line", &message[..end], error.column())
    })
}

/// Rows as columns.
pub(super) struct Rows<'w> {
    wanted: &'w Wanted,
    n: usize,
    texts: [LargeStringBuilder; 4],
    /// Which columns of text any row has.
    any: [bool; 4],
    numbers: Vec<f32>,
    offsets: Vec<i64>,
    with_vector: Vec<bool>,
    metadata: Vec<Map<String, Value>>,
    /// Keys that nothing covers.
    pub(super) others: BTreeSet<String>,
}

impl<'w> Rows<'w> {
    pub(super) fn new(wanted: &'w Wanted) -> Self {
        Self {
            wanted,
            n: 0,
            texts: [(); 4].map(|()| LargeStringBuilder::new()),
            any: [false; 4],
            numbers: Vec::new(),
            offsets: vec![0],
            with_vector: Vec::new(),
            metadata: Vec::new(),
            others: BTreeSet::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.n
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// Adds a line's row, or says what is wrong with it; then the rows are of no use any more.
    pub(super) fn push(&mut self, line: &[u8]) -> Result<(), String> {
        whole(line, |json| json.deserialize_map(RowVisitor(self)))?;
        self.n += 1;
        Ok(())
    }

    /// The rows as a chunk.
    pub(super) fn finish(mut self, place: Place) -> Chunk {
        let present = &self.wanted.present;
        let any = |column: Column| self.any[column as usize];
        let sections = present.sections.is_some() || (any(Column::DocId) && any(Column::SectionId));
        let texts = present.text.is_some() || any(Column::Text);
        let [ids, text, doc_ids, section_ids] =
            COLUMNS.map(|column| Strings::Large(self.texts[column as usize].finish()));
        let no_metadata = present.metadata.is_empty() && self.metadata.iter().all(Map::is_empty);
        let with_vector = self.with_vector.iter().any(|has| *has);
        Chunk {
            ids,
            texts: texts.then_some(text),
            metadata: if no_metadata {
                Metadata::None
            } else {
                Metadata::Objects(self.metadata)
            },
            sections: sections.then_some(Sections {
                doc_ids,
                section_ids,
            }),
            vectors: (present.vector.is_some() || with_vector)
                .then(|| vectors(self.numbers, self.offsets, self.with_vector)),
            place,
        }
    }
}

/// Vectors of one length where they are.
pub(super) fn vectors(numbers: Vec<f32>, offsets: Vec<i64>, with_vector: Vec<bool>) -> Vectors {
    let present = with_vector
        .iter()
        .any(|has| !has)
        .then(|| NullBuffer::new(BooleanBuffer::from(with_vector)));
    let numbers = ScalarBuffer::from(numbers);
    let dim = offsets.get(1).map_or(0, |end| *end);
    if dim > 0 && offsets.windows(2).all(|pair| pair[1] - pair[0] == dim) {
        Vectors::uniform(numbers, dim as usize, present)
    } else {
        Vectors::ragged(numbers, OffsetBuffer::new(offsets.into()), present)
    }
}

struct RowVisitor<'a, 'w>(&'a mut Rows<'w>);

impl<'de> Visitor<'de> for RowVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let rows = self.0;
        let wanted = rows.wanted;
        let mut seen = vec![false; wanted.keys.len()];
        let mut filled = [false; 4];
        let mut object = Map::new();
        let mut has_vector = false;
        while let Some(name) = map.next_key_seed(TextSeed { integers: false })? {
            let name = name.unwrap_or_default();
            if !wanted.covers(&name) && !rows.others.contains(&*name) {
                rows.others.insert(name.clone().into_owned());
            }
            let Some(at) = wanted.keys.iter().position(|key| key.name == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let key = &wanted.keys[at];
            let wrong = |error: A::Error| A::Error::custom(format!("{name:?}: {error}"));
            if std::mem::replace(&mut seen[at], true) {
                return Err(A::Error::custom(format!("the key {name:?} twice")));
            }
            if key.vector {
                has_vector = map
                    .next_value_seed(VectorSeed(&mut rows.numbers))
                    .map_err(wrong)?;
                continue;
            }
            let text = if key.metadata {
                let value: Value = map.next_value()?;
                let text = match &value {
                    Value::String(text) => Some(Cow::Owned(text.clone())),
                    Value::Number(number) => Some(Cow::Owned(number.to_string())),
                    _ => None,
                };
                add(&mut object, wanted, &name, value).map_err(A::Error::custom)?;
                text
            } else {
                let integers = !key.text.contains(&Column::Text);
                map.next_value_seed(TextSeed { integers }).map_err(wrong)?
            };
            for column in key.text.iter().map(|column| *column as usize) {
                filled[column] = true;
                rows.any[column] |= text.is_some();
                rows.texts[column].append_option(text.as_deref());
            }
            if text.is_none() && key.text.contains(&Column::Id) {
                return Err(A::Error::custom("a row without an id"));
            }
        }
        if !filled[Column::Id as usize] {
            let id = &wanted.present.id;
            return Err(A::Error::custom(format!(
                "a row without an id: no key {id:?}"
            )));
        }
        for (column, _) in filled.iter().enumerate().filter(|(_, filled)| !**filled) {
            rows.texts[column].append_null();
        }
        rows.offsets.push(rows.numbers.len().cast_signed() as i64);
        rows.with_vector.push(has_vector);
        rows.metadata.push(object);
        Ok(())
    }
}

/// Adds a key's value to a row's metadata.
fn add(
    object: &mut Map<String, Value>,
    wanted: &Wanted,
    name: &str,
    value: Value,
) -> Result<(), String> {
    match value {
        Value::Null => {}
        value if !wanted.one() => {
            object.insert(name.to_owned(), value);
        }
        Value::Object(whole) => *object = whole,
        Value::String(text) => {
            *object = serde_json::from_str(&text)
                .map_err(|_| format!("{name:?}: text that holds no JSON object"))?;
        }
        value if name != "metadata" => {
            object.insert(name.to_owned(), value);
        }
        other => return Err(format!("{name:?}: {}, expected an object", called(&other))),
    }
    Ok(())
}

fn called(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "an array",
        Value::Bool(_) => "a boolean",
        _ => "a number",
    }
}

/// Text, or null; integers in decimal where they may be.
struct TextSeed {
    integers: bool,
}

impl<'de> DeserializeSeed<'de> for TextSeed {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.integers {
            "text or an integer"
        } else {
            "text"
        })
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        if self.integers {
            Ok(Some(Cow::Owned(number.to_string())))
        } else {
            Err(E::custom(format!("the number {number}, expected text")))
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        if self.integers {
            Ok(Some(Cow::Owned(number.to_string())))
        } else {
            Err(E::custom(format!("the number {number}, expected text")))
        }
    }
}

/// A vector's numbers, added to others; whether there was a vector.
struct VectorSeed<'a>(&'a mut Vec<f32>);

impl<'de> DeserializeSeed<'de> for VectorSeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for VectorSeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of numbers")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<bool, A::Error> {
        while let Some(number) = numbers.next_element::<f64>()? {
            let single = number as f32;
            if single.is_infinite() {
                let message = format!("the number {number:e}, beyond the range of f32, ±3.4e38");
                return Err(A::Error::custom(message));
            }
            self.0.push(single);
        }
        Ok(true)
    }
}
