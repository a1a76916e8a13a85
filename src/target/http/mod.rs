//! Any service that answers questions over HTTP, by configuration alone.
//!
//! Templates say what is sent, JSON pointers where everything stands in what comes back, and a health
//! endpoint what the service says of itself.

mod pointer;
mod reply;
mod schema;
mod stream;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;

use crate::ids::TargetName;
use crate::net::{
    Attempt, Connection, ConnectionError, ConnectionSettings, Failure, Opened, Stage, decode,
};
use crate::parity::{Contract, ContractField};
use crate::target::store::QueryVectors;
use crate::target::{Listing, Locality, Query, Reply, Target, Working};

pub use pointer::{NotAPointer, Pointer};
pub use reply::{HitPointers, Pointers, Scores, SectionPointers};
pub use schema::{ReplySchema, ReplySchemaError};
pub use stream::Streaming;
pub use template::{Escaping, Placeholder, Template};

use pointer::Of;
use reply::Gathered;

/// How a service is asked, and how its replies are read.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How it is reached. The address is that of `url`, as far as it can be told before a question is
    /// put in; headers are those without placeholders.
    pub connection: ConnectionSettings,
    /// How it is asked.
    pub method: Method,
    /// The address, with placeholders in its path or query.
    pub url: Template,
    /// Headers with placeholders.
    pub headers: BTreeMap<String, Template>,
    /// Headers that say which region, release or index is meant: sent with everything.
    pub pins: BTreeMap<String, String>,
    /// The JSON that is sent.
    pub body: Option<Template>,
    /// Where everything stands in a reply.
    pub pointers: Pointers,
    /// How the reply comes in parts, if it does.
    pub streaming: Option<Streaming>,
    /// What the service says of itself, if it does.
    pub health: Option<Health>,
}

/// Where a service says what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Asked with `GET`, and with credentials only if it is of the same origin as the service.
    pub url: Url,
    /// Where each contract field stands.
    pub fields: BTreeMap<ContractField, Pointer>,
}

impl Settings {
    /// Whether a request holds the question's vector.
    pub fn wants_vector(&self) -> bool {
        self.asks_for(Placeholder::Vector)
    }

    /// Whether this placeholder stands anywhere in a request.
    pub fn asks_for(&self, value: Placeholder) -> bool {
        let texts = std::iter::once(&self.url).chain(&self.body);
        texts
            .chain(self.headers.values())
            .any(|text| text.asks_for(value))
    }
}

/// The header that tags a query as one that only warms the service up.
const WARM: HeaderName = HeaderName::from_static("x-warm");

/// A service that answers questions over HTTP.
pub struct Http {
    name: TargetName,
    settings: Settings,
    connection: Connection,
    /// For the health endpoint, if that is of another origin.
    elsewhere: Connection,
    schema: Option<ReplySchema>,
    vectors: Option<QueryVectors>,
}

impl Http {
    /// A service, which is not called yet. `vectors` are needed if a request holds one.
    ///
    /// # Errors
    /// If a secret is not there, a certificate cannot be read, or a header cannot be sent.
    pub fn new(
        name: TargetName,
        mut settings: Settings,
        schema: Option<ReplySchema>,
        vectors: Option<QueryVectors>,
    ) -> Result<Self, ConnectionError> {
        let pins = settings.pins.clone();
        settings.connection.headers.extend(pins.clone());
        let connection = Connection::new(&settings.connection)?;
        Ok(Self {
            name,
            elsewhere: connection.anonymous(&pins)?,
            connection,
            settings,
            schema,
            vectors,
        })
    }

    async fn ask(&self, query: &Query, attempt: &Arc<Attempt>) -> Result<Reply, Failure> {
        attempt.enter(Stage::Query);
        let vector = match &self.vectors {
            Some(vectors) => vectors.of(query, attempt).await?,
            None => Arc::from([]),
        };
        let request = self.request(query, &vector)?;
        let opened = self.connection.send(request, attempt).await?;
        let opened = opened.accepted().await?;
        let status = opened.status();
        let reply = self.read(opened, attempt).await;
        reply.map_err(|failure| failure.with_status(status))
    }

