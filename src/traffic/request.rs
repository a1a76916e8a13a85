//! One request of a log, its fields read and checked.

use std::borrow::Cow;

use crate::measure::Lambda;
use crate::net::Stage;
use crate::traffic::Temperature;
use crate::traffic::fields::{Field, Sources};
use crate::traffic::scan::Raw;
use crate::traffic::sketch::Sketch;
use crate::traffic::time::{Clock, Time};

/// Text of a request.
pub(super) type Text<'a> = Cow<'a, str>;

/// A request, as far as anything is made of it. What it does not state is `None`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request<'a> {
    pub(super) ts: Time,
    pub(super) arm: Option<Text<'a>>,
    pub(super) region: Option<Text<'a>>,
    pub(super) route: Option<Text<'a>>,
    pub(super) sticky: Option<Text<'a>>,
    pub(super) id: Option<Text<'a>>,
    pub(super) temperature: Temperature,
    pub(super) warm_ping: bool,
    pub(super) simulated: bool,
    /// 0 where there was no reply.
    pub(super) status: u16,
    /// In milliseconds: first byte, usable, last byte.
    pub(super) latency: [Option<f64>; 3],
    pub(super) timeout_stage: Option<Text<'a>>,
    pub(super) error_class: Option<Text<'a>>,
    /// As pinned, as searched, at the top.
    pub(super) index_hash: [Option<Text<'a>>; 3],
    pub(super) schema_rev: Option<Text<'a>>,
    pub(super) model_tag: Option<Text<'a>>,
    pub(super) delta_s: Option<f64>,
    pub(super) coverage: Option<f64>,
    pub(super) lambda: Option<Lambda>,
    pub(super) cache_prefix: Option<Text<'a>>,
    pub(super) cache_hit: Option<bool>,
    pub(super) cache_purged: bool,
    pub(super) call: Option<Call<'a>>,
    pub(super) backlog: Option<u64>,
    pub(super) queue_age_ms: Option<f64>,
}

/// A webhook that a request called.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call<'a> {
    pub(super) tries: u64,
    pub(super) key: Option<Text<'a>>,
    /// Whether it was recognised as a repeat.
    pub(super) deduped: bool,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unfit(pub(super) String);

impl Request<'_> {
    pub(super) fn failed(&self) -> bool {
        self.status >= 500 || self.timeout_stage.is_some() || self.error_class.is_some()
    }

    /// Where it failed, if it did.
    pub(super) fn stage(&self) -> Stage {
        match &self.timeout_stage {
            Some(stage) => stage_named(stage),
            None if self.status >= 500 => Stage::Headers,
            None => Stage::Body,
        }
    }

    /// As what it failed, if it did.
    pub(super) fn class(&self) -> Text<'_> {
        match &self.error_class {
            Some(class) => Cow::Borrowed(class),
            None if self.timeout_stage.is_some() => Cow::Borrowed("timeout"),
            None => Cow::Owned(format!("http_{}", self.status)),
        }
    }
}

/// The stage that a log means by a word.
fn stage_named(word: &str) -> Stage {
    let plain: String = word
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "dns" | "resolve" => Stage::Resolve,
        "connect" | "connection" | "tcp" => Stage::Connect,
        "tls" | "ssl" | "handshake" => Stage::Tls,
        "headers" | "header" | "firstbyte" | "tffb" | "ttfb" => Stage::Headers,
        "body" | "bodyread" | "read" | "stream" => Stage::Body,
        "tool" | "toolcall" | "tools" => Stage::Tool,
        _ => Stage::Deadline,
    }
}

/// Reads requests from the slots of their lines.
#[derive(Clone, Debug)]
pub(super) struct Requests<'s> {
    sources: &'s Sources,
    latency_scale: f64,
    clock: Clock,
}

/// Slots of the fields, filled.
struct Slots<'a, 'r> {
    raw: &'r [Raw<'a>],
    /// What was first found wrong.
    unfit: Option<Unfit>,
}

impl<'s> Requests<'s> {
    pub(super) fn new(sources: &'s Sources, latency_scale: f64) -> Self {
        Self {
            sources,
            latency_scale,
            clock: Clock::default(),
        }
    }

