//! Where output goes, and files that are written whole or not at all.

use std::collections::HashMap;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Where an output leads once links are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard output, whatever it is called: `-`, `/dev/stdout`, a link to one of them, the file that it goes to.
    Stdout,
    /// Something that is no file of its own (a terminal, a pipe, another open descriptor): it is written as it is.
    Direct(PathBuf),
    /// A plain file, or the name of one to be made.
    File(PathBuf),
}

/// More links than this lead nowhere, as the system counts them.
const MOST_LINKS: usize = 40;

impl Place {
    /// # Errors
    /// When links lead round in a circle.
    pub fn of(path: &Path) -> Result<Self> {
        if path == Path::new("-") || is_stdout(path) {
            return Ok(Self::Stdout);
        }
        // Link by link: the last one may lead to a file that is to be made, and the name of a descriptor leads to a file
        // that others write as well.
        let mut real = path.to_owned();
        for _ in 0..MOST_LINKS {
            if is_descriptor(&real) {
                return Ok(Self::Direct(real));
            }
            match fs::read_link(&real) {
                Ok(to) => real = parent(&real).join(to),
                Err(_) if fs::metadata(&real).is_ok_and(|m| !m.is_file() && !m.is_dir()) => {
                    return Ok(Self::Direct(real));
                }
                Err(_) => return Ok(Self::File(real)),
            }
        }
        Err(Error::settings("is a link that leads nowhere").at(path))
    }
}

/// Whether this is the very file, pipe or terminal that standard output is.
#[cfg(unix)]
fn is_stdout(path: &Path) -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let stdout = io::stdout();
    let open = stdout.as_fd().try_clone_to_owned().and_then(|fd| fs::File::from(fd).metadata());
    let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    // To write to /dev/null is to write to nothing in particular.
    let is_own = |m: &fs::Metadata| !m.file_type().is_char_device() || stdout.is_terminal();
    open.is_ok_and(|open| is_own(&open) && fs::metadata(path).is_ok_and(|there| same(&open, &there)))
}

#[cfg(not(unix))]
fn is_stdout(_: &Path) -> bool {
    false
}

/// Whether this names an open descriptor of this process.
fn is_descriptor(path: &Path) -> bool {
    let here = |path: &Path| fs::canonicalize(path).ok();
    here(Path::new("/dev/fd")).is_some_and(|descriptors| here(&parent(path)) == Some(descriptors))
}

/// The plain file that an output leads to, for work that comes back to what it has written. `option` names it in messages.
///
/// # Errors
/// When it is no plain file.
pub fn plain(option: &str, path: &Path) -> Result<PathBuf> {
    match Place::of(path)? {
        Place::File(real) => Ok(real),
        _ => Err(Error::settings(format!("is no plain file, which {option} needs; name another")).at(path)),
    }
}

/// Something that is read or written, and what it is to the user: `--report`.
pub type Named<'a> = (&'a str, &'a Path);

/// Refuses to write where something else is read or written.
///
/// # Errors
/// [`crate::error::ErrorKind::Settings`] naming both.
pub fn distinct(read: &[Named<'_>], written: &[Named<'_>]) -> Result<()> {
    let mut taken: HashMap<Option<PathBuf>, Named<'_>> = HashMap::new();
    for &(what, path) in read {
        // Standard input is no file, and what is not there is told of when it is read.
        if path != Path::new("-")
            && let Ok(real) = fs::canonicalize(path)
        {
            taken.entry(Some(real)).or_insert((what, path));
        }
    }
    for &(what, path) in written {
        let real = match Place::of(path)? {
            Place::Stdout => None,
            Place::Direct(_) => continue,
            Place::File(real) => {
                let made = || Some(fs::canonicalize(parent(&real)).ok()?.join(real.file_name()?));
                Some(fs::canonicalize(&real).ok().or_else(made).unwrap_or(real))
            }
        };
        if let Some((other, there)) = taken.insert(real, (what, path)) {
            let there = there.display();
            let message = format!("{what} would be written over {other} {there}; name another file for one of them");
            return Err(Error::settings(message).at(path));
        }
    }
    Ok(())
}

/// A file that is being written: a temporary one beside it, which takes its name at the end. What is not a plain file is
/// written as it is.
pub struct Pending {
    sink: Sink,
    /// The name it was given.
    path: PathBuf,
}

enum Sink {
    /// And where that leads.
    Temporary(tempfile::NamedTempFile, PathBuf),
    Direct(fs::File),
    Stdout,
}

