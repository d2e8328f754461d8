//! Batches of like length, and the workers that decode them.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Room, Search, Sequence, beam, greedy, interrupted, kept};
use crate::engine::{Options, Progress};
use crate::error::{ErrorKind, Result};
use crate::marian::{Network, Session};
use crate::spread::{in_place, on_threads};

/// The work of one call, shared by its workers.
struct Work<'a> {
    network: &'a dyn Network,
    sources: &'a [Vec<u32>],
    options: &'a Options,
    progress: &'a dyn Progress,
    /// The sources by length, the longest first.
    order: Vec<usize>,
    /// Parts of `order`.
    batches: Vec<Range<usize>>,
    /// The next batch that no one has taken.
    next: AtomicUsize,
    room: &'a Room,
    stopped: AtomicBool,
    /// How many threads work on a batch together: more than one where there are fewer batches than threads.
    together: usize,
}

/// The index of a source, and what became of it.
type Outcome = (usize, Result<Vec<Sequence>>);

/// [`super::decode`] for calls that are parts of one, which share what they find out about the device's `room`.
pub(crate) fn run(
    network: &dyn Network,
    sources: &[Vec<u32>],
    options: &Options,
    progress: &dyn Progress,
    room: &Room,
) -> Vec<Result<Vec<Sequence>>> {
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(sources[i].len()));
    let lengths: Vec<usize> = order.iter().map(|&i| sources[i].len()).collect();
    let threads = match network.workers() {
        // A device is better used by one batch than by several small ones.
        Some(workers) => {
            let enough = ENOUGH.min(options.batch_tokens).max(1);
            workers.min(lengths.iter().sum::<usize>() / enough)
        }
        None => options.threads,
    };
    let threads = threads.max(1);
    let batches = deal(&lengths, options.batch_tokens, options.beam.max(1), threads);
    let workers = threads.min(batches.len());
    let work = Work {
        network,
        sources,
        options,
        progress,
        order,
        batches,
        next: AtomicUsize::new(0),
        room,
        stopped: AtomicBool::new(false),
        together: threads / workers.max(1),
    };
    in_place(sources.len(), on_threads(workers, || work.work()), || Err(interrupted()))
}

