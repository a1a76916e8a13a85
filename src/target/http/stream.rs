//! Replies that come in parts.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::net::{Failure, Opened, Secrets, Stage};

/// How a reply comes in parts; each part is JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Streaming {
    /// Server-sent events, `text/event-stream`; `[DONE]` ends them.
    Sse,
    /// One JSON value a line, `application/x-ndjson` or `application/jsonl`.
    Ndjson,
}

/// Bytes of one line, and of one event, above which it is not read on.
const LONGEST: usize = 4 << 20;
/// What ends a stream of events by agreement.
const DONE: &[u8] = b"[DONE]";
/// How long a server may take to end a stream that it called done, so that its connection can serve
/// the next call.
const LINGER: Duration = Duration::from_millis(50);

impl Streaming {
    /// What the request says that it takes.
    pub(super) fn accept(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// # Errors
    /// If the reply is said to be something else.
    pub(super) fn demand(self, opened: &Opened, secrets: &Secrets) -> Result<(), Failure> {
        let found = opened.content_type();
        let known: &[&str] = match self {
            Self::Sse => &["text/event-stream"],
            Self::Ndjson => &["application/x-ndjson", "application/jsonl"],
        };
        if known.contains(&found.as_str()) {
            return Ok(());
        }
        let found = if found.is_empty() { "none" } else { &found };
        let message = format!("the content type is {found}, expected {}", known[0]);
        let message = secrets.scrub(&message).into_owned();
        Err(Failure::lasting("content_type", Stage::Decode, message))
    }
}

/// Hands every part to `take` as it comes.
///
/// # Errors
/// If the body breaks off, a part is too long, or `take` refuses one.
pub(super) async fn read(
    opened: &mut Opened,
    streaming: Streaming,
    take: &mut (dyn FnMut(&[u8]) -> Result<(), Failure> + Send),
) -> Result<(), Failure> {
    let mut parts = Parts::new(streaming);
    while let Some(chunk) = opened.chunk().await? {
        for part in parts.push(&chunk)? {
            take(&part)?;
        }
        if parts.done {
            opened.attempt().finished();
            let rest = async { while let Ok(Some(_)) = opened.chunk().await {} };
            let _ = tokio::time::timeout(LINGER, rest).await;
            return Ok(());
        }
    }
    for part in parts.end()? {
        take(&part)?;
    }
    Ok(())
}

/// Cuts bytes into parts, however they were cut on their way.
struct Parts {
    streaming: Streaming,
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The data of the event that has not ended yet.
    event: Option<Vec<u8>>,
    /// Whether the last byte was a carriage return, which a line feed may follow.
    returned: bool,
    done: bool,
}

impl Parts {
    fn new(streaming: Streaming) -> Self {
        Self {
            streaming,
            line: Vec::new(),
            event: None,
            returned: false,
            done: false,
        }
    }

    /// The parts that these bytes complete.
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
        let mut parts = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::replace(&mut self.returned, false);
            match (byte, self.streaming) {
                (b'\n', _) if after_return => {}
                (b'\r', Streaming::Sse) => {
                    self.returned = true;
                    self.end_line(&mut parts)?;
                }
                (b'\n', _) => self.end_line(&mut parts)?,
                _ => self.line.push(byte),
            }
            if self.line.len() > LONGEST {
                return Err(too_long());
            }
            if self.done {
                break;
            }
        }
        Ok(parts)
    }

    /// What a body leaves that ends without the end of a line.
    fn end(mut self) -> Result<Vec<Vec<u8>>, Failure> {
        let mut parts = Vec::new();
        self.end_line(&mut parts)?;
        parts.extend(self.event.take());
        Ok(parts)
    }

    fn end_line(&mut self, parts: &mut Vec<Vec<u8>>) -> Result<(), Failure> {
        let line = std::mem::take(&mut self.line);
        if self.streaming == Streaming::Ndjson {
            if !line.trim_ascii().is_empty() {
                parts.push(line);
            }
            return Ok(());
        }
        // A byte order mark may begin the stream.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        if line.is_empty() {
            parts.extend(self.event.take());
            return Ok(());
        }
        // Other fields, and comments, say nothing about the reply.
        let Some(data) = line.strip_prefix(b"data") else {
            return Ok(());
        };
        let data = match data {
            [] => data,
            [b':', b' ', rest @ ..] | [b':', rest @ ..] => rest,
            _ => return Ok(()),
        };
        if self.event.is_none() && data.trim_ascii() == DONE {
            self.done = true;
            return Ok(());
        }
        match &mut self.event {
            Some(event) => {
                event.push(b'\n');
                event.extend_from_slice(data);
            }
            none => *none = Some(data.to_vec()),
        }
        if self
            .event
            .as_ref()
            .is_some_and(|event| event.len() > LONGEST)
        {
            return Err(too_long());
        }
        Ok(())
    }
}

fn too_long() -> Failure {
    let message = format!("a line or event of more than {LONGEST} bytes");
    Failure::lasting("line_too_long", Stage::Body, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The parts of a text that comes in chunks of this many bytes.
    fn parts(streaming: Streaming, text: &str, size: usize) -> Vec<String> {
        let mut parts = Parts::new(streaming);
        let mut found = Vec::new();
        for chunk in text.as_bytes().chunks(size) {
            found.extend(parts.push(chunk).expect("short lines"));
            if parts.done {
                return found.into_iter().map(words).collect();
            }
        }
        found.extend(parts.end().expect("short lines"));
        found.into_iter().map(words).collect()
    }

    fn words(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[test]
    fn events_end_with_a_blank_line_whatever_ends_a_line() {
        let text = "\u{feff}: hello\nevent: x\ndata: {\"a\":\ndata: 1}\n\nid: 7\ndata:2\n\nretry: 1\n\ndata: \"é\"\n\n";
        for ending in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', ending);
            for size in 1..8 {
                let found = parts(Streaming::Sse, &text, size);
                assert_eq!(found, ["{\"a\":\n1}", "2", "\"é\""], "{ending:?} by {size}");
            }
        }
    }

    #[test]
    fn nothing_counts_after_done_and_a_cut_event_is_still_one() {
        let found = parts(
            Streaming::Sse,
            "data: 1\n\ndata: [DONE]\n\ndata: 2\n\n",
            100,
        );
        assert_eq!(found, ["1"]);
        assert_eq!(parts(Streaming::Sse, "data: 1\n\ndata: 2", 3), ["1", "2"]);
    }

    #[test]
    fn blank_lines_between_json_lines_are_nothing() {
        let found = parts(Streaming::Ndjson, "{\"é\":1}\r\n\r\n \n[2]", 1);
        assert_eq!(found, ["{\"é\":1}\r", "[2]"]);
    }

    #[test]
    fn a_line_without_end_is_not_read_for_ever() {
        let mut parts = Parts::new(Streaming::Ndjson);
        let failure = parts.push(&vec![b' '; LONGEST + 1]).expect_err("too long");
        assert_eq!(
            (failure.class.as_str(), failure.stage),
            ("line_too_long", Stage::Body)
        );
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(bytes in prop::collection::vec(
            prop::sample::select(b"data: 1{}\r\n\n".to_vec()), 0..80), size in 1_usize..9,
            sse in any::<bool>()) {
            let streaming = if sse { Streaming::Sse } else { Streaming::Ndjson };
            let text = words(bytes);
            prop_assert_eq!(parts(streaming, &text, size), parts(streaming, &text, 1000));
        }
    }
}
