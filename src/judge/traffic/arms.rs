//! The two arms of a trial, as the requests know them.

use std::collections::BTreeMap;

use crate::judge::observed::Scene;
use crate::judge::{ReasonCode, RunbookStage};
use crate::stats::{Interval, clopper_pearson};
use crate::traffic::{Arm, Group, TrafficTable};
use crate::units::{Confidence, Moment};

/// Why nothing can be said, and what is missing.
pub(super) type Undecided = (ReasonCode, String);

/// Names that are shown before "and N more".
const NAMED: usize = 5;

/// A table of requests as one trial looks at it.
pub(super) struct Arms<'a> {
    pub(super) table: &'a TrafficTable,
    pub(super) scene: &'a Scene<'a>,
}

/// Requests of one arm, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) n: u64,
    pub(super) n_errors: u64,
    pub(super) n_5xx: u64,
    pub(super) n_hits: u64,
    pub(super) n_misses: u64,
}

impl Totals {
    fn add(&mut self, group: &Group) {
        self.n += group.n;
        self.n_errors += group.n_errors;
        self.n_5xx += group.n_5xx;
        self.n_hits += group.n_hits;
        self.n_misses += group.n_misses;
    }

    pub(super) fn n_lookups(&self) -> u64 {
        self.n_hits + self.n_misses
    }
}

impl std::iter::Sum for Totals {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            n: sum.n + one.n,
            n_errors: sum.n_errors + one.n_errors,
            n_5xx: sum.n_5xx + one.n_5xx,
            n_hits: sum.n_hits + one.n_hits,
            n_misses: sum.n_misses + one.n_misses,
        })
    }
}

/// The requests of both arms, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Both {
    pub(super) side: Totals,
    pub(super) control: Totals,
}

impl<'a> Arms<'a> {
    pub(super) fn new(table: &'a TrafficTable, scene: &'a Scene<'a>) -> Self {
        Self { table, scene }
    }

    /// What the requests call the side.
    pub(super) fn side_name(&self) -> &'a str {
        self.scene.side_arm()
    }

    /// What the requests call the control.
    pub(super) fn control_name(&self) -> &'a str {
        self.scene.control_arm()
    }

    /// The side's requests.
    pub(super) fn side(&self) -> Result<&'a Arm, Undecided> {
        self.arm(self.side_name())
    }

    /// The control's requests.
    pub(super) fn control(&self) -> Result<&'a Arm, Undecided> {
        self.arm(self.control_name())
    }

    /// An arm by name, if it has a request.
    pub(super) fn arm(&self, name: &str) -> Result<&'a Arm, Undecided> {
        let arm = self.table.arms.get(name).filter(|arm| arm.n > 0);
        arm.ok_or_else(|| {
            let there = listed(self.table.arms.keys().map(|name| format!("`{name}`")));
            let field = self.table.arm_by.name();
            let there = if there.is_empty() {
                "no request does".to_owned()
            } else {
                format!("there are {there}: [traffic.arms] says what requests call a target")
            };
            let detail = format!("no request has `{name}` as its {field}; {there}");
            (ReasonCode::ArmMissing, detail)
        })
    }

    /// The requests of an arm, window by window.
    pub(super) fn windows(&self, name: &str) -> BTreeMap<Moment, Totals> {
        let mut windows: BTreeMap<Moment, Totals> = BTreeMap::new();
        for group in self.table.groups_of(name) {
            windows.entry(group.start).or_default().add(group);
        }
        windows.retain(|_, totals| totals.n > 0);
        windows
    }

    /// The windows in which both arms have requests, ascending: what differs with the hour differs for
    /// both.
    pub(super) fn concurrent(&self) -> Result<Vec<Both>, Undecided> {
        self.side()?;
        self.control()?;
        let control = self.windows(self.control_name());
        let both = |(start, side)| {
            let control = *control.get(&start)?;
            Some(Both { side, control })
        };
        let side = self.windows(self.side_name());
        let windows: Vec<Both> = side.into_iter().filter_map(both).collect();
        if windows.is_empty() {
            return Err(self.never_together("requests"));
        }
        Ok(windows)
    }

    /// That no window has something of both arms.
    pub(super) fn never_together(&self, what: &str) -> Undecided {
        let (side, control) = (self.side_name(), self.control_name());
        let seconds = self.table.window_s;
        let detail = format!(
            "no window of {seconds} s has {what} of both `{side}` and `{control}`: what differs may be the hour"
        );
        (ReasonCode::NotConcurrent, detail)
    }

    /// The requests of all windows of both arms.
    pub(super) fn whole(&self) -> Result<Both, Undecided> {
        self.side()?;
        self.control()?;
        Ok(Both {
            side: self.windows(self.side_name()).into_values().sum(),
            control: self.windows(self.control_name()).into_values().sum(),
        })
    }

    pub(super) fn confidence(&self) -> Confidence {
        self.scene.settings.confidence
    }

    /// From the first to the last request that both arms have seen, in minutes, as well as whole
    /// windows tell it.
    pub(super) fn minutes_observed(&self) -> Option<f64> {
        let side = self.side().ok()?;
        let (mut first, mut last) = (side.first, side.last);
        if let Ok(control) = self.control() {
            (first, last) = (first.max(control.first), last.min(control.last));
        }
        let seconds = last.seconds_since(first) + f64::from(self.table.window_s);
        Some(seconds.max(0.0) / 60.0)
    }

    /// The side's share of all requests, with its exact two-sided 95 % interval.
    pub(super) fn share(&self) -> Option<Interval> {
        let side = self.side().ok()?;
        let all = self.table.arms.values().map(|arm| arm.n).sum();
        let each_end = Confidence::new(0.975).expect("a level");
        clopper_pearson(side.n, all, each_end)
    }
}

