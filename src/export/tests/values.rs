//! Types of columns: what they become.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, DictionaryArray, FixedSizeBinaryArray,
    Float32Array, Int64Array, LargeStringArray, ListArray, RecordBatch, StringArray,
    StringViewArray, StructArray, Time64MicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray,
};
use arrow::array::{MapBuilder, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type};
use serde_json::{Value, json};

use super::super::sample::{Row, all, arrow_file};
use super::super::{Columns, Source};

fn read(columns: &[(&str, ArrayRef)], named: &Columns) -> (Vec<Row>, Source) {
    let folder = tempfile::tempdir().expect("a folder");
    let columns = columns
        .iter()
        .cloned()
        .map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("columns");
    let path = folder.path().join("a.arrow");
    arrow_file(&path, &[batch]);
    let source = Source::open(&[path], named).expect("an export");
    (all(&source).expect("readable"), source)
}

#[track_caller]
fn metadata(columns: &[(&str, ArrayRef)], expected: &[Value]) {
    let ids: Vec<String> = (0..expected.len()).map(|n| n.to_string()).collect();
    let named = Columns {
        metadata: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
        ..Columns::default()
    };
    let mut columns = columns.to_vec();
    columns.push(("id", Arc::new(StringArray::from(ids))));
    let (rows, _) = read(&columns, &named);
    for (row, expected) in rows.iter().zip(expected) {
        assert_eq!(row.metadata, expected.to_string());
    }
}

#[test]
fn every_layout_of_text_gives_the_same() {
    let texts = ["a", "b", "a"];
    let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
    let layouts: [ArrayRef; 4] = [
        Arc::new(StringArray::from(texts.to_vec())),
        Arc::new(LargeStringArray::from(texts.to_vec())),
        Arc::new(StringViewArray::from(texts.to_vec())),
        Arc::new(dictionary),
    ];
    let expected = read(&[("id", layouts[0].clone())], &Columns::default()).0;
    for layout in &layouts {
        let columns = [("id", layout.clone()), ("text", layout.clone())];
        let (rows, source) = read(&columns, &Columns::default());
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["a", "a", "b"]);
        assert_eq!(rows[2].text.as_deref(), Some("b"));
        assert_eq!(rows.len(), expected.len());
        assert!(source.description().parts[0].text.is_some());
    }
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![-7, 12]));
    let (rows, source) = read(&[("id", numbers)], &Columns::default());
    assert_eq!([&*rows[0].id, &*rows[1].id], ["-7", "12"]);
    let kind = &source.description().parts[0].id.kind;
    assert_eq!(kind, "int64, written in decimal");
}

#[test]
fn every_layout_of_vectors_gives_the_same() {
    let numbers = [[0.5f64, -2.0], [1.5, 0.25]];
    let list = |row: &[f64; 2]| Some(row.iter().copied().map(Some).collect::<Vec<_>>());
    let list = ListArray::from_iter_primitive::<Float64Type, _, _>(numbers.iter().map(list));
    let bytes: Vec<Vec<u8>> = numbers
        .iter()
        .map(|row| row.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect())
        .collect();
    let bytes: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
    let fixed = FixedSizeBinaryArray::try_from_iter(bytes.iter()).expect("of one length");
    let mut layouts: Vec<ArrayRef> =
        vec![Arc::new(BinaryArray::from(bytes.clone())), Arc::new(fixed)];
    for float in [DataType::Float16, DataType::Float32, DataType::Float64] {
        let field = Arc::new(Field::new("item", float, true));
        for kind in [
            DataType::List(field.clone()),
            DataType::LargeList(field.clone()),
            DataType::FixedSizeList(field, 2),
        ] {
            layouts.push(cast(&list, &kind).expect("a cast"));
        }
    }
    for layout in layouts {
        let kind = layout.data_type().clone();
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
        let (rows, _) = read(&[("id", ids), ("vector", layout)], &Columns::default());
        for (row, numbers) in rows.iter().zip(numbers) {
            let expected = numbers.map(|number| (number as f32).to_bits()).to_vec();
            assert_eq!(row.vector, Some(expected), "{kind}");
        }
    }
}

#[test]
fn metadata_of_several_columns_and_types() {
    let year: ArrayRef = Arc::new(Int64Array::from(vec![Some(2026), None]));
    let title: ArrayRef = Arc::new(StringArray::from(vec![Some("{}"), Some("b")]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![20_453, -1]));
    let price = Decimal128Array::from(vec![1230, -5]).with_precision_and_scale(9, 2);
    let price: ArrayRef = Arc::new(price.expect("a decimal"));
    metadata(
        std::slice::from_ref(&("year", year.clone())),
        &[json!({"year": 2026}), json!({})],
    );
    metadata(
        &[
            ("year", year),
            ("title", title),
            ("day", day),
            ("price", price),
        ],
        &[
            json!({"year": 2026, "title": "{}", "day": "2025-12-31", "price": "12.30"}),
            json!({"title": "b", "day": "1969-12-31", "price": "-0.05"}),
        ],
    );
    let at: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_767_225_599_500]));
    let utc: ArrayRef = Arc::new(
        TimestampNanosecondArray::from(vec![1_767_225_599_000_000_000]).with_timezone("+01:00"),
    );
    let time: ArrayRef = Arc::new(Time64MicrosecondArray::from(vec![86_399_000_001]));
    let score: ArrayRef = Arc::new(Float32Array::from(vec![0.1]));
    metadata(
        &[("at", at), ("utc", utc), ("time", time), ("score", score)],
        &[json!({
            "at": "2025-12-31T23:59:59.5",
            "utc": "2025-12-31T23:59:59Z",
            "time": "23:59:59.000001",
            "score": 0.1,
        })],
    );
}

#[test]
fn structs_maps_and_lists_become_objects() {
    let tags = [Some(vec![Some(1), None]), None];
    let tags: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(tags));
    let year: ArrayRef = Arc::new(Int64Array::from(vec![Some(2026), None]));
    let inner = StructArray::try_from(vec![("year", year)]).expect("a struct");
    let inner: ArrayRef = Arc::new(inner);
    let outer = StructArray::try_from(vec![("tags", tags.clone()), ("of", inner)]);
    let outer: ArrayRef = Arc::new(outer.expect("a struct"));
    metadata(
        &[("metadata", outer)],
        &[
            json!({"tags": [1, null], "of": {"year": 2026}}),
            json!({"of": {}}),
        ],
    );
    metadata(&[("tags", tags)], &[json!({"tags": [1, null]}), json!({})]);
    let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    map.keys().append_value("b");
    map.values().append_null();
    map.keys().append_value("a");
    map.values().append_value("x");
    map.append(true).expect("even");
    map.append(false).expect("even");
    let map: ArrayRef = Arc::new(map.finish());
    metadata(
        &[("metadata", map)],
        &[json!({"a": "x", "b": null}), json!({})],
    );
}
