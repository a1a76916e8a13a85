//! Ragstone: a touchstone for RAG indexes.
//!
//! Gold questions are replayed against two or more targets, what came back is measured, the targets'
//! contracts and rows are compared, and all of it is judged to a verdict that can be repeated offline.
//! [`pipeline`] is the table of contents; ARCHITECTURE.md draws the data's way and names what is
//! deliberately absent.
//!
//! The modules in the order of that way: the leaves [`ids`], [`units`], [`vector`], [`files`],
//! [`lines`], [`trec`], [`schema`], [`stats`], [`ranking`], [`export`] and [`knn`]; then [`goldset`], [`embed`], [`parity`], [`target`]
//! and [`stamp`], [`replay`], [`measure`], [`traffic`], [`judge`], [`drill`], [`simulate`]; beside each
//! other [`report`] and [`plan`], then [`exchange`]; at the rim [`pipeline`], [`answers`], [`import`], [`merge`], [`indexes`] and [`cli`].

pub mod answers;
pub mod audit;
pub mod cli;
pub mod compare;
pub mod drill;
pub mod earlier;
pub mod embed;
pub mod exchange;
pub mod export;
pub mod files;
pub mod goldset;
pub mod ids;
pub mod import;
pub mod indexes;
pub mod judge;
pub mod knn;
pub mod lines;
pub mod live;
pub mod measure;
pub mod merge;
pub mod net;
pub mod parity;
pub mod pipeline;
pub mod plan;
pub mod rank;
pub mod ranking;
pub mod replay;
pub mod report;
pub mod schema;
pub mod simulate;
pub mod stamp;
pub mod stats;
pub mod target;
pub mod traffic;
pub mod trec;
pub mod units;
pub mod vector;
