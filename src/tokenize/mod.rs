//! Text to token ids and back, exactly as SentencePiece and `vocab.json` have it; no tensors in here.
//!
//! A text is normalised ([`charsmap`]), cut into the pieces of `source.spm` ([`sentencepiece`]), and each piece is looked
//! up in `vocab.json` ([`vocabulary`]): the ids are those of `vocab.json`, not the numbers of the pieces.

pub mod charsmap;
mod protobuf;
pub mod sentencepiece;
mod trie;
pub mod vocabulary;

use std::ops::Range;

use crate::error::{Error, Result};
use crate::store::{Blob, ModelFiles};

use sentencepiece::{Kind, Model, Piece, Segmenter};
use vocabulary::Vocabulary;

/// Turns source texts into ids and target ids into text. Shared by all threads; it grows no caches.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    segmenter: Segmenter,
    source: Vocabulary,
    /// The id of each source piece, by the piece's number.
    ids: Vec<u32>,
    /// The ids of the 256 bytes, of models that spell out unknown characters.
    byte_ids: Option<Vec<u32>>,
    source_marks: Marks,
    target_size: usize,
    /// What each target id decodes to.
    surfaces: Vec<Surface>,
    /// The text that [`Surface::Text`] points into.
    surface_text: String,
    /// The characters that some target piece holds.
    written: CharSet,
    writes_bytes: bool,
}

/// The ids that are no text.
#[derive(Clone, Copy, Debug)]
struct Marks {
    end: u32,
    unknown: u32,
    pad: Option<u32>,
}

#[derive(Clone, Debug)]
enum Surface {
    /// The end mark, padding, unknown, or no id of the vocabulary at all.
    Nothing,
    Text(Range<u32>),
    Byte(u8),
}

/// A tokenised text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Ids with the end mark.
    pub ids: Vec<u32>,
    /// One for each id, in order and apart: its bytes in the text, without the spaces around; the end mark's is empty.
    /// Of several tokens that one character became, the last one has the character.
    pub ranges: Vec<Range<usize>>,
}

/// A decoded text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    pub text: String,
    /// One for each id, in order and apart: its bytes in [`Decoded::text`], without the spaces around; empty for marks.
    pub ranges: Vec<Range<usize>>,
}

const END: &str = "</s>";
const UNKNOWN: &str = "<unk>";
const PAD: &str = "<pad>";

