//! What the files of a model must be: their sizes and checksums, and where they came from.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What the files of one model must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub name: String,
    /// Files by name.
    pub files: BTreeMap<String, Record>,
}

/// What one file must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// In bytes.
    pub size: u64,
    /// In lower-case hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// Parses `manifest.json`.
    ///
    /// # Errors
    /// `ErrorKind::Model` where it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|error| Error::model(format!("not a manifest: {error}")).because(error))
    }

    /// The manifest of a directory, where it has one.
    ///
    /// # Errors
    /// Where it has one that cannot be read.
    pub fn of_directory(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join("manifest.json");
        match std::fs::read(&path) {
            Ok(bytes) => Self::parse(&bytes).map(Some).map_err(|error| error.at(path)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(path, "read", error)),
        }
    }

    /// Writes `manifest.json` into a directory.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, directory: &Path) -> Result<()> {
        let path = directory.join("manifest.json");
        let failed = |error| Error::io(&path, "write", error);
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        let part = directory.join(".manifest.json.part");
        std::fs::write(&part, text + "\n").and_then(|()| std::fs::rename(&part, &path)).map_err(failed)
    }
}

/// Notes a file that was just written in the manifest of its directory, where that has one.
///
/// # Errors
/// Where the manifest cannot be read or written.
pub fn note(file: &Path, bytes: &[u8]) -> Result<()> {
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else { return Ok(()) };
    let Some(mut manifest) = Manifest::of_directory(directory)? else { return Ok(()) };
    manifest.files.insert(name.to_string_lossy().into_owned(), Record::of(bytes));
    manifest.write(directory)
}

impl Record {
    /// Of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, sha256: hexadecimal(&Sha256::digest(bytes)) }
    }

    /// Of a file, read through a small buffer.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn of_file(path: &Path) -> Result<Self> {
        let failed = |error| Error::io(path, "read", error);
        let mut file = std::fs::File::open(path).map_err(failed)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        let mut size = 0;
        loop {
            match file.read(&mut buffer).map_err(failed)? {
                0 => return Ok(Self { size, sha256: hexadecimal(&hash.finalize()) }),
                n => {
                    hash.update(&buffer[..n]);
                    size += n as u64;
                }
            }
        }
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}
