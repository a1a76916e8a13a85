//! `ragstone answers`.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstyle::{AnsiColor, Style as Paint};

use crate::answers::{
    AnswerFile, AnswersReport, FieldName, FieldNames, Ids, QuestionResult, RecordedReply, Referred,
    SHARE_EQUAL, SelfNoise, Unmatched, compare, load, texts,
};
use crate::cli::output::{Output, remark};
use crate::cli::{ExitStatus, Failure};
use crate::embed::{Endpoint, Referee};
use crate::files::write_whole;
use crate::judge::RunVerdict;
use crate::measure::{Rung, Unanswered};
use crate::report::plain;
use crate::stats::trials_needed_without_event;
use crate::units::Confidence;

/// Names shown of a long list; the JSON has all.
const SHOWN: usize = 10;
/// Characters shown of an answer.
const SHOWN_OF_ANSWER: usize = 160;

/// Compares two files of answers to the same questions.
///
/// Each file holds one JSON object a line, plain or gzip: `question`, `answer` (null if none came)
/// and, optionally, `id`, `citations` and `gold` (lists of strings) and `seed` (another seed is a
/// repeat, which tells a side's own noise).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The first side.
    #[arg(value_name = "A.jsonl")]
    a: PathBuf,
    /// The second side.
    #[arg(value_name = "B.jsonl")]
    b: PathBuf,
    /// Read a field under another name, such as `answer=answer_llm`; may be given more than once.
    #[arg(long, value_name = "FIELD=NAME")]
    field: Vec<FieldName>,
    /// Name questions by their text even if every line has an id.
    #[arg(long)]
    by_question: bool,
    /// The least share of equal questions, in (0, 1).
    #[arg(long, value_name = "SHARE", default_value_t = SHARE_EQUAL, value_parser = share)]
    min_equal: f64,
    /// An OpenAI-compatible service that embeds the answers, for the semantic rung.
    #[arg(long, value_name = "URL", requires = "model")]
    endpoint: Option<String>,
    /// A Parquet file of vectors: read first, and with --endpoint written through.
    #[arg(long, value_name = "FILE", requires = "model")]
    cache: Option<PathBuf>,
    /// The model of the vectors.
    #[arg(long)]
    model: Option<String>,
    /// The environment variable that holds the service's key.
    #[arg(long, value_name = "VARIABLE", requires = "endpoint")]
    key_env: Option<String>,
    /// Also write the JSON to this file; must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A share that a bound can reach.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok();
    share
        .filter(|&share| share > 0.0 && share < 1.0)
        .ok_or_else(|| "expected a share between 0 and 1, such as 0.95".to_owned())
}

impl Args {
    /// Two files, and everything else as usual.
    pub(super) fn of(a: PathBuf, b: PathBuf) -> Self {
        Self {
            a,
            b,
            field: Vec::new(),
            by_question: false,
            min_equal: SHARE_EQUAL,
            endpoint: None,
            cache: None,
            model: None,
            key_env: None,
            out: None,
        }
    }
}

pub(super) async fn run(args: Args, output: Output) -> Result<ExitStatus, Failure> {
    if let Some(path) = args.out.as_ref().filter(|path| path.exists()) {
        return Err(Failure::Exists { path: path.clone() });
    }
    let names = FieldNames::new(args.field.iter().cloned());
    let (a, b) = (load(&args.a, &names)?, load(&args.b, &names)?);
    let ids = if args.by_question {
        Ids::Ignored
    } else {
        Ids::Used
    };
    let scratch = scratch()?;
    let report = match args.referee(scratch.path())? {
        None => compare(&a, &b, ids, None, args.min_equal)?,
        Some(referee) => {
            let vectors = referee.vectors(&texts(&a, &b)).await?;
            let referred = Referred {
                vectors: &vectors,
                referee: &referee.id(&vectors),
            };
            compare(&a, &b, ids, Some(referred), args.min_equal)?
        }
    };
    if let Some(path) = &args.out {
        save(&report, path)?;
    }
    output.result(&report, |out| text(&report, [&a, &b], out))?;
    Ok(report.verdict.into())
}

/// A folder for vectors that nobody asked to keep.
fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|source| Failure::MakeFolder {
        path: std::env::temp_dir(),
        source,
    })
}

