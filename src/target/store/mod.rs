//! What the adapters of vector stores have in common: where a query's vector comes from, and under
//! which names a store keeps what a hit needs.

mod fields;
mod load;
mod vectors;

pub use fields::Fields;
pub use load::{Load, Shape};
pub use vectors::{QueryVectors, no_query_vector};
