//! Arrow values as JSON, in one way.
//!
//! | Arrow | JSON |
//! |---|---|
//! | null | null; a struct's field without a value, and a column's, gives no key |
//! | booleans, integers | themselves |
//! | f16, f32, f64 | what the shortest decimal of its own type names: `0.1` for an f32 of 0.1 |
//! | text | itself |
//! | decimals | a string, such as `"12.30"`, since a JSON number is a double |
//! | dates | `"2026-12-31"` |
//! | times of day | `"23:59:59"`, with a fraction if there is one |
//! | timestamps | `"2026-12-31T23:59:59"`, with a fraction if there is one |
//! | timestamps with a zone | the same in UTC, and `Z` |
//! | lists | arrays |
//! | structs, maps with text as keys | objects |
//! | dictionaries | what they stand for |
//!
//! NaN and the infinities, a key twice in one map, and a moment outside of the years −9999 to
//! 9999 have no form and are errors; binary values, durations, intervals, unions, list views and
//! runs are refused by their type.

use arrow::array::{Array, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use serde_json::{Map, Number, Value};

use super::arrow_text::text_kind;

/// What metadata may be made of.
pub(super) const JSON: &str = "metadata: text that holds JSON objects, or a type with a JSON form (not binary, duration, interval, union, list view or run-end encoding)";

/// Whether every value of a type but NaN and the like has a JSON form.
pub(super) fn has_json(kind: &DataType) -> bool {
    match kind {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            has_json(field.data_type())
        }
        DataType::Struct(fields) => fields.iter().all(|field| has_json(field.data_type())),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let [key, value] = [0, 1].map(|at| fields.get(at).map(|field| field.data_type()));
                key.is_some_and(|key| text_kind(key).is_some()) && value.is_some_and(has_json)
            }
            _ => false,
        },
        DataType::Dictionary(_, values) => has_json(values),
        DataType::Boolean
        | DataType::Date32
        | DataType::Date64
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(_, _)
        | DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => true,
        other => other.is_numeric() || text_kind(other).is_some(),
    }
}

/// A row's value; `Err` says what it is that has no JSON form.
///
/// # Panics
/// If the type is none of which [`has_json`] holds.
pub(super) fn value(array: &dyn Array, row: usize) -> Result<Value, String> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            text(array, row).map_or(Value::Null, Value::String)
        }
        DataType::List(_) => list(&*array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(&*array.as_list::<i64>().value(row))?,
        DataType::FixedSizeList(_, _) => list(&*array.as_fixed_size_list().value(row))?,
        DataType::Struct(_) | DataType::Map(_, _) => Value::Object(object(array, row)?),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let key = number(dictionary.keys(), row)?.as_u64();
            let key = key.expect("a dictionary's keys count from 0");
            value(&**dictionary.values(), key as usize)?
        }
        kind if kind.is_numeric() && !kind.is_decimal() => number(array, row)?,
        _ => Value::String(written(array, row)?),
    })
}

/// A struct's or map's row as an object.
pub(super) fn object(array: &dyn Array, row: usize) -> Result<Map<String, Value>, String> {
    let mut object = Map::new();
    if let Some(fields) = array.as_struct_opt() {
        for (name, column) in fields.column_names().into_iter().zip(fields.columns()) {
            let value = value(column, row)?;
            if !value.is_null() {
                object.insert(name.to_owned(), value);
            }
        }
        return Ok(object);
    }
    let entries = array.as_map().value(row);
    for entry in 0..entries.len() {
        let key = text(entries.column(0), entry).ok_or("a map with a null as a key")?;
        let value = value(entries.column(1), entry)?;
        if object.contains_key(&key) {
            return Err(format!("a map with the key {key:?} twice"));
        }
        object.insert(key, value);
    }
    Ok(object)
}

fn list(items: &dyn Array) -> Result<Value, String> {
    let items = (0..items.len()).map(|item| value(items, item));
    items.collect::<Result<_, _>>().map(Value::Array)
}

fn text(array: &dyn Array, row: usize) -> Option<String> {
    match value_of_text(array, row) {
        Some(text) => Some(text.to_owned()),
        None => match value(array, row) {
            Ok(Value::String(text)) => Some(text),
            _ => None,
        },
    }
}

