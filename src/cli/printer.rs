//! The one place that writes for people: results to standard output, everything else to standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde_json::json;

use crate::error::{Error, Result};

/// How much to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printer {
    quiet: bool,
    verbose: u8,
    json: bool,
}

impl Printer {
    /// With `json`, errors are for machines.
    pub fn new(quiet: bool, verbose: u8, json: bool) -> Self {
        Self { quiet, verbose, json }
    }

    /// Results. A reader that has gone away (`fr2en … | head -1`) is no error: `Ok(false)` says to stop.
    ///
    /// # Errors
    /// When standard output cannot be written, such as on a full disk.
    pub fn result(&self, bytes: impl AsRef<[u8]>) -> Result<bool> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes.as_ref()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::io("<standard output>", "write", error)),
        }
    }

    /// An error; never silenced.
    pub fn error(&self, error: &Error) {
        if self.json {
            let path = error.path().map(|path| path.to_string_lossy());
            return self.log(&json!({"event": "error", "path": path, "message": error.to_string()}));
        }
        self.line(&format!("error: {error}"));
        if self.verbose > 1 {
            let mut cause = std::error::Error::source(error);
            while let Some(error) = cause {
                self.line(&format!("  because: {error}"));
                cause = error.source();
            }
        }
    }

    /// Something the user should know, though it is no error.
    pub fn notice(&self, message: &str) {
        match self.json {
            true => self.log(&json!({"event": "notice", "message": message})),
            false if self.quiet => {}
            false => self.line(message),
        }
    }

    /// Something the user may want to know.
    pub fn detail(&self, message: impl Display) {
        if self.verbose > 0 && !self.quiet {
            self.line(&message.to_string());
        }
    }

    /// A message for machines: an object on a line of its own, on standard error.
    pub fn log(&self, object: &serde_json::Value) {
        self.line(&object.to_string());
    }

    /// Whether progress bars make sense.
    pub fn animated(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    fn line(&self, line: &str) {
        // Nothing can be done about a standard error that is closed.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}