    /// Puts what all lines share, and what stands under other names, into the slots of a line.
    pub(super) fn settle<'a>(&self, slots: &mut [Raw<'a>])
    where
        's: 'a,
    {
        for (field, slot) in &self.sources.shared {
            slots[*field as usize] = slots[*slot];
        }
        for (field, value) in &self.sources.constants {
            slots[*field as usize] = constant(value);
        }
        for (field, slot) in &self.sources.aliases {
            if matches!(slots[*field as usize], Raw::Absent) {
                slots[*field as usize] = slots[*slot];
            }
        }
    }

    /// The request that the slots hold.
    pub(super) fn read<'a>(&mut self, slots: &[Raw<'a>]) -> Result<Request<'a>, Unfit> {
        let mut slots = Slots {
            raw: slots,
            unfit: None,
        };
        if matches!(slots.get(Field::Variant), Raw::Absent | Raw::Null)
            && matches!(slots.get(Field::Region), Raw::Absent | Raw::Null)
        {
            return Err(Unfit("neither `variant` nor `region` is stated".to_owned()));
        }
        let ts = self.ts(slots.get(Field::Ts))?;
        let status = slots.status();
        let latency = [
            slots.latency(Field::Tffb, self.latency_scale),
            slots.latency(Field::Tusable, self.latency_scale),
            slots.latency(Field::Tfinal, self.latency_scale),
        ];
        // A point of its own column or place, and null there, is as good as an object without it.
        let stated = [Field::Latency, Field::Tffb, Field::Tusable, Field::Tfinal];
        if stated.iter().all(|field| slots.get(*field) == Raw::Absent) {
            slots.refuse(Unfit("`latency_ms` is not stated".to_owned()));
        }
        if latency.iter().all(Option::is_none) {
            slots.object(Field::Latency, "an object with tffb, tusable or tfinal; --map latency_ms.tfinal=latency_ms reads a number");
        }
        let request = Request {
            ts,
            status,
            latency,
            arm: slots.text(self.sources.arm),
            region: slots.text(Field::Region),
            route: slots.text(Field::Route),
            sticky: slots.text(Field::Sticky),
            id: slots.text(Field::RequestId),
            temperature: match slots.flag(Field::ColdStart) {
                Some(true) => Temperature::Cold,
                Some(false) => Temperature::Warm,
                None => Temperature::Untold,
            },
            warm_ping: slots.flag(Field::WarmPing).unwrap_or(false),
            simulated: slots.flag(Field::Simulated).unwrap_or(false),
            timeout_stage: slots.text(Field::TimeoutStage),
            error_class: slots.text(Field::ErrorClass),
            index_hash: [
                slots.text(Field::PinIndexHash),
                slots.text(Field::RetrievalIndexHash),
                slots.text(Field::IndexHash),
            ],
            schema_rev: slots.text(Field::PinSchemaRev),
            model_tag: slots.text(Field::PinModelTag),
            delta_s: slots.number(Field::DeltaS, "between 0 and 2", |value| {
                (0.0..=2.0).contains(&value)
            }),
            coverage: slots.number(Field::Coverage, "between 0 and 1", |value| {
                (0.0..=1.0).contains(&value)
            }),
            lambda: slots.lambda(),
            cache_prefix: slots.text(Field::CachePrefix),
            cache_hit: slots.flag(Field::CacheHit),
            cache_purged: slots.flag(Field::CachePurged).unwrap_or(false),
            call: slots.call(),
            backlog: slots.count(Field::Backlog),
            queue_age_ms: slots.number(Field::QueueAge, MILLISECONDS, is_duration),
        };
        match slots.unfit {
            None => Ok(request),
            Some(unfit) => Err(unfit),
        }
    }

    fn ts(&mut self, raw: Raw) -> Result<Time, Unfit> {
        const EXPECTED: &str = "a time such as 2025-08-27T06:30:00Z, or milliseconds since 1970";
        let read = match raw {
            Raw::Text(text) => self.clock.read(text),
            Raw::Number(number) => number
                .parse::<i64>()
                .ok()
                .filter(|ms| YEARS.contains(ms))
                .map(|ms| Time { ms, zoned: true }),
            Raw::Whole(ms) | Raw::Millis(ms) if YEARS.contains(&ms) => {
                Some(Time { ms, zoned: true })
            }
            _ => None,
        };
        read.ok_or_else(|| unfit(Field::Ts, raw, EXPECTED))
    }
}

