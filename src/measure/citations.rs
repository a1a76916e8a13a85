//! Citation markers in the text of an answer: `[handbook.pdf#page=3]`, `[1]`, `[2, 5]`.

use std::ops::Range;

/// Characters of code, quotations and mark-up, which no name of a source holds.
const NEVER_IN_A_NAME: &[char] = &['"', '\'', '`', '<', '>', '{', '}', '(', ')', '|', '\\', '*'];

/// One pair of brackets that cites.
pub(super) struct Marker {
    /// Where it stands in the text, in bytes, brackets included.
    pub(super) range: Range<usize>,
    /// What it cites, in its order.
    pub(super) sources: Vec<String>,
}

/// The citations of an answer in the order of its text, repeats included.
///
/// Read are square brackets and the brackets 【…】 around numbers (`[1]`, `[^1]`, `[2, 5]`), names
/// with a digit (`[doc3]`), files, paths and URLs (`[plan.pdf#page=3]`), and lists of these. Not
/// read: the text of a Markdown link, brackets in code (between backticks), and remarks in plain
/// words (`[optional]`).
///
/// ```
/// use ragstone::measure::citations;
/// assert_eq!(citations("Drain it [a.pdf#page=3]. Then wait [1, 2] [sic]."), ["a.pdf#page=3", "1", "2"]);
/// ```
pub fn citations(answer: &str) -> Vec<String> {
    markers(answer)
        .into_iter()
        .flat_map(|marker| marker.sources)
        .collect()
}

/// Whether a citation is a number, hence a place in a list that stands elsewhere.
pub(super) fn is_number(citation: &str) -> bool {
    citation.chars().all(|c| c.is_ascii_digit())
}

/// The text with a blank in place of each marker.
pub(super) fn without_markers(answer: &str) -> String {
    let mut rest = String::with_capacity(answer.len());
    let mut end_before = 0;
    for marker in markers(answer) {
        rest.push_str(&answer[end_before..marker.range.start]);
        rest.push(' ');
        end_before = marker.range.end;
    }
    rest.push_str(&answer[end_before..]);
    rest
}

/// The markers of a text, from left to right. Time `O(length)`.
pub(super) fn markers(answer: &str) -> Vec<Marker> {
    let code = code(answer);
    let in_code = |at: usize| {
        let next = code.partition_point(|range| range.end <= at);
        code.get(next).is_some_and(|range| range.contains(&at))
    };
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    for (at, character) in answer.char_indices() {
        match character {
            '[' | '【' if !in_code(at) => open = Some((at, character)),
            ']' | '】' => {
                if let Some((start, bracket)) = open.take()
                    && closes(bracket, character)
                    && let end = at + character.len_utf8()
                    && let inside = &answer[start + bracket.len_utf8()..at]
                    && let Some(sources) = sources(inside)
                    && !is_link(&answer[end..], &sources)
                {
                    let range = start..end;
                    found.push(Marker { range, sources });
                }
            }
            '\n' => open = None,
            _ => {}
        }
    }
    found
}

fn closes(open: char, close: char) -> bool {
    matches!((open, close), ('[', ']') | ('【', '】'))
}

/// `[words](address)` is a link; `[1](address)` is a citation that can be clicked.
fn is_link(after: &str, sources: &[String]) -> bool {
    after.starts_with('(') && !sources.iter().all(|source| is_number(source))
}

/// What brackets cite; `None` if a part of them names no source.
fn sources(inside: &str) -> Option<Vec<String>> {
    inside
        .split([',', ';'])
        .map(|part| {
            let words: Vec<&str> = part.split_whitespace().collect();
            let name = words.join(" ");
            let name = name.strip_prefix('^').unwrap_or(&name);
            names_a_source(name).then(|| name.to_owned())
        })
        .collect()
}

fn names_a_source(name: &str) -> bool {
    if name.contains(NEVER_IN_A_NAME) || !name.contains(char::is_alphanumeric) {
        return false;
    }
    let has_words = name.contains(' ');
    let has_digit = name.contains(|c: char| c.is_ascii_digit());
    let is_path = name.contains(['/', '#', '†']);
    is_path || has_extension(name) || (has_digit && !has_words)
}

/// Whether a dot is followed by letters at once, as in `Benefit Options.pdf`.
fn has_extension(name: &str) -> bool {
    name.split('.')
        .skip(1)
        .any(|part| part.starts_with(char::is_alphabetic))
}

/// The stretches of code: from a run of backticks to the next run of the same length.
fn code(text: &str) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    let mut found = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for run in runs {
        match open.take() {
            Some(start) if start.len() == run.len() => found.push(start.start..run.end),
            Some(start) => open = Some(start),
            None => open = Some(run),
        }
    }
    // A run that is never closed opens nothing, as in CommonMark.
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: &[&str]) {
        assert_eq!(citations(answer), expected, "{answer}");
    }

    #[test]
    fn sources_in_brackets_are_citations() {
        check("It is 5 [plan.pdf#page=3].", &["plan.pdf#page=3"]);
        check("Both [1][2] and [3, 4; 5].", &["1", "2", "3", "4", "5"]);
        check("A note[^7].", &["7"]);
        check("Clickable [1](https://example.com).", &["1"]);
        check("[[1]](https://example.com)", &["1"]);
        check(
            "[Benefit  Options.pdf#page=2]",
            &["Benefit Options.pdf#page=2"],
        );
        check(
            "[doc3] [handbook/drain] [https://example.com/a]",
            &["doc3", "handbook/drain", "https://example.com/a"],
        );
        check("As told【4:0†source】", &["4:0†source"]);
    }

    #[test]
    fn other_brackets_are_not() {
        check("[optional] [sic] [] [ ] [x]", &[]);
        check("[WinError 5] and [Errno 12]", &[]);
        check("[the plan.pdf](https://example.com)", &[]);
        check("`row[0]` and ```\ncolumns[1, 2]\n```", &[]);
        check("df[\"price.usd\"]", &[]);
        check("[1\n] [2", &[]);
        check("[1】", &[]);
    }

    #[test]
    fn a_lone_backtick_opens_no_code() {
        check("it`s [1]", &["1"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_its_markers_do_not_overlap(text in r"[\[\]【】`ab1 .,#\n(é]{0,40}") {
            let markers = markers(&text);
            prop_assert!(markers.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
            prop_assert!(markers.iter().all(|marker| !marker.sources.is_empty()));
            prop_assert!(citations(&without_markers(&text)).len() <= citations(&text).len());
        }
    }
}
