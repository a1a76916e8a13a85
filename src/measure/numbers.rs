//! The numbers that an answer states.

use std::collections::BTreeSet;

use crate::measure::citations::without_markers;

/// Blanks that some languages write between the thousands. An ordinary blank is none of them, since
/// it also parts "in 2020 100 nodes".
const THIN_BLANKS: &[char] = &['\u{a0}', '\u{2009}', '\u{202f}'];

/// The numbers of an answer outside its citation markers, sorted; one that is said twice is there
/// twice.
///
/// A number is a word with an ASCII digit in it, in lower case, with its sign, decimals, percent
/// and attached letters. Two spellings are one number only where nobody could read them as two:
///
/// - thousands: `1,000` and `1 000` (no-break or thin blank) are `1000`; `1,5` is two numbers, and
///   `1.000` stays as it is, since half the world reads it as a thousand;
/// - a fraction of zeros: `$35.00` is `35`, but `3.10` is not `3.1`, which may be a version;
/// - percent: `5 %`, `5%` and `5 percent` are `5%`, which is not `5`;
/// - letters: `16GB`, `v2.1` and `3rd` keep them; a unit or currency apart is not compared.
///
/// The ordinals of a numbered list are numbers too: a step that was lost is a difference. Numbers
/// in words ("three") are not read.
///
/// ```
/// use ragstone::measure::numbers;
/// assert_eq!(numbers("1,000 of 2 000 nodes [3], 12.50 % of $1000.00"), ["000", "1000", "1000", "12.50%", "2"]);
/// ```
pub fn numbers(answer: &str) -> Vec<String> {
    let text = without_markers(answer);
    let mut found: Vec<String> = text.lines().flat_map(in_line).collect();
    found.sort_unstable();
    found
}

/// The numbers of an answer without the ordinals of its numbered lists, which count lines and state
/// nothing.
pub(super) fn stated_numbers(answer: &str) -> Vec<String> {
    let text = without_markers(answer);
    let ordinals: BTreeSet<u32> = text.lines().filter_map(ordinal).map(|(n, _)| n).collect();
    let of_list = |n: u32| match n {
        1 => ordinals.contains(&2),
        _ => ordinals.contains(&n.wrapping_sub(1)),
    };
    let lines = text.lines().map(|line| match ordinal(line) {
        Some((n, rest)) if of_list(n) => rest,
        _ => line,
    });
    lines.flat_map(in_line).collect()
}

/// The ordinal that a line begins with, as `2.` or `**2)**`, and what follows it.
fn ordinal(line: &str) -> Option<(u32, &str)> {
    let line = line.trim_start_matches([' ', '\t', '*', '#', '>']);
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = line[digits..].strip_prefix(['.', ')'])?;
    let follows = rest.starts_with([' ', '\t', '*']) && !rest.trim().is_empty();
    let n = line[..digits].parse().ok().filter(|_| digits <= 3)?;
    follows.then_some((n, rest))
}

