//! The moments of a drill, and how far others lie from them.

use crate::traffic::{Event, Happening, Timeline};
use crate::units::Moment;

/// The moments that divide a drill; none that its log does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::report) struct Moments {
    /// It was decided to leave a region.
    pub(in crate::report) decision: Option<Moment>,
    /// All traffic goes to the survivor.
    pub(in crate::report) cutover: Option<Moment>,
    /// It was decided to return.
    pub(in crate::report) homeward: Option<Moment>,
    /// The drill is over.
    pub(in crate::report) ended: Option<Moment>,
}

/// A part of a drill. Every window of requests is in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::report) enum Period {
    /// Windows that end before it was decided to leave.
    Before,
    /// Windows between, with those in which the decision and the cutover fall.
    Switching,
    /// Windows that begin after the cutover.
    Away,
    /// Windows that begin after it was decided to return.
    Homeward,
}

impl Period {
    /// What it is called.
    pub(in crate::report) fn name(self) -> &'static str {
        match self {
            Self::Before => "before the drill",
            Self::Switching => "switching over",
            Self::Away => "after the cutover",
            Self::Homeward => "after the decision to return",
        }
    }
}

impl Moments {
    /// The first of each that the log tells, the decision being about the region that is left where any
    /// is; cutover and return are not before it.
    pub(in crate::report) fn of(timeline: Option<&Timeline>) -> Self {
        let Some(timeline) = timeline else {
            return Self::default();
        };
        let decisions = || {
            let decided = |event: &&Event| matches!(event.what, Happening::EvacuateDecided { .. });
            timeline.events.iter().filter(decided)
        };
        let own = |event: &&Event| matches!(&event.what, Happening::EvacuateDecided { region } if *region == timeline.evacuated);
        let decision = decisions().find(own).or_else(|| decisions().next());
        let decision = decision.map(|event| event.ts);
        let first = |wanted: fn(&Happening) -> bool| {
            let after = timeline
                .events
                .iter()
                .filter(|event| Some(event.ts) >= decision);
            after
                .filter(|event| wanted(&event.what))
                .map(|event| event.ts)
                .next()
        };
        Self {
            decision,
            cutover: first(|what| matches!(what, Happening::CutoverComplete { .. })),
            homeward: first(|what| matches!(what, Happening::ReturnDecided { .. })),
            ended: first(|what| matches!(what, Happening::DrillEnded {})),
        }
    }

    /// The part of the drill in which a window lies; none without a decision.
    pub(in crate::report) fn period(self, start: Moment, window_s: u32) -> Option<Period> {
        let decision = self.decision?;
        let end_ms = start.as_millisecond() + 1000 * i64::from(window_s);
        let since = |moment: Option<Moment>| moment.is_some_and(|moment| start >= moment);
        Some(if end_ms <= decision.as_millisecond() {
            Period::Before
        } else if since(self.homeward) {
            Period::Homeward
        } else if since(self.cutover) {
            Period::Away
        } else {
            Period::Switching
        })
    }

    /// Each moment with its name, in their order.
    pub(in crate::report) fn named(self) -> Vec<(&'static str, Moment)> {
        let all = [
            ("decision", self.decision),
            ("cutover", self.cutover),
            ("return decided", self.homeward),
            ("end", self.ended),
        ];
        let told = all.into_iter().filter_map(|(name, at)| Some((name, at?)));
        let mut told: Vec<_> = told.collect();
        told.sort_by_key(|(_, at)| *at);
        told
    }
}

/// The time of the day (UTC): `06:30:00`.
pub(in crate::report) fn clock(moment: Moment) -> String {
    let text = moment.to_string();
    let time = text.split_once('T').map_or("", |(_, time)| time);
    let whole = time.split(['.', 'Z']).next();
    whole.unwrap_or_default().to_owned()
}

/// How long something takes: `28.4 s`, `12 min 30 s`, `1 h 05 min`.
pub(in crate::report) fn lasting(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "–".to_owned();
    }
    let tenths = (seconds.abs() * 10.0).round() / 10.0;
    let whole = seconds.abs().round();
    let (minutes, rest) = ((whole / 60.0).floor(), whole % 60.0);
    if tenths < 60.0 {
        format!("{tenths} s")
    } else if minutes >= 60.0 {
        format!("{} h {:02} min", (minutes / 60.0).floor(), minutes % 60.0)
    } else if rest > 0.0 {
        format!("{minutes} min {rest} s")
    } else {
        format!("{minutes} min")
    }
}

/// How long after a moment, with a sign: `+28.4 s`, `−20 min`.
pub(in crate::report) fn since(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "−" } else { "+" };
    format!("{sign}{}", lasting(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample_drill;

    #[test]
    fn times_are_told_as_people_tell_them() {
        let told = [0.0, 28.44, 59.96, 60.0, 750.0, 3900.0, f64::NAN];
        assert_eq!(
            told.map(lasting),
            [
                "0 s",
                "28.4 s",
                "1 min",
                "1 min",
                "12 min 30 s",
                "1 h 05 min",
                "–"
            ]
        );
        assert_eq!([28.0, -1200.0].map(since), ["+28 s", "−20 min"]);
        let moment = "2026-01-02T06:30:00.250Z".parse().expect("a moment");
        assert_eq!(clock(moment), "06:30:00");
    }

    #[test]
    fn every_window_is_in_one_part_and_those_at_the_edges_are_in_neither_neighbour() {
        use Period::{Away, Before, Homeward, Switching};

        let timeline = sample_drill::timeline();
        let moments = Moments::of(Some(&timeline));
        let decision = moments.decision.expect("a decision").as_millisecond();
        let at = |s: i64| Moment::from_millisecond(decision + 1000 * s).expect("a moment");
        let parts = [-61, -60, -59, 0, 29, 60, 1199, 1200]
            .map(|s| moments.period(at(s), 60).expect("a decision is told"));
        assert_eq!(
            parts,
            [
                Before, Before, Switching, Switching, Away, Away, Away, Homeward
            ]
        );
        assert_eq!(Moments::default().period(at(0), 60), None);
    }
}
