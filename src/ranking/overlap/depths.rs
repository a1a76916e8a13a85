//! Two rankings read side by side, one rank at a time.
//!
//! At any depth each side has at most one group that is under way; every item before it counts wholly
//! and every one behind it not at all. So the overlap is made of four counts of items in common, by
//! whether they are under way on either side, and a step costs what begins in it.

use super::aligned::{Aligned, Side};
use super::rbo_ties::Ties;

/// What counts within the first ranks of both sides.
pub(super) struct Depths<'a> {
    sides: [Progress<'a>; 2],
    /// Items that have begun on both sides: `[first][second]`, each 0 where the item's group is
    /// over on that side and 1 where it is under way.
    both: [[usize; 2]; 2],
    /// Items of the second side alone that have begun: over, under way.
    alone: [usize; 2],
    depth: usize,
}

const OVER: usize = 0;
const UNDER_WAY: usize = 1;

/// How far a side has come.
struct Progress<'a> {
    side: &'a Side<'a>,
    /// Groups that have begun.
    begun: usize,
    /// Items before the one that is under way.
    before: usize,
}

impl Progress<'_> {
    /// How many items the group under way holds; 0 before the first one.
    fn size(&self) -> usize {
        self.begun
            .checked_sub(1)
            .map_or(0, |group| self.side.sizes[group])
    }

    /// Whether the next group begins at a depth.
    fn begins(&self, depth: usize) -> bool {
        depth > self.before + self.size() && self.begun < self.side.sizes.len()
    }

    /// How much each item of the group under way contributes.
    fn share(&self, depth: usize, ties: Ties) -> f64 {
        match ties {
            Ties::W => 1.0,
            Ties::A | Ties::B if self.begun == 0 => 0.0,
            Ties::A | Ties::B => ((depth - self.before) as f64 / self.size() as f64).min(1.0),
        }
    }

    /// The sum over all items, those behind the last seen one included, of a function of what they
    /// contribute, which is 1 for 1.
    fn sum(&self, depth: usize, under_way: f64) -> f64 {
        let unseen = depth.saturating_sub(self.side.len());
        (self.before + unseen) as f64 + self.size() as f64 * under_way
    }
}

impl<'a> Depths<'a> {
    /// Before the first rank.
    pub(super) fn of(aligned: &'a Aligned<'a>) -> Self {
        let progress = |side| Progress {
            side,
            begun: 0,
            before: 0,
        };
        let [first, second] = &aligned.sides;
        Self {
            sides: [progress(first), progress(second)],
            both: [[0; 2]; 2],
            alone: [0; 2],
            depth: 0,
        }
    }

    /// Goes one rank deeper, and returns the depth.
    pub(super) fn deeper(&mut self) -> usize {
        self.depth += 1;
        for side in [0, 1] {
            if self.sides[side].begins(self.depth) {
                self.begin(side);
            }
        }
        self.depth
    }

    /// The next group of a side is under way, and the one before it is over.
    fn begin(&mut self, side: usize) {
        for state in [OVER, UNDER_WAY] {
            let at = |here| {
                if side == 0 {
                    [here, state]
                } else {
                    [state, here]
                }
            };
            let [[a, b], [c, d]] = [at(UNDER_WAY), at(OVER)];
            self.both[c][d] += std::mem::take(&mut self.both[a][b]);
        }
        if side == 1 {
            self.alone[OVER] += std::mem::take(&mut self.alone[UNDER_WAY]);
        }
        let begun_elsewhere = self.sides[1 - side].begun;
        let progress = &mut self.sides[side];
        progress.before += progress.size();
        progress.begun += 1;
        let members = progress.before..progress.before + progress.size();
        for elsewhere in &progress.side.elsewhere[members] {
            let state = match elsewhere {
                None => {
                    self.alone[UNDER_WAY] += side;
                    continue;
                }
                Some(group) if group + 1 < begun_elsewhere => OVER,
                Some(group) if group + 1 == begun_elsewhere => UNDER_WAY,
                Some(_) => continue,
            };
            let [a, b] = if side == 0 {
                [UNDER_WAY, state]
            } else {
                [state, UNDER_WAY]
            };
            self.both[a][b] += 1;
        }
    }

    /// What the items that were seen on both sides have in common.
    pub(super) fn overlap(&self, ties: Ties) -> f64 {
        let [a, b] = self.shares(ties);
        let [[over, second], [first, both]] = self.both.map(|row| row.map(|count| count as f64));
        over + first * a + second * b + both * a * b
    }

    /// The size that an overlap is measured by.
    pub(super) fn size(&self, ties: Ties) -> f64 {
        let [a, b] = self.shares(ties);
        let [first, second] = &self.sides;
        match ties {
            Ties::W => f64::midpoint(first.sum(self.depth, a), second.sum(self.depth, b)),
            Ties::A => self.depth as f64,
            Ties::B => (first.sum(self.depth, a * a) * second.sum(self.depth, b * b)).sqrt(),
        }
    }

    /// How far, on average, the items of the second side alone have come that have begun; 0 if none has.
    pub(super) fn mean_alone(&self, ties: Ties) -> f64 {
        let begun = self.alone[OVER] + self.alone[UNDER_WAY];
        if begun == 0 {
            return 0.0;
        }
        self.sum_alone(begun, ties) / begun as f64
    }

    /// What the first `n` items of the second side alone contribute.
    pub(super) fn sum_alone(&self, n: usize, ties: Ties) -> f64 {
        let over = n.min(self.alone[OVER]);
        let under_way = (n - over).min(self.alone[UNDER_WAY]);
        over as f64 + under_way as f64 * self.shares(ties)[1]
    }

    fn shares(&self, ties: Ties) -> [f64; 2] {
        [0, 1].map(|side| self.sides[side].share(self.depth, ties))
    }
}