/// Milliseconds of the years 1970 to 9999.
const YEARS: std::ops::Range<i64> = 0..253_402_300_800_000;

/// The value of a decimal number of at most 15 digits, such as `841.8`; `None` of any other.
///
/// Both the digits and the power of ten are whole numbers that a double holds exactly, so that their
/// one division rounds as reading the decimal does (Clinger, How to read floating point numbers
/// accurately, 1990).
#[inline]
fn short_decimal(number: &str) -> Option<f64> {
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    if number.len() > 16 {
        return None;
    }
    let (mut digits, mut n_digits, mut point) = (0_u64, 0, None);
    for byte in number.bytes() {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(byte - b'0');
                n_digits += 1;
            }
            b'.' if point.is_none() => point = Some(n_digits),
            _ => return None,
        }
    }
    if n_digits == 0 || n_digits > 15 {
        return None;
    }
    Some(digits as f64 / POWERS[n_digits - point.unwrap_or(n_digits)])
}

/// A value that all lines share: a number, a flag or text.
fn constant(value: &str) -> Raw<'_> {
    match value {
        "true" => Raw::True,
        "false" => Raw::False,
        value if value.parse::<f64>().is_ok_and(f64::is_finite) => Raw::Number(value),
        value => Raw::Text(value),
    }
}

const MILLISECONDS: &str = "milliseconds, not negative and at most a year";
const YEAR_MS: f64 = 366.0 * 86_400_000.0;

fn is_duration(ms: f64) -> bool {
    Sketch::takes(ms) && ms <= YEAR_MS
}

#[cold]
fn unfit(field: Field, raw: Raw, expected: &str) -> Unfit {
    let found = match raw {
        Raw::Absent => return Unfit(format!("`{field}` is not stated; expected {expected}")),
        Raw::Null => "null".to_owned(),
        Raw::True => "true".to_owned(),
        Raw::False => "false".to_owned(),
        Raw::Number(number) => number.to_owned(),
        Raw::Text(text) | Raw::Escaped(text) => {
            let short: String = text.chars().take(40).collect();
            format!("\"{short}\"")
        }
        Raw::Nested => "an object or array".to_owned(),
        Raw::Whole(value) | Raw::Millis(value) => value.to_string(),
        Raw::Real(value) => value.to_string(),
    };
    Unfit(format!("`{field}` is {found}; expected {expected}"))
}

