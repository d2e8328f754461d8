//! `vocab.json`: which id each piece has in the network.

use std::borrow::Cow;
use std::fmt;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable, hash_table};
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};

use crate::error::{Error, Result};

/// Pieces and their ids, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// All pieces one after another: one allocation instead of one for each.
    text: String,
    entries: Vec<Entry>,
    /// Places in `entries`, by the hash of the piece.
    table: HashTable<u32>,
    hasher: DefaultHashBuilder,
    size: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    id: u32,
}

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
        vocabulary.text.reserve(bytes.len() / 2);
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
        let Self { text, entries, table, hasher, .. } = self;
        let of = |place: &u32| piece_of(text, entries[*place as usize]);
        match table.entry(hasher.hash_one(piece), |place| of(place) == piece, |place| hasher.hash_one(of(place))) {
            hash_table::Entry::Occupied(slot) => entries[*slot.get() as usize].id = id,
            hash_table::Entry::Vacant(slot) => {
                slot.insert(entries.len() as u32);
                let start = text.len() as u32;
                text.push_str(piece);
                entries.push(Entry { start, end: text.len() as u32, id });
            }
        }
    }

    /// The id of a piece.
    pub fn id(&self, piece: &str) -> Option<u32> {
        let same = |place: &u32| piece_of(&self.text, self.entries[*place as usize]) == piece;
        self.table.find(self.hasher.hash_one(piece), same).map(|&place| self.entries[place as usize].id)
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
