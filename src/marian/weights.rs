//! The weights of a model: `model.safetensors` or `pytorch_model.bin`, tensors by name with their shapes checked.
//!
//! Numbers are stored as floats, or matrices in bytes with a scale a row (see [`super::quantised`]).

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use candle_core::pickle::PthTensors;
use candle_core::{DType, Device, Tensor};
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use safetensors::{Dtype, SafeTensors};

use super::Config;
use crate::error::{Error, Result};
use crate::store::Blob;

/// The tensors of one file. Nothing is read until it is asked for: a `.safetensors` file stays mapped, and what is stored
/// as f32 is handed out in place.
pub struct Weights {
    path: PathBuf,
    store: Store,
}

enum Store {
    Safetensors { blob: Blob, tensors: HashMap<String, Stored> },
    Pickle(PthTensors),
}

/// Where a tensor lies in a `.safetensors` file.
struct Stored {
    kind: Kind,
    shape: Vec<usize>,
    bytes: Range<usize>,
}

/// What the numbers of a tensor are stored as.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Float(DType),
    /// Signed bytes.
    Bytes,
    Other,
}

/// The numbers of a matrix, row-major, as they are stored.
pub enum Values<'w> {
    Floats(Cow<'w, [f32]>),
    /// Of another type, little-endian.
    Raw(&'w [u8], DType),
    /// `weight = byte × scale`, a scale a row.
    Bytes(&'w [i8], Cow<'w, [f32]>),
}

impl Values<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Raw(bytes, dtype) => bytes.len() / dtype.size_in_bytes(),
            Self::Bytes(bytes, _) => bytes.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The name of the scales of a matrix in bytes.
pub(super) fn scales_of(name: &str) -> String {
    format!("{name}.scale")
}

impl Weights {
    /// Opens a weight file, told by its first bytes: `.safetensors`, or PyTorch's zip of a pickle (no code in it is run).
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Model`] with the path: neither of the two, truncated, or damaged.
    pub fn open(blob: &Blob) -> Result<Self> {
        let path = blob.path().to_path_buf();
        let store = if blob.starts_with(b"PK\x03\x04") {
            if !path.is_file() {
                return Err(Error::model("PyTorch weights can only be read from a file").at(path));
            }
            let tensors = PthTensors::new(&path, None).map_err(|error| {
                Error::model("these PyTorch weights are damaged or truncated; fetch the model again")
                    .because(error)
                    .at(&path)
            })?;
            if tensors.tensor_infos().is_empty() {
                return Err(Error::model("there is no tensor in this file; fetch the model again").at(path));
            }
            Store::Pickle(tensors)
        } else {
            let tensors = index(blob).map_err(|e| e.at(&path))?;
            Store::Safetensors { blob: blob.clone(), tensors }
        };
        Ok(Self { path, store })
    }

    /// Lets go of the memory that what was read so far takes, as far as it is only a part of a mapped file.
    pub(super) fn forget(&self) {
        if let Store::Safetensors { blob, .. } = &self.store {
            blob.forget();
        }
    }

    /// The file, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file has a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.shape(name).is_some()
    }

    /// The shape of a tensor, if the file has it.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        match &self.store {
            Store::Safetensors { tensors, .. } => tensors.get(name).map(|stored| stored.shape.as_slice()),
            Store::Pickle(tensors) => tensors.tensor_infos().get(name).map(|info| info.layout.shape().dims()),
        }
    }

    /// All tensors of the file, by name, with their shapes; in no order.
    pub fn tensors(&self) -> Vec<(&str, &[usize])> {
        match &self.store {
            Store::Safetensors { tensors, .. } => {
                tensors.iter().map(|(name, stored)| (name.as_str(), stored.shape.as_slice())).collect()
            }
            Store::Pickle(tensors) => {
                let infos = tensors.tensor_infos().iter();
                infos.map(|(name, info)| (name.as_str(), info.layout.shape().dims())).collect()
            }
        }
    }

    fn kind(&self, name: &str) -> Kind {
        match &self.store {
            Store::Safetensors { tensors, .. } => tensors.get(name).map_or(Kind::Other, |stored| stored.kind),
            Store::Pickle(tensors) => {
                tensors.tensor_infos().get(name).map_or(Kind::Other, |info| Kind::Float(info.dtype))
            }
        }
    }

    /// Whether a matrix is stored in bytes with a scale a row.
    pub fn is_quantised(&self, name: &str) -> bool {
        self.kind(name) == Kind::Bytes && self.has(&scales_of(name))
    }

    /// A matrix as it is stored, for rows of it to be converted where they are needed.
    ///
    /// # Errors
    /// As [`Weights::f32`].
    pub fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<Values<'_>> {
        match (&self.store, self.check(name, &shape)?) {
            (Store::Safetensors { blob, tensors }, Kind::Bytes) => {
                let scales = self.f32(&scales_of(name), &shape[..1])?;
                Ok(Values::Bytes(bytemuck::cast_slice(&blob[tensors[name].bytes.clone()]), scales))
            }
            (Store::Safetensors { blob, tensors }, Kind::Float(dtype)) if dtype != DType::F32 => {
                Ok(Values::Raw(&blob[tensors[name].bytes.clone()], dtype))
            }
            _ => Ok(Values::Floats(self.f32(name, &shape)?)),
        }
    }

    /// A tensor as f32, row-major. Borrowed where it is stored so and lies on a multiple of four bytes, as it does in a
    /// mapped file; converted otherwise.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Model`] with path and name: not there, of another shape, not numbers as they are read here.
    pub fn f32(&self, name: &str, shape: &[usize]) -> Result<Cow<'_, [f32]>> {
        let kind = self.check(name, shape)?;
        match (&self.store, kind) {
            (Store::Safetensors { blob, tensors }, Kind::Float(dtype)) => {
                Ok(floats(&blob[tensors[name].bytes.clone()], dtype))
            }
            (Store::Safetensors { blob, tensors }, _) => {
                let scales = self.f32(&scales_of(name), &shape[..1])?;
                let bytes: &[i8] = bytemuck::cast_slice(&blob[tensors[name].bytes.clone()]);
                let rows = bytes.chunks(shape[1].max(1)).zip(scales.iter());
                Ok(rows.flat_map(|(row, scale)| row.iter().map(move |&byte| f32::from(byte) * scale)).collect())
            }
            (Store::Pickle(_), _) => {
                let tensor = self.unpickle(name)?;
                let values = tensor.to_dtype(DType::F32).and_then(|t| t.flatten_all()?.to_vec1());
                Ok(Cow::Owned(values.map_err(|e| self.damaged(name, e))?))
            }
        }
    }

    /// A tensor of `dtype` on `device`.
    ///
    /// # Errors
    /// As [`Weights::f32`], and [`crate::error::ErrorKind::Device`] where the device has no room for it.
    pub fn tensor(&self, name: &str, shape: &[usize], dtype: DType, device: &Device) -> Result<Tensor> {
        let stored = match (&self.store, self.check(name, shape)?) {
            (Store::Safetensors { blob, tensors }, Kind::Float(stored_as)) => {
                let bytes = &blob[tensors[name].bytes.clone()];
                Tensor::from_raw_buffer(bytes, stored_as, shape, &Device::Cpu).map_err(|e| self.damaged(name, e))?
            }
            (Store::Safetensors { .. }, _) => {
                Tensor::from_vec(self.f32(name, shape)?.into_owned(), shape, &Device::Cpu)?
            }
            (Store::Pickle(_), _) => self.unpickle(name)?,
        };
        // Converted before it crosses over: never more bytes than needed on the way.
        Ok(stored.to_dtype(dtype)?.to_device(device)?)
    }

    fn unpickle(&self, name: &str) -> Result<Tensor> {
        let Store::Pickle(tensors) = &self.store else { return Err(self.missing(name)) };
        let tensor = tensors.get(name).map_err(|e| self.damaged(name, e))?.ok_or_else(|| self.missing(name))?;
        tensor.contiguous().map_err(|e| self.damaged(name, e))
    }

    /// Whether the tensor is there, of this shape, and of numbers that are read; how it is stored. Bytes are a matrix.
    fn check(&self, name: &str, shape: &[usize]) -> Result<Kind> {
        let found = self.shape(name).ok_or_else(|| self.missing(name))?;
        if found != shape {
            return Err(Error::model(format!(
                "tensor `{name}` is {}, but by config.json it is {}: the files are not of one model; fetch them again",
                by(found),
                by(shape)
            ))
            .at(&self.path));
        }
        match self.kind(name) {
            kind @ Kind::Float(DType::F32 | DType::F16 | DType::BF16 | DType::F64) => Ok(kind),
            kind @ Kind::Bytes if shape.len() == 2 && self.has(&scales_of(name)) => Ok(kind),
            _ => {
                let message = format!(
                    "tensor `{name}` is not stored as f32, f16, bf16 or f64, nor as a matrix in i8 with its scales; \
                     nothing else is read"
                );
                Err(Error::model(message).at(&self.path))
            }
        }
    }

    /// Whether the file has as many layers as the configuration speaks of; fewer would do other work than was learnt.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Model`] with the path and both numbers, where it has more.
    pub fn check_layers(&self, config: &Config) -> Result<()> {
        for (side, said) in [("encoder", config.encoder_layers), ("decoder", config.decoder_layers)] {
            let start = format!("model.{side}.layers.");
            let number = |name: &str| name.strip_prefix(&start)?.split('.').next()?.parse::<usize>().ok();
            let there = self.tensors().iter().filter_map(|(name, _)| number(name)).max().map_or(0, |last| last + 1);
            if there > said {
                let message = format!(
                    "there are {there} {side} layers, but by config.json there are {said}: the files are not of one model; \
                     fetch them again"
                );
                return Err(Error::model(message).at(&self.path));
            }
        }
        Ok(())
    }

    fn missing(&self, name: &str) -> Error {
        let message = format!("there is no tensor `{name}`: these are not the weights of the model in config.json");
        Error::model(message).at(&self.path)
    }

    fn damaged(&self, name: &str, error: candle_core::Error) -> Error {
        Error::model(format!("tensor `{name}` cannot be read: the file is damaged or truncated; fetch the model again"))
            .because(error)
            .at(&self.path)
    }
}

