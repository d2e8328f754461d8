//! Which target tokens may come of which source tokens: with such a table the output layer is computed for a few thousand
//! tokens instead of all.
//!
//! The candidates of a sentence depend on that sentence alone, so that its translation does not depend on its neighbours.
//! A table is made from translations of the model itself ([`Counts`]).
//!
//! The file: the line `fr2en shortlist 1`, the SHA-256 of the vocabulary (the bytes of `vocab.json`, then those of
//! `target_vocab.json` where there is one), the SHA-256 of what follows, and then numbers, seven bits a byte, the low ones
//! first, the top bit set where more follow: the sizes of the two vocabularies, then one list of common tokens and one
//! for each source token, each its length and the differences of its ascending tokens.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::Config;
use crate::error::{Error, Result};
use crate::store::ModelFiles;

const MAGIC: &[u8] = b"fr2en shortlist 1\n";
const HASH: usize = 32;

/// A table of candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortlist {
    target_size: usize,
    /// In every translation. This and all that follow are ascending.
    common: Vec<u32>,
    /// One list a source token: `targets[starts[i]..starts[i + 1]]`.
    starts: Vec<usize>,
    targets: Vec<u32>,
}

impl Shortlist {
    /// The table of a model; `None` where it has none.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Model`] where it is damaged or was made for another vocabulary.
    pub fn load(files: &ModelFiles, config: &Config) -> Result<Option<Self>> {
        let Some(blob) = &files.shortlist else { return Ok(None) };
        Self::parse(blob, &vocabulary_hash(files), config).map(Some).map_err(|error| error.at(blob.path()))
    }

    fn parse(bytes: &[u8], vocabulary: &[u8; HASH], config: &Config) -> Result<Self> {
        let damaged = || Error::model("not a shortlist, or damaged; make it again with `fr2en models shortlist`");
        let foreign = || Error::model("made for another vocabulary; make it again with `fr2en models shortlist`");
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let (made_for, rest) = rest.split_first_chunk::<HASH>().ok_or_else(damaged)?;
        let (sum, rest) = rest.split_first_chunk::<HASH>().ok_or_else(damaged)?;
        if Sha256::digest(rest)[..] != sum[..] {
            return Err(damaged());
        }
        let mut numbers = Numbers(rest);
        let (source_size, target_size) = (numbers.next().ok_or_else(damaged)?, numbers.next().ok_or_else(damaged)?);
        if made_for != vocabulary
            || (source_size, target_size) != (config.vocab_size as u64, config.decoder_vocab_size as u64)
        {
            return Err(foreign());
        }
        let mut this =
            Self { target_size: config.decoder_vocab_size, common: Vec::new(), starts: vec![0], targets: Vec::new() };
        numbers.list(&mut this.common, target_size).ok_or_else(damaged)?;
        for _ in 0..source_size {
            numbers.list(&mut this.targets, target_size).ok_or_else(damaged)?;
            this.starts.push(this.targets.len());
        }
        if numbers.0.is_empty() { Ok(this) } else { Err(damaged()) }
    }

    /// The bytes of the file for a model.
    pub fn to_bytes(&self, files: &ModelFiles) -> Vec<u8> {
        self.write(&vocabulary_hash(files))
    }

    fn write(&self, vocabulary: &[u8; HASH]) -> Vec<u8> {
        let mut numbers = Vec::new();
        put(&mut numbers, self.starts.len() as u64 - 1);
        put(&mut numbers, self.target_size as u64);
        let lists = self.starts.windows(2).map(|w| &self.targets[w[0]..w[1]]);
        for list in std::iter::once(&self.common[..]).chain(lists) {
            put(&mut numbers, list.len() as u64);
            let mut least = 0;
            for &token in list {
                put(&mut numbers, u64::from(token - least));
                least = token + 1;
            }
        }
        [MAGIC, vocabulary, &Sha256::digest(&numbers), &numbers].concat()
    }

