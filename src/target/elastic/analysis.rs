//! The server's own text analysis, by `_analyze`.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::net::{Attempt, Failure, Stage};
use crate::parity::analyzer::TokenStream;
use crate::target::elastic::Elastic;
use crate::target::store::shape::{take_list, text};
use crate::target::{Analysis, AnalysisTime, AnalyzerId, SearchAnalysis, Working};

impl Elastic {
    /// The tokens into which the text field cuts a text, by the server's own analysis.
    ///
    /// # Errors
    /// If the server does not analyse it.
    pub async fn tokens(
        &self,
        words: &str,
        attempt: &Arc<Attempt>,
    ) -> Result<Vec<String>, Failure> {
        let body = json!({ "field": self.settings.fields.text, "text": words });
        Ok(self.analyzed(&body, attempt).await?.tokens)
    }

    async fn analyzed(&self, body: &Value, attempt: &Arc<Attempt>) -> Result<TokenStream, Failure> {
        let path = [self.settings.index.as_str(), "_analyze"];
        let mut reply = self.connection.post(&path, body, attempt).await?;
        attempt.enter(Stage::Schema);
        let found = take_list(&mut reply, "/tokens")?;
        let token = |token: &Value| text(token, "/token").map(str::to_owned);
        let position = |token: &Value| u32::try_from(token["position"].as_u64()?).ok();
        Ok(TokenStream {
            tokens: found.iter().map(token).collect::<Result<_, _>>()?,
            positions: found.iter().map(position).collect(),
        })
    }

    /// Which analyzer cuts texts and which cuts questions, as the mapping and the settings say now.
    async fn analyzers(&self, attempt: &Arc<Attempt>) -> Result<AnalyzerId, Failure> {
        let (_, index) = self.described(attempt).await?;
        let Some(name) = index.analyzer() else {
            let message = format!(
                "the field `{}` of {} is not mapped, so that nothing analyses it",
                self.settings.fields.text, index.name
            );
            return Err(Failure::lasting("field_missing", Stage::Schema, message));
        };
        Ok(AnalyzerId {
            name,
            engine: self.engine(attempt).await?,
            search: match index.search_analyzer() {
                Some(_) => SearchAnalysis::OfItsOwn,
                None => SearchAnalysis::AsIndexed,
            },
        })
    }

    /// `elasticsearch 9.2.0, lucene 10.3.1`; nothing if the key may not ask for it.
    async fn engine(&self, attempt: &Arc<Attempt>) -> Result<Option<String>, Failure> {
        let about = match self.connection.get(&[], attempt).await {
            Ok(about) => about,
            Err(failure) if matches!(failure.status, Some(400..=428)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let version = &about["version"];
        let words = |key: &str| version[key].as_str();
        let Some(number) = words("number") else {
            return Ok(None);
        };
        let name = words("distribution").unwrap_or("elasticsearch");
        let lucene = words("lucene_version").map(|lucene| format!(", lucene {lucene}"));
        Ok(Some(format!(
            "{name} {number}{}",
            lucene.unwrap_or_default()
        )))
    }

    /// One call a text: a list of texts would be given back as one stream.
    async fn streams_of(
        &self,
        texts: &[&str],
        time: AnalysisTime,
        attempt: &Arc<Attempt>,
    ) -> Result<Vec<TokenStream>, Failure> {
        let own = match time {
            AnalysisTime::Index => None,
            AnalysisTime::Search => self.known(attempt).await?.search_analyzer,
        };
        let (key, value) = match &own {
            Some(name) => ("analyzer", name),
            None => ("field", &self.settings.fields.text),
        };
        let mut streams = Vec::with_capacity(texts.len());
        for text in texts {
            let body = json!({ key: value, "text": text });
            streams.push(self.analyzed(&body, attempt).await?);
        }
        Ok(streams)
    }
}

impl Analysis for Elastic {
    fn analyzer(&self, attempt: Arc<Attempt>) -> Working<'_, AnalyzerId> {
        Box::pin(async move { self.analyzers(&attempt).await })
    }

    fn texts_a_call(&self) -> usize {
        1
    }

    fn streams<'a>(
        &'a self,
        texts: &'a [&'a str],
        time: AnalysisTime,
        attempt: Arc<Attempt>,
    ) -> Working<'a, Vec<TokenStream>> {
        Box::pin(async move { self.streams_of(texts, time, &attempt).await })
    }
}
