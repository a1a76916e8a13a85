//! Making text from outside harmless.

use std::fmt::Write as _;

/// Text for a terminal or a plain file: control characters, escape sequences, bidirectional
/// overrides and line breaks become visible stand-ins, so that nothing moves the cursor, recolours
/// the screen, reorders a line or forges one.
///
/// ```
/// assert_eq!(ragstone::report::plain("a\u{1b}[31mb\nc"), "a␛[31mb⏎c");
/// ```
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\u{2028}' | '\u{2029}' => plain.push('⏎'),
            '\t' => plain.push(' '),
            // The Unicode "control pictures" stand 0x2400 above the controls they picture.
            '\0'..='\u{1f}' => {
                plain.push(char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => plain.push('␡'),
            _ if character.is_control() || reorders(character) => {
                let _ = write!(plain, "<U+{:04X}>", u32::from(character));
            }
            _ => plain.push(character),
        }
    }
    plain
}

/// Text for HTML, XML or Markdown, which keep line breaks and escape the rest themselves:
/// characters that no document may hold, or that reorder what a reader sees, become visible.
pub fn printable(text: &str) -> String {
    text.split('\n')
        .map(|line| plain(line.trim_end_matches('\r')))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Bidirectional embeddings, overrides, isolates and marks.
fn reorders(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_that_steers_a_terminal_is_left(text in any::<String>()) {
            prop_assert!(!plain(&text).chars().any(|c| c.is_control() || reorders(c)));
        }
    }
}
