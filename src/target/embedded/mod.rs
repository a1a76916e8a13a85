//! The embedded target: a hybrid index in this process, over a gold set's own corpus.
//!
//! Dense exact search over the referee's vectors and BM25 by tantivy, fused by reciprocal rank. It
//! needs no server, so that a newcomer sees a gate work at once, and it can be skewed on purpose
//! ([`Skew`]), so that a drill sees a gate fail for the right reason.

mod dense;
mod fusion;
mod lexical;
mod skew;

use std::sync::Arc;

use miette::Diagnostic;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tantivy::TantivyError;
use thiserror::Error;

use crate::embed::VectorTable;
use crate::goldset::{Section, Snippets, snippets};
use crate::ids::{SectionKey, TargetName};
use crate::net::Attempt;
use crate::parity::analyzer::TokenStream;
use crate::parity::stamp::{Digester, SEED};
use crate::parity::{Contract, ContractField, Inventory};
use crate::target::store::{Fields, Filter, Lists, QueryVectors};
use crate::target::{
    Analysis, AnalysisTime, AnalyzerId, Export, Failure, Hit, Listing, Locality, Metric,
    OffsetUnit, Offsets, Page, Query, Reply, SearchAnalysis, Stage, StoredRow, Target, Working,
};

pub use lexical::Analyzer;
pub use skew::{Lengths, Skew, SkewError};

use dense::Dense;
use lexical::Lexical;

/// How deep each ranking goes before fusion; the peers' usual default.
const FUSION_DEPTH: usize = 100;

/// Which searches rank the snippets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ranking {
    /// Vectors only.
    Dense,
    /// Words only.
    Bm25,
    /// Both, fused by reciprocal rank.
    #[default]
    Hybrid,
}

impl Ranking {
    /// Its name in contracts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::Bm25 => "bm25",
            Self::Hybrid => "hybrid, reciprocal rank",
        }
    }
}

/// How an embedded index is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Distance of the dense search.
    pub metric: Metric,
    /// Text analysis of the lexical search.
    pub analyzer: Analyzer,
    /// Which searches rank.
    pub ranking: Ranking,
    /// How sections are cut.
    pub snippets: Snippets,
    /// What production asks for beside nearness.
    pub filter: Filter,
    /// What is wrong with it on purpose.
    pub skew: Skew,
}

/// Why an index cannot be built.
#[derive(Debug, Error, Diagnostic)]
pub enum BuildError {
    /// A snippet has no vector.
    #[error("target `{target}`: no vector for the text of {row}")]
    #[diagnostic(
        code(target::vector),
        help(
            "embed it: `ragstone gold embed` with the same snippets and also_embed as the policy uses"
        )
    )]
    NoVector {
        /// The target.
        target: TargetName,
        /// The row's id.
        row: String,
    },
    /// A skew names what is not there.
    #[error("target `{target}`")]
    #[diagnostic(code(target::skew))]
    Skew {
        /// The target.
        target: TargetName,
        /// What is wrong.
        #[diagnostic_source]
        source: SkewError,
    },
    /// The lexical index could not be written to memory.
    #[error("target `{target}`: the lexical index cannot be built")]
    #[diagnostic(code(target::lexical))]
    Lexical {
        /// The target.
        target: TargetName,
        /// The reason.
        source: Box<TantivyError>,
    },
}

/// One indexed snippet.
#[derive(Clone, Debug)]
struct Row {
    id: String,
    section: SectionKey,
    title: String,
    rev: String,
    text: String,
    start: usize,
    end: usize,
}

/// An index in memory.
pub struct Embedded {
    name: TargetName,
    ranking: Ranking,
    rows: Vec<Row>,
    dense: Dense,
    lexical: Lexical,
    queries: QueryVectors,
    /// For each row whether the filter lets it pass; nothing if there is no filter.
    passing: Option<Vec<bool>>,
    contract: Contract,
    inventory: Inventory,
}

/// The texts an index of these sections will want vectors for.
///
/// # Errors
/// If the skew names a section that is not there.
pub fn texts(corpus: &[Section], settings: &Settings) -> Result<Vec<String>, SkewError> {
    Ok(rows(&settings.skew.apply(corpus)?, settings.snippets)
        .into_iter()
        .map(|row| row.text)
        .collect())
}

fn rows(sections: &[Section], how: Snippets) -> Vec<Row> {
    let cut = |section: &Section| -> Vec<Row> {
        let key = section.key();
        let row = |(index, snippet): (usize, crate::goldset::Snippet)| Row {
            id: format!("{key}#{index}"),
            section: key.clone(),
            title: section.title.clone(),
            rev: section.rev.clone(),
            text: snippet.text.to_owned(),
            start: snippet.start,
            end: snippet.end,
        };
        snippets(&section.text, how)
            .into_iter()
            .enumerate()
            .map(row)
            .collect()
    };
    sections.iter().flat_map(cut).collect()
}

