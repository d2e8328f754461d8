//! `vocab.json`: which id each piece has in the network.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};

use crate::error::{Error, Result};

/// Pieces and their ids, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// All pieces one after another: one allocation instead of one for each.
    text: String,
    entries: Vec<Entry>,
    /// Places in `entries`, each at the hash of its piece or as soon after it as there was room; [`FREE`] elsewhere. The
    /// length is a power of two, at most half of it taken.
    table: Vec<u32>,
    hasher: RandomState,
    size: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    id: u32,
}

/// No place in the entries.
const FREE: u32 = u32::MAX;
/// An id past this is no row of any embedding table; it keeps a damaged file from asking for gigabytes.
const MOST_IDS: u32 = 1 << 24;
/// Offsets are 32 bits wide; real files have some megabytes at most.
const LONGEST_FILE: usize = 1 << 30;

impl Vocabulary {
    /// Parses a JSON object of pieces and ids. Of equal pieces the last one counts.
    ///
    /// # Errors
    /// `ErrorKind::Model` where the bytes are anything else, with the line and column.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > LONGEST_FILE {
            return Err(Error::model("far too large for a vocabulary; fetch the file again"));
        }
        let mut vocabulary = Self::default();
        // Few pieces take less than these bytes in JSON.
        vocabulary.text.reserve(bytes.len() / 2);
        vocabulary.entries.reserve(bytes.len() / 18);
        vocabulary.make_room(bytes.len() / 18);
        let mut json = serde_json::Deserializer::from_slice(bytes);
        json.deserialize_map(Pieces(&mut vocabulary))
            .and_then(|()| json.end())
            .map_err(|error| Error::model(format!("not a vocabulary: {error}")).because(error))?;
        vocabulary.size = vocabulary.entries.iter().map(|entry| entry.id as usize + 1).max().unwrap_or(0);
        if vocabulary.size == 0 {
            return Err(Error::model("the vocabulary is empty; fetch the file again"));
        }
        Ok(vocabulary)
    }

    fn insert(&mut self, piece: &str, id: u32) {
        if self.table.len() <= 2 * self.entries.len() {
            self.make_room(2 * self.entries.len());
        }
        let slot = self.slot(piece);
        if let Some(entry) = self.entries.get_mut(self.table[slot] as usize) {
            entry.id = id;
            return;
        }
        self.table[slot] = self.entries.len() as u32;
        let start = self.text.len() as u32;
        self.text.push_str(piece);
        self.entries.push(Entry { start, end: self.text.len() as u32, id });
    }

    /// For this many entries.
    fn make_room(&mut self, entries: usize) {
        self.table = vec![FREE; (2 * entries).next_power_of_two().max(1024)];
        for place in 0..self.entries.len() {
            let slot = self.slot(piece_of(&self.text, self.entries[place]));
            self.table[slot] = place as u32;
        }
    }

    /// Where in the table a piece is, or would be. The table has room.
    fn slot(&self, piece: &str) -> usize {
        let last = self.table.len() - 1;
        let mut slot = self.hasher.hash_one(piece) as usize & last;
        while let Some(&entry) = self.entries.get(self.table[slot] as usize)
            && piece_of(&self.text, entry) != piece
        {
            slot = (slot + 1) & last;
        }
        slot
    }

    /// The id of a piece.
    pub fn id(&self, piece: &str) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        self.entries.get(self.table[self.slot(piece)] as usize).map(|entry| entry.id)
    }

    /// One more than the largest id: the rows that an embedding table must have at least.
    pub fn size(&self) -> usize {
        self.size
    }

    /// All pieces with their ids, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.entries.iter().map(|&entry| (piece_of(&self.text, entry), entry.id))
    }
}

fn piece_of(text: &str, entry: Entry) -> &str {
    &text[entry.start as usize..entry.end as usize]
}

struct Pieces<'a>(&'a mut Vocabulary);

impl<'de> Visitor<'de> for Pieces<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of pieces and their ids")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(piece)) = map.next_key::<Text<'de>>()? {
            let id: u32 = map.next_value()?;
            if id >= MOST_IDS {
                return Err(serde::de::Error::custom(format!("the id {id} is past any vocabulary's end")));
            }
            self.0.insert(&piece, id);
        }
        Ok(())
    }
}

/// A string that is borrowed where the JSON has no escapes in it.
struct Text<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Strings;
        impl<'de> Visitor<'de> for Strings {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a piece")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(text.into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Strings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_escapes_and_lets_the_later_entry_win() {
        let vocabulary = Vocabulary::parse(br#"{"\u2581a": 3, "b": 1, "b": 2}"#).unwrap();
        assert_eq!((vocabulary.id("▁a"), vocabulary.id("b"), vocabulary.size()), (Some(3), Some(2), 4));
    }

    #[test]
    fn refuses_everything_else() {
        for bytes in ["", "{", "[]", "{}", r#"{"a": -1}"#, r#"{"a": 1.5}"#, r#"{"a": 1} x"#, r#"{"a": 4000000000}"#] {
            assert!(Vocabulary::parse(bytes.as_bytes()).is_err(), "{bytes}");
        }
    }
}
