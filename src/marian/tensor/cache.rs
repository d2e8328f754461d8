//! Keys and values of the target tokens so far.

use candle_core::Tensor;

use super::memory::grown;
use crate::error::Result;

/// Positions that are allocated at a time: a position is written in place, and few are copied in vain.
const BLOCK: usize = 32;

/// What the layers of a decoder remember of the rows' own tokens.
pub(super) struct Cache {
    /// By layer: `2 × rows × heads × room × size`; `None` before the first token.
    layers: Vec<Option<Tensor>>,
    /// Positions that were begun.
    length: usize,
}

impl Cache {
    pub fn new(layers: usize) -> Self {
        Self { layers: vec![None; layers], length: 0 }
    }

    /// How many positions were begun.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Begins a position, which every layer is to be given.
    pub fn begin(&mut self) {
        self.length += 1;
    }

    /// Puts keys and values of the position that was begun, `2 × rows × heads × 1 × size`, into a layer; gives all its keys
    /// and all its values so far: `rows × heads × positions × size`, views.
    pub fn push(&mut self, layer: usize, new: &Tensor) -> Result<(Tensor, Tensor)> {
        let room = match self.layers[layer].take() {
            Some(room) if room.dim(3)? >= self.length => room,
            full => {
                let (two, rows, heads, _, size) = new.dims5()?;
                let shape = [two, rows, heads, self.length - 1 + BLOCK, size];
                grown(full.as_ref(), 3, &shape, (new.dtype(), new.device()))?
            }
        };
        room.slice_set(new, 3, self.length - 1)?;
        // In this order: taking one of two out of what is narrowed already would copy it.
        let filled = |i: usize| room.get(i)?.narrow(2, 0, self.length);
        let (keys, values) = (filled(0)?, filled(1)?);
        self.layers[layer] = Some(room);
        Ok((keys, values))
    }

    /// Makes new rows out of the old: row `i` becomes what row `parents[i]` was.
    pub fn choose(&mut self, parents: &Tensor) -> Result<()> {
        for room in self.layers.iter_mut().flatten() {
            *room = room.index_select(parents, 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    /// Keys and values of one position, all numbers different.
    fn position(rows: usize, at: usize) -> Tensor {
        let start = (at * 1000) as f32;
        Tensor::arange(start, start + (2 * rows * 6) as f32, &Device::Cpu).unwrap().reshape((2, rows, 2, 1, 3)).unwrap()
    }

    #[test]
    fn it_holds_what_putting_one_behind_the_other_gives() {
        for dtype in [DType::F32, DType::F16] {
            let mut cache = Cache::new(1);
            let mut all: Option<Tensor> = None;
            let mut rows = 3;
            for at in 0..2 * BLOCK + 3 {
                if at % 20 == 19 {
                    // One row goes, the others change places.
                    let parents = Tensor::new(&[2u32, 0], &Device::Cpu).unwrap();
                    rows = 2;
                    cache.choose(&parents).unwrap();
                    all = all.map(|all| all.index_select(&parents, 1).unwrap());
                    let third = Tensor::new(&[0u32, 1, 1], &Device::Cpu).unwrap();
                    rows += 1;
                    cache.choose(&third).unwrap();
                    all = all.map(|all| all.index_select(&third, 1).unwrap());
                }
                let new = position(rows, at).to_dtype(dtype).unwrap();
                cache.begin();
                let (k, v) = cache.push(0, &new).unwrap();
                let joined = all.take().map_or(new.clone(), |all| Tensor::cat(&[all, new.clone()], 3).unwrap());
                for (got, expected) in [(k, joined.get(0).unwrap()), (v, joined.get(1).unwrap())] {
                    assert_eq!(got.dims(), expected.dims());
                    let flat =
                        |t: &Tensor| t.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
                    assert_eq!(flat(&got), flat(&expected), "position {at}");
                }
                all = Some(joined);
            }
        }
    }
}
