//! A ranked list in which scores may be equal.

/// Scores closer than this are one tie, unless equal ones are asked for.
const TIE: f64 = 1e-9;

/// A ranking with ties: groups of items, best first; no item comes twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking<T> {
    /// Best first.
    items: Vec<T>,
    /// How many items each group holds; none is empty.
    sizes: Vec<usize>,
    /// The places of the items in `items`, and their groups, in the order of the items' values.
    sorted: Vec<(usize, usize)>,
}

impl<T: Ord> Ranking<T> {
    /// Groups items whose scores are closer than 10⁻⁹ to the first of their group; an item that comes
    /// again counts where it came first. Scores must not rise.
    pub fn from_scores(scored: impl IntoIterator<Item = (T, f64)>) -> Self {
        Self::grouped(scored, |first, score| (first - score).abs() <= TIE)
    }

    /// Groups items of equal scores only, as `trec_eval` does; an item that comes again counts where it
    /// came first. Scores must not rise.
    ///
    /// ```
    /// use ragstone::ranking::Ranking;
    /// let scored = [("a", 1.0), ("b", 1.0), ("c", 1.0 - 1e-12)];
    /// assert_eq!(Ranking::from_equal_scores(scored).ties(), 1);
    /// assert_eq!(Ranking::from_equal_scores(scored).n_groups(), 2);
    /// assert_eq!(Ranking::from_scores(scored).n_groups(), 1);
    /// ```
    pub fn from_equal_scores(scored: impl IntoIterator<Item = (T, f64)>) -> Self {
        Self::grouped(scored, |first, score| first == score)
    }

    fn grouped(
        entries: impl IntoIterator<Item = (T, f64)>,
        ties: impl Fn(f64, f64) -> bool,
    ) -> Self {
        let (items, scores): (Vec<T>, Vec<f64>) = entries.into_iter().unzip();
        let mut order: Vec<usize> = (0..items.len()).collect();
        // Equal items keep the order in which they came.
        order.sort_by(|&a, &b| items[a].cmp(&items[b]));
        let mut first = vec![false; items.len()];
        for same in order.chunk_by(|&a, &b| items[a] == items[b]) {
            first[same[0]] = true;
        }
        let mut sizes: Vec<usize> = Vec::new();
        let mut score_of_group = f64::NAN;
        // The place and the group of each item that came for the first time.
        let mut places = vec![(0, 0); items.len()];
        let kept = (0..items.len()).filter(|&index| first[index]);
        for (place, index) in kept.enumerate() {
            match sizes.last_mut() {
                Some(size) if ties(score_of_group, scores[index]) => *size += 1,
                _ => {
                    sizes.push(1);
                    score_of_group = scores[index];
                }
            }
            places[index] = (place, sizes.len() - 1);
        }
        order.retain(|&index| first[index]);
        let sorted = order.into_iter().map(|index| places[index]).collect();
        let kept = items.into_iter().zip(first);
        Self {
            items: kept
                .filter(|(_, first)| *first)
                .map(|(item, _)| item)
                .collect(),
            sizes,
            sorted,
        }
    }

    /// Items and their groups, in the order of the items' values.
    pub(super) fn sorted(&self) -> impl Iterator<Item = Member<'_, T>> {
        self.sorted.iter().map(|&(place, group)| Member {
            item: &self.items[place],
            place,
            group,
        })
    }
}

impl<T> Ranking<T> {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Groups of items with the same score; a group of one is not a tie.
    pub fn n_groups(&self) -> usize {
        self.sizes.len()
    }

    /// Groups of two items and more.
    pub fn ties(&self) -> usize {
        self.sizes.iter().filter(|&&size| size > 1).count()
    }

    /// How many items each group holds, best first.
    pub(super) fn sizes(&self) -> &[usize] {
        &self.sizes
    }
}

/// An item of a ranking.
pub(super) struct Member<'a, T> {
    pub(super) item: &'a T,
    /// Its place among the items, from 0.
    pub(super) place: usize,
    /// Its group, from 0.
    pub(super) group: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scored: &[(&str, f64)], items: &[&str], sizes: &[usize]) {
        let ranking = Ranking::from_scores(scored.iter().copied());
        assert_eq!(ranking.items, items);
        assert_eq!(ranking.sizes, sizes);
        let mut sorted = items.to_vec();
        sorted.sort_unstable();
        let found: Vec<&str> = ranking.sorted().map(|member| *member.item).collect();
        assert_eq!(found, sorted);
    }

    #[test]
    fn an_item_that_comes_again_counts_where_it_came_first() {
        check(
            &[("b", 3.0), ("a", 2.0), ("b", 2.0), ("c", 2.0), ("a", 1.0)],
            &["b", "a", "c"],
            &[1, 2],
        );
    }

    #[test]
    fn scores_a_rounding_apart_are_a_tie() {
        check(&[("b", 1.0), ("a", 1.0 - 1e-12)], &["b", "a"], &[2]);
        check(&[("b", 1.0), ("a", 1.0 - 1e-6)], &["b", "a"], &[1, 1]);
    }

    #[test]
    fn nothing_is_a_ranking_too() {
        check(&[], &[], &[]);
    }
}