impl Args {
    /// Where vectors come from; vectors of an endpoint without a cache are kept in `scratch` only.
    fn referee(&self, scratch: &Path) -> Result<Option<Referee>, Failure> {
        let Some(model) = self.model.clone() else {
            return Ok(None);
        };
        match (&self.endpoint, &self.cache) {
            (None, None) => Err(Failure::Name(
                "--model needs --endpoint or --cache, which hold its vectors".to_owned(),
            )),
            (None, Some(path)) => Ok(Some(Referee::Cache {
                path: path.clone(),
                model,
            })),
            (Some(url), cache) => Ok(Some(Referee::Endpoint {
                path: cache
                    .clone()
                    .unwrap_or_else(|| scratch.join("vectors.parquet")),
                endpoint: Endpoint::new(url, model, self.key_env.clone())?,
            })),
        }
    }
}

fn save(report: &AnswersReport, path: &Path) -> Result<(), Failure> {
    let failed = |source| Failure::MakeFolder {
        path: path.to_owned(),
        source,
    };
    let mut bytes = serde_json::to_vec_pretty(report).map_err(|error| failed(error.into()))?;
    bytes.push(b'\n');
    write_whole(path, &bytes).map_err(failed)?;
    remark(&format!("report: {}", path.display()));
    Ok(())
}

fn text(report: &AnswersReport, files: [&AnswerFile; 2], out: &mut dyn Write) -> io::Result<()> {
    for (name, side) in [("A", &report.a), ("B", &report.b)] {
        writeln!(
            out,
            "{name}  {} ({} replies, b3:{})",
            plain(&side.path),
            side.n_replies,
            side.digest.short(12)
        )?;
    }
    writeln!(out)?;
    for (rung, n) in &report.by_rung {
        let share = 100.0 * *n as f64 / report.n_questions.max(1) as f64;
        writeln!(out, "  {rung:<28} {n:>6} {share:>6.1} %")?;
    }
    writeln!(out)?;
    writeln!(out, "  semantic rung: {}", plain(&report.semantic.note))?;
    for (name, noise) in [("A", report.noise_a), ("B", report.noise_b)] {
        writeln!(out, "  noise of {name}: {}", noise_in_words(noise))?;
    }
    for (name, side) in [("A", &report.a), ("B", &report.b)] {
        if side.n_unpaired > 0 {
            let n = side.n_unpaired;
            writeln!(
                out,
                "  {n} replies of {name} have a seed that the other side lacks"
            )?;
        }
    }
    lists(report, out)?;
    differing(report, files, out)?;
    verdict(report, out)
}

fn noise_in_words(noise: Option<SelfNoise>) -> String {
    let Some(noise) = noise else {
        return "not known, no question was repeated with another seed".to_owned();
    };
    let distance = noise.distance_p95.map_or_else(
        || "distance not known".to_owned(),
        |distance| format!("distance up to {distance:.4}"),
    );
    format!(
        "{} of {} repeated questions are equal to their repeats, {distance}",
        noise.n_equal, noise.n_questions
    )
}

/// Duplicates and one-sided questions, the first of each by name.
fn lists(report: &AnswersReport, out: &mut dyn Write) -> io::Result<()> {
    let duplicates = report.duplicates.iter().map(|duplicate| {
        format!(
            "{} (seed {}; lines {} of A, {} of B)",
            plain(duplicate.question.as_str()),
            duplicate.seed.0,
            joined(&duplicate.lines_a),
            joined(&duplicate.lines_b)
        )
    });
    list(
        "asked more than once, each counted as one question",
        duplicates,
        out,
    )?;
    let ids = |ids: &[crate::ids::QuestionId]| -> Vec<String> {
        ids.iter().map(|id| plain(id.as_str())).collect()
    };
    list(
        "only in A, counted as different",
        ids(&report.only_in_a).into_iter(),
        out,
    )?;
    list(
        "only in B, counted as different",
        ids(&report.only_in_b).into_iter(),
        out,
    )
}

fn joined(lines: &[u64]) -> String {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    if lines.is_empty() {
        "none".to_owned()
    } else {
        lines.join(", ")
    }
}

