//! Several runs beside each other, for people.

use std::io::{self, Write};

use crate::rank::compare::{
    Adjusted, Comparison, Likeness, MeasureComparison, Significance, Spread,
};
use crate::rank::report::{RankReport, RunReport};
use crate::rank::{Evaluation, QuerySet};
use crate::report::plain;

/// Writes runs, their means, the comparisons and, if asked for, the values of each query.
///
/// # Errors
/// If `out` cannot be written.
pub fn text(
    report: &RankReport,
    evaluations: &[Evaluation],
    set: QuerySet,
    queries: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    for run in &report.runs {
        head(run, out)?;
    }
    writeln!(out)?;
    means(report, set, out)?;
    for comparison in &report.comparisons {
        beside(comparison, out)?;
    }
    if queries {
        table(evaluations, set, out)?;
    }
    Ok(())
}

fn head(run: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    let RunReport { run: place, .. } = run;
    writeln!(
        out,
        "run {place}  {}  ({}), {} of {} judged queries; ties: {} groups, {} documents, {} of mixed grades",
        plain(&run.path),
        plain(&run.tag),
        run.n_queries,
        run.n_judged,
        run.ties.groups,
        run.ties.documents,
        run.ties.mixed,
    )
}

/// A row a measure, a column a run.
fn means(report: &RankReport, set: QuerySet, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{:<22}", "")?;
    for run in &report.runs {
        write!(out, "  {:>10}", format!("run {}", run.run))?;
    }
    writeln!(out)?;
    let n_measures = report.runs.first().map_or(0, |run| run.measures.len());
    for index in 0..n_measures {
        write!(out, "{:<22}", report.runs[0].measures[index].measure)?;
        for run in &report.runs {
            let measure = &run.measures[index];
            let value = match set {
                QuerySet::Intersection => measure.intersection,
                QuerySet::Complete => measure.complete,
            };
            write!(out, "  {:>10}", number(value))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn beside(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\nrun {} beside run 1, {} queries{}",
        comparison.run,
        comparison.n_queries,
        left_out(&comparison.left_out)
    )?;
    for measure in &comparison.measures {
        of_measure(measure, out)?;
    }
    likeness(&comparison.likeness, out)
}

fn left_out(queries: &[String]) -> String {
    if queries.is_empty() {
        return String::new();
    }
    let some: Vec<String> = queries.iter().take(5).map(|query| plain(query)).collect();
    let more = if queries.len() > some.len() {
        ", …"
    } else {
        ""
    };
    format!(
        "; {} that one of them has no results for are left out: {}{more} (-c counts them as 0)",
        queries.len(),
        some.join(", ")
    )
}

fn of_measure(measure: &MeasureComparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n  {}  {:.4} → {:.4}  {:+.4}, sd {}; win {}, tie {}, loss {}",
        measure.measure,
        measure.first,
        measure.other,
        measure.difference,
        number(measure.standard_deviation),
        measure.wins,
        measure.ties,
        measure.losses,
    )?;
    if let Some(significance) = &measure.significance {
        tests(significance, out)?;
    }
    let worst: Vec<String> = measure
        .worst
        .iter()
        .map(|query| format!("{} {:+.4}", plain(&query.query), query.difference))
        .collect();
    if !worst.is_empty() {
        writeln!(out, "    lost most: {}", worst.join(", "))?;
    }
    Ok(())
}

fn tests(found: &Significance, out: &mut dyn Write) -> io::Result<()> {
    let p = |test: Option<Adjusted>| {
        test.map_or_else(
            || "–".to_owned(),
            |test| format!("{:.6} (Holm {:.6})", test.p, test.p_holm),
        )
    };
    writeln!(
        out,
        "    {:.0} % interval (BCa) {:+.4} to {:+.4}; p: paired t {}, Wilcoxon {}, sign flips {}",
        found.confidence * 100.0,
        found.low,
        found.high,
        p(found.t),
        p(found.wilcoxon),
        p(Some(found.sign_flip)),
    )?;
    if let Some(within) = &found.equivalence {
        writeln!(
            out,
            "    no difference within {:+} to {:+}: {} (TOST p {:.4})",
            within.low,
            within.high,
            if within.shown { "shown" } else { "not shown" },
            within.p
        )?;
    }
    Ok(())
}

fn likeness(found: &Likeness, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n  how alike the rankings are, {} queries (mean, lowest)",
        found.n_queries
    )?;
    let rows = [
        (format!("RBO extrapolated, p = {}", found.p), found.rbo_ext),
        ("overlap@10".to_owned(), found.overlap_at_10),
        ("Jaccard".to_owned(), found.jaccard),
        ("Kendall τ-b".to_owned(), found.kendall_tau_b),
        ("Spearman ρ".to_owned(), found.spearman_rho),
    ];
    for (name, Spread { n, mean, lowest }) in rows {
        let undefined = match found.n_queries - n {
            0 => String::new(),
            some => format!("; undefined for {some}"),
        };
        writeln!(
            out,
            "    {name:<26}  {}  {}{undefined}",
            number(mean),
            number(lowest)
        )?;
    }
    Ok(())
}

/// A row a query, a column a run and measure.
fn table(evaluations: &[Evaluation], set: QuerySet, out: &mut dyn Write) -> io::Result<()> {
    let Some(first) = evaluations.first() else {
        return Ok(());
    };
    for (index, measure) in first.measures.iter().enumerate() {
        let name = measure.to_string();
        writeln!(out, "\n{name}")?;
        for (place, query) in first.queries.iter().enumerate() {
            let values = evaluations.iter().map(|run| &run.queries[place]);
            let shown = |query: &crate::rank::QueryValues| {
                let known = set == QuerySet::Complete || query.has_results;
                number(known.then(|| query.values[index]))
            };
            let values: Vec<String> = values
                .map(|query| format!("{:>10}", shown(query)))
                .collect();
            writeln!(out, "  {:<20}{}", plain(&query.query), values.join(""))?;
        }
    }
    Ok(())
}

/// Four decimals; a dash where there is none.
fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"))
}
