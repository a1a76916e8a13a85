//! From the JSON of a service to a reply.

use serde_json::Value;

use crate::ids::SectionKey;
use crate::net::Secrets;
use crate::target::http::pointer::{Of, Pointer};
use crate::target::{Failure, Hit, OffsetUnit, Offsets, Origin, Reply, Stage};

/// Where everything stands in a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointers {
    /// The list of hits, best first.
    pub hits: Pointer,
    /// Within a hit.
    pub hit: HitPointers,
    /// The generated answer.
    pub answer: Option<Pointer>,
    /// A piece of the generated answer, in an event of a stream.
    pub delta: Option<Pointer>,
    /// What the answer rests on: a list of names.
    pub citations: Option<Pointer>,
    /// That the service declined to answer: true, or its words.
    pub refusal: Option<Pointer>,
    /// Whether the service had to start something first.
    pub cold_start: Option<Pointer>,
    /// That a tool behind the service failed, inside a reply that is a success otherwise.
    pub error: Option<Pointer>,
}

/// Where everything stands in a hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitPointers {
    /// Its own id.
    pub id: Pointer,
    /// The section it belongs to.
    pub section: SectionPointers,
    /// Its text.
    pub text: Pointer,
    /// Its score.
    pub score: Scores,
    /// First unit and one past the last, in its section.
    pub offsets: Option<(Pointer, Pointer)>,
    /// What offsets count.
    pub unit: OffsetUnit,
}

/// Where the section of a hit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionPointers {
    /// Document and section apart.
    Two(Pointer, Pointer),
    /// `document/section`, parted at the first slash.
    One(Pointer),
}

/// What a service says about how good a hit is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scores {
    /// A number that grows as hits get better.
    Higher(Pointer),
    /// A distance: its sign is turned.
    Lower(Pointer),
    /// Nothing: the hits are ordered best first, and the hit of rank `r` scores `1/r`.
    ByRank,
}

/// What has come so far, from one reply or from many events.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    hits: Option<Vec<Hit>>,
    answer: Option<String>,
    pieces: String,
    citations: Vec<String>,
    cold_start: Option<bool>,
}

impl Gathered {
    /// Takes what one value has; what an earlier one had of the same kind is replaced. Says whether a
    /// reader could use it: a piece of an answer, or hits.
    pub(super) fn take(&mut self, value: &Value, pointers: &Pointers) -> Result<bool, Failure> {
        declined(value, pointers)?;
        let at = |pointer: &Option<Pointer>| {
            let pointer = pointer.clone()?;
            let found = pointer.find(value)?;
            Some((pointer, found))
        };
        let mut usable = false;
        if let Some(found) = pointers.hits.find(value) {
            let hits = hits(found, pointers)?;
            usable |= !hits.is_empty();
            self.hits = Some(hits);
        }
        if let Some((pointer, found)) = at(&pointers.answer) {
            let answer = string(&pointer, found, Of::Reply)?;
            usable |= !answer.is_empty();
            self.answer = Some(answer);
        }
        if let Some((pointer, found)) = at(&pointers.delta) {
            let piece = string(&pointer, found, Of::Reply)?;
            usable |= !piece.is_empty();
            self.pieces.push_str(&piece);
        }
        if let Some((pointer, found)) = at(&pointers.citations) {
            self.citations = names(&pointer, found)?;
        }
        if let Some((pointer, found)) = at(&pointers.cold_start) {
            let wrong = || pointer.wrong(found, "true or false", Of::Reply);
            self.cold_start = Some(found.as_bool().ok_or_else(wrong)?);
        }
        Ok(usable)
    }

    /// The reply, once everything has come. A secret may have come in two pieces.
    pub(super) fn reply(
        self,
        pointers: &Pointers,
        status: u16,
        secrets: &Secrets,
    ) -> Result<Reply, Failure> {
        let hits = self.hits.ok_or_else(|| pointers.hits.missing(Of::Reply))?;
        let pieces = (!self.pieces.is_empty()).then(|| secrets.scrub(&self.pieces).into_owned());
        Ok(Reply {
            hits,
            answer: self.answer.or(pieces),
            citations: self.citations,
            cold_start: self.cold_start,
            status: Some(status),
            origin: Origin::Asked,
        })
    }
}

/// A service that says, inside a success, that it failed or declined.
fn declined(value: &Value, pointers: &Pointers) -> Result<(), Failure> {
    let error = pointers.error.as_ref().and_then(|error| error.find(value));
    if let Some(words) = error.and_then(said) {
        return Err(Failure::passing("tool_error", Stage::Tool, words));
    }
    let Some(pointer) = &pointers.refusal else {
        return Ok(());
    };
    match pointer.find(value) {
        None | Some(Value::Bool(false)) => Ok(()),
        Some(found @ (Value::Bool(true) | Value::String(_))) => match said(found) {
            Some(words) => Err(Failure::lasting("refused", Stage::Refused, words)),
            None => Ok(()),
        },
        Some(found) => Err(pointer.wrong(found, "true, false or words", Of::Reply)),
    }
}

