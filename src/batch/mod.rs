//! Jobs that run for days: many documents, or record files of any size, with one model in memory.
//!
//! ```text
//! inputs ─ read ─▶ Window ─ translate, two side by side ─▶ Window + outcomes ─ write ─▶ outputs, then the journal
//! ```
//!
//! The stages run side by side, each on the next window. A window holds whole documents and parts of record files; its
//! sentences share batches. Windows are dealt to two lanes in turn, so that no core waits for the last batches of one, and
//! the writer takes them from the lanes in the same turn. The results do not depend on where windows begin and end, so a
//! window is as large as what some seconds are enough for: after a crash no more than that is done again.

mod digest;
mod durable;
mod inputs;
mod join;
mod journal;
mod lines;
mod read;
mod report;
mod rows;
mod serve;
mod shard;
mod write;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use crate::error::{ErrorKind, Result};
use crate::formats::{self, Format, Parsed};
use crate::translator::{Monitor, Outcome, Translator};
pub use inputs::{Extent, Handling, Inputs, Task};
pub use join::join;
pub use journal::Settings;
pub use report::{Counts, Observer, Progress, is_doubtful};
pub use rows::{Piece, Rows};
pub use serve::{Served, lines_of, serve};
pub use shard::Shard;

use journal::Journal;
use read::{Pace, Reader, Window};
use report::Report;
use write::Writer;

/// Everything that a job is made of.
pub struct Job<'a> {
    pub translator: &'a Translator,
    pub inputs: &'a Inputs<'a>,
    pub destination: Destination,
    /// The format of a file, or why it is none that is read.
    pub format: &'a (dyn Fn(&Path) -> Result<Format> + Sync),
    pub options: &'a formats::Options,
    /// The field by which rows are shared out.
    pub id: &'a str,
    /// What decides the output besides translator and inputs.
    pub settings: Settings,
    /// Where a report in JSON lines goes.
    pub report: Option<PathBuf>,
    /// Whether to begin again whatever was done.
    pub restart: bool,
}

/// Where the output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The one input's translation.
    File(PathBuf),
    /// The tree of the inputs, mirrored.
    Directory(PathBuf),
}

/// What came of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Of the whole job, earlier runs included.
    pub counts: Counts,
    /// Whether everything could be translated and written.
    pub clean: bool,
    /// Whether the work was stopped before its end.
    pub stopped: bool,
    /// Segments of this run that someone should look at.
    pub doubtful: u64,
}

/// The other stages have no more use for this one's work.
#[derive(Debug)]
struct Stopped;

/// A window that is translated.
struct Translated {
    window: Window,
    /// One for each document and each run of rows.
    outcomes: Vec<Outcome>,
}

/// Source bytes of a window: of the first one, and at most.
const FIRST: usize = 8 << 10;
const MOST: usize = 2 << 20;

/// How long a window should take on a machine that it has for itself.
const SECONDS: f64 = 2.0;

/// How long the work in hand may still take when the job is to stop; what takes longer is given up and done again later.
const GRACE: Duration = Duration::from_secs(2);

