//! Models on disk, in the binary and on the hub: finding, checking and fetching their files. Nothing is decoded here.
//!
//! A model is named in one of three ways ([`ModelSpec`]): the bundled one, a directory, or `organisation/name` on the
//! Hugging Face hub. [`open`] gives its files, all there and of a plausible shape, and fetches them first if it has to.
//! What was fetched is pinned: its commit, and the size and SHA-256 of each file, stand in a [`manifest`] in the cache.

mod bundled;
mod cache;
mod directory;
#[cfg(feature = "hub")]
mod hub;
pub mod inventory;
pub mod known;
pub mod manifest;
mod save;
mod settings;

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};

pub use bundled::{BUNDLED, bundled};
pub use inventory::{list, path, show, verify};
pub use manifest::note;
pub use save::{check_place, save};
pub use settings::StoreSettings;

/// The bytes of one model file, wherever they lie, with a name for messages.
#[derive(Clone)]
pub struct Blob {
    bytes: Bytes,
    path: PathBuf,
}

#[derive(Clone)]
enum Bytes {
    Embedded(&'static [u8]),
    Read(Arc<[u8]>),
    Made(Arc<[u8]>),
    Mapped(Arc<memmap2::Mmap>),
}

/// The files of one model, all there, none yet parsed.
#[derive(Clone, Debug)]
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
    /// `shortlist.bin`, where one was made.
    pub shortlist: Option<Blob>,
    /// `dictionary.tsv`, where one was made.
    pub dictionary: Option<Blob>,
    /// `idioms.tsv`, where one was made.
    pub idioms: Option<Blob>,
}

/// Which model is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSpec {
    /// The one in the program.
    Bundled,
    /// A directory in the Hugging Face layout.
    Directory(PathBuf),
    /// A model on the hub; without a revision, the pinned or the known one.
    Hub {
        /// `organisation/name`.
        name: String,
        /// A branch, a tag, a pull request's `refs/pr/4` or a commit.
        revision: Option<String>,
    },
}

/// Hears how a download goes on.
pub trait PullProgress: Sync {
    /// Some files are about to come, this many bytes together.
    fn start(&self, _model: &str, _files: usize, _bytes: u64) {}

    /// `done` of the `total` bytes of one file are there. `false` gives the download up.
    fn advance(&self, _file: &str, _done: u64, _total: u64) -> bool {
        true
    }

    /// Nothing more comes, for better or worse.
    fn finish(&self) {}
}

/// Hears nothing, never stops.
impl PullProgress for () {}

impl ModelSpec {
    /// What a user typed after `--model`: `bundled` (or its name), a directory, or `organisation/name[@revision]`.
    ///
    /// # Errors
    /// `ErrorKind::Settings` where it is none of these.
    pub fn parse(text: &str) -> Result<Self> {
        if text == "bundled" || text == BUNDLED {
            return Ok(Self::Bundled);
        }
        let path = Path::new(text);
        let looks_like_path = path.is_absolute()
            || text.starts_with('.')
            || text.starts_with('~')
            || text.ends_with(['/', '\\'])
            || text.contains('\\');
        if looks_like_path || path.exists() {
            return Ok(Self::Directory(path.to_owned()));
        }
        let (name, revision) = match text.split_once('@') {
            Some((name, revision)) => (name, Some(revision)),
            None => (text, None),
        };
        if !known::is_model_name(name) || !revision.is_none_or(known::is_revision) {
            return Err(Error::settings(format!(
                "no model {text:?}: give a directory, a name like Helsinki-NLP/opus-mt-fr-en (with @revision if you \
                 like), or bundled"
            )));
        }
        Ok(Self::Hub { name: name.to_owned(), revision: revision.map(str::to_owned) })
    }
}

impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => f.write_str(BUNDLED),
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Hub { name, revision: None } => f.write_str(name),
            Self::Hub { name, revision: Some(revision) } => write!(f, "{name}@{revision}"),
        }
    }
}

/// The files of a model, fetched from the hub where they are not there yet and `settings` allow it.
///
/// # Errors
/// `ErrorKind::Model` where a file is missing, empty, cut off or of another kind; `ErrorKind::Hub` where fetching
/// failed or is not allowed; `ErrorKind::Settings` where this build lacks the bundled model or the hub.
pub fn open(spec: &ModelSpec, settings: &StoreSettings, progress: &dyn PullProgress) -> Result<ModelFiles> {
    match spec {
        ModelSpec::Bundled => bundled(),
        ModelSpec::Directory(path) => directory::open(path, path.display().to_string()),
        ModelSpec::Hub { name, revision } => {
            let snapshot = match cache::find(settings, name, revision.as_deref())? {
                Some(snapshot) => snapshot,
                None => fetch(name, revision.as_deref(), false, settings, progress).map_err(|e| not_here(name, e))?,
            };
            directory::open(&snapshot.directory, name.clone())
        }
    }
}

/// A name that is not known may be that of a directory, typed wrong.
fn not_here(name: &str, error: Error) -> Error {
    if error.kind() != crate::error::ErrorKind::Hub || known::find(name).is_some() {
        return error;
    }
    Error::new(error.kind(), format!("there is no directory {name} here; as a model of the hub: {error}"))
        .because(error)
}

