//! Renderers of one fixed report, as snapshots; `INSTA_UPDATE=always cargo test` rewrites them, and
//! the diff is the review.

use super::*;

type Renderer = fn(&Report, &mut dyn std::io::Write) -> std::io::Result<()>;

fn rendered(renderer: Renderer) -> String {
    rendered_from(&sample::report(), renderer)
}

fn rendered_from(report: &Report, renderer: Renderer) -> String {
    let mut bytes = Vec::new();
    renderer(report, &mut bytes).expect("a vector takes everything");
    String::from_utf8(bytes).expect("UTF-8")
}

#[track_caller]
fn harmless(text: &str) {
    assert!(!text.contains("<script"), "{text}");
    steers_nothing(text);
}

#[track_caller]
fn steers_nothing(text: &str) {
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
fn the_ctrf_file() {
    let text = rendered(ctrf);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let summary = &value["results"]["summary"];
    let n = |key: &str| summary[key].as_u64().expect("a count");
    let parts = ["passed", "failed", "skipped", "pending", "other"].map(n);
    assert_eq!(n("tests"), parts.iter().sum::<u64>());
    insta::assert_snapshot!(text);
}

#[test]
fn the_metrics_file() {
    let text = rendered(openmetrics);
    harmless(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_in_toto_statement() {
    let statement = Statement::of(&sample::report(), b"{}").expect("a failed run");
    insta::assert_snapshot!(serde_json::to_string_pretty(&statement).expect("JSON"));
}

#[test]
fn the_annotations_of_a_step() {
    fn place(check: &judge::Check) -> Option<Place> {
        check.worst_questions.first().map(|_| Place {
            file: "gold, old/50%/questions.jsonl".to_owned(),
            line: 7,
        })
    }
    let text = rendered(|report, out| annotations(report, &place, out));
    steers_nothing(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn the_outputs_of_a_step() {
    let run =
        |report: &Report, out: &mut dyn std::io::Write| step_outputs(report, "reports/r", out);
    insta::assert_snapshot!(rendered_from(&sample::report(), run));
}

#[test]
fn a_report_that_a_run_has_none_of_is_not_left_of_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let statement = folder.path().join(Drawing::InToto.file());
    let mut report = sample::report();
    save(&report, folder.path()).expect("saved");
    assert!(statement.exists());
    report.verdict.verdict = judge::RunVerdict::Inconclusive;
    save(&report, folder.path()).expect("saved");
    assert!(!statement.exists());
}

fn on_a_terminal(report: &Report) -> String {
    let coloured = rendered_from(report, |report, out| terminal(report, Style::Normal, out));
    let text = anstream::adapter::strip_str(&coloured).to_string();
    let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(steers), "{text}");
    text
}

#[test]
fn a_comparison_on_a_terminal() {
    let text = on_a_terminal(&sample_pair::report());
    let comparison = text.lines().skip_while(|line| !line.starts_with("A = "));
    for line in comparison.take_while(|line| !line.contains("ΔS(k)")) {
        assert!(columns::width(line) <= 100, "{line}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_comparison_in_the_step_summary() {
    let text = rendered_from(&sample_pair::report(), markdown);
    harmless(&text);
    insta::assert_snapshot!(text);
}

#[test]
fn a_comparison_in_the_page() {
    let page = rendered_from(&sample_pair::report(), html);
    harmless(&page);
    assert!(!page.contains("<b>|"), "a name is no tag");
    let begin = page.find("<section aria-labelledby=\"side-by-side\">");
    let section = &page[begin.expect("the section is there")..];
    let end = section.find("</section>").expect("the section ends");
    insta::assert_snapshot!(&section[..end]);
}

#[test]
fn errors_and_the_latency_of_services_on_a_terminal() {
    let text = on_a_terminal(&sample::services());
    let told = text.lines().filter(|line| line.contains(" ms"));
    insta::assert_snapshot!(told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn errors_and_the_latency_of_services_in_the_step_summary() {
    let text = rendered_from(&sample::services(), markdown);
    harmless(&text);
    let begin = text.find("## Errors").expect("errors");
    let end = text.find("## Notes").expect("notes");
    insta::assert_snapshot!(&text[begin..end]);
}

#[test]
fn errors_and_the_latency_of_services_in_the_page() {
    let page = rendered_from(&sample::services(), html);
    harmless(&page);
    for wanted in [
        "<code>http_503</code>",
        "503 × 4",
        "href=\"#errors\"",
        "warm calls, 1 cold left out, 1 of an earlier run left out",
        "last byte p50",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    let mut healthy = sample::services();
    let failed = |seen: &Observation| matches!(seen.outcome, crate::replay::Outcome::Failed { .. });
    healthy.observations.retain(|seen| !failed(seen));
    for renderer in [markdown as Renderer, html] {
        let text = rendered_from(&healthy, renderer);
        assert!(!text.contains("Errors") && !text.contains("#errors"));
    }
}

#[test]
fn the_page_shows_every_rung_and_marks_the_cause_alone() {
    let report = sample::report();
    let page = rendered_from(&report, html);
    let begin = page.find("<ol class=\"ladder\"").expect("a ladder");
    let ladder = &page[begin..begin + page[begin..].find("</ol>").expect("its end")];
    let rungs: Vec<&str> = ladder.split("<li class=").skip(1).collect();
    assert_eq!(rungs.len(), report.verdict.ladders[0].ladder.rungs.len());
    for rung in &rungs {
        let (class, text) = rung.split_once('>').expect("a tag");
        let unknown = text.contains("</span> not checked");
        assert_eq!(unknown, class.contains("inconclusive"), "{rung}");
        assert_eq!(
            text.contains("</span> holds"),
            class.contains("pass"),
            "{rung}"
        );
        assert_eq!(text.contains(">cause<"), class.contains(" cause"), "{rung}");
    }
    let causes = rungs.iter().filter(|rung| rung.contains(" cause\">"));
    assert_eq!(causes.count(), 1);
    assert!(page.contains("href=\"#ladder-0\">contract rung of eu-west</a>"));
    assert!(page.contains("id=\"ladder-0\""));
}

#[test]
fn a_report_without_a_ladder_speaks_of_none() {
    let mut report = sample::report();
    report.verdict.ladders.clear();
    assert!(!on_a_terminal(&report).contains("rung"));
    for renderer in [markdown as Renderer, html, junit] {
        let text = rendered_from(&report, renderer);
        assert!(!text.contains("first failing rung") && !text.contains("<ol class=\"ladder\""));
    }
}

#[test]
fn a_ladder_whose_contracts_were_not_compared_is_shown_all_the_same() {
    let mut report = sample::report();
    report.verdict.parity.clear();
    let page = rendered_from(&report, html);
    assert!(page.contains("id=\"ladder-0\"") && page.contains("href=\"#ladder-0\""));
    assert!(rendered_from(&report, markdown).contains("| **contract**, first | fails |"));
}

#[test]
fn identical_sides_get_a_sentence_and_no_lists() {
    let report = sample_pair::identical();
    let text = on_a_terminal(&report);
    assert!(
        text.contains("returned the same sections in the same order on all 4 questions"),
        "{text}"
    );
    let summary = rendered_from(&report, markdown);
    let page = rendered_from(&report, html);
    for text in [text, summary, page] {
        assert!(
            !text.contains("ost different questions (") && !text.contains("RBO"),
            "{text}"
        );
    }
}

#[test]
fn only_a_comparison_is_shown_side_by_side() {
    let report = sample::report();
    assert!(!on_a_terminal(&report).contains("A = "));
    for renderer in [markdown as Renderer, html] {
        let text = rendered_from(&report, renderer);
        assert!(!text.contains("Side by side") && !text.contains("only here"));
    }
}

#[test]
fn a_check_of_a_drill_plan_and_an_earlier_run_say_so_in_every_report() {
    let mut report = sample::report();
    report.verdict.checks[0].named = judge::DrillCheck::find("ΔS_probe");
    let past = TargetRecord {
        name: TargetName::new("eu-west before"),
        role: Role::Baseline,
        asked_in: Some(AskedIn {
            run_id: "earlier".to_owned(),
            name: TargetName::new("eu-west"),
        }),
        baseline_of: Some(TargetName::new("eu-west")),
        ..report.record.targets[1].clone()
    };
    report.record.targets.push(past);
    let told = "earlier run of eu-west, not judged, asked in run earlier as eu-west";
    let check = "CA-DS (ΔS_probe)";
    let terminal = on_a_terminal(&report);
    assert!(
        terminal.contains(told) && terminal.contains(check),
        "{terminal}"
    );
    let summary = rendered_from(&report, markdown);
    assert!(
        summary.contains(told) && summary.contains("CA-DS (ΔS\\_probe)"),
        "{summary}"
    );
    let page = rendered_from(&report, html);
    assert!(page.contains(told) && page.contains("eu-west before (earlier run)"));
    assert!(page.contains(check));
    assert!(rendered_from(&report, junit).contains(check));
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

#[test]
fn a_drill_in_the_step_summary() {
    let text = rendered_from(&sample_drill::report(), markdown);
    harmless(&text);
    let end = text.find("Gold set `").expect("the last line");
    insta::assert_snapshot!(&text[..end]);
}

#[test]
fn a_drill_on_a_terminal() {
    insta::assert_snapshot!(on_a_terminal(&sample_drill::report()));
}

#[test]
fn a_drill_in_the_page() {
    let page = rendered_from(&sample_drill::report(), html);
    harmless(&page);
    for wanted in [
        "Phase pre",
        "Phase live",
        "Phase post",
        "decision to leave us-east",
        "cutover complete: all traffic goes to eu-west",
        ">drain limit 10 min<",
        ">baseline 12<",
        ">warm from 0.",
        "Cache hits under eu:answers:",
        "class=\"other\"><code>b3:8899aabbccddeeff</code>",
        "us-east (post) beside eu-west (post): 2 of 3 answers are equal.",
        "this side did not reply",
        "before the drill</td>",
        "after the decision to return</td>",
        "<th scope=\"row\">tool call</th>",
        ">limit 2292 ms<",
        "Within 2292 ms on eu-west: ",
        "access.jsonl:17: `status` is no number: expected an integer",
        "us-east 1.3 s behind",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    for absent in ["NaN", "inf\"", "<img"] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn a_drill_on_one_page() {
    let page = rendered_from(&sample_drill::report(), html::one_page);
    harmless(&page);
    let body = &page[page.find("<main>").expect("a body")..];
    insta::assert_snapshot!(body);
}

#[test]
fn one_page_is_written_of_a_drill_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = folder.path().join("one-page.html");
    save(&sample::report(), folder.path()).expect("saved");
    assert!(!page.exists());
    save(&sample_drill::report(), folder.path()).expect("saved");
    assert!(page.exists());
    let loaded = load(folder.path()).expect("loaded");
    assert_eq!(loaded, sample_drill::report());
}

#[test]
fn simulated_evidence_is_told_wherever_requests_are() {
    let simulated = sample_drill::canary();
    let mut real = simulated.clone();
    let table = real.observed.traffic.as_mut().expect("requests");
    table.intake.n_simulated = 0;
    let all = |report: &Report| {
        let [summary, page] = [markdown as Renderer, html].map(|one| rendered_from(report, one));
        [summary, page, on_a_terminal(report)]
    };
    assert!(
        all(&simulated)
            .iter()
            .all(|text| text.contains("SIMULATED EVIDENCE"))
    );
    assert!(!all(&real).iter().any(|text| text.contains("SIMULATED")));
    let mut allowed = sample_drill::report();
    for event in &mut allowed.observed.timeline.as_mut().expect("a log").events {
        event.simulated = true;
    }
    let judged = allowed.record.judged.as_mut().expect("an audit");
    judged.settings.observed.allow_simulated = true;
    let page = rendered_from(&allowed, html::one_page);
    assert!(page.contains("SIMULATED EVIDENCE, judged as if it were real"));
}

#[test]
fn requests_of_a_gate_in_the_step_summary() {
    let text = rendered_from(&sample_drill::canary(), markdown);
    harmless(&text);
    let begin = text.find("## Live requests").expect("requests");
    let end = text.find("## Contract").expect("the next heading");
    insta::assert_snapshot!(&text[begin..end]);
}

#[test]
fn a_table_of_requests_on_a_terminal() {
    let mut bytes = Vec::new();
    let table = sample_drill::traffic();
    let point = crate::traffic::LatencyPoint::Tfinal;
    traffic_table(&table, point, Style::Normal, &mut bytes).expect("a vector takes everything");
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn checks_without_a_run_are_written_as_those_of_one() {
    let checks = sample_drill::report().verdict.checks;
    let mut bytes = Vec::new();
    terminal_checks(&checks, Style::Normal, &mut bytes).expect("a vector takes everything");
    let text = anstream::adapter::strip_str(&String::from_utf8(bytes).expect("UTF-8")).to_string();
    assert!(
        text.contains("FD-DRAIN (queue_backlog)") && text.contains("remedy: replay"),
        "{text}"
    );
    assert!(text.contains("\nFAIL 11 passed, 3 failed"), "{text}");
    let mut quiet = Vec::new();
    terminal_checks(&[], Style::Quiet, &mut quiet).expect("a vector takes everything");
    let quiet = anstream::adapter::strip_str(&String::from_utf8(quiet).expect("UTF-8")).to_string();
    assert_eq!(quiet, "INCONCLUSIVE nothing was judged\n");
}

#[test]
fn a_check_of_a_target_that_was_never_asked_is_in_the_junit_file() {
    let report = sample_drill::report();
    let text = rendered_from(&report, junit);
    assert_eq!(
        text.matches("<testcase ").count(),
        report.verdict.checks.len()
    );
}
