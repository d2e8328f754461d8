//! Word's XML. A paragraph is a flow whose formats are those of its runs; what is deleted stays as it is; fields that Word
//! computes pass through; footnote marks, drawings and the like stand where their neighbours went.

use std::ops::Range;
use std::sync::Arc;

use super::paragraphs::{Found, Paragraphs};
use super::runs::{Runs, State};
use crate::document::BlockKind;
use crate::error::Result;
use crate::formats::html::{decode, goes_on};
use crate::formats::lines::breaks;
use crate::formats::weave::Form;
use crate::formats::xml::{self, Token};

/// Namespaces, in the two generations of the standard.
const SPACES: &[(&str, &str)] = &[
    ("http://schemas.openxmlformats.org/wordprocessingml/2006/main", "w"),
    ("http://purl.oclc.org/ooxml/wordprocessingml/main", "w"),
    ("http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing", "wp"),
    ("http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing", "wp"),
    ("http://schemas.openxmlformats.org/markup-compatibility/2006", "mc"),
];

/// Elements of a paragraph that hold some of its text.
const HOLDERS: &[&str] =
    &["w:hyperlink", "w:ins", "w:moveTo", "w:smartTag", "w:sdt", "w:customXml", "w:dir", "w:bdo", "w:fldSimple"];
/// Elements that stand in the text and may hold paragraphs.
const STANDING: &[&str] = &["w:drawing", "w:pict", "w:object", "mc:AlternateContent"];
/// What is made anew when the text changes: signs of the spelling checker, of where pages ended.
const PASSING: &[&str] = &["w:proofErr", "w:lastRenderedPageBreak", "w:softHyphen"];
/// The fields whose results are text for people; those of others are numbers, dates and references that Word computes.
const TEXT_FIELDS: &[&str] = &["HYPERLINK", "TOC", "INDEX", "QUOTE", "IF", "MACROBUTTON", "FORMTEXT"];

/// Fonts whose signs are no text.
const DINGBATS: &[&str] = &["Wingdings", "Webdings", "ZapfDingbats"];

/// Finds the blocks of a part that stands at `range`.
///
/// # Errors
/// When it is not well-formed.
pub(super) fn read(source: &str, range: Range<usize>) -> Result<Found> {
    let mut reader = Reader {
        source,
        paragraphs: Paragraphs::default(),
        runs: Runs::new(),
        run: false,
        format: 0,
        text: None,
        cells: 0,
        skipped: None,
        field: None,
        around: Vec::new(),
        end: range.end,
    };
    xml::read(source, range, SPACES, &mut |token, place| {
        reader.token(token, place);
        Ok(())
    })?;
    let runs = Arc::new(reader.runs);
    let mut found = reader.paragraphs.finish();
    for (_, shape) in &mut found {
        if let Form::Flow(weave) = &mut shape.form {
            weave.runs = Some(Arc::clone(&runs));
        }
    }
    Ok(found)
}

struct Reader<'a> {
    source: &'a str,
    paragraphs: Paragraphs,
    runs: Runs,
    /// Whether a run is open, and its format.
    run: bool,
    format: usize,
    /// A text is open; whether it is one of instructions.
    text: Option<bool>,
    /// How many table cells are open.
    cells: usize,
    skipped: Option<Skipped>,
    field: Option<Field>,
    /// The formats and states around what stands in the texts.
    around: Vec<(usize, State)>,
    end: usize,
}

/// An element that is passed over.
struct Skipped {
    name: String,
    depth: usize,
    start: usize,
    /// It stands in the text.
    stands: bool,
}

/// A field whose result has not begun, or does not concern us.
struct Field {
    start: usize,
    depth: usize,
    instruction: String,
    /// Where its result starts, for one that passes through, and its text.
    result: Option<(usize, String)>,
}