fn in_line(line: &str) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        if is_word(characters[at]) {
            let end = end_of_number(&characters, at);
            let token = &characters[at..end];
            if token.iter().any(char::is_ascii_digit) {
                found.push(canonical(&characters, at, end));
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn end_of_word(characters: &[char], start: usize) -> usize {
    let length = characters[start..].iter().take_while(|&&c| is_word(c));
    start + length.count()
}

/// Past a word, and past the groups of thousands and the dotted parts that belong to it if it holds
/// a digit.
fn end_of_number(characters: &[char], start: usize) -> usize {
    let mut end = end_of_word(characters, start);
    let head = &characters[start..end];
    if !head.iter().any(char::is_ascii_digit) {
        return end;
    }
    if head.len() <= 3 && head.iter().all(char::is_ascii_digit) {
        while let Some(after) = end_of_group(characters, end) {
            end = after;
        }
    }
    while characters.get(end) == Some(&'.')
        && characters.get(end + 1).is_some_and(char::is_ascii_digit)
    {
        end = end_of_word(characters, end + 1);
    }
    end
}

/// Past a separator and exactly three digits.
fn end_of_group(characters: &[char], at: usize) -> Option<usize> {
    let separator = *characters.get(at)?;
    let end = at + 4;
    let digits = characters.get(at + 1..end)?;
    let whole = (separator == ',' || THIN_BLANKS.contains(&separator))
        && digits.iter().all(char::is_ascii_digit)
        && !characters.get(end).is_some_and(|&c| is_word(c));
    whole.then_some(end)
}

/// The one spelling of the number at `[start, end)`.
fn canonical(characters: &[char], start: usize, end: usize) -> String {
    let token: String = characters[start..end]
        .iter()
        .filter(|&&c| c != ',' && !THIN_BLANKS.contains(&c))
        .flat_map(|c| c.to_lowercase())
        .collect();
    let (lead, whole) = match before(characters, start, 1) {
        // A fraction without its zero: `.5`.
        Some('.') if !before(characters, start, 2).is_some_and(is_word) => (start - 1, "0."),
        _ => (start, ""),
    };
    let token = format!("{whole}{token}");
    let number = match token.split_once('.') {
        Some((units, zeros))
            if zeros.len() != 3
                && zeros.chars().all(|c| c == '0')
                && units.chars().all(|c| c.is_ascii_digit()) =>
        {
            units
        }
        _ => token.as_str(),
    };
    let sign = if is_negative(characters, lead) {
        "-"
    } else {
        ""
    };
    let percent = if is_percent(&characters[end..]) {
        "%"
    } else {
        ""
    };
    format!("{sign}{number}{percent}")
}

/// The character that stands `n` before the one at `at`.
fn before(characters: &[char], at: usize, n: usize) -> Option<char> {
    at.checked_sub(n).map(|index| characters[index])
}

/// Whether a minus stands before the number or its currency, and is not the dash of a range or a
/// compound.
fn is_negative(characters: &[char], start: usize) -> bool {
    let currency = before(characters, start, 1).is_some_and(|c| "$€£¥".contains(c));
    let start = start - usize::from(currency);
    let minus = matches!(before(characters, start, 1), Some('-' | '\u{2212}'));
    let apart =
        before(characters, start, 2).is_none_or(|c| c.is_whitespace() || "([{=<>:,".contains(c));
    minus && apart
}

fn is_percent(after: &[char]) -> bool {
    let blank = after.first().is_some_and(|c| c.is_whitespace());
    let after = &after[usize::from(blank)..];
    let begins = |word: &str| {
        let end = word.chars().count();
        word.chars().eq(after.iter().take(end).copied())
            && !after.get(end).is_some_and(|&c| is_word(c))
    };
    after.first() == Some(&'%') || (blank && (begins("percent") || begins("per cent")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: &[&str]) {
        assert_eq!(numbers(answer), expected, "{answer}");
    }

    #[test]
    fn one_number_has_one_spelling() {
        check("1,000", &["1000"]);
        check("1\u{202f}000\u{202f}000", &["1000000"]);
        check("$35.00", &["35"]);
        check("12,345.60", &["12345.60"]);
        check(".5 and 0.5", &["0.5", "0.5"]);
        check("5 %, 5% and 5 percent", &["5%", "5%", "5%"]);
        check("-$5, \u{2212}5 and (-5)", &["-5", "-5", "-5"]);
        check("16GB and 16gb", &["16gb", "16gb"]);
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_kept() {
        check("1,5", &["1", "5"]);
        check("1.000", &["1.000"]);
        check("3.10 and 3.1", &["3.1", "3.10"]);
        check("10,00,000", &["00000", "10"]);
        check("1.2.3 and 192.168.0.1", &["1.2.3", "192.168.0.1"]);
        check("v2.1, utf8, 5k", &["5k", "utf8", "v2.1"]);
        check("20-30 and covid-19", &["19", "20", "30"]);
        check("2020 100", &["100", "2020"]);
    }

    #[test]
    fn citations_are_no_numbers() {
        check("Drain 3 queues [1] [a.pdf#page=7].", &["3"]);
        check("", &[]);
    }

    #[test]
    fn the_ordinals_of_a_list_are_compared_and_state_nothing() {
        let steps = "1. Stop\n2. Wait 5 minutes\n3) Go";
        check(steps, &["1", "2", "3", "5"]);
        assert_eq!(stated_numbers(steps), ["5"]);
        assert!(stated_numbers("**1.** Stop\n**2.** Go").is_empty());
        assert_eq!(stated_numbers("42."), ["42"]);
        assert_eq!(stated_numbers("12. That is the limit."), ["12"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>()) {
            let found = numbers(&text);
            prop_assert!(found.iter().all(|number| number.contains(|c: char| c.is_ascii_digit())));
        }

        #[test]
        fn thousands_may_be_parted_or_not(n in 1_000_u32..1_000_000_000) {
            let plain = n.to_string();
            let mut parted = String::new();
            for (index, digit) in plain.chars().enumerate() {
                if index > 0 && (plain.len() - index) % 3 == 0 {
                    parted.push(',');
                }
                parted.push(digit);
            }
            let text = format!("It takes {parted} ms.");
            prop_assert_eq!(numbers(&text), [plain]);
        }
    }
}
