//! A drill's log as a list that can be read: what happens often is summed up between what does not.

use std::collections::BTreeMap;

use crate::report::observed::Moments;
use crate::traffic::{Event, Happening, Timeline};
use crate::units::Moment;

/// Lines of a list; a longer one is cut.
const MOST: usize = 200;

/// One line of the list.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct StoryLine {
    /// When it happened, or began.
    pub(in crate::report) at: Moment,
    /// Seconds since the decision; none without one.
    pub(in crate::report) since_s: Option<f64>,
    /// What happened.
    pub(in crate::report) text: String,
    /// Whether it is one event, and not many summed up.
    pub(in crate::report) single: bool,
}

/// What is counted: the noun, and what is said of it.
type Kind = (&'static str, &'static str);
const ACCEPTED: Kind = ("write", " accepted");
const APPLIED: Kind = ("write", " applied");
const SENT: Kind = ("webhook", " sent");
const QUEUED: Kind = ("queue sample", "");
const CACHED: Kind = ("cache sample", "");
const AS_BEFORE: Kind = ("health sample", " as before");

/// What happens often, between two events that do not.
#[derive(Default)]
struct Many {
    first: Option<Moment>,
    counts: BTreeMap<Kind, u64>,
    backlog: Option<(u64, u64)>,
}

/// The whole log, by time, and how many lines were cut.
pub(in crate::report) fn story(timeline: &Timeline, moments: Moments) -> (Vec<StoryLine>, usize) {
    let mut lines = Vec::new();
    let mut many = Many::default();
    let mut health: BTreeMap<&str, &Happening> = BTreeMap::new();
    let line = |at: Moment, text: String, single| StoryLine {
        at,
        since_s: moments.decision.map(|decision| at.seconds_since(decision)),
        text,
        single,
    };
    for event in &timeline.events {
        let repeated = match &event.what {
            Happening::Health { region, .. } => {
                health.insert(region, &event.what) == Some(&event.what)
            }
            _ => false,
        };
        match single(&event.what).filter(|_| !repeated) {
            Some(text) => {
                lines.extend(many.told().map(|(at, text)| line(at, text, false)));
                lines.push(line(event.ts, text, true));
            }
            None => many.add(event),
        }
    }
    lines.extend(many.told().map(|(at, text)| line(at, text, false)));
    let cut = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    (lines, cut)
}

/// An event of which there are few; none of a kind of which there are many.
fn single(what: &Happening) -> Option<String> {
    Some(match what {
        Happening::EvacuateDecided { region } => format!("decision to leave {region}"),
        Happening::CutoverComplete {
            region: Some(region),
        } => {
            format!("cutover complete: all traffic goes to {region}")
        }
        Happening::CutoverComplete { region: None } => "cutover complete".to_owned(),
        Happening::CachePurged {
            prefix,
            region,
            variant,
        } => {
            let place = region
                .as_ref()
                .map_or_else(String::new, |region| format!(" in {region}"));
            let whose = variant
                .as_ref()
                .map_or_else(String::new, |of| format!(" for {of}"));
            format!("cache purged: {prefix}{place}{whose}")
        }
        Happening::WeightChanged { region, weight } => format!("weight of {region}: {weight} %"),
        Happening::Health {
            region,
            contract,
            status,
        } => {
            let status = status.map_or_else(String::new, |status| format!(" {status}"));
            let fields: Vec<String> = contract.iter().map(|(k, v)| format!("{k} {v}")).collect();
            format!("health of {region}:{status} {}", fields.join(", "))
        }
        Happening::ReturnDecided { region } => format!("decision to return to {region}"),
        Happening::DrillEnded {} => "drill ended".to_owned(),
        Happening::WriteAccepted { .. }
        | Happening::WriteApplied { .. }
        | Happening::WebhookEmitted { .. }
        | Happening::QueueSample { .. }
        | Happening::CacheSample { .. } => return None,
    })
}

impl Many {
    fn add(&mut self, event: &Event) {
        self.first = self.first.or(Some(event.ts));
        let kind = match &event.what {
            Happening::WriteAccepted { .. } => ACCEPTED,
            Happening::WriteApplied { .. } => APPLIED,
            Happening::WebhookEmitted { .. } => SENT,
            Happening::QueueSample { backlog, .. } => {
                let (first, _) = self.backlog.unwrap_or((*backlog, *backlog));
                self.backlog = Some((first, *backlog));
                QUEUED
            }
            Happening::CacheSample { .. } => CACHED,
            _ => AS_BEFORE,
        };
        *self.counts.entry(kind).or_default() += 1;
    }

    /// The sum, and begins anew.
    fn told(&mut self) -> Option<(Moment, String)> {
        let many = std::mem::take(self);
        let part = |((noun, said), n): (&Kind, &u64)| {
            let plural = if *n == 1 { "" } else { "s" };
            let backlog = many.backlog.filter(|_| (*noun, *said) == QUEUED);
            let backlog = backlog.map_or_else(String::new, |(first, last)| {
                format!(" (backlog {first} → {last})")
            });
            format!("{n} {noun}{plural}{said}{backlog}")
        };
        let parts: Vec<String> = many.counts.iter().map(part).collect();
        Some((many.first?, parts.join(", ")))
    }
}
