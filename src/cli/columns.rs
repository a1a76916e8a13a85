//! Flags that say which columns of an export are what.

use crate::export::Columns;

/// Which columns of an export are what.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Columns of an export")]
pub(super) struct ColumnArgs {
    /// The ids.
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    id: String,
    /// The texts [default: text, where there is one].
    #[arg(long, value_name = "COLUMN")]
    text: Option<String>,
    /// The vectors [default: vector, where there is one].
    #[arg(long, value_name = "COLUMN")]
    vector: Option<String>,
    /// What is kept beside the texts [default: metadata, where there is one]; may be given more than
    /// once.
    #[arg(long, value_name = "COLUMN")]
    metadata: Vec<String>,
    /// The documents that rows were cut from [default: `doc_id`, where there is one].
    #[arg(long, value_name = "COLUMN")]
    doc_id: Option<String>,
    /// The sections within them [default: `section_id`, where there is one].
    #[arg(long, value_name = "COLUMN")]
    section_id: Option<String>,
}

impl ColumnArgs {
    pub(super) fn columns(&self) -> Columns {
        Columns {
            id: self.id.clone(),
            text: self.text.clone(),
            vector: self.vector.clone(),
            metadata: self.metadata.clone(),
            doc_id: self.doc_id.clone(),
            section_id: self.section_id.clone(),
        }
    }
}
