//! Bytes made text, or exactly why not.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, WINDOWS_1252};

use super::{Format, Parsed};
use crate::document::{Document, Target};
use crate::error::{Error, Result};

/// An encoding by any of the names that the web knows it by; `utf-16` takes its byte order from the mark.
///
/// # Errors
/// When there is no such encoding.
pub fn by_name(name: &str) -> Result<&'static Encoding> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| {
        Error::settings(format!(
            "no encoding is called '{name}'; try utf-8, utf-16, windows-1252, iso-8859-15 or macintosh"
        ))
    })
}

/// Text from bytes, in UTF-8 where no encoding is given. A UTF-8 byte order mark stays in the text, to be written again.
///
/// # Errors
/// When the bytes are no text in that encoding; the message gives the place and, where it can, the encoding.
pub fn decode(bytes: Vec<u8>, asked: Option<&'static Encoding>) -> Result<String> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(Error::input("is a ZIP archive, not text; if it is a document, say --format docx, odt or epub"));
    }
    let text = match asked {
        None => String::from_utf8(bytes).map_err(|e| not_utf8(e.as_bytes(), e.utf8_error().valid_up_to()))?,
        Some(encoding) if encoding == UTF_8 => {
            String::from_utf8(bytes).map_err(|e| not_utf8(e.as_bytes(), e.utf8_error().valid_up_to()))?
        }
        Some(encoding) => {
            // The mark in the file is surer than the name that was given: utf-16 may be of either order.
            let (encoding, mark) = Encoding::for_bom(&bytes).unwrap_or((encoding, 0));
            let body = &bytes[mark..];
            match encoding.decode_without_bom_handling_and_without_replacement(body) {
                Some(text) => text.into_owned(),
                None => return Err(Error::input(format!("is not valid {}; name another --encoding", encoding.name()))),
            }
        }
    };
    match text.find('\0') {
        Some(at) => Err(Error::input(format!(
            "byte {at} is NUL, which no text holds; if the file is UTF-16, say --encoding utf-16le"
        ))),
        None => Ok(text),
    }
}

/// The encoding that an HTML document, an XML file or a catalogue names for itself at its beginning, unless it is seen to be
/// in UTF-8 or UTF-16.
pub(super) fn declared(format: Format, bytes: &[u8]) -> Option<&'static Encoding> {
    // What holds more than ASCII and is right as UTF-8 is UTF-8, whatever it says.
    if !bytes.is_ascii() && str::from_utf8(bytes).is_ok() || Encoding::for_bom(bytes).is_some() {
        return None;
    }
    let head = bytes[..bytes.len().min(HEAD)].to_ascii_lowercase();
    let named = |start: usize| {
        let rest = head[start..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
        let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
        let ends = |b: &u8| b"\"';>/?\\".contains(b) || b.is_ascii_whitespace();
        Encoding::for_label(&rest[..rest.iter().position(ends).unwrap_or(rest.len())])
    };
    let after = |word: &[u8], from: usize| {
        let at = head.get(from..)?.windows(word.len()).position(|w| w == word)?;
        Some(from + at + word.len())
    };
    let xml = head.starts_with(b"<?xml").then(|| after(b"encoding", 0)).flatten().and_then(named);
    let html = || {
        let mut at = 0;
        std::iter::from_fn(|| {
            at = after(b"<meta", at)?;
            let end = at + head[at..].iter().position(|&b| b == b'>')?;
            Some(after(b"charset", at).filter(|&start| start < end).and_then(named))
        })
        .flatten()
        .next()
    };
    match format {
        Format::Po => after(b"charset", after(b"content-type:", 0)?).and_then(named),
        Format::Html => xml.or_else(html),
        _ => xml,
    }
}

/// Within so many bytes a document has to name its encoding.
const HEAD: usize = 4096;

/// A document that is written in the encoding that it was read in. Characters that it lacks become references (`&#8220;`), as
/// HTML and XML have them, or what is next to them.
pub(super) struct Encoded {
    pub parsed: Box<dyn Parsed>,
    pub format: Format,
    pub encoding: &'static Encoding,
}

impl Parsed for Encoded {
    fn document(&self) -> &Document {
        self.parsed.document()
    }

    fn texts(&self) -> Vec<Range<usize>> {
        self.parsed.texts()
    }

    fn faults(&self) -> &[Error] {
        self.parsed.faults()
    }

    fn write(&self, block: usize, target: &Target) -> String {
        self.parsed.write(block, target)
    }

    fn render(&self, targets: &[Target]) -> String {
        self.parsed.render(targets)
    }

