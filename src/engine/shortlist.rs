//! A shortlist from a model's own translations.

use super::{MarianEngine, Options, Progress};
use crate::decode;
use crate::error::{ErrorKind, Result};
use crate::marian::shortlist::{Counts, Limits, Shortlist};
use crate::store::ModelFiles;
use crate::tokenize::vocabulary::Vocabulary;

/// Sentences that are held in memory with their attention at a time.
const CHUNK: usize = 8192;

/// Translates `texts`, a sentence each, and every piece of the source vocabulary that starts a word, and counts which
/// target tokens come of which source tokens. Besides, every target piece of one character is a candidate everywhere,
/// and every piece is one for itself. Sentences that cannot be translated are passed over.
///
/// # Errors
/// [`ErrorKind::Interrupted`] when `progress` asked to stop; [`ErrorKind::Model`] where the vocabulary cannot be read.
pub fn shortlist(
    engine: &MarianEngine,
    files: &ModelFiles,
    texts: &[String],
    options: &Options,
    limits: Limits,
    progress: &dyn Progress,
) -> Result<Shortlist> {
    let vocabulary = |blob: &crate::store::Blob| Vocabulary::parse(blob).map_err(|error| error.at(blob.path()));
    let source = vocabulary(&files.vocab)?;
    let target = files.target_vocab.as_ref().map(vocabulary).transpose()?;
    let target = target.as_ref().unwrap_or(&source);
    let words: Vec<String> = source.iter().filter_map(|(piece, _)| Some(piece.strip_prefix('▁')?.to_owned())).collect();
    let options = Options { alignment: true, scores: false, n_best: 1, ..options.clone() };
    let most = engine.network.config().max_position_embeddings;
    // Where a token is aligned one step later, it takes the row of the next.
    let skip = usize::from(engine.network.config().alignment.next_step);
    let mut counts = Counts::default();
    for texts in texts.chunks(CHUNK).chain(words.chunks(CHUNK)) {
        let sources: Vec<Vec<u32>> = texts.iter().map(|text| engine.tokenizer.encode(text).ids).collect();
        let sources: Vec<Vec<u32>> = sources.into_iter().filter(|ids| ids.len() <= most).collect();
        let found = decode::decode(engine.network.as_ref(), &sources, &options, progress);
        for (ids, found) in sources.iter().zip(found) {
            match found {
                Ok(sequences) => {
                    for sequence in sequences {
                        counts.add(ids, &sequence.tokens, sequence.attention.get(skip * ids.len()..).unwrap_or(&[]));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
                Err(_) => {}
            }
        }
    }
    let single = |piece: &str| piece.trim_start_matches('▁').chars().count() <= 1;
    let always = target.iter().filter(|(piece, _)| single(piece)).map(|(_, id)| id);
    let same = source.iter().filter_map(|(piece, from)| Some((from, target.id(piece)?)));
    let config = engine.network.config();
    let inside = |id: &u32| (*id as usize) < config.decoder_vocab_size;
    let same = same.filter(|(from, to)| (*from as usize) < config.vocab_size && inside(to));
    Ok(counts.table(config, always.filter(inside), same, limits))
}
