//! The real program and the real data, end to end. One binary, so that it links once.

mod embed;
mod errors;
mod gate;
mod hostile;
mod layers;
mod overlap;
mod plan;
mod reference;
mod slices;
mod soundness;
mod squad;
mod support;
