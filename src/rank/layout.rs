//! `trec_eval`'s layout: a line a value, of its name, its query and the value.

use std::io::{self, Write};

use crate::rank::{Asked, Evaluation, QuerySet};
use crate::ranking::{Family, Measure, Over};

/// What is printed of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whether each query has its lines.
    pub queries: bool,
    /// Whether the lines over all queries are there.
    pub summary: bool,
    /// The queries that these are over.
    pub set: QuerySet,
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
    let names: Vec<String> = evaluation
        .measures
        .iter()
        .map(ToString::to_string)
        .collect();
    let of_query = |measure: &Measure| {
        let over = measure.family().over();
        !matches!(over, Over::Count | Over::GeometricMean)
    };
    if layout.queries {
        for query in evaluation.queries_of(layout.set) {
            let grades = asked.grades.as_ref().zip(query.grades.as_ref());
            let mut grades = grades.map(|((_, name), grades)| (name, grades));
            for (measure, (name, value)) in evaluation
                .measures
                .iter()
                .zip(names.iter().zip(&query.values))
            {
                if is_behind_grades(measure) {
                    write_grades(grades.take(), &query.query, out)?;
                }
                if of_query(measure) {
                    line(measure, name, &query.query, *value, out)?;
                }
            }
            write_grades(grades, &query.query, out)?;
        }
    }
    if layout.summary {
        if asked.run_id {
            writeln!(out, "{:<22}\tall\t{}", "runid", evaluation.tag)?;
        }
        for (index, (measure, name)) in evaluation.measures.iter().zip(&names).enumerate() {
            if let Some(value) = evaluation.over(index, layout.set) {
                line(measure, name, "all", value, out)?;
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

fn line(
    measure: &Measure,
    name: &str,
    query: &str,
    value: f64,
    out: &mut dyn Write,
) -> io::Result<()> {
    let decimals = if measure.counts() { 0 } else { 4 };
    writeln!(out, "{name:<22}\t{query}\t{value:.decimals$}")
}
