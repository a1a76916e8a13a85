//! `trec_eval`'s layout: a line a value, of its name, its query and the value.

use std::io::{self, Write};

use crate::rank::{Asked, Evaluation, QuerySet};
use crate::ranking::{Family, Measure, Over};
use crate::report::plain;

/// What is printed of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whether each query has its lines.
    pub queries: bool,
    /// Whether the lines over all queries are there.
    pub summary: bool,
    /// The queries that these are over.
    pub set: QuerySet,
    /// Whether values are z-scores, which have a `Z` before their name and are never whole numbers.
    pub z_scores: bool,
}

/// Writes an evaluation as `trec_eval` prints it: queries by name, four decimals.
///
/// # Errors
/// If `out` cannot be written.
pub fn trec_eval(
    evaluation: &Evaluation,
    asked: &Asked,
    layout: Layout,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mark = if layout.z_scores { "Z" } else { "" };
    let names: Vec<Printed> = evaluation
        .measures
        .iter()
        .map(|measure| Printed {
            name: format!("{mark}{:<22}", measure.to_string()),
            decimals: if measure.counts() && !layout.z_scores {
                0
            } else {
                4
            },
        })
        .collect();
    let of_query = |measure: &Measure| {
        let over = measure.family().over();
        !matches!(over, Over::Count | Over::GeometricMean)
    };
    if layout.queries {
        for query in evaluation.queries_of(layout.set) {
            let shown = plain(&query.query);
            let grades = asked.grades.as_ref().zip(query.grades.as_ref());
            let mut grades = grades.map(|((_, name), grades)| (name, grades));
            for (measure, (name, value)) in evaluation
                .measures
                .iter()
                .zip(names.iter().zip(&query.values))
            {
                if is_behind_grades(measure) {
                    write_grades(grades.take(), &shown, out)?;
                }
                if of_query(measure) {
                    line(name, &shown, *value, out)?;
                }
            }
            write_grades(grades, &shown, out)?;
        }
    }
    if layout.summary {
        if asked.run_id {
            writeln!(out, "{:<22}\tall\t{}", "runid", plain(&evaluation.tag))?;
        }
        for (index, name) in names.iter().enumerate() {
            if let Some(value) = evaluation.over(index, layout.set) {
                line(name, "all", value, out)?;
            }
        }
    }
    Ok(())
}

/// Whether `trec_eval` prints a measure after the grades of the first documents.
fn is_behind_grades(measure: &Measure) -> bool {
    let mut before = Family::ALL
        .iter()
        .take_while(|family| **family != Family::Recall);
    !before.any(|family| *family == measure.family())
}

fn write_grades(
    grades: Option<(&String, &String)>,
    query: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    match grades {
        Some((name, grades)) => writeln!(out, "{name:<22}\t{query}\t'{grades}'"),
        None => Ok(()),
    }
}

/// How a measure's values are printed.
struct Printed {
    name: String,
    decimals: usize,
}

fn line(printed: &Printed, query: &str, value: f64, out: &mut dyn Write) -> io::Result<()> {
    let Printed { name, decimals } = printed;
    writeln!(out, "{name}\t{query}\t{value:.decimals$}")
}
