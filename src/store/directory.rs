//! A model in a directory: its files found, and refused in one line where they cannot be what they should be.

use std::io::{ErrorKind as IoKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};

use super::{Blob, DICTIONARY, IDIOMS, ModelFiles, SHORTLIST, WEIGHTS};

const LAYOUT: &str = "config.json, vocab.json, source.spm, target.spm and model.safetensors (or pytorch_model.bin)";
const MIB: u64 = 1 << 20;

/// Opens the model in a directory.
///
/// # Errors
/// `ErrorKind::Model` naming the first file that is missing, empty, cut off, far too large or of another kind.
pub fn open(directory: &Path, name: String) -> Result<ModelFiles> {
    match std::fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            let message = format!("not a directory; --model takes one with {LAYOUT}");
            return Err(Error::model(message).at(directory));
        }
        Err(error) if error.kind() == IoKind::NotFound => {
            let message = "no such directory; name one with a model in it, or a model on the hub (organisation/name)";
            return Err(Error::model(message).at(directory));
        }
        Err(error) => return Err(Error::io(directory, "read", error)),
    }
    let read = |file: &str, most: u64| -> Result<Option<Blob>> {
        let path = directory.join(file);
        if check_file(&path, most)?.is_none() {
            return Ok(None);
        }
        let blob = Blob::read(path)?;
        refuse_pointer(&blob, blob.path())?;
        Ok(Some(blob))
    };
    let need = |file: &str, most: u64| {
        read(file, most)?.ok_or_else(|| Error::model(format!("missing; a model has {LAYOUT}")).at(directory.join(file)))
    };
    let config = need("config.json", MIB)?;
    check_config(&config)?;
    Ok(ModelFiles {
        name,
        generation_config: read("generation_config.json", MIB)?,
        source_spm: need("source.spm", 64 * MIB)?,
        target_spm: need("target.spm", 64 * MIB)?,
        vocab: need("vocab.json", 64 * MIB)?,
        target_vocab: read("target_vocab.json", 64 * MIB)?,
        shortlist: read(SHORTLIST, 64 * MIB)?,
        dictionary: read(DICTIONARY, 64 * MIB)?,
        idioms: read(IDIOMS, 16 * MIB)?,
        weights: open_weights(directory)?,
        config,
    })
}

/// The size of a file; `None` where there is none.
fn check_file(path: &Path, most: u64) -> Result<Option<u64>> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == IoKind::NotFound => {
            // A link into a cache that was cleaned up is no missing optional file.
            return match std::fs::symlink_metadata(path) {
                Ok(_) => Err(Error::model("a link to nothing; fetch the file again").at(path)),
                Err(_) => Ok(None),
            };
        }
        Err(error) => return Err(Error::io(path, "read", error)),
    };
    let refuse = |message: String| Err(Error::model(message).at(path));
    match metadata.len() {
        _ if !metadata.is_file() => refuse("not a file".into()),
        0 => refuse("empty; fetch the file again".into()),
        size if size > most => refuse(format!("{} MiB are too many for this file; is it another one?", size / MIB)),
        size => Ok(Some(size)),
    }
}

/// A clone without Git LFS has small text files in place of large ones.
fn refuse_pointer(head: &[u8], path: &Path) -> Result<()> {
    if head.starts_with(b"version https://git-lfs") {
        return Err(Error::model("only a Git LFS pointer to the file; run `git lfs pull` in its directory").at(path));
    }
    Ok(())
}

fn check_config(config: &Blob) -> Result<()> {
    let value: serde_json::Value = serde_json::from_slice(config)
        .map_err(|error| Error::model(format!("not JSON: {error}")).at(config.path()).because(error))?;
    match value.get("model_type").and_then(|kind| kind.as_str()) {
        Some("marian") => Ok(()),
        Some(other) => Err(Error::model(format!("model_type is {other:?}, but fr2en runs only marian models"))),
        None => Err(Error::model("no model_type in it, which should say marian")),
    }
    .map_err(|error| error.at(config.path()))
}

fn open_weights(directory: &Path) -> Result<Blob> {
    const MOST: u64 = 64 << 30;
    let path = directory.join(WEIGHTS);
    if check_file(&path, MOST)?.is_some() {
        let blob = Blob::map(path)?;
        check_safetensors(&blob).map_err(|error| error.at(blob.path()))?;
        return Ok(blob);
    }
    let torch = directory.join("pytorch_model.bin");
    if check_file(&torch, MOST)?.is_some() {
        check_torch(&torch)?;
        return Blob::map(torch);
    }
    Err(Error::model(format!("missing, and so is pytorch_model.bin; a model has {LAYOUT}")).at(path))
}

/// Whether the header is whole and the file as long as it says.
fn check_safetensors(blob: &Blob) -> Result<()> {
    refuse_pointer(blob, blob.path())?;
    let broken = |why: &str| Error::model(format!("not a safetensors file, or damaged: {why}; fetch the file again"));
    let (length, rest) = blob.split_first_chunk::<8>().ok_or_else(|| broken("it has less than 8 bytes"))?;
    let length = u64::from_le_bytes(*length);
    if length > 100 << 20 {
        return Err(broken("its header cannot be so long as its first 8 bytes say"));
    }
    let cut = |whole: u64| {
        let there = blob.len();
        Error::model(format!("cut off: {there} of {whole} bytes are there; fetch the file again"))
    };
    let header = rest.get(..length as usize).ok_or_else(|| cut(8 + length))?;
    let header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(header).map_err(|error| broken(&format!("its header: {error}")).because(error))?;
    let mut end = 0;
    for (name, tensor) in header.iter().filter(|(name, _)| *name != "__metadata__") {
        let offset = tensor.get("data_offsets").and_then(|offsets| offsets.get(1)).and_then(|end| end.as_u64());
        end = end.max(offset.ok_or_else(|| broken(&format!("its header does not say where `{name}` ends")))?);
    }
    let whole = (8 + length).saturating_add(end);
    match (blob.len() as u64).cmp(&whole) {
        std::cmp::Ordering::Less => Err(cut(whole)),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(broken(&format!("{} bytes, and {whole} by its header", blob.len()))),
    }
}

/// Whether the file begins and ends as a zip archive does.
fn check_torch(path: &Path) -> Result<()> {
    let failed = |error| Error::io(path, "read", error);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut head = [0; 24];
    let n = file.read(&mut head).map_err(failed)?;
    refuse_pointer(&head[..n], path)?;
    if !head.starts_with(b"PK\x03\x04") {
        let message = "not a PyTorch file that fr2en can read (older than PyTorch 1.6?); convert it to safetensors";
        return Err(Error::model(message).at(path));
    }
    let size = file.metadata().map_err(failed)?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(66_000))).map_err(failed)?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).map_err(failed)?;
    if !tail.windows(4).any(|bytes| bytes == b"PK\x05\x06") {
        return Err(Error::model("cut off: the end of the archive is missing; fetch the file again").at(path));
    }
    Ok(())
}
