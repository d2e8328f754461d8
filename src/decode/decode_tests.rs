//! The searches on a network whose every probability is known.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::marian::{Candidates, Fleet, Row, Session, Want};

/// Ids: 0 ends, 1 to 4 are words, 5 is pad and the start.
const SIZE: usize = 6;
const PAD: u32 = 5;

/// A network whose logits depend on the source's first token, the last token and the position alone.
struct Toy {
    config: Config,
    /// Sources that fail at their second step.
    poisoned: Option<u32>,
    /// The most tokens of a batch, padding counted, that there is memory for.
    memory: usize,
    /// Tokens of each batch, padding counted.
    batches_seen: Mutex<Vec<usize>>,
    /// Rows of each step of each batch.
    rows_seen: Mutex<Vec<usize>>,
}

struct ToySession<'a> {
    toy: &'a Toy,
    sources: Vec<Vec<u32>>,
    /// The source of each row.
    rows: Vec<usize>,
    position: usize,
}

impl Toy {
    fn new() -> Self {
        let json = r#"{"model_type": "marian", "d_model": 4, "encoder_attention_heads": 1, "decoder_attention_heads": 1,
            "vocab_size": 6, "pad_token_id": 5, "decoder_start_token_id": 5, "eos_token_id": 0, "max_length": 100}"#;
        let config = Config::read(json.as_bytes(), None).unwrap();
        Self {
            config,
            poisoned: None,
            memory: usize::MAX,
            batches_seen: Mutex::new(Vec::new()),
            rows_seen: Mutex::new(Vec::new()),
        }
    }

    fn logits(&self, source: &[u32], last: u32, position: usize) -> [f32; SIZE] {
        let mut state = source[0].wrapping_mul(7919) ^ last.wrapping_mul(104_729) ^ (position as u32).wrapping_mul(31);
        std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 / 16384.0
        })
    }

    fn log_probs(&self, source: &[u32], last: u32, position: usize) -> [f32; SIZE] {
        let logits = self.logits(source, last, position);
        let normaliser = logits.iter().map(|x| x.exp()).sum::<f32>().ln();
        logits.map(|x| x - normaliser)
    }
}

impl Network for Toy {
    fn config(&self) -> &Config {
        &self.config
    }

    fn session_on(&self, _: usize) -> Box<dyn Session + '_> {
        Box::new(ToySession { toy: self, sources: Vec::new(), rows: Vec::new(), position: 0 })
    }

    fn describe(&self) -> String {
        "toy".to_owned()
    }
}

impl Session for ToySession<'_> {
    fn encode(&mut self, sources: &[&[u32]]) -> Result<()> {
        self.sources = sources.iter().map(|source| source.to_vec()).collect();
        self.rows = (0..sources.len()).collect();
        self.position = 0;
        let tokens = sources.len() * sources.iter().map(|source| source.len()).max().unwrap_or(0);
        self.toy.batches_seen.lock().unwrap().push(tokens);
        match tokens > self.toy.memory {
            true => Err(Error::new(ErrorKind::Memory, "out of memory")),
            false => Ok(()),
        }
    }

    fn step(&mut self, rows: &[Row], want: &Want<'_>, out: &mut Candidates) -> Result<()> {
        self.toy.rows_seen.lock().unwrap().push(rows.len());
        self.rows = rows.iter().map(|row| self.rows[row.parent]).collect();
        out.width = self.sources.iter().map(Vec::len).max().unwrap_or(0);
        out.ids.clear();
        out.scores.clear();
        out.attention.clear();
        for (row, &source) in rows.iter().zip(&self.rows) {
            let source = &self.sources[source];
            let mut scores = self.toy.log_probs(source, row.token, self.position);
            if self.position == 1 && self.toy.poisoned == Some(source[0]) {
                scores = [f32::NAN; SIZE];
            }
            let mut ids: Vec<u32> = (0..SIZE as u32).filter(|id| !want.suppress.contains(id)).collect();
            ids.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
            assert!(want.k <= ids.len(), "more candidates asked for than there are");
            out.scores.extend(ids.iter().take(want.k).map(|&id| scores[id as usize]));
            out.ids.extend(ids.iter().take(want.k));
            if want.attention {
                // All of it on the token that stands where the target does, or the last one.
                let at = self.position.min(source.len() - 1);
                out.attention.extend((0..out.width).map(|i| f32::from(i == at)));
            }
        }
        self.position += 1;
        Ok(())
    }

    fn encoder_states(&mut self) -> Result<Vec<f32>> {
        Ok(Vec::new())
    }

    fn logits(&mut self) -> Result<Vec<f32>> {
        Ok(Vec::new())
    }
}

fn sources(n: u32) -> Vec<Vec<u32>> {
    (0..n).map(|i| vec![i + 1; (i * 7 % 11) as usize + 1]).collect()
}

