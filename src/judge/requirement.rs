//! What a policy requires of a ranking measure: `rank.ndcg_cut_10 >= 0.6`.

use std::fmt;
use std::str::FromStr;

use miette::Diagnostic;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::judge::{CheckId, Comparator, Definition};
use crate::measure::{NoRankMeasure, RankMeasure};
use crate::ranking::{Family, Over};

/// A ranking measure with its limit: at least it, or at most where less is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Requirement {
    /// Of what.
    pub measure: RankMeasure,
    /// In `[0, 1]`.
    pub limit: f64,
}

/// Why a text is no requirement.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
pub enum NoRequirement {
    /// Not a measure, a comparator and a number.
    #[error("`{text}` is no requirement")]
    #[diagnostic(
        code(judge::requirement),
        help("write it as \"rank.ndcg_cut_10 >= 0.6\": a ranking measure, >= or <=, a number")
    )]
    Form {
        /// What was written.
        text: String,
    },
    /// Not a ranking measure.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Measure(#[from] NoRankMeasure),
    /// A measure of which no mean can be judged.
    #[error("nothing can be required of {measure}: {reason}")]
    #[diagnostic(
        code(judge::requirement_measure),
        help("require a measure whose values lie between 0 and 1, such as {instead}")
    )]
    NoMean {
        /// Which one.
        measure: RankMeasure,
        /// Why not.
        reason: &'static str,
        /// A measure of which it can.
        instead: &'static str,
    },
    /// A limit on the wrong side.
    #[error("{measure} is required to be `{written}` a number, and {better} of it is better")]
    #[diagnostic(
        code(judge::requirement_direction),
        help("write `{measure} {symbol} …`")
    )]
    Direction {
        /// Which one.
        measure: RankMeasure,
        /// What was written.
        written: &'static str,
        /// Whether more or less is better.
        better: &'static str,
        /// What to write.
        symbol: &'static str,
    },
    /// A limit that no value can miss or reach.
    #[error("{measure} is required to be {limit}, and its values lie between 0 and 1")]
    #[diagnostic(
        code(judge::requirement_limit),
        help("write a number between 0 and 1: 0.6, not 60")
    )]
    Limit {
        /// Which one.
        measure: RankMeasure,
        /// As written.
        limit: String,
    },
}

impl Requirement {
    /// The check that it becomes.
    pub fn id(&self) -> CheckId {
        CheckId::Rank(self.measure)
    }

    /// In words, for a report.
    pub(super) fn clause(&self) -> String {
        let symbol = Definition::of(self.id()).comparator.symbol();
        let (name, limit) = (self.measure.name(), self.limit);
        format!("{name} of the retrieved sections {symbol} {limit}, mean over questions")
    }
}

/// As written in a policy.
fn written(comparator: Comparator) -> &'static str {
    match comparator {
        Comparator::AtMost => "<=",
        _ => ">=",
    }
}

/// Why no mean over questions of a measure can be bounded, if it cannot.
fn why_not(measure: RankMeasure) -> Option<(&'static str, &'static str)> {
    let family = measure.measure().family();
    let instead = match family {
        Family::GmMap => "rank.map",
        Family::GmBpref => "rank.bpref",
        Family::NumRelRet => "rank.recall_10",
        _ => "rank.ndcg_cut_10",
    };
    let reason = match family.over() {
        Over::Count | Over::Sum => "it counts, and grows with the number of questions",
        Over::GeometricMean => "it is a geometric mean, which a single question at 0 decides",
        Over::Mean if measure.measure().is_share() => return None,
        Over::Mean => "its values are no shares, so that a failed probe has no worst one",
    };
    Some((reason, instead))
}

impl FromStr for Requirement {
    type Err = NoRequirement;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || NoRequirement::Form {
            text: text.trim().to_owned(),
        };
        let sides = |symbol| text.split_once(symbol).map(|sides| (sides, symbol));
        let ((measure, number), symbol) = sides(">=").or_else(|| sides("<=")).ok_or_else(form)?;
        let measure: RankMeasure = measure.parse()?;
        let limit: f64 = number.trim().parse().map_err(|_| form())?;
        if let Some((reason, instead)) = why_not(measure) {
            return Err(NoRequirement::NoMean {
                measure,
                reason,
                instead,
            });
        }
        let right = written(Definition::of(CheckId::Rank(measure)).comparator);
        if symbol != right {
            return Err(NoRequirement::Direction {
                measure,
                written: symbol,
                better: if right == ">=" { "more" } else { "less" },
                symbol: right,
            });
        }
        if !(0.0..=1.0).contains(&limit) {
            return Err(NoRequirement::Limit {
                measure,
                limit: number.trim().to_owned(),
            });
        }
        Ok(Self { measure, limit })
    }
}

/// As a policy writes it.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let symbol = written(Definition::of(self.id()).comparator);
        write!(f, "{} {symbol} {}", self.measure, self.limit)
    }
}

impl Serialize for Requirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Requirement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = Requirement::from_str(text).expect_err(text);
        let help = error.help().map(|help| help.to_string());
        format!("{error}; {}", help.unwrap_or_default())
    }

    #[track_caller]
    fn check(text: &str, needle: &str) {
        let said = refused(text);
        assert!(said.contains(needle), "{said}");
    }

    #[test]
    fn any_name_of_a_measure_is_read_and_one_is_written() {
        for (text, expected) in [
            ("rank.ndcg_cut_10 >= 0.6", "rank.ndcg_cut_10 >= 0.6"),
            ("rank.nDCG@10>=.60", "rank.ndcg_cut_10 >= 0.6"),
            (" rank.recall@10  >=  1 ", "rank.recall_10 >= 1"),
            ("rank.unj_5 <= 0.25", "rank.unj_5 <= 0.25"),
            ("rank.ndcg.1=3,2=9 >= 0.5", "rank.ndcg_1=3,2=9 >= 0.5"),
        ] {
            let read: Requirement = text.parse().expect(text);
            assert_eq!(read.to_string(), expected);
            assert_eq!(read.to_string().parse(), Ok(read));
        }
    }

    #[test]
    fn what_cannot_be_required_is_refused_with_the_reason() {
        check("rank.ndgc_cut_10 >= 0.6", "did you mean `ndcg_cut_");
        check("ndcg_cut_10 >= 0.6", "does not begin with `rank.`");
        check("rank.ndcg_cut_10 > 0.6", "is no requirement");
        check("rank.ndcg_cut_10 >= many", "is no requirement");
        check("rank.ndcg_cut_10 <= 0.6", "more of it is better");
        check("rank.unj_5 >= 0.6", "write `rank.unj_5 <= …`");
        check("rank.ndcg_cut_10 >= 60", "between 0 and 1");
        check("rank.map >= NaN", "between 0 and 1");
        check("rank.gm_map >= 0.2", "geometric mean");
        check("rank.num_rel_ret >= 3", "such as rank.recall_10");
        check("rank.utility >= 0.2", "no worst one");
        check("rank.rbp.2 >= 0.2", "no worst one");
        check("rank.P >= 0.2", "did you mean `P_5`?");
        check("rank.iprec_at_recall_0.123 >= 0.2", "is another measure");
    }
}
