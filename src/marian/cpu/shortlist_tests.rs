//! The part of the output layer that a shortlist leaves, against the whole.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::simd::Isa;
use super::tests::{Random, WORDS, config, sources, weights};
use super::*;
use crate::marian::shortlist::{Counts, Limits};
use crate::marian::{Candidates, Row, Want};

/// A random table: 20 to 40 of the 150 tokens for the short sources, more for the longer ones.
fn shortlist(config: &Config) -> Shortlist {
    let mut random = Random::new(5);
    let mut counts = Counts::default();
    for source in 0..WORDS as u32 {
        for _ in 0..4 {
            counts.add(&[source], &[random.below(WORDS) as u32], &[1.0]);
        }
    }
    counts.table(config, [5, 6, 149], [(1, 1)], Limits { common: 12, each: 3 })
}

#[test]
fn only_the_candidates_of_the_own_source_count() {
    let config = config(8, "swish");
    let (weights, sources) = (weights(&config), sources());
    let shortlist = shortlist(&config);
    let want = Want { k: 9, log_probs: true, attention: false, suppress: &[0, 149] };
    for compute in [Compute::Int8, Compute::F32] {
        for isa in Isa::all() {
            let network = CpuNetwork::load_for(&weights, config.clone(), compute, isa).unwrap();
            let network = network.with_shortlist(shortlist.clone()).unwrap();
            let mut session = network.session();
            // Together, each with its own best, and then each alone: the same bits.
            let mut step = |of: &[usize]| {
                session.encode(&of.iter().map(|&i| &sources[i][..]).collect::<Vec<_>>()).unwrap();
                let rows: Vec<Row> = (0..of.len()).map(|parent| Row { parent, token: 149 }).collect();
                let mut out = Candidates::default();
                session.step(&rows, &want, &mut out).unwrap();
                (out, session.logits().unwrap())
            };
            let (together, logits) = step(&(0..sources.len()).collect::<Vec<_>>());
            for (i, source) in sources.iter().enumerate() {
                let mut own = Vec::new();
                shortlist.candidates(source, &mut own);
                assert!(own.len() < WORDS);
                let logits = &logits[i * WORDS..(i + 1) * WORDS];
                let normaliser = own.iter().map(|id| f64::from(logits[*id as usize]).exp()).sum::<f64>().ln() as f32;
                own.retain(|id| !want.suppress.contains(id));
                own.sort_by(|a, b| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b)));
                let (ids, scores) = (&together.ids[i * 9..(i + 1) * 9], &together.scores[i * 9..(i + 1) * 9]);
                assert_eq!(*ids, own[..9], "source {i}, {}", network.describe());
                for (id, score) in ids.iter().zip(scores) {
                    assert!((score - (logits[*id as usize] - normaliser)).abs() < 1e-4);
                }
                let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                let (alone, _) = step(&[i]);
                assert_eq!((&alone.ids[..], bits(&alone.scores)), (ids, bits(scores)), "source {i}");
            }
        }
    }
}

#[test]
fn a_shortlist_of_another_model_is_refused() {
    let config = config(8, "swish");
    let network = CpuNetwork::load(&weights(&config), config.clone(), Compute::Int8).unwrap();
    let other = Config { decoder_vocab_size: 151, ..config };
    assert!(network.with_shortlist(shortlist(&other)).is_err());
}
