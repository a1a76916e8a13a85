//! Files as they come, and as they should not.

use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).expect("written");
    (folder, path)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("packed");
    encoder.finish().expect("packed")
}

fn judgments(bytes: &[u8]) -> Result<Vec<(String, String, i32)>, TrecError> {
    let (_folder, path) = file(bytes);
    let qrels = Qrels::read(&path)?;
    let row = |row: Judgment<'_>| (row.query.to_owned(), row.document.to_owned(), row.grade);
    Ok(qrels.rows().map(row).collect())
}

fn results(bytes: &[u8]) -> Result<Vec<(String, String, f64)>, TrecError> {
    let (_folder, path) = file(bytes);
    let run = Run::read(&path)?;
    let row = |row: Scored<'_>| (row.query.to_owned(), row.document.to_owned(), row.score);
    Ok(run.rows().map(row).collect())
}

fn row<V>(query: &str, document: &str, value: V) -> (String, String, V) {
    (query.to_owned(), document.to_owned(), value)
}

/// The message says all of `parts`.
#[track_caller]
fn refused<T: std::fmt::Debug>(found: Result<T, TrecError>, parts: &[&str]) {
    let message = found.expect_err("refused").to_string();
    for part in parts {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn comments_blank_lines_and_a_missing_end_are_no_matter() {
    let found = judgments(b"# note\n10 0 d#1 1\n\n9 0 d2 -1\r\n10 0 #3 2").expect("judgments");
    assert_eq!(
        found,
        [row("10", "d#1", 1), row("10", "#3", 2), row("9", "d2", -1)]
    );
}

#[test]
fn a_byte_order_mark_and_beirs_names_are_no_rows() {
    let found = judgments(b"\xef\xbb\xbfquery-id\tcorpus-id\tscore\nq\td\t2\n").expect("judgments");
    assert_eq!(found, [row("q", "d", 2)]);
    let found = judgments(b"\xef\xbb\xbfq 0 d 2\n").expect("judgments");
    assert_eq!(found, [row("q", "d", 2)]);
}

#[test]
fn packed_files_are_read_as_plain_ones() {
    let text = "1 Q0 b 1 2.5 r\n1 Q0 a 2 2.5 r\n";
    let plain = results(text.as_bytes()).expect("results");
    assert_eq!(results(&gzip(text)).expect("results"), plain);
    let twice = [gzip("1 Q0 b 1 2.5 r\n"), gzip("1 Q0 a 2 2.5 r\n")].concat();
    assert_eq!(results(&twice).expect("results"), plain);
    let zstd = zstd::encode_all(text.as_bytes(), 1).expect("packed");
    assert_eq!(results(&zstd).expect("results"), plain);
}

#[test]
fn rows_of_a_query_may_stand_anywhere_in_a_file_of_several_blocks() {
    let row = |number: usize| format!("{} Q0 d{number} 1 {} r\n", number % 7, number % 11);
    let mut text = (0..60_000).map(row).collect::<Vec<_>>().concat();
    assert!(text.len() > 1 << 20, "more than a block");
    let found = results(text.as_bytes()).expect("results");
    assert_eq!(found.len(), 60_000);
    let of_three: Vec<&String> = found
        .iter()
        .filter(|row| row.0 == "3")
        .map(|row| &row.1)
        .collect();
    assert_eq!(of_three.len(), 8571);
    assert_eq!(of_three[..3], ["d3", "d10", "d17"]);
    text += "3 Q0 d10 1 5 r\n";
    let (_folder, path) = file(text.as_bytes());
    let run = Run::read(&path).expect("duplicates are found where documents are ranked");
    assert_eq!(run.query("3").expect("a query").hits().count(), 8572);
    assert!(run.query("8").is_none());
}

#[test]
fn what_is_no_row_is_told_by_its_line() {
    refused(
        judgments(b"1 0 d 1\n1 0 e 0.5\n"),
        &["line 2", "grade `0.5`"],
    );
    refused(
        judgments(b"1 0 d\n"),
        &["line 1", "3 fields where 4 belong"],
    );
    refused(
        judgments(b"1 0 two words 1\n"),
        &["line 1", "5 fields where 4 belong"],
    );
    refused(results(b"1 Q0 d 1 NaN r\n"), &["line 1", "score `NaN`"]);
    refused(
        results(b"1 Q0 d 1 1.0 r\n #1 Q0\n"),
        &["line 2", "2 fields where 6 belong"],
    );
    refused(
        results(b"1 Q0 d 1 1.0 r\n1 Q0 \xff 2 0.5 r\n"),
        &["line 2", "not UTF-8"],
    );
    refused(judgments(b""), &["no rows"]);
    refused(judgments(b"# nothing\n\n"), &["no rows"]);
}

#[test]
fn many_wrong_lines_are_counted() {
    let text = "1 0 d\n".repeat(25);
    refused(judgments(text.as_bytes()), &["line 20:", "… and 5 more"]);
}

#[test]
fn a_document_judged_twice_names_both_lines() {
    let text = b"1 0 d 1\n2 0 d 1\n# note\n1 0 d 0\n";
    refused(judgments(text), &["line 4", "`d`", "query `1`", "line 1"]);
}

#[test]
fn what_stands_behind_a_packed_file_is_not_passed_over() {
    let mut bytes = gzip("1 0 d 1\n1 0 e 1\n");
    bytes.extend(b"garbage");
    refused(judgments(&bytes), &["cannot be read beyond line"]);
    let mut cut = gzip(&"1 0 d 1\n".repeat(100));
    cut.truncate(cut.len() - 6);
    refused(judgments(&cut), &["cannot be read beyond line"]);
}

#[test]
fn what_is_written_is_read_again() {
    let judged = [("a", "d#1", 3), ("a", "e", -1), ("b", "d", 0)];
    let rows = judged.map(|(query, document, grade)| Judgment {
        query,
        document,
        grade,
    });
    let mut bytes = Vec::new();
    write_qrels(rows, &mut bytes).expect("written");
    let again = judgments(&bytes).expect("judgments");
    assert_eq!(
        again,
        judged.map(|(query, document, grade)| row(query, document, grade))
    );
    let scored = [("a", "d", 1.0 / 3.0), ("a", "e", 1e-300), ("b", "d", -2.0)];
    let rows = scored.map(|(query, document, score)| Scored {
        query,
        document,
        score,
    });
    let mut bytes = Vec::new();
    write_run(rows, "tag", &mut bytes).expect("written");
    assert!(String::from_utf8_lossy(&bytes).contains("a Q0 e 2 "));
    let again = results(&bytes).expect("results");
    assert_eq!(
        again,
        scored.map(|(query, document, score)| row(query, document, score))
    );
}

#[test]
fn a_name_that_would_move_the_fields_is_not_written() {
    let rows = [Judgment {
        query: "two words",
        document: "d",
        grade: 1,
    }];
    let error = write_qrels(rows, &mut Vec::new()).expect_err("refused");
    assert!(error.to_string().contains("`two words`"), "{error}");
}
