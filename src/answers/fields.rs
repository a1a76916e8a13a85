//! Under which names a file of answers keeps what is read from it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// What is read from a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Names the question; without it the question's text does.
    Id,
    /// The question's text.
    Question,
    /// The answer's text, or null where none was written.
    Answer,
    /// What is cited beside the answer, or retrieved.
    Citations,
    /// Citations that ought to be kept.
    Gold,
    /// Tells repeats of one side apart; 1 if it is not there.
    Seed,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 6] = [
        Self::Id,
        Self::Question,
        Self::Answer,
        Self::Citations,
        Self::Gold,
        Self::Seed,
    ];

    /// Its documented name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Question => "question",
            Self::Answer => "answer",
            Self::Citations => "citations",
            Self::Gold => "gold",
            Self::Seed => "seed",
        }
    }
}

/// Another name for a field, written `answer=answer_llm`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldName {
    field: Field,
    name: String,
}

/// Why a text names no field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NotAFieldName {
    /// Not of the form `field=name`.
    #[error("`{0}` is no pair: write it as answer=answer_llm")]
    Form(String),
    /// Not one of the fields.
    #[error("unknown field `{0}`; known: id, question, answer, citations, gold, seed")]
    Unknown(String),
}

impl FromStr for FieldName {
    type Err = NotAFieldName;

    fn from_str(text: &str) -> Result<Self, NotAFieldName> {
        let (field, name) = text
            .split_once('=')
            .filter(|(_, name)| !name.is_empty())
            .ok_or_else(|| NotAFieldName::Form(text.to_owned()))?;
        let known = Field::ALL.into_iter().find(|known| known.name() == field);
        Ok(Self {
            field: known.ok_or_else(|| NotAFieldName::Unknown(field.to_owned()))?,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.field.name(), self.name)
    }
}

/// The names of all fields: the documented ones but for those that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames(BTreeMap<Field, String>);

impl FieldNames {
    /// Of two names for one field the last counts, as it does for flags.
    pub fn new(given: impl IntoIterator<Item = FieldName>) -> Self {
        let given = given.into_iter();
        Self(given.map(|given| (given.field, given.name)).collect())
    }

    /// The name of a field.
    pub fn name(&self, field: Field) -> &str {
        self.0.get(&field).map_or(field.name(), String::as_str)
    }

    /// The fields that were given another name.
    pub(super) fn given(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, name)| (*field, name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_can_have_another_name() {
        let given = ["answer=answer_llm", "gold=a=b"].map(|text| text.parse().expect("a pair"));
        let names = FieldNames::new(given);
        assert_eq!(names.name(Field::Answer), "answer_llm");
        assert_eq!(names.name(Field::Gold), "a=b");
        assert_eq!(names.name(Field::Question), "question");
    }

    #[test]
    fn a_text_that_names_no_field_is_refused() {
        for wrong in ["answer", "answer=", "=x", "reply=x", ""] {
            assert!(wrong.parse::<FieldName>().is_err(), "{wrong}");
        }
    }
}
