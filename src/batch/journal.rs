//! What a job has done so far, on disk: a line of JSON a window of work, each safely there before the next begins.
//!
//! The first line says under which settings the job runs. A last line that was torn by a crash is cut off: its window
//! is done again. The file is locked while a job runs.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::durable;
use super::report::Counts;
use crate::error::{Error, ErrorKind, Result};

/// Everything that decides the output besides the inputs, by name.
pub type Settings = BTreeMap<String, String>;

/// The open journal.
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes that are safely there.
    length: u64,
}

/// What one window of work added.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Commit {
    /// Outputs that are whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<Done>,
    /// Outputs that are whole but have not got their names yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closing: Vec<Done>,
    /// How far record files are that were begun.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<At>,
    /// Bytes of the report that belong to what is committed.
    #[serde(default)]
    pub report: u64,
}

/// A finished output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Done {
    pub name: String,
    pub input: Digest,
    /// Its size in bytes.
    pub output: u64,
    pub counts: Counts,
}

/// A place in a record file up to which everything is translated and written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct At {
    pub name: String,
    pub reached: Reached,
    /// Bytes of the output.
    pub written: u64,
    pub counts: Counts,
}

/// How far a record file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    pub bytes: u64,
    pub lines: usize,
    /// Of the bytes before.
    pub digest: Digest,
    pub rows: usize,
    pub broken: usize,
    /// Whether any row had a field to translate.
    pub seen: bool,
}

/// What earlier runs did.
#[derive(Debug, Default)]
pub struct Past {
    /// By the digests of their names, because a job may have millions of documents.
    done: HashMap<Digest, Known>,
    pub closing: Vec<Done>,
    pub at: HashMap<String, At>,
    pub counts: Counts,
    pub report: u64,
}

/// What the journal says of a finished output.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub input: Digest,
    pub output: u64,
    pub counts: Counts,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Settings(Settings),
    Commit(Commit),
}

impl Journal {
    /// Opens the journal of a job, or begins one.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] where another process works on the job; [`ErrorKind::Settings`] where it was begun under other
    /// settings.
    pub fn open(path: &Path, settings: &Settings, restart: bool) -> Result<(Self, Past)> {
        let failed = |doing: &'static str| move |e| Error::io(path, doing, e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = "another process works on this job; try again when it has ended";
                return Err(Error::new(ErrorKind::Busy, message).at(path));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(path, "lock", error)),
        }
        if restart {
            file.set_len(0).map_err(failed("empty"))?;
        }
        let (begun, past, length) = read(&mut file, path)?;
        file.set_len(length).and_then(|()| file.seek(SeekFrom::End(0)).map(drop)).map_err(failed("write"))?;
        let mut journal = Self { file, path: path.to_owned(), length };
        match begun {
            Some(begun) => compare(&begun, settings).map_err(|e| e.at(path))?,
            None => {
                journal.write(&Line::Settings(settings.clone()))?;
                durable::sync_directory(path)?;
            }
        }
        Ok((journal, past))
    }

    /// Notes what a window did; it is on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written. The journal stays as it was.
    pub fn commit(&mut self, commit: Commit) -> Result<()> {
        self.write(&Line::Commit(commit))
    }

    fn write(&mut self, line: &Line) -> Result<()> {
        let failed = |e| Error::io(&self.path, "write", e);
        let mut text = serde_json::to_vec(line).map_err(|e| failed(e.into()))?;
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // Half a line would be cut off by the next run anyway.
            let _ = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::End(0)));
            return Err(failed(error));
        }
        self.length += text.len() as u64;
        Ok(())
    }
}

impl Past {
    /// What became of the document of this name; `None` where it is not done.
    pub fn done(&self, name: &str) -> Option<&Known> {
        self.done.get(&Digest::of(name.as_bytes()))
    }

    /// Takes in what a window did.
    pub fn add(&mut self, commit: Commit) {
        for Done { name, input, output, counts } in commit.done {
            self.at.remove(&name);
            self.counts.add(&counts);
            if let Some(old) = self.done.insert(Digest::of(name.as_bytes()), Known { input, output, counts }) {
                self.counts.subtract(&old.counts);
            }
        }
        self.at.extend(commit.at.into_iter().map(|at| (at.name.clone(), at)));
        self.closing = commit.closing;
        self.report = commit.report;
    }
}

