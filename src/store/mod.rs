//! Models on disk, in the binary and on the hub: finding, checking and fetching their files. Nothing is decoded here.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};

/// The bundled model's directory in `models/`.
pub const BUNDLED: &str = "pilot";

/// The bytes of one model file, wherever they lie, with a name for messages.
#[derive(Clone)]
pub struct Blob {
    bytes: Bytes,
    path: PathBuf,
}

#[derive(Clone)]
enum Bytes {
    Embedded(&'static [u8]),
    Mapped(Arc<memmap2::Mmap>),
}

/// The files of one model, all there, none yet parsed.
#[derive(Clone)]
pub struct ModelFiles {
    /// What the user calls it: `pilot`, a directory, `Helsinki-NLP/opus-mt-fr-en`.
    pub name: String,
    pub config: Blob,
    pub generation_config: Option<Blob>,
    /// `model.safetensors`, or `pytorch_model.bin` where there is nothing else.
    pub weights: Blob,
    pub source_spm: Blob,
    pub target_spm: Blob,
    pub vocab: Blob,
    /// `target_vocab.json` of models with separate vocabularies.
    pub target_vocab: Option<Blob>,
}

impl Blob {
    /// Bytes that are part of the program.
    pub const fn embedded(path: PathBuf, bytes: &'static [u8]) -> Self {
        Self { bytes: Bytes::Embedded(bytes), path }
    }

    /// Maps a file.
    ///
    /// # Errors
    /// Where it cannot be read, or is empty.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let file = std::fs::File::open(&path).map_err(|error| Error::io(&path, "open", error))?;
        // SAFETY: see the module's head.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|error| Error::io(&path, "read", error))?;
        Ok(Self { bytes: Bytes::Mapped(Arc::new(map)), path })
    }

    /// Where the bytes come from: a file, or a name in angle brackets for embedded ones.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the bytes are a file that can be opened by its path.
    pub fn is_file(&self) -> bool {
        matches!(self.bytes, Bytes::Mapped(_))
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Embedded(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}
