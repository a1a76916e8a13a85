//! TREC files: judgments (qrels) and ranked results (runs), and BEIR's judgments.
//!
//! A file is read by all threads, block by block, and kept as it stands: a row knows where its document's name
//! lies. Plain, gzip and Zstandard are told apart by what a file begins with. Lines that begin with `#` are
//! comments and blank lines are nothing; names may hold `#`, the last line may lack its end, and rows of a query
//! may stand anywhere. What is wrong is told by file and line.

mod error;
mod line;
mod qrels;
mod run;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use error::{LineProblem, TrecError};
pub use qrels::{Judgment, Qrels, QueryJudgments};
pub(crate) use run::Hit;
pub use run::{QueryResults, Run, Scored};
pub use table::Query;
pub use write::{NameWithSpace, write_qrels, write_run};
