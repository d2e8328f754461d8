//! The network against a plain one in nested loops, every instruction set against the portable one, and the law that
//! neighbours do not matter.

#![allow(clippy::unwrap_used, clippy::needless_range_loop, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;

use super::simd::Isa;
use super::*;
use crate::marian::tensor::TensorNetwork;
use crate::marian::{Candidates, Row, Want, quantised};
use crate::store::Blob;

const WIDTH: usize = 64;
pub(super) const WORDS: usize = 150;

/// Numbers from a linear congruential generator, about normal, of standard deviation 1.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    pub(super) fn normal(&mut self) -> f32 {
        let sum: f32 = (0..12).map(|_| self.below(1 << 16) as f32 / 65536.0).sum();
        sum - 6.0
    }
}

pub(super) fn config(heads: usize, activation: &str) -> Config {
    let json = format!(
        r#"{{"model_type": "marian", "d_model": {WIDTH}, "encoder_layers": 2, "decoder_layers": 3,
        "encoder_attention_heads": {heads}, "decoder_attention_heads": {heads}, "encoder_ffn_dim": 128,
        "decoder_ffn_dim": 192, "vocab_size": {WORDS}, "activation_function": "{activation}", "pad_token_id": 149,
        "eos_token_id": 0, "decoder_start_token_id": 149, "scale_embedding": true, "max_position_embeddings": 64}}"#
    );
    Config::read(json.as_bytes(), None).unwrap()
}

/// The tensors of a random model.
fn tensors(config: &Config) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let mut random = Random::new(7);
    let mut all = BTreeMap::new();
    let mut add = |name: String, shape: Vec<usize>, mean: f32, deviation: f32| {
        let values = (0..shape.iter().product()).map(|_| mean + deviation * random.normal()).collect();
        all.insert(name, (shape, values));
    };
    let d = config.d_model;
    let mut layers = Vec::new();
    for i in 0..config.encoder_layers {
        layers.push((format!("model.encoder.layers.{i}"), vec!["self_attn"], config.encoder_ffn_dim));
    }
    for i in 0..config.decoder_layers {
        layers.push((format!("model.decoder.layers.{i}"), vec!["self_attn", "encoder_attn"], config.decoder_ffn_dim));
    }
    for (at, attentions, hidden) in layers {
        for attention in attentions {
            for which in ["q", "k", "v", "out"] {
                add(format!("{at}.{attention}.{which}_proj.weight"), vec![d, d], 0.0, 0.2);
                add(format!("{at}.{attention}.{which}_proj.bias"), vec![d], 0.0, 0.2);
            }
            add(format!("{at}.{attention}_layer_norm.weight"), vec![d], 1.0, 0.1);
            add(format!("{at}.{attention}_layer_norm.bias"), vec![d], 0.0, 0.1);
        }
        add(format!("{at}.fc1.weight"), vec![hidden, d], 0.0, 0.2);
        add(format!("{at}.fc1.bias"), vec![hidden], 0.0, 0.2);
        add(format!("{at}.fc2.weight"), vec![d, hidden], 0.0, 0.1);
        add(format!("{at}.fc2.bias"), vec![d], 0.0, 0.2);
        add(format!("{at}.final_layer_norm.weight"), vec![d], 1.0, 0.1);
        add(format!("{at}.final_layer_norm.bias"), vec![d], 0.0, 0.1);
    }
    add("model.shared.weight".into(), vec![config.vocab_size, d], 0.0, 0.3);
    add("final_logits_bias".into(), vec![1, config.vocab_size], 0.0, 0.5);
    all
}

pub(super) fn weights(config: &Config) -> Weights {
    let tensors = tensors(config);
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, (shape, values))| (name, shape, values.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, data)| (name, TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap()));
    let file = safetensors::serialize(views, None).unwrap();
    Weights::open(&Blob::embedded("random.safetensors".into(), Box::leak(file.into_boxed_slice()))).unwrap()
}