fn list(
    title: &str,
    names: impl ExactSizeIterator<Item = String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let n = names.len();
    if n == 0 {
        return Ok(());
    }
    writeln!(out, "\n{n} questions {title}:")?;
    for name in names.take(SHOWN) {
        writeln!(out, "  {name}")?;
    }
    if n > SHOWN {
        writeln!(out, "  … and {} more", n - SHOWN)?;
    }
    Ok(())
}

/// The first questions that both sides were asked and that differ, with both answers.
fn differing(
    report: &AnswersReport,
    files: [&AnswerFile; 2],
    out: &mut dyn Write,
) -> io::Result<()> {
    let differing: Vec<&QuestionResult> = report
        .questions
        .iter()
        .filter(|question| question.rung == Rung::Different && !is_one_sided(question))
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    let by_line = files.map(|file| -> HashMap<u64, &RecordedReply> {
        file.replies
            .iter()
            .map(|reply| (reply.line, reply))
            .collect()
    });
    writeln!(out, "\n{} questions differ:", differing.len())?;
    for question in differing.iter().take(SHOWN) {
        writeln!(out, "  {}{}", plain(question.id.as_str()), why(question))?;
        let lines = [("A", question.line_a), ("B", question.line_b)];
        for ((name, line), replies) in lines.into_iter().zip(&by_line) {
            let reply = line.and_then(|line| Some((line, replies.get(&line)?)));
            if let Some((line, reply)) = reply {
                let answer = reply
                    .answer
                    .as_deref()
                    .map_or_else(|| "(no answer)".to_owned(), shortened);
                writeln!(out, "    {name}:{line}  {answer}")?;
            }
        }
    }
    if differing.len() > SHOWN {
        writeln!(
            out,
            "  … and {} more; --format json names all",
            differing.len() - SHOWN
        )?;
    }
    Ok(())
}

fn is_one_sided(question: &QuestionResult) -> bool {
    matches!(
        question.unmatched,
        Some(Unmatched::OnlyInA | Unmatched::OnlyInB)
    )
}

fn why(question: &QuestionResult) -> String {
    let reason = match (question.unmatched, question.unanswered) {
        (Some(Unmatched::NoCommonSeed), _) => "the sides have no seed in common",
        (Some(Unmatched::UnevenDuplicates), _) => "it stands more often on one side",
        (_, Some(Unanswered::ByA)) => "A gave no answer",
        (_, Some(Unanswered::ByB)) => "B gave no answer",
        (_, Some(Unanswered::ByBoth)) => "neither side gave an answer",
        _ => "",
    };
    let distance = question
        .distance
        .map(|distance| format!("distance {distance:.4}"));
    let parts: Vec<String> = (!reason.is_empty())
        .then(|| reason.to_owned())
        .into_iter()
        .chain(distance)
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

fn shortened(answer: &str) -> String {
    let mut shown = plain(&answer.chars().take(SHOWN_OF_ANSWER).collect::<String>());
    if answer.chars().nth(SHOWN_OF_ANSWER).is_some() {
        shown.push('…');
    }
    shown
}

fn verdict(report: &AnswersReport, out: &mut dyn Write) -> io::Result<()> {
    let colour = match report.verdict {
        RunVerdict::Pass => AnsiColor::Green,
        RunVerdict::Inconclusive => AnsiColor::Yellow,
        _ => AnsiColor::Red,
    };
    let paint = Paint::new().fg_color(Some(colour.into())).bold();
    let number =
        |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
    writeln!(
        out,
        "\n{paint}{}{paint:#} answers_equal: {} of {} questions, share {} [{}, {}] ≥ {}",
        report.verdict.name(),
        report.n_equal,
        report.n_questions,
        number(report.share),
        number(report.ci_low),
        number(report.ci_high),
        report.limit
    )?;
    let least = trials_needed_without_event(1.0 - report.limit, Confidence::P95);
    if report.verdict == RunVerdict::Inconclusive && (report.n_questions as u64) < least {
        writeln!(
            out,
            "at least {least} questions are needed to pass, even if all are equal"
        )?;
    }
    if report.reason_code == crate::judge::ReasonCode::UnsteadySide {
        writeln!(
            out,
            "a side does not agree with its own repeats, so no difference between the sides counts"
        )?;
    }
    Ok(())
}