    /// Whether the vocabularies are as large as those of the model.
    pub fn fits(&self, config: &Config) -> bool {
        (self.starts.len() - 1, self.target_size) == (config.vocab_size, config.decoder_vocab_size)
    }

    /// Adds the candidates for a source to `out`, ascending.
    pub fn candidates(&self, source: &[u32], out: &mut Vec<u32>) {
        let start = out.len();
        out.extend_from_slice(&self.common);
        for &token in source {
            if let Some(&[from, to]) = self.starts.get(token as usize..).and_then(|rest| rest.first_chunk()) {
                out.extend_from_slice(&self.targets[from..to]);
            }
        }
        out[start..].sort_unstable();
        let mut kept = start;
        for i in start..out.len() {
            if i == start || out[i] != out[i - 1] {
                out[kept] = out[i];
                kept += 1;
            }
        }
        out.truncate(kept);
    }

    /// How many tokens are in every translation, and how many others a source token has on average.
    pub fn sizes(&self) -> (usize, f64) {
        (self.common.len(), self.targets.len() as f64 / (self.starts.len() - 1).max(1) as f64)
    }
}

/// What says that a table and a model have the same vocabulary.
fn vocabulary_hash(files: &ModelFiles) -> [u8; HASH] {
    let mut hash = Sha256::new_with_prefix(&files.vocab[..]);
    if let Some(vocabulary) = &files.target_vocab {
        hash.update(&vocabulary[..]);
    }
    hash.finalize().into()
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Numbers that have not been read yet.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next(&mut self) -> Option<u64> {
        let mut number = 0;
        // Nothing here is larger than 2^32.
        for shift in (0..35).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Reads one list of tokens below `size`.
    fn list(&mut self, out: &mut Vec<u32>, size: u64) -> Option<()> {
        let mut least = 0;
        for _ in 0..self.next()? {
            let token = least + self.next()?;
            if token >= size {
                return None;
            }
            out.push(token as u32);
            least = token + 1;
        }
        Some(())
    }
}

/// How large a table becomes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the most frequent target tokens.
    pub common: usize,
    /// Others for each source token.
    pub each: usize,
}

/// How often target tokens were aligned with source tokens.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// By target and source token: the sum of the attention.
    pairs: HashMap<(u32, u32), f32>,
    targets: HashMap<u32, usize>,
}

impl Counts {
    /// Less attention than this says nothing.
    const LEAST_ATTENTION: f32 = 0.05;
    /// Less than this in all says nothing either.
    const LEAST_SUM: f32 = 0.3;

    /// Counts one translation; `attention` is `target.len() × source.len()`.
    pub fn add(&mut self, source: &[u32], target: &[u32], attention: &[f32]) {
        for (&token, weights) in target.iter().zip(attention.chunks(source.len().max(1))) {
            *self.targets.entry(token).or_default() += 1;
            for (&from, &weight) in source.iter().zip(weights) {
                if weight >= Self::LEAST_ATTENTION {
                    *self.pairs.entry((from, token)).or_default() += weight;
                }
            }
        }
    }

