//! The reading of a side's retrieval: an index in this process, and doubles that go wrong.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ragstone::export::{Chunk, Metadata, Place, Sections, Vectors};
use ragstone::goldset;
use ragstone::ids::{DocId, SectionId, SectionKey, TargetName};
use ragstone::net::{Attempt, Failure};
use ragstone::parity::metric_inference::{Agreement, Inferred};
use ragstone::parity::retrieval::{Aspect, RetrievalOutcome, RetrievalReading, compare_retrieval};
use ragstone::parity::{Contract, ContractField};
use ragstone::pipeline::retrieval::{Asked, Sample, ScoreKind, read_retrieval};
use ragstone::pipeline::{Occasion, PipelineError};
use ragstone::plan::{self, Overrides};
use ragstone::replay::{self, Pace};
use ragstone::target::embedded::{self, Lengths, Settings, Skew};
use ragstone::target::store::{Fields, Filter, GivenVectors, Lists, RowFilter};
use ragstone::target::{
    Hit, Listing, Locality, Metric, Query, Reply, Stage, StoredRow, Target, Working,
};
use serde_json::{Value, json};

use crate::support::SmallGold;

/// The rows of a store as an export hands them on, in two chunks.
pub(crate) fn chunks(rows: &[StoredRow]) -> Vec<Chunk> {
    let (front, back) = rows.split_at(rows.len() / 2);
    [front, back].map(chunk).to_vec()
}

fn chunk(rows: &[StoredRow]) -> Chunk {
    let of = |part: fn(&StoredRow) -> &str| rows.iter().map(|row| Some(part(row))).collect();
    let vector = |row: &StoredRow| row.vector.clone().expect("a vector");
    let dim = rows.first().map_or(1, |row| vector(row).len());
    let numbers: Vec<f32> = rows.iter().flat_map(vector).collect();
    Chunk {
        ids: of(|row| &row.id),
        texts: Some(of(|row| &row.text)),
        metadata: Metadata::Objects(rows.iter().map(|row| row.metadata.clone()).collect()),
        sections: Some(Sections {
            doc_ids: of(|row| row.section.doc_id.as_str()),
            section_ids: of(|row| row.section.section_id.as_str()),
        }),
        vectors: Some(Vectors::uniform(numbers.into(), dim, None)),
        place: Place {
            file: Arc::new(PathBuf::from("store")),
            unit: "row",
            first: 1,
        },
    }
}

