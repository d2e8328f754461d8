//! The kernels one by one, for `tests/bench/kernels.rs`. Not part of what the library promises.

use super::attention::{Scratch, attend};
use super::cells::{Bytes, Cells, keep};
use super::matrix::{Compute, Matrix, Part, Recipe, pack};
use super::product::{Rows, Store, Team, normalise, product, quantise};
use super::simd::{Isa, LANES};
use super::top::Top;
use crate::error::Result;
use crate::marian::weights::Values;
use crate::marian::{Candidates, Want};

/// An instruction set of this machine.
#[derive(Clone, Copy)]
pub struct Kernels(Isa);

impl Kernels {
    /// All that this machine has, the plainest first.
    pub fn all() -> Vec<Self> {
        Isa::all().into_iter().map(Self).collect()
    }

    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// Numbers between −1 and 1, always the same (a linear congruential generator).
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Rows of activations and a layer for them.
pub struct Layer {
    team: Team,
    rows: usize,
    x: Rows,
    weights: Matrix,
    out: Vec<f32>,
    gain: Vec<f32>,
    top: Top,
}

impl Layer {
    /// # Errors
    /// [`crate::error::ErrorKind::Device`]: no memory.
    pub fn new(kernels: Kernels, compute: Compute, rows: usize, inputs: usize, outputs: usize) -> Result<Self> {
        let weights = numbers(inputs * outputs);
        let part = Part { weights: Values::Floats((&weights[..]).into()), bias: None, factor: 1.0, heads: None };
        let recipe = Recipe { inputs, parts: vec![part], input_heads: None };
        let mut packed = pack(vec![recipe], compute, kernels.0, &|| ())?;
        let mut x = Rows::new(inputs, compute);
        x.reserve(rows);
        x.values.copy_from_slice(&numbers(rows * inputs));
        quantise(kernels.0, &mut x, rows);
        Ok(Self {
            team: Team::new(kernels.0, 1),
            rows,
            x,
            weights: packed.remove(0),
            out: vec![0.0; rows * outputs],
            gain: vec![1.0; inputs],
            top: Top::default(),
        })
    }

    /// The product, its outputs stored.
    pub fn product(&mut self) {
        let to = Store::to(&mut self.out, self.weights.outputs);
        product(&self.team, &self.x, self.rows, &self.weights, to);
    }

    /// The product as an output layer: the best token of each row and, with `log_probs`, the normaliser.
    pub fn best(&mut self, log_probs: bool, found: &mut Candidates) {
        self.top.start(self.rows, &Want { k: 1, log_probs, attention: false, suppress: &[] });
        self.top.take(&self.team, &self.x, self.rows, &self.weights);
        self.top.finish(found);
    }

    /// Layer normalisation and rounding to bytes of all rows.
    pub fn normalise(&mut self) {
        normalise(self.team.isa, &mut self.x, self.rows, &self.gain, &self.out[..self.gain.len()]);
        quantise(self.team.isa, &mut self.x, self.rows);
    }
}

/// A query and the keys and values that it looks at, in bytes.
pub struct Attention {
    isa: Isa,
    query: Vec<f32>,
    cells: Cells<Bytes>,
    at: Vec<u32>,
    scratch: Scratch,
    out: Vec<f32>,
}

impl Attention {
    /// # Errors
    /// [`crate::error::ErrorKind::Device`]: no memory.
    pub fn new(kernels: Kernels, width: usize, keys: usize) -> Result<Self> {
        let mut cells = Cells::new(1, width);
        cells.reserve(keys)?;
        keep(kernels.0, &numbers(keys * 2 * width), 2 * width, &mut cells, 0, 0);
        Ok(Self {
            isa: kernels.0,
            query: numbers(width),
            cells,
            at: (0..keys as u32).collect(),
            scratch: Scratch::default(),
            out: vec![0.0; width],
        })
    }

    /// The query against all keys, in eight heads.
    pub fn attend(&mut self) {
        let share = &[0.0; LANES];
        attend(self.isa, &self.query, 8, &self.cells, 0, &self.at, &mut self.scratch, &mut [], share, &mut self.out);
    }
}
