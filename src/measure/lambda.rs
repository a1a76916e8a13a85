//! λ: whether one probe converged on the gold section and on its question's own ranking.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Least agreement (rank-biased overlap) with the reference ranking. Measured on human paraphrases:
/// 5th percentile 0.69; on different questions: 99th percentile 0.38.
pub const AGREEMENT: f64 = 0.5;

/// The state of one cell, written as a word; the symbols are read too.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Lambda {
    /// `→` a target section was found, and the ranking agrees with the reference.
    #[serde(alias = "→")]
    Convergent,
    /// `←` the attempt failed, was refused, or returned nothing.
    #[serde(alias = "←")]
    Divergent,
    /// `<>` exactly one of the two.
    #[serde(alias = "<>")]
    Recursive,
    /// `×` neither.
    #[serde(alias = "×")]
    Chaotic,
}

impl Lambda {
    /// All states, best first.
    pub const ALL: [Self; 4] = [
        Self::Convergent,
        Self::Recursive,
        Self::Divergent,
        Self::Chaotic,
    ];

    /// The word used in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Convergent => "convergent",
            Self::Divergent => "divergent",
            Self::Recursive => "recursive",
            Self::Chaotic => "chaotic",
        }
    }

    /// The symbol used in the runbooks.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Convergent => "→",
            Self::Divergent => "←",
            Self::Recursive => "<>",
            Self::Chaotic => "×",
        }
    }
}

impl fmt::Display for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.symbol())
    }
}

/// The state of a cell that returned something: was a target section among its hits, and how well
/// does its ranking agree with the reference? `None` when the reference itself failed, which counts
/// as no agreement.
pub fn state(hit: bool, agreement: Option<f64>) -> Lambda {
    let agrees = agreement.is_some_and(|overlap| overlap >= AGREEMENT);
    match (hit, agrees) {
        (true, true) => Lambda::Convergent,
        (false, false) => Lambda::Chaotic,
        _ => Lambda::Recursive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_states_follow_the_rule_of_the_design() {
        assert_eq!(state(true, Some(0.5)), Lambda::Convergent);
        assert_eq!(state(true, Some(0.49)), Lambda::Recursive);
        assert_eq!(state(false, Some(0.9)), Lambda::Recursive);
        assert_eq!(state(false, Some(0.1)), Lambda::Chaotic);
        assert_eq!(state(true, None), Lambda::Recursive);
        assert_eq!(state(true, Some(f64::NAN)), Lambda::Recursive);
    }

    #[test]
    fn symbols_and_words_are_both_read() {
        for state in Lambda::ALL {
            for name in [state.word(), state.symbol()] {
                assert_eq!(
                    serde_json::from_value::<Lambda>(name.into()).expect("a name"),
                    state
                );
            }
        }
    }
}