/// How much of a service's own words is kept.
const QUOTED: usize = 300;

/// What a service says about itself, unless it says nothing.
fn said(value: &Value) -> Option<String> {
    let words = match value {
        Value::Null | Value::Bool(false) => return None,
        Value::Bool(true) => "the reply says so, without a reason".to_owned(),
        Value::String(words) => words.trim().to_owned(),
        other => other.to_string(),
    };
    (!words.is_empty()).then(|| words.chars().take(QUOTED).collect())
}

fn hits(found: &Value, pointers: &Pointers) -> Result<Vec<Hit>, Failure> {
    let wrong = || pointers.hits.wrong(found, "a list", Of::Reply);
    let list = found.as_array().ok_or_else(wrong)?;
    let hits = list.iter().enumerate();
    hits.map(|(index, value)| pointers.hit.read(value, index))
        .collect()
}

impl HitPointers {
    fn read(&self, value: &Value, index: usize) -> Result<Hit, Failure> {
        let of = Of::Hit(index);
        let name = |pointer: &Pointer| {
            let found = pointer.need(value, of)?;
            id(found).ok_or_else(|| pointer.wrong(found, "a string", of))
        };
        let section = match &self.section {
            SectionPointers::Two(document, section) => {
                SectionKey::new(name(document)?, name(section)?)
            }
            SectionPointers::One(pointer) => {
                let both = name(pointer)?;
                let (document, section) = both.split_once('/').ok_or_else(|| {
                    let message =
                        format!("`{pointer}`{of} has no slash between document and section");
                    Failure::lasting("field_type", Stage::Schema, message)
                })?;
                SectionKey::new(document, section)
            }
        };
        Ok(Hit {
            section,
            snippet_id: name(&self.id)?,
            score: self.score.read(value, index)?,
            text: string(&self.text, self.text.need(value, of)?, of)?,
            offsets: self.offsets(value, of)?,
        })
    }

    /// Both or neither.
    fn offsets(&self, value: &Value, of: Of) -> Result<Option<Offsets>, Failure> {
        let Some((start, end)) = &self.offsets else {
            return Ok(None);
        };
        if start.find(value).is_none() && end.find(value).is_none() {
            return Ok(None);
        }
        let place = |pointer: &Pointer| {
            let found = pointer.need(value, of)?;
            let place = found.as_u64().and_then(|place| usize::try_from(place).ok());
            place.ok_or_else(|| pointer.wrong(found, "a count from 0", of))
        };
        Ok(Some(Offsets {
            start: place(start)?,
            end: place(end)?,
            unit: self.unit,
        }))
    }
}

impl Scores {
    fn read(&self, value: &Value, index: usize) -> Result<f64, Failure> {
        let number = |pointer: &Pointer| {
            let of = Of::Hit(index);
            let found = pointer.need(value, of)?;
            found
                .as_f64()
                .ok_or_else(|| pointer.wrong(found, "a number", of))
        };
        match self {
            Self::Higher(pointer) => number(pointer),
            // Not a plain minus, which would make a negative zero of no distance.
            Self::Lower(pointer) => Ok(0.0 - number(pointer)?),
            Self::ByRank => Ok(1.0 / (index + 1) as f64),
        }
    }
}

/// Ids are strings; many stores count instead.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        _ => None,
    }
}

fn string(pointer: &Pointer, found: &Value, of: Of) -> Result<String, Failure> {
    let text = found.as_str().map(str::to_owned);
    text.ok_or_else(|| pointer.wrong(found, "a string", of))
}