impl<'a> Slots<'a, '_> {
    #[inline]
    fn get(&self, field: Field) -> Raw<'a> {
        self.raw[field as usize]
    }

    #[cold]
    fn refuse(&mut self, unfit: Unfit) {
        self.unfit.get_or_insert(unfit);
    }

    #[inline]
    fn text(&mut self, field: Field) -> Option<Text<'a>> {
        match self.get(field) {
            Raw::Absent | Raw::Null => None,
            // An id may be written as a number.
            Raw::Text(text) | Raw::Number(text) => Some(Cow::Borrowed(text)),
            raw => self.other_text(field, raw),
        }
    }

    #[cold]
    fn other_text(&mut self, field: Field, raw: Raw<'a>) -> Option<Text<'a>> {
        if let Raw::Whole(value) = raw {
            return Some(Cow::Owned(value.to_string()));
        }
        let text = raw.text();
        if text.is_none() {
            self.refuse(unfit(field, raw, "text"));
        }
        text
    }

    /// Refuses what is neither an object nor absent.
    fn object(&mut self, field: Field, expected: &str) {
        let raw = self.get(field);
        // A column of objects only tells whether there is one.
        if !matches!(raw, Raw::Absent | Raw::Null | Raw::Nested | Raw::True) {
            self.refuse(unfit(field, raw, expected));
        }
    }

    #[inline]
    fn flag(&mut self, field: Field) -> Option<bool> {
        match self.get(field) {
            Raw::Absent | Raw::Null => None,
            Raw::True => Some(true),
            Raw::False => Some(false),
            raw => {
                self.refuse(unfit(field, raw, "true or false"));
                None
            }
        }
    }

    #[inline]
    fn number(&mut self, field: Field, expected: &str, fits: impl Fn(f64) -> bool) -> Option<f64> {
        let raw = self.get(field);
        let value = match raw {
            Raw::Absent | Raw::Null => return None,
            Raw::Number(number) => short_decimal(number).or_else(|| number.parse().ok()),
            Raw::Whole(value) => Some(value as f64),
            Raw::Real(value) => Some(value),
            _ => None,
        };
        let value = value.filter(|value| fits(*value));
        if value.is_none() {
            self.refuse(unfit(field, raw, expected));
        }
        value
    }

    #[inline]
    fn latency(&mut self, field: Field, scale: f64) -> Option<f64> {
        let scaled = self.number(field, MILLISECONDS, |value| is_duration(value * scale));
        scaled.map(|value| value * scale)
    }

    #[inline]
    fn count(&mut self, field: Field) -> Option<u64> {
        // Sums of a few billion of them stay within 64 bits.
        const MOST: f64 = 1e9;
        let whole = |value: f64| (0.0..=MOST).contains(&value) && value == (value as u64) as f64;
        let count = self.number(field, "a whole number from 0 to 1e9", whole);
        count.map(|value| value as u64)
    }

    fn call(&mut self) -> Option<Call<'a>> {
        let call = Call {
            tries: self.count(Field::Tries).unwrap_or(1),
            key: self.text(Field::DedupeKey),
            deduped: self.flag(Field::Deduped).unwrap_or(false),
        };
        let told = [Field::Webhook, Field::Tries, Field::DedupeKey]
            .iter()
            .any(|field| !matches!(self.get(*field), Raw::Absent | Raw::Null));
        told.then_some(call)
    }

    /// 0 where it is refused.
    fn status(&mut self) -> u16 {
        let raw = self.get(Field::Status);
        let read = match raw {
            Raw::Null => Some(0),
            Raw::Number(number) => number.parse().ok(),
            Raw::Whole(status) => u16::try_from(status).ok(),
            _ => None,
        };
        let status = read.filter(|status| *status == 0 || (100..1000).contains(status));
        status.unwrap_or_else(|| {
            let expected = "an HTTP status, or 0 without a reply";
            self.refuse(unfit(Field::Status, raw, expected));
            0
        })
    }

    fn lambda(&mut self) -> Option<Lambda> {
        let raw = self.get(Field::Lambda);
        let text = self.text(Field::Lambda)?;
        let named = |state: &Lambda| *text == *state.word() || *text == *state.symbol();
        let state = Lambda::ALL.iter().copied().find(named);
        if state.is_none() {
            let expected = "→, ←, <>, × or convergent, divergent, recursive, chaotic";
            self.refuse(unfit(Field::Lambda, raw, expected));
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_decimals_are_read_as_the_standard_library_reads_them(
            number in "(0|[1-9][0-9]{0,8})([.][0-9]{1,7})?"
        ) {
            let expected: f64 = number.parse().expect("a number");
            if let Some(read) = short_decimal(&number) {
                prop_assert_eq!(read.to_bits(), expected.to_bits());
            }
            let n_digits = number.bytes().filter(u8::is_ascii_digit).count();
            prop_assert_eq!(short_decimal(&number).is_some(), n_digits <= 15);
        }
    }

    #[test]
    fn other_numbers_are_left_to_the_standard_library() {
        for number in [
            "-1",
            "1e3",
            "1E-3",
            "",
            ".",
            "1234567890123456",
            "0.1234567890123456",
        ] {
            assert_eq!(short_decimal(number), None, "{number}");
        }
        assert_eq!(short_decimal("0.1"), Some(0.1));
        assert_eq!(short_decimal("100.4"), Some(100.4));
    }
}
