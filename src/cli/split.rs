//! `fr2en split`: shows how text is split, without a model.

use serde_json::{Value, json};

use super::Ending;
use super::args::SplitArgs;
use super::input::Input;
use super::printer::Printer;
use super::settings;
use crate::error::{Error, Result};
use crate::formats::{self, encoding};
use crate::split;

/// Runs the subcommand.
///
/// # Errors
/// When a setting is wrong or standard output cannot be written. Inputs that cannot be read are reported, the rest goes on.
pub fn run(args: &SplitArgs, printer: &Printer) -> Result<Ending> {
    let reading = settings::reading(&args.reading)?;
    let mut inputs: Vec<Input> = args.files.iter().map(|path| Input::from_arg(path)).collect();
    if inputs.is_empty() {
        inputs.push(Input::Stdin);
    }
    let mut ending = Ending::Done;
    for input in &inputs {
        let show = |bytes| {
            if args.jsonl {
                return lines(&encoding::decode(bytes, reading.options.encoding)?, printer);
            }
            let parsed = formats::parse_with(reading.format(input.name())?, bytes, &reading.options)?;
            printer.result(segments(parsed.as_ref(), args.json))
        };
        let shown = input.read().and_then(|bytes| show(bytes).map_err(|e| e.at(input.name())));
        match shown {
            Ok(true) => {}
            Ok(false) => return Ok(ending),
            Err(error) => {
                printer.error(&error);
                ending = Ending::Partly;
            }
        }
    }
    Ok(ending)
}

/// One line a segment: as JSON, or for the eye.
fn segments(parsed: &dyn formats::Parsed, as_json: bool) -> String {
    let blocks = parsed.document().blocks();
    let segments = split::split_texts(blocks, parsed.texts());
    let mut out = String::new();
    for segment in split::describe(blocks, &segments) {
        if as_json {
            out.push_str(&json!(segment).to_string());
        } else {
            let kind = json!(segment.kind);
            let one_line = segment.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let (block, depth) = (segment.block, segment.depth);
            out.push_str(&format!("{block}\t{}\t{depth}\t{one_line}", kind.as_str().unwrap_or_default()));
        }
        out.push('\n');
    }
    out
}

/// `{"id","text"}` lines in, `{"id","sentences"}` lines out.
fn lines(text: &str, printer: &Printer) -> Result<bool> {
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |why: String| Error::input(format!("line {}: {why}", number + 1));
        let row: Value = serde_json::from_str(line).map_err(|e| wrong(format!("not JSON: {e}")))?;
        let text = row["text"].as_str().ok_or_else(|| wrong("no string \"text\"".into()))?;
        let sentences: Vec<&str> = split::sentences(text).into_iter().map(|range| &text[range]).collect();
        if !printer.result(format!("{}\n", json!({ "id": row["id"], "sentences": sentences })))? {
            return Ok(false);
        }
    }
    Ok(true)
}
