//! Reads the names of measures as the field writes them.

use std::str::FromStr;

use miette::Diagnostic;
use thiserror::Error;

use crate::ranking::gain::Gains;
use crate::ranking::measure::Parameter;
use crate::ranking::{Family, Measure, Takes};
use crate::units::Cutoff;

/// Measures that `trec_eval` prints if nothing is said.
const OFFICIAL: &[Family] = &[
    Family::NumQ,
    Family::NumRet,
    Family::NumRel,
    Family::NumRelRet,
    Family::Map,
    Family::GmMap,
    Family::Rprec,
    Family::Bpref,
    Family::RecipRank,
    Family::IprecAtRecall,
    Family::P,
];
/// Measures of what was retrieved, whatever its order.
const SET: &[Family] = &[
    Family::NumQ,
    Family::NumRet,
    Family::NumRel,
    Family::NumRelRet,
    Family::Utility,
    Family::SetP,
    Family::SetRelativeP,
    Family::SetRecall,
    Family::SetMap,
    Family::SetF,
];

/// A name that no measure has.
#[derive(Clone, Debug, PartialEq, Eq, Error, Diagnostic)]
#[error("`{name}` is no measure{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
#[diagnostic(
    code(ranking::measure),
    help(
        "a measure is named as trec_eval does (map, P.5,10, ndcg_cut_10) or with its cut-off (nDCG@10, MRR@10); `ragstone rank --list` shows all"
    )
)]
pub struct UnknownMeasure {
    /// What was written.
    pub name: String,
    /// The nearest name, if one is near.
    pub nearest: Option<String>,
}

/// Measures by the name of one, of a family with or without parameters, or of a list: `official`, `set`,
/// `all_trec` and `all`.
///
/// ```
/// use ragstone::ranking::measures;
/// let names = |text: &str| -> Vec<String> {
///     measures(text).unwrap().iter().map(ToString::to_string).collect()
/// };
/// assert_eq!(names("P.5,10"), ["P_5", "P_10"]);
/// assert_eq!(names("nDCG@10"), ["ndcg_cut_10"]);
/// ```
///
/// # Errors
/// If no measure has that name, or a parameter is not one of its.
pub fn measures(text: &str) -> Result<Vec<Measure>, UnknownMeasure> {
    let list = match text {
        "official" => Some(OFFICIAL),
        "set" => Some(SET),
        "all_trec" => Some(trec()),
        "all" => Some(Family::ALL),
        _ => None,
    };
    if let Some(families) = list {
        return Ok(families.iter().copied().flat_map(defaults).collect());
    }
    named(text)
        .or_else(|| with_parameters(text))
        .or_else(|| at(text))
        .or_else(|| one_of_several(text))
        .ok_or_else(|| unknown(text))
}

/// Those that `trec_eval` has too.
fn trec() -> &'static [Family] {
    let ours = Family::ALL.iter().position(|family| *family == Family::Mrr);
    &Family::ALL[..ours.unwrap_or(Family::ALL.len())]
}

impl FromStr for Measure {
    type Err = UnknownMeasure;

    /// The one measure of a name; a name that means several is none.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match measures(text)?.as_slice() {
            [one] => Ok(one.clone()),
            _ => Err(UnknownMeasure {
                name: text.to_owned(),
                nearest: measures(text)?.first().map(ToString::to_string),
            }),
        }
    }
}

/// The measures of a family, with the parameters it has if nothing is said.
pub(crate) fn defaults(family: Family) -> Vec<Measure> {
    let with = |parameter| Measure::new(family, parameter);
    match family.takes() {
        Takes::Nothing | Takes::CutoffOrAll => vec![with(Parameter::None)],
        Takes::Cutoffs(cutoffs) => {
            let cutoffs = cutoffs.iter().filter_map(|k| Cutoff::new(*k));
            cutoffs.map(|k| with(Parameter::Cutoff(k))).collect()
        }
        Takes::Numbers(numbers) => numbers
            .iter()
            .map(|x| with(Parameter::Number(*x)))
            .collect(),
        Takes::Number(number) => vec![with(Parameter::Number(number))],
        Takes::Several(numbers) => {
            vec![with(Parameter::Numbers(numbers.to_vec(), String::new()))]
        }
        Takes::Gains => vec![with(Parameter::Gains(Gains::Linear, String::new()))],
    }
}

/// A family by its own name, or by another one that needs no cut-off.
fn named(text: &str) -> Option<Vec<Measure>> {
    let own = Family::ALL.iter().find(|family| family.name() == text);
    let other = || {
        let mut families = Family::ALL.iter();
        families.find(|family| {
            !matches!(family.takes(), Takes::Cutoffs(_) | Takes::Numbers(_))
                && is_called(**family, text)
        })
    };
    own.or_else(other).map(|family| defaults(*family))
}

