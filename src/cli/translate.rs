//! The main job: documents in, the same documents in English out.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::Ending;
use super::args::TranslateArgs;
use super::config::Defaults;
use super::input::Input;
use super::output::{self, Named, Place};
use super::printer::Printer;
use super::progress::{self, Bar};
use super::settings::{self, Reading};
use crate::batch::{Handling, Piece, Rows, is_doubtful};
use crate::error::{Error, ErrorKind, Result};
use crate::formats::{self, Bilingual, Format, Pair, Parsed};
use crate::memory::MemorySettings;
use crate::translator::{DocumentReport, Outcome, SegmentReport, Totals, Translator};

/// Documents are translated together up to so many source bytes: enough to fill batches, little enough to hold.
const TOGETHER: usize = 16 << 20;

/// Files of records are translated so many bytes at a time.
const PIECES: u64 = 2 << 20;

/// Where the English goes.
enum Destination<'a> {
    Stdout,
    File(&'a Path),
    Directory(&'a Path),
}

/// A document that has been read.
struct Job {
    input: Input,
    parsed: Box<dyn Parsed>,
}

/// Runs the command.
///
/// # Errors
/// When nothing at all can be done: wrong settings, no model, no place to write. An input that fails is reported and
/// the others go on.
pub fn run(args: &TranslateArgs, config: &Defaults, printer: &Printer) -> Result<Ending> {
    let reading = settings::reading(&args.reading)?;
    let inputs = inputs(&args.files)?;
    let bilingual = settings::bilingual(args.bilingual.as_deref())?;
    let destination = destination(args, &inputs, bilingual)?;
    if matches!(destination, Destination::Stdout) {
        check_stdout(&inputs, bilingual, &reading)?;
    }
    let memory = settings::memory(&args.memory, config)?;
    distinct(args, config, &inputs, &destination, bilingual, memory.as_ref())?;
    let mut builder = settings::builder(&args.engine, &args.style, config)?.pull_progress(progress::pull(printer));
    if let Some(memory) = memory {
        builder = builder.memory(memory);
    }
    let translator = builder.build()?;
    printer.detail(format_args!("model: {}", translator.describe()));

    let mut run = Run {
        translator,
        destination,
        bilingual,
        reading,
        printer,
        ending: Ending::Done,
        keep_reports: args.report.is_some(),
        reports: Vec::new(),
        totals: Totals::default(),
        failed: 0,
        doubtful: 0,
    };
    let mut waiting: Vec<Job> = Vec::new();
    let mut bytes = 0;
    for input in inputs {
        if run.bilingual.is_none() && run.reading.handling(input.name()) != Handling::Whole {
            bytes = 0;
            if !run.translate(std::mem::take(&mut waiting))? || !run.stream(&input)? {
                return Ok(run.ending);
            }
            continue;
        }
        match run.read(&input) {
            Ok(parsed) => {
                for fault in parsed.faults() {
                    run.fail(&Error::new(fault.kind(), fault.to_string()).at(input.name()));
                }
                bytes += parsed.document().source().len();
                waiting.push(Job { input, parsed });
            }
            Err(error) => run.give_up(&input, &error),
        }
        if bytes >= TOGETHER {
            bytes = 0;
            if !run.translate(std::mem::take(&mut waiting))? {
                return Ok(run.ending);
            }
        }
    }
    run.translate(waiting)?;
    run.finish(args.report.as_deref())
}

/// What a run carries from document to document.
struct Run<'a> {
    translator: Translator,
    destination: Destination<'a>,
    bilingual: Option<Bilingual>,
    reading: Reading,
    printer: &'a Printer,
    ending: Ending,
    keep_reports: bool,
    reports: Vec<Reported>,
    totals: Totals,
    /// Inputs of which nothing was written.
    failed: usize,
    /// Segments that someone should look at.
    doubtful: u64,
}

