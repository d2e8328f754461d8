//! ZIP archives of documents. What is not translated is copied as it was compressed; what is read is held to limits, so
//! that a small file cannot fill the memory.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::{Error, Result};

/// The most bytes of one entry, and of all that are read.
const MOST: u64 = 128 << 20;
const MOST_TOGETHER: u64 = 512 << 20;
/// How many times its compressed size an entry may have, past [`SMALL`] bytes.
const RATIO: u64 = 200;
const SMALL: u64 = 4 << 20;
const MOST_ENTRIES: usize = 65_536;

/// An archive in memory.
pub(super) struct Archive {
    zip: ZipArchive<Cursor<Arc<[u8]>>>,
    /// Bytes that were read so far.
    read: u64,
}

impl Archive {
    /// # Errors
    /// When the bytes are no ZIP archive, a broken one, or one that is encrypted.
    pub fn open(bytes: Vec<u8>) -> Result<Self> {
        if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            return Err(Error::input(
                "is an old Office document or one with a password; save it without a password as .docx or .odt",
            ));
        }
        if !bytes.starts_with(b"PK") {
            return Err(Error::input("is not a ZIP archive, which documents of this format are"));
        }
        let zip = ZipArchive::new(Cursor::new(bytes.into())).map_err(|e| broken(&e))?;
        if zip.len() > MOST_ENTRIES {
            return Err(Error::input(format!("holds {} files, more than a document has", zip.len())));
        }
        Ok(Self { zip, read: 0 })
    }

    /// The archive, for reading it again.
    pub fn again(&self) -> Self {
        Self { zip: self.zip.clone(), read: 0 }
    }

    /// Whether there is an entry of this name.
    pub fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The first folder, with its `/`, that holds an entry of this name; some writers pack a document with the folder it lay in.
    pub fn folder_of(&self, name: &str) -> Option<String> {
        let folder = |entry: &str| {
            let folder = entry.strip_suffix(name)?;
            (folder.is_empty() || folder.ends_with('/')).then(|| folder.to_owned())
        };
        self.zip.file_names().find_map(|entry| folder(&entry.ok()?))
    }

    /// The text of an entry; `None` where there is none of this name.
    ///
    /// # Errors
    /// When it is too large, encrypted, broken, or not UTF-8.
    pub fn text(&mut self, name: &str) -> Result<Option<String>> {
        let Some(index) = self.zip.index_for_name(name) else { return Ok(None) };
        let wrong = |why: &str| Error::input(format!("{name} in it {why}"));
        let entry = self.zip.by_index(index).map_err(|e| match e {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
                wrong("is encrypted; save it without a password")
            }
            e => wrong(&format!("cannot be read: {e}")),
        })?;
        let most = MOST.min(MOST_TOGETHER.saturating_sub(self.read)).min(SMALL.max(entry.compressed_size() * RATIO));
        let mut bytes = Vec::new();
        // The size that the archive states is not to be trusted.
        entry.take(most + 1).read_to_end(&mut bytes).map_err(|e| wrong(&format!("cannot be read: {e}")))?;
        self.read += bytes.len() as u64;
        if bytes.len() as u64 > most {
            return Err(wrong(&format!("is larger than {most} bytes, which no document needs")));
        }
        let text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            wrong(&format!("is not UTF-8 at byte {at}"))
        })?;
        Ok(Some(text))
    }

    /// The archive with new texts in the entries named; all others are copied as they are.
    ///
    /// # Errors
    /// When an entry cannot be copied.
    pub fn with(&self, texts: &BTreeMap<&str, String>) -> Result<Vec<u8>> {
        let mut zip = self.zip.clone();
        let comment: Box<[u8]> = zip.comment().into();
        let mut out = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(|e| broken(&e))?;
            let name = entry.name().map_err(|e| broken(&e))?.into_owned();
            let Some(text) = texts.get(name.as_str()) else {
                out.raw_copy_file(entry).map_err(|e| broken(&e))?;
                continue;
            };
            let stored = entry.compression() == CompressionMethod::Stored;
            let method = if stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
            let options = entry.options().compression_method(method);
            out.start_file(name, options).map_err(|e| broken(&e))?;
            out.write_all(text.as_bytes()).map_err(|e| broken(&ZipError::Io(e)))?;
        }
        out.set_raw_comment(comment).map_err(|e| broken(&e))?;
        Ok(out.finish().map_err(|e| broken(&e))?.into_inner())
    }

    /// The archive's own bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.zip.clone().into_inner().into_inner().to_vec()
    }
}

fn broken(error: &ZipError) -> Error {
    Error::input(format!("is a broken archive: {error}"))
}
