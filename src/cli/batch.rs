//! `fr2en batch`: jobs that can be interrupted and go on where they were.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::Ending;
use super::args::BatchArgs;
use super::config::Defaults;
use super::output;
use super::printer::Printer;
use super::progress::{self, INTERRUPTED};
use super::settings::{self, Reading};
use crate::batch::{self, Destination, Handling, Inputs, Job, Observer, Progress, Settings, Shard};
use crate::error::{Error, ErrorKind, Result};
use crate::store::manifest::Record;

/// Runs the command.
///
/// # Errors
/// When the job cannot begin or cannot go on. Documents and rows that fail are reported, and the rest goes on.
pub fn run(args: &BatchArgs, config: &Defaults, printer: &Printer) -> Result<Ending> {
    let reading = settings::reading(&args.reading)?;
    // Outputs that a job comes back to: links are followed once.
    let plain = |option: &str, path: &Option<PathBuf>| -> Result<Option<PathBuf>> {
        path.as_ref().map(|path| output::plain(option, path)).transpose()
    };
    let (target, report) = (plain("batch", &args.output)?, plain("--report", &args.report)?);
    let memory = settings::memory(&args.memory, config)?;
    if let Some(count) = args.join {
        return join(args, target.as_deref(), count, printer);
    }
    let shard = args.shard.as_deref().map_or(Ok(Shard::WHOLE), Shard::parse)?;
    let destination = destination(args, target, &reading, shard)?;
    let glossary = args.style.glossary.as_deref().or(config.glossary.as_deref());
    let made = match &destination {
        Some(Destination::File(path)) => Some(shard.name(path)),
        _ => None,
    };
    let written = made.iter().map(|path| ("the translation", path.as_path()));
    let written = written.chain(report.iter().map(|path| ("--report", path.as_path())));
    let written = written.chain(memory.iter().map(|memory| ("--memory", memory.path.as_path())));
    let read = args.inputs.iter().map(|path| ("the input", path.as_path()));
    let read = read.chain(glossary.map(|path| ("--glossary", path)));
    output::distinct(&read.collect::<Vec<_>>(), &written.collect::<Vec<_>>())?;
    let mut builder = settings::builder(&args.engine, &args.style, config)?.identified(!args.stdin_jsonl);
    if let Some(memory) = memory {
        builder = builder.memory(memory);
    }
    let translator = builder.pull_progress(progress::pull(printer)).build()?;
    let log = Log::new(args.log_format == "json", printer);
    log.detail(&format!("model: {}", translator.describe()));
    let stop = || INTERRUPTED.load(Ordering::SeqCst);
    let Some(destination) = destination else {
        let served = batch::serve(
            &batch::lines_of(io::stdin()),
            &mut io::stdout().lock(),
            &translator,
            &reading.options,
            &args.id,
            &stop,
        )?;
        log.detail(&format!("{} lines, {} of them with errors", served.lines, served.failed));
        log.memory(translator.engine().memory());
        return Ok(match served.failed {
            _ if served.stopped => Ending::Again,
            0 => Ending::Done,
            _ => Ending::Partly,
        });
    };
    let out_dir = match &destination {
        Destination::Directory(directory) => Some(directory.as_path()),
        Destination::File(_) => None,
    };
    let handling = |path: &Path| reading.handling(path);
    let inputs =
        Inputs::new(args.inputs.clone(), args.glob.clone(), args.reading.format.is_some(), out_dir, shard, &handling)?;
    let job = Job {
        translator: &translator,
        inputs: &inputs,
        destination,
        format: &|path| reading.format(path),
        options: &reading.options,
        id: &args.id,
        settings: own_settings(args, config)?,
        report,
        restart: args.restart,
    };
    let summary = job.run(&stop, &log).map_err(|error| match error.kind() {
        ErrorKind::Io if error.is_temporary() => {
            error.advise("what is done is kept; make room and run the same command again")
        }
        _ => error,
    })?;
    log.memory(translator.engine().memory());
    if summary.stopped {
        printer.notice("stopped before the end; what is done is kept, and the same command goes on");
    } else if summary.counts.documents == 0 && summary.clean && shard.is_whole() {
        printer.notice(match args.glob.is_empty() {
            true => {
                "there was nothing to translate: no file has an extension that is known; --glob '*.EXT' takes others"
            }
            false => "there was nothing to translate: --glob leaves no file",
        });
    }
    if summary.doubtful > 0 {
        let report = job.report.as_deref();
        progress::mention_doubtful(printer, summary.doubtful, report, "--report FILE, from the start with --restart,");
    }
    Ok(match summary.clean {
        _ if summary.stopped => Ending::Again,
        true => Ending::Done,
        false => Ending::Partly,
    })
}

