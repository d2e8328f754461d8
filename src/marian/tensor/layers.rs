//! The small parts: weights by name, linear layers, norms, the feed-forward layer, positions.

use candle_core::{DType, Device, Tensor};
use candle_nn::{LayerNorm, Module};

use crate::error::Result;
use crate::marian::{Weights, config::Activation};

/// `torch.nn.LayerNorm`'s default, which Marian models use.
const EPSILON: f64 = 1e-5;

/// A GPU's matrix units want sizes that are multiples of a few numbers, which those of vocabularies rarely are.
const ALIGNED: usize = 64;

/// Hands out tensors by names that mirror the checkpoint's.
pub(super) struct Loader<'a> {
    pub weights: &'a Weights,
    pub device: &'a Device,
    pub dtype: DType,
    pub prefix: String,
}

impl Loader<'_> {
    /// The names below `name`.
    pub fn under(&self, name: impl std::fmt::Display) -> Self {
        Self { prefix: self.name(&name.to_string()), ..*self }
    }

    fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.weights.tensor(&self.name(name), shape, self.dtype, self.device)
    }

    /// A matrix of a row a token, filled up with rows of zeros to a multiple of [`ALIGNED`].
    pub fn vocabulary(&self, name: &str, size: usize, width: usize) -> Result<Tensor> {
        let matrix = self.tensor(name, &[size, width])?;
        match size.next_multiple_of(ALIGNED) - size {
            0 => Ok(matrix),
            missing => Ok(matrix.pad_with_zeros(0, 0, missing)?),
        }
    }

    fn linear(&self, name: &str, inputs: usize, outputs: usize) -> Result<Linear> {
        let of = self.under(name);
        Ok(Linear { weight: of.tensor("weight", &[outputs, inputs])?, bias: of.tensor("bias", &[outputs])? })
    }

    /// The linear layer `linear` from `inputs` numbers to `width`, and the norm behind it.
    pub fn residual(&self, linear: &str, norm: &str, inputs: usize, width: usize) -> Result<Residual> {
        Ok(Residual { linear: self.linear(linear, inputs, width)?, norm: self.norm(norm, width)? })
    }

    /// Projections for attention of `heads` heads. Those to queries are divided by the root of a head's size: the
    /// products of queries and keys need not be, and overflow later.
    pub fn projections(&self, names: &[&str], width: usize, heads: usize) -> Result<Projections> {
        let all = |part: &str, shape: &[usize]| -> Result<Tensor> {
            let one = |name: &&str| -> Result<Tensor> {
                let tensor = self.tensor(&format!("{name}.{part}"), shape)?;
                match *name {
                    "q_proj" => Ok((tensor * ((width / heads) as f64).powf(-0.5))?),
                    _ => Ok(tensor),
                }
            };
            let parts = names.iter().map(one).collect::<Result<Vec<_>>>()?;
            Ok(Tensor::cat(&parts, 0)?)
        };
        Ok(Projections { layers: names.len(), weight: all("weight", &[width, width])?, bias: all("bias", &[width])? })
    }

    fn norm(&self, name: &str, size: usize) -> Result<LayerNorm> {
        let of = self.under(name);
        Ok(LayerNorm::new(of.tensor("weight", &[size])?, of.tensor("bias", &[size])?, EPSILON))
    }
}

/// `x wᵀ + b`
struct Linear {
    /// `outputs × inputs`
    weight: Tensor,
    /// `outputs`
    bias: Tensor,
}

impl Linear {
    /// Without the bias: `rows × inputs` to `rows × outputs`.
    fn product(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.matmul(&self.weight.t()?)?)
    }
}

/// Linear layers of the same input in one product.
pub(super) struct Projections {
    layers: usize,
    /// `layers · width × width`
    weight: Tensor,
    /// `layers · width`
    bias: Tensor,
}

impl Projections {
    /// `rows × width` to `layers × rows × width`: what each layer gives lies in one piece.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (layers, width) = (self.layers, x.dim(1)?);
        let weight = self.weight.reshape((layers, width, width))?.transpose(1, 2)?;
        let bias = self.bias.reshape((layers, 1, width))?;
        Ok(x.broadcast_left(layers)?.matmul(&weight)?.broadcast_add(&bias)?)
    }

    /// Without the bias, and with what the layers give side by side: `rows × layers · width`.
    #[cfg(feature = "cuda")]
    pub fn product(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.matmul(&self.weight.t()?)?)
    }

    /// `layers · width`
    #[cfg(feature = "cuda")]
    pub fn bias(&self) -> &Tensor {
        &self.bias
    }
}

/// How a sublayer ends: `norm(x + linear(inner))`.
pub(super) struct Residual {
    linear: Linear,
    norm: LayerNorm,
}

impl Residual {
    /// `x`: `rows × width`, `inner`: `rows × inputs`.
    pub fn forward(&self, x: &Tensor, inner: &Tensor) -> Result<Tensor> {
        let Self { linear, norm } = self;
        let y = linear.product(inner)?;
        #[cfg(feature = "cuda")]
        if let Some(out) = super::cuda::add_norm(x, &y, &linear.bias, norm, EPSILON)? {
            return Ok(out);
        }
        Ok(norm.forward(&(x + y.broadcast_add(&linear.bias)?)?)?)
    }
}

/// `fc2(activation(fc1(x)))`, residual and norm around it.
pub(super) struct FeedForward {
    first: Linear,
    second: Residual,
    activation: Activation,
}

impl FeedForward {
    pub fn load(from: &Loader<'_>, width: usize, inner: usize, activation: Activation) -> Result<Self> {
        Ok(Self {
            first: from.linear("fc1", width, inner)?,
            second: from.residual("fc2", "final_layer_norm", inner, width)?,
            activation,
        })
    }

