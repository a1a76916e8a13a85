//! `ragstone rank QRELS RUN…`.

use std::io::{self, Write};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure, Format};
use crate::rank::{
    Asked, CompareOptions, EvaluateOptions, Evaluation, Layout, Likeness, QuerySet, RankReport,
    RunReport, ScoreMode, UnjudgedAs, ZScores, compare, evaluate, text, trec_eval,
};
use crate::ranking::{Family, RelevanceLevel, Takes};
use crate::report::plain;
use crate::stats::{Margin, Resamples};
use crate::trec::{Qrels, Run, TrecError};
use crate::units::Confidence;

/// Queries that are named where a run has none, or nobody judged them.
const NAMED: usize = 5;

/// Measures ranked results by judgments, as `trec_eval` does, and compares several runs.
///
/// One run is printed in `trec_eval`'s layout; others are put beside the first.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Judgments: TREC's `query iteration document grade`, or BEIR's TSV; plain, gzip or Zstandard.
    #[arg(required_unless_present = "list")]
    qrels: Option<PathBuf>,
    /// Results: TREC's `query Q0 document rank score tag`; plain, gzip or Zstandard.
    #[arg(required_unless_present = "list")]
    runs: Vec<PathBuf>,
    /// A measure: a name of `trec_eval` (map, P.5,10, `ndcg_cut_10`), one with its cut-off (nDCG@10, MRR@10), or
    /// official, set, `all_trec`, all; again for more [default: official; for several runs one of each kind].
    #[arg(short = 'm', long = "measure", value_name = "MEASURE")]
    measures: Vec<String>,
    /// Print the values of each query too.
    #[arg(short = 'q', long)]
    queries: bool,
    /// Leave out the values over all queries (of one run).
    #[arg(short = 'n', long)]
    no_summary: bool,
    /// Print z-scores by the means and deviations of reference runs, lines of `query measure mean deviation`
    /// (of one run).
    #[arg(short = 'Z', long, value_name = "FILE")]
    z_scores: Option<PathBuf>,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    compare: CompareArgs,
    /// List the measures and what each is.
    #[arg(long)]
    list: bool,
}

/// What is looked at.
#[derive(Debug, clap::Args)]
struct LookArgs {
    /// Average over all judged queries; one without results counts as 0.
    #[arg(short = 'c', long)]
    complete: bool,
    /// The least grade that counts as relevant.
    #[arg(short = 'l', long, value_name = "GRADE", default_value = "1")]
    level: NonZeroU32,
    /// Look at judged documents only: the others are taken out before ranks are counted.
    #[arg(short = 'J', long)]
    judged_only: bool,
    /// Look at so many documents of a query only.
    #[arg(short = 'M', long, value_name = "N")]
    most_documents: Option<NonZeroUsize>,
    /// Documents in the collection, for `utility`.
    #[arg(short = 'N', long, value_name = "N", default_value_t = 0)]
    collection: usize,
    /// Compare scores as numbers of 32 bits, as `trec_eval` 9 did; more of them are equal.
    #[arg(long)]
    f32: bool,
}

/// How several runs are compared.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Several runs")]
struct CompareArgs {
    /// Ask whether a mean difference is none, within plus and minus this much (TOST).
    #[arg(long, value_name = "DIFFERENCE", value_parser = margin)]
    margin: Option<Margin>,
    /// How surely an interval holds the mean difference.
    #[arg(long, value_name = "LEVEL", default_value = "0.95", value_parser = confidence)]
    confidence: Confidence,
    /// How often queries and signs are drawn anew.
    #[arg(long, value_name = "N", default_value = "10000")]
    resamples: NonZeroU32,
    /// Names the random sequence of the draws.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// How many of the queries that lost most are named.
    #[arg(long, value_name = "N", default_value_t = 5)]
    worst: usize,
}

fn margin(text: &str) -> Result<Margin, String> {
    let half = text.parse().ok().and_then(Margin::symmetric);
    half.ok_or_else(|| "a positive number, such as 0.05".to_owned())
}

fn confidence(text: &str) -> Result<Confidence, String> {
    let level = text.parse().ok().and_then(Confidence::new);
    level.ok_or_else(|| "a number between 0 and 1, such as 0.95".to_owned())
}

impl Args {
    fn set(&self) -> QuerySet {
        if self.look.complete {
            QuerySet::Complete
        } else {
            QuerySet::Intersection
        }
    }

    fn scores(&self) -> ScoreMode {
        if self.look.f32 {
            ScoreMode::F32
        } else {
            ScoreMode::F64
        }
    }

    fn evaluate_options(&self, asked: &Asked) -> EvaluateOptions {
        let grades = asked.grades.as_ref().filter(|_| self.queries);
        EvaluateOptions {
            level: RelevanceLevel::from(self.look.level),
            unjudged: if self.look.judged_only {
                UnjudgedAs::LeftOut
            } else {
                UnjudgedAs::NotRelevant
            },
            most_documents: self
                .look
                .most_documents
                .map_or(usize::MAX, NonZeroUsize::get),
            scores: self.scores(),
            n_collection: self.look.collection,
            grades_shown: grades.map(|(n, _)| *n),
        }
    }

    fn compare_options(&self) -> CompareOptions {
        CompareOptions {
            set: self.set(),
            confidence: self.compare.confidence,
            resamples: Resamples {
                n: self.compare.resamples.get(),
                seed: self.compare.seed,
            },
            margin: self.compare.margin,
            n_worst: self.compare.worst,
        }
    }
}

