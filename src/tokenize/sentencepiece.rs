//! Reads `source.spm` and `target.spm`, and cuts a text into their pieces exactly as SentencePiece does.

use std::ops::Range;

use crate::error::{Error, Result};

use super::charsmap::{Normalised, Normaliser};
use super::protobuf::{Fields, Value};
use super::trie::Trie;

/// What a piece is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

/// One piece of a model.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub text: &'a str,
    pub score: f32,
    pub kind: Kind,
}

/// What a model file says, its pieces borrowed from the file's bytes.
#[derive(Debug)]
pub struct Model<'a> {
    /// In the order of the file: a piece's place is its number.
    pub pieces: Vec<Piece<'a>>,
    pub byte_fallback: bool,
    /// What the unknown piece decodes to.
    pub unknown_surface: String,
    normaliser: Normaliser,
}

/// No real model comes near: the largest public ones have 256 000 pieces, the longest piece has some hundred bytes.
const MOST_PIECES: usize = 4_000_000;
const LONGEST_PIECE: usize = 4096;

impl<'a> Model<'a> {
    /// Parses a SentencePiece model file.
    ///
    /// # Errors
    /// `ErrorKind::Model` where the file is cut off, no SentencePiece model, or of a kind other than Unigram.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut model = Self {
            pieces: Vec::new(),
            byte_fallback: false,
            unknown_surface: " ⁇ ".into(),
            normaliser: Normaliser {
                units: Vec::new(),
                replacements: Vec::new(),
                add_dummy_prefix: true,
                remove_extra_spaces: true,
                escape_spaces: true,
                space_as_suffix: false,
                verbatim: Trie::new(std::iter::empty()),
            },
        };
        let (mut unigram, mut trainer, mut normaliser) = (true, false, false);
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (1, Value::Bytes(bytes)) => {
                    if model.pieces.len() == MOST_PIECES {
                        return Err(Error::model(format!("more than {MOST_PIECES} pieces; not a SentencePiece model")));
                    }
                    let piece = parse_piece(bytes, model.pieces.len())?;
                    model.pieces.push(piece);
                }
                (2, Value::Bytes(bytes)) => (unigram, trainer) = (model.read_trainer(bytes)?, true),
                (3, Value::Bytes(bytes)) => {
                    model.read_normaliser(bytes)?;
                    normaliser = true;
                }
                (5, Value::Bytes(bytes)) if has_table(bytes)? => {
                    return Err(Error::model("a SentencePiece model with a denormaliser, which fr2en does not know"));
                }
                (4 | 5 | 200.., _) => {}
                _ => return Err(Error::model("not a SentencePiece model; fetch the file again")),
            }
        }
        // A file that ends between two pieces is a whole message all the same; the settings stand after the pieces.
        if !trainer || !normaliser || !model.pieces.iter().any(|piece| piece.kind == Kind::Unknown) {
            return Err(Error::model("the SentencePiece model is cut off or lacks a part; fetch the file again"));
        }
        if !unigram {
            return Err(Error::model("a SentencePiece model of another kind than Unigram, which fr2en does not know"));
        }
        model.normaliser.verbatim = Trie::new(model.numbered(|kind| kind == Kind::UserDefined));
        Ok(model)
    }

    /// The trainer's settings; says whether the model is a Unigram one.
    fn read_trainer(&mut self, bytes: &[u8]) -> Result<bool> {
        let mut unigram = true;
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (3, Value::Varint(kind)) => unigram = kind == 1,
                (24, Value::Varint(yes)) => self.normaliser.space_as_suffix = yes != 0,
                (35, Value::Varint(yes)) => self.byte_fallback = yes != 0,
                (44, Value::Bytes(surface)) => self.unknown_surface = String::from_utf8_lossy(surface).into_owned(),
                _ => {}
            }
        }
        Ok(unigram)
    }

    fn read_normaliser(&mut self, bytes: &[u8]) -> Result<()> {
        let mut fields = Fields::new(bytes);
        while let Some(field) = fields.next()? {
            match field {
                (2, Value::Bytes(table)) => {
                    (self.normaliser.units, self.normaliser.replacements) = Normaliser::parse_table(table)?;
                }
                (3, Value::Varint(yes)) => self.normaliser.add_dummy_prefix = yes != 0,
                (4, Value::Varint(yes)) => self.normaliser.remove_extra_spaces = yes != 0,
                (5, Value::Varint(yes)) => self.normaliser.escape_spaces = yes != 0,
                _ => {}
            }
        }
        Ok(())
    }

    /// The pieces of the kinds that are wanted, with their numbers.
    fn numbered(&self, wanted: impl Fn(Kind) -> bool) -> impl Iterator<Item = (&'a str, u32)> {
        self.pieces
            .iter()
            .enumerate()
            .filter(move |(_, piece)| wanted(piece.kind))
            .map(|(number, piece)| (piece.text, number as u32))
    }
}

