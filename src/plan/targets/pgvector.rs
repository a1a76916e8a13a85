//! `kind = "pgvector"`.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use crate::plan::PolicyError;
use crate::plan::targets::connection::{self, EmbeddingSpec};
use crate::plan::targets::{Place, filter};
use crate::plan::written::Target;
use crate::target::pgvector::{Settings, Tls};

/// A table of a PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgvectorSpec {
    /// Which table, and how it is read.
    pub settings: Settings,
    /// The service that embeds questions, if not the referee.
    pub embedding: Option<EmbeddingSpec>,
}

const OWN: [&str; 15] = [
    "url",
    "user",
    "auth_env",
    "auth_file",
    "ca_file",
    "max_body_bytes",
    "tls",
    "schema",
    "table",
    "id_column",
    "metadata_column",
    "metric",
    "ef_search",
    "probes",
    "text_config",
];

/// The port of PostgreSQL.
const PORT: u16 = 5432;

pub(super) fn keys() -> Vec<&'static str> {
    OWN.iter().chain(&connection::STORE_KEYS).copied().collect()
}

pub(super) fn fill(target: &mut Target) {
    target.tls.get_or_insert_default();
    target.user.get_or_insert_with(|| "postgres".to_owned());
    target.schema.get_or_insert_with(|| "public".to_owned());
    target.id_column.get_or_insert_with(|| "id".to_owned());
    target
        .metadata_column
        .get_or_insert_with(|| "metadata".to_owned());
    target.list_rows.get_or_insert(true);
}

pub(super) fn spec(place: &Place, target: &mut Target) -> Result<PgvectorSpec, PolicyError> {
    fill(target);
    let Address {
        host,
        port,
        database,
    } = address(place, target)?;
    let Some(table) = target.table.take() else {
        return place.wrong("a table is missing", "add table = \"NAME\"");
    };
    let tls = target.tls.unwrap_or_default();
    if tls == Tls::Off && !is_loopback(&host) {
        let message = format!("tls = \"off\" would send questions to {host} for all to read");
        return place.wrong(
            message,
            "only a server on this machine goes without: leave tls out",
        );
    }
    for (name, value) in [("ef_search", target.ef_search), ("probes", target.probes)] {
        if value == Some(0) {
            let help = "leave it out to search as the server says";
            return place.wrong(format!("{name} is 0"), help);
        }
    }
    let client = connection::client(place, target)?;
    let filter = filter::filter(place, target)?;
    let settings = Settings {
        host,
        port,
        database,
        user: target.user.take().unwrap_or_default(),
        password: connection::secret(place, target)?,
        tls,
        ca_file: client.ca_file,
        max_body: client.max_body,
        schema: target.schema.take().unwrap_or_default(),
        table,
        id_column: target.id_column.take().unwrap_or_default(),
        metadata_column: target
            .metadata_column
            .take()
            .filter(|name| !name.is_empty()),
        fields: connection::fields(target),
        filter,
        metric: target.metric,
        ef_search: target.ef_search,
        probes: target.probes,
        text_config: target.text_config.take(),
        list_rows: target.list_rows.unwrap_or(true),
    };
    let of_metadata = settings.filtered_metadata().next();
    if let (Some(field), None) = (of_metadata, &settings.metadata_column) {
        let message = format!("filter: there is no column of metadata for `{field}` to be in");
        return place.wrong(message, "name the column: metadata_column = \"…\"");
    }
    Ok(PgvectorSpec {
        settings,
        embedding: connection::embedding(target),
    })
}

/// Where a database is.
struct Address {
    host: String,
    port: u16,
    database: String,
}

fn address(place: &Place, target: &mut Target) -> Result<Address, PolicyError> {
    const FORM: &str = "write postgres://host:port/database";
    let Some(url) = target.url.take() else {
        return place.wrong(
            "a url is missing",
            "add url = \"postgres://host:port/database\"",
        );
    };
    let url: reqwest::Url = match url.parse() {
        Ok(url) => url,
        Err(error) => return place.wrong(format!("the url is not one: {error}"), FORM),
    };
    let host = url.host_str().unwrap_or_default();
    let database = percent_decode_str(url.path().trim_start_matches('/')).decode_utf8();
    if !matches!(url.scheme(), "postgres" | "postgresql") || host.is_empty() {
        return place.wrong("the url is not of postgres", FORM);
    }
    if !url.username().is_empty() || url.password().is_some() {
        let help = "take them out: user = \"…\", and auth_env = \"…\" names the environment variable of the password";
        return place.wrong("the url holds credentials", help);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return place.wrong(
            "the url has parameters",
            "settings have keys of their own, such as tls",
        );
    }
    let database = match database {
        Ok(database) if !database.is_empty() && !database.contains('/') => database.into_owned(),
        _ => return place.wrong("the url names no database", FORM),
    };
    Ok(Address {
        host: host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(),
        port: url.port().unwrap_or(PORT),
        database,
    })
}

