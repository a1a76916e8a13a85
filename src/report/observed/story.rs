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

/// What happens often, between two events that do not.
#[derive(Default)]
struct Many {
    first: Option<Moment>,
    counts: BTreeMap<&'static str, u64>,
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
            Happening::WriteAccepted { .. } => "writes accepted",
            Happening::WriteApplied { .. } => "writes applied",
            Happening::WebhookEmitted { .. } => "webhooks sent",
            Happening::QueueSample { backlog, .. } => {
                let (first, _) = self.backlog.unwrap_or((*backlog, *backlog));
                self.backlog = Some((first, *backlog));
                "queue samples"
            }
            Happening::CacheSample { .. } => "cache samples",
            _ => "health as before",
        };
        *self.counts.entry(kind).or_default() += 1;
    }

    /// The sum, and begins anew.
    fn told(&mut self) -> Option<(Moment, String)> {
        let many = std::mem::take(self);
        let part =
            |(kind, n): (&&str, &u64)| match many.backlog.filter(|_| *kind == "queue samples") {
                Some((first, last)) => format!("{n} {kind} (backlog {first} → {last})"),
                None => format!("{n} {kind}"),
            };
        let parts: Vec<String> = many.counts.iter().map(part).collect();
        Some((many.first?, parts.join(", ")))
    }
}
