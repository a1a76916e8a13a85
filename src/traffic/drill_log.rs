//! Reads the log of a drill: one event a line, from files or stdin, plain or compressed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::Deserialize;
use thiserror::Error;

use crate::goldset::without_line;
use crate::lines::Blocks;
use crate::traffic::{BadLine, Event, Happening, Intake, Roles, Timeline};

/// Lines in a thousand that may be unreadable.
const MOST_BAD_PER_MILLE: u64 = 1;
/// Bad lines that a message names.
const NAMED: usize = 5;
/// Unknown names that are told apart; the rest is counted together.
const MOST_UNKNOWN: usize = 100;
/// What they are counted as.
const OTHERS: &str = "(others)";

/// Why the log of a drill cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum DrillLogError {
    /// A file cannot be read.
    #[error("{}: cannot be read", path.display())]
    #[diagnostic(
        code(drill_log::read),
        help(
            "name a file of one JSON object a line, plain or compressed by gzip or zstd; - is stdin"
        )
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Too many lines are no events.
    #[error("{n_bad} of {n_lines} lines are no events of a drill\n{}", Listed(bad, *n_bad))]
    #[diagnostic(
        code(drill_log::content),
        help(
            "mend the lines above: at most one in a thousand may be unreadable; docs/drill-log.md has every event and its fields"
        )
    )]
    Content {
        /// Lines that are no events.
        n_bad: u64,
        /// Lines that are not blank.
        n_lines: u64,
        /// The first few of the bad ones.
        bad: Vec<BadLine>,
    },
    /// There is no event in it.
    #[error("no event of a drill in {} line{}{}", n_lines, if *n_lines == 1 { "" } else { "s" }, Unknown(unknown))]
    #[diagnostic(
        code(drill_log::empty),
        help("docs/drill-log.md has every event and its fields")
    )]
    Empty {
        /// Lines that are not blank.
        n_lines: u64,
        /// Events of other names.
        unknown: BTreeMap<String, u64>,
    },
}

/// The first bad lines, each on a line of its own.
struct Listed<'a>(&'a [BadLine], u64);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, BadLine { place, problem }) in self.0.iter().take(NAMED).enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{place}: {problem}")?;
        }
        let more = self.1.saturating_sub(NAMED as u64);
        if more > 0 {
            write!(f, "\nand {more} more")?;
        }
        Ok(())
    }
}

struct Unknown<'a>(&'a BTreeMap<String, u64>);

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, _)) in self.0.iter().take(NAMED).enumerate() {
            let before = if index == 0 { "; unknown: " } else { ", " };
            write!(f, "{before}`{}`", name.escape_debug())?;
            if let Some(meant) = Happening::nearest(name) {
                write!(f, " (did you mean `{meant}`?)")?;
            }
        }
        Ok(())
    }
}

/// Reads the events of a drill, sorted by time; events of one moment stay in the order of the sources
/// and their lines. `-` is stdin. Blank lines are passed over, unknown fields are left alone, events of
/// unknown names are counted.
///
/// # Errors
/// If a source cannot be read, more than one line in a thousand is no event, or there is none at all.
pub fn read_drill_log(sources: &[PathBuf], roles: Roles) -> Result<Timeline, DrillLogError> {
    let mut timeline = Timeline::new(roles);
    for path in sources {
        let bytes: io::Result<Box<dyn Read + Send>> = if path.as_os_str() == "-" {
            Ok(Box::new(io::stdin()))
        } else {
            File::open(path).map(|file| Box::new(file) as Box<dyn Read + Send>)
        };
        let read = bytes.and_then(|bytes| add(&mut timeline, path, bytes));
        read.map_err(|source| DrillLogError::Read {
            path: path.clone(),
            source,
        })?;
    }
    checked(timeline)
}

fn checked(mut timeline: Timeline) -> Result<Timeline, DrillLogError> {
    let Timeline { n_bad, n_lines, .. } = timeline;
    if n_bad * 1000 > n_lines * MOST_BAD_PER_MILLE {
        let bad = timeline.bad;
        return Err(DrillLogError::Content {
            n_bad,
            n_lines,
            bad,
        });
    }
    if timeline.events.is_empty() {
        let unknown = timeline.unknown_events;
        return Err(DrillLogError::Empty { n_lines, unknown });
    }
    timeline.events.sort_by_key(|event| event.ts);
    Ok(timeline)
}

