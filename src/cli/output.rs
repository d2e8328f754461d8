//! Writes a file whole or not at all.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file that is being written: a temporary one beside it, which takes its name at the end. What is not a plain file
/// (a terminal, a pipe, /dev/null) is written as it is.
pub struct Pending {
    sink: Sink,
    /// The name it was given, and where that leads.
    path: PathBuf,
    real: PathBuf,
}

enum Sink {
    Temporary(tempfile::NamedTempFile),
    Direct(fs::File),
}

impl Pending {
    /// # Errors
    /// When the directory is missing or not writable.
    pub fn create(path: &Path) -> Result<Self> {
        let fail = |e| Error::io(path, "write", e);
        // A link keeps pointing where it points.
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if fs::metadata(&real).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
            let file = fs::OpenOptions::new().write(true).open(&real).map_err(fail)?;
            return Ok(Self { sink: Sink::Direct(file), path: path.to_owned(), real });
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".fr2en-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&real).map_or(0o666, |m| m.permissions().mode() & 0o777);
            builder.permissions(fs::Permissions::from_mode(mode));
        }
        let file = builder.tempfile_in(parent(&real)).map_err(fail)?;
        Ok(Self { sink: Sink::Temporary(file), path: path.to_owned(), real })
    }

    /// Adds to it.
    ///
    /// # Errors
    /// When the disk is full; nothing is left behind then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.sink {
            Sink::Temporary(file) => file.write_all(bytes),
            Sink::Direct(file) => file.write_all(bytes),
        };
        written.map_err(|e| Error::io(&self.path, "write", e))
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// As [`Pending::write`].
    pub fn finish(self) -> Result<()> {
        let fail = |e| Error::io(&self.path, "write", e);
        if let Sink::Temporary(file) = self.sink {
            file.as_file().sync_all().map_err(fail)?;
            file.persist(&self.real).map_err(|e| fail(e.error))?;
        }
        Ok(())
    }
}

/// Writes `bytes` to `path`, as [`Pending`] does.
///
/// # Errors
/// When the directory is missing or not writable, or the disk is full; nothing is left behind then.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    let mut file = Pending::create(path)?;
    file.write(bytes.as_ref())?;
    file.finish()
}

/// Finds out before any work is done that `path` cannot be written.
///
/// # Errors
/// When it is a directory, is read-only, or its directory is missing or cannot be written.
pub fn check(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {
            return Err(Error::settings("is a directory; name a file, or use --out-dir").at(path));
        }
        Ok(meta) if meta.permissions().readonly() => return Err(Error::settings("is read-only").at(path)),
        Ok(meta) if !meta.is_file() => return Ok(()),
        _ => {}
    }
    let parent = parent(path);
    match fs::metadata(&parent) {
        Ok(meta) if meta.is_dir() => {}
        Ok(_) => return Err(Error::settings("is not a directory").at(parent)),
        Err(_) => return Err(Error::settings("no such directory; create it first").at(parent)),
    }
    tempfile::Builder::new().prefix(".fr2en-").tempfile_in(&parent).map_err(|e| Error::io(path, "write", e))?;
    Ok(())
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = dir.path().join("no/such/file.txt");
        assert!(write(&missing, "text").is_err());
        assert!(check(&missing).is_err());
        assert!(check(dir.path()).is_err());
        let path = dir.path().join("out.txt");
        write(&path, "one").expect("written");
        write(&path, "two").expect("written again");
        assert_eq!(fs::read_to_string(&path).expect("there"), "two");
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
    }
}
