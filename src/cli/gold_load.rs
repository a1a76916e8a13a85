//! `ragstone gold load`.

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::{ExitStatus, Failure};
use crate::pipeline::Loading;
use crate::plan::{self, Overrides};
use crate::report::plain;
use crate::target::Metric;

/// Puts a gold set's corpus into a store.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy file, whose gold set and referee are used.
    policy: PathBuf,
    /// The target of the policy whose table or collection is made; it must not exist.
    target: String,
    /// The metric that the index is built for.
    #[arg(long, value_enum, default_value_t = IndexMetric::Cosine)]
    metric: IndexMetric,
}

/// A metric on the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum IndexMetric {
    /// Cosine of the angle.
    Cosine,
    /// Inner product.
    Dot,
    /// Euclidean distance.
    L2,
}

#[derive(Serialize)]
struct Loaded<'a> {
    place: String,
    n_rows: usize,
    metric: &'a str,
}

pub(super) async fn run(args: Args, output: Output) -> Result<ExitStatus, Failure> {
    let metric = match args.metric {
        IndexMetric::Cosine => Metric::Cosine,
        IndexMetric::Dot => Metric::Dot,
        IndexMetric::L2 => Metric::L2,
    };
    let policy = plan::load(&args.policy, &Overrides::default())?;
    let loading = Loading::prepare(&policy, &args.target, metric).await?;
    let mut progress = Progress::begin("rows");
    let done = loading
        .run(&mut |done, planned| progress.tell(done, planned))
        .await;
    progress.end();
    done?;
    let loaded = Loaded {
        place: loading.place(),
        n_rows: loading.n_rows(),
        metric: metric.name(),
    };
    output.result(&loaded, |out| {
        writeln!(
            out,
            "{} rows were written into {}, indexed for {}",
            loaded.n_rows,
            plain(&loaded.place),
            loaded.metric
        )
    })?;
    Ok(ExitStatus::Success)
}