/// The settings, the commits, and how many bytes of the file are good.
fn read(file: &mut File, path: &Path) -> Result<(Option<Settings>, Past, u64)> {
    let failed = |e| Error::io(path, "read", e);
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut reader = BufReader::new(&*file);
    let (mut settings, mut past, mut length) = (None, Past::default(), 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = reader.read_until(b'\n', &mut line).map_err(failed)?;
        if n == 0 {
            return Ok((settings, past, length));
        }
        let whole = line.ends_with(b"\n");
        match serde_json::from_slice::<Line>(&line) {
            Ok(Line::Settings(found)) if whole && length == 0 => settings = Some(found),
            Ok(Line::Commit(commit)) if whole && settings.is_some() => past.add(commit),
            // Torn: nothing may follow it.
            _ if reader.fill_buf().map_err(failed)?.is_empty() => return Ok((settings, past, length)),
            _ => {
                let message = format!("byte {length}: damaged; delete it or use --restart to begin the job again");
                return Err(Error::settings(message).at(path));
            }
        }
        length += n as u64;
    }
}

/// Refuses to go on under other settings than those of the beginning.
fn compare(begun: &Settings, now: &Settings) -> Result<()> {
    let names = begun.keys().chain(now.keys());
    let differs = |name: &&String| begun.get(*name) != now.get(*name);
    let Some(name) = names.filter(differs).min() else { return Ok(()) };
    let show = |settings: &Settings| settings.get(name).map_or_else(|| "not set".to_owned(), |v| format!("“{v}”"));
    let why = match name.as_str() {
        "machine" => {
            " (processors of another kind round the last digits in another way, so that now and then a word would differ)"
        }
        _ => "",
    };
    Err(Error::settings(format!(
        "this job was begun with another {name}: {}, now {}{why}; go on as it was begun, or use --restart to begin again",
        show(begun),
        show(now)
    )))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn settings(beam: &str) -> Settings {
        Settings::from([("beam".to_owned(), beam.to_owned()), ("model".to_owned(), "m".to_owned())])
    }

    fn done(name: &str) -> Commit {
        let counts = Counts { segments: 2, ..Counts::default() };
        let done = Done { name: name.to_owned(), input: Digest::of(name.as_bytes()), output: 7, counts };
        Commit { done: vec![done], report: 3, ..Commit::default() }
    }

    #[test]
    fn a_journal_torn_at_any_byte_loses_its_last_line_at_most() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open(&path, &settings("4"), false).unwrap();
        let first = journal.length;
        journal.commit(done("a")).unwrap();
        let second = journal.length;
        journal.commit(done("b")).unwrap();
        drop(journal);
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            for tail in [&b""[..], &[0; 9]] {
                std::fs::write(&path, [&whole[..cut], tail].concat()).unwrap();
                let (mut journal, past) = Journal::open(&path, &settings("4"), false).unwrap();
                let there = |at: u64| cut as u64 >= at;
                assert_eq!(past.done("a").is_some(), there(second), "{cut}");
                assert!(past.done("b").is_none());
                assert_eq!(past.counts.segments, if there(second) { 2 } else { 0 });
                journal.commit(done("c")).unwrap();
                drop(journal);
                let (_, past) = Journal::open(&path, &settings("4"), false).unwrap();
                assert!(past.done("c").is_some());
                assert!(first > 0);
            }
        }
    }

    #[test]
    fn other_settings_and_a_second_process_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open(&path, &settings("4"), false).unwrap();
        journal.commit(done("a")).unwrap();
        assert_eq!(Journal::open(&path, &settings("4"), false).err().unwrap().kind(), ErrorKind::Busy);
        drop(journal);
        let error = Journal::open(&path, &settings("1"), false).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Settings);
        assert!(error.to_string().contains("another beam: “4”, now “1”"), "{error}");
        let (_, past) = Journal::open(&path, &settings("1"), true).unwrap();
        assert!(past.done("a").is_none());
        let damaged = std::fs::read_to_string(&path).unwrap().replace("model", "mo\"del");
        std::fs::write(&path, damaged + "{}\n").unwrap();
        assert!(Journal::open(&path, &settings("1"), false).err().unwrap().to_string().contains("byte 0"));
    }
}
