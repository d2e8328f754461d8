//! Gettext catalogues (PO) whose `msgid` is French: what has no translation yet gets one, in its `msgstr`. Everything else
//! (comments, contexts, flags, the header, what is translated already) stays byte for byte. Each line of a message is a text
//! of its own.

use std::ops::Range;

use super::inner;
use super::lines::{Line, has_letter, lines};
use super::records::{Found, Place, Records};
use super::{Format, Options, Parsed};
use crate::document::{Document, Mark, Target};
use crate::error::{Error, Result};

/// A catalogue. A message whose translation equals it keeps its empty `msgstr`, which means the same to gettext.
pub struct Catalogue {
    records: Records,
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
    pub fn parse(source: String, options: &Options) -> Result<Self> {
        let line_end = if source.contains("\r\n") { "\r\n" } else { "\n" };
        let mut found = Vec::new();
        let mut entry = Entry::default();
        let mut keyword = String::new();
        for (number, line) in lines(&source).iter().enumerate() {
            let content = source[line.content.clone()].trim_start_matches('\u{feff}').trim();
            if content.is_empty() || content.starts_with('#') {
                std::mem::take(&mut entry).finish(line_end, &mut found);
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
                std::mem::take(&mut entry).finish(line_end, &mut found);
            }
            keyword = word.to_owned();
            entry.put(word, value).ok_or_else(bad)?;
        }
        entry.finish(line_end, &mut found);
        let options = Options { content: Format::Plain, ..options.clone() };
        Ok(Self { records: Records::marked(source, &options, (found, Vec::new()), placeholders)? })
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

    fn finish(self, line_end: &'static str, found: &mut Vec<Found>) {
        let Some(id) = self.id.filter(|id| !id.text.is_empty()) else { return };
        for (number, string) in self.strings {
            let text = match (number, &self.plural) {
                (0, _) => &id.text,
                (1, Some(plural)) => &plural.text,
                _ => continue,
            };
            if string.text.is_empty() && has_letter(text) {
                let key = accelerator(text);
                let key = key.and_then(|at| Some((at, text[at..].chars().next()?, text[at + 1..].chars().next()?)));
                let text = key.map_or_else(|| text.clone(), |(at, ..)| [&text[..at], &text[at + 1..]].concat());
                let whole = text.clone();
                let encode = move |english: &str| {
                    // Gettext wants a line end at the end of both or of neither.
                    let english =
                        english.trim_end_matches('\n').to_owned() + &whole[whole.trim_end_matches('\n').len()..];
                    quoted(
                        &key.map_or(english.clone(), |(_, sign, letter)| accelerated(&english, sign, letter)),
                        line_end,
                    )
                };
                let to = Place::Over(string.range.clone());
                found.push(Found { range: string.range, text, places: None, to, encode: Box::new(encode) });
            }
        }
    }
}

/// A text as the strings of a message, a line each.
fn quoted(text: &str, line_end: &str) -> String {
    let quote = |text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("\"{}\"", text.replace('\t', "\\t").replace('\r', "\\r"))
    };
    let lines: Vec<String> = text.split_inclusive('\n').map(quote).collect();
    if lines.len() > 1 { format!("\"\"{line_end}{}", lines.join(line_end)) } else { quote(text) }
}

/// The sign before the letter that calls an entry of a menu: `&Ouvrir`, `_Fichier`, `E&nregistrer`, `Qui_tter`.
fn accelerator(text: &str) -> Option<usize> {
    let mut signs = text.match_indices(['&', '_']);
    let (at, sign) = signs.next().filter(|_| signs.next().is_none() && !text.contains(['<', '\n', '/', '@']))?;
    let (before, next) = (text[..at].chars().next_back(), text[at + 1..].chars().next()?);
    let key = match before {
        Some(c) if c.is_alphanumeric() => {
            // An identifier or initials look alike: `nom_fichier`, `R&D`.
            let entry = text.starts_with(char::is_uppercase) && text.split_whitespace().count() < 5;
            c.is_alphabetic() && next.is_lowercase() && (sign == "&" || entry)
        }
        _ => next.is_alphabetic(),
    };
    let entity = sign == "&" && inner::Markup::of(text) != inner::Markup::None;
    (key && !entity).then_some(at)
}

/// The text with the sign before the letter: at the start of a word, else in one, else before the first letter.
fn accelerated(text: &str, sign: char, letter: char) -> String {
    let hidden = placeholders(text);
    let free = |at: usize| !hidden.iter().any(|mark| mark.range.contains(&at));
    let letters = || text.char_indices().filter(|&(at, c)| c.is_alphabetic() && free(at));
    let same = |c: char| c.to_lowercase().eq(letter.to_lowercase());
    let first = |at: usize| !text[..at].ends_with(char::is_alphanumeric);
    let found = letters().find(|&(at, c)| same(c) && first(at));
    match found.or_else(|| letters().find(|&(_, c)| same(c))).or_else(|| letters().next()) {
        Some((at, _)) => format!("{}{sign}{}", &text[..at], &text[at..]),
        None => text.to_owned(),
    }
}

