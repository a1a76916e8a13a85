//! Soundness by simulation.
#[path = "soundness/mod.rs"]
mod soundness;
use soundness::*;
fn main() {
    let runs: u64 = std::env::args().filter_map(|a| a.parse().ok()).next().unwrap_or(500);
    let only: Option<String> = std::env::args().find(|a| a.contains('-') && !a.starts_with("--"));
    let mut seed = 1000;
    for row in rows() {
        let t = std::time::Instant::now();
        seed += 100;
        if only.as_ref().is_some_and(|o| *o != row.id.to_string()) { continue; }
        println!("{:?}", row.ids());
        let mut s = seed;
        for limit in &row.limits {
            print!("   {:45}", limit.what);
            for n in [50, 100, 200] {
                s += 1;
                let r = judged(row.id, &Laws { n, topics: n / 10, ..limit.laws }, runs, s);
                print!("  {n}: {:.1} / {:.1}", 100.0 * r.pass(), 100.0 * r.fail());
            }
            println!();
        }
        for (what, laws) in &row.defects {
            s += 1;
            let r = judged(row.id, laws, runs, s);
            println!("   D {what:45} {:.1} / {:.1}", 100.0 * r.pass(), 100.0 * r.fail());
        }
        for n in [50, 100, 200] {
            s += 1;
            let r = judged(row.id, &Laws { n, topics: n / 10, ..row.healthy }, runs, s);
            println!("   H {n} {:.1} / {:.1}", 100.0 * r.pass(), 100.0 * r.fail());
        }
        println!("   {:?}", t.elapsed());
    }
}