    fn request(&self, query: &Query, vector: &[f32]) -> Result<RequestBuilder, Failure> {
        let settings = &self.settings;
        let mut headers = HeaderMap::new();
        let mut usual = |name: HeaderName, value| {
            let written = settings.connection.headers.keys();
            if !written
                .into_iter()
                .any(|key| key.eq_ignore_ascii_case(name.as_str()))
            {
                headers.insert(name, HeaderValue::from_static(value));
            }
        };
        let json = "application/json";
        usual(ACCEPT, settings.streaming.map_or(json, Streaming::accept));
        if settings.body.is_some() {
            usual(CONTENT_TYPE, json);
        }
        for (name, value) in &settings.headers {
            let value = value.render(query, vector, Escaping::Percent);
            let header = name.parse::<HeaderName>().ok();
            let (Some(header), Ok(value)) = (header, HeaderValue::from_str(&value)) else {
                return Err(unaskable(format!("the header `{name}` cannot be sent")));
            };
            headers.insert(header, value);
        }
        if query.warm_up {
            headers.insert(WARM, HeaderValue::from_static("1"));
        }
        let url = self.url(query, vector)?;
        let request = self.connection.request(settings.method.clone(), url);
        let request = request.headers(headers);
        Ok(match &settings.body {
            Some(body) => request.body(body.render(query, vector, Escaping::Json)),
            None => request,
        })
    }

    /// What is put in must not change where the request goes: a question that is `..` would.
    fn url(&self, query: &Query, vector: &[f32]) -> Result<Url, Failure> {
        let text = self.settings.url.render(query, vector, Escaping::Percent);
        let url = Url::parse(&text).map_err(|error| unaskable(error.to_string()))?;
        let depth = |url: &Url| url.path_segments().map(Iterator::count);
        let base = self.connection.base();
        if url.origin() != base.origin() || depth(&url) != depth(base) {
            return Err(unaskable("the question would change the path".to_owned()));
        }
        Ok(url)
    }

    async fn read(&self, opened: Opened, attempt: &Arc<Attempt>) -> Result<Reply, Failure> {
        let status = opened.status();
        let secrets = self.connection.secrets();
        let mut gathered = Gathered::default();
        match self.settings.streaming {
            None => {
                let value = opened.json().await?;
                self.take(&value, &mut gathered)?;
            }
            Some(streaming) => {
                let mut opened = opened;
                streaming.demand(&opened, secrets)?;
                let mut take = |part: &[u8]| {
                    if self.take(&decode(part, secrets)?, &mut gathered)? {
                        attempt.usable();
                    }
                    Ok(())
                };
                stream::read(&mut opened, streaming, &mut take).await?;
            }
        }
        gathered.reply(&self.settings.pointers, status, secrets)
    }

    fn take(&self, value: &Value, gathered: &mut Gathered) -> Result<bool, Failure> {
        if let Some(schema) = &self.schema {
            schema.check(value)?;
        }
        gathered.take(value, &self.settings.pointers)
    }

    /// What the health endpoint says. A field that it does not say is not stated; text is taken as it
    /// is, numbers and booleans as JSON writes them.
    async fn health(&self, health: &Health, attempt: &Arc<Attempt>) -> Result<Contract, Failure> {
        let same = health.url.origin() == self.connection.base().origin();
        let connection = if same {
            &self.connection
        } else {
            &self.elsewhere
        };
        let request = connection.request(Method::GET, health.url.clone());
        let said = connection.json(request, attempt).await?;
        let mut contract = Contract::default();
        for (field, pointer) in &health.fields {
            let value = match pointer.find(&said) {
                None => continue,
                Some(Value::String(text)) if text.trim().is_empty() => continue,
                Some(Value::String(text)) => text.clone(),
                Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
                Some(other) => return Err(pointer.wrong(other, "a plain value", Of::Reply)),
            };
            contract = contract.with(*field, value);
        }
        Ok(contract)
    }
}