pub(crate) fn occasion() -> Occasion {
    Occasion {
        run_id: "r".to_owned(),
        started_at: "2026-11-21T00:00:00Z".to_owned(),
        day: "2026-11-21".parse().expect("a day"),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(work)
}

/// The reading of an embedded index that is written so in the policy, with the export of it.
fn embedded(keys: &str, lengths: Lengths) -> Result<RetrievalReading, PipelineError> {
    let small = SmallGold::new(40);
    small.edit(
        "ragstone.toml",
        "kind = 'embedded'\n",
        &format!("kind = 'embedded'\n{keys}\n"),
    );
    let policy = plan::load(&small.policy(), &Overrides::default()).expect("a policy");
    let gold = goldset::load(small.folder.path()).expect("a gold set");
    let settings = Settings {
        snippets: gold.manifest.snippets,
        skew: Skew {
            lengths,
            ..Skew::default()
        },
        ..Settings::default()
    };
    let texts = embedded::texts(&gold.corpus, &settings).expect("no skew");
    block_on(async {
        let vectors = ragstone::embed::Referee::Lexical.vectors(&texts).await;
        let name = TargetName::new("us-east");
        let rows = embedded::stored_rows(&name, &gold.corpus, &settings, &vectors.expect("made"));
        let rows = chunks(&rows.expect("rows"));
        let mut steps = Vec::new();
        let mut progress = |done, planned| steps.push((done, planned));
        let reading = read_retrieval(&policy, "us-east", &rows, &occasion(), &mut progress).await?;
        assert_eq!(
            steps.last().map(|(done, planned)| done == planned),
            Some(true)
        );
        Ok(reading)
    })
}

const UNEVEN: &str = "skew = { unnormalised = true }";

#[test]
fn the_metric_of_an_embedded_index_is_found_and_its_search_is_exact() {
    for (metric, inferred) in [
        ("cosine", Inferred::Cosine),
        ("dot", Inferred::Dot),
        ("l2", Inferred::L2),
    ] {
        for (skew, lengths) in [("", Lengths::Unit), (UNEVEN, Lengths::Uneven)] {
            let keys = format!("ranking = 'dense'\nmetric = '{metric}'\n{skew}");
            let reading = embedded(&keys, lengths).expect("a reading");
            let why = &reading.inference.why;
            assert_eq!(
                reading.inference.metric, inferred,
                "{metric} {lengths:?}: {why}"
            );
            assert_eq!(reading.agreement, Agreement::Agrees);
            assert_eq!(reading.plain.queries.len(), 40);
            assert_eq!(reading.plain.n_rows, 40);
            assert_eq!((reading.plain.n_failed, reading.plain.n_strangers), (0, 0));
            let quality = &reading.plain.quality;
            for share in [quality.recall, quality.self_overlap] {
                let least = share.map(|share| share.least);
                assert_eq!(least, Some(1.0), "{metric} {lengths:?}");
            }
            let itself = quality.self_retrieval.expect("asked");
            // By product, a longer row may be nearer than the row itself.
            assert!(metric == "dot" || itself.n == 40, "{itself:?}");
            assert_eq!((itself.found, itself.n > 0), (itself.n, true));
            assert!(reading.filtered.is_none());
            assert_eq!(reading.recall_by_inferred, None);
        }
    }
}

#[test]
fn an_embedded_index_is_asked_under_its_filter_too() {
    let keys = "ranking = 'dense'\nfilter = { title = 'cache 1' }";
    let reading = embedded(keys, Lengths::Unit).expect("a reading");
    let filtered = reading.filtered.as_ref().expect("asked");
    assert_eq!(filtered.filter["title"], "cache 1");
    assert_eq!(filtered.n_rows, 1, "only one row passes");
    assert_eq!(filtered.quality.recall.map(|share| share.least), Some(1.0));
    let itself = filtered.quality.self_retrieval.expect("one row can");
    assert_eq!((itself.n, itself.found), (1, 1));
    assert_eq!(reading.plain.n_rows, 40);
    let same = compare_retrieval(Some(&reading), Some(&reading));
    assert_eq!(same.worst(), RetrievalOutcome::Same, "{same:?}");
}

#[test]
fn a_hybrid_ranking_is_no_distance() {
    let reading = embedded("ranking = 'hybrid'", Lengths::Unit).expect("a reading");
    assert_eq!(reading.inference.metric, Inferred::Undetermined);
    assert_eq!(reading.inference.why, "not a distance: ranking is hybrid");
    assert_eq!(reading.agreement, Agreement::Open);
    assert_eq!(
        (reading.exact_metric, reading.plain.quality.recall),
        (None, None)
    );
    assert_eq!(
        reading
            .plain
            .quality
            .self_retrieval
            .map(|itself| itself.rate()),
        Some(1.0)
    );
    assert_eq!(
        reading.plain.quality.self_overlap.map(|share| share.mean),
        Some(1.0)
    );
}

/// A store that ranks its rows, and goes wrong in the way it is told.
struct Double {
    name: TargetName,
    rows: Vec<StoredRow>,
    given: Arc<GivenVectors>,
    contract: Contract,
    /// By what it ranks.
    metric: Metric,
    wrong: Wrong,
    filter: Option<RowFilter>,
    n_asked: AtomicUsize,
}

#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    /// Sees only every fourth row.
    Blind,
    /// Leaves another hit out each time.
    Fickle,
    /// Filters the ten nearest instead of finding the ten nearest that pass.
    FiltersLate,
    /// Takes unit vectors only.
    RefusesLong,
    /// Answers nothing.
    Dead,
}

impl Double {
    fn search(&self, query: &Query) -> Result<Reply, Failure> {
        let n_asked = self.n_asked.fetch_add(1, Ordering::SeqCst);
        let vector = &self.given[&(query.question.clone(), query.form)];
        let refused = |class: &str| Failure::lasting(class, Stage::Tool, "no");
        if self.wrong == Wrong::Dead {
            return Err(refused("dead"));
        }
        if self.wrong == Wrong::RefusesLong && query.form.0 > 0 {
            return Err(refused("http_400"));
        }
        let passes = |row: &StoredRow| match &self.filter {
            Some(filter) => filter.passes(&row.metadata, Some(&row.section)),
            None => true,
        };
        let late = self.wrong == Wrong::FiltersLate;
        let seen = self.rows.iter().enumerate().filter(|(index, row)| {
            (self.wrong != Wrong::Blind || index % 4 == 0) && (late || passes(row))
        });
        let score = |row: &StoredRow| {
            self.metric
                .score(vector, row.vector.as_deref().expect("kept"))
        };
        let mut scored: Vec<(&StoredRow, f64)> = seen.map(|(_, row)| (row, score(row))).collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1));
        scored.truncate(query.k.get());
        if late {
            scored.retain(|(row, _)| passes(row));
        }
        if self.wrong == Wrong::Fickle {
            scored.remove(1 + n_asked % 7);
        }
        let hits = scored.into_iter().map(|(row, score)| {
            let score = f64::from(score as f32);
            Fields::default().hit(row.clone(), score)
        });
        Ok(Reply {
            hits: hits.collect::<Vec<Hit>>(),
            ..Reply::default()
        })
    }
}

