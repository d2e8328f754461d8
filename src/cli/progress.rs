//! A bar with rate and time left on a terminal; silence elsewhere. Also where an interruption is noticed.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::models::PullBar;
use super::printer::Printer;
use crate::engine::Progress;
use crate::error::{Error, ErrorKind};
use crate::memory::MemoryUse;
use crate::store::PullProgress;
use crate::translator::Monitor;

/// Set by the first interruption; the work in hand then ends without writing.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Ctrl-C and SIGTERM ask the work to stop; the second time the program ends at once.
pub fn watch_interrupts() {
    // Without the handler an interruption ends the program at once, which leaves nothing half-written either.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
}

/// Shows a download on a terminal, and ends it when interrupted.
pub fn pull(printer: &Printer) -> Box<dyn PullProgress> {
    Box::new(Pull { bar: printer.animated().then(PullBar::default) })
}

struct Pull {
    bar: Option<PullBar>,
}

impl PullProgress for Pull {
    fn start(&self, model: &str, files: usize, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.start(model, files, bytes);
        }
    }

    fn advance(&self, file: &str, done: u64, total: u64) -> bool {
        let go_on = self.bar.as_ref().is_none_or(|bar| bar.advance(file, done, total));
        go_on && !INTERRUPTED.load(Ordering::SeqCst)
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}

/// Says what a translation memory was good for, and what was wrong with it.
pub fn mention_memory(printer: &Printer, memory: Option<&(MemoryUse, Option<String>)>) {
    let Some((MemoryUse { asked, found }, fault)) = memory else { return };
    printer.detail(format_args!("{found} of {asked} sentences were in the memory"));
    if let Some(fault) = fault {
        printer.error(&Error::new(ErrorKind::Io, format!("nothing more is remembered: {fault}")));
    }
}

/// Says that someone should look at some segments, and where they are named: in the report, or in one to be asked for by
/// `option`.
pub fn mention_doubtful(printer: &Printer, segments: u64, report: Option<&Path>, option: &str) {
    let what = if segments == 1 { "1 segment".to_owned() } else { format!("{segments} segments") };
    let names = if segments == 1 { "names it" } else { "names them" };
    let place = report.map_or_else(|| option.to_owned(), |path| path.display().to_string());
    printer.notice(&format!("{what} to look at: {place} {names}"));
}

/// Shows nothing; ends the work when interrupted.
pub struct Silent;

impl Progress for Silent {
    fn done(&self, _: usize, _: usize) -> bool {
        !INTERRUPTED.load(Ordering::SeqCst)
    }
}

/// Shows how far the translation is.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub fn new(printer: &Printer) -> Self {
        let bar = if printer.animated() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let template = "{bar:30} {pos}/{len} segments  {per_sec}  {eta} left";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        if printer.animated() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self { bar }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Monitor for Bar {
    fn planned(&self, segments: usize) {
        self.bar.inc_length(segments as u64);
    }

    fn done(&self, segments: usize, _tokens: usize) -> bool {
        self.bar.inc(segments as u64);
        !INTERRUPTED.load(Ordering::SeqCst)
    }
}