pub(super) fn run(args: &Args, output: Output) -> Result<ExitStatus, Failure> {
    let (Some(qrels), false) = (&args.qrels, args.list) else {
        return list(output);
    };
    let asked = if args.measures.is_empty() && args.runs.len() > 1 {
        Asked::to_compare()
    } else {
        Asked::parse(&args.measures)?
    };
    let judgments = Qrels::read(qrels)?;
    let options = args.evaluate_options(&asked);
    let runs: Vec<Run> = args
        .runs
        .iter()
        .map(|path| Run::read(path))
        .collect::<Result<_, TrecError>>()?;
    let mut evaluations: Vec<Evaluation> = runs
        .iter()
        .map(|run| evaluate(&judgments, run, &asked.measures, options))
        .collect::<Result<_, _>>()?;
    match (&args.z_scores, evaluations.as_mut_slice()) {
        (None, _) => {}
        (Some(path), [evaluation]) => ZScores::read(path)?.apply(evaluation, args.set())?,
        (Some(_), _) => return Err(Failure::Name("-Z is for one run".to_owned())),
    }
    for (path, evaluation) in args.runs.iter().zip(&evaluations) {
        remark_on(path, evaluation, args.set());
    }
    let nothing = evaluations
        .iter()
        .any(|evaluation| evaluation.n_queries(QuerySet::Intersection) == 0);
    if runs.len() == 1 && output.format == Format::Text {
        let layout = Layout {
            queries: args.queries,
            summary: !args.no_summary,
            set: args.set(),
            z_scores: args.z_scores.is_some(),
        };
        output.result(&(), |out| trec_eval(&evaluations[0], &asked, layout, out))?;
    } else {
        let report = report(args, qrels, &runs, &evaluations);
        let set = args.set();
        output.result(&report, |out| {
            text(&report, &evaluations, set, args.queries, out)
        })?;
    }
    Ok(if nothing {
        ExitStatus::Error
    } else {
        ExitStatus::Success
    })
}

fn report(args: &Args, qrels: &Path, runs: &[Run], evaluations: &[Evaluation]) -> RankReport {
    let likeness = runs[1..]
        .iter()
        .map(|run| Likeness::of(&runs[0], run, args.scores()))
        .collect();
    let comparisons = compare(evaluations, likeness, args.compare_options());
    let of_run = |(place, (path, evaluation)): (usize, (&PathBuf, &Evaluation))| {
        RunReport::new(
            (place, path.display().to_string()),
            evaluation,
            args.queries,
        )
    };
    let of_runs = (1..)
        .zip(args.runs.iter().zip(evaluations))
        .map(of_run)
        .collect();
    let level = RelevanceLevel::from(args.look.level).get();
    let judged_by = (qrels.display().to_string(), level, args.look.judged_only);
    RankReport::new(judged_by, of_runs, comparisons)
}

/// Says which queries stand in one file only.
fn remark_on(path: &Path, evaluation: &Evaluation, set: QuerySet) {
    let file = plain(&path.display().to_string());
    let named = |queries: Vec<&str>| {
        let some: Vec<String> = queries
            .iter()
            .take(NAMED)
            .map(|query| plain(query))
            .collect();
        let more = if queries.len() > NAMED { ", …" } else { "" };
        format!("{}{more}", some.join(", "))
    };
    let without: Vec<&str> = evaluation
        .queries
        .iter()
        .filter(|query| !query.has_results)
        .map(|query| query.query.as_str())
        .collect();
    if !without.is_empty() {
        let counted = match set {
            QuerySet::Intersection => "are left out (-c counts them as 0)",
            QuerySet::Complete => "count as 0",
        };
        remark(&format!(
            "{file}: judged queries without results {counted}; {} of {}: {}",
            without.len(),
            evaluation.queries.len(),
            named(without)
        ));
    }
    let unjudged: Vec<&str> = evaluation
        .without_judgments
        .iter()
        .map(String::as_str)
        .collect();
    if !unjudged.is_empty() {
        remark(&format!(
            "{file}: queries that nobody judged are ignored; {}: {}",
            unjudged.len(),
            named(unjudged)
        ));
    }
    if evaluation.n_queries(QuerySet::Intersection) == 0 {
        remark(&format!(
            "{file}: no judged query has results: nothing was measured"
        ));
    }
    let ties = evaluation.ties();
    if ties.mixed > 0 {
        remark(&format!(
            "{file}: equal scores of documents of different grades, where the higher name comes first; groups: {}",
            ties.mixed
        ));
    }
}

/// A measure, for `--list`.
#[derive(serde::Serialize)]
struct Listed {
    name: &'static str,
    other_names: &'static [&'static str],
    takes: String,
    summary: &'static str,
}

fn list(output: Output) -> Result<ExitStatus, Failure> {
    let listed: Vec<Listed> = Family::ALL
        .iter()
        .map(|family| Listed {
            name: family.name(),
            other_names: family.other_names(),
            takes: takes(family.takes()),
            summary: family.summary(),
        })
        .collect();
    output.result(&listed, |out| listing(&listed, out))?;
    Ok(ExitStatus::Success)
}

fn listing(listed: &[Listed], out: &mut dyn Write) -> io::Result<()> {
    for measure in listed {
        let others = if measure.other_names.is_empty() {
            String::new()
        } else {
            format!(" Also {}.", measure.other_names.join(", "))
        };
        writeln!(
            out,
            "{:<22}{:<16}{}{others}",
            measure.name, measure.takes, measure.summary
        )?;
    }
    Ok(())
}

fn takes(takes: Takes) -> String {
    match takes {
        Takes::Nothing => "",
        Takes::Cutoffs(_) | Takes::CutoffOrAll => "_k  .k,…  @k",
        Takes::Numbers(_) => "_x  .x,…  @x",
        Takes::Number(_) => ".x",
        Takes::Several(_) => ".x,…",
        Takes::Gains => ".grade=gain,…",
    }
    .to_owned()
}
