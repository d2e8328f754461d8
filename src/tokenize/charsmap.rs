//! The normalisation that a SentencePiece model was trained with: its table of replacements and its rules for spaces.
//!
//! The table (`precompiled_charsmap`) is a little-endian length, a double-array trie (Darts) of that many bytes over the
//! sources, and the replacements, each ended by a NUL; a trie value is the offset of a replacement.

use crate::error::{Error, Result};

use super::trie::Trie;

/// What stands for a space inside pieces, U+2581.
pub const SPACE: &str = "▁";

/// How a text is brought into the form its pieces are looked up in.
#[derive(Clone, Debug)]
pub struct Normaliser {
    pub(super) units: Vec<u32>,
    pub(super) replacements: Vec<u8>,
    pub(super) add_dummy_prefix: bool,
    pub(super) remove_extra_spaces: bool,
    pub(super) escape_spaces: bool,
    pub(super) space_as_suffix: bool,
    /// Pieces of the user's own, which no rule touches.
    pub(super) verbatim: Trie,
}

/// A text in the form its pieces are looked up in, and where each byte came from.
#[derive(Clone, Debug, Default)]
pub struct Normalised {
    pub text: String,
    /// For every byte of `text`, and for its end, the byte offset in the original.
    pub origins: Vec<usize>,
}

impl Normalised {
    fn push(&mut self, text: &str, origin: usize) {
        self.text.push_str(text);
        self.origins.resize(self.text.len(), origin);
    }
}

impl Normaliser {
    /// Splits `precompiled_charsmap` into its two parts.
    ///
    /// # Errors
    /// `ErrorKind::Model` where the lengths do not fit.
    pub fn parse_table(table: &[u8]) -> Result<(Vec<u32>, Vec<u8>)> {
        if table.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let broken = || Error::model("the SentencePiece model's character table is damaged; fetch the file again");
        let (length, rest) = table.split_first_chunk::<4>().ok_or_else(broken)?;
        let (units, replacements) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(broken)?;
        let (units, remainder) = units.as_chunks::<4>();
        if !remainder.is_empty() || units.is_empty() || replacements.last().is_some_and(|&last| last != 0) {
            return Err(broken());
        }
        Ok((units.iter().map(|unit| u32::from_le_bytes(*unit)).collect(), replacements.to_vec()))
    }

    /// Brings `text` into the form its pieces are looked up in, exactly as SentencePiece does.
    pub fn normalise(&self, text: &str) -> Normalised {
        let mut out = Normalised {
            text: String::with_capacity(text.len() + text.len() / 2 + SPACE.len()),
            origins: Vec::with_capacity(text.len() + text.len() / 2 + SPACE.len() + 1),
        };
        let mut at = 0;
        if self.remove_extra_spaces {
            while at < text.len() {
                let (replacement, length) = self.prefix(&text[at..]);
                if replacement != " " {
                    break;
                }
                at += length;
            }
        }
        if at == text.len() {
            // Nothing but spaces has no pieces, not even the dummy prefix.
            out.origins.push(at);
            return out;
        }
        let space = if self.escape_spaces { SPACE } else { " " };
        if self.add_dummy_prefix && !self.space_as_suffix {
            out.push(space, at);
        }
        let mut after_space = self.remove_extra_spaces;
        while at < text.len() {
            let (mut replacement, length) = self.prefix(&text[at..]);
            if after_space {
                replacement = replacement.trim_start_matches(' ');
            }
            if !replacement.is_empty() {
                for (i, run) in replacement.split(' ').enumerate() {
                    if i > 0 {
                        out.push(space, at);
                    }
                    out.push(run, at);
                }
                after_space = self.remove_extra_spaces && replacement.ends_with(' ');
            }
            at += length;
        }
        if self.remove_extra_spaces {
            while out.text.ends_with(space) {
                out.text.truncate(out.text.len() - space.len());
                at = out.origins[out.text.len()];
                out.origins.truncate(out.text.len());
            }
        }
        if self.add_dummy_prefix && self.space_as_suffix {
            out.push(space, at);
        }
        out.origins.push(at);
        out
    }

    /// What the beginning of `text`, which is not empty, becomes, and how many of its bytes that is.
    fn prefix<'a>(&'a self, text: &'a str) -> (&'a str, usize) {
        if !self.verbatim.is_empty() {
            let mut longest = 0;
            self.verbatim.prefixes(text.as_bytes(), |length, _| longest = length);
            if longest > 0 {
                return (&text[..longest], longest);
            }
        }
        let first = text.chars().next().map_or(0, char::len_utf8);
        match self.longest_rule(text) {
            Some(found) => found,
            None => (&text[..first], first),
        }
    }

    /// The longest source of the table that `text` begins with: its replacement, and its length.
    fn longest_rule<'a>(&'a self, text: &str) -> Option<(&'a str, usize)> {
        let mut found = None;
        let mut position = offset(*self.units.first()?);
        for (i, &byte) in text.as_bytes().iter().enumerate() {
            position ^= byte as usize;
            // A damaged table may point anywhere; what is not there, matches nothing.
            let Some(&unit) = self.units.get(position) else { break };
            if unit & (1 << 31 | 0xff) != u32::from(byte) {
                break;
            }
            position ^= offset(unit);
            if unit >> 8 & 1 == 1 {
                let Some(&leaf) = self.units.get(position) else { break };
                found = Some((leaf & !(1 << 31), i + 1));
            }
        }
        let (start, length) = found.filter(|&(_, length)| text.is_char_boundary(length))?;
        let rest = self.replacements.get(start as usize..)?;
        let end = rest.iter().position(|&byte| byte == 0)?;
        Some((std::str::from_utf8(&rest[..end]).ok()?, length))
    }
}

/// The offset of a double-array unit, from Darts-clone.
fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & 1 << 9) >> 6)) as usize
}
