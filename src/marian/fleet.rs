//! Several devices as one network.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Config, Network, Session};

/// The same model on several devices, a worker each: sessions are dealt to them in turn. A device may be named twice; it
/// then holds the weights twice, and computes for one worker while the other waits for its processor.
pub struct Fleet {
    first: Box<dyn Network>,
    others: Vec<Box<dyn Network>>,
    next: AtomicUsize,
}

impl Fleet {
    /// Joins networks of the same model.
    pub fn new(first: Box<dyn Network>, others: Vec<Box<dyn Network>>) -> Self {
        Self { first, others, next: AtomicUsize::new(0) }
    }

    fn all(&self) -> impl Iterator<Item = &dyn Network> {
        std::iter::once(self.first.as_ref()).chain(self.others.iter().map(Box::as_ref))
    }
}

impl Network for Fleet {
    fn config(&self) -> &Config {
        self.first.config()
    }

    fn session_on(&self, threads: usize) -> Box<dyn Session + '_> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % (1 + self.others.len());
        match turn.checked_sub(1) {
            None => self.first.session_on(threads),
            Some(i) => self.others[i].session_on(threads),
        }
    }

    fn workers(&self) -> Option<usize> {
        Some(self.all().map(|network| network.workers().unwrap_or(1)).sum())
    }

    fn describe(&self) -> String {
        self.all().map(|network| network.describe()).collect::<Vec<_>>().join(", ")
    }
}