    fn to_bytes(&self, targets: &[Target]) -> Result<Vec<u8>> {
        let text = self.render(targets);
        if self.format == Format::Html {
            return Ok(self.encoding.encode(&text).0.into_owned());
        }
        // To the web alone, ISO 8859-1 is another name of an encoding with more characters.
        let latin = self.encoding == WINDOWS_1252 && !self.parsed.document().source().contains(more);
        let mut written = String::with_capacity(text.len());
        for c in text.chars() {
            let lacks = |c: char| latin && more(c) || self.encoding.encode(c.encode_utf8(&mut [0; 4])).2;
            if c.is_ascii() || !lacks(c) {
                written.push(c);
            } else if self.format == Format::Po {
                written.push_str(simple(c));
            } else {
                written.push_str(&format!("&#{};", u32::from(c)));
            }
        }
        Ok(self.encoding.encode(&written).0.into_owned())
    }
}

/// Whether a character is one that ISO 8859-1 lacks.
fn more(c: char) -> bool {
    u32::from(c) > 0xff
}

/// What is written where an encoding lacks a character and knows no references.
fn simple(c: char) -> &'static str {
    match c {
        '“' | '”' | '„' => "\\\"",
        '‘' | '’' => "'",
        '–' | '—' | '−' => "-",
        '…' => "...",
        '€' => "EUR",
        'œ' => "oe",
        'Œ' => "OE",
        '\u{202f}' | '\u{2009}' => " ",
        _ => "?",
    }
}

/// Makes a reader of text in an encoding one of UTF-8, whatever its size. UTF-8 is passed on as it is, right or wrong: what is
/// wrong with a line is said where it is read.
pub fn reader<'a>(
    input: Box<dyn BufRead + Send + 'a>,
    asked: Option<&'static Encoding>,
) -> Box<dyn BufRead + Send + 'a> {
    match asked.filter(|&encoding| encoding != UTF_8) {
        None => input,
        // The mark in the file is surer than the name that was given.
        Some(encoding) => Box::new(Recoded {
            input,
            decoder: encoding.new_decoder(),
            ready: vec![0; 1 << 16],
            at: 0,
            end: 0,
            ended: false,
        }),
    }
}

struct Recoded<'a> {
    input: Box<dyn BufRead + Send + 'a>,
    decoder: Decoder,
    /// Text, of which these bytes have still to be handed out.
    ready: Vec<u8>,
    at: usize,
    end: usize,
    /// Whether the decoder has given its last, after which it may not be asked.
    ended: bool,
}

impl BufRead for Recoded<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.end && !self.ended {
            let bytes = self.input.fill_buf()?;
            let last = bytes.is_empty();
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.ready, last);
            self.input.consume(read);
            (self.at, self.end) = (0, written);
            if matches!(result, DecoderResult::Malformed(..)) {
                let message = format!("not valid {}; name another --encoding", self.decoder.encoding().name());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            self.ended = last && result == DecoderResult::InputEmpty;
        }
        Ok(&self.ready[self.at..self.end])
    }

    fn consume(&mut self, n: usize) {
        self.at = (self.at + n).min(self.end);
    }
}

impl Read for Recoded<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(out)?;
        self.consume(n);
        Ok(n)
    }
}

