//! Passwords and keys: where they come from, and how they stay there.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;

/// Where a secret is kept. Only this travels through policies and digests, never the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; white space at its ends does not count.
    File(PathBuf),
}

/// Why a secret cannot be had.
#[derive(Debug, Error, Diagnostic)]
pub enum SecretError {
    /// The variable is not set, or empty.
    #[error("the environment variable `{0}` is not set")]
    #[diagnostic(
        code(secret::env),
        help("export {0} with the secret; it is never written anywhere")
    )]
    Env(String),
    /// The file cannot be read.
    #[error("{}: the secret cannot be read", path.display())]
    #[diagnostic(code(secret::file), help("the file holds the secret alone, as UTF-8"))]
    File {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The secret is empty, or no header can carry it.
    #[error("the secret in {0} is empty or holds a control character")]
    #[diagnostic(
        code(secret::value),
        help("a secret is one line of visible characters")
    )]
    Value(String),
}

impl SecretSource {
    /// Reads the secret.
    ///
    /// # Errors
    /// If it is not there, is empty, or holds a control character.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let (text, name) = match self {
            Self::Env(variable) => (
                std::env::var(variable).map_err(|_| SecretError::Env(variable.clone()))?,
                variable.clone(),
            ),
            Self::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| SecretError::File {
                    path: path.clone(),
                    source,
                })?;
                (text, path.display().to_string())
            }
        };
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(SecretError::Value(name));
        }
        Ok(Secret(text.to_owned()))
    }
}

/// A password or key. It has no `Display`, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, to be sent and kept nowhere.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a secret is replaced by.
const REMOVED: &str = "[secret]";
/// A secret shorter than this is not looked for in texts: it would be found everywhere.
const SHORTEST: usize = 4;

/// Every secret that a target is sent, as it may come back.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    needles: Vec<Secret>,
}

impl Secrets {
    /// Watches for this secret, as it is and as JSON or a URL would write it.
    pub fn watch(&mut self, secret: &Secret) {
        let plain = secret.reveal();
        if plain.len() < SHORTEST {
            return;
        }
        let json = serde_json::to_string(plain).expect("a string has JSON");
        let encoded =
            percent_encoding::utf8_percent_encode(plain, percent_encoding::NON_ALPHANUMERIC);
        let forms = [
            plain.to_owned(),
            json.trim_matches('"').to_owned(),
            encoded.to_string(),
        ];
        for form in forms {
            if !self.needles.iter().any(|known| known.0 == form) {
                self.needles.push(Secret(form));
            }
        }
    }

    /// Whether nothing is watched for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The text with every secret replaced.
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for needle in &self.needles {
            if text.contains(needle.reveal()) {
                text = Cow::Owned(text.replace(needle.reveal(), REMOVED));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_removed_however_it_is_written() {
        let mut secrets = Secrets::default();
        let secret = Secret("p\"ss/wörd".to_owned());
        secrets.watch(&secret);
        for echoed in [
            "token p\"ss/wörd refused",
            r#"{"token": "p\"ss/wörd"}"#,
            "https://h/?t=p%22ss%2Fw%C3%B6rd",
        ] {
            let scrubbed = secrets.scrub(echoed);
            assert!(scrubbed.contains(REMOVED), "{scrubbed}");
            assert!(
                !scrubbed.contains("ss/w") && !scrubbed.contains("ss%2Fw"),
                "{scrubbed}"
            );
        }
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn a_secret_that_is_not_there_is_said_by_its_name() {
        let missing = SecretSource::Env("RAGSTONE_NO_SUCH_VARIABLE".to_owned());
        assert!(
            missing
                .read()
                .expect_err("not set")
                .to_string()
                .contains("RAGSTONE_NO_SUCH")
        );
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "line one\nline two\n").expect("written");
        assert!(matches!(
            SecretSource::File(path.clone()).read(),
            Err(SecretError::Value(_))
        ));
        std::fs::write(&path, " abc \n").expect("written");
        assert_eq!(
            SecretSource::File(path).read().expect("a secret").reveal(),
            "abc"
        );
    }
}
