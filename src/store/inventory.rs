//! What models there are, what they are, and whether their files are what they should be.

use std::path::PathBuf;

use crate::error::{Error, Result};

use super::cache::{self, Snapshot};
use super::known::{self, KNOWN};
use super::manifest::{Manifest, Record};
use super::{BUNDLED, ModelFiles, ModelSpec, StoreSettings, directory};

/// A model that there is, or could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What to give to `--model`.
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    pub place: Place,
    /// Of all files together, in bytes; 0 where it is not here.
    pub size: u64,
}

/// Where a listed model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the program.
    Bundled,
    /// In the cache, at this commit; `checked` where its checksums are noted.
    Cached { commit: String, checked: bool },
    /// On the hub only.
    Hub,
}

/// All models that can be named without knowing a path: the bundled one, the known ones, and what else in the cache
/// is a Marian model.
///
/// # Errors
/// Where the bundled files are damaged; a cache that cannot be read counts as empty.
pub fn list(settings: &StoreSettings) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    if let Ok(files) = super::bundled() {
        let about = "part of the program".into();
        listed.push(Listed { name: BUNDLED.into(), about, place: Place::Bundled, size: size(&files) });
    }
    let mut names = cache::names(settings);
    names.retain(|name| known::find(name).is_none());
    for name in KNOWN.iter().map(|known| known.name.to_owned()).chain(names) {
        let known = known::find(&name);
        let found = cache::find(settings, &name, None).ok().flatten();
        let files = found.as_ref().and_then(|snapshot| directory::open(&snapshot.directory, name.clone()).ok());
        let about = known.map_or_else(|| "in the cache".into(), |known| format!("{}; {}", known.about, known.licence));
        match (found, files) {
            (Some(Snapshot { commit, manifest, .. }), Some(files)) => {
                let place = Place::Cached { commit, checked: manifest.is_some() };
                listed.push(Listed { name, about, place, size: size(&files) });
            }
            // Something else than a Marian model, or a damaged one.
            _ if known.is_none() => {}
            _ => listed.push(Listed { name, about, place: Place::Hub, size: 0 }),
        }
    }
    Ok(listed)
}

fn size(files: &ModelFiles) -> u64 {
    files.iter().map(|(_, blob)| blob.len() as u64).sum()
}

/// What a model is.
#[derive(Clone, Debug)]
pub struct Shown {
    pub name: String,
    /// The directory, or none for the bundled model.
    pub directory: Option<PathBuf>,
    pub commit: Option<String>,
    /// Names and sizes in bytes.
    pub files: Vec<(String, u64)>,
    /// What `config.json` says of the network, in order: `d_model` and so on.
    pub network: Vec<(String, String)>,
    /// The model card, where there is one.
    pub card: Option<String>,
}