fn all(toy: &Toy, sources: &[Vec<u32>], options: &Options) -> Vec<Vec<Sequence>> {
    decode(toy, sources, options, &()).into_iter().map(|found| found.unwrap()).collect()
}

/// Every sequence of up to `most` words, its end mark included, with its log-probability.
fn enumerate(toy: &Toy, source: &[u32], most: usize) -> Vec<(Vec<u32>, f32)> {
    let mut open = vec![(Vec::new(), 0.0)];
    let mut ended = Vec::new();
    for position in 0..=most {
        for (tokens, score) in std::mem::take(&mut open) {
            let last = tokens.last().copied().unwrap_or(PAD);
            let log_probs = toy.log_probs(source, last, position);
            // The end mark is forced, with probability 1, after `most` words.
            let end = if position == most { 0.0 } else { log_probs[0] };
            ended.push(([tokens.as_slice(), &[0]].concat(), score + end));
            for word in 1..PAD {
                open.push(([tokens.as_slice(), &[word]].concat(), score + log_probs[word as usize]));
            }
        }
    }
    ended
}

#[test]
fn a_beam_as_wide_as_the_language_finds_the_best_sequence() {
    let toy = Toy::new();
    for source in sources(12) {
        for length_penalty in [0.0, 1.0, 2.0] {
            let options = Options { beam: 400, length_penalty, max_length: Some(4), ..Options::default() };
            let found = &all(&toy, std::slice::from_ref(&source), &options)[0][0];
            let rank = |(tokens, score): &(Vec<u32>, f32)| score / (tokens.len() as f32).powf(length_penalty);
            let every = enumerate(&toy, &source, 4);
            let best = every.iter().max_by(|a, b| rank(a).total_cmp(&rank(b))).unwrap();
            assert_eq!(found.tokens, best.0);
            assert!((found.score - rank(best)).abs() < 1e-4);
        }
    }
}

#[test]
fn greedy_takes_the_best_token_each_time() {
    let toy = Toy::new();
    for (source, found) in sources(20).iter().zip(all(&toy, &sources(20), &Options::default())) {
        let mut last = PAD;
        for (i, &token) in found[0].tokens.iter().enumerate() {
            let log_probs = toy.log_probs(source, last, i);
            let best = (0..PAD).max_by(|&a, &b| log_probs[a as usize].total_cmp(&log_probs[b as usize])).unwrap();
            assert_eq!(token, best);
            assert!((found[0].log_probs[i] - log_probs[token as usize]).abs() < 1e-5);
            last = token;
        }
        assert!(found[0].finished && last == 0);
        assert_eq!(found[0].attention.len(), found[0].tokens.len() * source.len());
    }
}

#[test]
fn neighbours_threads_and_order_do_not_matter() {
    let toy = Toy::new();
    let sources = sources(40);
    for beam in [1, 3] {
        let options = Options { beam, n_best: 2, max_length: Some(12), ..Options::default() };
        let expected = all(&toy, &sources, &Options { batch_tokens: 1, ..options.clone() });
        for batch_tokens in [7, 64, 4096] {
            for threads in [1, 2, 5, 100] {
                assert_eq!(all(&toy, &sources, &Options { batch_tokens, threads, ..options.clone() }), expected);
            }
        }
        let mut backwards = sources.clone();
        backwards.reverse();
        let mut found = all(&toy, &backwards, &options);
        found.reverse();
        assert_eq!(found, expected);
    }
}

#[test]
fn lengths_are_kept() {
    let toy = Toy::new();
    for beam in [1, 4] {
        for (least, most) in [(0, 0), (0, 3), (3, 3), (5, 20)] {
            let options = Options { beam, min_length: Some(least), max_length: Some(most), ..Options::default() };
            for found in all(&toy, &sources(20), &options) {
                let (end, words) = found[0].tokens.split_last().unwrap();
                assert_eq!(*end, 0, "the end mark is forced");
                assert!((least..=most).contains(&words.len()), "{} words", words.len());
                assert!(!words.contains(&0) && !words.contains(&PAD));
                assert!(found[0].finished || words.len() == most);
            }
        }
    }
}

#[test]
fn without_a_forced_end_the_limit_leaves_it_open() {
    let mut toy = Toy::new();
    toy.config.forced_eos_token_id = None;
    // With two hypotheses the end mark is not always among the candidates.
    for beam in [1, 2, 4] {
        let options = Options { beam, max_length: Some(2), ..Options::default() };
        let found = all(&toy, &sources(200), &options);
        assert!(found.iter().any(|found| !found[0].finished));
        for found in found {
            let words = found[0].tokens.iter().filter(|&&token| token != 0).count();
            assert!(words <= 2 && found[0].finished == (found[0].tokens.last() == Some(&0)));
            assert_eq!(found[0].log_probs.len(), found[0].tokens.len());
        }
    }
}

