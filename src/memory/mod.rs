//! A translation memory on disk: a sentence that the same model has translated under the same settings is looked up
//! instead of computed.
//!
//! It stands at the boundary of the engine: [`Remembering`] is an engine around another. What it gives back is what the
//! inner engine gave, bit for bit, so nothing that is done with it can differ. A memory that fails (its disk is full, say)
//! costs time, never a translation.

mod entry;
mod store;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::engine::{Engine, Hypothesis, Options, Progress};
use crate::error::{Error, ErrorKind, Result};
use store::{Key, Store};

/// Where a memory is kept, and how large it may grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemorySettings {
    pub path: PathBuf,
    /// In bytes. What was not used for longest is forgotten first.
    pub limit: u64,
}

impl MemorySettings {
    /// Enough for some millions of sentences.
    pub const LIMIT: u64 = 2 << 30;
}

/// What a memory was good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryUse {
    /// Sentences that were looked up.
    pub asked: u64,
    /// Sentences that were there.
    pub found: u64,
}

/// An engine that asks its memory first.
pub struct Remembering {
    engine: Box<dyn Engine>,
    store: Mutex<Store>,
    /// Has taken in what decides a translation besides the sentence and the search.
    identity: Sha256,
    asked: AtomicU64,
    found: AtomicU64,
    /// Why nothing is kept any more.
    fault: Mutex<Option<String>>,
}

/// So many sentences are translated before they are kept: what is lost when the machine stops.
const TOGETHER: usize = 8192;

impl Remembering {
    /// `identity` names the model and the arithmetic: engines of the same identity give the same translations.
    ///
    /// # Errors
    /// When the file cannot be opened, or is something else than a memory.
    pub fn new(engine: Box<dyn Engine>, settings: &MemorySettings, identity: &str) -> Result<Self> {
        Ok(Self {
            engine,
            store: Mutex::new(Store::open(settings)?),
            // Another version of the program may search in another way.
            identity: Sha256::new()
                .chain_update(concat!("fr2en ", env!("CARGO_PKG_VERSION"), "\0"))
                .chain_update(identity),
            asked: AtomicU64::new(0),
            found: AtomicU64::new(0),
            fault: Mutex::new(None),
        })
    }

    /// The keys of sentences that are searched for in this way.
    fn keys(&self, sources: &[String], options: &Options) -> Vec<Key> {
        // Batches and threads do not matter to the result.
        let Options {
            beam,
            n_best,
            length_penalty,
            min_length,
            max_length,
            alignment,
            scores,
            batch_tokens: _,
            threads: _,
        } = options;
        let penalty = length_penalty.to_bits();
        let search = format!("\0{beam} {n_best} {penalty} {min_length:?} {max_length:?} {alignment} {scores}\0");
        let start = self.identity.clone().chain_update(search);
        sources.iter().map(|text| Key::of(start.clone().chain_update(text))).collect()
    }

    fn recall(&self, keys: &[Key]) -> Vec<Option<Vec<Hypothesis>>> {
        let values = lock(&self.store).get(keys).unwrap_or_else(|error| {
            self.give_up(&error);
            Vec::new()
        });
        let mut values = values.into_iter();
        keys.iter().map(|_| values.next().flatten().and_then(|value| entry::read(&value))).collect()
    }

    fn keep(&self, entries: Vec<(Key, Vec<u8>)>) {
        if lock(&self.fault).is_none()
            && let Err(error) = lock(&self.store).put(&entries)
        {
            self.give_up(&error);
        }
    }

    fn give_up(&self, error: &Error) {
        lock(&self.fault).get_or_insert_with(|| error.to_string());
    }
}

impl Engine for Remembering {
    fn translate(
        &self,
        sources: &[String],
        options: &Options,
        progress: &dyn Progress,
    ) -> Vec<Result<Vec<Hypothesis>>> {
        let keys = self.keys(sources, options);
        let mut results: Vec<Option<Result<Vec<Hypothesis>>>> =
            self.recall(&keys).into_iter().map(|known| known.map(Ok)).collect();
        let missing: Vec<usize> = (0..sources.len()).filter(|&i| results[i].is_none()).collect();
        let found = sources.len() - missing.len();
        self.asked.fetch_add(sources.len() as u64, Ordering::Relaxed);
        self.found.fetch_add(found as u64, Ordering::Relaxed);
        let mut go_on = found == 0 || progress.done(found, 0);
        for group in missing.chunks(TOGETHER) {
            if !go_on {
                break;
            }
            let texts: Vec<String> = group.iter().map(|&i| sources[i].clone()).collect();
            let answers = self.engine.translate(&texts, options, progress);
            let fresh = group.iter().zip(&answers);
            self.keep(fresh.filter_map(|(&i, answer)| Some((keys[i], entry::write(answer.as_ref().ok()?)))).collect());
            go_on = !answers.iter().any(|a| matches!(a, Err(e) if e.kind() == ErrorKind::Interrupted));
            for (&i, answer) in group.iter().zip(answers) {
                results[i] = Some(answer);
            }
        }
        let stopped = || Error::new(ErrorKind::Interrupted, "stopped before it was translated");
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(stopped()))).collect()
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.engine.count_tokens(text)
    }

    fn max_tokens(&self) -> usize {
        self.engine.max_tokens()
    }

    fn reads(&self, c: char) -> bool {
        self.engine.reads(c)
    }

    fn writes(&self, c: char) -> bool {
        self.engine.writes(c)
    }

    fn memory(&self) -> Option<(MemoryUse, Option<String>)> {
        let used = MemoryUse { asked: self.asked.load(Ordering::Relaxed), found: self.found.load(Ordering::Relaxed) };
        Some((used, lock(&self.fault).clone()))
    }
}

/// A thread that panicked left nothing half-done behind: every change of the store is a transaction.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
