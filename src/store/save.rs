//! Writing a model into a directory of its own, whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::ModelFiles;
use super::manifest::{Manifest, Record};
use crate::error::{Error, Result};

/// Writes the files of a model to `directory`, with its model card, if it has one, and a manifest. The directory is made, or
/// is there and empty: the files are written beside it first.
///
/// # Errors
/// `ErrorKind::Settings` where there is something at that place already; `ErrorKind::Io` where it cannot be written.
pub fn save(files: &ModelFiles, card: Option<&str>, directory: &Path) -> Result<()> {
    check_place(directory)?;
    let failed = |error| Error::io(directory, "write", error);
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fr2en-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let beside = builder.tempdir_in(parent).map_err(|error| Error::io(parent, "write", error))?;
    let mut records = BTreeMap::new();
    for (name, blob) in files.iter() {
        fs::write(beside.path().join(name), &blob[..]).map_err(failed)?;
        records.insert(name.to_owned(), Record::of(blob));
    }
    if let Some(card) = card {
        fs::write(beside.path().join("README.md"), card).map_err(failed)?;
    }
    let name = directory.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Manifest { name, files: records }.write(beside.path())?;
    if directory.exists() {
        fs::remove_dir(directory).map_err(failed)?;
    }
    fs::rename(beside.path(), directory).map_err(failed)?;
    // It has moved: there is nothing to clean up.
    let _ = beside.keep();
    Ok(())
}

/// Finds out before any work is done that nothing would be overwritten.
///
/// # Errors
/// As [`save`].
pub fn check_place(directory: &Path) -> Result<()> {
    let taken = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    match taken {
        true => Err(Error::settings("there is something here already; name a new directory").at(directory)),
        false => Ok(()),
    }
}
