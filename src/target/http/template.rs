//! Texts with placeholders: the URL, header values and body of a request.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::target::Query;

/// What RFC 3986 calls unreserved stays as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The wording.
    Question,
    /// The question's id.
    QuestionId,
    /// How many hits are wanted.
    K,
    /// The seed.
    Seed,
    /// Which wording, from 0.
    Form,
    /// The wording's vector, a list of numbers.
    Vector,
}

impl Placeholder {
    const ALL: [(&str, Self); 6] = [
        ("{question}", Self::Question),
        ("{question_id}", Self::QuestionId),
        ("{k}", Self::K),
        ("{seed}", Self::Seed),
        ("{form}", Self::Form),
        ("{vector}", Self::Vector),
    ];
}

/// How a value is written into a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escaping {
    /// As the content of a JSON string, or as a JSON number or list.
    Json,
    /// Every byte that is not unreserved as `%XX`: for URLs and header values.
    Percent,
}

/// A text with placeholders. A brace that belongs to no placeholder is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Placeholder),
}

impl Template {
    /// Reads a template; every text is one.
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let (mut rest, mut plain) = (text, String::new());
        while let Some(first) = rest.chars().next() {
            let known = Placeholder::ALL
                .iter()
                .find(|(name, _)| rest.starts_with(name));
            let Some((name, value)) = known else {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Value(*value));
            rest = &rest[name.len()..];
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Self(parts)
    }

    /// Whether it holds this placeholder.
    pub fn asks_for(&self, value: Placeholder) -> bool {
        self.0.contains(&Part::Value(value))
    }

    /// Whether it holds no placeholder at all.
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The text for one query. What is put in is not searched for placeholders again.
    pub fn render(&self, query: &Query, vector: &[f32], escaping: Escaping) -> String {
        let mut text = String::new();
        for part in &self.0 {
            let value = match part {
                Part::Text(plain) => {
                    text.push_str(plain);
                    continue;
                }
                Part::Value(value) => value,
            };
            let _ = match value {
                Placeholder::Question => write!(text, "{}", escaped(&query.text, escaping)),
                Placeholder::QuestionId => {
                    write!(text, "{}", escaped(query.question.as_str(), escaping))
                }
                Placeholder::K => write!(text, "{}", query.k),
                Placeholder::Seed => write!(text, "{}", query.seed.0),
                Placeholder::Form => write!(text, "{}", query.form.0),
                Placeholder::Vector => {
                    let list = serde_json::to_string(vector).expect("numbers have JSON");
                    match escaping {
                        Escaping::Json => write!(text, "{list}"),
                        Escaping::Percent => write!(text, "{}", escaped(&list, escaping)),
                    }
                }
            };
        }
        text
    }
}

fn escaped(text: &str, escaping: Escaping) -> String {
    match escaping {
        Escaping::Json => {
            let quoted = serde_json::to_string(text).expect("a string has JSON");
            quoted[1..quoted.len() - 1].to_owned()
        }
        Escaping::Percent => utf8_percent_encode(text, UNRESERVED).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{Form, QuestionId, Seed};
    use crate::units::Cutoff;

    fn query(text: &str) -> Query {
        Query {
            question: QuestionId::new("q/1"),
            form: Form(2),
            seed: Seed(7),
            k: Cutoff::new(5).expect("positive"),
            text: text.to_owned(),
            repeat: false,
            warm_up: false,
        }
    }

    #[track_caller]
    fn check(template: &str, escaping: Escaping, expected: &str) {
        let query = query("a \"b\"?\n{k}");
        let text = Template::new(template).render(&query, &[0.5, -1.0], escaping);
        assert_eq!(text, expected);
    }

    #[test]
    fn placeholders_are_replaced_and_other_braces_stay() {
        check(
            r#"{"q":"{question}","n":{k},"s":{seed},"f":{form},"id":"{question_id}","v":{vector},"x":{"y":{}}}"#,
            Escaping::Json,
            r#"{"q":"a \"b\"?\n{k}","n":5,"s":7,"f":2,"id":"q/1","v":[0.5,-1.0],"x":{"y":{}}}"#,
        );
        check("{{k}} {K} {question", Escaping::Json, "{5} {K} {question");
        check(
            "/s/{question_id}?q={question}&k={k}",
            Escaping::Percent,
            "/s/q%2F1?q=a%20%22b%22%3F%0A%7Bk%7D&k=5",
        );
    }

    #[test]
    fn a_template_knows_what_it_asks_for() {
        let template = Template::new("{vector}{k}");
        assert!(template.asks_for(Placeholder::Vector) && !template.asks_for(Placeholder::Seed));
        assert!(Template::new("{}").is_plain() && !template.is_plain());
    }

    proptest! {
        #[test]
        fn any_wording_survives_json_and_urls(text in any::<String>()) {
            let asked = query(&text);
            let json = Template::new(r#"{"q": "{question}"}"#).render(&asked, &[], Escaping::Json);
            let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            prop_assert_eq!(json["q"].as_str(), Some(text.as_str()));
            let url = Template::new("http://h/?q={question}#f").render(&asked, &[], Escaping::Percent);
            let url = reqwest::Url::parse(&url).expect("a URL");
            let (_, value) = url.query_pairs().next().expect("a pair");
            prop_assert_eq!(value.as_ref(), text.as_str());
            prop_assert_eq!(url.fragment(), Some("f"));
        }
    }
}