/// The same network in nested loops over one sentence.
struct Plain<'a> {
    config: &'a Config,
    weights: &'a Weights,
}

type Matrix2 = Vec<Vec<f32>>;

impl Plain<'_> {
    fn get(&self, name: &str) -> Vec<f32> {
        let shape = self.weights.shape(name).unwrap().to_vec();
        self.weights.f32(name, &shape).unwrap().into_owned()
    }

    fn linear(&self, x: &Matrix2, name: &str) -> Matrix2 {
        let weights = self.get(&format!("{name}.weight"));
        let bias = self.get(&format!("{name}.bias"));
        let inputs = weights.len() / bias.len();
        x.iter()
            .map(|x| {
                let outputs = weights.chunks(inputs).zip(&bias);
                outputs.map(|(w, b)| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>()).collect()
            })
            .collect()
    }

    fn norm(&self, x: &Matrix2, added: Matrix2, name: &str) -> Matrix2 {
        let (gain, bias) = (self.get(&format!("{name}.weight")), self.get(&format!("{name}.bias")));
        x.iter()
            .zip(added)
            .map(|(x, added)| {
                let x: Vec<f32> = x.iter().zip(added).map(|(x, y)| x + y).collect();
                let mean = x.iter().sum::<f32>() / x.len() as f32;
                let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / x.len() as f32;
                let normal = x.iter().map(|x| (x - mean) / (variance + 1e-5).sqrt());
                normal.zip(gain.iter().zip(&bias)).map(|(x, (g, b))| x * g + b).collect()
            })
            .collect()
    }

    /// Attention of `x` to `to`; also the mean of the aligning heads' weights.
    fn attention(&self, x: &Matrix2, to: &Matrix2, causal: bool, at: &str, heads: usize) -> (Matrix2, Matrix2) {
        let [q, k, v] =
            [(x, "q"), (to, "k"), (to, "v")].map(|(x, which)| self.linear(x, &format!("{at}.{which}_proj")));
        let size = self.config.d_model / heads;
        let mut mixed = vec![vec![0.0; self.config.d_model]; x.len()];
        let mut mean = vec![vec![0.0; to.len()]; x.len()];
        let aligning = (0..heads).filter(|&h| self.config.alignment.has(h)).count();
        for h in 0..heads {
            let part = h * size..(h + 1) * size;
            for (i, q) in q.iter().enumerate() {
                let seen = if causal { i + 1 } else { to.len() };
                let scores: Vec<f32> = k[..seen]
                    .iter()
                    .map(|k| part.clone().map(|c| q[c] * k[c]).sum::<f32>() / (size as f32).sqrt())
                    .collect();
                let largest = scores.iter().copied().fold(f32::MIN, f32::max);
                let sum: f32 = scores.iter().map(|s| (s - largest).exp()).sum();
                for (j, score) in scores.iter().enumerate() {
                    let p = (score - largest).exp() / sum;
                    if self.config.alignment.has(h) {
                        mean[i][j] += p / aligning as f32;
                    }
                    for c in part.clone() {
                        mixed[i][c] += p * v[j][c];
                    }
                }
            }
        }
        (self.linear(&mixed, &format!("{at}.out_proj")), mean)
    }

    fn embed(&self, ids: &[u32]) -> Matrix2 {
        let table = self.get("model.shared.weight");
        let d = self.config.d_model;
        ids.iter()
            .enumerate()
            .map(|(position, &id)| {
                (0..d)
                    .map(|j| {
                        let angle = position as f64 / 10_000f64.powf(2.0 * (j % (d / 2)) as f64 / d as f64);
                        let p = if j < d / 2 { angle.sin() } else { angle.cos() };
                        table[id as usize * d + j] * (d as f32).sqrt() + p as f32
                    })
                    .collect()
            })
            .collect()
    }

    fn feed(&self, x: &Matrix2, at: &str) -> Matrix2 {
        let mut hidden = self.linear(x, &format!("{at}.fc1"));
        hidden.iter_mut().flatten().for_each(|x| *x = self.config.activation.at(*x));
        self.norm(x, self.linear(&hidden, &format!("{at}.fc2")), &format!("{at}.final_layer_norm"))
    }

    fn encode(&self, ids: &[u32]) -> Matrix2 {
        let mut x = self.embed(ids);
        for i in 0..self.config.encoder_layers {
            let at = format!("model.encoder.layers.{i}");
            let heads = self.config.encoder_attention_heads;
            let (mixed, _) = self.attention(&x, &x, false, &format!("{at}.self_attn"), heads);
            x = self.norm(&x, mixed, &format!("{at}.self_attn_layer_norm"));
            x = self.feed(&x, &at);
        }
        x
    }

    /// The logits after the last of `ids`, and that position's attention in the alignment layer.
    fn decode(&self, states: &Matrix2, ids: &[u32]) -> (Vec<f32>, Vec<f32>) {
        let mut x = self.embed(ids);
        let mut attention = Vec::new();
        for i in 0..self.config.decoder_layers {
            let at = format!("model.decoder.layers.{i}");
            let heads = self.config.decoder_attention_heads;
            let (mixed, _) = self.attention(&x, &x, true, &format!("{at}.self_attn"), heads);
            x = self.norm(&x, mixed, &format!("{at}.self_attn_layer_norm"));
            let (mixed, mean) = self.attention(&x, states, false, &format!("{at}.encoder_attn"), heads);
            if i == self.config.alignment.layer {
                attention = mean.last().unwrap().clone();
            }
            x = self.norm(&x, mixed, &format!("{at}.encoder_attn_layer_norm"));
            x = self.feed(&x, &at);
        }
        let bias = self.get("final_logits_bias");
        let last = x.last().unwrap();
        let table = self.get("model.shared.weight");
        let logits =
            table.chunks(last.len()).zip(&bias).map(|(w, b)| b + w.iter().zip(last).map(|(w, x)| w * x).sum::<f32>());
        (logits.collect(), attention)
    }
}

