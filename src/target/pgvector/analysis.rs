//! PostgreSQL's own text analysis: the lexemes of a text search configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_postgres::types::Type;

use crate::net::{Attempt, Failure, Stage};
use crate::parity::analyzer::TokenStream;
use crate::target::pgvector::Pgvector;
use crate::target::pgvector::catalog::{Param, get};
use crate::target::pgvector::session::Session;
use crate::target::{Analysis, AnalysisTime, AnalyzerId, SearchAnalysis, Working};

/// Texts of one statement: every probe, and far from any limit of the protocol.
const TEXTS_A_CALL: usize = 512;

/// `$1` is the configuration that the policy names, or null for the server's own.
const CONFIG: &str = "SELECT n.nspname::text || '.' || c.cfgname::text, \
    pg_catalog.current_setting('server_version') \
    FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace \
    WHERE c.oid = COALESCE($1::text, \
        pg_catalog.current_setting('default_text_search_config'))::pg_catalog.regconfig";

/// `$1` are the texts, `$2` the configuration. A text without lexemes has no row.
const INDEXED: &str = "SELECT p.n, v.lexeme, v.positions::int4[] \
    FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS p(words, n), \
    LATERAL pg_catalog.unnest(pg_catalog.to_tsvector(COALESCE($2::text, \
        pg_catalog.current_setting('default_text_search_config'))::pg_catalog.regconfig, p.words)) \
        AS v(lexeme, positions, weights)";

/// The same for a question, of which only the printed query tells the order of the lexemes.
const ASKED: &str = "SELECT p.n, pg_catalog.plainto_tsquery(COALESCE($2::text, \
        pg_catalog.current_setting('default_text_search_config'))::pg_catalog.regconfig, p.words)::text \
    FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS p(words, n)";

impl Pgvector {
    fn config(&self) -> Param<'_> {
        (&self.settings.text_config, Type::TEXT)
    }

    async fn configuration(
        &self,
        session: &Session,
        attempt: &Attempt,
    ) -> Result<AnalyzerId, Failure> {
        let rows = session.rows(CONFIG, &[self.config()], attempt).await?;
        let Some(row) = rows.first() else {
            let message = "the text search configuration is not in the catalog";
            return Err(Failure::lasting("config_missing", Stage::Tool, message));
        };
        let version: String = get(row, 1)?;
        Ok(AnalyzerId {
            name: get(row, 0)?,
            engine: Some(format!("PostgreSQL {version}")),
            search: SearchAnalysis::OfItsOwn,
        })
    }

    /// By `to_tsvector`, in the order of their positions; lexemes of one word, such as synonyms,
    /// share a position and follow each other by their bytes.
    async fn indexed(
        &self,
        session: &Session,
        texts: &[&str],
        attempt: &Attempt,
    ) -> Result<Vec<TokenStream>, Failure> {
        let list = texts.to_vec();
        let params: [Param; 2] = [(&list, Type::TEXT_ARRAY), self.config()];
        let mut found: BTreeMap<usize, Vec<(u32, String)>> = BTreeMap::new();
        for row in &session.rows(INDEXED, &params, attempt).await? {
            let lexeme: String = get(row, 1)?;
            let positions: Vec<i32> = get(row, 2)?;
            let words = found.entry(place(get(row, 0)?, texts.len())?).or_default();
            for position in positions {
                // PostgreSQL counts from 1.
                let position = u32::try_from(position - 1).unwrap_or_default();
                words.push((position, lexeme.clone()));
            }
        }
        let stream = |index: usize| {
            let mut words = found.remove(&index).unwrap_or_default();
            words.sort_unstable();
            let (positions, tokens) = words.into_iter().unzip();
            TokenStream {
                tokens,
                positions: Some(positions),
            }
        };
        Ok((0..texts.len()).map(stream).collect())
    }

    /// By `plainto_tsquery`, in the order of the printed query.
    async fn asked(
        &self,
        session: &Session,
        texts: &[&str],
        attempt: &Attempt,
    ) -> Result<Vec<TokenStream>, Failure> {
        let list = texts.to_vec();
        let params: [Param; 2] = [(&list, Type::TEXT_ARRAY), self.config()];
        let mut streams = vec![TokenStream::default(); texts.len()];
        for row in &session.rows(ASKED, &params, attempt).await? {
            let query: String = get(row, 1)?;
            streams[place(get(row, 0)?, texts.len())?] = TokenStream::of_tokens(lexemes(&query));
        }
        Ok(streams)
    }
}

/// The index of a text by its ordinal number.
fn place(number: i64, n_texts: usize) -> Result<usize, Failure> {
    let index = usize::try_from(number - 1).ok();
    index.filter(|index| *index < n_texts).ok_or_else(|| {
        let message = format!("row {number} of {n_texts} texts");
        Failure::lasting("unexpected_row", Stage::Schema, message)
    })
}

/// The quoted lexemes of a printed query, such as `'re-index' <-> 're' <-> 'index'`. Within quotes a
/// quote and a backslash are doubled.
fn lexemes(query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut letters = query.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\'' {
            continue;
        }
        let mut lexeme = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '\'' if letters.peek() != Some(&'\'') => break,
                '\'' | '\\' => lexeme.extend(letters.next()),
                letter => lexeme.push(letter),
            }
        }
        found.push(lexeme);
    }
    found
}

impl Analysis for Pgvector {
    fn analyzer(&self, attempt: Arc<Attempt>) -> Working<'_, AnalyzerId> {
        Box::pin(async move {
            let session = self.pool.take(&attempt).await?;
            let read = self.configuration(&session, &attempt).await;
            self.pool.give_back(session);
            read
        })
    }

    fn texts_a_call(&self) -> usize {
        TEXTS_A_CALL
    }

    fn streams<'a>(
        &'a self,
        texts: &'a [&'a str],
        time: AnalysisTime,
        attempt: Arc<Attempt>,
    ) -> Working<'a, Vec<TokenStream>> {
        Box::pin(async move {
            let session = self.pool.take(&attempt).await?;
            let read = match time {
                AnalysisTime::Index => self.indexed(&session, texts, &attempt).await,
                AnalysisTime::Search => self.asked(&session, texts, &attempt).await,
            };
            self.pool.give_back(session);
            read
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_query_gives_its_lexemes_in_order() {
        // Of the form that PostgreSQL prints; `tests/live/run` asks a real one.
        assert_eq!(
            lexemes("'re-index' <-> 're' <-> 'index' & 'o''brien' & 'c:\\\\program'"),
            ["re-index", "re", "index", "o'brien", "c:\\program"]
        );
        assert_eq!(
            lexemes("'usa' | 'unit' <2> 'state':*"),
            ["usa", "unit", "state"]
        );
        assert!(lexemes("").is_empty());
        assert_eq!(
            lexemes("'cut off"),
            ["cut off"],
            "no panic on what is no query"
        );
    }

    #[test]
    fn a_row_of_no_text_is_refused() {
        assert_eq!(place(1, 2).expect("the first"), 0);
        for number in [0, 3, i64::MIN + 1] {
            let failure = place(number, 2).expect_err("no such text");
            assert_eq!(failure.class, "unexpected_row");
        }
    }
}
