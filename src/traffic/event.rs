//! The events of a drill, as its log states them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize};

use crate::units::Moment;

/// One line of a drill log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Ragstone drill event")]
pub struct Event {
    /// When it happened, RFC 3339 with `Z` or an offset from UTC.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub ts: Moment,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
    /// Whether a generator wrote it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

/// What happens in a drill, told apart by `event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// It was decided to leave a region: the drill begins.
    EvacuateDecided {
        /// The region that is left.
        region: String,
    },
    /// All traffic goes to the survivor.
    CutoverComplete {
        /// The region that serves now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
    },
    /// A write was accepted from a client.
    WriteAccepted {
        /// Which write.
        #[serde(deserialize_with = "text")]
        #[schemars(with = "Text")]
        id: String,
        /// Its idempotency key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The region that accepted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// What the key is made of, where the log says it.
        #[serde(flatten)]
        parts: KeyParts,
    },
    /// A write took effect.
    WriteApplied {
        /// Which write.
        #[serde(deserialize_with = "text")]
        #[schemars(with = "Text")]
        id: String,
        /// Its idempotency key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The region that applied it.
        region: String,
    },
    /// A webhook was sent.
    WebhookEmitted {
        /// Its dedupe key.
        dedupe_key: String,
        /// The region that sent it.
        region: String,
        /// The event that it tells of.
        #[serde(
            default,
            deserialize_with = "text_if_any",
            skip_serializing_if = "Option::is_none"
        )]
        #[schemars(with = "Option<Text>")]
        event_id: Option<String>,
        /// The revision of that event.
        #[serde(
            default,
            deserialize_with = "text_if_any",
            skip_serializing_if = "Option::is_none"
        )]
        #[schemars(with = "Option<Text>")]
        rev: Option<String>,
    },
    /// How long a queue is.
    QueueSample {
        /// Messages waiting.
        backlog: u64,
        /// How long the oldest of them (or the 95th percentile) has waited, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        age_ms: Option<f64>,
        /// The region of the queue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// Which queue, where there are several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queue: Option<String>,
    },
    /// All keys of a prefix were taken out of a cache.
    CachePurged {
        /// The prefix.
        prefix: String,
        /// The region of the cache.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// The variant (or colour) on whose account it was purged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variant: Option<String>,
    },
    /// How often a cache has the answer.
    CacheSample {
        /// The prefix.
        prefix: String,
        /// The share of look-ups that found something, in `[0, 1]`.
        #[schemars(range(min = 0, max = 1))]
        hit_ratio: f64,
        /// The region of the cache.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
    },
    /// A router sends another share of the traffic to a region.
    WeightChanged {
        /// The region.
        region: String,
        /// Its weight from now on, in percent.
        #[schemars(range(min = 0, max = 100))]
        weight: f64,
    },
    /// What a region's health endpoint said.
    Health {
        /// The region.
        region: String,
        /// Its contract fields.
        #[serde(default, deserialize_with = "contract")]
        #[schemars(with = "BTreeMap<String, Option<Text>>")]
        contract: BTreeMap<String, String>,
        /// The HTTP status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// It was decided to return to the evacuated region.
    ReturnDecided {
        /// The region that is served from again.
        region: String,
    },
    /// The drill is over: what has not happened by now will not.
    DrillEnded {},
}

/// What an idempotency key is made of: `sha256(source_id + revision + index_hash + partition)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyParts {
    /// Where the write comes from.
    #[serde(
        default,
        deserialize_with = "text_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Text>")]
    pub source_id: Option<String>,
    /// Its revision.
    #[serde(
        default,
        deserialize_with = "text_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Text>")]
    pub revision: Option<String>,
    /// The index that it goes to.
    #[serde(
        default,
        deserialize_with = "text_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Text>")]
    pub index_hash: Option<String>,
    /// The partition.
    #[serde(
        default,
        deserialize_with = "text_if_any",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Text>")]
    pub partition: Option<String>,
}

impl Happening {
    /// Every `event` that is read.
    pub const NAMES: [&'static str; 12] = [
        "evacuate_decided",
        "cutover_complete",
        "write_accepted",
        "write_applied",
        "webhook_emitted",
        "queue_sample",
        "cache_purged",
        "cache_sample",
        "weight_changed",
        "health",
        "return_decided",
        "drill_ended",
    ];

    /// The event that an unknown name was probably meant to be.
    pub fn nearest(name: &str) -> Option<&'static str> {
        let name = name.to_lowercase().replace(['-', ' ', '.'], "_");
        let distance = |known: &&str| strsim::damerau_levenshtein(&name, known);
        let nearest = Self::NAMES.into_iter().min_by_key(distance)?;
        (distance(&nearest) * 3 <= nearest.len()).then_some(nearest)
    }
}

impl Event {
    /// What cannot be meant by an event, and what was expected; nothing if it can.
    pub fn problem(&self) -> Option<String> {
        let blank = |name: &str, text: &str| {
            let problem = || format!("`{name}` is blank");
            text.trim().is_empty().then(problem)
        };
        let region = |region: &Option<String>| blank("region", region.as_deref()?);
        match &self.what {
            Happening::EvacuateDecided { region } | Happening::ReturnDecided { region } => {
                blank("region", region)
            }
            Happening::Health { region, .. } => blank("region", region),
            Happening::CutoverComplete { region: at } => region(at),
            Happening::WriteAccepted { id, region: at, .. } => {
                blank("id", id).or_else(|| region(at))
            }
            Happening::WriteApplied { id, region, .. } => {
                blank("id", id).or_else(|| blank("region", region))
            }
            Happening::WebhookEmitted {
                dedupe_key, region, ..
            } => blank("dedupe_key", dedupe_key).or_else(|| blank("region", region)),
            Happening::QueueSample { age_ms, .. } => age_ms
                .filter(|age| *age < 0.0)
                .map(|age| format!("`age_ms` is {age}: nothing waits for less than no time")),
            Happening::CachePurged { prefix, .. } => blank("prefix", prefix),
            Happening::CacheSample {
                prefix, hit_ratio, ..
            } => blank("prefix", prefix).or_else(|| {
                let problem = || format!("`hit_ratio` is {hit_ratio}: expected a share in [0, 1]");
                (!(0.0..=1.0).contains(hit_ratio)).then(problem)
            }),
            Happening::WeightChanged { region, weight } => blank("region", region).or_else(|| {
                let problem = || format!("`weight` is {weight}: expected percent in [0, 100]");
                (!(0.0..=100.0).contains(weight)).then(problem)
            }),
            Happening::DrillEnded {} => None,
        }
    }
}

