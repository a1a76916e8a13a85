//! A question that would like to run code, close a tag or repaint the terminal is only a question.

use crate::support::{SmallGold, gate, ragstone, stderr, stdout};
use crate::{github, junit_schema, open_metrics};

const SCRIPT: &str = "<script>alert(1)</script>";

#[test]
fn a_hostile_text_is_harmless_in_every_report() {
    let small = SmallGold::new(60);
    let hostile =
        format!("{SCRIPT} ]]> \\u001b[2J\\u001b]0;owned\\u0007 | `x` \\n## fake heading \\u202e");
    small.edit(
        "questions.jsonl",
        "When is cache number 1 drained?",
        &hostile,
    );
    small.edit(
        "questions.jsonl",
        "\"topic\":\"cache\"",
        &format!("\"topic\":\"{SCRIPT}\""),
    );
    small.edit(
        "corpus.jsonl",
        "The cache number 1 is",
        &format!("{hostile} The cache number 1 is"),
    );
    // Judged by point against an impossible limit, so that worst questions with their texts are
    // shown.
    let policy = std::fs::read_to_string(small.policy()).expect("a policy");
    small.write("ragstone.toml", &format!("{policy}[gate]\nevidence = 'point'\n[gate.override.CA-COV]\nmin = 2.0\nreason = '{SCRIPT} ]]>'\n"));
    let (output, folder) = gate(&small.policy(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let run = folder.path().join("run");
    let read = |name: &str| std::fs::read_to_string(run.join(name)).expect(name);
    for (name, markup) in [
        ("report.html", true),
        ("summary.md", true),
        ("junit.xml", true),
        ("ctrf.json", false),
        ("metrics.prom", false),
        ("test-result.intoto.json", false),
    ] {
        let text = read(name);
        // What holds no markup escapes none.
        assert!(!markup || !text.contains("<script"), "{name}");
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\u{202e}'),
            "{name}"
        );
    }
    assert!(
        !read("summary.md")
            .lines()
            .any(|line| line.starts_with("## fake"))
    );
    junit_schema::check(&read("junit.xml")).expect("valid");
    open_metrics::parse(&read("metrics.prom")).expect("sound");
    let html = read("report.html");
    assert!(
        html.contains("&#60;script&#62;") || html.contains("&lt;script&gt;"),
        "the wording is shown, escaped"
    );
    let terminal = ragstone(&["report", run.to_str().expect("UTF-8")]);
    assert!(!stdout(&terminal).contains('\u{1b}') && !stdout(&terminal).contains('\u{202e}'));
    // What machines read keeps the text to the byte.
    assert!(read("run.json").contains("\\u001b[2J"));
}

#[test]
fn a_hostile_name_cannot_leave_its_attribute_label_or_command() {
    const NAME: &str = r#"a"} 1 # <x y="z">]]>, b=c: %0A::error::d \ $(e)"#;
    let small = SmallGold::new(60);
    let policy = std::fs::read_to_string(small.policy()).expect("a policy");
    let policy = policy.replace("name = 'eu-west'", &format!("name = '{NAME}'"));
    small.write(
        "ragstone.toml",
        &format!("{policy}[gate]\nevidence = 'point'\n"),
    );
    let (output, folder) = gate(&small.policy(), &[]);
    assert!(
        folder.path().join("run/verdict.json").exists(),
        "{}",
        stderr(&output)
    );
    let run = folder.path().join("run");
    let read = |name: &str| std::fs::read_to_string(run.join(name)).expect(name);
    let root = junit_schema::check(&read("junit.xml")).expect("valid");
    assert_eq!(root.children.len(), 1, "one target is judged");
    let samples = open_metrics::parse(&read("metrics.prom")).expect("sound");
    let targets = samples
        .iter()
        .filter_map(|sample| sample.labels.get("target"));
    assert!(targets.clone().count() > 0);
    assert!(targets.clone().all(|target| target == NAME));
    let told = ragstone(&["report", run.to_str().expect("UTF-8"), "--as", "github"]);
    let commands = github::commands(&stdout(&told));
    assert_eq!(commands.len(), stdout(&told).lines().count());
    for command in commands {
        assert!(["error", "warning", "notice"].contains(&command.name.as_str()));
        assert_eq!(command.properties.len(), 1, "{command:?}");
    }
}

#[test]
fn a_hostile_text_is_harmless_in_a_comparison() {
    let small = SmallGold::new(60);
    let hostile = format!("{SCRIPT} ]]> \\u001b[2J\\u0007 | `x` \\n## fake heading \\u202e");
    small.edit(
        "questions.jsonl",
        "When is cache number 1 drained?",
        &hostile,
    );
    small.edit(
        "questions.jsonl",
        "\"topic\":\"cache\"",
        &format!("\"topic\":\"{SCRIPT}\""),
    );
    // Sections whose id is hostile, so that it stands in the hit lists.
    for (file, id) in [("corpus.jsonl", "\"s2\""), ("questions.jsonl", "\"s2\"")] {
        small.edit(file, id, &format!("\"{SCRIPT}|`s2`\""));
    }
    let policy = std::fs::read_to_string(small.policy()).expect("a policy");
    small.write(
        "ragstone.toml",
        &format!("{policy}analyzer = 'whitespace'\n"),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    let run = run.to_str().expect("UTF-8");
    let policy = small.policy();
    let policy = policy.to_str().expect("UTF-8");
    let compared = ragstone(&[
        "compare", "us-east", "eu-west", "--policy", policy, "--out", run,
    ]);
    let terminal = stdout(&compared);
    assert!(
        terminal.contains("most different questions"),
        "{terminal}{}",
        stderr(&compared)
    );
    let read = |name: &str| std::fs::read_to_string(folder.path().join("run").join(name));
    let drawn = ["report.html", "summary.md", "junit.xml"].map(|name| read(name).expect(name));
    for text in &drawn {
        assert!(!text.contains("<script"), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("## fake")));
    }
    for text in drawn.iter().chain([&terminal]) {
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    }
}

#[test]
fn an_error_that_quotes_a_hostile_text_is_harmless_too() {
    let small = SmallGold::new(8);
    for line in ["\"id\":\"q3\"", "\"id\":\"q4\""] {
        small.edit(
            "questions.jsonl",
            line,
            "\"id\":\"\\u001b[31mq\\u0007\\u202e\"",
        );
    }
    let (duplicate, _) = gate(&small.policy(), &[]);
    assert!(
        stderr(&duplicate).contains("[duplicate-id]"),
        "{}",
        stderr(&duplicate)
    );
    small.edit(
        "ragstone.toml",
        "role = 'candidate'",
        "\"ro\\u001b[31mle\" = 'candidate'",
    );
    let (unknown_key, _) = gate(&small.policy(), &[]);
    assert!(
        stderr(&unknown_key).contains("unknown field"),
        "{}",
        stderr(&unknown_key)
    );
    for output in [duplicate, unknown_key] {
        assert_eq!(output.status.code(), Some(2));
        let text = stderr(&output);
        assert!(
            !text
                .chars()
                .any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{text:?}"
        );
    }
}
