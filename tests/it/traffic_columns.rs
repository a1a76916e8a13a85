//! `ragstone traffic` on Parquet: what columns hold is what lines hold.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int16Array, NullArray, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use ragstone::simulate::{Form, write_folder};
use serde_json::{Value, json};

use crate::judged::text;
use crate::traffic::{Logs, parsed, plan, printed, without_order};

/// Another file with the rows of one, in row groups of so many.
fn regrouped(from: &Path, to: &Path, rows: usize) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(from).expect("a file"));
    let reader = reader.expect("Parquet");
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(rows))
        .build();
    let file = File::create(to).expect("made");
    let mut writer =
        ArrowWriter::try_new(file, reader.schema().clone(), Some(properties)).expect("a writer");
    for batch in reader.build().expect("a reader") {
        writer.write(&batch.expect("rows")).expect("written");
    }
    let metadata = writer.close().expect("written");
    assert!(metadata.row_groups().len() > 10, "several row groups");
}

#[test]
fn columns_in_many_row_groups_are_the_table_of_the_lines() {
    let logs = Logs::new();
    let (lines, columns) = (logs.path("lines"), logs.path("columns"));
    write_folder(&plan(), Form::Lines, &lines).expect("written");
    write_folder(&plan(), Form::Parquet, &columns).expect("written");
    let grouped = logs.path("grouped.parquet");
    regrouped(&columns.join("telemetry.parquet"), &grouped, 250);
    let expected = without_order(&printed(&[&lines.join("telemetry.jsonl")], &[]));
    let first = printed(&[&grouped], &["--threads", "1"]);
    assert_eq!(without_order(&first), expected);
    // Whichever thread is given which row group.
    for _ in 0..2 {
        assert_eq!(printed(&[&grouped], &["--threads", "4"]), first);
    }
    // With ids, rows that come again count once.
    let told = ["--map", "request_id=sticky", "--threads", "4"];
    let twice = without_order(&printed(&[&grouped, &grouped], &told));
    assert_eq!(twice["intake"]["n_duplicates"], 3600);
    assert_eq!(
        (&twice["groups"], &twice["arms"]),
        (&expected["groups"], &expected["arms"])
    );
}

/// Columns of other types, with dots in their names, and with rows that lack what is needed.
fn flat(path: &Path) {
    let n = 300;
    let rows = || 0..n;
    let ts = rows().map(|n| (n != 150).then(|| format!("2026-01-05T09:00:{:02}Z", n % 60)));
    let arm = rows().map(|n| Some(["control", "canary"][n % 2]));
    let status = rows().map(|n| (n != 7).then_some(200));
    let took = rows().map(|n| (n % 10 != 9).then_some(n as f32 / 4.0));
    let columns: [(&str, ArrayRef); 5] = [
        ("ts", Arc::new(ts.collect::<StringArray>())),
        ("variant", Arc::new(arm.collect::<StringArray>())),
        ("status", Arc::new(status.collect::<Int16Array>())),
        (
            "latency_ms.tfinal",
            Arc::new(took.collect::<Float32Array>()),
        ),
        ("cold_start", Arc::new(NullArray::new(n))),
    ];
    let rows = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let file = File::create(path).expect("made");
    let mut writer = ArrowWriter::try_new(file, rows.schema(), None).expect("a writer");
    writer.write(&rows).expect("written");
    writer.close().expect("written");
}

#[test]
fn flat_columns_are_read_and_bad_rows_are_named() {
    let logs = Logs::new();
    let mut lines = String::new();
    for n in 0..300 {
        let (at, arm) = (n % 60, ["control", "canary"][n % 2]);
        let took = if n % 10 == 9 {
            "null".to_owned()
        } else {
            (n as f64 / 4.0).to_string()
        };
        let [ts, status] = match n {
            150 => ["null".to_owned(), "200".to_owned()],
            7 => [format!("\"2026-01-05T09:00:{at:02}Z\""), "null".to_owned()],
            _ => [format!("\"2026-01-05T09:00:{at:02}Z\""), "200".to_owned()],
        };
        let line = format!(
            "{{\"ts\":{ts},\"variant\":\"{arm}\",\"status\":{status},\"latency_ms\":{{\"tfinal\":{took}}}}}\n"
        );
        lines.push_str(&line);
    }
    let (lines, columns) = (logs.write("lines", lines), logs.path("columns"));
    flat(&columns);
    let bear = ["--most-bad", "0.01"];
    let [lines, columns] = [lines, columns].map(|log| parsed(&printed(&[&log], &bear)));
    assert_eq!(
        (&columns["groups"], &columns["arms"]),
        (&lines["groups"], &lines["arms"])
    );
    assert_eq!(
        columns["arms"]["canary"]["statuses"],
        json!({ "0": 1, "200": 149 })
    );
    let bad = |table: &Value| table["intake"]["bad"][0].clone();
    let (line, row) = (bad(&lines), bad(&columns));
    assert_eq!(line["problem"], row["problem"]);
    assert_eq!(
        row["place"],
        format!("{} row:151", text(&logs.path("columns")))
    );
}