/// The names that Marian checkpoints use for the same matrix: a tied matrix is stored once, under any of its names.
impl Weights {
    /// The name of the source embedding, `vocab_size × d_model`.
    pub fn source_embedding(&self, config: &Config) -> &'static str {
        match config.share_encoder_decoder_embeddings {
            true => self.shared_embedding(config),
            false => ENCODER,
        }
    }

    /// The name of the target embedding, `decoder_vocab_size × d_model`.
    pub fn target_embedding(&self, config: &Config) -> &'static str {
        match (config.share_encoder_decoder_embeddings, config.tie_word_embeddings) {
            (true, _) => self.shared_embedding(config),
            (false, true) if !self.has(DECODER) && self.has(OUTPUT) => OUTPUT,
            (false, _) => DECODER,
        }
    }

    /// The name of the output projection, `decoder_vocab_size × d_model`.
    pub fn output_projection(&self, config: &Config) -> &'static str {
        match config.tie_word_embeddings {
            true => self.target_embedding(config),
            false => OUTPUT,
        }
    }

    fn shared_embedding(&self, config: &Config) -> &'static str {
        let tied_output = if config.tie_word_embeddings { OUTPUT } else { SHARED };
        [SHARED, ENCODER, DECODER, tied_output].into_iter().find(|name| self.has(name)).unwrap_or(SHARED)
    }
}

