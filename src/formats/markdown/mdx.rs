//! What MDX adds to Markdown: components with values in braces, comments, lines of script.

use std::ops::Range;

use crate::formats::lines::lines;

/// How far the end of a tag or a comment is looked for, in bytes.
const FAR: usize = 4096;

/// The values between braces of tags' attributes: `<Chart couleur={'#fff'} />`. To Markdown they would be no tags.
pub(super) fn values(source: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let bytes = source.as_bytes();
    let mut at = 0;
    while let Some(found) = source[at..].find('<') {
        let start = at + found + 1;
        at = start;
        if !bytes.get(start).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let mut i = start;
        let mut values = Vec::new();
        while let Some(&b) = bytes.get(i).filter(|_| i < start + FAR) {
            i = match b {
                b'>' => {
                    out.append(&mut values);
                    at = i;
                    break;
                }
                b'<' => break,
                b'"' | b'\'' => match bytes[i + 1..].iter().take(FAR).position(|&c| c == b) {
                    Some(n) => i + 1 + n + 1,
                    None => break,
                },
                b'{' => match balanced(&bytes[i..]).filter(|_| bytes[i - 1] == b'=') {
                    Some(n) => {
                        values.push(i..i + n);
                        i + n
                    }
                    None => break,
                },
                _ => i + 1,
            };
        }
    }
    out
}

/// How long the brace at the start is with all that stands up to its other half.
fn balanced(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    for (i, b) in bytes.iter().enumerate().take(FAR) {
        match b {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i + 1);
        }
    }
    None
}

/// Comments between braces, lines that import and export.
pub(super) fn passages(source: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = source[at..].find("{/*") {
        let start = at + found;
        let inside = source[start..].split("\n\n").next().unwrap_or_default();
        at = match inside.find("*/}") {
            Some(n) => {
                out.push(start..start + n + 3);
                start + n + 3
            }
            None => start + inside.len(),
        };
    }
    let mut end = 0;
    let rows = lines(source);
    for (i, line) in rows.iter().enumerate().filter(|(_, line)| is_script(&source[line.content.clone()])) {
        if line.content.start < end {
            continue;
        }
        // To the line on which all brackets are closed, or to a blank one.
        let mut depth = 0isize;
        for line in &rows[i..] {
            let text = &source[line.content.clone()];
            if text.trim().is_empty() {
                break;
            }
            end = line.content.end;
            let count = |signs: [char; 3]| isize::try_from(text.matches(signs).count()).unwrap_or(isize::MAX);
            depth += count(['{', '(', '[']) - count(['}', ')', ']']);
            if depth <= 0 {
                break;
            }
        }
        out.push(line.content.start..end);
    }
    out
}

fn is_script(line: &str) -> bool {
    let quoted = |text: &str| text.trim_start().starts_with(['"', '\'']);
    if let Some(rest) = line.strip_prefix("import ") {
        return quoted(rest) || rest.rsplit_once(" from ").is_some_and(|(_, from)| quoted(from)) || rest.trim() == "{";
    }
    let Some(rest) = line.strip_prefix("export ") else { return false };
    let word = rest.split([' ', '(']).next().unwrap_or_default();
    rest.starts_with(['{', '*'])
        || matches!(word, "async" | "class" | "const" | "default" | "function" | "interface" | "let" | "type" | "var")
}
