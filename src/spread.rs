//! Work on many things at a time.

use rayon::prelude::*;

/// Fewer things than these a thread are done sooner than it is started.
const FEW: usize = 32;

/// What `work` makes of each of `items`, in their order, on up to `threads` threads.
pub(crate) fn spread<T: Send, R: Send>(items: Vec<T>, threads: usize, work: impl Fn(T) -> R + Send + Sync) -> Vec<R> {
    let threads = threads.min(items.len() / FEW);
    let pool = match threads {
        0 | 1 => None,
        // Where the system gives no more threads, this one does it.
        _ => rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok(),
    };
    match pool {
        Some(pool) => pool.install(|| items.into_par_iter().map(work).collect()),
        None => items.into_iter().map(work).collect(),
    }
}

/// All that `work` gives on each of so many threads; on this one, where one is enough.
pub(crate) fn on_threads<R: Send>(threads: usize, work: impl Fn() -> Vec<R> + Sync) -> Vec<R> {
    if threads < 2 {
        return work();
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        // A worker that panics takes the whole call with it, as it would on this thread.
        workers.into_iter().flat_map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Each of `n` things in its place; `missing` where there is none.
pub(crate) fn in_place<R>(n: usize, found: Vec<(usize, R)>, missing: impl Fn() -> R) -> Vec<R> {
    let mut places: Vec<Option<R>> = (0..n).map(|_| None).collect();
    for (i, thing) in found {
        places[i] = Some(thing);
    }
    places.into_iter().map(|thing| thing.unwrap_or_else(&missing)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::Mutex;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        for (items, threads) in [(0, 4), (1, 4), (1000, 1), (1000, 3), (65, 99)] {
            let seen = Mutex::new(HashSet::new());
            let doubled = spread((0..items).collect(), threads, |i: usize| {
                if let Ok(mut seen) = seen.lock() {
                    seen.insert(std::thread::current().id());
                }
                2 * i
            });
            assert_eq!(doubled, (0..items).map(|i| 2 * i).collect::<Vec<_>>());
            assert!(seen.into_inner().is_ok_and(|seen| seen.len() <= threads));
        }
    }
}
