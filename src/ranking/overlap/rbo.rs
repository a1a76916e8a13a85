//! Rank-biased overlap: agreement at every depth, the first ones weighing most.

use super::aligned::Aligned;
use super::depths::Depths;
use super::ranking::Ranking;
use super::rbo_ties::Ties;
use crate::units::Cutoff;

/// Persistence of the imagined reader: DESIGN.md pins 0.8, which puts two thirds of the weight on
/// the first three ranks.
pub const RBO_P: f64 = 0.8;

/// Rank-biased overlap of two rankings of which only the first ranks are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rbo {
    /// If agreement went on as it was last seen; in [0, 1].
    pub ext: f64,
    /// If nothing unseen were in common: the least it can be.
    pub min: f64,
    /// If everything unseen were in common as early as it can be: the most it can be.
    pub max: f64,
    /// `max − min`: how much is left to what was not seen.
    pub res: f64,
}

/// Rank-biased overlap of two rankings that may have ties and uneven lengths; `None` for two empty
/// ones.
///
/// `(1 − p)·Σ p^(d−1)·A(d)` over all depths, `A(d)` being the agreement of the first `d` ranks, as
/// `ties` says. Within what both rankings hold it is known. Behind the end of the shorter one, of length
/// s:
/// - `ext` assumes that its unseen items agree as its seen ones did, `A(s)`, each with an item that
///   has come as far as, on average, those have that the longer ranking alone holds; and behind the
///   end of the longer one that the agreement stays;
/// - `min` assumes that no unseen item is in common;
/// - `max` assumes that the next unseen item of either is always the best placed item of the other that
///   it does not hold yet.
///
/// With one empty ranking, `ext` and `min` are 0.
///
/// ```
/// use ragstone::ranking::{Ranking, Ties, rbo};
/// let a = Ranking::from_scores([("x", 2.0), ("y", 1.0)]);
/// let found = rbo(&a, &a, 0.5, Ties::A).expect("not empty");
/// // ½·(1 + ½) is seen; behind it two items in common are 2/3, 2/4, … of the ranks, or all of them.
/// assert!((found.min - (0.75 + 2.0 * (2_f64.ln() - 0.5 - 0.125))).abs() < 1e-12);
/// assert!((found.max - 1.0).abs() < 1e-12 && (found.ext - 1.0).abs() < 1e-12);
/// ```
///
/// Time `O(n)`. Source: Webber, Moffat and Zobel (2010), *A similarity measure for indefinite
/// rankings*, equations 11, 30 and 32; with ties by Corsi and Urbano (2024), whose 2,000 published
/// pairs it reproduces in all twelve values.
///
/// # Panics
/// If `p` is outside (0, 1).
pub fn rbo<T: Ord>(a: &Ranking<T>, b: &Ranking<T>, p: f64, ties: Ties) -> Option<Rbo> {
    let weights = Weights::of(p);
    let aligned = Aligned::of(a, b).shorter_first();
    let [short, long] = [0, 1].map(|side| aligned.sides[side].len());
    if long == 0 {
        return None;
    }
    let seen = seen(&aligned, weights, ties);
    let in_common = aligned.common.len();
    let min = seen.common + in_common as f64 * weights.shares_behind(long);
    // From there on, all that either holds is in common.
    let whole = short + long - in_common;
    let matched = |depth: usize| (in_common + 2 * depth - short - long) as f64 / depth as f64;
    let behind: f64 = (long + 1..=whole)
        .map(|depth| weights.at(depth) * matched(depth))
        .sum();
    let max = (seen.most + behind + weights.behind(whole)).min(1.0);
    let ext = seen.assumed + weights.behind(long) * seen.last;
    Some(Rbo {
        ext: ext.clamp(0.0, 1.0),
        min,
        max,
        res: max - min,
    })
}

/// Sums down to the end of the longer ranking.
struct Seen {
    /// Of what is in common.
    common: f64,
    /// With what is assumed to be.
    assumed: f64,
    /// With what can be at most.
    most: f64,
    /// The agreement at the end that is assumed to stay.
    last: f64,
}