/// What a model that is here is. Nothing is fetched.
///
/// # Errors
/// As [`super::open`]; `ErrorKind::Hub` where it is not here.
pub fn show(spec: &ModelSpec, settings: &StoreSettings) -> Result<Shown> {
    let (files, snapshot) = local(spec, settings)?;
    let config: serde_json::Value = serde_json::from_slice(&files.config)
        .map_err(|error| Error::model(format!("not JSON: {error}")).at(files.config.path()).because(error))?;
    const NETWORK: [&str; 11] = [
        "d_model",
        "encoder_layers",
        "decoder_layers",
        "encoder_attention_heads",
        "encoder_ffn_dim",
        "activation_function",
        "vocab_size",
        "max_position_embeddings",
        "eos_token_id",
        "pad_token_id",
        "torch_dtype",
    ];
    let said = |key: &str| {
        let value = config.get(key)?;
        Some((key.to_owned(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    };
    let directory = snapshot.as_ref().map(|snapshot| snapshot.directory.clone());
    let card = match &directory {
        Some(directory) => std::fs::read_to_string(directory.join("README.md")).ok(),
        None => bundled_card(),
    };
    Ok(Shown {
        name: files.name.clone(),
        directory,
        commit: snapshot.map(|snapshot| snapshot.commit).filter(|commit| !commit.is_empty()),
        files: files.iter().map(|(name, blob)| (name.to_owned(), blob.len() as u64)).collect(),
        network: NETWORK.into_iter().filter_map(said).collect(),
        card,
    })
}

/// The outcome of checking one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    pub file: String,
    /// What it is; none where it is missing.
    pub found: Option<Record>,
    /// What it should be; none where no one noted it.
    pub expected: Option<Record>,
}

impl Checked {
    /// Whether the file is there, and what it should be as far as anyone knows.
    pub fn is_good(&self) -> bool {
        self.found.is_some() && (self.expected.is_none() || self.found == self.expected)
    }
}

/// Reads every file of a model that is here and holds it against its noted checksum. Nothing is fetched.
///
/// # Errors
/// As [`show`]; a wrong checksum is no error but an outcome.
pub fn verify(spec: &ModelSpec, settings: &StoreSettings) -> Result<Vec<Checked>> {
    if *spec == ModelSpec::Bundled {
        let files = super::bundled()?;
        let manifest = bundled_manifest()?;
        let check = |(name, record): (&String, &Record)| {
            let blob = files.iter().find(|(file, _)| file == name);
            Checked {
                file: name.clone(),
                found: blob.map(|(_, blob)| Record::of(blob)),
                expected: Some(record.clone()),
            }
        };
        return Ok(manifest.files.iter().map(check).collect());
    }
    let snapshot = place(spec, settings)?;
    let mut files: Vec<String> = match &snapshot.manifest {
        Some(manifest) => manifest.files.keys().cloned().collect(),
        None => Vec::new(),
    };
    if files.is_empty() {
        let model = directory::open(&snapshot.directory, spec.to_string())?;
        files = model.iter().map(|(name, _)| name.to_owned()).collect();
    }
    files
        .into_iter()
        .map(|file| {
            let path = snapshot.directory.join(&file);
            let found = if path.exists() { Some(Record::of_file(&path)?) } else { None };
            let expected = snapshot.manifest.as_ref().and_then(|manifest| manifest.files.get(&file).cloned());
            Ok(Checked { file, found, expected })
        })
        .collect()
}

/// The directory of a model that is here. Nothing is fetched.
///
/// # Errors
/// As [`show`]; `ErrorKind::Settings` for the bundled model, which is in no directory.
pub fn path(spec: &ModelSpec, settings: &StoreSettings) -> Result<PathBuf> {
    if *spec == ModelSpec::Bundled {
        return Err(Error::settings("the bundled model is part of the program; it has no directory"));
    }
    Ok(place(spec, settings)?.directory)
}

/// Where a model that is no part of the program lies; a directory counts as a snapshot without a commit.
fn place(spec: &ModelSpec, settings: &StoreSettings) -> Result<Snapshot> {
    match spec {
        ModelSpec::Directory(path) => {
            Ok(Snapshot { directory: path.clone(), commit: String::new(), manifest: Manifest::of_directory(path)? })
        }
        ModelSpec::Hub { name, revision } => cache::locate(settings, name, revision.as_deref())?.ok_or_else(|| {
            let cache = settings.cache.display();
            let message = format!("{spec} is not in {cache}; run `fr2en models pull {spec}`");
            Error::new(crate::error::ErrorKind::Hub, message)
        }),
        ModelSpec::Bundled => Err(Error::settings("the bundled model is part of the program")),
    }
}

fn local(spec: &ModelSpec, settings: &StoreSettings) -> Result<(ModelFiles, Option<Snapshot>)> {
    if *spec == ModelSpec::Bundled {
        return Ok((super::bundled()?, None));
    }
    let snapshot = place(spec, settings)?;
    Ok((directory::open(&snapshot.directory, spec.to_string())?, Some(snapshot)))
}

#[cfg(feature = "bundled")]
fn bundled_manifest() -> Result<Manifest> {
    Manifest::parse(super::bundled::manifest())
}

#[cfg(not(feature = "bundled"))]
fn bundled_manifest() -> Result<Manifest> {
    super::bundled().map(|_| Manifest::default())
}

fn bundled_card() -> Option<String> {
    #[cfg(feature = "bundled")]
    return Some(super::bundled::card().to_owned());
    #[cfg(not(feature = "bundled"))]
    None
}