impl Pending {
    /// # Errors
    /// When the directory is missing or not writable.
    pub fn create(path: &Path) -> Result<Self> {
        let fail = |e| Error::io(path, "write", e);
        let sink = match Place::of(path)? {
            Place::Stdout => Sink::Stdout,
            // At its end: what others wrote to the same file stays.
            Place::Direct(real) => Sink::Direct(fs::OpenOptions::new().append(true).open(real).map_err(fail)?),
            Place::File(real) => {
                let mut builder = tempfile::Builder::new();
                builder.prefix(".fr2en-").suffix(".part");
                #[cfg(unix)]
                {
                    use std::os::unix::fs::PermissionsExt;
                    let mode = fs::metadata(&real).map_or(0o666, |m| m.permissions().mode() & 0o777);
                    builder.permissions(fs::Permissions::from_mode(mode));
                }
                Sink::Temporary(builder.tempfile_in(parent(&real)).map_err(fail)?, real)
            }
        };
        Ok(Self { sink, path: path.to_owned() })
    }

    /// Adds to it.
    ///
    /// # Errors
    /// When the disk is full; nothing is left behind then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = match &mut self.sink {
            Sink::Temporary(file, _) => file.write_all(bytes),
            Sink::Direct(file) => file.write_all(bytes),
            Sink::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
        };
        written.map_err(|e| Error::io(&self.path, "write", e))
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// As [`Pending::write`].
    pub fn finish(self) -> Result<()> {
        let fail = |e| Error::io(&self.path, "write", e);
        if let Sink::Temporary(file, real) = self.sink {
            file.as_file().sync_all().map_err(fail)?;
            file.persist(&real).map_err(|e| fail(e.error))?;
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
    let place = Place::of(path)?;
    let (Place::Direct(real) | Place::File(real)) = &place else { return Ok(()) };
    match fs::metadata(real) {
        Ok(meta) if meta.is_dir() => {
            return Err(Error::settings("is a directory; name a file, or use --out-dir").at(path));
        }
        Ok(meta) if meta.permissions().readonly() => return Err(Error::settings("is read-only").at(path)),
        _ if matches!(place, Place::Direct(_)) => return Ok(()),
        _ => {}
    }
    let parent = parent(real);
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

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_what_is_no_plain_file_is_written_as_it_is() {
        use std::os::fd::AsRawFd;
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        symlink("b", at("a")).expect("linked");
        symlink("made.txt", at("b")).expect("linked");
        check(&at("a")).expect("can be made");
        write(&at("a"), "one").expect("written");
        assert!(at("a").is_symlink() && at("b").is_symlink());
        assert_eq!(fs::read_to_string(at("made.txt")).expect("made"), "one");
        symlink("round", at("round")).expect("linked");
        assert!(check(&at("round")).is_err() && write(&at("round"), "x").is_err() && at("round").is_symlink());

        // What was written to the file before stays.
        let mut open = fs::File::create(at("log")).expect("made");
        open.write_all(b"head ").expect("written");
        symlink(format!("/dev/fd/{}", open.as_raw_fd()), at("fd")).expect("linked");
        assert!(matches!(Place::of(&at("fd")), Ok(Place::Direct(_))));
        assert!(plain("--memory", &at("fd")).is_err() && check(&at("fd")).is_ok());
        write(&at("fd"), "body").expect("written");
        assert!(at("fd").is_symlink());
        assert_eq!(fs::read_to_string(at("log")).expect("there"), "head body");
        assert!(matches!(Place::of(Path::new("-")), Ok(Place::Stdout)));
    }

    #[test]
    fn nothing_is_written_over_what_is_read_or_written_as_well() {
        let dir = tempfile::tempdir().expect("a directory");
        let (a, new, other) = (dir.path().join("a.txt"), dir.path().join("new"), dir.path().join("./new"));
        fs::write(&a, "Bonjour.").expect("written");
        let two = |read: &Path, written: &[Named<'_>]| distinct(&[("the input", read)], written);
        assert!(two(&a, &[("--output", &new)]).is_ok());
        let error = two(&a, &[("--output", &a)]).expect_err("the input");
        assert!(error.to_string().contains("--output would be written over the input"), "{error}");
        let error = two(&a, &[("--output", &new), ("--report", &other)]).expect_err("twice");
        assert!(error.to_string().contains("--report would be written over --output"), "{error}");
        let stdout = Path::new("-");
        assert!(two(stdout, &[("--output", stdout)]).is_ok());
        assert!(two(&a, &[("--output", stdout), ("--report", stdout)]).is_err());
        let null = Path::new("/dev/null");
        assert!(two(&a, &[("--output", null), ("--report", null)]).is_ok() || !cfg!(unix));
    }
}
