//! Requests as Parquet, with the names and the nesting of the lines.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, NullBufferBuilder, RecordBatch,
    StringBuilder, StructArray, TimestampMillisecondBuilder,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::simulate::{Answered, CacheUse, Call, Request};

/// Rows of a row group.
const GROUP_ROWS: usize = 100_000;
/// Rows that are gathered before they are handed on.
const BATCH_ROWS: usize = 10_000;

/// Writes requests as Parquet.
pub(super) struct TableWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    rows: Rows,
}

impl<W: Write + Send> TableWriter<W> {
    pub(super) fn create(file: W) -> Result<Self, ParquetError> {
        let schema = Arc::new(Schema::new(Rows::default().finish().fields().clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(file, schema, Some(properties))?,
            rows: Rows::default(),
        })
    }

    pub(super) fn write(&mut self, request: &Request) -> Result<(), ParquetError> {
        self.rows.push(request);
        if self.rows.n == BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let rows = RecordBatch::from(self.rows.finish());
        self.rows.n = 0;
        self.writer.write(&rows)
    }

    /// Ends the table, and gives back what it was written to.
    pub(super) fn finish(mut self) -> Result<W, ParquetError> {
        self.flush()?;
        self.writer.into_inner()
    }
}

/// The columns of some requests.
#[derive(Default)]
struct Rows {
    n: usize,
    ts: TimestampMillisecondBuilder,
    texts: [StringBuilder; 8],
    cold_start: BooleanBuilder,
    warm_ping: BooleanBuilder,
    latency: [Float64Builder; 3],
    status: Int64Builder,
    failure: [StringBuilder; 2],
    retrieval: Retrievals,
    cache: Caches,
    egress: Calls,
    queue: [Int64Builder; 2],
    pins: [StringBuilder; 3],
    simulated: BooleanBuilder,
}

/// Names of the texts of a request, in the order of the columns.
const TEXTS: [&str; 8] = [
    "route",
    "variant",
    "color",
    "release_id",
    "revision",
    "sticky",
    "region",
    "edge_pop",
];

fn tenths(value: u32) -> f64 {
    f64::from(value) / 10.0
}

fn ten_thousandths(value: u32) -> f64 {
    f64::from(value) / 1e4
}

/// Counts and milliseconds of a simulation are far below 2^63.
fn whole(value: u64) -> i64 {
    value.cast_signed()
}

impl Rows {
    fn push(&mut self, request: &Request) {
        self.n += 1;
        self.ts.append_value(request.at_ms);
        let release = request.release;
        let sticky = format!("h{}", request.session);
        let texts = [
            request.route,
            release.variant,
            release.color,
            release.release_id,
            release.revision,
            &sticky,
            request.region,
            request.edge_pop,
        ];
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.append_value(text);
        }
        self.cold_start.append_value(request.cold_start);
        self.warm_ping.append_value(request.warm_ping);
        for (column, value) in self.latency.iter_mut().zip(request.latency) {
            column.append_value(tenths(value));
        }
        self.status.append_value(i64::from(request.status));
        self.failure[0].append_option(request.timeout_stage);
        self.failure[1].append_option(request.error_class);
        self.retrieval.push(request.retrieval.as_ref());
        self.cache.push(request.cache.as_ref());
        self.egress.push(request.egress.as_ref());
        self.queue[0].append_value(whole(request.queue.backlog));
        self.queue[1].append_value(whole(request.queue.age_p95_ms));
        self.pins[0].append_value(request.pins.schema_rev);
        self.pins[1].append_value(request.pins.index_hash);
        self.pins[2].append_option(request.pins.model_tag);
        self.simulated.append_value(true);
    }

    fn finish(&mut self) -> StructArray {
        let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
        // UTC, which Parquet can say and a plain timestamp would not.
        let ts = self.ts.finish().with_timezone("UTC");
        columns.push(("ts", Arc::new(ts)));
        for (name, column) in TEXTS.into_iter().zip(&mut self.texts) {
            columns.push((name, Arc::new(column.finish())));
        }
        columns.push(("cold_start", Arc::new(self.cold_start.finish())));
        columns.push(("warm_ping", Arc::new(self.warm_ping.finish())));
        let points = ["tffb", "tusable", "tfinal"];
        let latency = points.into_iter().zip(&mut self.latency);
        let latency = latency.map(|(name, column)| (name, Arc::new(column.finish()) as ArrayRef));
        columns.push(("latency_ms", Arc::new(nested(latency.collect(), None))));
        columns.push(("status", Arc::new(self.status.finish())));
        let [timeout_stage, error_class] = &mut self.failure;
        columns.push(("timeout_stage", Arc::new(timeout_stage.finish())));
        columns.push(("error_class", Arc::new(error_class.finish())));
        columns.push(("retrieval", Arc::new(self.retrieval.finish())));
        columns.push(("cache", Arc::new(self.cache.finish())));
        columns.push(("egress", Arc::new(self.egress.finish())));
        let [backlog, age] = &mut self.queue;
        let queue: Vec<(&str, ArrayRef)> = vec![
            ("backlog", Arc::new(backlog.finish())),
            ("age_p95_ms", Arc::new(age.finish())),
        ];
        columns.push(("queue", Arc::new(nested(queue, None))));
        let names = ["SCHEMA_REV", "INDEX_HASH", "MODEL_TAG"];
        let pins = names.into_iter().zip(&mut self.pins);
        let pins = pins.map(|(name, column)| (name, Arc::new(column.finish()) as ArrayRef));
        columns.push(("pins", Arc::new(nested(pins.collect(), None))));
        columns.push(("simulated", Arc::new(self.simulated.finish())));
        nested(columns, None)
    }
}