fn not_utf8(bytes: &[u8], at: usize) -> Error {
    let what = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => {
            format!("it starts like {0}: add --encoding {1}", encoding.name(), encoding.name().to_lowercase())
        }
        None => {
            let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
            detector.feed(bytes, true);
            let guess = detector.guess(Some(b"fr"), chardetng::Utf8Detection::Deny);
            // Raw control bytes are no text in any encoding that the detector knows.
            if bytes.iter().any(|&b| b < 9) {
                "it does not look like text".to_owned()
            } else {
                format!("it looks like {0}: add --encoding {1}", guess.name(), guess.name().to_lowercase())
            }
        }
    };
    Error::input(format!("not UTF-8 at byte {at}; {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_placed_and_guessed() {
        let error = decode(b"L'\xe9t\xe9 \xe0 Orl\xe9ans, No\xebl a mang\xe9.".to_vec(), None).expect_err("latin-1");
        assert!(error.to_string().contains("byte 2"), "{error}");
        assert!(error.to_string().contains("windows-1252"), "{error}");
        let error = decode(b"\xff\xfeL\0e\0".to_vec(), None).expect_err("utf-16");
        assert!(error.to_string().contains("--encoding utf-16le"), "{error}");
    }

    #[test]
    fn asked_encodings_are_read() {
        let latin = by_name("windows-1252").expect("known");
        assert_eq!(decode(b"d\xe9j\xe0 \x80".to_vec(), Some(latin)).expect("text"), "déjà €");
        let utf16 = by_name("utf-16").expect("known");
        assert_eq!(decode(b"\xfe\xff\0L\0e".to_vec(), Some(utf16)).expect("text"), "Le");
        assert!(by_name("klingon").is_err());
    }

    #[test]
    fn a_reader_gives_the_same_text() {
        for (name, bytes) in
            [("windows-1252", &b"d\xe9j\xe0 \x80\n"[..]), ("utf-16", b"\xfe\xff\0L\0\xe9"), ("utf-8", b"\xc3\xa9")]
        {
            let encoding = by_name(name).expect("known");
            let mut text = String::new();
            // One byte at a time, so that characters are torn.
            let input = Box::new(io::BufReader::with_capacity(1, bytes));
            reader(input, Some(encoding)).read_to_string(&mut text).expect("text");
            assert_eq!(text, decode(bytes.to_vec(), Some(encoding)).expect("text"));
        }
        let broken = Box::new(&b"a\x81\xff"[..]);
        let utf16 = by_name("shift_jis").expect("known");
        assert!(reader(broken, Some(utf16)).read_to_string(&mut String::new()).is_err());
    }

    #[test]
    fn the_encoding_that_a_page_names_is_found() {
        let name = |page: &str| declared(Format::Html, page.as_bytes()).map(Encoding::name);
        assert_eq!(name("<html><meta name=a><META charset=latin1 ><p>"), Some("windows-1252"));
        assert_eq!(name("<meta http-equiv='x' content='text/html; charset=ISO-8859-15'>"), Some("ISO-8859-15"));
        assert_eq!(name("<?xml version='1.0' encoding='macintosh'?><html>"), Some("macintosh"));
        assert_eq!(name("<meta charset=windows-1252>é"), None);
        assert_eq!(name("<meta><p>charset=latin1 encoding=latin1"), None);
        assert_eq!(name("<meta charset"), None);
    }

    #[test]
    fn a_page_is_written_in_the_encoding_that_it_names() {
        let page = b"<meta charset=windows-1252><p>\x85d\xe9j\xe0 \x80</p>";
        let parsed = super::super::parse(super::super::Format::Html, page.to_vec()).expect("a page");
        let block = &parsed.document().blocks()[0];
        let same = Target { text: block.text.clone(), marks: vec![] };
        assert_eq!(parsed.to_bytes(&[same]).expect("written"), page);
        let other = Target { text: "“Œuvre” ≠".to_owned(), marks: vec![] };
        let written = parsed.to_bytes(&[other]).expect("written");
        assert!(written.ends_with(b"<p>\x93\x8cuvre\x94 &#8800;</p>"), "{}", String::from_utf8_lossy(&written));
    }

    #[test]
    fn xml_and_catalogues_are_written_in_the_encoding_that_they_name() {
        let written = |format, source: &[u8], text: &str| {
            let parsed = super::super::parse(format, source.to_vec()).expect("a document");
            let same: Vec<Target> = parsed.document().blocks().iter().map(super::super::laws::same).collect();
            assert_eq!(parsed.to_bytes(&same).expect("written"), source);
            let target = Target { text: text.to_owned(), marks: vec![] };
            parsed.to_bytes(&[target]).expect("written")
        };
        let xliff = b"<?xml version='1.0' encoding='ISO-8859-1'?><xliff><trans-unit><source>\xe9t\xe9</source></trans-unit></xliff>";
        let out = written(Format::Xliff, xliff, "\u{201c}Caf\u{e9}\u{201d}");
        assert!(out.windows(16).any(|w| w == b">&#8220;Caf\xe9&#82"), "{}", String::from_utf8_lossy(&out));
        let po = b"msgid \"\"\nmsgstr \"Content-Type: text/plain; charset=ISO-8859-1\\n\"\n\nmsgid \"\xe9t\xe9\"\nmsgstr \"\"\n";
        let out = written(Format::Po, po, "\u{201c}Caf\u{e9}\u{201d}");
        assert!(out.ends_with(b"msgstr \"\\\"Caf\xe9\\\"\"\n"), "{}", String::from_utf8_lossy(&out));
    }

    #[test]
    fn nul_is_refused_with_its_place() {
        let error = decode(b"ab\0c".to_vec(), None).expect_err("NUL");
        assert!(error.to_string().contains("byte 2"), "{error}");
    }

    #[test]
    fn an_archive_is_called_one() {
        let error = decode(b"PK\x03\x04\x14\0".to_vec(), None).expect_err("binary");
        assert!(error.to_string().contains("--format docx"), "{error}");
    }
}