const SHARED: &str = "model.shared.weight";
const ENCODER: &str = "model.encoder.embed_tokens.weight";
const DECODER: &str = "model.decoder.embed_tokens.weight";
const OUTPUT: &str = "lm_head.weight";

/// `512 × 8`
fn by(shape: &[usize]) -> String {
    match shape {
        [] => "a single number".to_owned(),
        shape => shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × "),
    }
}

/// Where each tensor of a `.safetensors` file lies. The header is checked against the length of the file.
fn index(bytes: &[u8]) -> Result<HashMap<String, Stored>> {
    use safetensors::SafeTensorError as E;
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| {
        let what = match &error {
            E::MetadataIncompleteBuffer | E::HeaderTooSmall | E::InvalidHeaderLength if bytes.len() < 8 => {
                format!("the file ends after {} bytes", bytes.len())
            }
            E::MetadataIncompleteBuffer | E::InvalidHeaderLength => {
                format!("its {} bytes are not as many as its header says, so it is truncated or damaged", bytes.len())
            }
            E::HeaderTooLarge | E::HeaderTooSmall => {
                "this is neither a .safetensors file nor a PyTorch checkpoint in the zip format".to_owned()
            }
            error => format!("the header of this .safetensors file is damaged: {error}"),
        };
        Error::model(format!("{what}; fetch the model again")).because(error)
    })?;
    let data = 8 + header;
    let mut tensors = HashMap::new();
    for (name, info) in metadata.tensors() {
        let kind = match info.dtype {
            Dtype::F32 => Kind::Float(DType::F32),
            Dtype::F16 => Kind::Float(DType::F16),
            Dtype::BF16 => Kind::Float(DType::BF16),
            Dtype::F64 => Kind::Float(DType::F64),
            Dtype::I8 => Kind::Bytes,
            _ => Kind::Other,
        };
        let (start, end) = info.data_offsets;
        tensors.insert(name, Stored { kind, shape: info.shape.clone(), bytes: data + start..data + end });
    }
    Ok(tensors)
}

/// Little-endian numbers as f32.
pub(super) fn floats(bytes: &[u8], dtype: DType) -> Cow<'_, [f32]> {
    fn convert<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Cow<'_, [f32]> {
        Cow::Owned(bytes.as_chunks::<N>().0.iter().map(|&chunk| number(chunk)).collect())
    }
    match dtype {
        DType::F32 if cfg!(target_endian = "little") => match bytemuck::try_cast_slice(bytes) {
            Ok(values) => Cow::Borrowed(values),
            Err(_) => convert(bytes, f32::from_le_bytes),
        },
        DType::F16 if cfg!(target_endian = "little") => match bytemuck::try_cast_slice::<u8, u16>(bytes) {
            Ok(halves) => Cow::Owned(halves.reinterpret_cast::<half::f16>().to_f32_vec()),
            Err(_) => convert(bytes, |b| half::f16::from_le_bytes(b).to_f32()),
        },
        DType::F16 => convert(bytes, |b| half::f16::from_le_bytes(b).to_f32()),
        DType::BF16 => convert(bytes, |b| half::bf16::from_le_bytes(b).to_f32()),
        DType::F64 => convert(bytes, |b| f64::from_le_bytes(b) as f32),
        _ => convert(bytes, f32::from_le_bytes),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
#[path = "weights_tests.rs"]
mod tests;