impl Both {
    pub(super) fn of(windows: &[Self]) -> Self {
        Self {
            side: windows.iter().map(|both| both.side).sum(),
            control: windows.iter().map(|both| both.control).sum(),
        }
    }
}

impl<'a> Scene<'a> {
    /// What the requests call the side.
    pub(in crate::judge) fn side_arm(&self) -> &'a str {
        let arms = &self.settings.observed.arms;
        arms.get(self.side)
            .map_or(self.side.as_str(), String::as_str)
    }

    /// What the requests call the control.
    pub(in crate::judge) fn control_arm(&self) -> &'a str {
        let arms = &self.settings.observed.arms;
        arms.get(self.control)
            .map_or(self.control.as_str(), String::as_str)
    }

    /// The least and the largest share of the requests that the side is to have; `None` where none was
    /// planned.
    pub(super) fn planned_share(&self) -> Option<(f64, f64)> {
        const OFF: f64 = 0.25;
        let share = match (self.settings.observed.share, self.stage) {
            (Some(share), _) => share,
            (None, RunbookStage::One) => 0.01,
            (None, RunbookStage::Five) => 0.05,
            (None, RunbookStage::Ten) => 0.10,
            (None, RunbookStage::TwentyFive) => 0.25,
            (None, RunbookStage::Fifty) => 0.50,
            (None, RunbookStage::Hundred) => return Some((0.95, 1.0)),
            _ => return None,
        };
        Some(((1.0 - OFF) * share, ((1.0 + OFF) * share).min(1.0)))
    }

    /// How many minutes of requests decide; `None` where those that there are decide.
    pub(super) fn planned_minutes(&self) -> Option<f64> {
        const HOUR: f64 = 60.0;
        let promotion = self.stage == RunbookStage::Promotion;
        let planned = self.settings.observed.planned_minutes;
        planned.or(promotion.then_some(HOUR))
    }
}

/// At most five of some names, and how many more there are.
pub(super) fn listed(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}
