//! A share of the work: which documents, or rows of a record file, one of several processes takes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::digest::Digest;
use crate::error::{Error, Result};

/// One of `count` shares. Which share takes what depends on its id or relative path alone, never on its place or its
/// neighbours: the first 64 bits of the SHA-256 of its name (big-endian), modulo `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: u64,
    count: u64,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// The shares of a job that is done in so many.
    pub fn all(count: u64) -> impl Iterator<Item = Self> {
        (0..count).map(move |index| Self { index, count })
    }

    /// `i/n`, with i from 1 to n.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
        match numbers {
            Some((i, n)) if (1..=n).contains(&i) => Ok(Self { index: i - 1, count: n }),
            _ => Err(Error::settings(format!("--shard takes i/n, such as 2/8 for the second of eight, not '{text}'"))),
        }
    }

    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// The share, from 0, that takes this name.
    pub fn index_of(self, name: &[u8]) -> u64 {
        if self.is_whole() { 0 } else { Digest::of(name).head() % self.count }
    }

    pub fn takes(self, name: &[u8]) -> bool {
        self.index_of(name) == self.index
    }

    /// `path` with the share in its name, where it is a share: `rows.2-of-8.jsonl`.
    pub fn name(self, path: &Path) -> PathBuf {
        if self.is_whole() {
            return path.to_owned();
        }
        let share = format!("{}-of-{}", self.index + 1, self.count);
        match path.extension() {
            Some(extension) => path.with_extension(format!("{share}.{}", extension.to_string_lossy())),
            None => path.with_extension(share),
        }
    }
}

/// What a row goes by: its id, where it has one that is a string or a whole number, else all of it.
pub fn row_name<'a>(line: &'a [u8], field: &str) -> Cow<'a, [u8]> {
    let whole = line.trim_ascii_end();
    let id = || {
        let entries: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(line).ok()?;
        let raw = entries.get(field)?.get();
        if raw.starts_with('"') {
            return serde_json::from_str::<String>(raw).ok().map(String::into_bytes);
        }
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| raw.as_bytes().to_vec())
    };
    id().map_or(Cow::Borrowed(whole), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_belongs_to_one_share_and_always_the_same() {
        for i in 0..1000 {
            let name = format!("row {i}");
            assert_eq!(Shard::all(7).filter(|s| s.takes(name.as_bytes())).count(), 1);
        }
        // The rule is written down for other programs to follow.
        let shard = Shard::parse("1/8").expect("a shard");
        assert_eq!(shard.index_of(b"42"), 0x7347_5cb4_0a56_8e8d % 8);
        assert_eq!(shard.index_of("é".as_bytes()), 0x4a99_557e_4033_c353 % 8);
        for wrong in ["0/8", "9/8", "1", "a/b", "/", "1/0"] {
            assert!(Shard::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_go_by_their_id() {
        assert_eq!(row_name(b"{\"id\":\"a\\u0062\",\"x\":1}\n", "id"), "ab".as_bytes());
        assert_eq!(row_name(b"{\"x\":1,\"id\": -12}\r\n", "id"), "-12".as_bytes());
        assert_eq!(row_name(b"{\"id\":1.5}\r\n", "id"), "{\"id\":1.5}".as_bytes());
        assert_eq!(row_name(b"not json\n", "id"), "not json".as_bytes());
        let shard = Shard::parse("2/8").expect("a shard");
        assert_eq!(shard.name(Path::new("d/rows.jsonl")), Path::new("d/rows.2-of-8.jsonl"));
        assert_eq!(Shard::WHOLE.name(Path::new("rows.jsonl")), Path::new("rows.jsonl"));
    }
}