/// What the report says of an input.
#[derive(Serialize)]
struct Reported {
    #[serde(flatten)]
    report: DocumentReport,
    /// What was wrong with it, but for its segments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<String>,
}

impl Run<'_> {
    fn fail(&mut self, error: &Error) {
        self.printer.error(error);
        self.ending = Ending::Partly;
    }

    /// Of an input nothing can be written.
    fn give_up(&mut self, input: &Input, error: &Error) {
        self.fail(error);
        self.failed += 1;
        self.note(input, Vec::new(), vec![error.to_string()]);
    }

    /// Keeps what the report is to say of an input.
    fn note(&mut self, input: &Input, segments: Vec<SegmentReport>, errors: Vec<String>) {
        if self.keep_reports {
            let report = DocumentReport { name: Some(input.name().to_string_lossy().into_owned()), segments };
            self.reports.push(Reported { report, errors });
        }
    }

    fn read(&self, input: &Input) -> Result<Box<dyn Parsed>> {
        let format = self.reading.format(input.name())?;
        formats::parse_with(format, input.read()?, &self.reading.options).map_err(|e| e.at(input.name()))
    }

    /// Translates and writes; `false` when there is no one left to read.
    fn translate(&mut self, jobs: Vec<Job>) -> Result<bool> {
        let documents: Vec<&dyn Parsed> = jobs.iter().map(|job| job.parsed.as_ref()).collect();
        let (outcomes, totals) = {
            let bar = Bar::new(self.printer);
            self.translator.translate_documents(&documents, &bar).map_err(|error| stopped(error, &jobs))?
        };
        self.totals.add(&totals);
        for (job, outcome) in jobs.iter().zip(outcomes) {
            match self.write(job, &outcome) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => {
                    self.give_up(&job.input, &error);
                    continue;
                }
            }
            let errors = self.faults(&job.input, job.parsed.faults());
            self.mention(&job.input, &outcome);
            self.note(&job.input, outcome.report.segments, errors);
        }
        Ok(true)
    }

    /// Tells what of an input could not be read; answers it for the report.
    fn faults(&mut self, input: &Input, faults: &[Error]) -> Vec<String> {
        for fault in faults {
            self.fail(&Error::new(fault.kind(), fault.to_string()).at(input.name()));
        }
        faults.iter().map(ToString::to_string).collect()
    }

    /// Translates a file of records piece by piece; `false` when there is no one left to read.
    fn stream(&mut self, input: &Input) -> Result<bool> {
        let go_on = self.stream_rows(input).map_err(|error| error.at(input.name()));
        match go_on {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                self.give_up(input, &error);
                Ok(true)
            }
            other => other,
        }
    }

    fn stream_rows(&mut self, input: &Input) -> Result<bool> {
        let name = input.name();
        let mut rows = Rows::new(input.open()?, self.reading.format(name)?, &self.reading.options);
        let mut out = self.place(input).map(|path| output::Pending::create(&path)).transpose()?;
        let (mut segments, mut errors) = (Vec::new(), Vec::new());
        let bar = Bar::new(self.printer);
        for turn in 0.. {
            let (start, mut pieces) = (rows.bytes(), Vec::new());
            while rows.bytes() - start < PIECES
                && let Some(part) = rows.part(&self.reading.options, None)?
            {
                pieces.extend(part);
            }
            // At the start as well: what is no such file is told before anything of it goes to standard output.
            if turn == 0 || pieces.is_empty() {
                rows.tally().check(&self.reading.options)?;
            }
            if pieces.is_empty() {
                break;
            }
            let documents: Vec<&dyn Parsed> = pieces.iter().filter_map(Piece::parsed).collect();
            let (outcomes, totals) = self.translator.translate_documents(&documents, &bar)?;
            self.totals.add(&Totals { documents: usize::from(turn == 0), ..totals });
            let mut outcomes = outcomes.into_iter();
            for piece in &pieces {
                let mut outcome = piece.parsed().and_then(|_| outcomes.next()).unwrap_or_default();
                let bytes = piece.to_bytes(&mut outcome)?;
                match &mut out {
                    Some(file) => file.write(&bytes)?,
                    None if self.printer.result(&bytes)? => {}
                    None => return Ok(false),
                }
                let faults = self.faults(input, piece.faults());
                self.mention(input, &outcome);
                if self.keep_reports {
                    segments.extend(outcome.report.segments);
                    errors.extend(faults);
                }
            }
        }
        out.map_or(Ok(()), output::Pending::finish)?;
        self.note(input, segments, errors);
        Ok(true)
    }

    fn write(&self, job: &Job, outcome: &Outcome) -> Result<bool> {
        let bytes = match self.bilingual {
            None => job.parsed.to_bytes(&outcome.targets).map_err(|e| e.at(job.input.name()))?,
            Some(bilingual) => {
                let pairs = outcome.report.segments.iter();
                let pairs = pairs.map(|s| Pair { source: &s.source, target: &s.target, score: s.score });
                bilingual.write(&job.input.name().to_string_lossy(), pairs).into_bytes()
            }
        };
        match self.place(&job.input) {
            None => self.printer.result(&bytes),
            Some(path) => output::write(&path, &bytes).map(|()| true),
        }
    }

    /// The file that a document's English goes to; `None` for standard output.
    fn place(&self, input: &Input) -> Option<PathBuf> {
        match self.destination {
            Destination::Stdout => None,
            Destination::File(path) => Some(path.to_owned()),
            Destination::Directory(dir) => Some(dir.join(file_name(input, self.bilingual))),
        }
    }

    /// Says what is wrong with a translation, and in detail what someone should look at.
    fn mention(&mut self, input: &Input, outcome: &Outcome) {
        let name = input.name();
        if let Some(error) = outcome.error() {
            self.fail(&error.at(name));
        }
        self.doubtful += outcome.report.segments.iter().filter(|segment| is_doubtful(segment)).count() as u64;
        let name = name.display();
        for segment in &outcome.report.segments {
            for note in segment.notes.iter().filter(|n| n.warning) {
                self.printer.detail(format_args!("{name}: byte {}: {}", segment.offset, note.detail));
            }
        }
    }

    fn finish(self, report: Option<&Path>) -> Result<Ending> {
        let totals = &self.totals;
        self.printer.detail(format_args!(
            "{} words in {:.2} s: {:.0} words/s",
            totals.words,
            totals.seconds.translate + totals.seconds.retry,
            totals.words_per_second
        ));
        let memory = self.translator.engine().memory();
        progress::mention_memory(self.printer, memory.as_ref());
        if self.doubtful > 0 {
            progress::mention_doubtful(self.printer, self.doubtful, report, "--report FILE");
        }
        if let Some(path) = report {
            let mut totals = json!(totals);
            totals["documents_failed"] = self.failed.into();
            let report = json!({
                "program": concat!("fr2en ", env!("CARGO_PKG_VERSION")),
                "model": self.translator.describe(),
                "totals": totals,
                "memory": memory.map(|(used, _)| used),
                "documents": self.reports,
            });
            output::write(path, format!("{report:#}\n"))?;
        }
        Ok(self.ending)
    }
}

