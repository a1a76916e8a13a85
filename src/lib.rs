//! Ragstone: a touchstone for RAG indexes.
pub mod cli;
pub mod embed;
pub mod files;
pub mod goldset;
pub mod ids;
pub mod judge;
pub mod measure;
pub mod parity;
pub mod pipeline;
pub mod plan;
pub mod replay;
pub mod report;
pub mod stats;
pub mod target;
pub mod units;
pub mod vector;
