use arrow::array::LargeStringArray;
use arrow::buffer::ScalarBuffer;
use ragstone::export::*;
use ragstone::parity::stamp::Digester;
use ragstone::stamp::{Building, Making};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
fn main() {
    let n = 8192usize;
    let ids = Strings::Large(LargeStringArray::from_iter_values(
        (0..n).map(|i| format!("doc-{i:07}#0")),
    ));
    let texts = Strings::Large(LargeStringArray::from_iter_values((0..n).map(|i| {
        format!("{i:05} ")
            .repeat(1000 / 6)
            .chars()
            .chain("abcd".chars())
            .collect::<String>()
    })));
    let nums: Vec<f32> = (0..n * 384)
        .map(|i| ((i * 7919) % 1000) as f32 * 0.001 - 0.5)
        .collect();
    let vectors = Vectors::uniform(ScalarBuffer::from(nums), 384, None);
    let place = Place {
        file: Arc::new(PathBuf::from("x")),
        unit: "row",
        first: 1,
    };
    let mk = |t: bool, v: bool| Chunk {
        ids: ids.clone(),
        texts: t.then(|| texts.clone()),
        metadata: Metadata::None,
        sections: None,
        vectors: v.then(|| vectors.clone()),
        place: place.clone(),
    };
    let d = Digester::new(1);
    for (name, c) in [
        ("all", mk(true, true)),
        ("no text", mk(false, true)),
        ("no vec", mk(true, false)),
        ("ids only", mk(false, false)),
    ] {
        d.chunk(&c).unwrap();
        let mut best = f64::MAX;
        for _ in 0..30 {
            let t = Instant::now();
            std::hint::black_box(d.chunk(&c).unwrap());
            best = best.min(t.elapsed().as_secs_f64());
        }
        println!("{name}: {:.0} ns/row", best / n as f64 * 1e9);
    }
    for r in 0..3 {
        let b = Building::new(Making {
            seed: 1,
            memory: 1 << 30,
            spill_to: std::env::temp_dir(),
        });
        let c = mk(true, true);
        let t = Instant::now();
        for _ in 0..122 {
            b.add(&c).unwrap();
        }
        let a = t.elapsed().as_secs_f64();
        let t = Instant::now();
        b.finish(None).unwrap();
        let f = t.elapsed().as_secs_f64();
        println!(
            "{r}: add {:.0} ns/row, finish {:.0} ns/row (threads {})",
            a / 1e6 * 1e9,
            f / 1e6 * 1e9,
            rayon::current_num_threads()
        );
    }
    let buf = vec![1u8; n * 2548];
    let t = Instant::now();
    for _ in 0..20 {
        std::hint::black_box(blake3::hash(&buf));
    }
    println!(
        "blake3 {:.0} ns/row",
        t.elapsed().as_secs_f64() / 20.0 / n as f64 * 1e9
    );
}
