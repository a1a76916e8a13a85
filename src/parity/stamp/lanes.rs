//! BLAKE3 of many inputs at once.
//!
//! A row's text or vector is one or two kilobytes, too short for BLAKE3 to use the lanes of a vector
//! register within it: one after another they are hashed at a fifth of the speed. Here the chunks of
//! many inputs share the lanes instead. The digests are those of [`blake3::hash`] and
//! [`blake3::derive_key`], to the bit.
//!
//! Source: the BLAKE3 specification, sections 2.1 to 2.5 (chunks, flags, the tree), over the crate's own
//! compression kernels.

use blake3::IncrementCounter;
use blake3::platform::Platform;

use crate::ids::Digest;

const BLOCK: usize = 64;
const CHUNK: usize = 1_024;
const CHUNK_START: u8 = 1;
const CHUNK_END: u8 = 1 << 1;
const PARENT: u8 = 1 << 2;
const ROOT: u8 = 1 << 3;
const DERIVE_KEY_MATERIAL: u8 = 1 << 6;
/// The first eight words of a state without a key.
const IV: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];
/// Inputs whose chunks are hashed together: enough to fill the lanes, few enough to stay in a cache.
const TOGETHER: usize = 128;

/// A mode of BLAKE3, ready to hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashing {
    platform: Platform,
    key: [u32; 8],
    flags: u8,
}

impl Hashing {
    /// The plain hash.
    pub(super) fn plain() -> Self {
        Self {
            platform: Platform::detect(),
            key: IV,
            flags: 0,
        }
    }

    /// `derive_key` with this context.
    pub(super) fn derive(context: &str) -> Self {
        let key = blake3::hazmat::hash_derive_key_context(context);
        Self {
            platform: Platform::detect(),
            key: words(&key),
            flags: DERIVE_KEY_MATERIAL,
        }
    }

    /// The digest of each input, in their order.
    pub(super) fn all(&self, inputs: &[&[u8]]) -> Vec<Digest> {
        let mut digests = Vec::with_capacity(inputs.len());
        for batch in inputs.chunks(TOGETHER) {
            self.together(batch, &mut digests);
        }
        digests
    }

    /// The digest of one input.
    pub(super) fn one(&self, input: &[u8]) -> Digest {
        if input.len() > CHUNK {
            return self.all(&[input])[0];
        }
        let last = input.len().saturating_sub(1) / BLOCK * BLOCK;
        let mut value = self.key;
        let mut flags = self.flags | CHUNK_START;
        for block in input[..last].as_chunks::<BLOCK>().0 {
            let whole = BLOCK as u8;
            self.platform
                .compress_in_place(&mut value, block, whole, 0, flags);
            flags = self.flags;
        }
        self.tail(&mut value, &input[last..], 0, flags | CHUNK_END | ROOT);
        Digest::from_bytes(bytes(&value))
    }

    fn together(&self, inputs: &[&[u8]], digests: &mut Vec<Digest>) {
        let mut counts: Vec<usize> = inputs
            .iter()
            .map(|input| input.len().div_ceil(CHUNK).max(1))
            .collect();
        let n_jobs = counts.iter().sum();
        let mut jobs: Vec<Job> = Vec::with_capacity(n_jobs);
        // First chunks first, so that inputs of one length need no sorting.
        for index in 0..counts.iter().copied().max().unwrap_or(0) {
            let mut start = 0;
            for (input, &n) in inputs.iter().zip(&counts) {
                if index < n {
                    let end = input.len().min((index + 1) * CHUNK);
                    jobs.push(Job {
                        chunk: &input[index * CHUNK..end],
                        counter: index as u64,
                        slot: start + index,
                        root: if n == 1 { ROOT } else { 0 },
                    });
                }
                start += n;
            }
        }
        let mut values = vec![[0_u8; 32]; jobs.len()];
        self.chunks(&mut jobs, &mut values);
        self.parents(&mut counts, &mut values);
        digests.extend(values.into_iter().map(Digest::from_bytes));
    }

    /// The chaining value of each chunk. Those with as many whole blocks share the lanes.
    fn chunks(&self, jobs: &mut [Job], values: &mut [[u8; 32]]) {
        jobs.sort_unstable_by_key(|job| (job.kind(), job.slot));
        for group in jobs.chunk_by(|a, b| a.kind() == b.kind()) {
            let (counter, blocks, end) = group[0].kind();
            let firsts: Vec<&[u8]> = group
                .iter()
                .map(|job| &job.chunk[..blocks * BLOCK])
                .collect();
            let mut found = vec![0_u8; 32 * group.len()];
            self.blocks(&firsts, counter, end, &mut found);
            for (job, found) in group.iter().zip(found.as_chunks::<32>().0) {
                values[job.slot] = if end == 0 {
                    let (mut value, start) = if blocks == 0 {
                        (self.key, CHUNK_START)
                    } else {
                        (words(found), 0)
                    };
                    let flags = self.flags | start | CHUNK_END | job.root;
                    self.tail(&mut value, &job.chunk[blocks * BLOCK..], counter, flags);
                    bytes(&value)
                } else {
                    *found
                };
            }
        }
    }

