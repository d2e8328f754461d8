//! What became of marked-up words:
//!
//! `cargo run --release --example spans -- FILE…`
//!
//! Translates documents with the default model, and prints a line of JSON for each stretch of text that markup marks: the
//! block that it stands in and the stretch itself, in French and in English. `scripts/eval/tags.py` judges them.

use std::path::PathBuf;

use fr2en::error::{Error, Result};
use fr2en::formats::{self, Format};
use fr2en::translator::Translator;
use serde_json::json;

fn main() -> Result<()> {
    let translator = Translator::builder().build()?;
    for path in std::env::args().skip(1).map(PathBuf::from) {
        let bytes = std::fs::read(&path).map_err(|e| Error::io(&path, "read", e))?;
        let parsed = match formats::parse(Format::from_path(&path).unwrap_or_default(), bytes) {
            Ok(parsed) => parsed,
            Err(error) => {
                eprintln!("error: {}", error.at(&path));
                continue;
            }
        };
        let (outcomes, _) = translator.translate_documents(&[parsed.as_ref()], &())?;
        for (block, target) in parsed.document().blocks().iter().zip(&outcomes[0].targets) {
            for mark in block.marks.iter().filter(|mark| !mark.verbatim && !mark.range.is_empty()) {
                let found = target.marks.iter().find(|found| found.id == mark.id);
                let line = json!({
                    "file": path,
                    "source": block.text,
                    "inner": block.text[mark.range.clone()],
                    "target": target.text,
                    "found": found.and_then(|found| target.text.get(found.range.clone())),
                });
                println!("{line}");
            }
        }
    }
    Ok(())
}
