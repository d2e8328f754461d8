//! How many sessions a GPU serves at a time.

use std::sync::{Condvar, Mutex, PoisonError};

use candle_core::Device;

/// With two of them there is always one whose work a CUDA device can be given while the other looks at its results; each
/// more would take the memory of a batch for nothing.
const CUDA: usize = 2;

/// How many sessions `device` serves at a time; `None` where that depends on nothing but the processor's threads.
pub(crate) fn seats(device: &Device) -> Option<usize> {
    match device {
        Device::Cpu => None,
        Device::Cuda(_) => Some(CUDA),
        Device::Metal(_) => Some(1),
    }
}

/// The places of a GPU, given to those who wait in the order in which they came: no call waits for one that came later.
pub(super) struct Seats {
    seats: usize,
    counts: Mutex<Counts>,
    given_back: Condvar,
}

#[derive(Default)]
struct Counts {
    came: usize,
    left: usize,
}

/// A place that is taken, until it is dropped.
pub(super) struct Seat<'a>(&'a Seats);

impl Seats {
    pub fn new(seats: usize) -> Self {
        Self { seats, counts: Mutex::default(), given_back: Condvar::new() }
    }

    /// Waits for a place.
    pub fn take(&self) -> Seat<'_> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = counts.came;
        counts.came += 1;
        let full = |counts: &mut Counts| before >= counts.left + self.seats;
        drop(self.given_back.wait_while(counts, full).unwrap_or_else(PoisonError::into_inner));
        Seat(self)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner).left += 1;
        self.0.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn no_more_sit_than_there_are_seats() {
        let (seats, sitting, most) = (Seats::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _seat = seats.take();
                        most.fetch_max(sitting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        sitting.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.into_inner()));
    }
}
