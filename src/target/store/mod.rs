//! What the adapters of vector stores have in common: where a query's vector comes from, under
//! which names a store keeps what a hit needs, and how an index says how it is built.

mod fields;
mod filter;
mod load;
mod params;
pub(super) mod shape;
mod vectors;

pub use fields::Fields;
pub use filter::{Filter, Lists, RowFilter};
pub use load::{Load, Shape};
pub use params::IndexParams;
pub use vectors::{GivenVectors, QueryVectors};