/// Sources of different lengths, among them the shortest, one longer than the positions seen in training, and enough tokens
/// for more than one group.
pub(super) fn sources() -> Vec<Vec<u32>> {
    let mut random = Random::new(3);
    [1, 2, 5, 17, 4, 70, 33, 9, 64, 3, 20, 41]
        .iter()
        .map(|&n| (0..n).map(|i| if i + 1 == n { 0 } else { random.below(WORDS - 1) as u32 }).collect())
        .collect()
}

const WANT: Want<'_> = Want { k: 5, log_probs: true, attention: true, suppress: &[0, 149] };

/// What a row of a step gave: ids, the bits of the scores, of the attention (cut to its source) and of the logits.
type Seen = (Vec<u32>, Vec<u32>, Vec<u32>, Vec<u32>);

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

fn seen(session: &mut dyn Session, rows: &[Row], lengths: &[usize]) -> Vec<Seen> {
    let mut out = Candidates::default();
    session.step(rows, &WANT, &mut out).unwrap();
    let logits = session.logits().unwrap();
    (0..rows.len())
        .map(|i| {
            let attention = &out.attention[i * out.width..(i + 1) * out.width];
            assert!(attention[lengths[i]..].iter().all(|p| *p == 0.0));
            (
                out.ids[i * 5..(i + 1) * 5].to_vec(),
                bits(&out.scores[i * 5..(i + 1) * 5]),
                bits(&attention[..lengths[i]]),
                bits(&logits[i * WORDS..(i + 1) * WORDS]),
            )
        })
        .collect()
}

