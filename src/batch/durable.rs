//! Files that are whole or not there, also after the power has failed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Where an output is written until it is whole. The name is always the same, so that what a crash left behind is
/// written over by the next run.
pub fn part(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".fr2en-part");
    target.with_file_name(name)
}

/// Writes a file under its [`part`] name, to the disk itself, and gives it its name then. The directory has to be synced
/// before the file can be relied on.
///
/// # Errors
/// When it cannot be written; the old file stays then.
pub fn write(target: &Path, bytes: &[u8]) -> Result<()> {
    let part = part(target);
    let mut file = create(&part)?;
    if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_data()) {
        // Where the disk is full, half a file helps no one.
        let _ = fs::remove_file(&part);
        return Err(Error::io(target, "write", error));
    }
    rename(&part, target)
}

/// Makes an empty file, and its directory where it is missing.
///
/// # Errors
/// When it cannot be made.
pub fn create(path: &Path) -> Result<File> {
    create_parent(path)?;
    File::create(path).map_err(|e| Error::io(path, "create", e))
}

/// Makes the directory of a file where it is missing.
///
/// # Errors
/// When it cannot be made.
pub fn create_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(directory) => fs::create_dir_all(directory).map_err(|e| Error::io(directory, "create", e)),
        None => Ok(()),
    }
}

/// # Errors
/// When it cannot be renamed.
pub fn rename(part: &Path, target: &Path) -> Result<()> {
    fs::rename(part, target).map_err(|e| Error::io(target, "write", e))
}

/// Makes sure that the name of a file is on disk, not only what is in it.
///
/// # Errors
/// When the directory cannot be synced.
pub fn sync_directory(file: &Path) -> Result<()> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Other systems than Unix cannot open a directory, and keep names safe by themselves.
    if cfg!(unix) {
        File::open(parent).and_then(|directory| directory.sync_all()).map_err(|e| Error::io(parent, "write", e))?;
    }
    Ok(())
}
