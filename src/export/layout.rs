//! Where the columns of an Arrow schema stand, and rows of it as chunks.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};

use super::ExportError;
use super::arrow_json::{self, JSON, has_json};
use super::arrow_text::{ID, TEXT, id_kind, strings, text_kind};
use super::arrow_vectors::{Fault, VECTOR, vector_kind, vectors};
use super::chunk::{Chunk, Metadata, Place, Sections};
use super::columns::{Columns, channel};
use super::description::{ColumnRead, Format, Part};
use super::input::Input;

/// Where the columns of a file stand among those that are read.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    path: Arc<PathBuf>,
    /// The columns to be read, by their place in the file's schema, ascending.
    pub(super) projection: Vec<usize>,
    id: Column,
    text: Option<Column>,
    vector: Option<Column>,
    metadata: Vec<Column>,
    sections: Option<[Column; 2]>,
    pub(super) left_out: Vec<String>,
    pub(super) part: Part,
}

/// A column that is read.
#[derive(Clone, Debug)]
struct Column {
    /// Its place among those that are read.
    at: usize,
    read: ColumnRead,
}

impl Layout {
    /// Finds the columns of a schema.
    pub(super) fn of(
        schema: &Schema,
        columns: &Columns,
        input: &Input,
        format: Format,
    ) -> Result<Self, ExportError> {
        let names = schema.fields().iter().map(|field| field.name().clone());
        let names: Vec<String> = names.collect();
        let present = columns.among(&names, &input.path)?;
        let place = |(name, _)| names.iter().position(|other| other == name);
        let mut projection: Vec<usize> = present.all().filter_map(place).collect();
        projection.sort_unstable();
        projection.dedup();
        let fields = Fields {
            schema,
            projection: &projection,
            input,
        };
        let id = fields.column(&present.id, channel::ID, ID, id_kind)?;
        let text = present.text.iter();
        let text = text.map(|name| fields.column(name, channel::TEXT, TEXT, text_kind));
        let vector = present.vector.iter();
        let vector = vector.map(|name| fields.column(name, channel::VECTOR, VECTOR, vector_kind));
        let metadata = present.metadata.iter();
        let metadata = metadata.map(|name| fields.column(name, channel::METADATA, JSON, json_kind));
        let sections = present.sections.iter().map(|(doc_id, section_id)| {
            let doc_id = fields.column(doc_id, channel::DOC_ID, ID, id_kind)?;
            let section_id = fields.column(section_id, channel::SECTION_ID, ID, id_kind)?;
            Ok::<_, ExportError>([doc_id, section_id])
        });
        let (mut text, mut vector, mut sections) = (text, vector, sections);
        let (text, vector) = (text.next().transpose()?, vector.next().transpose()?);
        let sections = sections.next().transpose()?;
        let metadata = metadata.collect::<Result<Vec<_>, _>>()?;
        let read = |column: &Column| column.read.clone();
        let part = Part {
            format,
            files: vec![input.name()],
            id: read(&id),
            text: text.as_ref().map(read),
            vector: vector.as_ref().map(read),
            metadata: metadata.iter().map(read).collect(),
            doc_id: sections.as_ref().map(|[doc_id, _]| read(doc_id)),
            section_id: sections.as_ref().map(|[_, section_id]| read(section_id)),
        };
        let left_out = present.left_out(&names).cloned().collect();
        Ok(Self {
            path: Arc::clone(&input.path),
            projection,
            id,
            text,
            vector,
            metadata,
            sections,
            left_out,
            part,
        })
    }