    /// Joins the chunks of each input level by level: neighbours in pairs, the odd one moves up.
    fn parents(&self, counts: &mut [usize], values: &mut Vec<[u8; 32]>) {
        while counts.iter().any(|n| *n > 1) {
            let (mut inner, mut last, mut at) = (Vec::new(), Vec::new(), 0);
            let mut next = Vec::with_capacity(values.len());
            let mut slots = (Vec::new(), Vec::new());
            for n in counts.iter_mut() {
                for pair in values[at..at + *n].chunks(2) {
                    if let [left, right] = pair {
                        let (pairs, slots) = if *n == 2 {
                            (&mut last, &mut slots.1)
                        } else {
                            (&mut inner, &mut slots.0)
                        };
                        pairs.push([*left, *right]);
                        slots.push(next.len());
                    }
                    next.push(pair[0]);
                }
                at += *n;
                *n = n.div_ceil(2);
            }
            for (pairs, slots, root) in [(inner, slots.0, 0), (last, slots.1, ROOT)] {
                let blocks: Vec<&[u8; BLOCK]> = pairs
                    .iter()
                    .map(|pair| pair.as_flattened().try_into().expect("two of 32 bytes"))
                    .collect();
                let mut found = vec![0_u8; 32 * blocks.len()];
                let flags = self.flags | PARENT | root;
                let none = IncrementCounter::No;
                self.platform
                    .hash_many(&blocks, &self.key, 0, none, flags, 0, 0, &mut found);
                for (slot, value) in slots.into_iter().zip(found.as_chunks::<32>().0) {
                    next[slot] = *value;
                }
            }
            *values = next;
        }
    }

    /// Hashes as many whole blocks of each input.
    fn blocks(&self, inputs: &[&[u8]], counter: u64, end: u8, out: &mut [u8]) {
        /// The kernel takes inputs of a length that the compiler knows.
        macro_rules! by_length {
            ($($n:literal)*) => {
                match inputs[0].len() / BLOCK {
                    0 => {}
                    $($n => self.whole::<{ $n * BLOCK }>(inputs, counter, end, out),)*
                    n => unreachable!("{n} blocks in a chunk"),
                }
            };
        }
        by_length!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
    }

    fn whole<const N: usize>(&self, inputs: &[&[u8]], counter: u64, end: u8, out: &mut [u8]) {
        let inputs: Vec<&[u8; N]> = inputs
            .iter()
            .map(|input| (*input).try_into().expect("inputs of one length"))
            .collect();
        self.platform.hash_many(
            &inputs,
            &self.key,
            counter,
            IncrementCounter::No,
            self.flags,
            CHUNK_START,
            end,
            out,
        );
    }

    /// The last block of a chunk, which may be short.
    fn tail(&self, value: &mut [u32; 8], rest: &[u8], counter: u64, flags: u8) {
        let mut block = [0; BLOCK];
        block[..rest.len()].copy_from_slice(rest);
        let length = rest.len() as u8;
        self.platform
            .compress_in_place(value, &block, length, counter, flags);
    }
}

/// One chunk of one input.
struct Job<'a> {
    chunk: &'a [u8],
    counter: u64,
    slot: usize,
    root: u8,
}

impl Job<'_> {
    /// Its counter, the whole blocks before its tail, and the flags of the last of these if there is no
    /// tail.
    fn kind(&self) -> (u64, usize, u8) {
        let blocks = self.chunk.len() / BLOCK;
        let whole = blocks > 0 && self.chunk.len().is_multiple_of(BLOCK);
        let end = if whole { CHUNK_END | self.root } else { 0 };
        (self.counter, blocks, end)
    }
}

fn words(bytes: &[u8; 32]) -> [u32; 8] {
    let words = bytes.as_chunks::<4>().0;
    std::array::from_fn(|i| u32::from_le_bytes(words[i]))
}

fn bytes(words: &[u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTEXT: &str = "ragstone 2026 lanes test";

    fn check(inputs: &[Vec<u8>]) {
        let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
        let plain: Vec<Digest> = inputs.iter().map(Digest::of).collect();
        assert_eq!(Hashing::plain().all(&inputs), plain);
        let derived: Vec<Digest> = inputs
            .iter()
            .map(|input| Digest::derive(CONTEXT, input))
            .collect();
        let hashing = Hashing::derive(CONTEXT);
        assert_eq!(hashing.all(&inputs), derived);
        let one_by_one: Vec<Digest> = inputs.iter().map(|input| hashing.one(input)).collect();
        assert_eq!(one_by_one, derived);
    }

    #[test]
    fn every_length_up_to_nine_chunks_hashes_as_blake3_does() {
        let input: Vec<u8> = (0..9 * CHUNK + 3).map(|i| (i % 251) as u8).collect();
        let edges = (0..=9).flat_map(|n| {
            let edge = n * CHUNK;
            [
                edge.saturating_sub(1),
                edge,
                edge + 1,
                edge + 64,
                edge + 100,
            ]
        });
        let lengths = (0..=300).chain(edges).filter(|n| *n <= input.len());
        check(&lengths.map(|n| input[..n].to_vec()).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn any_mixture_of_lengths_hashes_as_blake3_does(lengths in prop::collection::vec(0_usize..5_000, 0..40), byte in any::<u8>()) {
            let input = |n: usize| (0..n).map(|i| byte.wrapping_add((i * 7) as u8)).collect::<Vec<u8>>();
            check(&lengths.into_iter().map(input).collect::<Vec<_>>());
        }
    }
}
