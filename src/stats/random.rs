//! Random numbers addressed by position instead of drawn in order.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of one unit of work: stream `index` of the sequence that `seed` names.
///
/// ChaCha with eight rounds is counter-based: two streams never overlap, and a stream does not
/// depend on who asked first.
pub fn stream(seed: u64, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index);
    rng
}
