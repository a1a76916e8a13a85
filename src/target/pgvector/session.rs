//! Connections to PostgreSQL: opened when needed, kept while they are sound.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt as _;
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{Client, Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::net::{
    Attempt, ConnectionError, Failure, Mark, Meter, Metered, Reach, Retry, Secret, Secrets, Stage,
    connect, conversation, is_encryption, trust,
};
use crate::target::pgvector::catalog::Param;
use crate::target::pgvector::{Settings, Tls};

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Ask only; the server refuses anything else.
    Read,
    /// Create a table and fill it.
    Write,
}

/// Everything that is needed to open a session.
pub(super) struct Opener {
    settings: Settings,
    password: Option<Secret>,
    secrets: Secrets,
    tls: Option<MakeRustlsConnect>,
}

/// An open connection.
pub(super) struct Session {
    client: Client,
    meter: Arc<Meter>,
    secrets: Secrets,
}

impl Opener {
    /// Reads the password and the certificates; nothing is sent.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub(super) fn new(settings: &Settings) -> Result<Self, ConnectionError> {
        let password = settings.password.as_ref();
        let password = password.map(crate::net::SecretSource::read).transpose()?;
        let mut secrets = Secrets::default();
        if let Some(password) = &password {
            secrets.watch(password);
        }
        let tls = match settings.tls {
            Tls::Verify => Some(MakeRustlsConnect::new(trust(settings.ca_file.as_deref())?)),
            Tls::Off => None,
        };
        Ok(Self {
            settings: settings.clone(),
            password,
            secrets,
            tls,
        })
    }

    /// What must never be shown.
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Opens a session.
    ///
    /// # Errors
    /// At the stages `resolve`, `connect` and `tls`.
    pub(super) async fn open(&self, access: Access, attempt: &Attempt) -> Result<Session, Failure> {
        let settings = &self.settings;
        // Without encryption nothing may leave this machine, whatever a name resolves to.
        let reach = match settings.tls {
            Tls::Verify => Reach::Anywhere,
            Tls::Off => Reach::Loopback,
        };
        let stream = connect(&settings.host, settings.port, reach, attempt).await?;
        let meter = Meter::new(settings.max_body);
        let stream = Metered::new(stream, Arc::clone(&meter));
        let client = match &self.tls {
            None => self.begin(stream, NoTls, &meter).await?,
            Some(tls) => {
                attempt.enter(Stage::Tls);
                let mut tls = tls.clone();
                let made = MakeTlsConnect::<Metered<TcpStream>>::make_tls_connect(
                    &mut tls,
                    &settings.host,
                );
                let tls = made.map_err(|error| {
                    Failure::lasting("tls_name_mismatch", Stage::Tls, error.to_string())
                })?;
                self.begin(stream, tls, &meter).await?
            }
        };
        attempt.mark(Mark::Connected);
        let session = Session {
            client,
            meter,
            secrets: self.secrets.clone(),
        };
        session.set_up(settings, access, attempt).await?;
        Ok(session)
    }

    /// Agrees on encryption and on who asks.
    async fn begin<T>(
        &self,
        stream: Metered<TcpStream>,
        tls: T,
        meter: &Meter,
    ) -> Result<Client, Failure>
    where
        T: TlsConnect<Metered<TcpStream>>,
        T::Stream: Send + 'static,
    {
        let begun = self.config().connect_raw(stream, tls).await;
        let (client, connection) = begun.map_err(|error| {
            let found = failure(&error, Stage::Connect, &self.secrets);
            meter.exceeded().unwrap_or(found)
        })?;
        // It ends with its client; why it broke is told to who waits for a reply.
        tokio::spawn(connection);
        Ok(client)
    }

    fn config(&self) -> Config {
        let settings = &self.settings;
        let mut config = Config::new();
        config
            .application_name("ragstone")
            .dbname(&settings.database)
            .user(&settings.user)
            .ssl_mode(match settings.tls {
                Tls::Verify => SslMode::Require,
                Tls::Off => SslMode::Disable,
            });
        if let Some(password) = &self.password {
            config.password(password.reveal());
        }
        config
    }
}

impl Session {
    /// What every session begins with.
    async fn set_up(
        &self,
        settings: &Settings,
        access: Access,
        attempt: &Attempt,
    ) -> Result<(), Failure> {
        if access == Access::Write {
            return Ok(());
        }
        self.run("SET default_transaction_read_only = on", attempt)
            .await?;
        for (name, value) in [
            ("hnsw.ef_search", settings.ef_search),
            ("ivfflat.probes", settings.probes),
        ] {
            let Some(value) = value.map(|value| value.to_string()) else {
                continue;
            };
            let (name, text) = (name.to_owned(), tokio_postgres::types::Type::TEXT);
            let params: [Param; 2] = [(&name, text.clone()), (&value, text)];
            let set = "SELECT pg_catalog.set_config($1, $2, false)";
            self.rows(set, &params, attempt).await?;
        }
        Ok(())
    }

    /// Whether the connection is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Carries out statements that hold no values from outside.
    ///
    /// # Errors
    /// If the server refuses, or the connection breaks.
    pub(super) async fn run(&self, sql: &str, attempt: &Attempt) -> Result<(), Failure> {
        self.meter.reset();
        attempt.enter(Stage::Headers);
        let done = self.client.batch_execute(sql).await;
        done.map_err(|error| self.failed(&error, Stage::Headers))
    }

