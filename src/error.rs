//! One error type for the whole library.
//!
//! A message is one line: it names the file (and the byte, line or segment where one is known), says what is wrong,
//! and what to do about it where that is not plain.

use std::fmt;
use std::path::PathBuf;

/// What kind of thing went wrong; decides the exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is not what it should be: not UTF-8, a directory, broken markup.
    Input,
    /// A file could not be read or written.
    Io,
    /// The model's files are missing, damaged or do not fit together.
    Model,
    /// A setting has no meaning or asks for what this build or machine lacks.
    Settings,
    /// The hub could not be reached or sent something wrong.
    Hub,
    /// The device failed.
    Device,
    /// The device ran out of memory.
    Memory,
    /// A guard refused a translation and `--strict` was given.
    Quality,
    /// The user stopped the work.
    Interrupted,
    /// Another process is at it.
    Busy,
}

/// An error with its kind, the file it is about, and a message for the user.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    path: Option<PathBuf>,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", printable(&path.to_string_lossy()))?;
        }
        f.write_str(&printable(&self.message))
    }
}

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` with a one-line message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, path: None, message: message.into(), source: None }
    }

    /// The input is not what it should be.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    /// The model's files are missing, damaged or do not fit together.
    pub fn model(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Model, message)
    }

    /// A setting is wrong.
    pub fn settings(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Settings, message)
    }

    /// A file could not be read or written.
    pub fn io(path: impl Into<PathBuf>, doing: &str, error: std::io::Error) -> Self {
        let message = format!("cannot {doing}: {}", io_reason(&error));
        Self { kind: ErrorKind::Io, path: Some(path.into()), message, source: Some(Box::new(error)) }
    }

    /// Names the file the error is about; the innermost name stays.
    #[must_use]
    pub fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.path.get_or_insert_with(|| path.into());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn advise(mut self, what: &str) -> Self {
        self.message = format!("{}; {what}", self.message);
        self
    }

    /// Keeps the error underneath, for `--verbose` and for programs.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether trying again later may help: the disk is full, or another process is at it.
    pub fn is_temporary(&self) -> bool {
        let io = self.source.as_ref().and_then(|source| source.downcast_ref::<std::io::Error>());
        let full = |e: &std::io::Error| {
            matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        };
        self.kind == ErrorKind::Busy || io.is_some_and(full)
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file the error is about, where there is one.
    pub fn path(&self) -> Option<&std::path::Path> {
        self.path.as_deref()
    }
}

/// The reason of an I/O error in words, without the "(os error 2)" that means nothing to most readers.
fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => reason.to_lowercase(),
        None => text,
    }
}

/// Control characters never reach a terminal raw, and a message stays on one line.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