/// A column of structs, null where `there` says so.
fn nested(columns: Vec<(&str, ArrayRef)>, there: Option<NullBuffer>) -> StructArray {
    let field = |(name, column): &(&str, ArrayRef)| {
        let kind: DataType = column.data_type().clone();
        Field::new(*name, kind, true)
    };
    let fields: Fields = columns.iter().map(field).collect();
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    StructArray::try_new(fields, arrays, there).expect("columns of one length")
}

/// Which rows have a struct.
struct There(NullBufferBuilder);

impl Default for There {
    fn default() -> Self {
        Self(NullBufferBuilder::new(BATCH_ROWS))
    }
}

#[derive(Default)]
struct Retrievals {
    there: There,
    k: Int64Builder,
    texts: [StringBuilder; 4],
    numbers: [Float64Builder; 2],
}

impl Retrievals {
    fn push(&mut self, of: Option<&Answered>) {
        self.there.0.append(of.is_some());
        self.k.append_option(of.map(|of| i64::from(of.k)));
        let [metric, analyzer, index_hash, lambda] = &mut self.texts;
        metric.append_option(of.map(|_| "cosine"));
        analyzer.append_option(of.map(|of| of.analyzer));
        index_hash.append_option(of.map(|of| of.index_hash));
        lambda.append_option(of.map(|of| of.lambda.symbol()));
        let [delta_s, coverage] = &mut self.numbers;
        delta_s.append_option(of.map(|of| ten_thousandths(of.delta_s)));
        coverage.append_option(of.map(|of| ten_thousandths(of.coverage)));
    }

    fn finish(&mut self) -> StructArray {
        let [metric, analyzer, index_hash, lambda] = &mut self.texts;
        let [delta_s, coverage] = &mut self.numbers;
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("k", Arc::new(self.k.finish())),
            ("metric", Arc::new(metric.finish())),
            ("analyzer", Arc::new(analyzer.finish())),
            ("INDEX_HASH", Arc::new(index_hash.finish())),
            ("ΔS_q_r", Arc::new(delta_s.finish())),
            ("coverage", Arc::new(coverage.finish())),
            ("λ_state", Arc::new(lambda.finish())),
        ];
        nested(columns, self.there.0.finish())
    }
}

#[derive(Default)]
struct Caches {
    there: There,
    prefix: StringBuilder,
    hit: BooleanBuilder,
    purged: BooleanBuilder,
}

impl Caches {
    fn push(&mut self, of: Option<&CacheUse>) {
        self.there.0.append(of.is_some());
        self.prefix.append_option(of.map(|of| of.prefix));
        self.hit.append_option(of.and_then(|of| of.hit));
        let purged = of.filter(|of| of.purged).map(|_| true);
        self.purged.append_option(purged);
    }

    fn finish(&mut self) -> StructArray {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("prefix", Arc::new(self.prefix.finish())),
            ("hit", Arc::new(self.hit.finish())),
            ("purged", Arc::new(self.purged.finish())),
        ];
        nested(columns, self.there.0.finish())
    }
}

#[derive(Default)]
struct Calls {
    there: There,
    webhook: StringBuilder,
    tries: Int64Builder,
    key: StringBuilder,
    deduped: BooleanBuilder,
}

impl Calls {
    fn push(&mut self, of: Option<&Call>) {
        self.there.0.append(of.is_some());
        self.webhook.append_option(of.map(|of| of.webhook));
        self.tries.append_option(of.map(|of| i64::from(of.tries)));
        self.key.append_option(of.map(|of| of.key.as_str()));
        let deduped = of.filter(|of| of.deduped).map(|_| true);
        self.deduped.append_option(deduped);
    }

    fn finish(&mut self) -> StructArray {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("webhook", Arc::new(self.webhook.finish())),
            ("tries", Arc::new(self.tries.finish())),
            ("dedupe_key", Arc::new(self.key.finish())),
            ("deduped", Arc::new(self.deduped.finish())),
        ];
        nested(columns, self.there.0.finish())
    }
}
