//! Gettext catalogues (PO) whose `msgid` is French: what has no translation yet gets one, in its `msgstr`. Everything else
//! (comments, contexts, flags, the header, what is translated already) stays byte for byte.

use std::ops::Range;

use super::lines::{Line, has_letter, lines};
use super::{Options, Parsed};
use crate::document::{Block, BlockKind, Document, Mark, Target};
use crate::error::{Error, Result};

/// A catalogue. A message whose translation equals it keeps its empty `msgstr`, which means the same to gettext.
#[derive(Debug)]
pub struct Catalogue {
    document: Document,
    line_end: &'static str,
}

/// A keyword's value: its text and the source bytes from its first quote to its last.
#[derive(Clone, Debug, Default)]
struct Value {
    text: String,
    range: Range<usize>,
}

/// One message, as far as it has been read.
#[derive(Debug, Default)]
struct Entry {
    context: Option<Value>,
    id: Option<Value>,
    plural: Option<Value>,
    /// By number; 0 for the only one.
    strings: Vec<(usize, Value)>,
}

impl Catalogue {
    /// Reads a catalogue.
    ///
    /// # Errors
    /// When a line is neither a comment nor a keyword with a value; the message names it.
    pub fn parse(source: String, _: &Options) -> Result<Self> {
        let mut blocks = Vec::new();
        let mut entry = Entry::default();
        let mut keyword = String::new();
        for (number, line) in lines(&source).iter().enumerate() {
            let content = source[line.content.clone()].trim_start_matches('\u{feff}').trim();
            if content.is_empty() || content.starts_with('#') {
                std::mem::take(&mut entry).finish(&mut blocks);
                keyword.clear();
                continue;
            }
            let bad =
                || Error::input(format!("line {}: not a keyword of a PO file with a value between quotes", number + 1));
            let (word, value) = value(&source, line).ok_or_else(bad)?;
            if word.is_empty() {
                entry.last(&keyword).ok_or_else(bad)?.add(value);
                continue;
            }
            if matches!(word, "msgid" | "msgctxt") && entry.id.is_some() {
                std::mem::take(&mut entry).finish(&mut blocks);
            }
            keyword = word.to_owned();
            entry.put(word, value).ok_or_else(bad)?;
        }
        entry.finish(&mut blocks);
        let line_end = if source.contains("\r\n") { "\r\n" } else { "\n" };
        Ok(Self { document: Document::new(source, blocks)?, line_end })
    }
}

/// The keyword of a line, if it has one, and its value.
fn value<'a>(source: &'a str, line: &Line) -> Option<(&'a str, Value)> {
    let content = &source[line.content.clone()];
    let open = content.find('"')?;
    let word = content[..open].trim_start_matches('\u{feff}').trim();
    let inner = content[open + 1..].trim_end().strip_suffix('"')?;
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                c => c,
            }),
            c => text.push(c),
        }
    }
    let start = line.content.start + open;
    Some((word, Value { text, range: start..start + inner.len() + 2 }))
}

impl Value {
    fn add(&mut self, more: Value) {
        self.text.push_str(&more.text);
        self.range.end = more.range.end;
    }
}

impl Entry {
    fn put(&mut self, word: &str, value: Value) -> Option<()> {
        match word {
            "msgctxt" => self.context = Some(value),
            "msgid" => self.id = Some(value),
            "msgid_plural" => self.plural = Some(value),
            "msgstr" => self.strings.push((0, value)),
            _ => {
                let number = word.strip_prefix("msgstr[")?.strip_suffix(']')?.parse().ok()?;
                self.strings.push((number, value));
            }
        }
        Some(())
    }

    /// The value that a line without a keyword goes on.
    fn last(&mut self, keyword: &str) -> Option<&mut Value> {
        match keyword {
            "msgid" => self.id.as_mut(),
            "msgid_plural" => self.plural.as_mut(),
            "msgctxt" => self.context.as_mut(),
            _ => self.strings.last_mut().map(|(_, value)| value),
        }
    }

    fn finish(self, blocks: &mut Vec<Block>) {
        let Some(id) = self.id.filter(|id| !id.text.is_empty()) else { return };
        for (number, string) in self.strings {
            let text = match (number, &self.plural) {
                (0, _) => &id.text,
                (1, Some(plural)) => &plural.text,
                _ => continue,
            };
            if string.text.is_empty() && has_letter(text) {
                let marks = placeholders(text);
                blocks.push(Block { range: string.range, kind: BlockKind::Field, text: text.clone(), marks });
            }
        }
    }
}

/// `%s`, `%1$d`, `%(name)s`, `{name}`: what a program fills in passes through.
fn placeholders(text: &str) -> Vec<Mark> {
    let mut out: Vec<Mark> = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['%', '{']) {
        let start = at + found;
        let length = if text[start..].starts_with('%') { percent(&text[start..]) } else { brace(&text[start..]) };
        if length > 0 {
            out.push(Mark { range: start..start + length, id: out.len(), verbatim: true });
        }
        at = start + length.max(1);
    }
    out
}

