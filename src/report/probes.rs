//! Observations and texts of a run, written as they are read.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::ids::Digest;
use crate::replay::{Observation, ObservationsWriter, TextsWriter};
use crate::report::folder::write_json;
use crate::report::{FolderError, RunRecord};
use crate::target::Texts;

/// Writes `observations.parquet`, `texts.parquet` and `run.json` into a run folder, in memory that does
/// not grow with the number of probes. The files appear when it is finished.
pub struct ProbesWriter {
    folder: PathBuf,
    observations: ObservationsWriter,
    texts: TextsWriter,
    written: HashSet<Digest>,
}

impl ProbesWriter {
    /// Begins in a folder that exists.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn create(folder: &Path) -> Result<Self, FolderError> {
        Ok(Self {
            folder: folder.to_owned(),
            observations: ObservationsWriter::create(&folder.join("observations.parquet"))?,
            texts: TextsWriter::create(&folder.join("texts.parquet"))?,
            written: HashSet::new(),
        })
    }

    /// Adds observations and the texts they brought; a text that was there already is not written again.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn push(&mut self, observations: &[Observation], texts: &Texts) -> Result<(), FolderError> {
        self.observations.push(observations)?;
        for (digest, text) in texts {
            if self.written.insert(*digest) {
                self.texts.push(digest, text)?;
            }
        }
        Ok(())
    }

    /// Puts the files in place, `run.json` last.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn finish(self, record: &RunRecord) -> Result<(), FolderError> {
        self.observations.finish()?;
        self.texts.finish()?;
        write_json(&self.folder.join("run.json"), record)
    }
}
