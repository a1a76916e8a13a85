//! What a target's text analysis makes of a text.

use std::sync::Arc;

use crate::net::Attempt;
use crate::parity::analyzer::TokenStream;
use crate::target::Working;

/// When a text is cut into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnalysisTime {
    /// When it is indexed.
    Index,
    /// When it is asked.
    Search,
}

/// How a target cuts questions, beside how it cuts texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchAnalysis {
    /// It does not tell.
    NotTold,
    /// By the very same analyzer, so that there is nothing more to ask.
    AsIndexed,
    /// By another way, which is to be asked too.
    OfItsOwn,
}

/// The analysis of a target as it names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnalyzerId {
    /// Its name: `english`, or `english/standard` where questions are cut in another way.
    pub name: String,
    /// The engine and its version, where the target tells.
    pub engine: Option<String>,
    /// How questions are cut.
    pub search: SearchAnalysis,
}

/// Text analysis that can be tried out.
///
/// It is that of the target's text field whether or not the target's searches look at words: who
/// asks knows what a difference would mean.
pub trait Analysis: Send + Sync {
    /// What it is called, and by which engine it is done.
    fn analyzer(&self, attempt: Arc<Attempt>) -> Working<'_, AnalyzerId>;

    /// How many texts one call may bring, at least 1.
    fn texts_a_call(&self) -> usize;

    /// The tokens of each text, in the order of the texts.
    fn streams<'a>(
        &'a self,
        texts: &'a [&'a str],
        time: AnalysisTime,
        attempt: Arc<Attempt>,
    ) -> Working<'a, Vec<TokenStream>>;
}
