//! `NAME.stamp.json` and `NAME.stamp.parquet`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::export::Source;
use crate::files::write_whole;
use crate::ids::Digest;
use crate::parity::stamp::{Channel, Channels, FLOATS, SketchId, Stamp, Tree, config_root};
use crate::parity::{Behaviour, Contract, ContractField};
use crate::stamp::{Bucket, Building, Making, Rows, RowsWriter, StampError, Totals};

/// A saved stamp.
#[derive(Debug)]
pub struct Saved {
    /// The document.
    pub stamp: Stamp,
    /// The rows.
    pub rows: Rows,
}

/// The two files of a stamp: `NAME.stamp.json` and `NAME.stamp.parquet`. A name that ends like one of
/// them is taken without that end.
pub fn names(name: &Path) -> (PathBuf, PathBuf) {
    let text = name.to_string_lossy();
    let stem = text
        .strip_suffix(".stamp.json")
        .or_else(|| text.strip_suffix(".stamp.parquet"))
        .unwrap_or(&text);
    let file = |end: &str| PathBuf::from(format!("{stem}{end}"));
    (file(".stamp.json"), file(".stamp.parquet"))
}

/// What a side says and does, beside its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// What it claims of itself.
    pub claimed: Contract,
    /// What it does.
    pub behaviour: Behaviour,
}

/// Makes the stamp of an export and saves it under a name. `progress` is told how many rows were read.
///
/// # Errors
/// If a row cannot be read or stamped, or a file not be written.
pub fn make(
    source: &Source,
    name: &Path,
    said: &Said,
    making: &Making,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Stamp, StampError> {
    let (document, rows) = names(name);
    let mut writer = RowsWriter::create(&rows)?;
    let building = Building::new(making.clone());
    source.read(&|chunk| {
        let rows = chunk.len() as u64;
        building.add(&chunk)?;
        progress(rows);
        Ok::<_, StampError>(())
    })?;
    let totals = building.finish(Some(&mut writer))?;
    let stamp = stamp(&totals, said, source.left_out(), making.seed);
    writer.finish(&totals.buckets)?;
    let mut json = serde_json::to_vec_pretty(&stamp).expect("a stamp has a JSON form");
    json.push(b'\n');
    write_whole(&document, &json).map_err(StampError::io(&document))?;
    Ok(stamp)
}

/// The document of what came of all rows.
fn stamp(totals: &Totals, said: &Said, left_out: Vec<String>, seed: u64) -> Stamp {
    let health = &totals.health;
    let mut contract = said
        .claimed
        .clone()
        .with(ContractField::IndexHash, totals.content.to_string())
        .with(ContractField::Count, health.rows.to_string());
    if let Some(vectors) = totals.vectors {
        contract = contract.with(ContractField::VectorHash, vectors.to_string());
    }
    if let Some(dim) = health.dimension() {
        contract = contract.with(ContractField::Dim, dim.to_string());
    }
    Stamp {
        format: Stamp::FORMAT,
        tool: concat!("ragstone ", env!("CARGO_PKG_VERSION")).to_owned(),
        channels: Channels {
            content: totals.content,
            vectors: totals.vectors,
            config: config_root(&contract),
        },
        contract,
        claimed: said.claimed.clone(),
        covers: totals.covers,
        left_out,
        health: health.clone(),
        sketch: SketchId {
            seed,
            floats: FLOATS as u32,
        },
        behaviour: said.behaviour.clone(),
    }
}

impl Saved {
    /// Opens the two files of a stamp and proves that its roots are those of its buckets.
    ///
    /// # Errors
    /// If one is missing or damaged, or they do not belong together.
    pub fn open(name: &Path) -> Result<Self, StampError> {
        let (document, rows) = names(name);
        let json = std::fs::read(&document).map_err(StampError::io(&document))?;
        let not_a_stamp = |source| StampError::Document {
            path: document.clone(),
            source,
        };
        let value: Value = serde_json::from_slice(&json).map_err(not_a_stamp)?;
        match value["format"].as_u64() {
            Some(found) if found != u64::from(Stamp::FORMAT) => {
                return Err(StampError::Format {
                    path: document,
                    found,
                    known: Stamp::FORMAT,
                });
            }
            _ => {}
        }
        let stamp: Stamp = serde_json::from_value(value).map_err(not_a_stamp)?;
        let rows = Rows::open(&rows)?;
        let problem = disagreement(&stamp, &rows);
        match problem {
            Some(problem) => Err(StampError::Changed {
                path: rows.path().to_owned(),
                problem,
            }),
            None => Ok(Self { stamp, rows }),
        }
    }
}

/// What the document says that the rows, or the document itself, contradict.
fn disagreement(stamp: &Stamp, rows: &Rows) -> Option<&'static str> {
    let root = |channel, digest: fn(&Bucket) -> Digest| {
        let buckets: Vec<Digest> = rows.buckets().iter().map(digest).collect();
        Tree::new(channel).root(&buckets)
    };
    let count = |n: fn(&Bucket) -> u32| rows.buckets().iter().map(|b| u64::from(n(b))).sum::<u64>();
    let (channels, health) = (&stamp.channels, &stamp.health);
    let vectors = health.rows > health.absent_vectors;
    let vectors = vectors.then(|| root(Channel::Vectors, |bucket| bucket.vectors));
    let stated = |field| stamp.contract.get(field).map(str::to_owned);
    let computed = [
        (ContractField::IndexHash, Some(channels.content.to_string())),
        (ContractField::Count, Some(health.rows.to_string())),
        (
            ContractField::VectorHash,
            vectors.map(|root| root.to_string()),
        ),
        (
            ContractField::Dim,
            health.dimension().map(|dim| dim.to_string()),
        ),
    ];
    // What could not be computed may be claimed.
    let other = |(field, value): &(_, Option<String>)| value.is_some() && stated(*field) != *value;
    if root(Channel::Content, |bucket| bucket.content) != channels.content {
        Some("its buckets do not give the root of the content channel")
    } else if vectors != channels.vectors {
        Some("its buckets do not give the root of the vector channel")
    } else if count(|bucket| bucket.rows) != health.rows
        || count(|bucket| bucket.ids) != health.distinct_ids
    {
        Some("its buckets have other rows or ids than the document counts")
    } else if computed.iter().any(other) {
        Some("the contract of its document states something else than was computed")
    } else if config_root(&stamp.contract) != channels.config {
        Some("the contract of its document does not give the root of the config channel")
    } else {
        None
    }
}
