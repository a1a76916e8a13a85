//! Numbers that carry their meaning.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many ranks are looked at, at least 1: the `k` of a request and of `recall@k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cutoff(NonZeroUsize);

impl Cutoff {
    /// `None` for 0, since a cut-off of no rank measures nothing.
    pub fn new(k: usize) -> Option<Self> {
        NonZeroUsize::new(k).map(Self)
    }

    /// The number of ranks.
    pub fn get(self) -> usize {
        self.0.get()
    }
}

impl fmt::Display for Cutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A probability with which a one-sided bound holds, in (0, 1).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidence(f64);

impl Confidence {
    /// The 95 % of STATISTICS.md.
    pub const P95: Self = Self(0.95);

    /// `None` outside (0, 1).
    pub fn new(level: f64) -> Option<Self> {
        (level > 0.0 && level < 1.0).then_some(Self(level))
    }

    /// The level, in (0, 1).
    pub fn get(self) -> f64 {
        self.0
    }

    /// What is left for error: 1 − level.
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }
}

/// A day of the calendar (UTC), written `2026-12-31`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("format" = "date", "pattern" = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))]
pub struct Day(jiff::civil::Date);

/// Why a text names no day.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no day: write it as 2026-12-31")]
pub struct NotADay(String);

impl FromStr for Day {
    type Err = NotADay;

    /// The calendar's other spellings, such as `20261231` or a time after the day, are refused.
    fn from_str(text: &str) -> Result<Self, NotADay> {
        let day = text.parse().map(Self).ok();
        day.filter(|day| text.len() == "2026-12-31".len() && day.to_string() == text)
            .ok_or_else(|| NotADay(text.to_owned()))
    }
}

impl TryFrom<String> for Day {
    type Error = NotADay;

    fn try_from(text: String) -> Result<Self, NotADay> {
        text.parse()
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.to_string()
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A moment (UTC), written `2026-12-31T23:59:59Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(jiff::Timestamp);

/// Why a text names no moment.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no moment: write it as 2026-12-31T23:59:59Z")]
pub struct NotAMoment(String);

impl Moment {
    /// `None` beyond the year 9999.
    pub fn from_millisecond(ms: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(ms).ok().map(Self)
    }

    /// Milliseconds since 1970, what is left of one cut off towards the past.
    pub fn as_millisecond(self) -> i64 {
        self.0.as_nanosecond().div_euclid(1_000_000) as i64
    }

    /// Seconds from an earlier moment to this one, to the nanosecond over some months; negative if it
    /// is the later one.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.0.as_nanosecond() - earlier.0.as_nanosecond()) as f64 / 1e9
    }

    /// Minutes from an earlier moment to this one; negative if it is the later one.
    pub fn minutes_since(self, earlier: Self) -> f64 {
        (self.0.as_second() - earlier.0.as_second()) as f64 / 60.0
    }
}

impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        text.parse()
            .map(Self)
            .map_err(|_| NotAMoment(text.to_owned()))
    }
}

impl TryFrom<String> for Moment {
    type Error = NotAMoment;

    fn try_from(text: String) -> Result<Self, NotAMoment> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_minutes_apart() {
        let moment = |text: &str| text.parse::<Moment>().expect("a moment");
        let (early, late) = (
            moment("2026-11-20T23:30:00Z"),
            moment("2026-11-21T00:45:30Z"),
        );
        assert_eq!(late.minutes_since(early), 75.5);
        assert_eq!(late.to_string(), "2026-11-21T00:45:30Z");
        assert!("yesterday".parse::<Moment>().is_err());
    }

    #[test]
    fn a_day_is_one_of_the_calendar() {
        let day = |text: &str| text.parse::<Day>();
        assert_eq!(
            day("2028-02-29").expect("a leap day").to_string(),
            "2028-02-29"
        );
        assert!(day("2026-12-31").expect("a day") < day("2027-01-01").expect("a day"));
        for wrong in [
            "2026-02-29",
            "31.12.2026",
            "20261231",
            "2026-12-31T12:00",
            "tomorrow",
            "",
        ] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
    }
}
