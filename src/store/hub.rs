//! Fetches models from the Hugging Face hub into its usual cache.
//!
//! A revision becomes a commit first; everything after is of that commit. Each file is held against the checksum that
//! the hub has of it, and what does not fit is deleted at once. Only when all files are there and right does the
//! commit enter `fr2en.json`; until then no one takes the model for whole.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use hf_hub::progress::{DownloadEvent, ProgressEvent, ProgressHandler};
use hf_hub::repository::{RepoTreeEntry, RepoTypeModel};
use hf_hub::{HFClient, HFError, HFRepositorySync};
use sha1::{Digest, Sha1};

use crate::error::{Error, ErrorKind, Result};

use super::cache::{self, NEEDED, OPTIONAL, Pins, Snapshot};
use super::manifest::{Manifest, Record};
use super::{PullProgress, StoreSettings, WEIGHTS, known};

/// How often a transfer that broke off is begun again.
const RETRIES: u32 = 2;

/// Fetches a model, or makes sure that what is there is right.
///
/// # Errors
/// `ErrorKind::Hub` where the hub cannot be reached, does not have the model or sends something wrong;
/// `ErrorKind::Interrupted` where `progress` said so.
pub fn pull(
    name: &str,
    revision: Option<&str>,
    update: bool,
    settings: &StoreSettings,
    progress: &dyn PullProgress,
) -> Result<Snapshot> {
    let folder = cache::folder(settings, name);
    let mut pins = Pins::read(&folder)?;
    let pinned = pins.pinned(revision).filter(|_| !update);
    let revisions: Vec<String> = match (revision, pinned) {
        (_, Some(commit)) => vec![commit.to_owned()],
        (Some(revision), None) => vec![revision.to_owned()],
        (None, None) => known::revisions(name).iter().map(|&revision| revision.to_owned()).collect(),
    };
    if let [commit] = &revisions[..]
        && let snapshot = cache::snapshot(&folder, &pins, commit)
        && is_right(&snapshot)
    {
        return Ok(snapshot);
    }

    let (events, heard) = mpsc::channel();
    let worker = Worker {
        repository: connect(name, settings)?,
        name: name.to_owned(),
        folder: folder.clone(),
        pins: pins.clone(),
        delay: settings.retry_delay,
        events: events.clone(),
    };
    // A thread of its own, so that a hub that falls silent, and a user who has had enough, can be left behind.
    std::thread::spawn(move || {
        let done = worker.run(&revisions);
        let _ = events.send(Event::Done(done.map(Box::new)));
    });
    let outcome = loop {
        match heard.recv_timeout(settings.patience) {
            Ok(Event::Start { files, bytes }) => progress.start(name, files, bytes),
            Ok(Event::Bytes { file, done, total }) => {
                if !progress.advance(&file, done, total) {
                    break Err(Error::new(ErrorKind::Interrupted, format!("fetching {name} was interrupted")));
                }
            }
            Ok(Event::Done(outcome)) => break outcome,
            Err(RecvTimeoutError::Timeout) => {
                let seconds = settings.patience.as_secs();
                break Err(hub(format!("fetching {name}: the hub said nothing for {seconds} s; try again later")));
            }
            Err(RecvTimeoutError::Disconnected) => break Err(hub(format!("fetching {name} failed; try again"))),
        }
    };
    progress.finish();
    let fetched = outcome?;
    let commit = fetched.commit.clone();
    // Another process may have noted something in the meantime.
    pins = Pins::read(&folder)?;
    pins.revisions.insert(revision.unwrap_or_default().to_owned(), commit.clone());
    pins.commits.insert(commit.clone(), fetched.manifest);
    pins.write(&folder)?;
    Ok(cache::snapshot(&folder, &pins, &commit))
}

/// Whether every file of a noted commit is there and has the noted checksum.
fn is_right(snapshot: &Snapshot) -> bool {
    snapshot.manifest.as_ref().is_some_and(|manifest| {
        let right = |(file, record): (&String, &Record)| {
            Record::of_file(&snapshot.directory.join(file)).is_ok_and(|found| found == *record)
        };
        manifest.files.iter().all(right)
    })
}

fn connect(name: &str, settings: &StoreSettings) -> Result<HFRepositorySync<RepoTypeModel>> {
    let mut client = HFClient::builder()
        .cache_dir(&settings.cache)
        .user_agent(concat!("fr2en/", env!("CARGO_PKG_VERSION")))
        .retry_base_delay(settings.retry_delay);
    if let Some(endpoint) = &settings.endpoint {
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err(Error::settings(format!("the hub's address {endpoint:?} must begin with https://")));
        }
        client = client.endpoint(endpoint);
    }
    if let Some(token) = &settings.token {
        client = client.token(token);
    }
    let client = client.build_sync().map_err(|error| explain(error, name, "the hub"))?;
    let (organisation, model) = hf_hub::split_id(name);
    Ok(client.model(organisation, model))
}