impl Tokenizer {
    /// Reads the tokeniser of a model. `eos` is the end mark that the model's configuration names.
    ///
    /// # Errors
    /// `ErrorKind::Model`, naming the file, where one is damaged, of an unknown kind, or they do not fit together.
    pub fn load(files: &ModelFiles, eos: u32) -> Result<Self> {
        let at = |blob: &Blob| {
            let path = blob.path().to_owned();
            move |error: Error| error.at(path)
        };
        let source = Vocabulary::parse(&files.vocab).map_err(at(&files.vocab))?;
        let source_marks = Marks::of(&source).map_err(at(&files.vocab))?;
        let separate = files.target_vocab.as_ref();
        let separate = separate.map(|blob| Vocabulary::parse(blob).map_err(at(blob))).transpose()?;
        let target = separate.as_ref().unwrap_or(&source);
        let target_path = files.target_vocab.as_ref().unwrap_or(&files.vocab).path();
        let target_marks = Marks::of(target).map_err(|error| error.at(target_path))?;
        if target_marks.end != eos {
            let found = target_marks.end;
            let message = format!("{END} is {found} here but {eos} in config.json; the files are not of one model");
            return Err(Error::model(message).at(target_path));
        }

        let model = Model::parse(&files.source_spm).map_err(at(&files.source_spm))?;
        let known = |text: &str| source.id(text).filter(|&id| !source_marks.contains(id));
        let ids: Vec<u32> =
            model.pieces.iter().map(|piece| known(piece.text).unwrap_or(source_marks.unknown)).collect();
        if ids.iter().all(|&id| id == source_marks.unknown) {
            let message = "not one of its pieces is in vocab.json; the files are not of one model";
            return Err(Error::model(message).at(files.source_spm.path()));
        }
        let byte_ids = model.byte_fallback.then(|| {
            (0..=255u8).map(|byte| known(&byte_piece(byte)).unwrap_or(source_marks.unknown)).collect::<Vec<u32>>()
        });

        let target_size = target.size();
        let mut tokenizer = Self {
            segmenter: Segmenter::new(&model),
            ids,
            byte_ids,
            source_marks,
            target_size,
            surfaces: vec![Surface::Nothing; target_size],
            surface_text: String::new(),
            written: CharSet::default(),
            writes_bytes: false,
            source: Vocabulary::default(),
        };
        // Models with one vocabulary for both languages often have the same file twice.
        let same = separate.is_none() && files.source_spm[..] == files.target_spm[..];
        let target_model = if same { model } else { Model::parse(&files.target_spm).map_err(at(&files.target_spm))? };
        let known = |number: usize, text: &str| {
            if same { Some(tokenizer.ids[number]) } else { target.id(text) }
        };
        let pieces = target_model.pieces.iter().enumerate();
        let pieces: Vec<(Piece<'_>, u32)> = pieces
            .filter_map(|(number, piece)| Some((*piece, known(number, piece.text)?)))
            .filter(|&(_, id)| !target_marks.contains(id) && id != target_marks.unknown)
            .collect();
        tokenizer.read_surfaces(&pieces, &target_model.unknown_surface, target, target_marks);
        tokenizer.source = source;
        Ok(tokenizer)
    }

    /// Works out what each target id decodes to, from the target pieces and their ids.
    fn read_surfaces(&mut self, pieces: &[(Piece<'_>, u32)], unknown: &str, target: &Vocabulary, marks: Marks) {
        for (piece, id) in target.iter().filter(|&(_, id)| !marks.contains(id) && id != marks.unknown) {
            self.surfaces[id as usize] = self.text_surface(piece);
        }
        let mut bytes = 0;
        for &(piece, id) in pieces {
            match piece.kind {
                Kind::Byte => {
                    let Some(byte) = parse_byte_piece(piece.text) else { continue };
                    self.surfaces[id as usize] = Surface::Byte(byte);
                    bytes += 1;
                }
                Kind::Control => self.surfaces[id as usize] = Surface::Nothing,
                Kind::Unknown => self.surfaces[id as usize] = self.text_surface(unknown),
                Kind::Normal | Kind::UserDefined | Kind::Unused => {
                    piece.text.chars().for_each(|c| self.written.insert(if c == '▁' { ' ' } else { c }));
                }
            }
        }
        self.writes_bytes = bytes == 256;
    }

    fn text_surface(&mut self, text: &str) -> Surface {
        let start = self.surface_text.len() as u32;
        for (i, run) in text.split('▁').enumerate() {
            if i > 0 {
                self.surface_text.push(' ');
            }
            self.surface_text.push_str(run);
        }
        Surface::Text(start..self.surface_text.len() as u32)
    }

    /// The ids of a text, the end mark last. Nothing in the text is a control token, whatever it looks like.
    pub fn encode(&self, text: &str) -> Tokens {
        let normalised = self.segmenter.normalise(text);
        let parts = self.segmenter.cut(&normalised.text);
        let mut tokens =
            Tokens { ids: Vec::with_capacity(parts.len() + 1), ranges: Vec::with_capacity(parts.len() + 1) };
        for part in parts {
            let whole = normalised.origins[part.range.start]..normalised.origins[part.range.end];
            let range = without_spaces(text, whole);
            match (part.piece, &self.byte_ids) {
                (Some(piece), _) => tokens.push(self.ids[piece as usize], range),
                (None, Some(byte_ids)) => {
                    let bytes = &normalised.text.as_bytes()[part.range];
                    for (i, &byte) in bytes.iter().enumerate() {
                        let last = i + 1 == bytes.len();
                        let range = if last { range.clone() } else { range.start..range.start };
                        tokens.push(byte_ids[usize::from(byte)], range);
                    }
                }
                // What no piece covers may be in the vocabulary all the same.
                (None, None) => {
                    let id = self.source.id(&normalised.text[part.range]);
                    let id = id.filter(|&id| !self.source_marks.contains(id));
                    tokens.push(id.unwrap_or(self.source_marks.unknown), range);
                }
            }
        }
        tokens.push(self.source_marks.end, text.len()..text.len());
        tokens
    }

    /// How many ids [`Tokenizer::encode`] gives, the end mark included.
    pub fn count(&self, text: &str) -> usize {
        let parts = self.segmenter.cut(&self.segmenter.normalise(text).text);
        let spelt = |range: Range<usize>| if self.byte_ids.is_some() { range.len() } else { 1 };
        parts.into_iter().map(|part| if part.piece.is_some() { 1 } else { spelt(part.range) }).sum::<usize>() + 1
    }

    /// The text of target ids. Marks, padding, unknown and ids past the vocabulary become nothing; bytes that are no
    /// UTF-8 become U+FFFD; white space at both ends goes.
    pub fn decode(&self, ids: &[u32]) -> Decoded {
        let mut text = String::with_capacity(ids.len() * 6);
        let mut ranges = Vec::with_capacity(ids.len());
        let mut bytes = Vec::new();
        for &id in ids {
            match self.surfaces.get(id as usize).unwrap_or(&Surface::Nothing) {
                // Marks stand between no bytes: they are left out before anything is joined.
                Surface::Nothing => ranges.push(usize::MAX..usize::MAX),
                Surface::Byte(byte) => {
                    bytes.push((*byte, ranges.len()));
                    ranges.push(usize::MAX..usize::MAX);
                }
                Surface::Text(range) => {
                    spell(&mut bytes, &mut text, &mut ranges);
                    let start = text.len();
                    text.push_str(&self.surface_text[range.start as usize..range.end as usize]);
                    ranges.push(start..text.len());
                }
            }
        }
        spell(&mut bytes, &mut text, &mut ranges);

        let end = text.trim_end_matches(is_space).len();
        text.truncate(end);
        let start = text.len() - text.trim_start_matches(is_space).len();
        text.drain(..start);
        let mut place = 0;
        for range in &mut ranges {
            if range.start == usize::MAX {
                *range = place..place;
            } else {
                let clamp = |at: usize| at.saturating_sub(start).clamp(place, text.len().max(place));
                *range = without_spaces(&text, clamp(range.start)..clamp(range.end));
                place = range.end;
            }
        }
        Decoded { text, ranges }
    }

    /// Whether the model can read this character: after normalisation every part of it is a piece of its own. White
    /// space, and what normalisation drops, count as read.
    pub fn reads(&self, c: char) -> bool {
        let mut buffer = [0; 4];
        let normalised = self.segmenter.normalise(c.encode_utf8(&mut buffer)).text;
        self.byte_ids.is_some()
            || normalised.chars().filter(|&c| c != '▁').all(|c| {
                let piece = self.segmenter.piece(c.encode_utf8(&mut [0; 4]));
                piece.is_some_and(|piece| self.ids[piece as usize] != self.source_marks.unknown)
            })
    }

    /// Whether the model can write this very character: some target piece holds it. White space that the model takes
    /// for a space counts as written.
    pub fn writes(&self, c: char) -> bool {
        self.writes_bytes || self.written.contains(c) || (c.is_whitespace() && self.reads(c))
    }

    /// The rows that the source embeddings must have at least.
    pub fn source_size(&self) -> usize {
        self.source.size()
    }

    /// The rows that the target embeddings must have at least.
    pub fn target_size(&self) -> usize {
        self.target_size
    }

    /// The end mark of sources.
    pub fn end(&self) -> u32 {
        self.source_marks.end
    }
}

impl Marks {
    fn of(vocabulary: &Vocabulary) -> Result<Self> {
        let find = |piece| {
            let missing = || Error::model(format!("the vocabulary lacks {piece}; fetch the file again"));
            vocabulary.id(piece).ok_or_else(missing)
        };
        Ok(Self { end: find(END)?, unknown: find(UNKNOWN)?, pad: vocabulary.id(PAD) })
    }

    /// Whether the id is one that no text may have.
    fn contains(&self, id: u32) -> bool {
        id == self.end || self.pad == Some(id)
    }
}

impl Tokens {
    fn push(&mut self, id: u32, range: Range<usize>) {
        self.ids.push(id);
        self.ranges.push(range);
    }
}

/// Adds the characters that the waiting bytes spell; a character belongs to its last byte.
fn spell(bytes: &mut Vec<(u8, usize)>, text: &mut String, ranges: &mut [Range<usize>]) {
    if bytes.is_empty() {
        return;
    }
    let raw: Vec<u8> = bytes.iter().map(|&(byte, _)| byte).collect();
    let mut at = 0;
    let mut add = |from: usize, bytes_taken: usize, c: char| {
        let start = text.len();
        for &(_, token) in &bytes[from..from + bytes_taken - 1] {
            ranges[token] = start..start;
        }
        text.push(c);
        ranges[bytes[from + bytes_taken - 1].1] = start..text.len();
    };
    for chunk in raw.utf8_chunks() {
        for c in chunk.valid().chars() {
            add(at, c.len_utf8(), c);
            at += c.len_utf8();
        }
        for _ in chunk.invalid() {
            add(at, 1, char::REPLACEMENT_CHARACTER);
            at += 1;
        }
    }
    bytes.clear();
}

/// A set of characters: one bit for each there is.
#[derive(Clone, Debug)]
struct CharSet(Vec<u64>);

impl Default for CharSet {
    fn default() -> Self {
        Self(vec![0; (char::MAX as usize >> 6) + 1])
    }
}

impl CharSet {
    fn insert(&mut self, c: char) {
        self.0[c as usize >> 6] |= 1 << (c as usize & 63);
    }

    fn contains(&self, c: char) -> bool {
        self.0[c as usize >> 6] >> (c as usize & 63) & 1 == 1
    }
}

/// The range without the white space at its ends; empty ones stand at the range's end.
fn without_spaces(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.end - part.trim_start_matches(is_space).len();
    start..start.max(range.start + part.trim_end_matches(is_space).len())
}

/// What Python's `str.strip` strips, which the reference decoder uses.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// How a model with byte fallback writes a byte: `<0xE2>`.
fn byte_piece(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

fn parse_byte_piece(piece: &str) -> Option<u8> {
    let hex = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(hex, 16).ok().filter(|&byte| byte_piece(byte) == piece)
}

#[cfg(test)]
mod tests;