/// Whether a host is this machine by its name; what it resolves to is looked at again when connecting.
fn is_loopback(host: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::{Overrides, TargetSettings, load};

    /// The second target of a policy, whose table of settings this is.
    fn read(settings: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ragstone.toml");
        let text = format!(
            "gold = '.'\n[referee]\nkind = 'lexical'\n\
             [[target]]\nname = 'a'\nrole = 'control'\nkind = 'embedded'\n\
             [[target]]\nname = 'b'\nrole = 'candidate'\nkind = 'pgvector'\n{settings}"
        );
        std::fs::write(&path, text).expect("written");
        let policy = load(&path, &Overrides::default()).map_err(|error| error.to_string())?;
        match policy.targets[1].settings.clone() {
            TargetSettings::Pgvector(spec) => Ok(spec.settings),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refuses(settings: &str, words: &str) {
        let error = read(settings).expect_err("refused");
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn an_address_is_taken_apart_and_the_rest_has_defaults() {
        let settings = read("url = 'postgres://db.example/gold%20set'\ntable = 't'").expect("read");
        assert_eq!(settings.host, "db.example");
        assert_eq!(
            (settings.port, settings.database.as_str()),
            (5432, "gold set")
        );
        assert_eq!(settings.tls, Tls::Verify);
        assert_eq!(
            (settings.schema.as_str(), settings.user.as_str()),
            ("public", "postgres")
        );
        assert_eq!(settings.metadata_column.as_deref(), Some("metadata"));
        let bare =
            read("url = 'postgres://[::1]:6/g'\ntable = 't'\nmetadata_column = ''\ntls = 'off'");
        let bare = bare.expect("loopback");
        assert_eq!(
            (bare.host.as_str(), bare.port, bare.metadata_column),
            ("::1", 6, None)
        );
    }

    #[test]
    fn encryption_is_never_off_for_another_machine() {
        refuses(
            "url = 'postgres://db.example/g'\ntable = 't'\ntls = 'off'",
            "tls",
        );
        refuses(
            "url = 'postgres://10.0.0.1/g'\ntable = 't'\ntls = 'off'",
            "tls",
        );
        assert!(read("url = 'postgres://localhost/g'\ntable = 't'\ntls = 'off'").is_ok());
    }

    #[test]
    fn a_filter_needs_a_place_to_be_looked_for() {
        let url = "url = 'postgres://localhost/g'\ntable = 't'\n";
        let filtered =
            read(&format!("{url}filter = {{ lang = 'en', doc_id = 'a' }}")).expect("read");
        let sought: Vec<&str> = filtered.filtered_metadata().collect();
        assert_eq!(sought, ["lang"], "the document has a column");
        let bare = format!("{url}metadata_column = ''\nfilter");
        assert!(read(&format!("{bare} = {{ doc_id = 'a' }}")).is_ok());
        refuses(
            &format!("{bare} = {{ lang = 'en' }}"),
            "no column of metadata",
        );
        refuses(&format!("{url}filter = {{ ' ' = 'en' }}"), "without a name");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        refuses(
            "url = 'postgres://u:p@localhost/g'\ntable = 't'",
            "credentials",
        );
        refuses("url = 'postgres://localhost'\ntable = 't'", "no database");
        refuses("url = 'http://localhost/g'\ntable = 't'", "not of postgres");
        refuses(
            "url = 'postgres://localhost/g?sslmode=disable'\ntable = 't'",
            "parameters",
        );
        refuses("url = 'postgres://localhost/g'", "a table is missing");
        refuses(
            "url = 'postgres://localhost/g'\ntable = 't'\nprobes = 0",
            "probes is 0",
        );
    }

    #[test]
    fn the_example_policies_of_the_stores_can_be_read() {
        let stores = Path::new(env!("CARGO_MANIFEST_DIR")).join("goldsets/handbook/stores");
        let mut n_read = 0;
        for entry in std::fs::read_dir(stores).expect("a folder") {
            let path = entry.expect("an entry").path();
            load(&path, &Overrides::default()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            n_read += 1;
        }
        assert!(n_read >= 2);
    }
}
