//! One JSON line in, one line out, in order: for programs that keep a translator running beside them.

use std::io::{self, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::lines;
use crate::error::{Error, Result};
use crate::formats::{self, KEPT, Parsed, Records};
use crate::translator::Translator;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    pub lines: u64,
    /// Lines that were answered with an error.
    pub failed: u64,
    /// Whether it was stopped while lines waited for an answer.
    pub stopped: bool,
    /// Whether no one reads the answers any more.
    pub left: bool,
}

/// Lines that wait to be translated, at most: more are left in the pipe.
const WAITING: usize = 1024;

/// Source bytes that are translated together, at most: what comes in meanwhile waits no longer than these take.
const TOGETHER: usize = 128 << 10;

/// How often to look whether to stop while nothing comes in.
const LOOK: Duration = Duration::from_millis(50);

/// Reads lines in a thread of its own, so that one can wait for them and be interrupted.
pub fn lines_of(input: impl Read + Send + 'static) -> Receiver<io::Result<Vec<u8>>> {
    let (out, received) = sync_channel(WAITING);
    std::thread::spawn(move || {
        let mut input = BufReader::with_capacity(1 << 16, input);
        loop {
            let mut line = Vec::new();
            let read = lines::next(&mut input, &mut line).map(|more| more.then_some(line));
            let last = !matches!(read, Ok(Some(_)));
            if read.transpose().is_some_and(|line| out.send(line).is_err()) || last {
                return;
            }
        }
    });
    received
}

/// What to do with a line.
enum Line {
    /// A blank one.
    Same(Vec<u8>),
    Parsed(Box<dyn Parsed>, Vec<u8>),
    Failed(String),
}

/// Answers every line with its translation, or with `{"id":…,"error":…}`. What waits is translated together; no line
/// waits for more to come. `stop` is asked whether to leave once the lines in hand are answered.
///
/// # Errors
/// When the input cannot be read or the output not be written, or the options make no sense.
pub fn serve(
    input: &Receiver<io::Result<Vec<u8>>>,
    out: &mut dyn Write,
    translator: &Translator,
    options: &formats::Options,
    id: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Served> {
    formats::records::check(options)?;
    let mut served = Served::default();
    loop {
        let stopping = stop();
        let first = match input.recv_timeout(LOOK) {
            Ok(_) if stopping => {
                served.stopped = true;
                break;
            }
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) if !stopping => continue,
            // Everything that came is answered.
            Err(_) => break,
        };
        let mut bytes = 0;
        let mut batch = Vec::new();
        let mut failure = None;
        for line in std::iter::once(first).chain(std::iter::from_fn(|| input.try_recv().ok())) {
            match line {
                Ok(line) => {
                    bytes += line.len();
                    batch.push(read(line, options, id));
                }
                Err(error) => failure = Some(Error::io("<standard input>", "read", error)),
            }
            if bytes >= TOGETHER || failure.is_some() {
                break;
            }
        }
        served.lines += batch.len() as u64;
        let answers = answer(batch, translator, id, &mut served.failed)?;
        match out.write_all(&answers).and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                served.left = true;
                break;
            }
            Err(error) => return Err(Error::io("<standard output>", "write", error)),
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
    }
    Ok(served)
}

fn read(line: Vec<u8>, options: &formats::Options, id: &str) -> Line {
    if line.trim_ascii().is_empty() {
        return Line::Same(line);
    }
    let failed = |why: &str| Line::Failed(failure(&line, id, why));
    let Ok(text) = str::from_utf8(&line) else { return failed("not UTF-8") };
    match Records::jsonl_part(text.to_owned(), 1, options) {
        Ok((records, tally)) => match (records.faults().first(), tally.check(options)) {
            (Some(fault), _) => {
                let fault = fault.to_string();
                let fault = fault.strip_prefix("line 1: ").unwrap_or(&fault);
                failed(fault.strip_suffix(KEPT).unwrap_or(fault))
            }
            (None, Err(error)) => failed(&error.to_string()),
            (None, Ok(())) => Line::Parsed(Box::new(records), line),
        },
        Err(error) => failed(&error.to_string()),
    }
}

/// The answers to some lines, each with its line end.
fn answer(batch: Vec<Line>, translator: &Translator, id: &str, failures: &mut u64) -> Result<Vec<u8>> {
    let documents: Vec<&dyn Parsed> = batch
        .iter()
        .filter_map(|line| match line {
            Line::Parsed(parsed, _) => Some(parsed.as_ref()),
            _ => None,
        })
        .collect();
    let (outcomes, _) = translator.translate_documents(&documents, &())?;
    let mut outcomes = outcomes.into_iter();
    let mut answers = Vec::new();
    for line in &batch {
        match line {
            Line::Same(line) => answers.extend_from_slice(line),
            Line::Failed(answer) => {
                *failures += 1;
                answers.extend_from_slice(answer.as_bytes());
            }
            Line::Parsed(parsed, line) => {
                let outcome = outcomes.next().unwrap_or_default();
                match outcome.error().map_or_else(|| parsed.to_bytes(&outcome.targets), Err) {
                    Ok(bytes) => answers.extend_from_slice(&bytes),
                    Err(error) => {
                        *failures += 1;
                        answers.extend_from_slice(failure(line, id, &error.to_string()).as_bytes());
                    }
                }
            }
        }
        // The last line of an input may have no end; every answer has one.
        if !answers.ends_with(b"\n") {
            answers.push(b'\n');
        }
    }
    Ok(answers)
}

fn failure(line: &[u8], id: &str, why: &str) -> String {
    let row: Value = serde_json::from_slice(line).unwrap_or_default();
    json!({"id": row.get(id).unwrap_or(&Value::Null), "error": why}).to_string()
}
