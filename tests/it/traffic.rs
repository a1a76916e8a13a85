//! `ragstone traffic` on logs as they come: packed, in parts, under other names, with bad lines.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use ragstone::simulate::{Plan, Scenario};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::judged::{said, text};
use crate::shards::simulated;
use crate::support::{SmallGold, ragstone, root, stderr, stdout};

/// A folder with logs.
pub(crate) struct Logs {
    folder: TempDir,
}

impl Logs {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }
}

/// The table of logs, as the program prints it.
#[track_caller]
pub(crate) fn printed(logs: &[&Path], more: &[&str]) -> String {
    let mut args = vec!["traffic", "--format", "json"];
    args.extend(logs.iter().map(|path| text(path)));
    args.extend(more);
    table(&ragstone(&args))
}

/// Nothing is judged without a stage, so that the table is no verdict.
#[track_caller]
fn table(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(3), "{}", stderr(output));
    assert!(
        said(output).contains("nothing was judged"),
        "{}",
        stderr(output)
    );
    stdout(output)
}

pub(crate) fn parsed(printed: &str) -> Value {
    serde_json::from_str(printed).expect("JSON")
}

/// A table but for what neighbouring lines tell, which other parts have other ones of.
pub(crate) fn without_order(printed: &str) -> Value {
    let mut table = parsed(printed);
    for told in ["clock_skew_ms", "n_out_of_order", "furthest_back_ms"] {
        table["intake"][told] = Value::Null;
    }
    table
}

pub(crate) fn plan() -> Plan {
    Plan {
        minutes: 15.0,
        rate: 4.0,
        error_rate: 0.02,
        ..Plan::new(Scenario::TailFault)
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).expect("packed");
    packed.finish().expect("packed")
}

#[test]
fn packed_piped_and_parted_logs_are_one_table() {
    let logs = Logs::new();
    let log = simulated(&plan());
    assert!(log.len() > 2 << 20, "several blocks: {}", log.len());
    let plain = logs.write("all.jsonl", &log);
    let expected = printed(&[&plain], &["--threads", "1"]);
    assert_eq!(parsed(&expected)["intake"]["n_lines"], 3600);
    assert_eq!(printed(&[&plain], &["--threads", "2"]), expected);
    assert_eq!(printed(&[&logs.write("all.gz", gzip(&log))], &[]), expected);
    let packed = zstd::stream::encode_all(&log[..], 1).expect("packed");
    assert_eq!(printed(&[&logs.write("all.zst", packed)], &[]), expected);
    let mut piped = assert_cmd::Command::cargo_bin("ragstone").expect("the program is built");
    let args = ["traffic", "-", "--format", "json"];
    let piped = piped
        .args(args)
        .current_dir(root())
        .write_stdin(log.clone());
    assert_eq!(table(&piped.output().expect("the program runs")), expected);

    // Parts of which one is packed, one has Windows line ends and blank lines, and one no last end.
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let [one, two, three] = [&lines[..700], &lines[700..1900], &lines[1900..]].map(<[_]>::concat);
    let two = String::from_utf8(two)
        .expect("UTF-8")
        .replace('\n', "\r\n\r\n");
    let one = logs.write("part-1.log", gzip(&one));
    let two = logs.write("part-2.log", two);
    let three = logs.write("part-3.log", &three[..three.len() - 1]);
    let parts = printed(&[&logs.path("part-*.log")], &[]);
    assert_eq!(without_order(&parts), without_order(&expected));
    assert_eq!(printed(&[&three, &one, &two], &[]), parts);
    assert_eq!(printed(&[&two, &three, &one], &["--threads", "2"]), parts);
}

/// One request a second, with more fields where asked.
fn line(second: u32, arm: &str, more: &str) -> String {
    let (minute, second) = (second / 60, second % 60);
    format!(
        "{{\"ts\":\"2026-01-05T09:{minute:02}:{second:02}Z\",\"variant\":\"{arm}\",\"status\":200,\"latency_ms\":{{\"tfinal\":{}}}{more}}}\n",
        100 + second
    )
}

