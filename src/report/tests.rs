//! Renderers of one fixed report, as snapshots; `INSTA_UPDATE=always cargo test` rewrites them, and
//! the diff is the review.

use super::*;

type Renderer = fn(&Report, &mut dyn std::io::Write) -> std::io::Result<()>;

fn rendered(renderer: Renderer) -> String {
    let mut bytes = Vec::new();
    renderer(&sample::report(), &mut bytes).expect("a vector takes everything");
    String::from_utf8(bytes).expect("UTF-8")
}

#[track_caller]
fn harmless(text: &str) {
    assert!(!text.contains("<script"), "{text}");
    assert!(
        !text
            .chars()
            .any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
        "{text}"
    );
}

#[test]
fn the_summary_of_a_terminal() {
    let coloured = rendered(|report, out| terminal(report, Style::Normal, out));
    let text = anstream::adapter::strip_str(&coloured).to_string();
    assert_ne!(text, coloured, "there is colour to strip");
    assert!(
        !text
            .chars()
            .any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
        "{text}"
    );
    insta::assert_snapshot!(text);
}

#[test]
fn the_step_summary() {
    let text = rendered(markdown);
    harmless(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_junit_file() {
    let text = rendered(junit);
    harmless(&text);
    assert!(!text.contains("]]>"), "no section can be closed early");
    insta::assert_snapshot!(text);
}

#[test]
fn a_report_reads_back_as_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let report = sample::report();
    save(&report, folder.path()).expect("saved");
    assert_eq!(load(folder.path()).expect("loaded"), report);
}

#[test]
fn a_report_of_the_future_is_refused_and_not_guessed_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut report = sample::report();
    report.verdict.format = Verdict::FORMAT + 1;
    save(&report, folder.path()).expect("saved");
    assert!(matches!(
        load(folder.path()),
        Err(FolderError::Format { .. })
    ));
}
