//! What went wrong, made fit for a terminal.

use std::error::Error;
use std::fmt;

use miette::Diagnostic;

use crate::cli::github;
use crate::report;

/// A diagnostic with its causes, in which text from outside can no longer steer a terminal.
///
/// Errors quote what they found in gold sets, policies and replies, to the byte; this is the one place
/// where they are shown to a person.
#[derive(Debug)]
pub struct Message {
    text: String,
    code: Option<String>,
    help: Option<String>,
    cause: Option<Box<Message>>,
}

impl Message {
    /// Copies what a diagnostic says.
    pub fn of(diagnostic: &dyn Diagnostic) -> Self {
        let shown = |part: Option<Box<dyn fmt::Display + '_>>| {
            part.map(|part| printable(&part.to_string()))
        };
        Self {
            text: printable(&diagnostic.to_string()),
            code: shown(diagnostic.code()),
            // What is wrapped may know the way out when the wrapper only says where it was.
            help: shown(diagnostic.help())
                .or_else(|| shown(diagnostic.diagnostic_source().and_then(Diagnostic::help))),
            cause: Self::cause_of(diagnostic.source()),
        }
    }

    fn cause_of(error: Option<&(dyn Error + 'static)>) -> Option<Box<Self>> {
        let error = error?;
        let text = printable(&error.to_string());
        Some(Box::new(Self {
            text,
            code: None,
            help: None,
            cause: Self::cause_of(error.source()),
        }))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Message {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause
            .as_ref()
            .map(|cause| &**cause as &(dyn Error + 'static))
    }
}

impl Diagnostic for Message {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code
            .as_ref()
            .map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
}

/// Without what would steer a terminal, or the runner of a CI.
fn printable(text: &str) -> String {
    let text = report::printable(text);
    if github::is_runner() {
        github::without_commands(&text)
    } else {
        text
    }
}
