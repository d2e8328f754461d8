//! Weights in bytes: how they are rounded, and the file that keeps them so.
//!
//! Each row of a matrix, an output channel, becomes whole numbers from −127 to 127 and one scale: `weight ≈ byte × scale`. The
//! file is a `.safetensors` file in which such a matrix `NAME` is stored as I8, its scales as the F32 tensor `NAME.scale`,
//! and everything else as F32. It is a quarter as large as one of floats, and gives the same bits as rounding at load.

use std::collections::HashMap;

use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::Config;
use super::weights::{Weights, scales_of};
use crate::error::{Error, Result};
use crate::store::{Blob, ModelFiles};

/// Rounds a row to −127 ..= 127 times the scale that it returns.
pub fn round(row: &[f32], bytes: &mut [i8]) -> f32 {
    // Sixteen running maxima, so that the loop runs in vectors.
    let (chunks, rest) = row.as_chunks::<16>();
    let mut largest = [0.0f32; 16];
    for chunk in chunks {
        for (largest, x) in largest.iter_mut().zip(chunk) {
            *largest = if x.abs() > *largest { x.abs() } else { *largest };
        }
    }
    let largest = largest.iter().chain(rest).fold(0.0f32, |m, x| m.max(x.abs()));
    if largest == 0.0 || !largest.is_finite() {
        bytes.fill(0);
        return 0.0;
    }
    let inverse = 127.0 / largest;
    for (byte, x) in bytes.iter_mut().zip(row) {
        // Adding 1.5 · 2^23 rounds to the nearest whole number, ties to even, and leaves it in the low bits.
        *byte = (x * inverse + 12_582_912.0).to_bits() as i8;
    }
    largest / 127.0
}

/// A model with its weights in bytes; what the network does not read is left out.
///
/// # Errors
/// [`crate::error::ErrorKind::Model`] where the weights cannot be read, or are in bytes already.
pub fn quantise(files: &ModelFiles) -> Result<ModelFiles> {
    let weights = Weights::open(&files.weights)?;
    let file = file(&weights, &Config::load(files)?)?;
    Ok(ModelFiles { weights: Blob::new("model.safetensors", file), ..files.clone() })
}

/// The bytes of the file.
pub(super) fn file(weights: &Weights, config: &Config) -> Result<Vec<u8>> {
    let vocabularies =
        [weights.source_embedding(config), weights.target_embedding(config), weights.output_projection(config)];
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, shape) in weights.tensors() {
        let in_layer = ["model.encoder.layers.", "model.decoder.layers."].iter().any(|at| name.starts_with(at));
        if !(in_layer || vocabularies.contains(&name) || name == "final_logits_bias") {
            continue;
        }
        if weights.is_quantised(name) {
            return Err(Error::model("the weights are in bytes already").at(weights.path()));
        }
        let values = weights.f32(name, shape)?;
        match *shape {
            [rows, width] if width > 0 && name.ends_with(".weight") => {
                let mut bytes = vec![0i8; values.len()];
                let rounded = values.chunks(width).zip(bytes.chunks_mut(width)).map(|(row, bytes)| round(row, bytes));
                let scales: Vec<f32> = rounded.collect();
                tensors.push((name.to_owned(), Dtype::I8, shape.to_vec(), bytemuck::cast_slice(&bytes).to_vec()));
                tensors.push((scales_of(name), Dtype::F32, vec![rows], little_endian(&scales)));
            }
            _ => tensors.push((name.to_owned(), Dtype::F32, shape.to_vec(), little_endian(&values))),
        }
    }
    let about = HashMap::from([
        ("format".to_owned(), "fr2en".to_owned()),
        ("quantisation".to_owned(), "int8: weight = NAME * NAME.scale, a scale a row".to_owned()),
    ]);
    let damaged = |error| Error::model("its tensors do not make a file").because(error).at(weights.path());
    let views =
        tensors.iter().map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)));
    let views: Vec<_> = views.collect::<Result<_, safetensors::SafeTensorError>>().map_err(damaged)?;
    safetensors::serialize(views, Some(about)).map_err(damaged)
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}