/// Adds the lines of one source.
fn add(timeline: &mut Timeline, path: &Path, bytes: Box<dyn Read + Send>) -> io::Result<()> {
    for block in Blocks::unpacked(bytes)? {
        for (number, line) in block?.lines() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            timeline.n_lines += 1;
            match parse(line) {
                Ok(Line::Event(event)) => timeline.events.push(event),
                Ok(Line::Unknown(name)) => count(&mut timeline.unknown_events, name),
                Err(problem) => {
                    timeline.n_bad += 1;
                    if timeline.bad.len() < Intake::SHOWN {
                        let place = format!("{}:{number}", path.display());
                        timeline.bad.push(BadLine { place, problem });
                    }
                }
            }
        }
    }
    Ok(())
}

fn count(unknown: &mut BTreeMap<String, u64>, name: String) {
    let known = unknown.contains_key(&name) || unknown.len() < MOST_UNKNOWN;
    let name = if known { name } else { OTHERS.to_owned() };
    *unknown.entry(name).or_default() += 1;
}

/// What a line is.
enum Line {
    Event(Event),
    Unknown(String),
}

/// What tells events apart.
#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
}

fn parse(line: &[u8]) -> Result<Line, String> {
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err("expected a JSON object".to_owned());
    }
    let Tag { event } = serde_json::from_slice(line).map_err(|error| without_line(&error))?;
    if !Happening::NAMES.contains(&&*event) {
        return Ok(Line::Unknown(event.into_owned()));
    }
    // The column would be that of the line's end, since the fields are sorted out after reading it.
    let event: Event = serde_json::from_slice(line).map_err(|error| {
        let text = without_line(&error);
        let told = text
            .rsplit_once(" (column")
            .map_or(&*text, |(told, _)| told);
        format!("{event}: {told}")
    })?;
    match event.problem() {
        None => Ok(Line::Event(event)),
        Some(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const DECIDED: &str =
        r#"{"ts":"2026-11-21T10:00:00Z","event":"evacuate_decided","region":"us-east"}"#;
    const ENDED: &str = r#"{"ts":"2026-11-21T10:30:00Z","event":"drill_ended"}"#;

    fn read(files: &[&[u8]]) -> Result<Timeline, DrillLogError> {
        let folder = tempfile::tempdir().expect("a folder");
        let paths: Vec<PathBuf> = (0..files.len())
            .map(|index| folder.path().join(format!("{index}.jsonl")))
            .collect();
        for (path, bytes) in paths.iter().zip(files) {
            std::fs::write(path, bytes).expect("written");
        }
        read_drill_log(&paths, Roles::default())
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).expect("in memory");
        packed.finish().expect("in memory")
    }

    #[test]
    fn plain_and_packed_files_with_marks_and_blank_lines_are_read_alike() {
        let plain = format!("{DECIDED}\n{ENDED}\n");
        let expected = read(&[plain.as_bytes()]).expect("sound");
        assert_eq!((expected.n_lines, expected.events.len()), (2, 2));
        let zstd = zstd::stream::encode_all(plain.as_bytes(), 1).expect("in memory");
        let marked = format!("\u{feff}\r\n  \n{DECIDED}\r\n\n{ENDED}");
        for bytes in [&gzip(&plain)[..], &zstd, marked.as_bytes(), &gzip(&marked)] {
            assert_eq!(read(&[bytes]).expect("sound"), expected);
        }
        let both = [format!("{ENDED}\n"), DECIDED.to_owned()];
        let both: Vec<&[u8]> = both.iter().map(String::as_bytes).collect();
        assert_eq!(read(&both).expect("sound"), expected, "sorted by time");
    }

    #[test]
    fn events_of_one_moment_keep_their_order_and_offsets_are_heeded() {
        let sample = |ts: &str, backlog: u64| {
            format!(r#"{{"ts":"{ts}","event":"queue_sample","backlog":{backlog}}}"#)
        };
        let lines = [
            sample("2026-11-21T10:00:01Z", 4),
            sample("2026-11-21T12:00:00+02:00", 1),
            sample("2026-11-21T10:00:00.000Z", 2),
            sample("2026-11-21T05:00:00.000000000-05:00", 3),
        ];
        let timeline = read(&[lines.join("\n").as_bytes()]).expect("sound");
        let backlog = |event: &Event| match event.what {
            Happening::QueueSample { backlog, .. } => backlog,
            _ => 0,
        };
        let found: Vec<u64> = timeline.events.iter().map(backlog).collect();
        assert_eq!(found, [1, 2, 3, 4]);
    }

    #[test]
    fn a_bad_line_is_told_by_file_and_line_and_one_in_a_thousand_is_borne() {
        let lines = |good: usize, bad: usize| {
            let good = std::iter::repeat_n(ENDED, good);
            let bad = std::iter::repeat_n(
                r#"{"ts":"2026-11-21T10:00:00Z","event":"write_applied"}"#,
                bad,
            );
            good.chain(bad).collect::<Vec<_>>().join("\n")
        };
        let borne = read(&[lines(999, 1).as_bytes()]).expect("borne");
        assert_eq!(
            (borne.n_lines, borne.n_bad, borne.events.len()),
            (1000, 1, 999)
        );
        assert!(
            borne.bad[0].place.ends_with("0.jsonl:1000"),
            "{:?}",
            borne.bad
        );
        assert_eq!(borne.bad[0].problem, "write_applied: missing field `id`");
        assert!(
            read(&[lines(998, 1).as_bytes()]).is_err(),
            "more than 0.1 %"
        );
        assert!(read(&[lines(1998, 2).as_bytes()]).is_ok());
        let error = read(&[lines(10, 7).as_bytes()])
            .expect_err("refused")
            .to_string();
        assert!(error.starts_with("7 of 17 lines are no events"), "{error}");
        assert!(
            error.contains("0.jsonl:11: write_applied") && error.ends_with("and 2 more"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_event_is_said() {
        for (line, said) in [
            ("[\"drill_ended\"]", "expected a JSON object"),
            ("{", "EOF"),
            ("{\"ts\":\"2026-11-21T10:00:00Z\"}", "missing field `event`"),
            ("{\"event\":\"drill_ended\"}", "missing field `ts`"),
            (
                "{\"event\":\"drill_ended\",\"ts\":\"now\"}",
                "`now` is no moment",
            ),
            (
                "{\"event\":\"drill_ended\",\"event\":\"health\"}",
                "duplicate field `event`",
            ),
            (
                "{\"event\":\"cache_sample\",\"ts\":\"2026-11-21T10:00:00Z\",\"prefix\":\"p\",\"hit_ratio\":93}",
                "expected a share",
            ),
        ] {
            let error = read(&[line.as_bytes()]).expect_err(line).to_string();
            assert!(error.contains(said), "{error}");
        }
        let error = read(&[b"\xff\xfe{\"event\"\n"]).expect_err("no UTF-8");
        assert!(matches!(error, DrillLogError::Content { n_bad: 1, .. }));
    }

    #[test]
    fn unknown_events_are_counted_and_alone_are_none() {
        let unknown = r#"{"event":"cutover_completed","ts":"whenever"}"#;
        let timeline = read(&[format!("{unknown}\n{ENDED}\n{unknown}").as_bytes()]).expect("sound");
        assert_eq!(
            timeline.unknown_events,
            BTreeMap::from([("cutover_completed".to_owned(), 2)])
        );
        assert_eq!((timeline.n_lines, timeline.n_bad), (3, 0));
        let error = read(&[unknown.as_bytes()])
            .expect_err("no event")
            .to_string();
        assert_eq!(
            error,
            "no event of a drill in 1 line; unknown: `cutover_completed` (did you mean `cutover_complete`?)"
        );
        assert!(read(&[b"\n\n"]).is_err(), "nothing");
        let many: Vec<String> = (0..500).map(|n| format!(r#"{{"event":"e{n}"}}"#)).collect();
        let timeline = read(&[format!("{ENDED}\n{}", many.join("\n")).as_bytes()]).expect("sound");
        assert_eq!(timeline.unknown_events.len(), MOST_UNKNOWN + 1);
        assert_eq!(timeline.unknown_events[OTHERS], 400);
    }

    #[test]
    fn a_file_that_is_not_there_or_cut_off_is_an_error_with_its_name() {
        let error =
            read_drill_log(&["nowhere.jsonl".into()], Roles::default()).expect_err("absent");
        assert_eq!(error.to_string(), "nowhere.jsonl: cannot be read");
        let whole = gzip(&format!("{DECIDED}\n{ENDED}\n"));
        let error = read(&[&whole[..whole.len() - 12]]).expect_err("cut off");
        assert!(matches!(error, DrillLogError::Read { .. }), "{error}");
    }
}
