//! An index on the command line: an export, or a live target of a policy.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::cli::columns::ColumnArgs;
use crate::cli::gate::occasion;
use crate::cli::progress::Progress;
use crate::cli::{Failure, claims};
use crate::export::{Columns, Source};
use crate::parity::stamp::{SEED, Stamp};
use crate::parity::{Behaviour, Contract, Reading};
use crate::pipeline::Live;
use crate::plan::{self, Overrides};
use crate::stamp::{Making, Said, make};

/// How indexes are read and stamped.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SideArgs {
    /// The policy that names live targets.
    #[arg(long, value_name = "POLICY", default_value = "ragstone.toml")]
    policy: PathBuf,
    /// Look at a live target's rows only, not at what it does.
    #[arg(long)]
    rows_only: bool,
    #[command(flatten)]
    columns: ColumnArgs,
    /// Seed of the projections; stamps with different seeds cannot be compared by them.
    #[arg(long, value_name = "N", default_value_t = SEED)]
    seed: u64,
    /// Rows beyond so many MiB are spilled to a disk.
    #[arg(long, value_name = "MIB", default_value_t = 384)]
    memory: usize,
    /// The folder for spilled and downloaded rows [default: the system's temporary folder].
    #[arg(long, value_name = "DIR")]
    spill_to: Option<PathBuf>,
}

/// An index that can be read: its rows, and what it says of itself.
pub(super) struct Readable {
    pub(super) source: Source,
    pub(super) said: Said,
    /// What the policy declares that a live target states otherwise than its control, on purpose.
    pub(super) intended: Contract,
}

impl SideArgs {
    pub(super) fn making(&self) -> Making {
        Making {
            seed: self.seed,
            memory: self.bytes(),
            spill_to: self.spill_to.clone().unwrap_or_else(std::env::temp_dir),
        }
    }

    /// How much may be kept in memory.
    pub(super) fn bytes(&self) -> usize {
        self.memory.max(1).saturating_mul(1 << 20)
    }

    /// A folder for what is needed only now; gone when it is dropped.
    pub(super) fn scratch(&self) -> Result<tempfile::TempDir, Failure> {
        tempfile::tempdir_in(self.making().spill_to).map_err(Failure::Scratch)
    }

    /// Opens an export, or downloads the rows of a live target into `scratch`. One name that is no file is
    /// that of a target.
    pub(super) async fn open(
        &self,
        paths: &[PathBuf],
        contract: Option<&Path>,
        scratch: &Path,
    ) -> Result<Readable, Failure> {
        let given = claims::given(contract)?;
        if let [name] = paths
            && !name.exists()
            && self.policy.exists()
        {
            return self.live(&name.to_string_lossy(), given, scratch).await;
        }
        Ok(Readable {
            source: Source::open(paths, &self.columns.columns())?,
            said: Said {
                claimed: given,
                behaviour: Behaviour::not_read("an export does nothing"),
            },
            intended: Contract::default(),
        })
    }

    async fn live(&self, name: &str, given: Contract, scratch: &Path) -> Result<Readable, Failure> {
        let policy = plan::load(&self.policy, &Overrides::default())?;
        let occasion = occasion("look");
        let live = Live::prepare(&policy, name, &occasion).await?;
        let claimed = live.claims().await?;
        let file = tempfile::Builder::new()
            .prefix("rows-")
            .suffix(".arrow")
            .tempfile_in(scratch)
            .and_then(|file| Ok(file.into_temp_path().keep()?))
            .map_err(Failure::Scratch)?;
        let mut progress = Progress::begin("rows");
        let done = live
            .download(&file, &mut |done| progress.tell(done, done))
            .await;
        progress.end();
        done?;
        let source = Source::open(&[file], &Columns::default())?;
        let behaviour = if self.rows_only {
            Behaviour {
                identity: Reading::Read(live.still(&claimed).await?),
                ..Behaviour::not_read("--rows-only")
            }
        } else {
            let mut progress = Progress::begin("questions");
            let tell = &mut |done, planned| progress.tell(done, planned);
            let read = live
                .behaviour(&policy, &claimed, &source, &occasion, tell)
                .await;
            progress.end();
            read?
        };
        let said = Said {
            claimed: given.or(&claimed),
            behaviour,
        };
        Ok(Readable {
            source,
            said,
            intended: live.intended().clone(),
        })
    }

    /// Makes a stamp with progress on stderr.
    pub(super) fn stamp(&self, index: &Readable, name: &Path) -> Result<Stamp, Failure> {
        let planned = index.source.n_rows();
        let progress = Mutex::new((Progress::begin("rows"), 0_u64));
        let made = make(&index.source, name, &index.said, &self.making(), &|rows| {
            let mut progress = progress.lock().expect("telling does not panic");
            progress.1 += rows;
            let done = progress.1;
            let planned = planned.unwrap_or(done).max(done);
            progress.0.tell(done as usize, planned as usize);
        });
        let (progress, _) = progress.into_inner().expect("telling does not panic");
        progress.end();
        Ok(made?)
    }
}