/// Where the English goes; `None` for standard output. Finds out early what cannot work.
fn destination(
    args: &BatchArgs,
    target: Option<PathBuf>,
    reading: &Reading,
    shard: Shard,
) -> Result<Option<Destination>> {
    if let Some(directory) = &args.out_dir {
        std::fs::create_dir_all(directory).map_err(|e| Error::io(directory, "create", e))?;
        return Ok(Some(Destination::Directory(directory.clone())));
    }
    let Some(path) = target else { return Ok(None) };
    match args.inputs.as_slice() {
        [input] if input.is_dir() => Err(Error::settings("is a directory; use --out-dir").at(input)),
        [input] if !shard.is_whole() && reading.handling(input) != Handling::SharedRows => {
            Err(Error::settings("only files of JSON lines in UTF-8 are shared out row by row").at(input))
        }
        [_] => {
            output::check(&path)?;
            Ok(Some(Destination::File(path)))
        }
        _ => Err(Error::settings("--output takes one input; use --out-dir for several")),
    }
}

/// What decides the output and is neither the translator's nor the formats' own setting.
fn own_settings(args: &BatchArgs, config: &Defaults) -> Result<Settings> {
    let mut settings = Settings::new();
    if let Some(path) = args.style.glossary.as_ref().or(config.glossary.as_ref()) {
        settings.insert("glossary".to_owned(), Record::of_file(path)?.sha256);
        if settings::is_glossary_inflected(&args.style, config) {
            settings.insert("glossary_inflected".to_owned(), "true".to_owned());
        }
    }
    if let Some(format) = &args.reading.format {
        settings.insert("format".to_owned(), format.to_lowercase());
    }
    if let Some(shard) = &args.shard {
        settings.insert("shard".to_owned(), shard.clone());
        settings.insert("id".to_owned(), args.id.clone());
    }
    Ok(settings)
}

fn join(args: &BatchArgs, target: Option<&Path>, count: u64, printer: &Printer) -> Result<Ending> {
    let ([input], Some(target)) = (args.inputs.as_slice(), target) else {
        return Err(Error::settings("--join takes the one input that was shared out, and --output"));
    };
    if count == 0 {
        return Err(Error::settings("--join takes the number of shares"));
    }
    output::distinct(&[("the input", input)], &[("the joined rows", target)])?;
    let rows = batch::join(input, target, count, &args.id)?;
    printer.detail(format_args!("{rows} rows"));
    Ok(Ending::Done)
}

/// Tells people, or machines, how a job goes.
struct Log<'a> {
    json: bool,
    printer: &'a Printer,
    bar: Option<ProgressBar>,
    last: Mutex<Option<Instant>>,
}

/// How often machines are told.
const EVERY: Duration = Duration::from_secs(1);

impl<'a> Log<'a> {
    fn new(json: bool, printer: &'a Printer) -> Self {
        let bar = (!json && printer.animated()).then(|| {
            let bar = ProgressBar::new(0);
            let template = "{bar:30} {bytes}/{total_bytes}  {msg}";
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { json, printer, bar, last: Mutex::new(None) }
    }

    fn object(&self, event: &str, mut fields: Value) {
        fields["event"] = event.into();
        self.printer.log(&fields);
    }

    fn memory(&self, memory: Option<(crate::memory::MemoryUse, Option<String>)>) {
        if !self.json {
            progress::mention_memory(self.printer, memory.as_ref());
        }
    }

    /// Whether it is time to tell machines again.
    fn is_due(&self) -> bool {
        let Ok(mut last) = self.last.lock() else { return true };
        let due = last.is_none_or(|last| last.elapsed() >= EVERY);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}

impl Observer for Log<'_> {
    fn fault(&self, error: &Error) {
        let show = || self.printer.error(error);
        match &self.bar {
            Some(bar) => bar.suspend(show),
            None => show(),
        }
    }

    fn detail(&self, message: &str) {
        if self.json {
            self.object("info", json!({"message": message}));
        } else {
            self.printer.detail(message);
        }
    }

    fn progress(&self, progress: &Progress) {
        let last = progress.bytes >= progress.bytes_in_all;
        if self.json && (self.is_due() || last) {
            self.object("progress", json!(progress));
        }
        let Some(bar) = &self.bar else { return };
        let Progress { documents, documents_in_all, segments, words_per_second, seconds_left, .. } = progress;
        let left = seconds_left.filter(|s| s.is_finite()).unwrap_or_default();
        let left = HumanDuration(Duration::from_secs(left as u64));
        bar.set_length(progress.bytes_in_all);
        bar.set_position(progress.bytes);
        bar.set_message(format!(
            "{documents}/{documents_in_all} documents  {segments} segments  {words_per_second:.0} words/s  {left} left"
        ));
    }
}

impl Drop for Log<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
