//! What a tie means to rank-biased overlap.

/// How rank-biased overlap counts items whose order is not known.
///
/// An item's contribution at depth `d` says how much of it lies within the first `d` ranks. The overlap
/// is the sum of the products of both sides' contributions, and the agreement that overlap by a size
/// of its own. Without ties all three are the same. Source: Corsi and Urbano (2024), *The Treatment of
/// Ties in Rank-Biased Overlap*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// Items of a tie have the same rank, its first, as in a sports table: from there on all of them
    /// count. Agreement is Dice's coefficient of the two sets of items.
    W,
    /// A tie hides an order: an item contributes its group's share, as if each order were as likely,
    /// and agreement is the overlap by depth. The mean over all orders of both sides; a ranking with
    /// ties agrees with itself less than wholly.
    #[default]
    A,
    /// As in `A`, but agreement is the cosine of the two vectors of contributions, as τ-b corrects
    /// τ-a: what is tied alike on both sides agrees wholly.
    B,
}

impl Ties {
    /// Its letter in the paper.
    pub fn letter(self) -> char {
        match self {
            Self::W => 'w',
            Self::A => 'a',
            Self::B => 'b',
        }
    }
}