/// The greedy path of one source alone, `steps` long.
fn alone(network: &CpuNetwork, source: &[u32], steps: usize) -> Vec<Seen> {
    let mut session = network.session();
    session.encode(&[source]).unwrap();
    let mut token = network.config.decoder_start_token_id;
    (0..steps)
        .map(|_| {
            let seen = seen(&mut *session, &[Row { parent: 0, token }], &[source.len()]).remove(0);
            token = seen.0[0];
            seen
        })
        .collect()
}

/// `a` differs from `b` by less than `share` of the size of `b`.
fn assert_close(a: &[f32], b: &[f32], share: f32, what: &str) {
    assert_eq!(a.len(), b.len());
    let squares = |x: &mut dyn Iterator<Item = f32>| x.map(|x| x * x).sum::<f32>().sqrt();
    let distance = squares(&mut a.iter().zip(b).map(|(a, b)| a - b)) / squares(&mut b.iter().copied());
    assert!(distance < share, "{what}: {distance} of the size, not below {share}");
}

#[test]
fn agrees_with_the_plain_network() {
    for (heads, activation) in [(8, "swish"), (4, "relu"), (16, "gelu"), (1, "swish"), (2, "relu")] {
        let mut config = config(heads, activation);
        // Some heads for some models, all for others.
        config.alignment.heads = (0..heads).filter(|h| heads > 2 && h % 3 == 1).collect();
        let weights = weights(&config);
        let plain = Plain { config: &config, weights: &weights };
        for (compute, tolerance) in [(Compute::F32, 2e-5), (Compute::Int8, 0.1)] {
            for isa in Isa::all() {
                let network = CpuNetwork::load_for(&weights, config.clone(), compute, isa).unwrap();
                let mut session = network.session();
                let sources = sources();
                session.encode(&sources.iter().map(|s| &s[..]).collect::<Vec<_>>()).unwrap();
                let mut tokens: Vec<Vec<u32>> = vec![vec![149]; sources.len()];
                let mut compared = [const { (Vec::new(), Vec::new()) }; 3];
                for step in 0..3 {
                    let row = |(i, tokens): (usize, &Vec<u32>)| Row { parent: i, token: tokens[step] };
                    let rows: Vec<Row> = tokens.iter().enumerate().map(row).collect();
                    let mut out = Candidates::default();
                    session.step(&rows, &WANT, &mut out).unwrap();
                    let logits = session.logits().unwrap();
                    for (i, source) in sources.iter().enumerate() {
                        let (expected, attention) = plain.decode(&plain.encode(source), &tokens[i]);
                        compared[0].0.extend_from_slice(&logits[i * WORDS..(i + 1) * WORDS]);
                        compared[0].1.extend(expected);
                        compared[1].0.extend_from_slice(&out.attention[i * out.width..][..source.len()]);
                        compared[1].1.extend(attention);
                        // Any next token will do: not the best, so that the two forms cannot part ways.
                        tokens[i].push(((i * 31 + step * 17) % 149) as u32);
                    }
                }
                let longest = sources.iter().map(Vec::len).max().unwrap();
                let states = session.encoder_states().unwrap();
                for (i, source) in sources.iter().enumerate() {
                    let expected = plain.encode(source).concat();
                    compared[2].0.extend_from_slice(&states[i * longest * WIDTH..][..expected.len()]);
                    compared[2].1.extend(expected);
                }
                for ((found, expected), what) in compared.iter().zip(["logits", "attention", "states"]) {
                    assert_close(found, expected, tolerance, &format!("{what}, {}", network.describe()));
                }
            }
        }
    }
}

