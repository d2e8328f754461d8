//! The network on candle tensors: any device, f32, f16 or bf16.
//!
//! Post-norm encoder and decoder with sinusoidal positions, as in "Attention Is All You Need" and as `transformers`'
//! `MarianMTModel` computes it. Half types keep softmax, layer norms' sums and the logits in f32.
//!
//! It is written in candle's operations, for every device. On CUDA, kernels of its own (`cuda`) do what those do in many
//! steps; where a kernel does not suit a model, candle's operations do it there as well.

mod attention;
#[cfg(feature = "cuda")]
mod books;
mod cache;
mod choose;
#[cfg(feature = "cuda")]
mod cuda;
mod decoder;
mod encoder;
mod layers;
mod memory;
mod seats;
#[cfg(any(test, feature = "cuda"))]
mod slots;
mod state;

use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};

use self::decoder::Decoder;
use self::encoder::Encoder;
use self::layers::Positions;
pub(super) use self::memory::batch_tokens;
pub(super) use self::seats::seats;
use self::seats::{Seat, Seats};
use self::state::State;
use super::{Candidates, Config, Network, Row, Session, Want, Weights};
use crate::error::{Error, ErrorKind, Result};
use crate::store::ModelFiles;

/// A network on candle tensors.
pub struct TensorNetwork {
    config: Config,
    device: Device,
    dtype: DType,
    encoder: Encoder,
    decoder: Decoder,
    /// The sessions that a GPU serves at a time; it has room for a batch of each.
    seats: Option<Seats>,
    /// Held by the session whose work a GPU is given: they share its stream and cuBLAS' workspace. While one waits for its
    /// results and looks at them, another's are computed.
    turn: Mutex<()>,
}

impl TensorNetwork {
    /// Loads the weights of a model to `device`, as `dtype`: f32, f16 or bf16, whatever they are stored as.
    ///
    /// # Errors
    /// [`ErrorKind::Model`] where the file and `config` do not fit together (the message names file and tensor),
    /// [`ErrorKind::Memory`] where the device has no room.
    pub fn load(files: &ModelFiles, config: &Config, device: &Device, dtype: DType) -> Result<Self> {
        Self::new(&Weights::open(&files.weights)?, config, device, dtype)
    }

    /// [`TensorNetwork::load`] from a file that is open already.
    pub fn new(weights: &Weights, config: &Config, device: &Device, dtype: DType) -> Result<Self> {
        if !matches!(dtype, DType::F32 | DType::F16 | DType::BF16) {
            return Err(Error::settings(format!("the network runs in f32, f16 or bf16, not in {}", dtype.as_str())));
        }
        let from = layers::Loader { weights, device, dtype, prefix: String::new() };
        let source_name = weights.source_embedding(config);
        let target_name = weights.target_embedding(config);
        let output_name = weights.output_projection(config);
        let d = config.d_model;
        let source = from.vocabulary(source_name, config.vocab_size, d)?;
        // One matrix under several names is loaded once.
        let target = match target_name == source_name {
            true => source.clone(),
            false => from.vocabulary(target_name, config.decoder_vocab_size, d)?,
        };
        let output = match output_name == target_name {
            true => target.clone(),
            false => from.vocabulary(output_name, config.decoder_vocab_size, d)?,
        };
        Ok(Self {
            encoder: Encoder::load(&from.under("model.encoder"), config, source)?,
            decoder: Decoder::load(&from.under("model.decoder"), config, target, output)?,
            config: config.clone(),
            device: device.clone(),
            dtype,
            seats: seats(device).map(Seats::new),
            turn: Mutex::new(()),
        })
    }
}

impl Network for TensorNetwork {
    fn config(&self) -> &Config {
        &self.config
    }

    fn session_on(&self, _: usize) -> Box<dyn Session + '_> {
        // A worker is one thread: on the CPU, candle would split each small product over all cores otherwise.
        let pool = match self.device {
            Device::Cpu => rayon::ThreadPoolBuilder::new().num_threads(1).build().ok(),
            _ => None,
        };
        let seat = self.seats.as_ref().map(Seats::take);
        Box::new(TensorSession {
            network: self,
            pool,
            work: Work {
                positions: Positions::new(self.config.d_model, self.dtype, &self.device),
                batch: None,
                #[cfg(feature = "cuda")]
                back: cuda::Back::default(),
            },
            _seat: seat,
        })
    }

    fn workers(&self) -> Option<usize> {
        seats(&self.device)
    }

    fn describe(&self) -> String {
        super::device::describe(&self.device, self.dtype)
    }
}

struct TensorSession<'a> {
    network: &'a TensorNetwork,
    pool: Option<rayon::ThreadPool>,
    work: Work,
    /// Dropped last: what is in work takes memory.
    _seat: Option<Seat<'a>>,
}

/// What a session holds on to.
struct Work {
    positions: Positions,
    batch: Option<Batch>,
    #[cfg(feature = "cuda")]
    back: cuda::Back,
}