impl Target for Double {
    fn name(&self) -> &TargetName {
        &self.name
    }

    fn locality(&self) -> Locality {
        Locality::InProcess
    }

    fn contract(&self, _: Arc<Attempt>) -> Working<'_, Contract> {
        Box::pin(std::future::ready(Ok(self.contract.clone())))
    }

    fn listing(&self) -> Listing<'_> {
        Listing::None
    }

    fn retrieve<'a>(&'a self, query: &'a Query, _: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(async move { self.search(query) })
    }
}

/// Rows with vectors of uneven length, of which every tenth is in English.
pub(crate) fn uneven_rows(n: usize) -> Vec<StoredRow> {
    let row = |index: usize| {
        let number = |place: usize| {
            let mixed = (index * 7_919 + place * 104_729 + index * place * 31) % 1_009;
            mixed as f32 / 1_009.0 + 0.05
        };
        let length = 0.5 + (index % 13) as f32 / 6.0;
        let lang = if index.is_multiple_of(10) { "en" } else { "de" };
        StoredRow {
            id: format!("r{index}"),
            section: SectionKey {
                doc_id: DocId::new("d"),
                section_id: SectionId::new(format!("s{index}")),
            },
            text: format!("row {index}"),
            metadata: serde_json::from_value(json!({ "lang": lang })).expect("an object"),
            vector: Some((0..12).map(|place| number(place) * length).collect()),
        }
    };
    (0..n).map(row).collect()
}

/// What is read of a store that ranks by one metric and states another.
fn reading(
    metric: Metric,
    stated: &str,
    wrong: Wrong,
    scores: ScoreKind,
) -> Result<RetrievalReading, PipelineError> {
    let rows = uneven_rows(200);
    let export = chunks(&rows);
    let sample = Sample::choose(&export, 32).expect("a sample");
    let lang = BTreeMap::from([("lang".to_owned(), Value::from("en"))]);
    let filter = Filter::new(lang).of_rows(&Fields::default(), Lists::Whole);
    let double = |filter: Option<RowFilter>| -> Arc<dyn Target> {
        Arc::new(Double {
            name: TargetName::new("double"),
            rows: rows.clone(),
            given: sample.vectors(),
            contract: Contract::default().with(ContractField::Metric, stated),
            metric,
            wrong,
            filter,
            n_asked: AtomicUsize::new(0),
        })
    };
    let asked = Asked {
        plain: double(None),
        filtered: Some((double(Some(filter.clone())), filter)),
        stated: &Contract::default(),
        scores,
        settings: &replay::Settings::default(),
        pace: Pace {
            concurrency: 4,
            per_second: None,
            warm_up: 0,
        },
    };
    block_on(asked.read(&sample, &export, &mut |_, _| {}))
}

fn sound(wrong: Wrong) -> RetrievalReading {
    reading(Metric::Cosine, "cosine", wrong, ScoreKind::Distance).expect("a reading")
}

fn mean(share: Option<ragstone::parity::ShareAt>) -> f64 {
    share.expect("read").mean
}

#[test]
fn a_sound_store_reads_the_same_every_time() {
    let one = sound(Wrong::Nothing);
    assert_eq!(
        one.inference.metric,
        Inferred::Cosine,
        "{}",
        one.inference.why
    );
    assert_eq!(
        (
            mean(one.plain.quality.recall),
            mean(one.plain.quality.self_overlap)
        ),
        (1.0, 1.0)
    );
    let filtered = one.filtered.as_ref().expect("asked");
    assert_eq!((filtered.n_rows, mean(filtered.quality.recall)), (20, 1.0));
    assert_eq!(one, sound(Wrong::Nothing));
}

#[test]
fn a_store_that_sees_a_part_of_its_rows_collapses_in_recall() {
    let blind = sound(Wrong::Blind);
    assert!(
        mean(blind.plain.quality.recall) < 0.5,
        "{:?}",
        blind.plain.quality.recall
    );
    assert!(blind.plain.quality.self_retrieval.expect("asked").rate() < 0.5);
    assert_eq!(
        mean(blind.plain.quality.self_overlap),
        1.0,
        "it always misses the same"
    );
    assert_eq!(
        blind.inference.metric,
        Inferred::Cosine,
        "its scores are sound"
    );
    let compared = compare_retrieval(Some(&sound(Wrong::Nothing)), Some(&blind));
    let outcome = |aspect| compared.of(aspect).expect("looked at").outcome;
    assert_eq!(outcome(Aspect::ExactNeighbours), RetrievalOutcome::Same);
    assert_eq!(outcome(Aspect::FoundNeighbours), RetrievalOutcome::Warns);
    assert_eq!(outcome(Aspect::Recall), RetrievalOutcome::Fails);
    assert_eq!(outcome(Aspect::SelfRetrieval), RetrievalOutcome::Fails);
}