    /// `rows × width`
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.second.forward(x, &self.inner(x)?)
    }

    fn inner(&self, x: &Tensor) -> Result<Tensor> {
        let Linear { bias, .. } = &self.first;
        let inner = self.first.product(x)?;
        #[cfg(feature = "cuda")]
        if let Some(out) = super::cuda::activate(&inner, bias, self.activation)? {
            return Ok(out);
        }
        activate(&inner.broadcast_add(bias)?, self.activation)
    }
}

/// `scale · embedding[token] + position`: `tokens`, u32, are rows of `embedding`; `position` is `1 × width`. Gives
/// `tokens × width`.
pub(super) fn embed(embedding: &Tensor, tokens: &Tensor, position: &Tensor, scale: f64) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if let Some(out) = super::cuda::embed(embedding, tokens, position, scale)? {
        return Ok(out);
    }
    Ok((embedding.index_select(tokens, 0)? * scale)?.broadcast_add(position)?)
}

/// Applies an activation; [`Activation::at`] is its definition.
pub(super) fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    Ok(match activation {
        Activation::Relu => x.relu()?,
        Activation::Relu6 => x.clamp(0f32, 6f32)?,
        Activation::Relu2 => x.relu()?.sqr()?,
        Activation::Gelu => x.gelu_erf()?,
        Activation::GeluTanh => x.gelu()?,
        Activation::QuickGelu => (x * candle_nn::ops::sigmoid(&(x * 1.702)?)?)?,
        Activation::Silu => x.silu()?,
        Activation::Mish => {
            // ln(1 + eˣ) as max(x, 0) + ln(1 + e^-|x|), which neither overflows nor loses small values.
            let soft = (x.relu()? + (x.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
            (x * soft.tanh()?)?
        }
        Activation::Tanh => x.tanh()?,
        Activation::Sigmoid => candle_nn::ops::sigmoid(x)?,
        Activation::LeakyRelu => candle_nn::ops::leaky_relu(x, 0.01)?,
        Activation::Linear => x.clone(),
    })
}

/// Sinusoidal positions, computed as far as they are needed: sines in the first half, cosines in the second
/// ("Attention Is All You Need", 3.5, not interleaved).
pub(super) struct Positions {
    width: usize,
    dtype: DType,
    device: Device,
    /// `positions × width`.
    table: Option<Tensor>,
}

impl Positions {
    pub fn new(width: usize, dtype: DType, device: &Device) -> Self {
        Self { width, dtype, device: device.clone(), table: None }
    }

    /// The first `n`: `n × width`.
    pub fn first(&mut self, n: usize) -> Result<Tensor> {
        Ok(self.table(n)?.narrow(0, 0, n)?)
    }

    /// Position `i`, from 0: `1 × width`.
    pub fn row(&mut self, i: usize) -> Result<Tensor> {
        Ok(self.table(i + 1)?.narrow(0, i, 1)?)
    }

    fn table(&mut self, n: usize) -> Result<&Tensor> {
        let known = self.table.as_ref().map_or(0, |table| table.dims()[0]);
        let table = match self.table.take() {
            Some(table) if known >= n => table,
            _ => {
                let n = n.max(64).next_power_of_two();
                let table = Tensor::from_vec(sinusoids(n, self.width), (n, self.width), &Device::Cpu)?;
                table.to_dtype(self.dtype)?.to_device(&self.device)?
            }
        };
        Ok(self.table.insert(table))
    }
}

/// `n × width`, row-major.
fn sinusoids(n: usize, width: usize) -> Vec<f32> {
    let sines = width.div_ceil(2);
    let rate = |i: usize| 1.0 / 10_000f64.powf(2.0 * i as f64 / width as f64);
    let rates: Vec<f64> = (0..sines).map(rate).collect();
    let row = |position: usize| {
        let angles = rates.iter().map(move |rate| position as f64 * rate);
        angles.clone().map(f64::sin).chain(angles.take(width / 2).map(f64::cos)).map(|x| x as f32)
    };
    (0..n).flat_map(row).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn activations_are_what_they_are_defined_as() {
        use Activation::*;
        let points: Vec<f32> = (-40..=40).map(|i| i as f32 / 4.0).collect();
        let x = Tensor::new(points.as_slice(), &Device::Cpu).unwrap();
        for kind in [Relu, Relu6, Relu2, Gelu, GeluTanh, QuickGelu, Silu, Mish, Tanh, Sigmoid, LeakyRelu, Linear] {
            let got = activate(&x, kind).unwrap().to_vec1::<f32>().unwrap();
            for (x, y) in points.iter().zip(got) {
                let defined = kind.at(*x);
                assert!((y - defined).abs() <= 1e-6 * (1.0 + defined.abs()), "{kind:?}({x}) = {y}, not {defined}");
            }
        }
    }

    #[test]
    fn positions_grow_and_stay_what_they_were() {
        let mut positions = Positions::new(6, DType::F32, &Device::Cpu);
        let early = positions.first(10).unwrap().to_vec2::<f32>().unwrap();
        let late = positions.row(700).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(positions.first(10).unwrap().to_vec2::<f32>().unwrap(), early);
        assert_eq!(early[0], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let rate = 10_000f64.powf(-2.0 / 6.0);
        assert_eq!(late[0][1], (700.0 * rate).sin() as f32);
        assert_eq!(late[0][4], (700.0 * rate).cos() as f32);
        // An odd width has one more sine.
        let mut odd = Positions::new(3, DType::F32, &Device::Cpu);
        assert_eq!(odd.row(0).unwrap().to_vec2::<f32>().unwrap(), [[0.0, 0.0, 1.0]]);
    }
}
