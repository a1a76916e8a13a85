//! Why a run is not exported.

use miette::Diagnostic;
use thiserror::Error;

use crate::exchange::NameClash;
use crate::goldset::GoldSetError;
use crate::ids::Digest;
use crate::report::FolderError;

/// Why a run cannot be handed on in a format.
#[derive(Debug, Error, Diagnostic)]
pub enum RunExportError {
    /// The run folder.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Folder(#[from] FolderError),
    /// The gold set.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Gold(#[from] GoldSetError),
    /// Another gold set than was asked.
    #[error("the run asked the gold set {asked}, and this one is {found}")]
    #[diagnostic(
        code(export_run::other_gold),
        help("name the edition that was asked: `ragstone gold digest` tells an edition's digest")
    )]
    OtherGold {
        /// What the run says.
        asked: Digest,
        /// Of the gold set named.
        found: Digest,
    },
    /// A format that is made of the gold set.
    #[error("judgments are part of the gold set, and a run folder holds no gold set")]
    #[diagnostic(
        code(export_run::no_gold),
        help(
            "name the gold set with --gold DIR, or write its judgments with `ragstone gold export DIR --as trec`"
        )
    )]
    NoGold,
    /// A target that was not asked.
    #[error("the run has no target `{name}`")]
    #[diagnostic(code(export_run::target), help("its targets: {known}"))]
    NoTarget {
        /// What was named.
        name: String,
        /// Those there are.
        known: String,
    },
    /// No probe is as wanted.
    #[error("the run has no probe {wanted}")]
    #[diagnostic(code(export_run::nothing), help("{help}"))]
    Nothing {
        /// In words.
        wanted: String,
        /// What there is.
        help: String,
    },
    /// Several files for one stream.
    #[error("there are {n} files, one a target")]
    #[diagnostic(
        code(export_run::several),
        help("name one target with --target, or a folder for all of them with --out")
    )]
    SeveralFiles {
        /// How many.
        n: usize,
    },
    /// A file that is no text, or would be mixed with the result.
    #[error("{format} needs a file")]
    #[diagnostic(
        code(export_run::file),
        help(
            "name one with --out; without it, only formats of text go to stdout, and only without --format json"
        )
    )]
    NeedsFile {
        /// Which format.
        format: &'static str,
    },
    /// Numbers of other probes.
    #[error("metrics.parquet and observations.parquet are not of the same probes")]
    #[diagnostic(
        code(export_run::metrics),
        help("a run folder is written whole; copy it again from where it was made")
    )]
    OtherMetrics,
    /// A text that is not kept.
    #[error("texts.parquet has no text {digest}, which a probe names")]
    #[diagnostic(
        code(export_run::text),
        help("a run folder is written whole; copy it again from where it was made")
    )]
    MissingText {
        /// Of the text.
        digest: Digest,
    },
    /// An option that a format makes nothing of.
    #[error("{format} makes nothing of {option}")]
    #[diagnostic(code(export_run::option), help("leave it out"))]
    NotFor {
        /// Which option.
        option: &'static str,
        /// Which format.
        format: &'static str,
    },
    /// A time that is none.
    #[error("`{found}` of run.json is no time")]
    #[diagnostic(
        code(export_run::time),
        help("expected RFC 3339, such as 2026-12-31T23:59:59Z")
    )]
    Time {
        /// What stands there.
        found: String,
    },
    /// Two sections with one name.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Clash(#[from] NameClash),
}