/// The batch in work.
struct Batch {
    /// `sources × longest × d_model`.
    encoded: Tensor,
    longest: usize,
    state: Box<dyn State>,
    /// `rows × padded vocabulary`, f32, without the bias; `None` before the first step and after a step without rows.
    logits: Option<Tensor>,
}

impl TensorSession<'_> {
    /// Runs `work` on the session's own thread, if it has one, and when it is its turn.
    fn run<T: Send>(&mut self, work: impl FnOnce(&TensorNetwork, &mut Work) -> Result<T> + Send) -> Result<T> {
        let Self { network, pool, work: held, .. } = self;
        match pool {
            Some(pool) => pool.install(|| work(network, held)),
            None => {
                let _turn = network.turn.lock().unwrap_or_else(PoisonError::into_inner);
                work(network, held)
            }
        }
    }
}

impl Work {
    fn batch(&mut self) -> Result<&mut Batch> {
        self.batch
            .as_mut()
            .ok_or_else(|| Error::new(ErrorKind::Device, "a step was asked for before any source was encoded"))
    }
}

impl Session for TensorSession<'_> {
    fn encode(&mut self, sources: &[&[u32]]) -> Result<()> {
        self.run(|network, work| {
            work.batch = None;
            let lengths: Vec<usize> = sources.iter().map(|source| source.len()).collect();
            if lengths.contains(&0) {
                return Err(Error::input("an empty source cannot be encoded: it must hold the end mark at least"));
            }
            in_vocabulary(sources.iter().copied().flatten(), network.config.vocab_size, "source")?;
            let longest = lengths.iter().copied().max().unwrap_or(0);
            let config = &network.config;
            let widest = (3 * config.d_model).max(config.encoder_ffn_dim);
            memory::indexable(&[
                sources.len(),
                longest,
                widest.max(config.encoder_attention_heads.saturating_mul(longest)),
            ])?;
            let mask = attention::padding_mask(sources, longest, &network.device)?;
            let encoded = network.encoder.forward(sources, longest, mask.as_ref(), &mut work.positions)?;
            let state = network.decoder.start(&encoded, &lengths, mask)?;
            work.batch = Some(Batch { encoded, longest, state, logits: None });
            Ok(())
        })
    }

    fn step(&mut self, rows: &[Row], want: &Want<'_>, out: &mut Candidates) -> Result<()> {
        out.ids.clear();
        out.scores.clear();
        out.attention.clear();
        let coming = self.run(|network, work| {
            in_vocabulary(rows.iter().map(|row| &row.token), network.config.decoder_vocab_size, "target")?;
            let position = work.batch()?.state.position();
            let position = work.positions.row(position)?;
            let batch = work.batch()?;
            out.width = batch.longest;
            batch.logits = None;
            batch.state.choose_rows(rows)?;
            if rows.is_empty() {
                return Ok(false);
            }
            memory::indexable(&[rows.len(), network.config.decoder_vocab_size])?;
            let tokens: Vec<u32> = rows.iter().map(|row| row.token).collect();
            let tokens = Tensor::from_vec(tokens, rows.len(), &network.device)?;
            let step = network.decoder.step(&tokens, batch.state.as_mut(), &position, want.attention)?;
            let found = choose::best(&step.logits, network.decoder.bias(), want, out)?;
            batch.logits = Some(step.logits);
            #[cfg(feature = "cuda")]
            if let Some(found) = &found {
                work.back.fetch(found, step.attention.as_ref())?;
            }
            if let (None, Some(attention)) = (&found, &step.attention) {
                out.attention = attention.flatten_all()?.to_vec1()?;
            }
            Ok(found.is_some())
        })?;
        match coming {
            // Meanwhile another session's work may be given to the device.
            #[cfg(feature = "cuda")]
            true => Ok(self.work.back.read(want.k, out)?),
            _ => Ok(()),
        }
    }

    #[cfg(feature = "cuda")]
    fn books(&mut self, rules: &super::Rules) -> Result<Option<Box<dyn super::Books + '_>>> {
        books::books(self, rules)
    }

    fn encoder_states(&mut self) -> Result<Vec<f32>> {
        self.run(|_, work| Ok(work.batch()?.encoded.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?))
    }

    fn logits(&mut self) -> Result<Vec<f32>> {
        self.run(|network, work| match &work.batch()?.logits {
            Some(logits) => {
                let logits = logits.broadcast_add(network.decoder.bias())?;
                Ok(logits.narrow(1, 0, network.config.decoder_vocab_size)?.flatten_all()?.to_vec1()?)
            }
            None => Ok(Vec::new()),
        })
    }
}

/// An id outside the vocabulary would read beyond the embedding, which a GPU does without a word.
fn in_vocabulary<'a>(mut ids: impl Iterator<Item = &'a u32>, size: usize, side: &str) -> Result<()> {
    match ids.find(|&&id| id as usize >= size) {
        None => Ok(()),
        Some(id) => Err(Error::model(format!(
            "token id {id} is outside the {side} vocabulary of {size}: the tokenizer does not fit the model"
        ))),
    }
}