#[test]
fn what_has_ended_leaves_the_batch() {
    for (beam, most) in [(1, 1), (3, 3)] {
        let toy = Toy::new();
        let sources: Vec<_> = (1..=16).map(|i| vec![i; 3]).collect();
        all(&toy, &sources, &Options { beam, ..Options::default() });
        let rows = toy.rows_seen.into_inner().unwrap();
        assert_eq!(rows[0], 16);
        assert!(rows.iter().all(|&rows| rows <= 16 * most) && *rows.last().unwrap() < 16);
    }
}

#[test]
fn the_default_limit_goes_by_the_source() {
    let toy = Toy::new();
    let options = Options::default();
    let search = Search { config: &toy.config, options: &options, stopped: &|| false };
    assert_eq!((search.limit(1), search.limit(10), search.limit(1000), search.limit(usize::MAX)), (53, 80, 98, 98));
}

#[test]
fn one_bad_source_fails_alone() {
    let toy = Toy { poisoned: Some(7), ..Toy::new() };
    for beam in [1, 3] {
        let options = Options { beam, min_length: Some(3), ..Options::default() };
        for (i, found) in decode(&toy, &sources(12), &options, &()).into_iter().enumerate() {
            match i {
                6 => assert!(found.unwrap_err().to_string().contains("no finite score")),
                _ => assert!(found.is_ok()),
            }
        }
    }
}

#[test]
fn a_batch_without_room_is_halved_and_its_size_remembered() {
    let sources = sources(60);
    let options = Options { batch_tokens: 300, max_length: Some(12), ..Options::default() };
    let expected = all(&Toy::new(), &sources, &options);
    let toy = Toy { memory: 80, ..Toy::new() };
    assert_eq!(all(&toy, &sources, &options), expected);
    let seen = toy.batches_seen.into_inner().unwrap();
    // Once too large, halved once and too large again; after that, nothing is tried in vain.
    let failed: Vec<usize> = seen.iter().copied().filter(|&tokens| tokens > 80).collect();
    assert_eq!(failed.len(), 2, "{seen:?}");
    assert!(seen[2..].iter().all(|&tokens| tokens <= failed[1] / 2), "{seen:?}");

    // A call that is a part of the same work knows it already.
    let (toy, room) = (Toy { memory: 80, ..Toy::new() }, Room::default());
    for part in sources.chunks(30) {
        assert!(batch::run(&toy, part, &options, &(), &room).iter().all(Result::is_ok));
    }
    let seen = toy.batches_seen.into_inner().unwrap();
    assert_eq!(seen.iter().filter(|&&tokens| tokens > 80).count(), 2, "{seen:?}");

    // A source that has no room even alone is an error of its own.
    let toy = Toy { memory: 8, ..Toy::new() };
    for (source, found) in sources.iter().zip(decode(&toy, &sources, &options, &())) {
        match found {
            Ok(_) => assert!(source.len() <= 8),
            Err(error) => assert!(source.len() > 8 && error.kind() == ErrorKind::Memory),
        }
    }
}

#[test]
fn a_fleet_gives_every_device_a_worker_and_the_same_results() {
    let sources = sources(40);
    let options = Options { batch_tokens: 16, max_length: Some(12), ..Options::default() };
    let expected = all(&Toy::new(), &sources, &options);
    let fleet = Fleet::new(Box::new(Toy::new()), vec![Box::new(Toy::new()), Box::new(Toy::new())]);
    assert_eq!(fleet.workers(), Some(3));
    assert_eq!(fleet.describe(), "toy, toy, toy");
    let found: Vec<_> = decode(&fleet, &sources, &options, &()).into_iter().map(Result::unwrap).collect();
    assert_eq!(found, expected);
}

/// Stops after some sources.
struct Patience {
    left: usize,
    done: AtomicUsize,
}

impl Progress for Patience {
    fn done(&self, n: usize, _: usize) -> bool {
        self.done.fetch_add(n, Ordering::Relaxed) + n < self.left
    }
}

#[test]
fn progress_counts_every_source_and_can_stop_the_work() {
    let toy = Toy::new();
    for threads in [1, 3] {
        let options = Options { batch_tokens: 8, threads, ..Options::default() };
        let patient = Patience { left: usize::MAX, done: AtomicUsize::new(0) };
        assert!(decode(&toy, &sources(30), &options, &patient).iter().all(Result::is_ok));
        assert_eq!(patient.done.into_inner(), 30);

        let hasty = Patience { left: 5, done: AtomicUsize::new(0) };
        let found = decode(&toy, &sources(30), &options, &hasty);
        assert_eq!(found.len(), 30);
        assert!(found.iter().filter(|found| found.is_ok()).count() >= 5);
        let kinds: Vec<_> = found.iter().filter_map(|found| found.as_ref().err()).map(Error::kind).collect();
        assert!(!kinds.is_empty() && kinds.iter().all(|&kind| kind == ErrorKind::Interrupted));
    }
}

#[test]
fn no_sources_no_results() {
    assert!(decode(&Toy::new(), &[], &Options { threads: 4, ..Options::default() }, &()).is_empty());
}
