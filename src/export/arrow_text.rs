//! Columns of text, as Arrow has them.

use arrow::array::{Array, AsArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::chunk::Strings;

/// What a text may be.
pub(super) const TEXT: &str =
    "a column of text: utf8, large_utf8, utf8_view or a dictionary of one of them";
/// What an id may be.
pub(super) const ID: &str = "a column of text, or of integers, which are written in decimal";

/// How a column of text is called; `None` if it is none.
pub(super) fn text_kind(kind: &DataType) -> Option<String> {
    let plain = |kind: &DataType| match kind {
        DataType::Utf8 => Some("utf8"),
        DataType::LargeUtf8 => Some("large_utf8"),
        DataType::Utf8View => Some("utf8_view"),
        _ => None,
    };
    match kind {
        DataType::Dictionary(_, values) => {
            plain(values).map(|values| format!("dictionary of {values}"))
        }
        DataType::Null => Some("null, so that no row has one".to_owned()),
        other => plain(other).map(str::to_owned),
    }
}

/// How a column of ids is called; `None` if it is none.
pub(super) fn id_kind(kind: &DataType) -> Option<String> {
    match kind {
        DataType::Null => None,
        kind if kind.is_integer() => Some(format!(
            "{}, written in decimal",
            kind.to_string().to_lowercase()
        )),
        kind => text_kind(kind),
    }
}

/// A column of text or integers; what is text already is not copied.
///
/// # Panics
/// If the type is none that [`id_kind`] or [`text_kind`] names.
pub(super) fn strings(array: &dyn Array) -> Strings {
    match array.data_type() {
        DataType::Utf8 => Strings::Utf8(array.as_string::<i32>().clone()),
        DataType::LargeUtf8 => Strings::Large(array.as_string::<i64>().clone()),
        DataType::Utf8View => Strings::View(array.as_string_view().clone()),
        DataType::Null => {
            let nulls = new_null_array(&DataType::LargeUtf8, array.len());
            Strings::Large(nulls.as_string::<i64>().clone())
        }
        _ => {
            let text = cast(array, &DataType::LargeUtf8).expect("integers and text become text");
            Strings::Large(text.as_string::<i64>().clone())
        }
    }
}
