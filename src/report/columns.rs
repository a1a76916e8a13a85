//! Text that stays within the columns of a terminal.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands for what was left out.
const ELLIPSIS: &str = "…";

/// How many columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// At most `columns` columns of a text, its end left out.
pub(super) fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    beginning(text.graphemes(true), columns.saturating_sub(1)) + ELLIPSIS
}

/// At most `columns` columns of a name, its middle left out: what tells two long names apart often
/// stands at their ends.
pub(super) fn clip_middle(name: &str, columns: usize) -> String {
    if width(name) <= columns {
        return name.to_owned();
    }
    let room = columns.saturating_sub(1);
    let end = beginning(name.graphemes(true).rev(), room / 2);
    let end: String = end.graphemes(true).rev().collect();
    beginning(name.graphemes(true), room - room / 2) + ELLIPSIS + &end
}

/// The first graphemes that together take at most `columns`.
fn beginning<'a>(graphemes: impl Iterator<Item = &'a str>, columns: usize) -> String {
    let mut text = String::new();
    let mut taken = 0;
    for grapheme in graphemes {
        taken += width(grapheme);
        if taken > columns {
            break;
        }
        text.push_str(grapheme);
    }
    text
}

/// A text clipped and filled up to exactly `columns`, standing at the left.
pub(super) fn left(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    let fill = columns.saturating_sub(width(&text));
    text + &" ".repeat(fill)
}

/// A text clipped and filled up to exactly `columns`, standing at the right.
pub(super) fn right(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    " ".repeat(columns.saturating_sub(width(&text))) + &text
}

/// A text in lines of at most `columns`, broken between words; a longer word is clipped.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = clip(word, columns);
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(&word) <= columns => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_keep_both_ends_and_texts_their_beginning() {
        assert_eq!(clip("a long text", 7), "a long…");
        assert_eq!(clip_middle("eu-west-2-of-the-follower", 11), "eu-we…lower");
        assert_eq!(clip_middle("eu-west", 7), "eu-west");
        assert_eq!([left("ab", 4), right("ab", 4)], ["ab  ", "  ab"]);
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(left("索引", 5), "索引 ");
        assert_eq!(left("索引重建", 5), "索引…");
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_columns(text in "\\PC*", columns in 1_usize..40) {
            prop_assert!(width(&clip_middle(&text, columns)) <= columns);
            prop_assert_eq!(width(&left(&text, columns)), columns);
            prop_assert_eq!(width(&right(&text, columns)), columns);
            prop_assert!(wrap(&text, columns).iter().all(|line| width(line) <= columns));
        }
    }
}