/// `%s`, `%1$d`, `%(name)s`, `{name}`, `:name`: what a program fills in passes through.
fn placeholders(text: &str) -> Vec<Mark> {
    let mut out: Vec<Mark> = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['%', '{', ':']) {
        let start = at + found;
        let rest = &text[start..];
        let length = match text.as_bytes()[start] {
            // A percentage in figures is known by its number.
            b'%' if rest.starts_with("%%") && text[..start].trim_end().ends_with(|c: char| c.is_ascii_digit()) => {
                at = start + 2;
                continue;
            }
            b'%' => percent(rest),
            b'{' => brace(rest),
            // A colon that is followed by no space and follows one.
            _ if text[..start].ends_with(|c: char| !c.is_whitespace() && !"(«\"'".contains(c)) => 0,
            _ => {
                let name = rest[1..].bytes().take_while(|b| b.is_ascii_lowercase() || *b == b'_').count();
                if name > 1 { 1 + name } else { 0 }
            }
        };
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
    if rest.starts_with('%') {
        return 2;
    }
    let letter = kind[long..].starts_with(|c: char| "diouxXeEfgGcsp@".contains(c));
    // `5 %de` and such are words: a placeholder ends where a word does.
    let over = !kind[long..].chars().nth(1).is_some_and(char::is_alphabetic);
    if !(letter && over) {
        return 0;
    }
    let length = 1 + named + flags + long + 1;
    // The sign of a percentage goes with its figure.
    let sign = text[length..].trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    if sign.starts_with("%%") { text.len() - sign.len() + 2 } else { length }
}

fn brace(text: &str) -> usize {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '!' | ':' | '[' | ']');
    let inner = text[1..].find(|c: char| !known(c)).unwrap_or(0);
    if text[1 + inner..].starts_with('}') { inner + 2 } else { 0 }
}

impl Parsed for Catalogue {
    fn document(&self) -> &Document {
        self.records.document()
    }

    fn texts(&self) -> Vec<Range<usize>> {
        self.records.texts()
    }

    fn write(&self, block: usize, target: &Target) -> String {
        self.records.write(block, target)
    }

    fn render(&self, targets: &[Target]) -> String {
        self.records.render(targets)
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
        assert_eq!(texts, ["Ouvrir « %s » dans {name}", "Une ligne", "%d lignes"]);
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

    fn said(id: &str, english: &[&str]) -> String {
        let source = format!("msgid {id}\nmsgstr \"\"\n");
        let parsed = read(Format::Po, &source);
        assert_eq!(parsed.document().blocks().len(), english.len(), "{id}");
        let targets: Vec<Target> = english.iter().map(|e| Target { text: e.to_string(), marks: vec![] }).collect();
        let out = parsed.render(&targets);
        out[source.len() - 3..].trim_end().to_owned()
    }

    #[test]
    fn lines_and_cells_are_texts_and_keep_their_places() {
        let said =
            said(r#""Options :\n  -a  affiche tout\nNom\tTaille\n""#, &["Options:", "shows all", "Name", "Size"]);
        assert_eq!(said, "\"\"\n\"Options:\\n\"\n\"  -a  shows all\\n\"\n\"Name\\tSize\\n\"");
    }

    #[test]
    fn tags_of_html_stay_round_their_words() {
        let parsed = read(Format::Po, "msgid \"Cliquez <a href=\\\"%s\\\">ici</a>.\"\nmsgstr \"\"\n");
        let out = render(&*parsed, upper);
        assert!(out.ends_with("msgstr \"CLIQUEZ <a href=\\\"%s\\\">ICI</a>.\"\n"), "{out}");
    }

    #[test]
    fn the_letter_that_calls_an_entry_is_one_of_the_translation() {
        for (french, english, expected) in [
            ("\"&Ouvrir\"", "Open", "\"&Open\""),
            ("\"E&nregistrer sous %s\"", "Save as %s", "\"&Save as %s\""),
            ("\"_Fichier\"", "File", "\"_File\""),
            ("\"Qui_tter\"", "Quit", "\"Qui_t\""),
            ("\"nom_fichier ici\"", "nom_fichier here", "\"nom_fichier here\""),
            ("\"R&D de pointe\"", "Advanced R&D", "\"Advanced R&D\""),
        ] {
            assert_eq!(said(french, &[english]), expected, "{french}");
        }
    }

    #[test]
    fn placeholders_pass_through() {
        let text = "%s %1$d %(nom)s {0} {a b} 5 % de 5 %de %d %% (%%) 9 %% :nom a:b : c";
        let found: Vec<&str> = placeholders(text).into_iter().map(|m| &text[m.range]).collect();
        assert_eq!(found, ["%s", "%1$d", "%(nom)s", "{0}", "%d %%", "%%", ":nom"]);
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