/// On trained weights, which are less even than random ones.
#[test]
fn agrees_with_the_tensor_network() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(crate::store::BUNDLED);
    let read = |name: &str| std::fs::read(directory.join(name)).unwrap();
    let config = Config::read(&read("config.json"), Some(&read("generation_config.json"))).unwrap();
    let bytes = Box::leak(read("model.safetensors").into_boxed_slice());
    let weights = Weights::open(&Blob::embedded(directory.join("model.safetensors"), bytes)).unwrap();
    let device = candle_core::Device::Cpu;
    let tensor = TensorNetwork::new(&weights, &config, &device, candle_core::DType::F32).unwrap();
    let mut random = Random::new(17);
    let sources: Vec<Vec<u32>> = [12, 3, 40]
        .iter()
        .map(|&n| {
            (0..n).map(|i| if i + 1 == n { config.eos_token_id } else { 1 + random.below(5000) as u32 }).collect()
        })
        .collect();
    let sources: Vec<&[u32]> = sources.iter().map(|source| &source[..]).collect();
    let want = Want { k: 1, log_probs: true, attention: true, suppress: &config.suppressed };
    for (compute, tolerance) in [(Compute::F32, 1e-4), (Compute::Int8, 0.1)] {
        let network = CpuNetwork::load(&weights, config.clone(), compute).unwrap();
        let (mut ours, mut theirs) = (network.session(), tensor.session());
        ours.encode(&sources).unwrap();
        theirs.encode(&sources).unwrap();
        assert_eq!(ours.encoder_states().unwrap().len(), theirs.encoder_states().unwrap().len());
        let mut rows: Vec<Row> =
            (0..sources.len()).map(|parent| Row { parent, token: config.decoder_start_token_id }).collect();
        for _ in 0..12 {
            let (mut found, mut expected) = (Candidates::default(), Candidates::default());
            ours.step(&rows, &want, &mut found).unwrap();
            theirs.step(&rows, &want, &mut expected).unwrap();
            let what = network.describe();
            assert_close(&ours.logits().unwrap(), &theirs.logits().unwrap(), tolerance, &what);
            assert_close(&found.attention, &expected.attention, tolerance, &what);
            for (i, row) in rows.iter_mut().enumerate() {
                *row = Row { parent: i, token: expected.ids[i] };
            }
        }
    }
}

#[test]
fn a_quantised_file_gives_the_same_bits() {
    let config = config(8, "swish");
    let floats = weights(&config);
    let file = quantised::file(&floats, &config).unwrap();
    let bytes = Weights::open(&Blob::new("int8.safetensors", file)).unwrap();
    let name = "model.decoder.layers.2.fc1.weight";
    assert!(bytes.is_quantised(name) && !bytes.is_quantised("model.decoder.layers.2.fc1.bias"));
    let (rounded, exact) = (bytes.f32(name, &[192, 64]).unwrap(), floats.f32(name, &[192, 64]).unwrap());
    assert_close(&rounded, &exact, 0.01, name);
    let error = quantised::file(&bytes, &config).unwrap_err().to_string();
    assert!(error.contains("in bytes already"), "{error}");

    let source = &sources()[4];
    let path =
        |weights: &Weights, compute| alone(&CpuNetwork::load(weights, config.clone(), compute).unwrap(), source, 6);
    assert!(path(&bytes, Compute::Int8) == path(&floats, Compute::Int8));
    // As floats as well, on both forms of the network.
    path(&bytes, Compute::F32);
    TensorNetwork::new(&bytes, &config, &candle_core::Device::Cpu, candle_core::DType::F32).unwrap();
}