impl Job<'_> {
    /// Does what is left to do. `stop` is asked now and then whether to leave early.
    ///
    /// # Errors
    /// When the job cannot go on: the journal is in use, damaged or of another job; the disk is full. What was done
    /// until then is safe.
    pub fn run(&self, stop: &(dyn Fn() -> bool + Sync), observer: &dyn Observer) -> Result<Summary> {
        let extent = self.inputs.measure(self.report.as_deref())?;
        durable::create_parent(&self.journal())?;
        let (journal, mut past) = Journal::open(&self.journal(), &self.all_settings(), self.restart)?;
        let report = self.report.as_deref().map(|path| Report::open(path, past.report)).transpose()?;
        let mut writer = Writer::new(journal, report, observer, self.translator, extent);
        writer.recover(&mut past, &|name| self.find(name))?;
        let pace = Pace {
            budget: AtomicUsize::new(FIRST),
            stop,
            failed: AtomicBool::new(false),
            left: AtomicBool::new(false),
            told: OnceLock::new(),
        };
        let lanes = self.translator.engine().calls().max(1);
        let (to_translate, windows): (Vec<_>, Vec<_>) = (0..lanes).map(|_| sync_channel(0)).unzip();
        let (to_write, translated): (Vec<_>, Vec<_>) = (0..lanes).map(|_| sync_channel(0)).unzip();
        std::thread::scope(|scope| {
            let reader = Reader::new(self, &past, &pace, to_translate);
            scope.spawn(move || reader.run());
            let (pace, past) = (&pace, &past);
            let writer = scope.spawn(move || {
                let written = writer.run(&translated, past);
                // The others notice when they next hand something on; the reader may be far from that.
                pace.failed.store(true, Ordering::Relaxed);
                written
            });
            let lane = |(windows, to_write)| scope.spawn(move || self.translate(windows, to_write, pace, lanes));
            let lanes: Vec<_> = windows.into_iter().zip(to_write).map(lane).collect();
            let results: Vec<Result<()>> = lanes.into_iter().map(joined).collect();
            let summary = joined(writer)?;
            results.into_iter().collect::<Result<()>>()?;
            Ok(Summary { stopped: pace.left.load(Ordering::Relaxed), ..summary })
        })
    }

    /// The second stage, one of `lanes`. It takes no new window when it is told to stop, and ends the one in hand if that
    /// is soon done.
    fn translate(
        &self,
        windows: Receiver<Window>,
        out: SyncSender<Translated>,
        pace: &Pace<'_>,
        lanes: usize,
    ) -> Result<()> {
        for window in windows {
            if pace.leaves() {
                break;
            }
            let start = Instant::now();
            let documents: Vec<&dyn Parsed> = window.items.iter().filter_map(|item| item.parsed()).collect();
            let outcomes = match self.translator.translate_documents(&documents, pace) {
                Ok((outcomes, _)) => outcomes,
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    pace.left.store(true, Ordering::Relaxed);
                    break;
                }
                Err(error) => return Err(error),
            };
            pace.adapt(window.bytes, start.elapsed().as_secs_f64() / lanes as f64);
            if out.send(Translated { window, outcomes }).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Where a task's output goes.
    fn target(&self, task: &Task) -> PathBuf {
        let path = match &self.destination {
            Destination::File(path) => path.clone(),
            Destination::Directory(directory) => directory.join(&task.name),
        };
        if task.by_row { self.inputs.shard().name(&path) } else { path }
    }

    /// Where the output of an earlier run's task went, if it is still a task.
    fn find(&self, name: &str) -> Option<PathBuf> {
        let task = self.inputs.tasks().flatten().find(|task| task.name == name)?;
        Some(self.target(&task))
    }

    /// Beside the one output, or in the directory of many.
    fn journal(&self) -> PathBuf {
        let shard = self.inputs.shard();
        match &self.destination {
            Destination::File(path) => {
                let mut name = shard.name(path).into_os_string();
                name.push(".journal");
                name.into()
            }
            Destination::Directory(directory) => shard.name(&directory.join(".fr2en-batch.journal")),
        }
    }

    fn all_settings(&self) -> Settings {
        let mut settings = self.settings.clone();
        let translator = self.translator;
        let search = translator.options();
        let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
        set("program", concat!("fr2en ", env!("CARGO_PKG_VERSION")).to_owned());
        set("model", translator.model_digest().unwrap_or("custom").to_owned());
        set("machine", translator.machine().to_owned());
        set("beam", search.beam.to_string());
        set("length penalty", search.length_penalty.to_string());
        set("style", format!("{:?}", translator.style()));
        set("strict", translator.is_strict().to_string());
        set("format options", format!("{:?}", self.options));
        settings
    }
}

/// What a thread has to say at its end; its panic is passed on.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Pace<'_> {
    /// Whether to leave the work that is at hand, because the job is to stop.
    fn leaves(&self) -> bool {
        let stop = (self.stop)();
        self.left.fetch_or(stop, Ordering::Relaxed);
        stop
    }

    /// Whether the work in hand has had its time since the job was told to stop.
    fn is_over(&self) -> bool {
        (self.stop)() && self.told.get_or_init(Instant::now).elapsed() >= GRACE
    }

    /// Makes the next windows as large as what the time is enough for.
    fn adapt(&self, bytes: usize, seconds: f64) {
        let fits = bytes as f64 * SECONDS / seconds.max(1e-3);
        let now = self.budget.load(Ordering::Relaxed);
        // The first windows say little about the rest.
        self.budget.store((fits as usize).clamp(FIRST, now.saturating_mul(8).min(MOST)), Ordering::Relaxed);
    }
}

impl Monitor for Pace<'_> {
    fn done(&self, _: usize, _: usize) -> bool {
        !self.is_over()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests;
