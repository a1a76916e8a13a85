//! The fields of a row that an import reads, and where they stand.

use std::collections::BTreeMap;
use std::str::FromStr;

use thiserror::Error;

use crate::exchange::{NotAPointer, Pointer};

/// Declares the fields of one kind of row: a name for the command line, and what the field is.
macro_rules! fields {
    ($(#[$doc:meta])* $type:ident { $($field:ident = $name:literal, $meaning:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type { $(#[doc = $meaning] $field,)* }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$field,)*];

            /// The name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)* }
            }
        }

        impl FieldName for $type {
            fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|field| field.name() == name)
            }

            fn names() -> String {
                Self::ALL.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
            }
        }
    };
}

/// A field that the command line can name.
pub trait FieldName: Copy + Ord {
    /// The field of this name.
    fn named(name: &str) -> Option<Self>;

    /// All names, for messages.
    fn names() -> String;
}

fields! {
    /// A field of a row of questions.
    Field {
        Id = "id", "The question's id.";
        Topic = "topic", "What it is about.";
        Question = "question", "The original wording; further values are paraphrases.";
        Paraphrases = "paraphrases", "Other wordings.";
        Target = "target", "Ids of the documents that answer it.";
        SectionId = "section_id", "Ids of the sections within these documents, one each.";
        Grade = "grade", "How relevant the targets are: an integer.";
        Context = "context", "Texts that answer it: each becomes a section.";
        Reference = "reference", "The reference answer.";
        Tags = "tags", "Labels for slices.";
    }
}

fields! {
    /// A field of a row of documents.
    CorpusField {
        Id = "id", "The document's id.";
        SectionId = "section_id", "The section's id within the document.";
        Title = "title", "The heading.";
        Text = "text", "The text as it is indexed.";
        Rev = "rev", "Which edition of the text this is.";
    }
}

/// `FIELD=POINTER`: where a field stands.
#[derive(Clone, Debug)]
pub struct Mapped<F> {
    field: F,
    pointer: Pointer,
}

/// Why a text maps no field.
#[derive(Debug, Error)]
pub enum NotAMapping {
    /// There is no such field.
    #[error("`{0}` maps no field: write FIELD=POINTER, with FIELD one of {1}")]
    Field(String, String),
    /// The place is none.
    #[error(transparent)]
    Pointer(#[from] NotAPointer),
}

impl<F: FieldName> FromStr for Mapped<F> {
    type Err = NotAMapping;

    fn from_str(text: &str) -> Result<Self, NotAMapping> {
        let parts = text.split_once('=');
        let (field, pointer) = parts
            .and_then(|(name, pointer)| Some((F::named(name)?, pointer)))
            .ok_or_else(|| NotAMapping::Field(text.to_owned(), F::names()))?;
        Ok(Self {
            field,
            pointer: pointer.parse()?,
        })
    }
}

/// Where each field stands; several places are tried in their order.
#[derive(Clone, Debug)]
pub(super) struct Mapping<F: Ord> {
    places: BTreeMap<F, Vec<Pointer>>,
}

impl<F: FieldName> Mapping<F> {
    /// The places of a format, less the fields that the command line maps itself.
    pub(super) fn new(format: &[(F, &[&str])], mapped: &[Mapped<F>]) -> Self {
        let mut places: BTreeMap<F, Vec<Pointer>> = BTreeMap::new();
        for Mapped { field, pointer } in mapped {
            places.entry(*field).or_default().push(pointer.clone());
        }
        for (field, pointers) in format {
            places.entry(*field).or_insert_with(|| {
                let parsed = pointers.iter().map(|pointer| pointer.parse());
                parsed
                    .collect::<Result<_, _>>()
                    .expect("the formats' own pointers are well formed")
            });
        }
        Self { places }
    }

    /// The places of one field.
    pub(super) fn of(&self, field: F) -> &[Pointer] {
        self.places.get(&field).map_or(&[], Vec::as_slice)
    }

    /// All places.
    pub(super) fn all(&self) -> impl Iterator<Item = &Pointer> {
        self.places.values().flatten()
    }
}
