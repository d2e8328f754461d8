//! Records: a JSON object on each line, or rows of CSV and TSV. The named fields are translated, each a document of its own;
//! everything else stays byte for byte. A row that is broken passes through and is reported with its line.

use std::ops::Range;

use super::inner::{self, Markup};
use super::rows::{self, Read, Tally};
use super::table::Table;
use super::{Format, Options, Parsed};
use crate::document::{Block, Document, Mark, Target};
use crate::error::{Error, Result};

/// A file of records.
pub struct Records {
    document: Document,
    values: Vec<Value>,
    faults: Vec<Error>,
}

/// A field's value as the readers of rows find it.
pub(crate) struct Found {
    /// Source bytes of the value's text, without quotes.
    pub range: Range<usize>,
    pub text: String,
    /// Where each byte of `text` starts in the source, and where the last ends; `None` where they are the same bytes.
    pub places: Option<Vec<usize>>,
    /// Where the translation goes.
    pub to: Place,
    /// Writes a text as such a value.
    pub encode: Box<dyn Fn(&str) -> String + Send + Sync>,
}

/// Where a translation goes.
pub(crate) enum Place {
    /// In the value's own place.
    Here,
    /// Over these source bytes, between these strings.
    Into { range: Range<usize>, before: String, after: String },
    /// Over these source bytes, where it is not the text again.
    Over(Range<usize>),
}

struct Value {
    found: Found,
    /// The value as a document, and the numbers of its blocks in the whole.
    inner: Box<dyn Parsed>,
    blocks: Range<usize>,
}

impl Records {
    /// Reads JSON lines.
    ///
    /// # Errors
    /// When no line can be read or none has a field that was named.
    pub fn jsonl(source: String, options: &Options) -> Result<Self> {
        let (mut records, tally) = Self::jsonl_part(source, 1, options)?;
        match tally.check(options) {
            // What is wrong with the first line says more than that all are wrong.
            Err(_) if tally.rows == tally.broken => Err(records.faults.swap_remove(0)),
            checked => checked.map(|()| records),
        }
    }

    /// Reads some lines of a JSON lines file, whole ones, the first of which has this number. Whether the file makes sense
    /// is for [`Tally::check`] to say, when all its parts are read.
    ///
    /// # Errors
    /// When the options make no sense.
    pub fn jsonl_part(source: String, first: usize, options: &Options) -> Result<(Self, Tally)> {
        check(options)?;
        let (read, tally) = rows::jsonl(&source, first, options);
        Ok((Self::new(source, options, read)?, tally))
    }

    /// Reads a table; `tabs` for TSV.
    ///
    /// # Errors
    /// When a column that was named is not there, or no row can be read.
    pub fn table(source: String, options: &Options, tabs: bool) -> Result<Self> {
        check(options)?;
        match Table::begin(&source, options, tabs)? {
            None => Self::new(source, options, (Vec::new(), Vec::new())),
            Some(table) => {
                let (records, tally) = Self::table_part(source, &table, 1, options)?;
                tally.check(options).map(|()| records)
            }
        }
    }

    /// Reads some rows of a table, whole ones, the first of which stands on this line.
    ///
    /// # Errors
    /// When the options make no sense.
    pub fn table_part(source: String, table: &Table, first: usize, options: &Options) -> Result<(Self, Tally)> {
        check(options)?;
        let (read, tally) = table.read(&source, first);
        Ok((Self::new(source, options, read)?, tally))
    }

    fn new(source: String, options: &Options, read: Read) -> Result<Self> {
        Self::marked(source, options, read, |_| Vec::new())
    }

    /// Records whose texts, where they hold no markup, have what `marks` finds in them pass through.
    ///
    /// # Errors
    /// When a text is none of the kind that the options say.
    pub(super) fn marked(
        source: String,
        options: &Options,
        (found, faults): Read,
        marks: fn(&str) -> Vec<Mark>,
    ) -> Result<Self> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut values = Vec::new();
        for found in found {
            let inner = inner::parse(found.text.clone(), options)?;
            let plain = Markup::of(&found.text) == Markup::None;
            let start = blocks.len();
            for block in inner.document().blocks() {
                let range = match &found.to {
                    Place::Here => found.place(block.range.start)..found.place(block.range.end),
                    Place::Into { range, .. } | Place::Over(range) => range.start..range.start,
                };
                let marks = if plain && block.marks.is_empty() { marks(&block.text) } else { block.marks.clone() };
                blocks.push(Block { range, marks, ..block.clone() });
            }
            values.push(Value { found, inner, blocks: start..blocks.len() });
        }
        Ok(Self { document: Document::new(source, blocks)?, values, faults })
    }
}

/// Whether the options make sense for records.
pub(crate) fn check(options: &Options) -> Result<()> {
    if options.fields.is_empty() {
        return Err(Error::settings("no field to translate is named; name one, such as --field text"));
    }
    if options.into.is_some() && options.fields.len() > 1 {
        return Err(Error::settings("--into takes the translation of one field; several are named"));
    }
    if matches!(options.content, Format::Jsonl | Format::Csv | Format::Tsv) {
        return Err(Error::settings("a field cannot hold records; give the format of the text in it"));
    }
    Ok(())
}