/// `name.parameters`, as `trec_eval -m` takes them.
fn with_parameters(text: &str) -> Option<Vec<Measure>> {
    let (name, parameters) = text.split_once('.')?;
    let family = *Family::ALL.iter().find(|family| family.name() == name)?;
    let parts = || parameters.split(',');
    let several = |parts: Vec<Parameter>| {
        let mut measures: Vec<Measure> = parts
            .into_iter()
            .map(|parameter| Measure::new(family, parameter))
            .collect();
        measures.dedup();
        (!measures.is_empty()).then_some(measures)
    };
    match family.takes() {
        Takes::Nothing => None,
        Takes::Cutoffs(_) | Takes::CutoffOrAll => {
            let mut cutoffs: Vec<usize> = parts().map(cutoff).collect::<Option<_>>()?;
            cutoffs.sort_unstable();
            let cutoffs = cutoffs.into_iter().filter_map(Cutoff::new);
            several(cutoffs.map(Parameter::Cutoff).collect())
        }
        Takes::Numbers(_) => {
            let mut numbers: Vec<f64> = parts().map(number).collect::<Option<_>>()?;
            numbers.sort_by(f64::total_cmp);
            several(numbers.into_iter().map(Parameter::Number).collect())
        }
        Takes::Number(_) => {
            let stated = parameters.strip_prefix("p=").unwrap_or(parameters);
            several(vec![Parameter::Number(number(stated)?)])
        }
        Takes::Several(default) => {
            let mut numbers: Vec<f64> = parts().map(number).collect::<Option<_>>()?;
            if family == Family::Utility && numbers.len() != default.len() {
                return None;
            }
            if family == Family::ElevenPtAvg {
                numbers.sort_by(f64::total_cmp);
            }
            several(vec![Parameter::Numbers(numbers, parameters.to_owned())])
        }
        Takes::Gains => {
            let pair = |part: &str| {
                let (grade, worth) = part.split_once('=')?;
                Some((grade.parse().ok()?, number(worth)?))
            };
            let worths: Vec<(i32, f64)> = parts().map(pair).collect::<Option<_>>()?;
            let gains = Gains::Stated(worths);
            several(vec![Parameter::Gains(gains, parameters.to_owned())])
        }
    }
}

/// `name@k`, in any case, also by the names of other tools.
fn at(text: &str) -> Option<Vec<Measure>> {
    let (name, parameter) = text.split_once('@')?;
    let mut families = Family::ALL.iter().filter(|family| {
        !matches!(
            family.takes(),
            Takes::Nothing | Takes::Several(_) | Takes::Gains
        ) && is_called(**family, name)
    });
    one(*families.next()?, parameter)
}

/// `name_k`, as `trec_eval` prints it.
fn one_of_several(text: &str) -> Option<Vec<Measure>> {
    let (name, parameter) = text.rsplit_once('_')?;
    let family = *Family::ALL.iter().find(|family| family.name() == name)?;
    one(family, parameter)
}

fn one(family: Family, parameter: &str) -> Option<Vec<Measure>> {
    let parameter = match family.takes() {
        Takes::Cutoffs(_) | Takes::CutoffOrAll => {
            Parameter::Cutoff(Cutoff::new(parameter.parse().ok()?)?)
        }
        Takes::Numbers(_) | Takes::Number(_) => Parameter::Number(number(parameter)?),
        Takes::Nothing | Takes::Several(_) | Takes::Gains => {
            return with_parameters(&format!("{}.{parameter}", family.name()));
        }
    };
    Some(vec![Measure::new(family, parameter)])
}

fn is_called(family: Family, name: &str) -> bool {
    let others = family.other_names().iter();
    family.name().eq_ignore_ascii_case(name)
        || others.into_iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// A number of ranks; what stands behind a point is passed over, as `trec_eval` does.
fn cutoff(text: &str) -> Option<usize> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    whole.parse().ok().filter(|k| *k > 0)
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn unknown(text: &str) -> UnknownMeasure {
    let bare = text.split(['.', '@']).next().unwrap_or(text);
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    let bare = bare.to_ascii_lowercase();
    let far = |family: &&Family| {
        let names = std::iter::once(family.name()).chain(family.other_names().iter().copied());
        let distances =
            names.map(|name| strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &bare));
        distances.min().unwrap_or(usize::MAX)
    };
    let best = Family::ALL.iter().min_by_key(far);
    UnknownMeasure {
        name: text.to_owned(),
        nearest: best
            .filter(|family| far(family) <= bare.len() / 3)
            .and_then(|family| defaults(*family).first().map(ToString::to_string)),
    }
}