impl Reader<'_> {
    fn token(&mut self, token: Token<'_>, place: Range<usize>) {
        if self.skipped.is_some() {
            self.skip(token, place);
            return;
        }
        match token {
            Token::Start(name) => self.start(name, place, false),
            Token::Empty(name) => self.start(name, place, true),
            Token::End(name) => self.end(name, place),
            Token::Text => self.words(place),
            Token::Other => {}
        }
    }

    fn start(&mut self, name: &str, place: Range<usize>, empty: bool) {
        match name {
            // Paragraphs are not within paragraphs, but for those in what stands there.
            "w:p" if !empty && self.paragraphs.text().is_none() => {
                let kind = if self.cells > 0 { BlockKind::Cell } else { BlockKind::Paragraph };
                self.paragraphs.start(kind);
                self.run = false;
                self.field = None;
                return;
            }
            "w:tc" if !empty => self.cells += 1,
            "wp:docPr" => self.description(&place),
            _ => {}
        }
        let Some(paragraph) = self.paragraphs.text() else {
            if let Some(paragraph) = self.paragraphs.last().filter(|_| !empty) {
                paragraph.deeper(name);
            }
            return;
        };
        match name {
            "w:pPr" | "w:rPr" if empty => {}
            "w:pPr" | "w:rPr" => self.skip_from(name, &place, false),
            "w:r" if !empty && !self.run => {
                self.run = true;
                self.runs.name(&self.source[place.start + 1..place.end]);
                self.format = 0;
                self.runs.change(place.end, State::Run(0));
            }
            "w:r" | "w:t" | "w:instrText" if empty => {}
            "w:t" | "w:instrText" if self.run => {
                self.text = Some(name != "w:t");
                self.runs.change(place.end, State::Text(self.format));
                if xml::value(self.source, &place, "space") != "preserve" {
                    self.runs.bare(place.end);
                }
            }
            "w:fldChar" => self.field(&place),
            // Nothing in a field is of interest but its own end.
            _ if self.field.is_some() && STANDING.contains(&name) && !empty => self.skip_from(name, &place, false),
            _ if self.field.is_some() => {}
            "w:tab" | "w:ptab" => self.paragraphs.cut(),
            // Boxes to tick and the like, unlike letters of a font of signs.
            "w:sym" if DINGBATS.iter().any(|font| xml::value(self.source, &place, "font").starts_with(font)) => {
                self.paragraphs.cut();
            }
            "w:br" | "w:cr" => self.line_break(place),
            "w:noBreakHyphen" => {
                paragraph.flow.format(self.format, place.start);
                paragraph.flow.word("-", place);
            }
            _ if PASSING.contains(&name) => {}
            "w:fldSimple" if !empty && !is_text(xml::value(self.source, &place, "instr")) => {
                self.skip_from(name, &place, true);
            }
            _ if HOLDERS.contains(&name) && !empty && !self.run => paragraph.hold(name, place),
            "w:sdtPr" | "w:sdtEndPr" | "w:smartTagPr" | "w:customXmlPr" if !empty => {
                self.skip_from(name, &place, false)
            }
            "w:sdtPr" | "w:sdtEndPr" | "w:smartTagPr" | "w:customXmlPr" => {
                paragraph.widen(owner(name), place.end);
            }
            "w:sdtContent" => {
                paragraph.widen("w:sdt", place.end);
            }
            _ if empty => paragraph.flow.stand(place),
            _ if STANDING.contains(&name) => {
                paragraph.stand(name, &place);
                self.around.push((self.format, self.runs.state(place.start)));
            }
            _ => self.skip_from(name, &place, true),
        }
    }

    fn end(&mut self, name: &str, place: Range<usize>) {
        match name {
            "w:p" => {
                self.paragraphs.end();
                self.field = None;
                return;
            }
            "w:tc" => self.cells = self.cells.saturating_sub(1),
            _ => {}
        }
        let Some(paragraph) = self.paragraphs.text() else {
            let over = self.paragraphs.last().is_some_and(|paragraph| paragraph.end_within(name, &place));
            if let Some((format, state)) = self.around.pop_if(|_| over) {
                self.format = format;
                self.run = state != State::Outside;
                self.runs.change(place.end, state);
            }
            return;
        };
        match name {
            "w:r" => {
                self.run = false;
                self.runs.change(place.end, State::Outside);
            }
            "w:t" | "w:instrText" => {
                self.text = None;
                self.runs.change(place.end, State::Run(self.format));
            }
            "w:sdtContent" => paragraph.closing("w:sdt", place.start),
            _ if HOLDERS.contains(&name) && !paragraph.release(name, place.clone()) && self.field.is_none() => {
                paragraph.flow.stand(place);
            }
            _ => {}
        }
    }

    fn words(&mut self, place: Range<usize>) {
        let Some(instruction) = self.text else { return };
        if self.paragraphs.text().is_none() {
            return;
        }
        let text = &self.source[place.clone()];
        match &mut self.field {
            Some(field) => match &mut field.result {
                Some((_, result)) if !instruction => result.push_str(&decode(text)),
                None if instruction && field.depth == 1 => field.instruction.push_str(text),
                _ => {}
            },
            None if instruction => {}
            None => {
                let mut at = place.start;
                for gap in breaks(text) {
                    self.run_text(at..place.start + gap.start);
                    self.paragraphs.cut();
                    at = place.start + gap.end;
                }
                self.run_text(at..place.end);
            }
        }
    }

    fn run_text(&mut self, place: Range<usize>) {
        let Some(paragraph) = self.paragraphs.text() else { return };
        let text = &self.source[place.clone()];
        let blank = text.len() - text.trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
        if blank < text.len() {
            if blank > 0 {
                paragraph.flow.space(None);
            }
            paragraph.flow.format(self.format, place.start + blank);
        }
        paragraph.flow.escaped(self.source, place, false);
    }

    /// What begins, divides or ends a field.
    fn field(&mut self, place: &Range<usize>) {
        let Some(paragraph) = self.paragraphs.text() else { return };
        match (xml::value(self.source, place, "fldCharType"), &mut self.field) {
            ("begin", Some(field)) => field.depth += 1,
            ("begin", none) => {
                *none = Some(Field { start: place.start, depth: 1, instruction: String::new(), result: None });
            }
            ("separate", Some(field)) if field.depth == 1 && field.result.is_none() => {
                if is_text(&field.instruction) {
                    paragraph.hold("field", field.start..place.end);
                    self.field = None;
                } else {
                    field.result = Some((place.end, String::new()));
                }
            }
            ("end", Some(field)) => {
                field.depth -= 1;
                if field.depth > 0 {
                    return;
                }
                let start = field.start;
                let boxed = field.instruction.trim_start().starts_with("FORMCHECKBOX");
                let result = self.field.take().and_then(|field| field.result);
                if boxed {
                    self.paragraphs.cut();
                    return;
                }
                match result.map(|(at, text)| (at, text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))) {
                    Some((at, text)) if !text.is_empty() => {
                        paragraph.flow.verbatim(&text, start..at, place.clone());
                    }
                    _ => paragraph.flow.stand(start..place.end),
                }
            }
            ("end", None) if paragraph.release("field", place.clone()) => {}
            (_, Some(_)) => {}
            (_, None) => paragraph.flow.stand(place.clone()),
        }
    }

    /// A line break ends a block, unless something is open there or the sentence plainly goes on.
    fn line_break(&mut self, place: Range<usize>) {
        let Some(paragraph) = self.paragraphs.text() else { return };
        let page = matches!(xml::value(self.source, &place, "type"), "page" | "column");
        let rest = &self.source[place.end..self.end];
        let rest = &rest[..rest.find("</w:p>").unwrap_or(rest.len())];
        let next = rest.find("<w:t").and_then(|n| rest[n..].find('>').map(|m| &rest[n + m + 1..])).unwrap_or_default();
        if page || !paragraph.is_held() && !goes_on(paragraph.flow.text(), next) {
            self.paragraphs.cut();
        } else {
            paragraph.flow.stand(place);
            paragraph.flow.space(None);
        }
    }

    /// What a drawing's description says to those who cannot see it.
    fn description(&mut self, place: &Range<usize>) {
        for name in ["descr", "title"] {
            if let Some(range) = xml::attribute(self.source, place, name) {
                let text = decode(&self.source[range.clone()]);
                self.paragraphs.value(range, text, Box::new(xml::escape_value));
            }
        }
    }

    fn skip_from(&mut self, name: &str, place: &Range<usize>, stands: bool) {
        self.skipped = Some(Skipped { name: name.to_owned(), depth: 1, start: place.start, stands });
    }

    fn skip(&mut self, token: Token<'_>, place: Range<usize>) {
        let Some(skipped) = &mut self.skipped else { return };
        match token {
            Token::Start(name) if name == skipped.name => skipped.depth += 1,
            Token::End(name) if name == skipped.name => skipped.depth -= 1,
            Token::Start(name) | Token::Empty(name) if skipped.name == "w:pPr" => self.style(name, &place),
            _ => {}
        }
        let Some(Skipped { name, start, stands, .. }) = self.skipped.take_if(|skipped| skipped.depth == 0) else {
            return;
        };
        if name == "w:rPr" {
            self.format = self.runs.format(&self.source[start..place.end]);
            self.runs.change(place.end, State::Run(self.format));
        }
        let Some(paragraph) = self.paragraphs.text() else { return };
        if stands {
            paragraph.flow.stand(start..place.end);
        } else if !matches!(name.as_str(), "w:pPr" | "w:rPr") {
            paragraph.widen(owner(&name), place.end);
        }
    }

    /// What a paragraph's properties say of its kind.
    fn style(&mut self, name: &str, place: &Range<usize>) {
        let Some(paragraph) = self.paragraphs.text() else { return };
        let style = xml::value(self.source, place, "val").to_lowercase();
        match name {
            "w:pStyle" if ["heading", "titre", "title"].iter().any(|s| style.starts_with(s)) => {
                paragraph.kind = BlockKind::Heading;
            }
            "w:outlineLvl" => paragraph.kind = BlockKind::Heading,
            "w:numPr" if paragraph.kind == BlockKind::Paragraph => paragraph.kind = BlockKind::ListItem,
            _ => {}
        }
    }
}

/// The element whose properties an element is.
fn owner(name: &str) -> &str {
    if name == "w:sdtEndPr" { "w:sdt" } else { name.trim_end_matches("Pr") }
}

fn is_text(instruction: &str) -> bool {
    let name = instruction.split_ascii_whitespace().next().unwrap_or_default();
    TEXT_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
}