impl Found {
    /// The source byte of a byte of the text.
    fn place(&self, at: usize) -> usize {
        match &self.places {
            Some(places) => places.get(at).copied().unwrap_or(self.range.end),
            None => self.range.start + at,
        }
    }
}

impl Parsed for Records {
    fn document(&self) -> &Document {
        &self.document
    }

    fn texts(&self) -> Vec<Range<usize>> {
        self.values.iter().map(|value| value.blocks.clone()).collect()
    }

    fn faults(&self) -> &[Error] {
        &self.faults
    }

    fn write(&self, block: usize, target: &Target) -> String {
        let own = &self.document.blocks()[block];
        let at = self.values.partition_point(|value| value.blocks.end <= block);
        match self.values.get(at) {
            Some(value)
                if matches!(value.found.to, Place::Here) && (target.text != own.text || target.marks != own.marks) =>
            {
                (value.found.encode)(&value.inner.write(block - value.blocks.start, target))
            }
            // The field that the translation goes into is written as a whole.
            _ => self.document.source()[own.range.clone()].to_owned(),
        }
    }

    fn render(&self, targets: &[Target]) -> String {
        let source = self.document.source();
        let mut out = String::with_capacity(source.len() + source.len() / 4);
        let mut at = 0;
        for value in &self.values {
            let own = targets.get(value.blocks.clone()).unwrap_or_default();
            let blocks = value.inner.document().blocks();
            let same =
                blocks.iter().zip(own).all(|(b, t)| b.text == t.text && (b.marks.is_empty() || b.marks == t.marks));
            let written = || (value.found.encode)(&value.inner.render(own));
            match &value.found.to {
                Place::Here | Place::Over(_) if same => {}
                Place::Here => {
                    out.push_str(&source[at..value.found.range.start]);
                    out.push_str(&written());
                    at = value.found.range.end;
                }
                Place::Into { range, before, after } => {
                    out.push_str(&source[at..range.start]);
                    out.push_str(&[before, &written(), after].map(String::as_str).concat());
                    at = range.end;
                }
                Place::Over(range) => {
                    out.push_str(&source[at..range.start]);
                    out.push_str(&written());
                    at = range.end;
                }
            }
        }
        out + &source[at..]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::{hold, hostile, render, same, upper};
    use super::super::parse_with;
    use super::*;

    fn options(fields: &[&str], into: Option<&str>) -> Options {
        Options {
            fields: fields.iter().map(|f| f.to_string()).collect(),
            into: into.map(str::to_owned),
            ..Options::default()
        }
    }

    fn shouted(format: Format, source: &str, options: &Options) -> String {
        let parsed = parse_with(format, source.to_owned(), options).expect("it is a document");
        assert!(options.into.is_some() || render(&*parsed, same) == source);
        render(&*parsed, upper)
    }

    #[test]
    fn named_fields_of_json_lines_change_and_nothing_else() {
        let source = "{\"id\": 1.0, \"text\" : \"Il dit \\\"oui\\\".\\nPuis\\u00e9 \\/ non\", \"z\":{\"t\":[\"un\",2,\"deux\"]}}\r\n\n{\"text\":null}\n{\"text\":\"12\"}";
        let out = shouted(Format::Jsonl, source, &options(&["text", "z.t"], None));
        assert_eq!(
            out,
            "{\"id\": 1.0, \"text\" : \"IL DIT \\\"OUI\\\".\\nPUIS\\u00e9 / NON\", \"z\":{\"t\":[\"UN\",2,\"DEUX\"]}}\r\n\n{\"text\":null}\n{\"text\":\"12\"}"
        );
    }

    #[test]
    fn a_translation_may_go_into_a_field_of_its_own() {
        let source = "{\"text\":\"un\", \"id\":1}\n{\"en\":\"\", \"text\":\"deux\"}\n{\"text\":\"3\"}\n";
        let out = shouted(Format::Jsonl, source, &options(&["text"], Some("en")));
        assert_eq!(
            out,
            "{\"text\":\"un\",\"en\":\"UN\", \"id\":1}\n{\"en\":\"DEUX\", \"text\":\"deux\"}\n{\"text\":\"3\",\"en\":\"3\"}\n"
        );
        let out = shouted(Format::Csv, "id;text\n1;un\n2;\"a;b\"\n", &options(&["text"], Some("en")));
        assert_eq!(out, "id;text;en\n1;un;UN\n2;\"a;b\";\"A;B\"\n");
    }

    #[test]
    fn of_fields_of_one_name_the_last_is_translated() {
        let source = "{\"text\":\"un\",\"text\":\"deux\",\"en\":\"\",\"en\":\"\"}\n";
        let out = shouted(Format::Jsonl, source, &options(&["text"], None));
        assert_eq!(out, source.replace("deux", "DEUX"));
        let out = shouted(Format::Jsonl, source, &options(&["text"], Some("en")));
        assert_eq!(out, source.replace("\"en\":\"\"}", "\"en\":\"DEUX\"}"));
    }

    #[test]
    fn broken_rows_are_reported_and_pass_through() {
        let source = "{\"text\":\"un\"}\n{\"text\":\"deux\"\n[1]\n{\"text\":\"trois\"}\n";
        let parsed =
            parse_with(Format::Jsonl, source.to_owned(), &options(&["text"], None)).expect("some rows are right");
        let faults: Vec<String> = parsed.faults().iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), 2);
        assert!(faults[0].starts_with("line 2: ") && faults[1].starts_with("line 3: "), "{faults:?}");
        assert_eq!(render(&*parsed, upper), "{\"text\":\"UN\"}\n{\"text\":\"deux\"\n[1]\n{\"text\":\"TROIS\"}\n");
        let parsed =
            parse_with(Format::Csv, "id,text\n1\n2,deux\n".to_owned(), &options(&["text"], None)).expect("a table");
        assert!(parsed.faults()[0].to_string().starts_with("line 2: "));
        assert_eq!(render(&*parsed, upper), "id,text\n1\n2,DEUX\n");
    }

    #[test]
    fn a_field_that_is_nowhere_is_an_error_that_names_those_that_are() {
        for (format, source) in [(Format::Jsonl, "{\"id\":1,\"body\":\"x\"}\n"), (Format::Csv, "id,body\n1,x\n")] {
            let error = parse_with(format, source.to_owned(), &options(&["text"], None))
                .map(|_| ())
                .expect_err("no such field");
            assert!(error.to_string().contains("text") && error.to_string().contains("body"), "{error}");
        }
    }

    #[test]
    fn tables_keep_their_quotes_and_their_line_ends() {
        let source =
            "\u{feff}id,text,\"autre\"\r\n1,\"Il dit \"\"oui\"\", là\",\"x\"\r\n\r\n2,\"deux\nlignes\",  y\r\n3,,z";
        assert_eq!(
            shouted(Format::Csv, source, &options(&["text"], None)),
            "\u{feff}id,text,\"autre\"\r\n1,\"IL DIT \"\"OUI\"\", Là\",\"x\"\r\n\r\n2,\"DEUX\nLIGNES\",  y\r\n3,,z"
        );
        let tabs = "\"Oui\", dit-il.\tx\nUn mot\ty\n";
        assert_eq!(shouted(Format::Tsv, tabs, &options(&["1"], None)), "\"OUI\", DIT-IL.\tx\nUN MOT\ty\n");
    }

    #[test]
    fn a_value_that_needs_quotes_gets_them() {
        let parsed = parse_with(Format::Csv, "text,b\nun,2\n".to_owned(), &options(&["text"], None)).expect("a table");
        let target = Target { text: "one, \"two\"".to_owned(), marks: vec![] };
        assert_eq!(parsed.render(&[target]), "text,b\n\"one, \"\"two\"\"\",2\n");
    }

    #[test]
    fn a_field_may_hold_markdown() {
        let options = Options { content: Format::Markdown, ..options(&["text"], None) };
        let out = shouted(Format::Jsonl, "{\"text\":\"# Un *mot*\\n\\n`code` et [là](u \\\"le titre\\\")\"}", &options);
        assert_eq!(out, "{\"text\":\"# UN *MOT*\\n\\n`code` ET [Là](u \\\"LE TITRE\\\")\"}");
    }

    const JSON: &[&str] = &[
        "{\"text\":\"",
        "\"}",
        "\"text\":",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "1e5",
        "\\n",
        "\\u00e9",
        "\\ud83d\\ude00",
        "\\ud800",
        "\\\"",
        "\"id\":1,",
        "{\"text\":[\"un\",\"deux\"]}\n",
        "{\"text\":\"un\\ndeux\",\"text\":\"x\"}\n",
    ];
    const TABLE: &[&str] = &[
        ",",
        ";",
        "\"",
        "\"\"",
        "\n",
        "\r\n",
        "text",
        "un",
        "\"a\nb\"",
        ",\"x, y\"",
        "\t",
        "x\"y",
        "\"x\"y",
        " \"z\" ",
    ];

    proptest! {
        #[test]
        fn laws_of_json_lines(body in hostile(JSON)) {
            let source = format!("{{\"text\":\"mot\"}}\n{body}");
            hold(&Records::jsonl(source.clone(), &options(&["text"], None)).expect("a row is right"), &source)?;
            let into = Records::jsonl(source.clone(), &options(&["text"], Some("en"))).expect("a row is right");
            render(&into, upper);
        }

        #[test]
        fn laws_of_tables(body in hostile(TABLE), tabs in any::<bool>()) {
            let source = format!("text{}id\n{body}", if tabs { '\t' } else { ',' });
            let names = if tabs { "text" } else { "1" };
            if let Ok(parsed) = Records::table(source.clone(), &options(&[names], None), tabs) {
                hold(&parsed, &source)?;
            }
            if let Ok(into) = Records::table(source.clone(), &options(&["text"], Some("en")), tabs) {
                render(&into, upper);
            }
        }
    }
}
