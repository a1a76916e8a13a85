//! A request as a line of JSON, without a value in between.

use crate::measure::Lambda;
use crate::simulate::{Answered, CacheUse, Call, Request};
use crate::units::Moment;

/// Writes requests as JSON lines.
///
/// Every text of a [`Request`] comes from this program and needs no escape.
#[derive(Debug, Default)]
pub struct LineWriter {
    /// The second that `date` says.
    second: Option<i64>,
    /// `2026-01-05T09:00:00`.
    date: Vec<u8>,
}

impl LineWriter {
    /// Appends the line of a request, with its end.
    pub fn write(&mut self, request: &Request, to: &mut Vec<u8>) {
        to.extend_from_slice(b"{\"ts\":\"");
        self.moment(request.at_ms, to);
        to.push(b'"');
        let release = request.release;
        text(to, "route", request.route);
        text(to, "variant", release.variant);
        text(to, "color", release.color);
        text(to, "release_id", release.release_id);
        text(to, "revision", release.revision);
        to.extend_from_slice(b",\"sticky\":\"h");
        number(to, u64::from(request.session));
        to.push(b'"');
        text(to, "region", request.region);
        text(to, "edge_pop", request.edge_pop);
        truth(to, "cold_start", request.cold_start);
        truth(to, "warm_ping", request.warm_ping);
        let [tffb, tusable, tfinal] = request.latency;
        to.extend_from_slice(b",\"latency_ms\":{\"tffb\":");
        decimal(to, tffb, 10);
        to.extend_from_slice(b",\"tusable\":");
        decimal(to, tusable, 10);
        to.extend_from_slice(b",\"tfinal\":");
        decimal(to, tfinal, 10);
        to.extend_from_slice(b"},\"status\":");
        number(to, u64::from(request.status));
        optional(to, "timeout_stage", request.timeout_stage);
        optional(to, "error_class", request.error_class);
        if let Some(answered) = &request.retrieval {
            retrieval(to, answered);
        }
        if let Some(used) = &request.cache {
            cache(to, used);
        }
        if let Some(call) = &request.egress {
            egress(to, call);
        }
        to.extend_from_slice(b",\"queue\":{\"backlog\":");
        number(to, request.queue.backlog);
        to.extend_from_slice(b",\"age_p95_ms\":");
        number(to, request.queue.age_p95_ms);
        to.extend_from_slice(b"},\"pins\":{\"SCHEMA_REV\":\"");
        to.extend_from_slice(request.pins.schema_rev.as_bytes());
        to.push(b'"');
        text(to, "INDEX_HASH", request.pins.index_hash);
        if let Some(model_tag) = request.pins.model_tag {
            text(to, "MODEL_TAG", model_tag);
        }
        to.extend_from_slice(b"},\"simulated\":true}\n");
    }

    /// `2026-01-05T09:00:00.123Z`.
    fn moment(&mut self, at_ms: i64, to: &mut Vec<u8>) {
        let second = at_ms.div_euclid(1000);
        if self.second != Some(second) {
            self.second = Some(second);
            let moment = Moment::from_millisecond(second * 1000).expect("a moment of a plan");
            self.date.clear();
            self.date.extend_from_slice(moment.to_string().as_bytes());
            assert_eq!(self.date.pop(), Some(b'Z'), "whole seconds in UTC");
        }
        to.extend_from_slice(&self.date);
        let ms = at_ms.rem_euclid(1000) as u16;
        let digit = |of: u16| b'0' + (of % 10) as u8;
        to.extend_from_slice(&[b'.', digit(ms / 100), digit(ms / 10), digit(ms), b'Z']);
    }
}

fn retrieval(to: &mut Vec<u8>, answered: &Answered) {
    to.extend_from_slice(b",\"retrieval\":{\"k\":");
    number(to, u64::from(answered.k));
    text(to, "metric", "cosine");
    text(to, "analyzer", answered.analyzer);
    text(to, "INDEX_HASH", answered.index_hash);
    to.extend_from_slice(",\"ΔS_q_r\":".as_bytes());
    decimal(to, answered.delta_s, 10_000);
    to.extend_from_slice(b",\"coverage\":");
    decimal(to, answered.coverage, 10_000);
    text(to, "λ_state", Lambda::symbol(answered.lambda));
    to.push(b'}');
}

fn cache(to: &mut Vec<u8>, used: &CacheUse) {
    to.extend_from_slice(b",\"cache\":{\"prefix\":\"");
    to.extend_from_slice(used.prefix.as_bytes());
    to.push(b'"');
    match used.hit {
        Some(hit) => truth(to, "hit", hit),
        None => to.extend_from_slice(b",\"hit\":null"),
    }
    if used.purged {
        truth(to, "purged", true);
    }
    to.push(b'}');
}

fn egress(to: &mut Vec<u8>, call: &Call) {
    to.extend_from_slice(b",\"egress\":{\"webhook\":\"");
    to.extend_from_slice(call.webhook.as_bytes());
    to.extend_from_slice(b"\",\"tries\":");
    number(to, u64::from(call.tries));
    text(to, "dedupe_key", call.key.as_str());
    if call.deduped {
        truth(to, "deduped", true);
    }
    to.push(b'}');
}

fn name(to: &mut Vec<u8>, name: &str) {
    to.extend_from_slice(b",\"");
    to.extend_from_slice(name.as_bytes());
    to.extend_from_slice(b"\":");
}

fn text(to: &mut Vec<u8>, field: &str, value: &str) {
    name(to, field);
    to.push(b'"');
    to.extend_from_slice(value.as_bytes());
    to.push(b'"');
}

fn optional(to: &mut Vec<u8>, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        text(to, field, value);
    } else {
        name(to, field);
        to.extend_from_slice(b"null");
    }
}

fn truth(to: &mut Vec<u8>, field: &str, value: bool) {
    name(to, field);
    let word: &[u8] = if value { b"true" } else { b"false" };
    to.extend_from_slice(word);
}

fn number(to: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    to.extend_from_slice(&digits[from..]);
}

/// A whole number of tenths (or hundredths, and so on) as a decimal fraction, without zeros at its end.
fn decimal(to: &mut Vec<u8>, value: u32, parts: u32) {
    number(to, u64::from(value / parts));
    let (mut rest, mut unit) = (value % parts, parts / 10);
    if rest > 0 {
        to.push(b'.');
    }
    while rest > 0 {
        to.push(b'0' + (rest / unit) as u8);
        (rest, unit) = (rest % unit, (unit / 10).max(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_were() {
        let written = |value: u32, parts: u32| {
            let mut to = Vec::new();
            decimal(&mut to, value, parts);
            String::from_utf8(to).expect("digits")
        };
        for (value, parts, expected) in [
            (0, 10, "0"),
            (7, 10, "0.7"),
            (13_205, 10, "1320.5"),
            (13_200, 10, "1320"),
            (3400, 10_000, "0.34"),
            (3401, 10_000, "0.3401"),
            (5, 10_000, "0.0005"),
            (10_000, 10_000, "1"),
        ] {
            assert_eq!(written(value, parts), expected);
        }
        let mut to = Vec::new();
        number(&mut to, u64::MAX);
        assert_eq!(to, u64::MAX.to_string().as_bytes());
    }
}