fn seen(aligned: &Aligned<'_>, weights: Weights, ties: Ties) -> Seen {
    let [short, long] = [0, 1].map(|side| aligned.sides[side].len());
    let mut depths = Depths::of(aligned);
    let mut sums = Seen {
        common: 0.0,
        assumed: 0.0,
        most: 0.0,
        last: 0.0,
    };
    let mut at_end_of_short = 0.0;
    for _ in 0..long {
        let depth = depths.deeper();
        let (overlap, size) = (depths.overlap(ties), depths.size(ties));
        if depth == short {
            at_end_of_short = overlap / size;
        }
        let unseen = depth.saturating_sub(short);
        let assumed = unseen as f64 * at_end_of_short * depths.mean_alone(ties);
        let weight = weights.at(depth);
        sums.common += weight * overlap / size;
        sums.most += weight * (overlap + depths.sum_alone(unseen, ties)) / size;
        sums.last = (overlap + assumed) / size;
        sums.assumed += weight * sums.last;
    }
    sums
}

/// Rank-biased overlap of the first `k` ranks and no more; in `[0, 1 − p^k]`. `None` for two empty
/// rankings.
///
/// The sum of [`rbo`] down to depth `k`, without extrapolation and without being stretched to 1. What
/// a shorter ranking does not hold is not in common, so that the sum grows with `k` towards `min`.
///
/// ```
/// use ragstone::{ranking::{Ranking, Ties, rbo_at}, units::Cutoff};
/// let a = Ranking::from_scores([("x", 2.0), ("y", 1.0)]);
/// let k = |k| Cutoff::new(k).expect("not 0");
/// assert_eq!(rbo_at(&a, &a, 0.5, k(2), Ties::A), Some(0.75));
/// assert_eq!(rbo_at(&a, &a, 0.5, k(4), Ties::A), Some(0.75 + 0.125 * 2.0 / 3.0 + 0.0625 * 0.5));
/// ```
///
/// # Panics
/// If `p` is outside (0, 1).
pub fn rbo_at<T: Ord>(
    a: &Ranking<T>,
    b: &Ranking<T>,
    p: f64,
    k: Cutoff,
    ties: Ties,
) -> Option<f64> {
    let weights = Weights::of(p);
    if a.is_empty() && b.is_empty() {
        return None;
    }
    let aligned = Aligned::of(a, b);
    let mut depths = Depths::of(&aligned);
    let agreements = (0..k.get()).map(|_| {
        let depth = depths.deeper();
        weights.at(depth) * depths.overlap(ties) / depths.size(ties)
    });
    Some(agreements.sum())
}

/// `ext` of [`rbo`] with the ties of variant *a*; 1 for two empty rankings, which are the same.
///
/// ```
/// use ragstone::ranking::{Ranking, rbo_ext};
/// let ranking = |items: &[&'static str]| {
///     Ranking::from_scores(items.iter().enumerate().map(|(i, &item)| (item, -(i as f64))))
/// };
/// assert!((rbo_ext(&ranking(&["a", "b"]), &ranking(&["a", "b"]), 0.8) - 1.0).abs() < 1e-12);
/// assert_eq!(rbo_ext(&ranking(&["a"]), &ranking(&["b"]), 0.8), 0.0);
/// ```
///
/// # Panics
/// If `p` is outside (0, 1).
pub fn rbo_ext<T: Ord>(a: &Ranking<T>, b: &Ranking<T>, p: f64) -> f64 {
    rbo(a, b, p, Ties::A).map_or(1.0, |found| found.ext)
}

/// What each depth weighs: `(1 − p)·p^(d−1)`, 1 together.
#[derive(Clone, Copy)]
struct Weights {
    p: f64,
}

impl Weights {
    fn of(p: f64) -> Self {
        assert!(p > 0.0 && p < 1.0, "persistence lies in (0, 1)");
        Self { p }
    }

    /// The weight of a depth, from 1.
    fn at(self, depth: usize) -> f64 {
        (1.0 - self.p) * self.power(depth - 1)
    }

    /// The weight of all depths behind one.
    fn behind(self, depth: usize) -> f64 {
        self.power(depth)
    }

    /// The sum of `at(d) / d` over all depths behind one.
    fn shares_behind(self, depth: usize) -> f64 {
        // Over all depths, Σ p^d / d = −ln(1 − p).
        let seen: f64 = (1..=depth).map(|d| self.power(d) / d as f64).sum();
        ((1.0 - self.p) / self.p * (-(-self.p).ln_1p() - seen)).max(0.0)
    }

