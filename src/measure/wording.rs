//! An answer's words without their typography.

use unicode_normalization::UnicodeNormalization;

use crate::measure::citations::markers;

/// Punctuation that ends a word and takes no blank before it.
const CLOSING: &[char] = &[',', '.', ';', ':', '!', '?', ')', ']', '}'];
/// Brackets that take no blank after them.
const OPENING: &[char] = &['(', '[', '{'];

/// An answer in lower case, in normal form C, with straight quotation marks, one blank where there
/// was white space, and none before closing punctuation, after an opening bracket or before a
/// citation marker. Citation markers keep their letters, since names of files differ by case.
///
/// The normal form is C and not KC: KC turns `10²` into `102` and `½` into `1⁄2`, which would make
/// different statements equal. Punctuation itself stays, and so do blanks that part a sign, a dot
/// or a slash from the word behind it (`- 5`, `cd ..`, `the .env file`).
///
/// ```
/// use ragstone::measure::normalised;
/// assert_eq!(normalised("Drain  the queue , [A.pdf] ( once )!\n"), "drain the queue,[A.pdf] (once)!");
/// ```
pub fn normalised(answer: &str) -> String {
    let mut text = String::with_capacity(answer.len());
    let mut end_before = 0;
    for marker in markers(answer) {
        append(&mut text, &fold(&answer[end_before..marker.range.start]));
        text.push_str(&answer[marker.range.clone()]);
        end_before = marker.range.end;
    }
    append(&mut text, &fold(&answer[end_before..]));
    text
}

/// Adds the words of a stretch between two markers, each after a blank where it had white space
/// before it and does not close.
fn append(text: &mut String, stretch: &str) {
    let mut apart = stretch.starts_with(char::is_whitespace);
    for word in stretch.split_whitespace() {
        let closes = word.trim_start_matches(CLOSING).is_empty();
        if apart && !closes && !text.is_empty() && !text.ends_with(OPENING) {
            text.push(' ');
        }
        text.push_str(word);
        apart = true;
    }
}

/// Lower case in normal form C. Lower-casing can leave the normal form, hence the second pass.
fn fold(text: &str) -> String {
    let lower = text.nfc().collect::<String>().to_lowercase();
    lower
        .nfc()
        .map(|character| match character {
            '\u{2018}' | '\u{2019}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn same(a: &str, b: &str) {
        assert_eq!(normalised(a), normalised(b));
    }

    #[track_caller]
    fn differ(a: &str, b: &str) {
        assert_ne!(normalised(a), normalised(b));
    }

    #[test]
    fn typography_is_no_difference() {
        same("Drain the queue.", " drain\u{a0}the\r\nQUEUE .\n");
        same("caf\u{e9}", "cafe\u{301}");
        same(
            "the \u{201c}queue\u{201d} isn\u{2019}t",
            "the \"queue\" isn't",
        );
        same("wait ( 5 minutes )", "wait (5 minutes)");
        same("Wait [a.pdf] .", "wait[a.pdf].");
        same("Wait , [a.pdf] then go", "wait,[a.pdf] then go");
    }

    #[test]
    fn words_numbers_and_sources_are_a_difference() {
        differ("10\u{b2}", "102");
        differ("[A.pdf]", "[a.pdf]");
        differ("1 .5", "1.5");
        differ("- 5", "-5");
        differ("wait", "wait!");
        differ("rm -rf ./ tmp", "rm -rf ./tmp");
    }

    proptest! {
        #[test]
        fn white_space_and_case_are_no_difference(words in prop::collection::vec("[a-z]{1,6}[,.;]?", 1..12), gaps in prop::collection::vec("[ \t\n\u{a0}]{1,3}", 12)) {
            let spread: String = words.iter().zip(&gaps).flat_map(|(word, gap)| [word.to_uppercase(), gap.clone()]).collect();
            prop_assert_eq!(normalised(&spread), normalised(&words.join(" ")));
        }
    }
}
