//! `ragstone gold lint|stats|digest|embed|load|import|export`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::output::{Output, remark};
use crate::cli::progress::Progress;
use crate::cli::{ExitStatus, Failure, gold_exchange, gold_load};
use crate::embed::{EmbedError, Endpoint, VectorTable, embed_missing, read_cache};
use crate::goldset::{
    self, GoldSet, GoldSetError, Problem, Severity, Spread, Summary, lint, summarise,
};
use crate::pipeline::also_embedded;
use crate::report::plain;

/// Works on a gold set.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check a gold set by file and line: errors make it unusable, warnings deserve a second look.
    Lint {
        /// The gold set's folder.
        folder: PathBuf,
        /// Exit with 1 on warnings too.
        #[arg(long)]
        strict: bool,
    },
    /// Count what a gold set holds.
    Stats {
        /// The gold set's folder.
        folder: PathBuf,
    },
    /// Print the digest of a gold set's canonical form.
    Digest {
        /// The gold set's folder.
        folder: PathBuf,
    },
    /// Embed every text that embeddings.parquet lacks, by an OpenAI-compatible endpoint.
    Embed(EmbedArgs),
    /// Put the corpus with its vectors into an empty place of a store: the target of a policy.
    Load(gold_load::Args),
    /// Make a gold set of a judged collection or of another tool's test set.
    Import(Box<gold_exchange::ImportArgs>),
    /// Write a gold set as a judged collection or as another tool's test set.
    Export(gold_exchange::ExportArgs),
}

#[derive(Debug, clap::Args)]
struct EmbedArgs {
    /// The gold set's folder.
    folder: PathBuf,
    /// The service, such as <http://127.0.0.1:8089/v1>.
    #[arg(long, value_name = "URL")]
    endpoint: String,
    /// The model, if not the one of gold.toml.
    #[arg(long)]
    model: Option<String>,
    /// The environment variable that holds the service's key.
    #[arg(long, value_name = "VARIABLE")]
    key_env: Option<String>,
}

pub(super) fn run(
    args: Args,
    output: Output,
    runtime: &dyn Fn() -> Result<tokio::runtime::Runtime, Failure>,
) -> Result<ExitStatus, Failure> {
    match args.command {
        Command::Lint { folder, strict } => run_lint(&folder, strict, output),
        Command::Stats { folder } => {
            let summary = summarise(&goldset::load(&folder)?);
            output.result(&summary, |out| stats(&summary, out))?;
            Ok(ExitStatus::Success)
        }
        Command::Digest { folder } => {
            let digest = goldset::load(&folder)?.digest();
            output.result(&digest, |out| writeln!(out, "{digest}"))?;
            Ok(ExitStatus::Success)
        }
        Command::Embed(args) => runtime()?.block_on(embed(args, output)),
        Command::Load(args) => runtime()?.block_on(gold_load::run(args, output)),
        Command::Import(args) => gold_exchange::import(*args, output),
        Command::Export(args) => gold_exchange::export(&args, output),
    }
}

/// Errors exit with 1, as findings of a linter do; a folder that cannot be read at all exits with
/// 2.
fn run_lint(folder: &Path, strict: bool, output: Output) -> Result<ExitStatus, Failure> {
    let problems = match goldset::load(folder) {
        Ok(gold) => {
            let vectors = vectors(&gold)?;
            lint::lint(&gold, &|text| vectors.of_text(text))
        }
        Err(GoldSetError::Content { problems }) => problems,
        Err(error) => return Err(error.into()),
    };
    output.result(&problems, |out| findings(&problems, out))?;
    let errors = problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    Ok(if errors || (strict && !problems.is_empty()) {
        ExitStatus::Fail
    } else {
        ExitStatus::Success
    })
}

/// The vectors of the gold set's own cache. Without a cache every text is unknown, which the linter
/// says.
fn vectors(gold: &GoldSet) -> Result<VectorTable, Failure> {
    match read_cache(&gold.embeddings_path(), &gold.manifest.model) {
        Ok(table) => Ok(table),
        Err(EmbedError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(VectorTable::new(&gold.manifest.model))
        }
        Err(EmbedError::Model { .. }) => Ok(VectorTable::new(&gold.manifest.model)),
        Err(error) => Err(error.into()),
    }
}

fn findings(problems: &[Problem], out: &mut dyn Write) -> io::Result<()> {
    for problem in problems {
        let severity = if problem.severity == Severity::Error {
            "error"
        } else {
            "warning"
        };
        let lines = problem.to_string();
        writeln!(
            out,
            "{severity}: {}",
            lines.lines().map(plain).collect::<Vec<_>>().join("\n")
        )?;
    }
    let count = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    writeln!(
        out,
        "{} errors, {} warnings",
        count(Severity::Error),
        count(Severity::Warning)
    )
}

fn stats(summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
    let spread = |spread: Option<Spread>| {
        spread.map_or_else(
            || "–".to_owned(),
            |spread| format!("{} to {}, median {}", spread.min, spread.max, spread.median),
        )
    };
    writeln!(out, "{} {}", plain(&summary.name), plain(&summary.version))?;
    writeln!(
        out,
        "questions  {} ({} answerable, {} over several sections), {} wordings",
        summary.n_questions, summary.n_answerable, summary.n_multi_section, summary.n_forms
    )?;
    writeln!(
        out,
        "corpus     {} documents, {} sections, {} snippets",
        summary.n_documents, summary.n_sections, summary.n_snippets
    )?;
    writeln!(
        out,
        "not asked  {} sections",
        summary.n_sections_never_asked
    )?;
    writeln!(
        out,
        "words      a section {}; a wording {}",
        spread(summary.section_words),
        spread(summary.form_words)
    )?;
    for (topic, counts) in &summary.topics {
        writeln!(
            out,
            "topic      {:<16} {:>3} questions, {:>3} target sections",
            plain(topic.as_str()),
            counts.n_questions,
            counts.n_targets
        )?;
    }
    Ok(())
}

#[derive(Serialize)]
struct Embedded<'a> {
    model: &'a str,
    n_texts: usize,
    n_embedded_now: usize,
    dim: usize,
}

async fn embed(args: EmbedArgs, output: Output) -> Result<ExitStatus, Failure> {
    let gold = goldset::load(&args.folder)?;
    let texts = gold.texts(&also_embedded(&gold)?);
    let model = args.model.unwrap_or_else(|| gold.manifest.model.clone());
    let endpoint = Endpoint::new(&args.endpoint, model, args.key_env)?;
    let path = gold.embeddings_path();
    let mut progress = Progress::begin("texts");
    let mut wanted = 0;
    let table = embed_missing(&path, &endpoint, &texts, &mut |done, planned| {
        wanted = planned;
        progress.tell(done, planned);
    })
    .await?;
    progress.end();
    let done = Embedded {
        model: table.model(),
        n_texts: texts.len(),
        n_embedded_now: wanted,
        dim: table.dim(),
    };
    output.result(&done, |out| {
        writeln!(
            out,
            "{} texts have a vector of {} ({} numbers); {} are new",
            done.n_texts,
            plain(done.model),
            done.dim,
            done.n_embedded_now
        )
    })?;
    remark(&format!("vectors: {}", path.display()));
    Ok(ExitStatus::Success)
}