/// The inputs, none named twice where that could hurt.
fn inputs(files: &[PathBuf]) -> Result<Vec<Input>> {
    if files.is_empty() {
        return Ok(vec![Input::Stdin]);
    }
    let inputs: Vec<Input> = files.iter().map(|path| Input::from_arg(path)).collect();
    if inputs.iter().filter(|input| **input == Input::Stdin).count() > 1 {
        return Err(Error::settings("standard input can be read only once"));
    }
    Ok(inputs)
}

/// An interruption, and what it cost.
fn stopped(error: Error, jobs: &[Job]) -> Error {
    let Some(first) = jobs.first().filter(|_| error.kind() == ErrorKind::Interrupted) else { return error };
    let message = match jobs.len() - 1 {
        0 => "stopped before it was translated; nothing of it is written".to_owned(),
        more => format!("stopped before it and {more} more were translated; nothing of them is written"),
    };
    Error::new(error.kind(), message).at(first.input.name())
}

/// Where to write; finds out early what cannot work.
fn destination<'a>(args: &'a TranslateArgs, inputs: &[Input], bilingual: Option<Bilingual>) -> Result<Destination<'a>> {
    if let Some(report) = &args.report {
        output::check(report)?;
    }
    if let Some(path) = &args.output {
        if Place::of(path)? == Place::Stdout {
            return Ok(Destination::Stdout);
        }
        if inputs.len() > 1 {
            return Err(Error::settings("--output takes one input; use --out-dir for several"));
        }
        output::check(path)?;
        return Ok(Destination::File(path));
    }
    let Some(dir) = &args.out_dir else { return Ok(Destination::Stdout) };
    std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, "create", e))?;
    let mut names: Vec<PathBuf> = inputs.iter().map(|input| file_name(input, bilingual)).collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        let name = twice[0].display();
        return Err(Error::settings(format!("two inputs are called {name}; --out-dir would hold only one of them")));
    }
    Ok(Destination::Directory(dir))
}

