//! One measure with its parameter: its name, and its value of a list.

use std::fmt;

use crate::ranking::gain::{self, Gains};
use crate::ranking::{Family, JudgedList, Over, Takes, binary};
use crate::units::Cutoff;

/// The highest grade that [`Family::Err`] knows: the one of TREC's web tracks.
const HIGHEST_GRADE: i32 = 4;
/// Below this a value counts as it in a geometric mean: `trec_eval`'s.
const LEAST_OF_GEOMETRIC_MEAN: f64 = 0.00001;
/// Persistence of [`Family::RbpResid`], which takes none.
const RESIDUAL_PERSISTENCE: f64 = 0.9;

/// What a measure was given.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parameter {
    /// Nothing.
    None,
    /// A number of ranks.
    Cutoff(Cutoff),
    /// A number.
    Number(f64),
    /// Several numbers, and how they were written.
    Numbers(Vec<f64>, String),
    /// Worths of grades, and how they were written.
    Gains(Gains, String),
}

/// A measure of one ranked list.
///
/// Parsed from the names of the field, whichever tool they come from: `map`, `P_5`, `ndcg_cut.10`, `nDCG@10`,
/// `MRR@10`, `ndcg.1=3,2=9`. It prints itself as `trec_eval` would.
///
/// ```
/// use ragstone::ranking::{Judged, JudgedList, Measure, RelevanceLevel};
/// let seen = vec![Judged::Grade(1), Judged::Unpooled, Judged::Grade(2)];
/// let list = JudgedList::new(seen, [1, 2], RelevanceLevel::default());
/// let measure: Measure = "nDCG@10".parse()?;
/// assert_eq!(measure.to_string(), "ndcg_cut_10");
/// let best = 2.0 + 1.0 / 3.0_f64.log2();
/// assert!((measure.of(&list) - 2.0 / best).abs() < 1e-12);
/// # Ok::<(), ragstone::ranking::UnknownMeasure>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    family: Family,
    parameter: Parameter,
}

impl Measure {
    /// Checked by whoever parses.
    pub(super) fn new(family: Family, parameter: Parameter) -> Self {
        Self { family, parameter }
    }

    /// Which measure it is.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Whether its values are whole numbers.
    pub fn counts(&self) -> bool {
        matches!(self.family.over(), Over::Count | Over::Sum)
    }

    /// Whether its values lie in `[0, 1]`, whatever the list.
    pub fn is_share(&self) -> bool {
        let fits = match &self.parameter {
            Parameter::Number(number) if self.family == Family::Rbp => (0.0..=1.0).contains(number),
            Parameter::Number(number) => *number >= 0.0,
            Parameter::Gains(Gains::Stated(worths), _) => {
                worths.iter().all(|(_, worth)| *worth >= 0.0)
            }
            _ => true,
        };
        fits && self.family.over() == Over::Mean && self.family != Family::Utility
    }

    /// How many ranks it looks at; `None` if at all that was retrieved.
    pub fn cutoff(&self) -> Option<Cutoff> {
        match self.parameter {
            Parameter::Cutoff(cutoff) => Some(cutoff),
            _ => None,
        }
    }

    /// Its value of one query's list. It has one always: 0 where R is 0 or nothing was retrieved, as
    /// `trec_eval` has it.
    ///
    /// A measure with a geometric mean gives the logarithm that is averaged. A missed document that is not
    /// relevant is worth nothing to [`Family::Utility`]; [`Self::of_collection`] knows how many there are.
    pub fn of(&self, list: &JudgedList) -> f64 {
        self.of_collection(list, 0)
    }

