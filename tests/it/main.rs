//! The real program and the real data, end to end. One binary, so that it links once.

mod answers;
mod audit;
mod chroma;
mod compare;
mod embed;
mod errors;
mod faults;
mod gate;
mod hostile;
mod http;
mod judged;
mod layers;
mod loopback;
mod overlap;
mod plan;
mod readme;
mod reference;
mod resume;
mod runbooks;
mod schema;
mod slices;
mod soundness;
mod squad;
mod support;