fn parse_piece(bytes: &[u8], number: usize) -> Result<Piece<'_>> {
    let mut piece = Piece { text: "", score: 0.0, kind: Kind::Normal };
    let broken = |what| Error::model(format!("piece {number} of the SentencePiece model {what}; fetch the file again"));
    let mut fields = Fields::new(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(text)) => {
                piece.text = std::str::from_utf8(text).map_err(|_| broken("is not UTF-8"))?;
            }
            (2, Value::Fixed32(score)) => piece.score = f32::from_le_bytes(score),
            (3, Value::Varint(kind)) => {
                piece.kind = match kind {
                    1 => Kind::Normal,
                    2 => Kind::Unknown,
                    3 => Kind::Control,
                    4 => Kind::UserDefined,
                    5 => Kind::Unused,
                    6 => Kind::Byte,
                    _ => return Err(broken("is of a kind that does not exist")),
                }
            }
            _ => {}
        }
    }
    match piece.text.len() {
        0 => Err(broken("is empty")),
        length if length > LONGEST_PIECE => Err(broken("is far too long")),
        _ if !piece.score.is_finite() => Err(broken("has no finite score")),
        _ => Ok(piece),
    }
}

fn has_table(normaliser: &[u8]) -> Result<bool> {
    let mut fields = Fields::new(normaliser);
    while let Some(field) = fields.next()? {
        if matches!(field, (2, Value::Bytes(table)) if !table.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A part of a text, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The piece's number; `None` for a run of characters that no piece covers.
    pub piece: Option<u32>,
    /// Bytes of the normalised text.
    pub range: Range<usize>,
}

/// Cuts texts into pieces: the most probable way under the Unigram model.
#[derive(Clone, Debug)]
pub struct Segmenter {
    normaliser: Normaliser,
    trie: Trie,
    /// What each piece adds to the score of a cut; `None` for one that is out of use.
    scores: Vec<Option<f32>>,
    unknown_score: f32,
    byte_fallback: bool,
}

/// The best way to reach a place in the text.
#[derive(Clone, Copy)]
struct Best {
    score: f32,
    /// How many bytes its last part has; 0 where the place was not reached.
    length: u32,
    piece: u32,
}

const UNKNOWN: u32 = u32::MAX;
/// What an unknown character costs below the worst piece; SentencePiece's constant.
const UNKNOWN_PENALTY: f32 = 10.0;
const USER_DEFINED_SCORE: f32 = -0.1;

impl Segmenter {
    /// Of a model whose bytes may go.
    pub fn new(model: &Model<'_>) -> Self {
        let normal = model.pieces.iter().filter(|piece| piece.kind == Kind::Normal);
        let least = normal.map(|piece| piece.score).fold(f32::MAX, f32::min);
        let scores = model.pieces.iter().map(|piece| match piece.kind {
            // Always wins, as the scores of all others are logarithms of probabilities.
            Kind::UserDefined => Some(USER_DEFINED_SCORE),
            Kind::Unused => None,
            _ => Some(piece.score),
        });
        Self {
            normaliser: model.normaliser.clone(),
            trie: Trie::new(model.numbered(|kind| matches!(kind, Kind::Normal | Kind::UserDefined | Kind::Unused))),
            scores: scores.collect(),
            unknown_score: least - UNKNOWN_PENALTY,
            byte_fallback: model.byte_fallback,
        }
    }

    /// The form of `text` that [`Segmenter::cut`] takes.
    pub fn normalise(&self, text: &str) -> Normalised {
        self.normaliser.normalise(text)
    }

    /// Cuts a normalised text into parts that cover it; neighbouring unknown characters are one part, unless the
    /// model falls back to bytes.
    pub fn cut(&self, text: &str) -> Vec<Part> {
        let bytes = text.as_bytes();
        let mut best = vec![Best { score: 0.0, length: 0, piece: UNKNOWN }; bytes.len() + 1];
        let mut start = 0;
        for c in text.chars() {
            let width = c.len_utf8();
            let so_far = best[start].score;
            let mut covered = false;
            self.trie.prefixes(&bytes[start..], |length, piece| {
                // In single precision and in this order, as SentencePiece does: the rounding decides ties.
                let score = match self.scores[piece as usize] {
                    Some(score) => score + so_far,
                    None => return,
                };
                let target = &mut best[start + length];
                if target.length == 0 || score > target.score {
                    *target = Best { score, length: length as u32, piece };
                }
                covered |= length == width;
            });
            if !covered {
                let score = self.unknown_score + so_far;
                let target = &mut best[start + width];
                if target.length == 0 || score > target.score {
                    *target = Best { score, length: width as u32, piece: UNKNOWN };
                }
            }
            start += width;
        }

        let mut parts: Vec<Part> = Vec::new();
        let mut end = bytes.len();
        while end > 0 {
            let Best { length, piece, .. } = best[end];
            let start = end - length as usize;
            match parts.last_mut() {
                Some(Part { piece: None, range }) if piece == UNKNOWN && !self.byte_fallback => range.start = start,
                _ => parts.push(Part { piece: (piece != UNKNOWN).then_some(piece), range: start..end }),
            }
            end = start;
        }
        parts.reverse();
        parts
    }

    /// The number of the piece that is `text`, if a text can be cut into it.
    pub fn piece(&self, text: &str) -> Option<u32> {
        self.trie.get(text.as_bytes()).filter(|&piece| self.scores[piece as usize].is_some())
    }
}