#[test]
fn candidates_are_the_best_logits() {
    let config = config(8, "swish");
    let weights = weights(&config);
    let network = CpuNetwork::load(&weights, config, Compute::Int8).unwrap();
    let mut session = network.session();
    let sources = sources();
    session.encode(&sources.iter().map(|s| &s[..]).collect::<Vec<_>>()).unwrap();
    let rows: Vec<Row> = (0..sources.len()).map(|parent| Row { parent, token: 149 }).collect();
    for (k, log_probs) in [(1, false), (1, true), (7, false), (8, true), (WORDS + 3, true), (0, false)] {
        session.encode(&sources.iter().map(|s| &s[..]).collect::<Vec<_>>()).unwrap();
        let want = Want { k, log_probs, attention: false, suppress: &[3, 149, 77] };
        let mut out = Candidates::default();
        session.step(&rows, &want, &mut out).unwrap();
        let logits = session.logits().unwrap();
        assert_eq!((out.ids.len(), out.scores.len()), (k * rows.len(), k * rows.len()));
        for i in 0..rows.len() {
            let logits = &logits[i * WORDS..(i + 1) * WORDS];
            let sum: f64 = logits.iter().map(|x| f64::from(*x).exp()).sum();
            let normaliser = if log_probs { sum.ln() as f32 } else { 0.0 };
            let mut order: Vec<u32> = (0..WORDS as u32).filter(|id| ![3, 149, 77].contains(id)).collect();
            order.sort_by(|a, b| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b)));
            for (j, id) in order.into_iter().take(k).enumerate() {
                assert_eq!(out.ids[i * k + j], id);
                assert!((out.scores[i * k + j] - (logits[id as usize] - normaliser)).abs() < 1e-4);
            }
            assert!(out.scores[i * k..(i + 1) * k].iter().skip(WORDS - 3).all(|s| *s == f32::NEG_INFINITY));
        }
    }
}

#[test]
fn neighbours_do_not_matter() {
    let config = config(8, "swish");
    let weights = weights(&config);
    let sources = sources();
    let mut random = Random::new(11);
    for compute in [Compute::Int8, Compute::F32] {
        for isa in Isa::all() {
            let network = CpuNetwork::load_for(&weights, config.clone(), compute, isa).unwrap();
            let expected: Vec<Vec<Seen>> = sources.iter().map(|source| alone(&network, source, 6)).collect();
            let mut session = network.session();
            for _ in 0..4 {
                // In any order; each source twice; rows leave, change places, and are doubled from step to step.
                let mut order: Vec<usize> = (0..sources.len()).chain(0..sources.len()).collect();
                for i in (1..order.len()).rev() {
                    order.swap(i, random.below(i + 1));
                }
                session.encode(&order.iter().map(|&i| &sources[i][..]).collect::<Vec<_>>()).unwrap();
                let mut rows: Vec<(usize, Row)> =
                    order.iter().enumerate().map(|(parent, &i)| (i, Row { parent, token: 149 })).collect();
                for step in 0..6 {
                    let lengths: Vec<usize> = rows.iter().map(|(i, _)| sources[*i].len()).collect();
                    let found = seen(&mut *session, &rows.iter().map(|(_, row)| *row).collect::<Vec<_>>(), &lengths);
                    for ((i, _), found) in rows.iter().zip(&found) {
                        assert!(*found == expected[*i][step], "source {i}, step {step}");
                    }
                    let count = 1 + random.below(rows.len() + 2);
                    rows = (0..count)
                        .map(|_| {
                            let parent = random.below(rows.len());
                            (rows[parent].0, Row { parent, token: found[parent].0[0] })
                        })
                        .collect();
                }
            }
        }
    }
}

#[test]
fn bad_input_is_an_error() {
    let config = config(8, "swish");
    let weights = weights(&config);
    let network = CpuNetwork::load(&weights, config, Compute::Int8).unwrap();
    let mut session = network.session();
    assert!(session.encode(&[&[WORDS as u32]]).is_err());
    assert!(session.encode(&[&[]]).is_err());
    session.encode(&[&[5, 0]]).unwrap();
    let mut out = Candidates::default();
    assert!(session.step(&[Row { parent: 1, token: 149 }], &WANT, &mut out).is_err());
    assert!(session.step(&[Row { parent: 0, token: WORDS as u32 }], &WANT, &mut out).is_err());
    session.encode(&[&[5, 0]]).unwrap();
    session.step(&[], &WANT, &mut out).unwrap();
    assert!(out.ids.is_empty());
    session.encode(&[]).unwrap();
}