    /// The table: the most frequent target tokens and those of `always` are common; a source token has the target tokens
    /// that it was most aligned with, and those that `same` pairs it with.
    pub fn table(
        &self,
        config: &Config,
        always: impl IntoIterator<Item = u32>,
        same: impl IntoIterator<Item = (u32, u32)>,
        limits: Limits,
    ) -> Shortlist {
        let mut frequent: Vec<(usize, u32)> = self.targets.iter().map(|(&token, &count)| (count, token)).collect();
        frequent.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let frequent = frequent.into_iter().take(limits.common).map(|(_, token)| token);
        let mut common: Vec<u32> = frequent.chain(always).chain([config.eos_token_id]).collect();
        common.sort_unstable();
        common.dedup();

        let mut lists: Vec<Vec<(f32, u32)>> = vec![Vec::new(); config.vocab_size];
        for (&(from, to), &sum) in &self.pairs {
            if sum >= Self::LEAST_SUM && common.binary_search(&to).is_err() {
                lists[from as usize].push((sum, to));
            }
        }
        for list in &mut lists {
            list.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            list.truncate(limits.each);
        }
        for (from, to) in same {
            if common.binary_search(&to).is_err() {
                lists[from as usize].push((0.0, to));
            }
        }
        let mut this =
            Shortlist { target_size: config.decoder_vocab_size, common, starts: vec![0], targets: Vec::new() };
        for list in lists {
            let mut tokens: Vec<u32> = list.into_iter().map(|(_, token)| token).collect();
            tokens.sort_unstable();
            tokens.dedup();
            this.targets.extend(tokens);
            this.starts.push(this.targets.len());
        }
        this
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn config() -> Config {
        let json = br#"{"model_type": "marian", "vocab_size": 300, "pad_token_id": 299, "eos_token_id": 0,
            "decoder_start_token_id": 299}"#;
        Config::read(json, None).unwrap()
    }

    fn table() -> Shortlist {
        let mut counts = Counts::default();
        // 7 becomes 200 and 201, 8 becomes 210; 0 ends everything.
        for _ in 0..3 {
            counts.add(
                &[7, 8, 0],
                &[200, 201, 210, 0],
                &[0.9, 0.1, 0.0, 0.8, 0.2, 0.0, 0.04, 0.96, 0.0, 0.0, 0.0, 1.0],
            );
        }
        counts.add(&[8, 0], &[211, 0], &[0.9, 0.1, 0.0, 1.0]);
        counts.add(&[9, 0], &[212, 0], &[0.2, 0.8, 0.0, 1.0]);
        counts.table(&config(), [250], [(7, 7), (8, 250)], Limits { common: 1, each: 2 })
    }

    #[test]
    fn candidates_are_what_was_aligned() {
        let table = table();
        let of = |source: &[u32]| {
            let mut out = vec![99];
            table.candidates(source, &mut out);
            out
        };
        assert_eq!(of(&[]), [99, 0, 250]);
        // 212 was aligned with the end mark.
        assert_eq!(of(&[7, 0]), [99, 0, 7, 200, 201, 212, 250]);
        // Not 201 and 200, which 8 was aligned with less than with 211.
        assert_eq!(of(&[8, 8]), [99, 0, 210, 211, 250]);
        assert_eq!(of(&[9]), [99, 0, 250]);
        assert_eq!(of(&[u32::MAX, 300]), of(&[]));
    }

    #[test]
    fn a_file_is_read_as_it_was_written_and_damage_is_noticed() {
        let (table, config) = (table(), config());
        let hash = [3; HASH];
        let bytes = table.write(&hash);
        assert_eq!(Shortlist::parse(&bytes, &hash, &config).unwrap(), table);
        let message = |bytes: &[u8], hash: &[u8; HASH]| Shortlist::parse(bytes, hash, &config).unwrap_err().to_string();
        assert!(message(&bytes, &[4; HASH]).contains("another vocabulary"));
        for length in 0..bytes.len() {
            assert!(message(&bytes[..length], &hash).contains("damaged"), "{length}");
        }
        for i in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[i] ^= 4;
            assert!(Shortlist::parse(&bytes, &hash, &config).is_err(), "{i}");
        }
        // With a right sum over wrong numbers.
        for numbers in [&b"\xff\xff\xff\xff\xff\xff"[..], &[0xac, 2, 0xac, 2, 1, 0xac, 2], &[0xac, 2, 0xac, 2, 0]] {
            let sum = Sha256::digest(numbers);
            let bytes = [MAGIC, &hash, &sum, numbers].concat();
            assert!(message(&bytes, &hash).contains("damaged"), "{numbers:?}");
        }
    }
}
