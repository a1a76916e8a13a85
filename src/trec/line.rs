//! The fields of one line.

use crate::trec::LineProblem;

/// Fields of a judgment of TREC: query, iteration, document, grade.
const JUDGMENT_FIELDS: usize = 4;
/// Fields of a judgment of BEIR: query, document, grade.
const BEIR_FIELDS: usize = 3;
/// Fields of a result: query, `Q0`, document, rank, score, tag.
const RESULT_FIELDS: usize = 6;

/// What files below a line of names call the grade; BEIR says `score`.
const GRADE_NAMES: [&str; 5] = ["score", "grade", "relevance", "rel", "label"];

/// Where a field stands in its line.
pub(super) type Span = (usize, usize);

/// What a line says: its query, its document and a value.
pub(super) struct Fields<V> {
    pub(super) query: Span,
    pub(super) document: Span,
    pub(super) value: V,
}

/// How the lines of a file are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `query iteration document grade`.
    Trec,
    /// `query document grade`, below a line of names.
    Beir,
}

impl Layout {
    /// Tells it by the first line that is no comment.
    pub(super) fn of(first: &str) -> Self {
        let fields: Vec<&str> = first.split_ascii_whitespace().collect();
        let grade = |name: &&str| GRADE_NAMES.contains(name);
        if fields.len() == BEIR_FIELDS && fields.last().is_some_and(grade) {
            Self::Beir
        } else {
            Self::Trec
        }
    }
}

/// Reads a judgment.
pub(super) fn judgment(line: &str, layout: Layout) -> Result<Fields<i32>, LineProblem> {
    let (query, document, grade) = match layout {
        Layout::Trec => {
            let [query, _, document, grade] = exactly::<JUDGMENT_FIELDS>(line)?;
            (query, document, grade)
        }
        Layout::Beir => {
            let [query, document, grade] = exactly::<BEIR_FIELDS>(line)?;
            (query, document, grade)
        }
    };
    let text = &line[grade.0..grade.1];
    let value = text
        .parse()
        .map_err(|_| LineProblem::Grade(text.to_owned()))?;
    Ok(Fields {
        query,
        document,
        value,
    })
}

/// Reads a result, and where its tag stands.
pub(super) fn result(line: &str) -> Result<(Fields<f64>, Span), LineProblem> {
    let (found, spans) = spans(line);
    let [query, _, document, rank, score, tag] = spans;
    // What stands behind the tag is reserved by `trec_eval` and passed over. A name with white space would move
    // the fields, which the rank betrays.
    let moved = || line[rank.0..rank.1].parse::<i64>().is_err();
    if found < RESULT_FIELDS || (found > RESULT_FIELDS && moved()) {
        return Err(LineProblem::Fields {
            found,
            expected: RESULT_FIELDS,
        });
    }
    let text = &line[score.0..score.1];
    let value = text
        .parse()
        .ok()
        .filter(|score: &f64| score.is_finite())
        .ok_or_else(|| LineProblem::Score(text.to_owned()))?;
    let fields = Fields {
        query,
        document,
        value,
    };
    Ok((fields, tag))
}

/// Where the fields of a line stand that has `N`.
fn exactly<const N: usize>(line: &str) -> Result<[Span; N], LineProblem> {
    let (found, spans) = spans(line);
    if found == N {
        Ok(spans)
    } else {
        Err(LineProblem::Fields { found, expected: N })
    }
}

/// How many fields a line has, and where the first `N` stand: runs of bytes that are no white space of ASCII.
fn spans<const N: usize>(line: &str) -> (usize, [Span; N]) {
    let bytes = line.as_bytes();
    let mut spans = [(0, 0); N];
    let mut found = 0;
    let mut at = 0;
    loop {
        while at < bytes.len() && is_space(bytes[at]) {
            at += 1;
        }
        if at == bytes.len() {
            break;
        }
        let start = at;
        while at < bytes.len() && !is_space(bytes[at]) {
            at += 1;
        }
        if let Some(span) = spans.get_mut(found) {
            *span = (start, at);
        }
        found += 1;
    }
    (found, spans)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_between_any_white_space() {
        let line = " 301\tQ0  d#1 7   -1.5e-3\trun";
        let (fields, tag) = result(line).expect("a result");
        assert_eq!(&line[fields.document.0..fields.document.1], "d#1");
        assert_eq!((fields.value, &line[tag.0..tag.1]), (-0.0015, "run"));
    }

    #[test]
    fn what_stands_behind_the_tag_is_passed_over_unless_the_fields_moved() {
        let behind = result("1 Q0 d 1 2.0 r for later").map(|(fields, _)| fields.value);
        assert_eq!(behind, Ok(2.0));
        assert!(result("1 Q0 a name 1 2.0 r").is_err());
    }

    #[test]
    fn what_is_no_row_says_what_is_wrong() {
        let wrong = |line: &str| result(line).err();
        let score = |text: &str| Some(LineProblem::Score(text.to_owned()));
        assert_eq!(wrong("1 Q0 d 1 NaN r"), score("NaN"));
        assert_eq!(wrong("1 Q0 d 1 inf r"), score("inf"));
        assert_eq!(wrong("1 Q0 d 1 1e999 r"), score("1e999"));
        assert_eq!(
            wrong("1 Q0 a d 1 2.0 r"),
            Some(LineProblem::Fields {
                found: 7,
                expected: 6
            })
        );
        let graded = judgment("1 0 d 1.5", Layout::Trec).err();
        assert_eq!(graded, Some(LineProblem::Grade("1.5".to_owned())));
    }

    #[test]
    fn a_line_of_three_names_begins_a_file_of_beir() {
        assert_eq!(Layout::of("query-id\tcorpus-id\tscore"), Layout::Beir);
        assert_eq!(Layout::of("1 0 d 1"), Layout::Trec);
        assert_eq!(Layout::of("1 d 1"), Layout::Trec);
    }
}