/// Cuts descending `lengths` into batches of at most `budget` tokens, padding counted; of like work where several `threads`
/// take them, and as many for each.
fn deal(lengths: &[usize], budget: usize, beam: usize, threads: usize) -> Vec<Range<usize>> {
    let fewest = buckets(lengths, budget, beam, usize::MAX);
    if threads == 1 || lengths.is_empty() {
        return fewest;
    }
    let most = fewest.len().next_multiple_of(threads);
    // The least work a batch with which there are no more of them than that.
    let (mut low, mut high) = (1, work(lengths, beam));
    while low < high {
        let middle = low + (high - low) / 2;
        match buckets(lengths, budget, beam, middle).len() <= most {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    buckets(lengths, budget, beam, low)
}

/// Cuts descending `lengths` into runs of at most `budget` tokens, padding counted, and so much work; a longer source goes
/// alone.
fn buckets(lengths: &[usize], budget: usize, beam: usize, most: usize) -> Vec<Range<usize>> {
    let mut buckets = Vec::new();
    let mut start = 0;
    while start < lengths.len() {
        let longest = lengths[start];
        let (mut end, mut done) = (start + 1, work(&lengths[start..=start], beam));
        while let Some(length) = lengths.get(end) {
            done = done.saturating_add(length.saturating_mul(beam));
            if longest * (end + 1 - start) > budget || done > most {
                break;
            }
            end += 1;
        }
        buckets.push(start..end);
        start = end;
    }
    buckets
}

/// So many tokens are worth a worker of a device.
const ENOUGH: usize = 4096;

/// Rows that a step could take along for what it costs to read the weights once.
const STEP: usize = 4;

/// What a batch of descending `lengths` costs, about, in rows of all its steps: one that has ended leaves the batch.
fn work(lengths: &[usize], beam: usize) -> usize {
    let longest = lengths.first().copied().unwrap_or(0);
    longest.saturating_mul(STEP).saturating_add(lengths.iter().sum::<usize>().saturating_mul(beam))
}

impl Work<'_> {
    /// Takes batches until there are none left, or the work is stopped.
    fn work(&self) -> Vec<Outcome> {
        let mut session = self.network.session_on(self.together);
        let mut outcomes = Vec::new();
        while !self.stopped.load(Ordering::Relaxed) {
            let Some(batch) = self.batches.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            self.decode(session.as_mut(), &self.order[batch.clone()], &mut outcomes);
        }
        outcomes
    }

    /// Decodes the sources `members`. If that fails, each half is tried alone: a device without room for the batch may
    /// have room for less, and one bad source does not take its neighbours with it. What the device had no room for is
    /// remembered, and no batch as large is tried again.
    fn decode(&self, session: &mut dyn Session, members: &[usize], outcomes: &mut Vec<Outcome>) {
        let sources: Vec<&[u32]> = members.iter().map(|&i| self.sources[i].as_slice()).collect();
        let tokens = sources.len() * sources.iter().map(|source| source.len()).max().unwrap_or(0);
        if members.len() > 1 && tokens > self.room.0.load(Ordering::Relaxed) {
            return self.halve(session, members, outcomes);
        }
        match self.search(session, &sources) {
            Ok(found) => {
                let tokens = found.iter().filter_map(|sequences| sequences.first()).map(|best| best.tokens.len()).sum();
                outcomes.extend(members.iter().copied().zip(found.into_iter().map(Ok)));
                self.report(members.len(), tokens);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if members.len() == 1 => {
                outcomes.push((members[0], Err(error)));
                self.report(1, 0);
            }
            Err(error) => {
                if error.kind() == ErrorKind::Memory {
                    self.room.0.fetch_min(tokens / 2, Ordering::Relaxed);
                }
                self.halve(session, members, outcomes);
            }
        }
    }

    fn halve(&self, session: &mut dyn Session, members: &[usize], outcomes: &mut Vec<Outcome>) {
        let (left, right) = members.split_at(members.len() / 2);
        self.decode(session, left, outcomes);
        self.decode(session, right, outcomes);
    }

    fn search(&self, session: &mut dyn Session, sources: &[&[u32]]) -> Result<Vec<Vec<Sequence>>> {
        // Asked between any two steps, so that a long batch can be stopped as well.
        let stopped = || self.report(0, 0);
        let search = Search { config: self.network.config(), options: self.options, stopped: &stopped };
        session.encode(sources)?;
        if let Some(mut books) = session.books(&search.rules(sources))? {
            return kept::search(&search, books.as_mut(), sources);
        }
        match self.options.beam {
            0 | 1 => Ok(greedy::search(&search, session, sources)?.into_iter().map(|one| vec![one]).collect()),
            _ => beam::search(&search, session, sources),
        }
    }

    /// Tells the progress; whether to stop.
    fn report(&self, sources: usize, tokens: usize) -> bool {
        if !self.progress.done(sources, tokens) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        self.stopped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_to_the_budget() {
        let buckets = |lengths: &[usize], budget| buckets(lengths, budget, 1, usize::MAX);
        assert!(buckets(&[], 10).is_empty());
        assert_eq!(buckets(&[20, 5, 5, 2, 1], 10), [0..1, 1..3, 3..5]);
        assert_eq!(buckets(&[3, 3, 3], 0), [0..1, 1..2, 2..3]);
        assert_eq!(buckets(&[5, 0, 0], 4), [0..1, 1..3]);
        assert_eq!(buckets(&[1; 5], 4), [0..4, 4..5]);
    }

    #[test]
    fn threads_get_like_work() {
        assert!(deal(&[], 10, 1, 2).is_empty());
        assert_eq!(deal(&[7], 10, 1, 2).len(), 1);
        assert_eq!(deal(&[9, 8], 100, 1, 2), [0..1, 1..2]);
        // One batch would hold them all.
        let lengths: Vec<usize> = (5..60).rev().collect();
        assert_eq!(deal(&lengths, 10_000, 4, 1).len(), 1);
        for (beam, threads) in [(1, 2), (4, 2), (1, 3), (4, 8)] {
            let batches = deal(&lengths, 10_000, beam, threads);
            assert_eq!(batches.len(), threads);
            let costs: Vec<usize> = batches.iter().map(|batch| work(&lengths[batch.clone()], beam)).collect();
            let (least, most) = (costs.iter().min().unwrap(), costs.iter().max().unwrap());
            assert!(most - least <= 60 * (beam + STEP), "{costs:?}");
        }
        // Three would do; four give each of two threads as much.
        assert_eq!(deal(&[10; 30], 100, 1, 1).len(), 3);
        assert_eq!(deal(&[10; 30], 100, 1, 2), [0..8, 8..16, 16..24, 24..30]);
    }
}