    /// The same, with the number of documents of the collection, which only [`Family::Utility`] asks for.
    pub fn of_collection(&self, list: &JudgedList, n_collection: usize) -> f64 {
        let all = usize::MAX;
        let depth = self.depth();
        let number = self.number();
        match self.family {
            Family::NumQ => 1.0,
            Family::NumRet => list.n_retrieved() as f64,
            Family::NumRel => list.n_relevant() as f64,
            Family::NumRelRet => list.relevant_ranks().len() as f64,
            Family::NumNonrelJudgedRet => {
                let judged = list
                    .retrieved()
                    .iter()
                    .filter(|seen| seen.grade().is_some());
                (judged.count() - list.relevant_ranks().len()) as f64
            }
            Family::Map => binary::average_precision(list, all),
            Family::GmMap => logarithm(binary::average_precision(list, all)),
            Family::MapCut => binary::average_precision(list, depth),
            Family::Rprec => binary::precision(list, list.n_relevant()),
            Family::Bpref => binary::bpref(list),
            Family::GmBpref => logarithm(binary::bpref(list)),
            Family::RecipRank => binary::reciprocal_rank(list, all),
            Family::Mrr => binary::reciprocal_rank(list, depth),
            Family::IprecAtRecall => binary::interpolated_precision(list, number),
            Family::ElevenPtAvg => binary::mean_interpolated_precision(list, self.numbers()),
            Family::P => binary::precision(list, depth),
            Family::Recall => binary::recall(list, depth),
            Family::InfAp => binary::inferred_average_precision(list),
            Family::RprecMult => binary::precision_at_multiple(list, number),
            Family::Utility => {
                let worth = self.numbers().try_into().expect("the parser counted four");
                binary::utility(list, worth, n_collection)
            }
            Family::BinG => binary::binary_gain(list),
            Family::RelativeP | Family::RCap => binary::relative_precision(list, depth),
            Family::Success | Family::HitRate => binary::success(list, depth),
            Family::SetP => binary::precision(list, list.n_retrieved()),
            Family::SetRelativeP => binary::relative_precision(list, list.n_retrieved()),
            Family::SetRecall => binary::recall(list, all),
            Family::SetMap => binary::set_map(list),
            Family::SetF => binary::set_f(list, number),
            Family::Unj => binary::unjudged(list, depth),
            Family::Judged => binary::judged(list, depth),
            Family::RbpResid => binary::rank_biased_residual(list, RESIDUAL_PERSISTENCE),
            Family::Rbp => gain::rank_biased_precision(list, number),
            Family::G => gain::normalised_gain(list, self.gains()),
            Family::Ndcg => gain::ndcg(list, self.gains(), all),
            Family::NdcgRel => gain::ndcg_at_relevant(list, self.gains()),
            Family::Rndcg => gain::ndcg_at_levels(list, self.gains()),
            Family::NdcgCut => gain::ndcg(list, &Gains::Linear, depth),
            Family::NdcgExp => gain::ndcg(list, &Gains::Exponential, depth),
            Family::Err => gain::expected_reciprocal_rank(list, HIGHEST_GRADE, depth),
        }
    }

    /// The values of queries as one: their number, sum, mean or geometric mean. Sums run in the order given.
    /// `None` of no queries, except for counts.
    pub fn over(&self, values: &[f64]) -> Option<f64> {
        let n = values.len() as f64;
        let sum = binary::total(values.iter().copied());
        let mean = (!values.is_empty()).then(|| sum / n);
        match self.family.over() {
            Over::Count => Some(n),
            Over::Sum => Some(sum),
            Over::Mean => mean,
            Over::GeometricMean => mean.map(f64::exp),
        }
    }

    fn depth(&self) -> usize {
        self.cutoff().map_or(usize::MAX, Cutoff::get)
    }

    fn number(&self) -> f64 {
        match self.parameter {
            Parameter::Number(number) => number,
            _ => f64::NAN,
        }
    }

    fn numbers(&self) -> &[f64] {
        match &self.parameter {
            Parameter::Numbers(numbers, _) => numbers,
            _ => &[],
        }
    }

    fn gains(&self) -> &Gains {
        match &self.parameter {
            Parameter::Gains(gains, _) => gains,
            _ => &Gains::Linear,
        }
    }
}

fn logarithm(value: f64) -> f64 {
    value.max(LEAST_OF_GEOMETRIC_MEAN).ln()
}

/// The name, as `trec_eval` prints it: the parameter where it is one of several, or not the default.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.family.name();
        match (&self.parameter, self.family.takes()) {
            (Parameter::Cutoff(cutoff), _) => write!(f, "{name}_{cutoff}"),
            (Parameter::Number(number), Takes::Numbers(_)) => write!(f, "{name}_{number:3.2}"),
            (Parameter::Number(number), Takes::Number(default)) if *number != default => {
                write!(f, "{name}_{number}")
            }
            (Parameter::Numbers(_, written) | Parameter::Gains(_, written), _)
                if !written.is_empty() =>
            {
                write!(f, "{name}_{written}")
            }
            _ => write!(f, "{name}"),
        }
    }
}