#[test]
fn a_line_that_comes_again_with_its_id_counts_once() {
    let logs = Logs::new();
    let with_id = |n: u32| {
        line(
            n,
            "canary",
            &format!(",\"trace_id\":\"t{n}\",\"sticky\":\"t{n}\""),
        )
    };
    let all: Vec<String> = (0..3000)
        .map(|n| with_id(n) + &" ".repeat(500) + "\n")
        .collect();
    let once = logs.write("once.jsonl", all.concat());
    let expected = parsed(&printed(&[&once], &[]));
    assert_eq!(expected["intake"]["n_duplicates"], 0);
    // Late, in another order, and in another file as well.
    let late: Vec<String> = all.iter().rev().step_by(3).cloned().collect();
    let again = logs.write("again.jsonl", all.concat() + &late.concat());
    let late = logs.write("late.jsonl", late.concat());
    let first = printed(&[&again, &late], &["--threads", "1"]);
    for _ in 0..3 {
        assert_eq!(printed(&[&again, &late], &["--threads", "4"]), first);
    }
    let told = parsed(&first);
    assert_eq!(told["intake"]["n_lines"], 5000);
    assert_eq!(told["intake"]["n_duplicates"], 2000);
    assert_eq!(
        (&told["groups"], &told["arms"]),
        (&expected["groups"], &expected["arms"])
    );
    // Without an id two requests may well be alike.
    let alike = logs.write("alike.jsonl", line(1, "canary", "").repeat(2));
    let told = parsed(&printed(&[&alike], &[]));
    assert_eq!(told["arms"]["canary"]["n"], 2);
    assert_eq!(told["intake"]["n_duplicates"], 0);
}

#[test]
fn other_names_constants_and_units_are_the_same_requests() {
    let logs = Logs::new();
    let (mut usual, mut other) = (String::new(), String::new());
    for n in 0..400 {
        let arm = ["control", "canary"][n % 2];
        let ts = 1_767_603_600_000 + 250 * n;
        // Quarters are exact in either unit; some requests never ended.
        let quarters = (n % 17 != 16).then_some((n % 17) as f64);
        let (ms, seconds) = (quarters.map(|n| n * 250.0), quarters.map(|n| n / 4.0));
        let usual_line = json!({
            "ts": ts, "variant": arm, "status": 200, "route": "chat", "cold_start": false, "revision": arm,
            "latency_ms": { "tusable": ms, "tfinal": ms }, "sticky": format!("s{n}"), "request_id": format!("s{n}"),
        });
        let other_line = json!({
            "time": { "received": ts }, "tier": arm, "took": { "total": seconds },
            "trace_id": format!("s{n}"),
        });
        usual = format!("{usual}{usual_line}\n");
        other = format!("{other}{other_line}\n");
    }
    let (usual, other) = (logs.write("usual", usual), logs.write("other", other));
    let expected = printed(&[&usual], &[]);
    // Two fields may be read from one place.
    let maps = [
        "ts=time.received",
        "variant=tier",
        "revision=tier",
        "latency_ms.tusable=took.total",
        "latency_ms.tfinal=took.total",
        "sticky=trace_id",
        "status==200",
        "route==chat",
        "cold_start==false",
    ];
    let mut args: Vec<&str> = maps.iter().flat_map(|map| ["--map", map]).collect();
    args.extend(["--latency-unit", "s"]);
    assert_eq!(printed(&[&other], &args), expected);
    let by_revision = printed(&[&usual], &["--arm", "revision"]);
    args.extend(["--arm", "revision"]);
    assert_eq!(printed(&[&other], &args), by_revision);
    // What is said last of a field holds.
    let mapped = [
        "--map",
        "route==lost",
        "--map",
        "route=sticky",
        "--map",
        "route==chat",
    ];
    assert_eq!(printed(&[&usual], &mapped), expected);
    let mapped = ["--map", "route==lost", "--map", "route=variant"];
    let told = parsed(&printed(&[&usual], &mapped));
    assert_eq!(told["groups"][0]["route"], "canary");
    assert_eq!(told["arms"]["canary"]["n"], 200);
}

#[test]
fn fields_that_nothing_reads_are_counted_wherever_they_stand() {
    let logs = Logs::new();
    let usual: String = (0..50).map(|n| line(n, "canary", "")).collect();
    let more = usual
        .replace(
            "{\"ts\"",
            "{\"app\":{\"pid\":7},\"edge_pop\":\"iad\",\"ts\"",
        )
        .replace(
            ",\"latency_ms\"",
            ",\"cache\":{\"shard\":[1,2]},\"latency_ms\"",
        );
    let expected = parsed(&printed(&[&logs.write("usual", usual)], &[]));
    let told = parsed(&printed(&[&logs.write("more", more)], &[]));
    assert_eq!(
        (&told["groups"], &told["arms"]),
        (&expected["groups"], &expected["arms"])
    );
    assert_eq!(
        told["intake"]["unknown_fields"],
        json!({ "app": 50, "cache.shard": 50 })
    );
}

/// Runs on logs; what it says on a terminal has no control characters, whatever is in them.
#[track_caller]
fn exits(args: &[&str], code: i32) -> (String, String) {
    let output = ragstone(&[&["traffic"], args].concat());
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    for text in [stdout(&output), stderr(&output)] {
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
    }
    (stdout(&output), said(&output))
}