    fn power(self, exponent: usize) -> f64 {
        // A power that large is 0 for every p that is not almost 1.
        self.p.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::overlap_at;
    use super::super::samples::{contributions, extended, orders, ranking, untied};
    use super::*;

    const EVERY: [Ties; 3] = [Ties::W, Ties::A, Ties::B];

    /// Of two rankings that go on for ever: Dice's coefficient, overlap by depth, cosine.
    fn agreement(a: &[Vec<u32>], b: &[Vec<u32>], depth: usize, ties: Ties) -> f64 {
        let (ours, theirs) = (contributions(a, depth, ties), contributions(b, depth, ties));
        let product: f64 = ours
            .iter()
            .filter_map(|(item, share)| Some(share * theirs.get(item)?))
            .sum();
        match ties {
            Ties::W => 2.0 * product / (ours.len() + theirs.len()) as f64,
            Ties::A => product / depth as f64,
            Ties::B => {
                let [ours, theirs] =
                    [ours, theirs].map(|side| side.values().map(|c| c * c).sum::<f64>());
                product / (ours * theirs).sqrt()
            }
        }
    }

    /// The sum itself, of rankings that are long enough.
    fn slow(a: &[Vec<u32>], b: &[Vec<u32>], p: f64, depth: usize, ties: Ties) -> f64 {
        let mut weight = 1.0 - p;
        let mut sum = 0.0;
        for depth in 1..=depth {
            sum += weight * agreement(a, b, depth, ties);
            weight *= p;
        }
        sum
    }

    /// Groups of items that only `seed` has, one by one.
    fn strangers(seed: u32) -> Vec<Vec<u32>> {
        (0..80).map(|item| vec![1000 * seed + item]).collect()
    }

    /// The items of one ranking that the other does not hold, one by one.
    fn missing(of: &Ranking<u8>, from: &Ranking<u8>) -> Vec<Vec<u32>> {
        let items = orders(&from.groups())[0].clone();
        let of = orders(&of.groups())[0].clone();
        let alone = items.into_iter().filter(|item| !of.contains(item));
        alone.map(|item| vec![u32::from(item)]).collect()
    }

    #[test]
    fn a_tie_beyond_the_shorter_ranking_counts_as_far_as_it_has_come() {
        let short = Ranking::from_scores([("x", 1.0)]);
        let long = Ranking::from_scores([("x", 1.0), ("y", 0.5), ("z", 0.5)]);
        // By hand: agreement 1, (1 + ½)/2, (1 + 2)/3, and 1 beyond; ¼·(0.8 + 0.75·0.64 + 0.512) +
        // 0.512.
        assert!((rbo_ext(&short, &long, 0.8) - 0.96).abs() < 1e-12);
    }

    #[test]
    fn a_tie_agrees_with_itself_wholly_except_in_variant_a() {
        let tie = Ranking::from_scores([("x", 1.0), ("y", 1.0)]);
        let at = |ties| rbo(&tie, &tie, 0.8, ties).expect("items").ext;
        assert!((at(Ties::W) - 1.0).abs() < 1e-12);
        assert!((at(Ties::B) - 1.0).abs() < 1e-12);
        // Half of it at the first rank: 1 − 0.2·½.
        assert!((at(Ties::A) - 0.9).abs() < 1e-12);
    }

    // Source: Webber, Moffat and Zobel (2010), figure 5: the mean agreement at depth 7 is 0.312.
    #[test]
    fn the_agreements_of_the_published_example_are_found() {
        let (a, b) = (untied(b"abcdefg"), untied(b"zcavwxy"));
        let agreement = |k| overlap_at(&a, &b, Cutoff::new(k).expect("not 0")).expect("items");
        let mean = (1..=7).map(agreement).sum::<f64>() / 7.0;
        assert!((mean - 0.312).abs() < 5e-4, "{mean}");
        // By hand from the same agreements, 0, 0, 2/3, 2/4, 2/5, 2/6 and 2/7, at p = 0.9.
        let k = Cutoff::new(7).expect("not 0");
        let truncated = rbo_at(&a, &b, 0.9, k, Ties::A).expect("items");
        assert!((truncated - 0.151_561_029).abs() < 1e-7, "{truncated}");
    }

    #[test]
    fn nothing_has_no_overlap_with_nothing() {
        let none: Ranking<u8> = untied(b"");
        assert_eq!(rbo(&none, &none, 0.8, Ties::A), None);
        let found = rbo(&none, &untied(b"ab"), 0.8, Ties::A).expect("items");
        assert_eq!((found.ext, found.min), (0.0, 0.0));
        assert!((found.max - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn sums_over_sets_and_vectors_agree(
            (a, b) in (0_usize..9, 1_usize..9).prop_flat_map(|(n, m)| (ranking(n), ranking(m))),
            p in 0.3..0.7_f64,
            k in 1_usize..20,
        ) {
            let (ours, theirs) = (a.groups(), b.groups());
            let apart = [extended(&ours, &strangers(1)), extended(&theirs, &strangers(2))];
            let whole = a.len() + missing(&a, &b).len();
            let filled = [
                extended(&ours, &missing(&a, &b)),
                extended(&theirs, &missing(&b, &a)),
            ];
            for ties in EVERY {
                let found = rbo(&a, &b, p, ties).expect("items");
                let least = slow(&apart[0], &apart[1], p, 70, ties);
                let most = slow(&filled[0], &filled[1], p, whole, ties) + p.powi(i32::try_from(whole).expect("few"));
                prop_assert!((found.min - least).abs() < 1e-9, "{ties:?} {found:?} {least}");
                prop_assert!((found.max - most).abs() < 1e-9, "{ties:?} {found:?} {most}");
                prop_assert!((found.res - (most - least)).abs() < 1e-9);
                prop_assert!(found.min <= found.ext + 1e-9 && found.ext <= found.max + 1e-9);
                let cut = rbo_at(&a, &b, p, Cutoff::new(k).expect("not 0"), ties).expect("items");
                prop_assert!((cut - slow(&apart[0], &apart[1], p, k, ties)).abs() < 1e-9);
            }
        }

        #[test]
        fn variant_a_is_the_mean_over_all_orders(
            (a, b) in (1_usize..5).prop_flat_map(|n| (ranking(n), ranking(n))),
            p in 0.5..0.95_f64,
        ) {
            let (ours, theirs) = (orders(&a.groups()), orders(&b.groups()));
            let each: Vec<Rbo> = ours
                .iter()
                .flat_map(|a| theirs.iter().map(move |b| (untied(a), untied(b))))
                .map(|(a, b)| rbo(&a, &b, p, Ties::W).expect("items"))
                .collect();
            let mean = |of: fn(&Rbo) -> f64| each.iter().map(of).sum::<f64>() / each.len() as f64;
            let found = rbo(&a, &b, p, Ties::A).expect("items");
            prop_assert!((found.ext - mean(|rbo| rbo.ext)).abs() < 1e-9);
            prop_assert!((found.min - mean(|rbo| rbo.min)).abs() < 1e-9);
            prop_assert!((found.max - mean(|rbo| rbo.max)).abs() < 1e-9);
        }

        #[test]
        fn which_ranking_comes_first_does_not_matter(
            (a, b) in (0_usize..9, 1_usize..9).prop_flat_map(|(n, m)| (ranking(n), ranking(m))),
            p in 0.5..0.95_f64,
        ) {
            for ties in EVERY {
                let (one, other) = (rbo(&a, &b, p, ties).expect("items"), rbo(&b, &a, p, ties).expect("items"));
                prop_assert!((one.ext - other.ext).abs() < 1e-12);
                prop_assert!((one.min - other.min).abs() < 1e-12);
                prop_assert!((one.max - other.max).abs() < 1e-12);
            }
        }

        #[test]
        fn uneven_rankings_without_ties_follow_equation_32(
            a in Just((0..9).collect::<Vec<u8>>()).prop_shuffle(),
            b in Just((0..9).collect::<Vec<u8>>()).prop_shuffle(),
            (n, m) in (1_usize..9, 1_usize..9),
            p in 0.5..0.95_f64,
        ) {
            let expected = equation_32(&a[..n], &b[..m], p);
            for ties in EVERY {
                let found = rbo(&untied(&a[..n]), &untied(&b[..m]), p, ties).expect("items");
                prop_assert!((found.ext - expected).abs() < 1e-9);
            }
        }

        #[test]
        fn a_ranking_without_ties_agrees_with_itself(items in prop::collection::btree_set(any::<u8>(), 1..12)) {
            let a = untied(&items.into_iter().collect::<Vec<u8>>());
            prop_assert!((rbo_ext(&a, &a, RBO_P) - 1.0).abs() < 1e-12);
        }
    }

    #[expect(clippy::many_single_char_names, reason = "the letters of the formula")]
    /// For rankings without ties, with sets.
    fn equation_32(a: &[u8], b: &[u8], p: f64) -> f64 {
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        let (s, l) = (short.len(), long.len());
        let x = |d: usize| {
            let seen = short.iter().take(d);
            seen.filter(|item| long[..d.min(l)].contains(item)).count() as f64
        };
        let power = |d: usize| p.powi(i32::try_from(d).expect("short"));
        let first: f64 = (1..=l).map(|d| x(d) / d as f64 * power(d)).sum();
        let second: f64 = (s + 1..=l)
            .map(|d| x(s) * (d - s) as f64 / (s * d) as f64 * power(d))
            .sum();
        (1.0 - p) / p * (first + second) + ((x(l) - x(s)) / l as f64 + x(s) / s as f64) * power(l)
    }
}