/// A question that cannot be put into the request.
fn unaskable(message: String) -> Failure {
    Failure::lasting("bad_request", Stage::Query, message)
}

impl Target for Http {
    fn name(&self) -> &TargetName {
        &self.name
    }

    fn locality(&self) -> Locality {
        Locality::Network
    }

    fn contract(&self, attempt: Arc<Attempt>) -> Working<'_, Contract> {
        Box::pin(async move {
            match &self.settings.health {
                Some(health) => self.health(health, &attempt).await,
                None => Ok(Contract::default()),
            }
        })
    }

    fn listing(&self) -> Listing<'_> {
        Listing::None
    }

    fn retrieve<'a>(&'a self, query: &'a Query, attempt: Arc<Attempt>) -> Working<'a, Reply> {
        Box::pin(async move { self.ask(query, &attempt).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Form, QuestionId, Seed};
    use crate::net::ClientSettings;
    use crate::target::OffsetUnit;
    use crate::units::Cutoff;

    fn http(url: &str, headers: &[(&str, &str)]) -> Http {
        let at = |text: &str| text.parse().expect("a pointer");
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = Settings {
            connection: ConnectionSettings {
                url: url.parse().expect("a URL"),
                headers: headers.collect(),
                secret_headers: BTreeMap::new(),
                auth: None,
                client: ClientSettings::default(),
            },
            method: Method::POST,
            url: Template::new(url),
            headers: BTreeMap::new(),
            pins: BTreeMap::new(),
            body: Some(Template::new("{\"k\": {k}}")),
            pointers: Pointers {
                hits: at("/hits"),
                hit: HitPointers {
                    id: at("/id"),
                    section: SectionPointers::One(at("/section")),
                    text: at("/text"),
                    score: Scores::ByRank,
                    offsets: None,
                    unit: OffsetUnit::Char,
                },
                answer: None,
                delta: None,
                citations: None,
                refusal: None,
                cold_start: None,
                error: None,
            },
            streaming: None,
            health: None,
        };
        Http::new(TargetName::new("t"), settings, None, None).expect("sound")
    }

    fn query(text: &str, warm_up: bool) -> Query {
        Query {
            question: QuestionId::new("q"),
            form: Form(0),
            seed: Seed(1),
            k: Cutoff::new(3).expect("positive"),
            text: text.to_owned(),
            repeat: false,
            warm_up,
        }
    }

    fn sent(http: &Http, query: &Query) -> reqwest::Request {
        let request = http.request(query, &[]).expect("askable");
        request.build().expect("a request")
    }

    #[test]
    fn a_query_that_warms_up_says_so() {
        let http = http("http://h/ask", &[("Accept", "application/vnd.search+json")]);
        let warming = sent(&http, &query("x", true));
        assert_eq!(warming.headers()[WARM], "1");
        assert_eq!(warming.headers()[CONTENT_TYPE], "application/json");
        let written = &warming.headers()[ACCEPT];
        assert_eq!(
            written, "application/vnd.search+json",
            "the policy's outweighs ours"
        );
        assert!(!sent(&http, &query("x", false)).headers().contains_key(WARM));
    }

    #[test]
    fn a_question_cannot_leave_its_place_in_the_address() {
        let http = http("http://h/ask/{question}/hits", &[]);
        for text in ["a/../../admin", "?x=1#y", "@evil.example/", "%2e%2e"] {
            let url = sent(&http, &query(text, false)).url().clone();
            let parts: Vec<&str> = url.path_segments().expect("a path").collect();
            assert_eq!(
                (parts[0], parts[2], parts.len()),
                ("ask", "hits", 3),
                "{url}"
            );
            assert_eq!((url.host_str(), url.query()), (Some("h"), None), "{url}");
        }
        for text in ["..", "."] {
            let failure = http
                .request(&query(text, false), &[])
                .expect_err("another path");
            assert_eq!(
                (failure.class.as_str(), failure.stage),
                ("bad_request", Stage::Query)
            );
        }
    }
}