#[test]
fn too_many_bad_lines_end_with_their_places() {
    let logs = Logs::new();
    let good: String = (0..999).map(|n| line(n, "canary", "")).collect();
    let bad = [
        "{\"ts\":\"2026-01-05T09:00:00Z\",\"variant\":\"canary\",\"latency_ms\":{}}\n",
        "{\"ts\":\"\u{1b}[2Jnoon\",\"variant\":\"canary\",\"status\":200,\"latency_ms\":{}}\n",
        "{\"ts\":\"2026-01-05T09:00:00Z\",\"variant\":\"canary\"\n",
    ];
    // One in a thousand is borne, and shown.
    let borne = logs.write("borne.jsonl", good.clone() + bad[0]);
    let (shown, _) = exits(&[text(&borne)], 3);
    assert!(
        shown.contains("1 line not readable and left out (0.100 %)"),
        "{shown}"
    );
    assert!(
        shown.contains("borne.jsonl:1000: `status` is not stated"),
        "{shown}"
    );
    let intake = &parsed(&printed(&[&borne], &[]))["intake"];
    assert_eq!(
        (&intake["n_lines"], &intake["n_bad"]),
        (&json!(1000), &json!(1))
    );

    // The second is one too many; so is a line that is no text.
    let two = [bad[1].as_bytes(), good.as_bytes(), b"\xff\n"].concat();
    let two = logs.write("two.jsonl", two);
    let (_, message) = exits(&[text(&two)], 4);
    assert!(
        message.contains("2 of 1001 lines cannot be read, more than 0.10 %"),
        "{message}"
    );
    assert!(message.contains("two.jsonl:1: "), "{message}");
    assert!(
        message.contains("two.jsonl:1001: no UTF-8 at byte 1"),
        "{message}"
    );
    exits(&[text(&two), "--stage", "promotion"], 4);

    // Each file has its own numbers, also where it is packed.
    let packed = logs.write(
        "packed.gz",
        gzip((bad[2].to_owned() + "\n" + bad[0]).as_bytes()),
    );
    let args = [text(&two), text(&packed), "--most-bad", "0.01"];
    let (shown, _) = exits(&args, 3);
    assert!(shown.contains("packed.gz:1: no JSON at byte"), "{shown}");
    assert!(
        shown.contains("packed.gz:3: `status` is not stated"),
        "{shown}"
    );
    assert!(shown.contains("4 lines not readable"), "{shown}");
    let (_, message) = exits(&[text(&packed), "--most-bad", "0.5"], 4);
    assert!(message.contains("2 of 2 lines cannot be read"), "{message}");
}

#[test]
fn a_bare_latency_is_refused_until_it_is_mapped() {
    let logs = Logs::new();
    let bare = line(1, "canary", "").replace("{\"tfinal\":101}", "101");
    assert!(bare.contains("\"latency_ms\":101"));
    let log = logs.write("bare.jsonl", bare);
    let (_, refused) = exits(&[text(&log)], 4);
    assert!(
        refused.contains("`latency_ms` is 101; expected an object"),
        "{refused}"
    );
    let read = parsed(&printed(
        &[&log],
        &["--map", "latency_ms.tfinal=latency_ms"],
    ));
    assert_eq!(
        read["groups"][0]["latency"]["tfinal"]["values"],
        json!([101.0])
    );
}

#[test]
fn the_events_of_a_drill_need_its_plan() {
    let logs = Logs::new();
    let log = logs.write("log.jsonl", line(1, "canary", ""));
    let drill = ["--runbook", "failover-drill", "--stage", "live"];
    let events = ["--events", text(&log)];
    let (_, refused) = exits(&[&[text(&log)], &drill[..], &events].concat(), 2);
    assert!(refused.contains("give --drill"), "{refused}");
}