/// A text, or a whole number that stands for its digits: ids, revisions and the like are written both
/// ways.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a whole number")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text, or a whole number that stands for its digits.",
            "type": ["string", "integer"],
        })
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(|text| text.0)
}

fn text_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<Text>::deserialize(deserializer)?;
    Ok(text.map(|text| text.0))
}

/// A field that is null is not stated.
fn contract<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let fields = BTreeMap::<String, Option<Text>>::deserialize(deserializer)?;
    let stated = |(name, text): (String, Option<Text>)| Some((name, text?.0));
    Ok(fields.into_iter().filter_map(stated).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Event, serde_json::Error> {
        serde_json::from_str(line)
    }

    #[test]
    fn every_event_is_read_and_written_alike() {
        let more = [
            r#""region":"a""#,
            r#""region":"a""#,
            r#""id":"w","key":"k","region":"a","source_id":"s","revision":"1","index_hash":"h","partition":"0""#,
            r#""id":"w","key":"k","region":"a""#,
            r#""dedupe_key":"d","region":"a","event_id":"e","rev":"1""#,
            r#""backlog":3,"age_ms":4200.5,"region":"a","queue":"q""#,
            r#""prefix":"p:","region":"a","variant":"v""#,
            r#""prefix":"p:","hit_ratio":0.5,"region":"a""#,
            r#""region":"a","weight":12.5"#,
            r#""region":"a","contract":{"INDEX_HASH":"0x1"},"status":200"#,
            r#""region":"a""#,
            r#""simulated":true"#,
        ];
        for (name, more) in Happening::NAMES.into_iter().zip(more) {
            let line = format!(r#"{{"ts":"2026-11-21T10:00:00.5Z","event":"{name}",{more}}}"#);
            let event = read(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(event.problem(), None);
            let written = serde_json::to_string(&event).expect("JSON");
            assert_eq!(read(&written).expect("read again"), event);
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
            assert_eq!(value(&written), value(&line));
        }
    }

    #[test]
    fn whole_numbers_stand_for_their_digits_where_ids_do() {
        let event = read(
            r#"{"ts":"2026-11-21T12:00:00+02:00","event":"write_accepted","id":17,"revision":-3,"source_id":null,"more":[1]}"#,
        )
        .expect("read");
        assert_eq!(String::from(event.ts), "2026-11-21T10:00:00Z");
        let Happening::WriteAccepted { id, parts, .. } = event.what else {
            panic!("a write");
        };
        assert_eq!((id.as_str(), parts.revision.as_deref()), ("17", Some("-3")));
        assert_eq!(parts.source_id, None);
        let health = read(
            r#"{"ts":"2026-11-21T12:00:00Z","event":"health","region":"a","contract":{"SCHEMA_REV":12,"MODEL_TAG":null}}"#,
        );
        let Happening::Health { contract, .. } = health.expect("read").what else {
            panic!("health");
        };
        assert_eq!(
            contract,
            BTreeMap::from([("SCHEMA_REV".to_owned(), "12".to_owned())])
        );
        for refused in [
            r#"{"ts":"2026-11-21T10:00:00Z","event":"write_accepted","id":1.5}"#,
            r#"{"ts":"2026-11-21T10:00:00Z","event":"write_accepted","id":"w","region":3}"#,
            r#"{"ts":"2026-11-21T10:00:00Z","event":"weight_changed","region":"a","weight":"10"}"#,
            r#"{"ts":"2026-11-21T10:00:00","event":"drill_ended"}"#,
            r#"{"ts":1763719200,"event":"drill_ended"}"#,
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        let problem = |more: &str| {
            let line = format!(r#"{{"ts":"2026-11-21T10:00:00Z",{more}}}"#);
            read(&line).expect("read").problem()
        };
        for (more, said) in [
            (
                r#""event":"cache_sample","prefix":"p","hit_ratio":93"#,
                "expected a share",
            ),
            (
                r#""event":"weight_changed","region":"a","weight":101"#,
                "expected percent",
            ),
            (
                r#""event":"write_applied","id":" ","region":"a""#,
                "`id` is blank",
            ),
            (
                r#""event":"cutover_complete","region":"""#,
                "`region` is blank",
            ),
            (
                r#""event":"queue_sample","backlog":1,"age_ms":-1"#,
                "less than no time",
            ),
        ] {
            let found = problem(more).unwrap_or_else(|| panic!("{more} is taken"));
            assert!(found.contains(said), "{found}");
        }
    }

    #[test]
    fn a_misspelt_event_is_recognised() {
        for (name, meant) in [
            ("cutover_completed", Some("cutover_complete")),
            ("Write-Applied", Some("write_applied")),
            ("webhook_emited", Some("webhook_emitted")),
            ("coffee_break", None),
            ("", None),
        ] {
            assert_eq!(Happening::nearest(name), meant, "{name}");
        }
    }
}
