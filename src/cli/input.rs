//! Documents as they are named on the command line, and their bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A document as it was named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// `-` is standard input.
    pub fn from_arg(path: &Path) -> Self {
        if path == Path::new("-") { Self::Stdin } else { Self::File(path.to_owned()) }
    }

    /// What messages call it.
    pub fn name(&self) -> &Path {
        match self {
            Self::Stdin => Path::new("<standard input>"),
            Self::File(path) => path,
        }
    }

    /// The whole input as UTF-8 text, for what no option gives another encoding.
    ///
    /// # Errors
    /// When it cannot be read or is no such text.
    pub fn read_text(&self) -> Result<String> {
        let text = String::from_utf8(self.read()?).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Error::input(format!("byte {at} is not UTF-8; save the file in UTF-8")).at(self.name())
        })?;
        match text.find('\0') {
            Some(at) => Err(Error::input(format!("byte {at} is NUL, which no text holds")).at(self.name())),
            None => Ok(text),
        }
    }

    /// The whole input.
    ///
    /// # Errors
    /// When it cannot be read or is a directory.
    pub fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?.read_to_end(&mut bytes).map_err(|e| Error::io(self.name(), "read", e))?;
        Ok(bytes)
    }

    /// The input, to be read piece by piece.
    ///
    /// # Errors
    /// When it cannot be opened or is a directory.
    pub fn open(&self) -> Result<Box<dyn BufRead + Send>> {
        Ok(match self {
            Self::Stdin => Box::new(BufReader::new(io::stdin())),
            Self::File(path) => {
                let file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
                if file.metadata().is_ok_and(|m| m.is_dir()) {
                    return Err(Error::input("is a directory; name the files in it").at(path));
                }
                Box::new(BufReader::with_capacity(1 << 18, file))
            }
        })
    }
}
