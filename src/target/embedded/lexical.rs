//! BM25 by tantivy, in memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tantivy::collector::TopDocs;
use tantivy::directory::RamDirectory;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{
    Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer,
    TokenizerManager, WhitespaceTokenizer,
};
use tantivy::{Index, Searcher, TantivyDocument, Term};

use crate::parity::analyzer::TokenStream;

/// How a text becomes terms, when indexing and when searching.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Analyzer {
    /// Words, lowercased, reduced to English stems.
    #[default]
    EnStem,
    /// Words, lowercased.
    Simple,
    /// What stands between white space, as it is.
    Whitespace,
}

impl Analyzer {
    /// Its name in contracts and policies.
    pub fn name(self) -> &'static str {
        match self {
            Self::EnStem => "en_stem",
            Self::Simple => "simple",
            Self::Whitespace => "whitespace",
        }
    }

    /// The tokens into which it cuts a text, with their places.
    pub fn stream(self, text: &str) -> TokenStream {
        stream(&mut self.chain(), text)
    }

    fn chain(self) -> TextAnalyzer {
        /// Longer "words" are accidents such as keys and URLs; tantivy's own analyzers drop them
        /// too.
        const LONGEST_WORD: usize = 40;
        let words = TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(RemoveLongFilter::limit(LONGEST_WORD))
            .filter(LowerCaser);
        match self {
            Self::EnStem => words.filter(Stemmer::new(Language::English)).build(),
            Self::Simple => words.build(),
            Self::Whitespace => TextAnalyzer::from(WhitespaceTokenizer::default()),
        }
    }
}

fn stream(chain: &mut TextAnalyzer, text: &str) -> TokenStream {
    let (mut tokens, mut positions) = (Vec::new(), Vec::new());
    chain.token_stream(text).process(&mut |token| {
        tokens.push(token.text.clone());
        positions.push(u32::try_from(token.position).unwrap_or(u32::MAX));
    });
    TokenStream {
        tokens,
        positions: Some(positions),
    }
}

/// An inverted index whose document numbers are row numbers.
pub(super) struct Lexical {
    analyzer: TextAnalyzer,
    text: Field,
    searcher: Searcher,
}

/// Working memory of the writer; tantivy refuses less than 15 MB.
const WRITER_BYTES: usize = 16 << 20;
const ANALYZER: &str = "rows";

impl Lexical {
    /// Indexes the texts in one segment, so that document numbers and statistics are the same every
    /// time.
    pub(super) fn build(
        analyzer: Analyzer,
        texts: impl Iterator<Item = String>,
    ) -> tantivy::Result<Self> {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(ANALYZER)
            .set_index_option(IndexRecordOption::WithFreqs);
        let text = schema.add_text_field(
            "text",
            TextOptions::default().set_indexing_options(indexing),
        );
        let tokenizers = TokenizerManager::new();
        tokenizers.register(ANALYZER, analyzer.chain());
        let builder = Index::builder()
            .schema(schema.build())
            .tokenizers(tokenizers);
        let mut writer =
            builder.single_segment_index_writer(RamDirectory::create(), WRITER_BYTES)?;
        for row in texts {
            let mut document = TantivyDocument::default();
            document.add_text(text, row);
            writer.add_document(document)?;
        }
        let index = writer.finalize()?;
        Ok(Self {
            analyzer: analyzer.chain(),
            text,
            searcher: index.reader()?.searcher(),
        })
    }

    /// What the one chain that texts and questions pass through makes of a text.
    pub(super) fn stream(&self, text: &str) -> TokenStream {
        stream(&mut self.analyzer.clone(), text)
    }

    /// The rows that share a term with the question, with their BM25 scores, best first, ties by
    /// row.
    pub(super) fn rank(&self, question: &str, depth: usize) -> tantivy::Result<Vec<(usize, f64)>> {
        let found = self.searcher.search(
            &self.query(question),
            &TopDocs::with_limit(depth).order_by_score(),
        )?;
        Ok(found
            .into_iter()
            .map(|(score, address)| (address.doc_id as usize, f64::from(score)))
            .collect())
    }

    /// Any of the question's terms; a term said twice counts twice. Nothing in a question is query
    /// syntax.
    fn query(&self, question: &str) -> BooleanQuery {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        let mut analyzer = self.analyzer.clone();
        analyzer.token_stream(question).process(&mut |token| {
            let term = Term::from_field_text(self.text, &token.text);
            clauses.push((
                Occur::Should,
                Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
            ));
        });
        BooleanQuery::new(clauses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(analyzer: Analyzer, text: &str, tokens: &[&str], positions: &[u32]) {
        let stream = analyzer.stream(text);
        assert_eq!(stream.tokens, tokens);
        assert_eq!(stream.positions.as_deref(), Some(positions));
    }

    #[test]
    fn each_chain_gives_known_tokens() {
        let text = "Replicas are re-indexed";
        check(
            Analyzer::EnStem,
            text,
            &["replica", "are", "re", "index"],
            &[0, 1, 2, 3],
        );
        check(
            Analyzer::Simple,
            text,
            &["replicas", "are", "re", "indexed"],
            &[0, 1, 2, 3],
        );
        check(
            Analyzer::Whitespace,
            text,
            &["Replicas", "are", "re-indexed"],
            &[0, 1, 2],
        );
    }

    #[test]
    fn a_word_that_is_too_long_leaves_its_place_empty() {
        let text = format!("before {} after", "f".repeat(300));
        check(Analyzer::Simple, &text, &["before", "after"], &[0, 2]);
        check(Analyzer::EnStem, "", &[], &[]);
    }
}