#[test]
fn what_cannot_be_read_at_all_is_said() {
    let logs = Logs::new();
    let (_, message) = exits(&[], 2);
    assert!(message.contains("<LOG>"), "{message}");
    let pattern = logs.path("*.jsonl");
    let (_, message) = exits(&[text(&pattern)], 2);
    assert!(message.contains("names no file"), "{message}");
    let (_, message) = exits(&[text(&logs.path("gone.jsonl"))], 4);
    assert!(message.contains("gone.jsonl: cannot be read"), "{message}");
    let (_, message) = exits(&[text(&logs.write("empty", "\n\n"))], 4);
    assert!(message.contains("the log holds no request"), "{message}");
    let cut = zstd::stream::encode_all(line(1, "canary", "").as_bytes(), 1).expect("packed");
    let cut = logs.write("cut.zst", &cut[..cut.len() - 4]);
    let (_, message) = exits(&[text(&cut)], 4);
    assert!(message.contains("cut.zst: cannot be read"), "{message}");
    let (_, message) = exits(&[text(&logs.write("false.parquet", "PAR1PAR1PAR1"))], 4);
    assert!(message.contains("false.parquet"), "{message}");
    let mut piped = assert_cmd::Command::cargo_bin("ragstone").expect("the program is built");
    let piped = piped
        .args(["traffic", "-"])
        .write_stdin("PAR1PAR1PAR1")
        .output();
    let piped = piped.expect("the program runs");
    assert_eq!(piped.status.code(), Some(4));
    assert!(
        said(&piped).contains("Parquet is read from files"),
        "{}",
        stderr(&piped)
    );
    let log = logs.write("log", line(1, "canary", ""));
    for (map, words) in [
        ("tfinal=took", "unknown field `tfinal`"),
        ("status", "maps no field"),
        ("status=", "mapped to nothing"),
    ] {
        let (_, message) = exits(&[text(&log), "--map", map], 2);
        assert!(message.contains(words), "{message}");
    }
    let ids: String = (0..10_001)
        .map(|n| line(1, &format!("id{n}"), ""))
        .collect();
    let (_, message) = exits(&[text(&logs.write("ids", ids))], 2);
    assert!(
        message.contains("`variant` has more than 10000 values"),
        "{message}"
    );
}

#[test]
fn a_hostile_log_does_not_steer_the_terminal() {
    let logs = Logs::new();
    let hostile = "\\u001b]0;owned\\u0007\\u001b[2J\\u202e\\u009b2J\\n\\r| `x`";
    let more = format!(
        ",\"route\":\"{hostile}\",\"error_class\":\"{hostile}\",\"region\":\"{hostile}\",\"cache\":{{\"prefix\":\"{hostile}\",\"hit\":true}},\"{hostile}\":1"
    );
    let [one, two] = ["one", "two"].map(|arm| format!("{arm} {hostile}"));
    let both: String = (0..40)
        .map(|n| line(n, [&one, &two][n as usize % 2], &more))
        .collect();
    let log = logs.write(
        "\u{1b}[31mlog\u{202e}.jsonl",
        both.clone() + "[\u{1b}[2J]\n",
    );
    let (shown, _) = exits(&[text(&log), "--most-bad", "0.1"], 3);
    assert!(shown.contains("one ␛]0;"), "{shown}");
    let (_, message) = exits(&[text(&log)], 4);
    assert!(message.contains("1 of 41 lines"), "{message}");
    // Which arm is the control is not clear, and the names are told.
    let log = logs.write("log.jsonl", both);
    let (_, message) = exits(&[text(&log), "--stage", "promotion"], 2);
    assert!(message.contains("--control"), "{message}");
    let name = |arm: &str| serde_json::from_str::<String>(&format!("\"{arm}\"")).expect("text");
    let (one, two) = (name(&one), name(&two));
    let arms = ["--control", &one, "--candidate", &two];
    let promotion = [text(&log), "--stage", "promotion"];
    let (shown, _) = exits(&[&promotion[..], &arms].concat(), 3);
    assert!(shown.contains("CA-NEWERR"), "{shown}");
}

#[test]
fn a_policy_says_where_fields_stand_and_the_command_line_outweighs_it() {
    let small = SmallGold::new(8);
    let policy = std::fs::read_to_string(small.policy()).expect("a policy");
    let traffic = "[traffic]\nlatency_unit = 's'\n[traffic.fields]\nvariant = 'tier'\n'latency_ms.tfinal' = 'took'\n[traffic.constants]\nstatus = '200'\n";
    small.write("ragstone.toml", &format!("{policy}{traffic}"));
    let logs = Logs::new();
    let mut lines = String::new();
    for n in 0..60 {
        let (ts, arm) = (
            1_767_603_600_000_u64 + 1000 * n,
            ["control", "canary"][n as usize % 2],
        );
        let line = json!({ "ts": ts, "tier": arm, "took": 0.5, "code": 503 });
        lines = format!("{lines}{line}\n");
    }
    let log = logs.write("log", lines);
    let policy = small.policy();
    let judged = |more: &[&str]| {
        let args = [
            "--policy",
            text(&policy),
            "--stage",
            "promotion",
            "--format",
            "json",
        ];
        let (report, _) = exits(&[&[text(&log)], &args[..], more].concat(), 3);
        let canary = &parsed(&report)["traffic"]["arms"]["canary"];
        (canary["n"].clone(), canary["statuses"].clone())
    };
    assert_eq!(judged(&[]), (json!(30), json!({ "200": 30 })));
    assert_eq!(
        judged(&["--map", "status=code"]),
        (json!(30), json!({ "503": 30 }))
    );
}
