//! The gate's measuring stage, and what follows it, on the handbook.
//!
//! Measures: the metric table of 2,000 probes (1,600 and the sweep: ΔS to question, anchor and
//! decoy, coverage, agreement, λ), and judging it with 10,000 bootstrap resamples a check. Run:
//! `cargo bench --bench measure`.

use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use ragstone::pipeline::{Occasion, Session, judge_again};
use ragstone::plan::{self, Overrides};
use ragstone::replay::Journal;

fn benches(criterion: &mut Criterion) {
    let policy = plan::load(
        Path::new("goldsets/handbook/ragstone.toml"),
        &Overrides::default(),
    )
    .expect("the handbook's policy");
    let occasion = Occasion {
        run_id: "bench".to_owned(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        day: "2026-01-01".parse().expect("a day"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let replayed = runtime.block_on(async {
        let session = Session::prepare(policy, &occasion)
            .await
            .expect("the handbook is sound");
        let journal = Journal::create(folder.path(), session.head(&occasion)).expect("begun");
        let (_stop, stopping) = tokio::sync::watch::channel(false);
        let mut quiet = |_, _| {};
        let replayed = session.replay(&occasion, journal, stopping, &mut quiet);
        replayed.await.expect("nobody stops it")
    });
    let mut group = criterion.benchmark_group("handbook");
    group.sample_size(20);
    group.bench_function("measure 2,000 probes", |bencher| {
        bencher.iter(|| runtime.block_on(replayed.measure()).expect("matched"));
    });
    let (report, _) = runtime
        .block_on(replayed.judge(&String::new))
        .expect("judged");
    group.bench_function("judge 9 checks", |bencher| {
        bencher.iter(|| judge_again(&report));
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