fn percent(text: &str) -> usize {
    let rest = &text[1..];
    let named = rest.strip_prefix('(').and_then(|inner| inner.find(')')).map_or(0, |n| n + 2);
    let flags = rest[named..].bytes().take_while(|b| b.is_ascii_digit() || b"$.+-#".contains(b)).count();
    let kind = &rest[named + flags..];
    let long = kind.bytes().take_while(|b| b"lhzjt".contains(b)).count();
    let letter = kind[long..].starts_with(|c: char| "diouxXeEfgGcsp@".contains(c));
    // `5 %de` and such are words: a placeholder ends where a word does.
    let over = !kind[long..].chars().nth(1).is_some_and(char::is_alphabetic);
    if letter && over { 1 + named + flags + long + 1 } else { 0 }
}

fn brace(text: &str) -> usize {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '!' | ':' | '[' | ']');
    let inner = text[1..].find(|c: char| !known(c)).unwrap_or(0);
    if text[1 + inner..].starts_with('}') { inner + 2 } else { 0 }
}

impl Parsed for Catalogue {
    fn document(&self) -> &Document {
        &self.document
    }

    fn write(&self, block: usize, target: &Target) -> String {
        let own = &self.document.blocks()[block];
        if target.text == own.text {
            return self.document.source()[own.range.clone()].to_owned();
        }
        // Gettext wants a line end at the end of both or of neither.
        let mut text = target.text.trim_end_matches('\n').to_owned();
        text.push_str(&own.text[own.text.trim_end_matches('\n').len()..]);
        let quote = |text: &str| {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            format!("\"{}\"", text.replace('\t', "\\t").replace('\r', "\\r"))
        };
        let lines: Vec<String> = text.split_inclusive('\n').map(quote).collect();
        if lines.len() > 1 { format!("\"\"{}{}", self.line_end, lines.join(self.line_end)) } else { quote(&text) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::{hold, hostile, read, render, same, upper};
    use super::super::{Format, parse};
    use super::*;

    const SOURCE: &str = "msgid \"\"\nmsgstr \"\"\n\"Language: en\\n\"\n\n# note\n#: a.c:1\nmsgctxt \"menu\"\nmsgid \"Ouvrir « %s » dans {name}\\n\"\nmsgstr \"\"\n\nmsgid \"\"\n\"Une \"\n\"ligne\"\nmsgid_plural \"%d lignes\"\nmsgstr[0] \"\"\nmsgstr[1] \"\"\n\nmsgid \"Fait\"\nmsgstr \"Done\"\n#~ msgid \"vieux\"\n";

    #[test]
    fn what_has_no_translation_gets_one() {
        let parsed = read(Format::Po, SOURCE);
        let texts: Vec<_> = parsed.document().blocks().iter().map(|b| b.text.as_str()).collect();
        assert_eq!(texts, ["Ouvrir « %s » dans {name}\n", "Une ligne", "%d lignes"]);
        assert_eq!(render(&*parsed, same), SOURCE);
        let out = render(&*parsed, upper);
        assert!(out.contains("dans {name}\\n\"\nmsgstr \"OUVRIR « %s » DANS {name}\\n\"\n"), "{out}");
        assert!(
            out.contains("msgstr[0] \"UNE LIGNE\"\nmsgstr[1] \"%d LIGNES\"\n\nmsgid \"Fait\"\nmsgstr \"Done\"\n"),
            "{out}"
        );
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = parse(Format::Po, "msgid \"a\"\nmsgstr oui\n".to_owned()).map(|_| ()).expect_err("no quotes");
        assert!(error.to_string().contains("line 2"), "{error}");
    }

    #[test]
    fn placeholders_pass_through() {
        let text = "%s %1$d %(nom)s {0} {a b} 5 % de 5 %de %%";
        let found: Vec<&str> = placeholders(text).into_iter().map(|m| &text[m.range]).collect();
        assert_eq!(found, ["%s", "%1$d", "%(nom)s", "{0}"]);
    }

    const PARTS: &[&str] = &[
        "msgid \"\"\n",
        "msgid \"un mot\"\n",
        "msgstr \"\"\n",
        "msgstr[1] \"\"\n",
        "msgid_plural \"%d mots\"\n",
        "\"suite\\n\"\n",
        "\n",
        "msgctxt \"x\"\n",
        "\"y\"\n",
        "# x\n",
        "#~ msgid \"z\"\n",
        "msgstr \"fait\"\n",
        "msgid \"a \\\"b\\\" \\\\ c\"\r\n",
    ];

    proptest! {
        #[test]
        fn laws(source in hostile(PARTS), tame in proptest::collection::vec(proptest::sample::select(PARTS), 0..20)) {
            for source in [source, tame.concat()] {
                if let Ok(parsed) = Catalogue::parse(source.clone(), &Options::default()) {
                    hold(&parsed, &source)?;
                }
            }
        }
    }
}
