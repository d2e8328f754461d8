//! The Hugging Face cache: what lies in it, found without any connection.
//!
//! `models--organisation--name/` holds `blobs/`, `refs/NAME` (a commit each) and `snapshots/COMMIT/FILE` (links into
//! `blobs/`). fr2en adds one file, `fr2en.json`: which commit each revision is pinned to, and a manifest for each commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

use super::manifest::Manifest;
use super::{StoreSettings, WEIGHTS, known};

/// A model in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub directory: PathBuf,
    pub commit: String,
    /// What its files must be, if fr2en fetched or checked them.
    pub manifest: Option<Manifest>,
}

/// What fr2en knows of one model of the cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pins {
    /// Commits by the revision that was asked for; the empty one stands for none.
    pub revisions: BTreeMap<String, String>,
    /// Manifests by commit.
    pub commits: BTreeMap<String, Manifest>,
}

const PINS: &str = "fr2en.json";
/// The files that a model cannot do without, its weights aside.
pub const NEEDED: [&str; 4] = ["config.json", "source.spm", "target.spm", "vocab.json"];
#[cfg(feature = "hub")]
/// Files that are fetched where there are some.
pub const OPTIONAL: [&str; 4] = ["generation_config.json", "target_vocab.json", "tokenizer_config.json", "README.md"];

/// The cache's directory of one model.
pub fn folder(settings: &StoreSettings, name: &str) -> PathBuf {
    settings.cache.join(format!("models--{}", name.replace('/', "--")))
}

/// A model in the cache, whole as far as sizes tell; `None` where it is not, or only in parts.
///
/// # Errors
/// Where fr2en's own record cannot be read.
pub fn find(settings: &StoreSettings, name: &str, revision: Option<&str>) -> Result<Option<Snapshot>> {
    Ok(locate(settings, name, revision)?.filter(is_whole))
}

/// A model of which the cache has at least a part.
///
/// # Errors
/// As [`find`].
pub fn locate(settings: &StoreSettings, name: &str, revision: Option<&str>) -> Result<Option<Snapshot>> {
    let folder = folder(settings, name);
    let pins = Pins::read(&folder)?;
    let commit = commit(&folder, &pins, name, revision);
    Ok(commit.map(|commit| snapshot(&folder, &pins, &commit)).filter(|snapshot| snapshot.directory.is_dir()))
}

fn is_whole(snapshot: &Snapshot) -> bool {
    let size = |file: &str| std::fs::metadata(snapshot.directory.join(file)).ok().map(|metadata| metadata.len());
    match &snapshot.manifest {
        Some(manifest) => manifest.files.iter().all(|(file, record)| size(file) == Some(record.size)),
        None => {
            let there = |file: &str| size(file).is_some_and(|size| size > 0);
            NEEDED.iter().all(|file| there(file)) && (there(WEIGHTS) || there("pytorch_model.bin"))
        }
    }
}

/// Where a commit lies, or will lie.
pub fn snapshot(folder: &Path, pins: &Pins, commit: &str) -> Snapshot {
    Snapshot {
        directory: folder.join("snapshots").join(commit),
        commit: commit.to_owned(),
        manifest: pins.commits.get(commit).cloned(),
    }
}

/// The commit that a revision means here: pinned by fr2en, or noted in the cache by whatever fetched it.
fn commit(folder: &Path, pins: &Pins, name: &str, revision: Option<&str>) -> Option<String> {
    if let Some(revision) = revision.filter(|revision| known::is_commit(revision)) {
        return Some(revision.to_owned());
    }
    if let Some(commit) = pins.pinned(revision) {
        return Some(commit.to_owned());
    }
    let noted = |revision: &str| {
        let commit = std::fs::read_to_string(folder.join("refs").join(revision)).ok()?;
        Some(commit.trim().to_owned()).filter(|commit| known::is_commit(commit))
    };
    match revision {
        Some(revision) => noted(revision),
        None => known::revisions(name).iter().find_map(|revision| noted(revision)),
    }
}

/// The names of all models in the cache.
pub fn names(settings: &StoreSettings) -> Vec<String> {
    let entries = std::fs::read_dir(&settings.cache).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_prefix("models--")?.replacen("--", "/", 1)))
        .filter(|name| known::is_model_name(name))
        .collect();
    names.sort_unstable();
    names
}

impl Pins {
    /// What fr2en noted of a model; nothing where it never saw it.
    ///
    /// # Errors
    /// Where the note cannot be read or makes no sense.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(PINS);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::io(path, "read", error)),
        };
        let pins: Self = serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("damaged ({error}); delete it and run `fr2en models pull`");
            Error::model(message).at(&path).because(error)
        })?;
        // Commits and file names become paths.
        let safe = pins.revisions.values().chain(pins.commits.keys()).all(|commit| known::is_commit(commit))
            && pins.commits.values().flat_map(|manifest| manifest.files.keys()).all(|file| !file.contains(['/', '\\']));
        if !safe {
            return Err(Error::model("damaged; delete it and run `fr2en models pull`").at(path));
        }
        Ok(pins)
    }

    #[cfg(feature = "hub")]
    /// Notes it, all or nothing.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        use std::io::Write;
        let path = folder.join(PINS);
        let text = serde_json::to_vec_pretty(self).expect("maps with text keys are JSON");
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&text)?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| Error::io(&path, "write", error))
    }

    /// The commit that a revision, or none, is pinned to.
    pub fn pinned(&self, revision: Option<&str>) -> Option<&str> {
        self.revisions.get(revision.unwrap_or_default()).map(String::as_str)
    }
}