/// Fetches a model of the hub into the cache, or makes sure that it is there whole; gives its directory.
/// `update` looks for a newer commit where one is pinned.
///
/// # Errors
/// As [`open`]; `ErrorKind::Settings` for models that are not on the hub.
pub fn pull(
    spec: &ModelSpec,
    update: bool,
    settings: &StoreSettings,
    progress: &dyn PullProgress,
) -> Result<cache::Snapshot> {
    match spec {
        ModelSpec::Hub { name, revision } => fetch(name, revision.as_deref(), update, settings, progress),
        _ => Err(Error::settings(format!("{spec} is no model of the hub; there is nothing to fetch"))),
    }
}

pub use cache::Snapshot;

fn fetch(
    name: &str,
    revision: Option<&str>,
    update: bool,
    settings: &StoreSettings,
    progress: &dyn PullProgress,
) -> Result<Snapshot> {
    if settings.offline {
        return Err(Error::new(
            crate::error::ErrorKind::Hub,
            format!(
                "{name} is not in {}, and fetching is switched off; run `fr2en models pull {name}` with a connection",
                settings.cache.display()
            ),
        ));
    }
    #[cfg(feature = "hub")]
    return hub::pull(name, revision, update, settings, progress);
    #[cfg(not(feature = "hub"))]
    {
        let _ = (revision, update, progress);
        Err(Error::settings(format!("{name} would have to be fetched, but this fr2en was built without the hub")))
    }
}

impl Blob {
    /// Bytes that are part of the program.
    pub const fn embedded(path: PathBuf, bytes: &'static [u8]) -> Self {
        Self { bytes: Bytes::Embedded(bytes), path }
    }

    /// Bytes that were made just now, and the name of the file that they would be.
    pub fn new(path: impl Into<PathBuf>, bytes: Vec<u8>) -> Self {
        Self { bytes: Bytes::Made(bytes.into()), path: path.into() }
    }

    /// Reads a file into memory.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let bytes = std::fs::read(&path).map_err(|error| Error::io(&path, "read", error))?;
        Ok(Self { bytes: Bytes::Read(bytes.into()), path })
    }

    /// Maps a file: its bytes come from disk as they are used.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn map(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let file = std::fs::File::open(&path).map_err(|error| Error::io(&path, "open", error))?;
        // SAFETY: the map is read only and private to this program; a model's weights are never written in place (the
        // cache replaces whole files), and whoever cuts them short while they are in use gets a bus error, no more.
        #[allow(unsafe_code, reason = "reading 300 MB into memory first would cost the quick start")]
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(|error| Error::io(&path, "map", error))?;
        Ok(Self { bytes: Bytes::Mapped(Arc::new(map)), path })
    }

    /// Lets go of the memory that a mapped file takes; what is read after that comes from the file once more.
    pub fn forget(&self) {
        #[cfg(unix)]
        if let Bytes::Mapped(map) = &self.bytes {
            // SAFETY: the map is read only and of a file, so that its pages can be had again, and are the same.
            #[allow(unsafe_code, reason = "weights that are packed need not be in memory twice")]
            let _ = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        }
    }

    /// Where the bytes come from: a file, or a name in angle brackets for embedded ones.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the bytes are part of the program.
    pub fn is_embedded(&self) -> bool {
        matches!(self.bytes, Bytes::Embedded(_))
    }

    /// Whether the bytes are a file that can be opened by its path.
    pub fn is_file(&self) -> bool {
        matches!(self.bytes, Bytes::Read(_) | Bytes::Mapped(_))
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Embedded(bytes) => bytes,
            Bytes::Read(bytes) | Bytes::Made(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} bytes)", self.path.display(), self.len())
    }
}

impl ModelFiles {
    /// The files there are, with their usual names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Blob)> {
        let weights =
            if self.weights.path().extension().is_some_and(|e| e == "bin") { "pytorch_model.bin" } else { WEIGHTS };
        [
            ("config.json", Some(&self.config)),
            ("generation_config.json", self.generation_config.as_ref()),
            (weights, Some(&self.weights)),
            ("source.spm", Some(&self.source_spm)),
            ("target.spm", Some(&self.target_spm)),
            ("vocab.json", Some(&self.vocab)),
            ("target_vocab.json", self.target_vocab.as_ref()),
            (SHORTLIST, self.shortlist.as_ref()),
            (DICTIONARY, self.dictionary.as_ref()),
            (IDIOMS, self.idioms.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, blob)| Some((name, blob?)))
    }
}

impl ModelFiles {
    /// A digest of everything that the model is: the same for the same files, wherever they lie.
    ///
    /// # Errors
    /// Where a file cannot be read any more.
    pub fn digest(&self) -> Result<String> {
        let mut records = manifest::Manifest::default();
        for (name, blob) in self.iter() {
            // A mapped file is read through a small buffer: its pages would count as this program's memory.
            let record =
                if blob.is_file() { manifest::Record::of_file(blob.path())? } else { manifest::Record::of(blob) };
            records.files.insert(name.to_owned(), record);
        }
        let text = serde_json::to_vec(&records.files).map_err(|e| Error::model("no digest").because(e))?;
        Ok(manifest::Record::of(&text).sha256)
    }
}

/// The weights' usual file name.
const WEIGHTS: &str = "model.safetensors";
/// The usual file name of a table of candidates.
pub const SHORTLIST: &str = "shortlist.bin";
/// The usual file name of a dictionary.
const DICTIONARY: &str = "dictionary.tsv";
/// The usual file name of a list of idioms.
const IDIOMS: &str = "idioms.tsv";

#[cfg(test)]
mod tests;