impl Embedded {
    /// The contract fields that the index finds in itself; nobody states them on its behalf.
    pub const COMPUTED: [ContractField; 10] = [
        ContractField::Ranking,
        ContractField::IndexHash,
        ContractField::VectorHash,
        ContractField::Metric,
        ContractField::Analyzer,
        ContractField::BuildTs,
        ContractField::Dim,
        ContractField::Count,
        ContractField::ModelTag,
        ContractField::Chunker,
    ];

    /// Builds the index of a corpus. `built_at` (RFC 3339) becomes `BUILD_TS`.
    ///
    /// # Errors
    /// If a snippet has no vector or the skew names what is not there.
    pub fn build(
        name: TargetName,
        corpus: &[Section],
        settings: &Settings,
        vectors: Arc<VectorTable>,
        built_at: &str,
    ) -> Result<Self, BuildError> {
        let sections = settings
            .skew
            .apply(corpus)
            .map_err(|source| BuildError::Skew {
                target: name.clone(),
                source,
            })?;
        let rows = rows(&sections, settings.snippets);
        let mut dense = Dense::new(settings.metric, vectors.dim());
        for row in &rows {
            let vector = vectors
                .of_text(&row.text)
                .ok_or_else(|| BuildError::NoVector {
                    target: name.clone(),
                    row: row.id.clone(),
                })?;
            dense.push(vector, settings.skew.length_of(&row.id));
        }
        let indexed = rows
            .iter()
            .map(|row| format!("{}\n{}", row.title, row.text));
        let lexical =
            Lexical::build(settings.analyzer, indexed).map_err(|source| BuildError::Lexical {
                target: name.clone(),
                source: Box::new(source),
            })?;
        let passing = passing(&rows, &settings.filter);
        let inventory = inventory(&rows, &dense);
        let contract = inventory
            .stated(Contract::default())
            .with(ContractField::Ranking, settings.ranking.name())
            .with(ContractField::Metric, settings.metric.name())
            .with(ContractField::Analyzer, settings.analyzer.name())
            .with(ContractField::BuildTs, built_at)
            .with(ContractField::Dim, vectors.dim().to_string())
            .with(ContractField::ModelTag, vectors.model())
            .with(ContractField::Chunker, settings.snippets.to_string());
        Ok(Self {
            name,
            ranking: settings.ranking,
            rows,
            dense,
            lexical,
            queries: QueryVectors::Referee(vectors),
            passing,
            contract,
            inventory,
        })
    }

    /// The same index, asked with other vectors than the referee's.
    #[must_use]
    pub fn asked_with(self, queries: QueryVectors) -> Self {
        Self { queries, ..self }
    }

    async fn search(&self, query: &Query, attempt: &Attempt) -> Result<Reply, Failure> {
        let depth = FUSION_DEPTH.max(query.k.get());
        let ranked = match self.ranking {
            Ranking::Dense => self.dense_ranking(query, depth, attempt).await?,
            Ranking::Bm25 => self.lexical_ranking(query, depth)?,
            Ranking::Hybrid => fusion::reciprocal_rank(&[
                self.dense_ranking(query, depth, attempt).await?,
                self.lexical_ranking(query, depth)?,
            ]),
        };
        let hits = ranked
            .into_iter()
            .take(query.k.get())
            .map(|(row, score)| self.hit(row, score))
            .collect();
        Ok(Reply {
            hits,
            ..Reply::default()
        })
    }

    async fn dense_ranking(
        &self,
        query: &Query,
        depth: usize,
        attempt: &Attempt,
    ) -> Result<Vec<(usize, f64)>, Failure> {
        let vector = self.queries.of(query, attempt).await?;
        if vector.len() != self.dense.dim() {
            let message = format!(
                "the question's vector has {} numbers, and those of the index {}",
                vector.len(),
                self.dense.dim()
            );
            return Err(Failure::lasting("wrong_dimension", Stage::Query, message));
        }
        Ok(self.filtered(depth, |depth| self.dense.rank(&vector, depth)))
    }

    fn lexical_ranking(&self, query: &Query, depth: usize) -> Result<Vec<(usize, f64)>, Failure> {
        let deep = match &self.passing {
            None => depth,
            Some(_) => self.rows.len().max(depth),
        };
        let ranked = self.lexical.rank(&query.text, deep);
        let ranked = ranked
            .map_err(|error| Failure::lasting("lexical_search", Stage::Tool, error.to_string()))?;
        Ok(self.filtered(depth, |_| ranked))
    }

    /// The first rows of a ranking that the filter lets pass.
    fn filtered(
        &self,
        depth: usize,
        rank: impl FnOnce(usize) -> Vec<(usize, f64)>,
    ) -> Vec<(usize, f64)> {
        let Some(passing) = &self.passing else {
            return rank(depth);
        };
        let mut ranked = rank(self.rows.len().max(depth));
        ranked.retain(|(row, _)| passing[*row]);
        ranked.truncate(depth);
        ranked
    }