/// Refuses what makes no sense on standard output: an archive on a terminal, or several things of which none can stand
/// behind another.
fn check_stdout(inputs: &[Input], bilingual: Option<Bilingual>, reading: &Reading) -> Result<()> {
    let is_archive = |input: &&Input| bilingual.is_none() && reading.format(input.name()).is_ok_and(Format::is_archive);
    let archive = inputs.iter().find(is_archive);
    if inputs.len() > 1 && (bilingual.is_some() || archive.is_some()) {
        let message = "several inputs cannot share standard output; use --out-dir";
        return Err(Error::settings(message).at(archive.map_or(Path::new("--bilingual"), Input::name)));
    }
    match archive.filter(|_| std::io::stdout().is_terminal()) {
        Some(input) => {
            let why = "is a document that no terminal shows; name a file for it with --output, or use --out-dir";
            Err(Error::settings(why).at(input.name()))
        }
        None => Ok(()),
    }
}

/// Refuses to write over what is read, or twice to one place.
fn distinct(
    args: &TranslateArgs,
    config: &Defaults,
    inputs: &[Input],
    destination: &Destination<'_>,
    bilingual: Option<Bilingual>,
    memory: Option<&MemorySettings>,
) -> Result<()> {
    let glossary = args.style.glossary.as_deref().or(config.glossary.as_deref());
    let read = inputs.iter().map(|input| ("the input", input.name()));
    let read: Vec<Named<'_>> = read.chain(glossary.map(|path| ("--glossary", path))).collect();
    let made: Vec<PathBuf> = match destination {
        Destination::Directory(dir) => inputs.iter().map(|input| dir.join(file_name(input, bilingual))).collect(),
        Destination::File(path) => vec![path.to_path_buf()],
        Destination::Stdout => vec!["-".into()],
    };
    let written = made.iter().map(|path| ("the translation", path.as_path()));
    let report = args.report.as_deref().map(|path| ("--report", path));
    let memory = memory.map(|memory| ("--memory", memory.path.as_path()));
    output::distinct(&read, &written.chain(report).chain(memory).collect::<Vec<_>>())
}

fn file_name(input: &Input, bilingual: Option<Bilingual>) -> PathBuf {
    let mut name = match input {
        Input::Stdin => "stdin.txt".into(),
        Input::File(path) => path.file_name().map_or_else(|| "document".into(), OsString::from),
    };
    if let Some(bilingual) = bilingual {
        name.push(format!(".{}", bilingual.extension()));
    }
    name.into()
}