    /// The rows of a statement.
    ///
    /// # Errors
    /// If the server refuses, the connection breaks or the reply is too large.
    pub(super) async fn rows(
        &self,
        sql: &str,
        params: &[Param<'_>],
        attempt: &Attempt,
    ) -> Result<Vec<Row>, Failure> {
        self.meter.reset();
        attempt.enter(Stage::Headers);
        let params = params.iter().map(|(value, kind)| (*value, kind.clone()));
        let stream = self.client.query_typed_raw(sql, params).await;
        let mut stream = pin!(stream.map_err(|error| self.failed(&error, Stage::Headers))?);
        let mut rows = Vec::new();
        loop {
            let stage = attempt.stage();
            let next = stream.try_next().await;
            match next.map_err(|error| self.failed(&error, stage))? {
                Some(row) => {
                    attempt.mark(Mark::Headers);
                    attempt.first_byte();
                    attempt.enter(Stage::Body);
                    rows.push(row);
                }
                None => break,
            }
        }
        attempt.enter(Stage::Decode);
        Ok(rows)
    }

    fn failed(&self, error: &tokio_postgres::Error, stage: Stage) -> Failure {
        let found = failure(error, stage, &self.secrets);
        self.meter.exceeded().unwrap_or(found)
    }
}

/// Idle sessions, as many as were ever busy at once.
pub(super) struct Pool {
    opener: Opener,
    idle: Mutex<Vec<Session>>,
}

impl Pool {
    /// No session yet.
    pub(super) fn new(opener: Opener) -> Self {
        Self {
            opener,
            idle: Mutex::default(),
        }
    }

    /// What must never be shown.
    pub(super) fn secrets(&self) -> &Secrets {
        self.opener.secrets()
    }

    /// A sound session. Who is cut short keeps it, so that it ends with the question it was busy with.
    ///
    /// # Errors
    /// If a new one cannot be opened.
    pub(super) async fn take(&self, attempt: &Attempt) -> Result<Session, Failure> {
        loop {
            let idle = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            match idle {
                Some(session) if session.is_closed() => {}
                Some(session) => return Ok(session),
                None => return self.opener.open(Access::Read, attempt).await,
            }
        }
    }

    /// Keeps a session for the next question, unless its connection is gone.
    pub(super) fn give_back(&self, session: Session) {
        if !session.is_closed() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(session);
        }
    }
}

/// What an error of the PostgreSQL library means, by class and stage.
fn failure(error: &tokio_postgres::Error, stage: Stage, secrets: &Secrets) -> Failure {
    if let Some(refused) = error.as_db_error() {
        let words = match refused.detail() {
            Some(detail) => format!("{}: {detail}", refused.message()),
            None => refused.message().to_owned(),
        };
        return reported(refused.code().code(), &words, stage, secrets);
    }
    let words = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    let message = secrets.scrub(&words).into_owned();
    if is_encryption(error) {
        return conversation(error, Stage::Tls, secrets);
    }
    if error.is_closed() {
        return Failure::passing("connection_closed", stage, message);
    }
    // The library tells its kinds apart by their words only.
    let kind = error.to_string();
    if kind.contains("TLS") {
        Failure::lasting("tls_handshake", Stage::Tls, message)
    } else if kind.starts_with("authentication") {
        Failure::lasting("pg_authentication", Stage::Connect, message)
    } else if kind.starts_with("error serializing") || kind.starts_with("error encoding") {
        Failure::lasting("bad_request", Stage::Query, message)
    } else if kind.starts_with("error communicating") {
        conversation(error, stage, secrets)
    } else {
        Failure::lasting("not_postgres", Stage::Decode, message)
    }
}

/// What the server itself reports, by its SQLSTATE. At the stage of connecting it refuses the session,
/// later the statement.
fn reported(sqlstate: &str, words: &str, stage: Stage, secrets: &Secrets) -> Failure {
    let retry = match sqlstate {
        // Too many connections, or starting up.
        "53300" | "53400" | "57P03" => Retry::Later(None),
        // Cancelled, shut down, or in the way of another transaction.
        "57014" | "57P01" | "57P02" | "57P05" | "40001" | "40P01" => Retry::Worthwhile,
        other if other.starts_with("08") || other.starts_with("53") => Retry::Worthwhile,
        _ => Retry::Pointless,
    };
    let stage = if stage == Stage::Connect {
        Stage::Connect
    } else {
        Stage::Tool
    };
    let message = secrets.scrub(words).into_owned();
    Failure {
        retry,
        ..Failure::lasting(format!("pg_{sqlstate}"), stage, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(state: &str, retry: Retry) {
        let failure = reported(state, "no", Stage::Headers, &Secrets::default());
        assert_eq!(failure.class, format!("pg_{state}"));
        assert_eq!(
            (failure.retry, failure.stage),
            (retry, Stage::Tool),
            "{state}"
        );
    }

    #[test]
    fn a_report_of_the_server_says_whether_to_ask_again() {
        check("28P01", Retry::Pointless);
        check("42P01", Retry::Pointless);
        check("57014", Retry::Worthwhile);
        check("08006", Retry::Worthwhile);
        check("53300", Retry::Later(None));
        check("57P03", Retry::Later(None));
    }

    #[test]
    fn a_session_that_is_refused_is_refused_at_connect() {
        let failure = reported("28P01", "no", Stage::Connect, &Secrets::default());
        assert_eq!(failure.stage, Stage::Connect);
    }
}