enum Event {
    Start { files: usize, bytes: u64 },
    Bytes { file: String, done: u64, total: u64 },
    Done(Result<Box<Fetched>>),
}

struct Fetched {
    commit: String,
    manifest: Manifest,
}

/// A file as the hub has it.
struct Remote {
    name: String,
    size: u64,
    /// Of the file itself, for files in large-file storage.
    sha256: Option<String>,
    /// Git's name for the file itself, for all others.
    git: Option<String>,
}

/// Does the work, in a thread of its own.
struct Worker {
    repository: HFRepositorySync<RepoTypeModel>,
    name: String,
    folder: PathBuf,
    pins: Pins,
    delay: Duration,
    events: Sender<Event>,
}

impl Worker {
    fn run(&self, revisions: &[String]) -> Result<Fetched> {
        let commit = self.resolve(revisions)?;
        let remotes = self.choose(&commit)?;
        let snapshot = cache::snapshot(&self.folder, &self.pins, &commit);
        let bytes = remotes.iter().map(|remote| remote.size).sum();
        let _ = self.events.send(Event::Start { files: remotes.len(), bytes });
        let mut manifest = Manifest { name: self.name.clone(), ..Manifest::default() };
        for remote in &remotes {
            let noted = snapshot.manifest.as_ref().and_then(|manifest| manifest.files.get(&remote.name));
            let record = self.fetch(remote, &commit, noted)?;
            manifest.files.insert(remote.name.clone(), record);
        }
        Ok(Fetched { commit, manifest })
    }

    /// The commit of the first revision that exists.
    fn resolve(&self, revisions: &[String]) -> Result<String> {
        let mut missing = None;
        for revision in revisions {
            if known::is_commit(revision) {
                return Ok(revision.to_lowercase());
            }
            match self.repository.info().revision(revision.as_str()).send() {
                Ok(info) => {
                    return info.sha.filter(|sha| known::is_commit(sha)).ok_or_else(|| {
                        hub(format!("{}: the hub names no commit for {revision}; try again later", self.name))
                    });
                }
                Err(error @ HFError::RevisionNotFound { .. }) => missing = Some((revision, error)),
                Err(error) => return Err(explain(error, &self.name, revision)),
            }
        }
        let (revision, error) = missing.expect("there is at least one revision, and none was found");
        Err(explain(error, &self.name, revision))
    }

    /// The files to fetch.
    fn choose(&self, commit: &str) -> Result<Vec<Remote>> {
        let tree = self.repository.list_tree().revision(commit).send();
        let tree = tree.map_err(|error| explain(error, &self.name, commit))?;
        let mut there: Vec<Remote> = tree
            .into_iter()
            .filter_map(|entry| match entry {
                RepoTreeEntry::File { oid, size, path, lfs, .. } => {
                    let git = lfs.is_none().then_some(oid);
                    Some(Remote { name: path, size, sha256: lfs.and_then(|lfs| lfs.sha256), git })
                }
                RepoTreeEntry::Directory { .. } => None,
            })
            .collect();
        let has = |name: &str| there.iter().any(|remote| remote.name == name);
        let weights = if has(WEIGHTS) { WEIGHTS } else { "pytorch_model.bin" };
        if let Some(lacks) = NEEDED.iter().find(|name| !has(name)) {
            let name = &self.name;
            return Err(hub(format!("{name} on the hub has no {lacks}: it is no Marian model that fr2en can run")));
        }
        if !has(weights) {
            return Err(hub(format!("{} on the hub has neither {WEIGHTS} nor {weights}", self.name)));
        }
        there.retain(|remote| {
            let name = remote.name.as_str();
            NEEDED.contains(&name) || OPTIONAL.contains(&name) || name == weights
        });
        // The large file last: what is wrong with the small ones shows at once.
        there.sort_by_key(|remote| remote.size);
        Ok(there)
    }

    /// One file, fetched if it is not there, and right.
    fn fetch(&self, remote: &Remote, commit: &str, noted: Option<&Record>) -> Result<Record> {
        let mut delay = self.delay;
        let mut refused: Option<String> = None;
        for attempt in 0.. {
            let handler = Relay { file: remote.name.clone(), total: remote.size, events: self.events.clone() };
            let outcome = self
                .repository
                .download_file()
                .filename(remote.name.as_str())
                .revision(commit)
                .force_download(refused.is_some())
                .progress(handler)
                .send();
            match outcome {
                Ok(path) => match remote.refuse(&path, noted)? {
                    Ok(record) => return Ok(record),
                    Err(reason) if refused.is_none() => {
                        // It may have been in the cache before; a fresh copy decides.
                        self.discard(&path);
                        refused = Some(reason);
                        continue;
                    }
                    Err(reason) => {
                        self.discard(&path);
                        return Err(hub(format!("{}: {reason}; nothing of it was kept, try again later", self.name)));
                    }
                },
                Err(HFError::Request { .. }) if attempt < RETRIES => {
                    std::thread::sleep(delay);
                    delay *= 2;
                }
                Err(error) => {
                    self.discard_incomplete();
                    return Err(explain(error, &self.name, &remote.name));
                }
            }
        }
        unreachable!("the loop has no end of its own")
    }