/// The text of a plain column.
fn value_of_text(array: &dyn Array, row: usize) -> Option<&str> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        _ => None,
    }
}

fn number(array: &dyn Array, row: usize) -> Result<Value, String> {
    Ok(Value::Number(match array.data_type() {
        DataType::Int8 => at::<Int8Type>(array, row).into(),
        DataType::Int16 => at::<Int16Type>(array, row).into(),
        DataType::Int32 => at::<Int32Type>(array, row).into(),
        DataType::Int64 => at::<Int64Type>(array, row).into(),
        DataType::UInt8 => at::<UInt8Type>(array, row).into(),
        DataType::UInt16 => at::<UInt16Type>(array, row).into(),
        DataType::UInt32 => at::<UInt32Type>(array, row).into(),
        DataType::UInt64 => at::<UInt64Type>(array, row).into(),
        DataType::Float16 => shortest(&at::<Float16Type>(array, row).to_string())?,
        DataType::Float32 => shortest(&at::<Float32Type>(array, row).to_string())?,
        _ => shortest(&at::<Float64Type>(array, row).to_string())?,
    }))
}

/// The number that a decimal names.
fn shortest(decimal: &str) -> Result<Number, String> {
    let number = decimal.parse().ok().and_then(Number::from_f64);
    number.ok_or_else(|| format!("the number {decimal}"))
}

/// Dates, times, timestamps and decimals as text.
fn written(array: &dyn Array, row: usize) -> Result<String, String> {
    let beyond = || "a moment outside of the years -9999 to 9999".to_owned();
    match array.data_type() {
        DataType::Timestamp(unit, zone) => {
            let moment = match unit {
                TimeUnit::Second => Timestamp::from_second(at::<TimestampSecondType>(array, row)),
                TimeUnit::Millisecond => {
                    Timestamp::from_millisecond(at::<TimestampMillisecondType>(array, row))
                }
                TimeUnit::Microsecond => {
                    Timestamp::from_microsecond(at::<TimestampMicrosecondType>(array, row))
                }
                TimeUnit::Nanosecond => {
                    Timestamp::from_nanosecond(at::<TimestampNanosecondType>(array, row).into())
                }
            };
            let moment = moment.map_err(|_| beyond())?;
            Ok(match zone {
                Some(_) => moment.to_string(),
                None => TimeZone::UTC.to_datetime(moment).to_string(),
            })
        }
        DataType::Date32 => {
            day(i64::from(at::<Date32Type>(array, row)) * 86_400).ok_or_else(beyond)
        }
        DataType::Date64 => day(at::<Date64Type>(array, row).div_euclid(1_000)).ok_or_else(beyond),
        DataType::Time32(TimeUnit::Second) => {
            time(i64::from(at::<Time32SecondType>(array, row)), 1_000_000_000)
        }
        DataType::Time32(_) => time(
            i64::from(at::<Time32MillisecondType>(array, row)),
            1_000_000,
        ),
        DataType::Time64(TimeUnit::Microsecond) => {
            time(at::<Time64MicrosecondType>(array, row), 1_000)
        }
        DataType::Time64(_) => time(at::<Time64NanosecondType>(array, row), 1),
        _ => ArrayFormatter::try_new(array, &FormatOptions::default())
            .and_then(|formatter| formatter.value(row).try_to_string())
            .map_err(|error| error.to_string()),
    }
}

fn day(seconds: i64) -> Option<String> {
    let moment = Timestamp::from_second(seconds).ok()?;
    Some(TimeZone::UTC.to_datetime(moment).date().to_string())
}

fn time(count: i64, nanoseconds: i64) -> Result<String, String> {
    count
        .checked_mul(nanoseconds)
        .filter(|nanoseconds| (0..86_400_000_000_000).contains(nanoseconds))
        .and_then(|nanoseconds| {
            let since = SignedDuration::from_nanos(nanoseconds);
            civil::Time::midnight().checked_add(since).ok()
        })
        .map(|time| time.to_string())
        .ok_or_else(|| "a time outside of the day".to_owned())
}

fn at<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    let column: &PrimitiveArray<T> = array.as_primitive();
    column.value(row)
}