    /// Some rows of which the first is number `first`, from 1; at most [`Chunk::ROWS`].
    pub(super) fn chunk(&self, rows: &RecordBatch, first: u64) -> Result<Chunk, ExportError> {
        let place = Place {
            file: Arc::clone(&self.path),
            unit: "row",
            first,
        };
        let column = |column: &Column| rows.column(column.at);
        let faulty = |column: &Column, fault: Fault| ExportError::Row {
            place: place.of(fault.row),
            expected: format!("{} in the column {:?}", fault.expected, column.read.column),
            found: fault.found,
        };
        let ids = column(&self.id);
        if let Some(row) = first_null(ids) {
            let fault = Fault {
                row,
                expected: "an id",
                found: "a row without an id".to_owned(),
            };
            return Err(faulty(&self.id, fault));
        }
        let vectors = self
            .vector
            .as_ref()
            .map(|vector| vectors(column(vector)).map_err(|fault| faulty(vector, fault)));
        let metadata = self.metadata(rows);
        let sections = self.sections.as_ref().map(|[doc_id, section_id]| Sections {
            doc_ids: strings(column(doc_id)),
            section_ids: strings(column(section_id)),
        });
        Ok(Chunk {
            ids: strings(ids),
            texts: self.text.as_ref().map(|text| strings(column(text))),
            metadata: metadata.map_err(|(at, fault)| faulty(at, fault))?,
            sections,
            vectors: vectors.transpose()?,
            place,
        })
    }

    /// The metadata of some rows, or what is wrong with which column.
    fn metadata(&self, rows: &RecordBatch) -> Result<Metadata, (&Column, Fault)> {
        let columns: Vec<(&Column, &ArrayRef)> = self
            .metadata
            .iter()
            .map(|column| (column, rows.column(column.at)))
            .collect();
        let fault = |column, row| {
            move |found| {
                let expected = "what has a JSON form";
                (
                    column,
                    Fault {
                        row,
                        expected,
                        found,
                    },
                )
            }
        };
        let objects: Result<Vec<_>, _> = match columns.as_slice() {
            [] => return Ok(Metadata::None),
            [(_, array)] if text_kind(array.data_type()).is_some() => {
                return Ok(Metadata::Json(strings(array)));
            }
            [(column, array)] if is_object(array.data_type()) => (0..rows.num_rows())
                .map(|row| {
                    if array.is_null(row) {
                        Ok(serde_json::Map::new())
                    } else {
                        arrow_json::object(array, row).map_err(fault(*column, row))
                    }
                })
                .collect(),
            several => (0..rows.num_rows())
                .map(|row| {
                    let mut object = serde_json::Map::new();
                    for (column, array) in several {
                        let value = arrow_json::value(array, row).map_err(fault(*column, row))?;
                        if !value.is_null() {
                            object.insert(column.read.column.clone(), value);
                        }
                    }
                    Ok(object)
                })
                .collect(),
        };
        objects.map(Metadata::Objects)
    }
}

/// A schema's fields, of which some are read.
struct Fields<'a> {
    schema: &'a Schema,
    projection: &'a [usize],
    input: &'a Input,
}

impl Fields<'_> {
    /// A column that is there, if it has a type that has a name.
    fn column(
        &self,
        name: &str,
        channel: &'static str,
        expected: &'static str,
        kind: fn(&DataType) -> Option<String>,
    ) -> Result<Column, ExportError> {
        let fields = self.schema.fields();
        let field = fields.iter().position(|field| field.name() == name);
        let field = field.expect("a column that was found");
        let data_type = fields[field].data_type();
        let at = self.projection.binary_search(&field);
        let column = name.to_owned();
        match kind(data_type) {
            Some(kind) => Ok(Column {
                at: at.expect("a column that is read"),
                read: ColumnRead { column, kind },
            }),
            None => Err(ExportError::Type {
                path: self.input.path.to_path_buf(),
                channel,
                column,
                expected,
                found: data_type.to_string(),
            }),
        }
    }
}

fn is_object(kind: &DataType) -> bool {
    matches!(kind, DataType::Struct(_) | DataType::Map(_, _))
}

fn json_kind(kind: &DataType) -> Option<String> {
    has_json(kind).then(|| text_kind(kind).unwrap_or_else(|| kind.to_string()))
}

fn first_null(array: &dyn Array) -> Option<usize> {
    let nulls = array
        .logical_nulls()
        .filter(|nulls| nulls.null_count() > 0)?;
    (0..array.len()).find(|row| nulls.is_null(*row))
}