    fn hit(&self, row: usize, score: f64) -> Hit {
        let row = &self.rows[row];
        Hit {
            section: row.section.clone(),
            snippet_id: row.id.clone(),
            score,
            text: row.text.clone(),
            offsets: Some(Offsets {
                start: row.start,
                end: row.end,
                unit: OffsetUnit::Char,
            }),
        }
    }
}

impl Row {
    fn stored(&self, vector: Option<Vec<f32>>) -> StoredRow {
        let metadata = [
            ("title", self.title.as_str().into()),
            ("rev", self.rev.as_str().into()),
            ("start", self.start.into()),
            ("end", self.end.into()),
        ];
        StoredRow {
            id: self.id.clone(),
            section: self.section.clone(),
            text: self.text.clone(),
            metadata: metadata
                .into_iter()
                .map(|(name, value): (&str, Value)| (name.to_owned(), value))
                .collect(),
            vector,
        }
    }
}

fn inventory(rows: &[Row], dense: &Dense) -> Inventory {
    let digester = Digester::new(SEED);
    let row = |(index, row): (usize, &Row)| {
        let stored = row.stored(Some(dense.vector(index).to_vec()));
        let row = stored.stamped(&digester);
        row.expect("strings and integers have a canonical form")
    };
    Inventory {
        rows: rows.iter().enumerate().map(row).collect(),
    }
}

/// For each row whether a filter lets it pass; nothing if there is no filter.
fn passing(rows: &[Row], filter: &Filter) -> Option<Vec<bool>> {
    if filter.is_empty() {
        return None;
    }
    let filter = filter.of_rows(&Fields::default(), Lists::Whole);
    let passes = |row: &Row| filter.passes(&row.stored(None).metadata, Some(&row.section));
    Some(rows.iter().map(passes).collect())
}

/// The rows that an index of these sections holds, to be put into a store.
///
/// # Errors
/// If a skew names what is not there, or a row has no vector.
pub fn stored_rows(
    name: &TargetName,
    corpus: &[Section],
    settings: &Settings,
    vectors: &VectorTable,
) -> Result<Vec<StoredRow>, BuildError> {
    let sections = settings
        .skew
        .apply(corpus)
        .map_err(|source| BuildError::Skew {
            target: name.clone(),
            source,
        })?;
    let stored = |row: &Row| {
        let vector = vectors.of_text(&row.text);
        let vector = vector.ok_or_else(|| BuildError::NoVector {
            target: name.clone(),
            row: row.id.clone(),
        })?;
        let length = settings.skew.length_of(&row.id);
        Ok(row.stored(Some(vector.iter().map(|number| number * length).collect())))
    };
    rows(&sections, settings.snippets)
        .iter()
        .map(stored)
        .collect()
}

impl Target for Embedded {
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
        Listing::Known(&self.inventory, self)
    }

    fn analysis(&self) -> Option<&dyn Analysis> {
        Some(self)
    }

    fn retrieve<'a>(&'a self, query: &'a Query, attempt: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(async move { self.search(query, &attempt).await })
    }
}

impl Export for Embedded {
    /// All rows: they are in memory anyway.
    fn page<'a>(&'a self, _: Option<&'a str>, _: Arc<Attempt>) -> Working<'a, Page> {
        let stored =
            |(index, row): (usize, &Row)| row.stored(Some(self.dense.vector(index).to_vec()));
        let rows = self.rows.iter().enumerate().map(stored).collect();
        Box::pin(std::future::ready(Ok(Page { rows, next: None })))
    }
}

/// Texts and questions pass through one chain.
impl Analysis for Embedded {
    fn analyzer(&self, _: Arc<Attempt>) -> Working<'_, AnalyzerId> {
        let stated = self.contract.get(ContractField::Analyzer);
        let analyzer = AnalyzerId {
            name: stated.unwrap_or_default().to_owned(),
            engine: Some(tantivy::version_string().to_owned()),
            search: SearchAnalysis::AsIndexed,
        };
        Box::pin(std::future::ready(Ok(analyzer)))
    }

    fn texts_a_call(&self) -> usize {
        usize::MAX
    }

    fn streams<'a>(
        &'a self,
        texts: &'a [&'a str],
        _: AnalysisTime,
        _: Arc<Attempt>,
    ) -> Working<'a, Vec<TokenStream>> {
        let streams = texts.iter().map(|text| self.lexical.stream(text)).collect();
        Box::pin(std::future::ready(Ok(streams)))
    }
}

/// Orders by score, then by row, so that equal scores rank the same way every time.
fn best_first(scored: &mut [(usize, f64)]) {
    scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
}

#[cfg(test)]
mod tests;
