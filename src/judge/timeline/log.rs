//! A drill's events around its three turning points.

use std::collections::BTreeMap;

use crate::traffic::{Event, Happening, Timeline};
use crate::units::Moment;

/// Offenders that a detail names.
const NAMED: usize = 5;

/// A timeline with its turning points. What comes before and after one of them follows the order of the
/// events, so that events of one moment stand as the log has them.
pub(in crate::judge) struct Log<'a> {
    pub(super) timeline: &'a Timeline,
    /// The first decision to leave the evacuated region.
    decided: Option<usize>,
    /// The first cutover to the survivor after that.
    cutover: Option<usize>,
    /// The first decision to return after that.
    returned: Option<usize>,
}

impl<'a> Log<'a> {
    pub(in crate::judge) fn new(timeline: &'a Timeline) -> Self {
        let after = |from: Option<usize>, is: &dyn Fn(&Happening) -> bool| {
            let from = from.map_or(0, |index| index + 1);
            let mut later = timeline.events.iter().enumerate().skip(from);
            later.find_map(|(index, event)| is(&event.what).then_some(index))
        };
        let is_home = |region: &str| region == timeline.evacuated;
        let decided = after(
            None,
            &|what| matches!(what, Happening::EvacuateDecided { region } if is_home(region)),
        );
        let cutover = after(decided, &|what| {
            matches!(what, Happening::CutoverComplete { region }
                if region.as_ref().is_none_or(|region| *region == timeline.survivor))
        });
        let returned = after(
            decided,
            &|what| matches!(what, Happening::ReturnDecided { region } if is_home(region)),
        );
        Self {
            timeline,
            decided,
            cutover: cutover.filter(|cutover| returned.is_none_or(|returned| *cutover < returned)),
            returned,
        }
    }

    pub(super) fn events(&self) -> &'a [Event] {
        &self.timeline.events
    }

    /// When it was decided to leave.
    pub(in crate::judge) fn decided(&self) -> Option<Moment> {
        self.decided.map(|index| self.events()[index].ts)
    }

    /// When the survivor had all traffic.
    pub(in crate::judge) fn cutover(&self) -> Option<Moment> {
        self.cutover.map(|index| self.events()[index].ts)
    }

    /// Events before the decision; none without one.
    pub(super) fn before_decision(&self) -> &'a [Event] {
        self.decided.map_or(&[], |index| &self.events()[..index])
    }

    /// Events after the decision; none without one.
    pub(super) fn after_decision(&self) -> &'a [Event] {
        self.decided
            .map_or(&[], |index| &self.events()[index + 1..])
    }

    /// Events between the decision and the return, or the end; none without a decision.
    pub(super) fn while_left(&self) -> &'a [Event] {
        let end = self.returned.unwrap_or(self.events().len());
        self.decided
            .map_or(&[], |index| &self.events()[index + 1..end])
    }

    /// Events after the decision to return; `None` without one.
    pub(super) fn after_return(&self) -> Option<&'a [Event]> {
        self.returned.map(|index| &self.events()[index + 1..])
    }

    /// Each event with the part of the drill that it falls into.
    pub(super) fn with_parts(&self) -> impl Iterator<Item = (Part, &'a Event)> {
        let (cutover, returned) = (self.cutover, self.returned);
        let reached = |turn: Option<usize>, index: usize| turn.is_some_and(|turn| index > turn);
        let part = move |index| {
            if reached(returned, index) {
                Part::Returning
            } else if reached(cutover, index) {
                Part::Away
            } else {
                Part::Before
            }
        };
        let events = self.events().iter().enumerate();
        events.map(move |(index, event)| (part(index), event))
    }

    /// The last moment that the log knows of.
    pub(super) fn end(&self) -> Option<Moment> {
        self.events().last().map(|event| event.ts)
    }

    /// Whether the log says that the drill is over.
    pub(super) fn is_over(&self) -> bool {
        let is_end = |event: &Event| event.what == Happening::DrillEnded {};
        self.events().iter().any(is_end)
    }
}

/// Which part of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Until the cutover.
    Before,
    /// The survivor serves alone.
    Away,
    /// It was decided to return.
    Returning,
}

/// Numbers over time: seconds after the turning point that matters, and the number.
pub(super) type Points = Vec<(f64, f64)>;

/// The middle of some numbers, the mean of the two middle ones if they are even; `None` of none.
pub(super) fn median(numbers: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// `w3, w7, w8, w9, w11 and 4 more`; a thing that is named again is named with how often.
pub(super) fn listed(names: impl IntoIterator<Item = String>) -> String {
    let mut counts: BTreeMap<usize, (String, usize)> = BTreeMap::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        let next = places.len();
        let place = *places.entry(name.clone()).or_insert(next);
        counts.entry(place).or_insert((name, 0)).1 += 1;
    }
    let more = counts.len().saturating_sub(NAMED);
    let shown = counts.into_values().take(NAMED);
    let shown: Vec<String> = shown
        .map(|(name, n)| {
            if n > 1 {
                format!("{name} ({n} times)")
            } else {
                name
            }
        })
        .collect();
    let shown = shown.join(", ");
    if more > 0 {
        format!("{shown} and {more} more")
    } else {
        shown
    }
}

/// A region's name as it stands after something: `p: in eu-west`.
pub(super) fn in_region(name: &str, region: Option<&str>) -> String {
    match (name, region) {
        ("", None) => "the queue".to_owned(),
        ("", Some(region)) => format!("the queue of {region}"),
        (name, None) => name.to_owned(),
        (name, Some(region)) => format!("{name} in {region}"),
    }
}
