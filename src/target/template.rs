//! A request body with places for the question.

use serde_json::Value;
use thiserror::Error;

use crate::ids::{Form, QuestionId, Seed};
use crate::target::Query;
use crate::units::Cutoff;

/// What stands in for something in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Question,
    K,
    Vector,
    Seed,
    Form,
    QuestionId,
}

impl Placeholder {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Question, "question"),
        (Self::K, "k"),
        (Self::Vector, "vector"),
        (Self::Seed, "seed"),
        (Self::Form, "form"),
        (Self::QuestionId, "question_id"),
    ];
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Placeholder),
}

/// JSON with the placeholders `{question}`, `{k}`, `{vector}`, `{seed}`, `{form}` and `{question_id}`.
/// Texts are put in escaped and without quotes of their own, numbers and the vector as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// Why a text is no template.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// A name that stands for nothing.
    #[error(
        "`{{{0}}}` stands for nothing; known are {{question}}, {{k}}, {{vector}}, {{seed}}, {{form}} and {{question_id}}"
    )]
    Unknown(String),
    /// What comes out is not JSON.
    #[error("with a question put in it is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

impl Template {
    /// Reads a template, and tries it out once.
    ///
    /// # Errors
    /// If a placeholder is unknown, or the body would not be JSON.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            let inner = &rest[open + 1..];
            let end = inner.find(|c: char| !(c.is_ascii_lowercase() || c == '_'));
            let name = end.filter(|&end| end > 0 && inner[end..].starts_with('}'));
            if let Some(end) = name {
                let name = &inner[..end];
                let known = Placeholder::ALL.iter().find(|(_, known)| *known == name);
                let Some((place, _)) = known else {
                    return Err(TemplateError::Unknown(name.to_owned()));
                };
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Place(*place));
                rest = &inner[end + 1..];
            } else {
                plain.push('{');
                rest = inner;
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        let template = Self { pieces };
        let _: Value = serde_json::from_str(&template.render(&sample(), Some(&[0.5])))?;
        Ok(template)
    }

    /// Whether it has a place for the question's vector.
    pub fn wants_vector(&self) -> bool {
        self.pieces.contains(&Piece::Place(Placeholder::Vector))
    }

    /// The body for a question; without a vector, its place gets `null`.
    pub fn render(&self, query: &Query, vector: Option<&[f32]>) -> String {
        let mut body = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => body.push_str(text),
                Piece::Place(place) => body.push_str(&put(*place, query, vector)),
            }
        }
        body
    }
}

fn put(place: Placeholder, query: &Query, vector: Option<&[f32]>) -> String {
    match place {
        Placeholder::Question => escaped(&query.text),
        Placeholder::QuestionId => escaped(query.question.as_str()),
        Placeholder::K => query.k.to_string(),
        Placeholder::Seed => query.seed.0.to_string(),
        Placeholder::Form => query.form.0.to_string(),
        Placeholder::Vector => serde_json::to_string(&vector).expect("numbers have JSON"),
    }
}

/// A text as it stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).expect("a string has JSON");
    quoted[1..quoted.len() - 1].to_owned()
}

/// A question with every character that could break a body.
fn sample() -> Query {
    Query {
        question: QuestionId::new("q-1"),
        form: Form::ORIGINAL,
        seed: Seed(1),
        k: Cutoff::new(10).expect("positive"),
        text: "a \"quoted\" \\ line\n{k}".to_owned(),
        warm_up: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_question_stays_one_text_whatever_is_in_it() {
        let template = Template::parse(
            r#"{"q": "{question}", "size": {k}, "v": {vector}, "id": "{question_id}/{form}/{seed}"}"#,
        )
        .expect("a template");
        assert!(template.wants_vector());
        let body = template.render(&sample(), Some(&[0.5, -1.0]));
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            body,
            json!({ "q": "a \"quoted\" \\ line\n{k}", "size": 10, "v": [0.5, -1.0], "id": "q-1/0/1" })
        );
    }

    #[test]
    fn braces_of_json_are_no_placeholders() {
        let template = Template::parse(r#"{"match": {"text": "{question}"}, "none": {}}"#);
        assert!(!template.expect("a template").wants_vector());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let unknown = Template::parse(r#"{"q": "{query}"}"#).expect_err("unknown");
        assert!(unknown.to_string().contains("`{query}`"), "{unknown}");
        let bare = Template::parse(r#"{"q": {question}}"#).expect_err("not JSON");
        assert!(matches!(bare, TemplateError::NotJson(_)), "{bare}");
    }
}
