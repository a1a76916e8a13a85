//! Times of a log, read quickly.

use crate::units::Moment;

/// A time of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// Milliseconds since 1970, cut off towards the past.
    pub(super) ms: i64,
    /// Whether it says of which zone it is; one that does not is taken for UTC.
    pub(super) zoned: bool,
}

const DAY: i64 = 86_400_000;

/// Days that were read before, since most lines of a log share one.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    day: [u8; 10],
    start: i64,
}

impl Clock {
    /// Reads `2025-08-27T06:30:00.123Z`: with any number of decimals, a zone or none, and a space in
    /// place of the `T`.
    pub(super) fn read(&mut self, text: &str) -> Option<Time> {
        let bytes = text.as_bytes();
        let (day, rest) = bytes.split_first_chunk::<10>()?;
        if *day != self.day {
            self.start = midnight(text.get(..10)?)?;
            self.day = *day;
        }
        let (&[t, h1, h2, b':', m1, m2, b':', s1, s2], rest) = rest.split_first_chunk::<9>()?
        else {
            return None;
        };
        if !matches!(t, b'T' | b't' | b' ') {
            return None;
        }
        let (hour, minute, second) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
        // A leap second is the first moment of the next minute.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let (fraction, rest) = fraction(rest)?;
        let (offset, zoned) = offset(rest)?;
        let ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
        Some(Time {
            ms: self.start + ms - offset,
            zoned,
        })
    }
}

fn midnight(day: &str) -> Option<i64> {
    let moment: Moment = format!("{day}T00:00:00Z").parse().ok()?;
    let ms = moment.as_millisecond();
    (ms % DAY == 0).then_some(ms)
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

fn two(a: u8, b: u8) -> Option<i64> {
    Some(digit(a)? * 10 + digit(b)?)
}

/// Whole milliseconds, and what follows the decimals.
fn fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', rest)) = bytes.split_first() else {
        return Some((0, bytes));
    };
    let n = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if n == 0 {
        return None;
    }
    let at = |place: usize| {
        rest[..n]
            .get(place)
            .map_or(0, |byte| i64::from(byte - b'0'))
    };
    Some((at(0) * 100 + at(1) * 10 + at(2), &rest[n..]))
}

/// Milliseconds ahead of UTC, and whether a zone is given.
fn offset(bytes: &[u8]) -> Option<(i64, bool)> {
    let (sign, rest) = match bytes {
        [] => return Some((0, false)),
        [b'Z' | b'z'] | b" UTC" => return Some((0, true)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hour, minute) = match *rest {
        [a, b, b':', c, d] | [a, b, c, d] => (two(a, b)?, two(c, d)?),
        [a, b] => (two(a, b)?, 0),
        _ => return None,
    };
    if hour > 23 || minute > 59 {
        return None;
    }
    Some((sign * (hour * 60 + minute) * 60_000, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, bool)>) {
        let read = Clock::default().read(text);
        let expected = expected.map(|(moment, zoned)| Time {
            ms: moment.parse::<Moment>().expect("a moment").as_millisecond(),
            zoned,
        });
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn times_are_read_in_their_usual_spellings() {
        check("2025-08-27T06:30:00Z", Some(("2025-08-27T06:30:00Z", true)));
        check(
            "2025-08-27T08:30:00.1239+02:00",
            Some(("2025-08-27T06:30:00.123Z", true)),
        );
        check(
            "2025-08-26 23:30:00.5-0700",
            Some(("2025-08-27T06:30:00.5Z", true)),
        );
        check(
            "2023-11-16 18:17:03.9799600",
            Some(("2023-11-16T18:17:03.979Z", false)),
        );
        check("2024-02-29T23:59:60Z", Some(("2024-03-01T00:00:00Z", true)));
        for wrong in [
            "2025-02-29T00:00:00Z",
            "2025-08-27",
            "2025-08-27T24:00:00Z",
            "2025-08-27T06:60:00Z",
            "2025-08-27T06:30:00.Z",
            "2025-08-27T06:30:00 CET",
            "27.08.2025 06:30:00",
            "yesterday",
            "",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn one_clock_reads_many_days() {
        let mut clock = Clock::default();
        let mut read = |text: &str| clock.read(text).expect("a time").ms;
        let first = read("2025-08-27T23:59:59Z");
        assert_eq!(read("2025-08-28T00:00:00Z") - first, 1000);
        assert_eq!(read("2025-08-27T23:59:59Z"), first);
    }
}