#[test]
fn a_store_that_answers_otherwise_each_time_is_its_own_noise() {
    let fickle = sound(Wrong::Fickle);
    assert!(mean(fickle.plain.quality.self_overlap) < 1.0);
    assert!((mean(fickle.plain.quality.recall) - 0.9).abs() < 1e-9);
    let compared = compare_retrieval(Some(&sound(Wrong::Nothing)), Some(&fickle));
    let recall = compared.of(Aspect::Recall).expect("looked at");
    assert!(recall.outcome <= RetrievalOutcome::Warns, "{}", recall.why);
}

#[test]
fn a_filter_after_the_search_collapses_recall_under_the_filter_alone() {
    let late = sound(Wrong::FiltersLate);
    assert_eq!(mean(late.plain.quality.recall), 1.0);
    let filtered = late.filtered.as_ref().expect("asked");
    assert!(
        mean(filtered.quality.recall) < 0.5,
        "{:?}",
        filtered.quality.recall
    );
    let compared = compare_retrieval(Some(&sound(Wrong::Nothing)), Some(&late));
    let outcome = |aspect| compared.of(aspect).expect("looked at").outcome;
    assert_eq!(outcome(Aspect::Recall), RetrievalOutcome::Same);
    assert_eq!(outcome(Aspect::FilteredRecall), RetrievalOutcome::Fails);
}

#[test]
fn a_store_that_ranks_by_another_metric_than_it_states_is_found_out() {
    let lies = reading(Metric::Dot, "cosine", Wrong::Nothing, ScoreKind::Distance);
    let lies = lies.expect("a reading");
    assert_eq!(lies.inference.metric, Inferred::Dot);
    assert_eq!(lies.agreement, Agreement::Contradicts);
    assert_eq!(lies.exact_metric, Some(Metric::Cosine), "what it states");
    assert!(mean(lies.plain.quality.recall) < 0.9);
    assert_eq!(
        mean(lies.recall_by_inferred),
        1.0,
        "it does find what it ranks by"
    );
    let unstated = reading(Metric::L2, "manhattan", Wrong::Nothing, ScoreKind::Unknown);
    let unstated = unstated.expect("a reading");
    assert_eq!(unstated.exact_metric, Some(Metric::L2), "what it ranks by");
    assert_eq!(mean(unstated.plain.quality.recall), 1.0);
}

#[test]
fn refusals_are_told_and_silence_is_an_error() {
    let short = sound(Wrong::RefusesLong);
    let refused = short.scaled_refused.as_deref().expect("refused");
    assert!(refused.contains("http_400 at"), "{refused}");
    assert_eq!(short.inference.n_scaled, 0);
    assert_eq!(
        short.inference.metric,
        Inferred::Cosine,
        "uneven lengths tell enough"
    );
    let dead = reading(Metric::Dot, "dot", Wrong::Dead, ScoreKind::Distance);
    let error = dead.expect_err("silence");
    assert!(error.to_string().contains("dead at"), "{error}");
}

#[test]
fn an_export_without_a_sound_vector_gives_no_sample() {
    let mut rows = uneven_rows(6);
    for row in &mut rows {
        row.vector = Some(vec![f32::NAN; 12]);
    }
    let error = Sample::choose(&chunks(&rows), 4).expect_err("nothing");
    assert!(matches!(error, PipelineError::NothingToAsk), "{error}");
}

#[test]
fn a_service_that_takes_words_only_cannot_be_asked() {
    let small = SmallGold::new(6);
    small.edit(
        "ragstone.toml",
        "kind = 'embedded'\n",
        "kind = 'http'\nurl = 'http://127.0.0.1:1/ask?q={question}'\nmethod = 'GET'\n",
    );
    let policy = plan::load(&small.policy(), &Overrides::default()).expect("a policy");
    let rows = chunks(&uneven_rows(6));
    let (occasion, mut ignored) = (occasion(), |_, _| {});
    let read = read_retrieval(&policy, "us-east", &rows, &occasion, &mut ignored);
    let error = block_on(read).expect_err("refused");
    assert!(error.to_string().contains("words only"), "{error}");
}