    /// Deletes a file of the snapshot, and what it links to.
    fn discard(&self, path: &Path) {
        if let Ok(blob) = path.canonicalize()
            && let Ok(blobs) = self.folder.join("blobs").canonicalize()
            && blob.starts_with(blobs)
        {
            let _ = std::fs::remove_file(blob);
        }
        let _ = std::fs::remove_file(path);
    }

    /// Deletes what transfers that broke off left behind, unless another program is at it.
    fn discard_incomplete(&self) {
        let Some((cache, name)) = self.folder.parent().zip(self.folder.file_name()) else { return };
        let locks = cache.join(".locks").join(name);
        for entry in std::fs::read_dir(self.folder.join("blobs")).into_iter().flatten().flatten() {
            let path = entry.path();
            let Some(tag) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".incomplete")) else {
                continue;
            };
            // hf-hub holds this lock while it writes.
            let free = match std::fs::File::open(locks.join(format!("{tag}.lock"))) {
                Ok(lock) => lock.try_lock().is_ok(),
                Err(_) => true,
            };
            if free {
                let _ = std::fs::remove_file(&path);
            }
        }
    }
}

impl Remote {
    /// The record of a fetched file, or why it is not the file that the hub has.
    fn refuse(&self, path: &Path, noted: Option<&Record>) -> Result<Result<Record, String>> {
        let record = Record::of_file(path)?;
        let name = &self.name;
        if record.size != self.size {
            return Ok(Err(format!("{name} came with {} of {} bytes", record.size, self.size)));
        }
        // In the cache a file in large-file storage is called by its checksum.
        let blob = std::fs::read_link(path).ok();
        let called = blob.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let called = called.filter(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let sha256 = self.sha256.as_deref().or(called).or(noted.map(|noted| noted.sha256.as_str()));
        if sha256.is_some_and(|sha256| !sha256.eq_ignore_ascii_case(&record.sha256)) {
            return Ok(Err(format!("{name} came with a wrong checksum")));
        }
        if let Some(git) = &self.git
            && git.len() == 40
            && !git.eq_ignore_ascii_case(&git_name(path)?)
        {
            return Ok(Err(format!("{name} came with a wrong checksum")));
        }
        Ok(Ok(record))
    }
}

/// What Git calls a file: the SHA-1 of its size and its bytes.
fn git_name(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, "read", error))?;
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", bytes.len()));
    hash.update(&bytes);
    Ok(super::manifest::hexadecimal(&hash.finalize()))
}

/// Passes on what hf-hub says of one file.
struct Relay {
    file: String,
    total: u64,
    events: Sender<Event>,
}

impl ProgressHandler for Relay {
    fn on_progress(&self, event: &ProgressEvent) {
        let done = match event {
            ProgressEvent::Download(DownloadEvent::Progress { files }) => files.last().map(|file| file.bytes_completed),
            ProgressEvent::Download(DownloadEvent::AggregateProgress { bytes_completed, .. }) => Some(*bytes_completed),
            ProgressEvent::Download(DownloadEvent::Complete) => Some(self.total),
            _ => None,
        };
        if let Some(done) = done {
            let _ = self.events.send(Event::Bytes { file: self.file.clone(), done, total: self.total });
        }
    }
}

fn hub(message: String) -> Error {
    Error::new(ErrorKind::Hub, message)
}

/// What a failure of the hub means to the user.
fn explain(error: HFError, name: &str, what: &str) -> Error {
    let message = match &error {
        HFError::RepoNotFound { .. } | HFError::RevisionNotFound { .. } => {
            format!("the hub has no model {name} with the revision {what}; check the name")
        }
        HFError::EntryNotFound { .. } => format!("{name} on the hub has no {what}"),
        // The hub does not say whether a model that one may not see exists.
        HFError::AuthRequired { .. } | HFError::Forbidden { .. } => {
            format!("the hub has no model {name} that is open to you; check the name, or set HF_TOKEN")
        }
        HFError::RateLimited { .. } => format!("fetching {name}: the hub asks for a pause; try again later"),
        HFError::Http { context } => {
            format!("fetching {what} of {name}: the hub answered {}; try again later", context.status)
        }
        HFError::Request { source, .. } if source.is_connect() => {
            format!("fetching {name}: cannot reach the hub; check the connection")
        }
        HFError::Request { .. } => format!("fetching {what} of {name}: the connection broke off; try again"),
        HFError::CacheLockTimeout { .. } => format!("{name} is being fetched by another program; wait for it"),
        HFError::Io(error) => format!("fetching {what} of {name}: cannot write to the cache: {error}"),
        HFError::Url(_) | HFError::InvalidParameter(_) => format!("the hub's address makes no sense: {error}"),
        _ => format!("fetching {what} of {name}: {error}"),
    };
    hub(message).because(error)
}

#[cfg(test)]
mod tests;
