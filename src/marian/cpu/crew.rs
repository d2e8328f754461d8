//! Threads that work on one batch together.
//!
//! A step of one sentence is dozens of products of some ten microseconds each: less than it takes to wake a thread. So the
//! helpers of a crew stay awake between two products, and go to sleep only when none has come for a while.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The thread that has it, and its helpers.
pub struct Crew {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

type Task<'a> = dyn Fn(usize) + Sync + 'a;

#[derive(Default)]
struct Shared {
    /// The turn, and below it the next part of its task that no one has taken.
    state: AtomicU64,
    task: Mutex<Option<Turn>>,
    /// Parts of this turn's task that are done.
    done: AtomicUsize,
    failed: AtomicBool,
    leaving: AtomicBool,
    sleepers: Mutex<usize>,
    wake: Condvar,
}

/// A task with its number. Its lifetime is known to [`Crew::run`] alone.
#[derive(Clone, Copy)]
struct Turn {
    task: *const Task<'static>,
    parts: u64,
    number: u64,
}

// SAFETY: what it points to is `Sync`.
unsafe impl Send for Turn {}

/// Bits of [`Shared::state`] that count parts.
const PART: u32 = 32;

/// Looks at a condition before a helper goes to sleep: some hundred microseconds.
const LOOKS: usize = 10_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crew {
    /// The thread that calls, and `threads − 1` others; fewer where the system gives no more.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let helper = |i: usize| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("helper {i}")).spawn(move || shared.help()).ok()
        };
        let helpers = (1..threads).map_while(helper).collect();
        Self { shared, helpers }
    }

    pub fn len(&self) -> usize {
        1 + self.helpers.len()
    }

    /// Calls `task` once for each of `0..parts`, several at the same time. Whoever is free takes the next part: nobody waits
    /// for a helper that the system lets not run.
    pub fn run(&self, parts: usize, task: &Task<'_>) {
        if self.helpers.is_empty() || parts <= 1 {
            return (0..parts).for_each(task);
        }
        let shared = &*self.shared;
        let number = (shared.state.load(Ordering::Relaxed) >> PART) + 1;
        // SAFETY: only the lifetime changes. Who has taken a part of this turn is counted in `done` after it, and this
        // function does not return before all parts are; of another turn no one can take any.
        let task = unsafe { std::mem::transmute::<*const Task<'_>, *const Task<'static>>(task) };
        let turn = Turn { task, parts: parts as u64, number };
        *lock(&shared.task) = Some(turn);
        shared.done.store(0, Ordering::Relaxed);
        shared.state.store(number << PART, Ordering::Release);
        if *lock(&shared.sleepers) > 0 {
            shared.wake.notify_all();
        }
        shared.work(turn);
        let mut looks = 0;
        while shared.done.load(Ordering::Acquire) < parts {
            pause(&mut looks);
        }
        assert!(!shared.failed.load(Ordering::Relaxed), "a part of a product failed");
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.shared.leaving.store(true, Ordering::Release);
        drop(lock(&self.shared.sleepers));
        self.shared.wake.notify_all();
        for helper in self.helpers.drain(..) {
            let _ = helper.join();
        }
    }
}

/// Waits a moment; on a machine with other work, lets that go on.
fn pause(looks: &mut usize) {
    *looks += 1;
    if looks.is_multiple_of(256) { std::thread::yield_now() } else { std::hint::spin_loop() }
}

impl Shared {
    /// A helper's life.
    fn help(&self) {
        let mut seen = 0;
        loop {
            let news = || self.state.load(Ordering::Acquire) >> PART != seen || self.leaving.load(Ordering::Acquire);
            let mut looks = 0;
            while !news() && looks < LOOKS {
                pause(&mut looks);
            }
            if !news() {
                let mut sleepers = lock(&self.sleepers);
                *sleepers += 1;
                while !news() {
                    sleepers = self.wake.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
                }
                *sleepers -= 1;
            }
            if self.leaving.load(Ordering::Acquire) {
                return;
            }
            let turn = *lock(&self.task);
            if let Some(turn) = turn {
                seen = turn.number;
                self.work(turn);
            }
        }
    }

    /// Takes parts as long as there are any.
    fn work(&self, turn: Turn) {
        let mut state = self.state.load(Ordering::Acquire);
        loop {
            let part = state & ((1 << PART) - 1);
            if state >> PART != turn.number || part >= turn.parts {
                return;
            }
            match self.state.compare_exchange_weak(state, state + 1, Ordering::AcqRel, Ordering::Acquire) {
                Err(now) => state = now,
                Ok(_) => {
                    // SAFETY: this part was taken in the task's own turn; see `Crew::run`.
                    let task = unsafe { &*turn.task };
                    if catch_unwind(AssertUnwindSafe(|| task(part as usize))).is_err() {
                        self.failed.store(true, Ordering::Relaxed);
                    }
                    self.done.fetch_add(1, Ordering::Release);
                    state = self.state.load(Ordering::Acquire);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_in_every_turn() {
        let crew = Crew::new(3);
        let done: Vec<AtomicUsize> = (0..7).map(|_| AtomicUsize::new(0)).collect();
        for turn in 0..2_000 {
            crew.run(turn % 8, &|i| {
                done[i].fetch_add(1, Ordering::Relaxed);
            });
            if turn % 500 == 0 {
                // Long enough for the helpers to fall asleep.
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
        let done: Vec<usize> = done.into_iter().map(AtomicUsize::into_inner).collect();
        assert_eq!(done, [1_750, 1_500, 1_250, 1_000, 750, 500, 250]);
    }

    #[test]
    fn a_panic_in_any_part_reaches_the_caller_after_all_parts() {
        for who in 0..4 {
            let (crew, done) = (Crew::new(2), AtomicUsize::new(0));
            let run = || {
                crew.run(4, &|i| {
                    done.fetch_add(1, Ordering::Relaxed);
                    assert!(i != who, "on purpose");
                });
            };
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
            assert_eq!(done.into_inner(), 4);
        }
    }
}
