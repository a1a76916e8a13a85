//! An OpenAI-compatible embedding service.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};

use crate::embed::EmbedError;
use crate::net::{Attempt, Client, ClientSettings, Failure, Retry, SecretSource, Secrets, Stage};

/// Attempts for one batch; a busy or restarting service deserves a second chance, a broken one does
/// not deserve a minute.
const ATTEMPTS: u32 = 4;
/// Wait before the second attempt; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait that a service may ask for with `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// One batch may take this long.
const TIMEOUT: Duration = Duration::from_mins(2);
/// A reply larger than this is not a batch of vectors.
const LARGEST_REPLY: usize = 256 << 20;

/// A service that embeds texts: `POST …/v1/embeddings`.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: Url,
    model: String,
    /// The environment variable that holds the key; the key itself is read when it is sent and kept
    /// nowhere.
    key_variable: Option<String>,
    client: Arc<OnceLock<Client>>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [&'a String],
}

#[derive(Deserialize)]
struct Reply {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    index: usize,
    embedding: Vec<f32>,
}

impl Endpoint {
    /// A service at `url`; a base such as `http://127.0.0.1:8089/v1` gets `/embeddings` appended.
    ///
    /// # Errors
    /// If the URL is not http or https.
    pub fn new(
        url: &str,
        model: impl Into<String>,
        key_variable: Option<String>,
    ) -> Result<Self, EmbedError> {
        let wrong = |problem: &str| EmbedError::Endpoint {
            url: "the endpoint's URL".to_owned(),
            problem: problem.to_owned(),
        };
        let mut url = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("the scheme must be http or https"));
        }
        if !url.path().ends_with("/embeddings") {
            let path = format!("{}/embeddings", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        Ok(Self {
            url,
            model: model.into(),
            key_variable,
            client: Arc::default(),
        })
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Where it is, for messages: a URL may carry a password or a signed query.
    fn shown(&self) -> String {
        format!(
            "{}://{}{}",
            self.url.scheme(),
            self.url.host_str().unwrap_or_default(),
            self.url.path()
        )
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> EmbedError {
        EmbedError::Endpoint {
            url: self.shown(),
            problem: problem.into(),
        }
    }

    /// One vector for each text, in their order.
    pub(crate) async fn embed(&self, texts: &[&String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let answer = self.answer(texts).await?;
        answer.map_err(|Failure { message, retry, .. }| match retry {
            Retry::Pointless => self.error(message),
            _ => self.error(format!("{message}, {ATTEMPTS} times")),
        })
    }

    /// One vector for each text, in their order, or what the service said instead, after as many
    /// attempts as that deserves.
    ///
    /// # Errors
    /// If the service cannot even be asked.
    pub(crate) async fn answer(
        &self,
        texts: &[&String],
    ) -> Result<Result<Vec<Vec<f32>>, Failure>, EmbedError> {
        let client = self.client()?;
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(&client, texts).await? {
                Ok(vectors) => return Ok(Ok(vectors)),
                Err(failure) => failure,
            };
            if failure.retry == Retry::Pointless || attempt == ATTEMPTS {
                return Ok(Err(failure));
            }
            let asked = match failure.retry {
                Retry::Later(wait) => wait,
                _ => None,
            };
            tokio::time::sleep(asked.unwrap_or(wait).min(LONGEST_WAIT)).await;
            wait *= 2;
            attempt += 1;
        }
    }

    /// One pool of connections for all calls, made at the first.
    fn client(&self) -> Result<Client, EmbedError> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = Client::new(&ClientSettings {
            max_body: LARGEST_REPLY,
            max_redirects: 0,
            ..ClientSettings::default()
        });
        let client = client.map_err(|error| self.error(error.to_string()))?;
        Ok(self.client.get_or_init(|| client).clone())
    }

    async fn attempt(
        &self,
        client: &Client,
        texts: &[&String],
    ) -> Result<Result<Vec<Vec<f32>>, Failure>, EmbedError> {
        let mut request = client
            .request(Method::POST, self.url.clone())
            .json(&Request {
                model: &self.model,
                input: texts,
            });
        let mut secrets = Secrets::default();
        if let Some(variable) = &self.key_variable {
            let key = SecretSource::Env(variable.clone()).read();
            let key = key.map_err(|_| EmbedError::Key {
                variable: variable.clone(),
            })?;
            request = request.bearer_auth(key.reveal());
            secrets.watch(&key);
        }
        let attempt = Attempt::begin();
        let call = async {
            let opened = client.send(request, &attempt, &secrets).await?;
            opened.accepted().await?.body().await
        };
        let body = tokio::time::timeout(TIMEOUT, call)
            .await
            .unwrap_or_else(|_| Err(Failure::timeout(attempt.stage(), TIMEOUT)));
        Ok(body.and_then(|body| {
            decode(&body, texts.len())
                .map_err(|problem| Failure::lasting("bad_reply", Stage::Schema, problem))
        }))
    }
}

/// The vectors of a reply in the order of the texts, or what is wrong with it.
fn decode(body: &[u8], wanted: usize) -> Result<Vec<Vec<f32>>, String> {
    let reply: Reply = serde_json::from_slice(body)
        .map_err(|error| format!("not a list of embeddings: {error}"))?;
    let mut vectors = vec![None; wanted];
    for row in reply.data {
        let slot = vectors
            .get_mut(row.index)
            .ok_or_else(|| format!("an embedding with index {} of {wanted} texts", row.index))?;
        if slot.replace(row.embedding).is_some() {
            return Err(format!("two embeddings with index {}", row.index));
        }
    }
    vectors
        .into_iter()
        .enumerate()
        .map(|(index, vector)| vector.ok_or_else(|| format!("no embedding with index {index}")))
        .collect()
}