fn names(pointer: &Pointer, found: &Value) -> Result<Vec<String>, Failure> {
    let list = found.as_array();
    let names = list.and_then(|list| list.iter().map(id).collect::<Option<Vec<_>>>());
    names.ok_or_else(|| pointer.wrong(found, "a list of strings", Of::Reply))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Pointer {
        text.parse().expect("a pointer")
    }

    fn pointers() -> Pointers {
        Pointers {
            hits: at("/hits"),
            hit: HitPointers {
                id: at("/id"),
                section: SectionPointers::Two(at("/doc"), at("/section")),
                text: at("/text"),
                score: Scores::Higher(at("/score")),
                offsets: Some((at("/from"), at("/to"))),
                unit: OffsetUnit::Byte,
            },
            answer: Some(at("/answer")),
            delta: Some(at("/delta")),
            citations: Some(at("/sources")),
            refusal: Some(at("/refusal")),
            cold_start: Some(at("/cold")),
            error: Some(at("/error")),
        }
    }

    fn read(pointers: &Pointers, events: &[Value]) -> Result<Reply, Failure> {
        let mut gathered = Gathered::default();
        for event in events {
            gathered.take(event, pointers)?;
        }
        gathered.reply(pointers, 200, &Secrets::default())
    }

    fn hit() -> Value {
        json!({"id": 7, "doc": "d", "section": "s", "text": "t", "score": 0.5, "from": 1, "to": 2})
    }

    #[track_caller]
    fn fails(event: Value, class: &str, stage: Stage, needle: &str) {
        let failure = read(&pointers(), &[event]).expect_err("a failure");
        assert_eq!((failure.class.as_str(), failure.stage), (class, stage));
        assert!(failure.message.contains(needle), "{}", failure.message);
    }

    #[track_caller]
    fn hit_fails(key: &str, value: Value, class: &str) {
        let mut wrong = hit();
        wrong[key] = value;
        let needle = format!("`/{key}` of hit 1");
        fails(
            json!({ "hits": [hit(), wrong] }),
            class,
            Stage::Schema,
            &needle,
        );
    }

    #[test]
    fn everything_is_found_where_it_was_said_to_be() {
        let reply = json!({
            "hits": [hit()], "answer": "An answer.", "sources": ["d/s", 4], "refusal": "",
            "cold": true, "error": null,
        });
        let reply = read(&pointers(), &[reply]).expect("a reply");
        let offsets = Offsets {
            start: 1,
            end: 2,
            unit: OffsetUnit::Byte,
        };
        assert_eq!(
            reply.hits,
            [Hit {
                section: SectionKey::new("d", "s"),
                snippet_id: "7".to_owned(),
                score: 0.5,
                text: "t".to_owned(),
                offsets: Some(offsets),
            }]
        );
        assert_eq!(reply.answer.as_deref(), Some("An answer."));
        assert_eq!(reply.citations, ["d/s", "4"]);
        assert_eq!((reply.cold_start, reply.status), (Some(true), Some(200)));
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named_with_its_hit() {
        for key in ["id", "doc", "section", "text", "score", "from"] {
            hit_fails(key, json!(null), "field_missing");
            hit_fails(key, json!({}), "field_type");
        }
        for (key, value) in [
            ("id", json!(1.5)),
            ("text", json!(7)),
            ("score", json!("NaN")),
            ("to", json!(-1)),
        ] {
            hit_fails(key, value, "field_type");
        }
        let schema = Stage::Schema;
        fails(json!({}), "field_missing", schema, "`/hits`");
        fails(json!({"hits": {}}), "field_type", schema, "an object");
        fails(json!({"cold": "yes"}), "field_type", schema, "`/cold`");
        fails(
            json!({"sources": "d/s"}),
            "field_type",
            schema,
            "`/sources`",
        );
    }

    #[test]
    fn a_service_that_failed_or_declined_is_believed() {
        let failed = json!({ "hits": [], "error": { "code": 7 } });
        fails(failed, "tool_error", Stage::Tool, "{\"code\":7}");
        fails(json!({"refusal": "no"}), "refused", Stage::Refused, "no");
        fails(json!({"refusal": true}), "refused", Stage::Refused, "");
        fails(json!({"refusal": 1}), "field_type", Stage::Schema, "");
        let sound = json!({ "hits": [], "error": "", "refusal": false });
        assert_eq!(read(&pointers(), &[sound]).expect("a reply").hits, []);
    }

    #[test]
    fn distances_are_turned_and_ranks_stand_in_for_scores() {
        let near = json!({ "hits": [hit(), hit()] });
        let scores = |score| {
            let mut pointers = pointers();
            pointers.hit.score = score;
            let reply = read(&pointers, std::slice::from_ref(&near)).expect("a reply");
            reply.hits.iter().map(|hit| hit.score).collect::<Vec<_>>()
        };
        assert_eq!(scores(Scores::Lower(at("/score"))), [-0.5, -0.5]);
        assert_eq!(scores(Scores::ByRank), [1.0, 0.5]);
    }

    #[test]
    fn a_section_in_one_is_parted_at_its_first_slash() {
        let mut pointers = pointers();
        pointers.hit.section = SectionPointers::One(at("/text"));
        let mut one = hit();
        one["text"] = json!("d/s/1");
        let reply = read(&pointers, &[json!({ "hits": [one] })]).expect("a reply");
        assert_eq!(reply.hits[0].section, SectionKey::new("d", "s/1"));
        let failure = read(&pointers, &[json!({ "hits": [hit()] })]).expect_err("no slash");
        assert_eq!(failure.class, "field_type");
    }

    #[test]
    fn events_add_up_and_the_last_of_a_kind_counts() {
        let events = [
            json!({"delta": "An "}),
            json!({"hits": [], "delta": null}),
            json!({"delta": "answer.", "sources": ["a"]}),
            json!({"hits": [hit()], "sources": ["b"]}),
        ];
        let reply = read(&pointers(), &events).expect("a reply");
        assert_eq!(reply.answer.as_deref(), Some("An answer."));
        assert_eq!(
            (reply.hits.len(), reply.citations),
            (1, vec!["b".to_owned()])
        );
    }
}
