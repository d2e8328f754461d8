//! What a batch remembers from step to step: which source each row belongs to, and the keys and values of its own tokens
//! and of its source.

use candle_core::{Device, Tensor};

use super::attention::attend;
use super::cache::Cache;
use super::layers::Projections;
use crate::error::{Error, ErrorKind, Result};
use crate::marian::Row;

pub(super) trait State: Send {
    /// Tokens that each row has behind it.
    fn position(&self) -> usize;

    /// Makes the rows of the next step out of those of the step before: copies, reorders and forgets.
    fn choose_rows(&mut self, rows: &[Row]) -> Result<()>;

    /// The state whose rows a device can choose, if it is that.
    #[cfg(feature = "cuda")]
    fn paged(&mut self) -> Option<&mut super::cuda::Paged> {
        None
    }

    /// Begins a step of the rows that were chosen.
    fn begin(&mut self) -> Result<()>;

    /// Attention of `x`, `rows × d_model`, to the row's own tokens, this one included, in `layer`. Every layer is asked once
    /// a step.
    fn attend_own(&mut self, layer: usize, qkv: &Projections, x: &Tensor) -> Result<Tensor>;

    /// Attention of `x` to the row's source; also its weights if they are wanted, `rows × heads × longest`, f32.
    fn attend_source(
        &mut self,
        layer: usize,
        q: &Projections,
        x: &Tensor,
        weights: bool,
    ) -> Result<(Tensor, Option<Tensor>)>;
}

/// Keys and values that move when rows do: in candle's own operations, for every device.
pub(super) struct Moved {
    heads: usize,
    /// The source of each row: an index into `cross` and `mask`. Before the first step, one row a source.
    sources: Vec<usize>,
    /// How many sources `cross` and `mask` hold.
    live: usize,
    /// Keys and values of the sources by layer, projected once: `2 × live × heads × longest × size`.
    cross: Vec<Tensor>,
    /// `live × 1 × 1 × longest`.
    mask: Option<Tensor>,
    own: Cache,
    groups: Groups,
    device: Device,
}

impl Moved {
    /// `encoded`: `sources × longest × d_model`; `kv`: the projections of each layer.
    pub fn new(encoded: &Tensor, mask: Option<Tensor>, heads: usize, kv: &[&Projections]) -> Result<Self> {
        let (live, longest, d) = encoded.dims3()?;
        let flat = encoded.reshape((live * longest, d))?;
        let project = |kv: &&Projections| -> Result<Tensor> {
            let split = (2, live, longest, heads, d / heads);
            Ok(kv.forward(&flat)?.reshape(split)?.transpose(2, 3)?.contiguous()?)
        };
        let cross = match live {
            0 => Vec::new(),
            _ => kv.iter().map(project).collect::<Result<_>>()?,
        };
        let device = encoded.device().clone();
        let sources: Vec<usize> = (0..live).collect();
        let groups = Groups::new(&sources, live, &device)?;
        Ok(Self { heads, sources, live, cross, mask, own: Cache::new(kv.len()), groups, device })
    }

    /// Drops the sources that no row goes on with.
    fn forget_sources(&mut self) -> Result<()> {
        let mut place = vec![None; self.live];
        let mut kept = Vec::new();
        for source in &mut self.sources {
            *source = *place[*source].get_or_insert_with(|| {
                kept.push(*source);
                kept.len() - 1
            });
        }
        if is_identity(&kept, self.live) {
            return Ok(());
        }
        self.live = kept.len();
        let kept = indices(&kept, &self.device)?;
        for kv in &mut self.cross {
            *kv = kv.index_select(&kept, 1)?;
        }
        if let Some(mask) = &mut self.mask {
            *mask = mask.index_select(&kept, 0)?;
        }
        Ok(())
    }
}

impl State for Moved {
    fn position(&self) -> usize {
        self.own.length()
    }

    fn choose_rows(&mut self, rows: &[Row]) -> Result<()> {
        let Some(parents) = go_on(&mut self.sources, rows)? else { return Ok(()) };
        self.own.choose(&indices(&parents, &self.device)?)?;
        self.forget_sources()
    }

    fn begin(&mut self) -> Result<()> {
        self.own.begin();
        self.groups = Groups::new(&self.sources, self.live, &self.device)?;
        Ok(())
    }

    fn attend_own(&mut self, layer: usize, qkv: &Projections, x: &Tensor) -> Result<Tensor> {
        let (n, d) = x.dims2()?;
        let qkv = qkv.forward(x)?.reshape((3, n, self.heads, 1, d / self.heads))?;
        let (k, v) = self.own.push(layer, &qkv.narrow(0, 1, 2)?)?;
        let (mixed, _) = attend(&qkv.get(0)?, &k, &v, None)?;
        Ok(mixed.reshape((n, d))?)
    }

    fn attend_source(
        &mut self,
        layer: usize,
        q: &Projections,
        x: &Tensor,
        weights: bool,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let d = x.dim(1)?;
        let (n, g) = (self.groups.sources, self.groups.width);
        let q = self.groups.spread(&q.forward(x)?.get(0)?)?;
        let q = q.reshape((n, g, self.heads, d / self.heads))?.transpose(1, 2)?.contiguous()?;
        let kv = &self.cross[layer];
        let (mixed, seen) = attend(&q, &kv.get(0)?, &kv.get(1)?, self.mask.as_ref())?;
        // `sources × heads × rows of a source × …` to rows.
        let by_row = |x: &Tensor| -> Result<Tensor> {
            let last = x.dim(3)?;
            self.groups.gather(&x.transpose(1, 2)?.contiguous()?.reshape((n * g, self.heads * last))?)
        };
        let seen = match weights {
            true => Some(by_row(&seen)?.reshape(((), self.heads, seen.dim(3)?))?),
            false => None,
        };
        Ok((by_row(&mixed)?, seen))
    }
}

/// Makes the sources of the rows of a step out of those of the step before. Gives the row that each of `rows` goes on from; `None`
/// where these are the same rows, or none, with which there is nothing to move.
pub(super) fn go_on(sources: &mut Vec<usize>, rows: &[Row]) -> Result<Option<Vec<usize>>> {
    let before = sources.len();
    if let Some(row) = rows.iter().find(|row| row.parent >= before) {
        return Err(Error::new(ErrorKind::Device, format!("a step names row {} of {before}", row.parent)));
    }
    let parents: Vec<usize> = rows.iter().map(|row| row.parent).collect();
    *sources = parents.iter().map(|&parent| sources[parent]).collect();
    // Nor does CUDA know tensors without elements.
    Ok((!parents.is_empty() && !is_identity(&parents, before)).then_some(parents))
}

/// Rows by source, so that the hypotheses of a source share its keys and values without a copy: `sources × width` places,
/// `width` being the most rows that a source has.
struct Groups {
    sources: usize,
    width: usize,
    /// The row of each place and the place of each row; `None` where both are the same.
    maps: Option<(Tensor, Tensor)>,
}

impl Groups {
    fn new(source_of: &[usize], sources: usize, device: &Device) -> Result<Self> {
        let mut members = vec![Vec::new(); sources];
        for (row, &source) in source_of.iter().enumerate() {
            members[source].push(row);
        }
        let width = members.iter().map(Vec::len).max().unwrap_or(0);
        // Places without a row compute some row again; nobody looks.
        let mut row_of = vec![0; sources * width];
        let mut place_of = vec![0; source_of.len()];
        for (source, rows) in members.iter().enumerate() {
            for (i, &row) in rows.iter().enumerate() {
                row_of[source * width + i] = row;
                place_of[row] = source * width + i;
            }
        }
        let maps = match is_identity(&row_of, source_of.len()) {
            true => None,
            false => Some((indices(&row_of, device)?, indices(&place_of, device)?)),
        };
        Ok(Self { sources, width, maps })
    }

    /// Rows to places.
    fn spread(&self, x: &Tensor) -> Result<Tensor> {
        Ok(match &self.maps {
            Some((row_of, _)) => x.index_select(row_of, 0)?,
            None => x.clone(),
        })
    }

    /// Places to rows.
    fn gather(&self, x: &Tensor) -> Result<Tensor> {
        Ok(match &self.maps {
            Some((_, place_of)) => x.index_select(place_of, 0)?,
            None => x.clone(),
        })
    }
}

fn is_identity(map: &[usize], size: usize) -> bool {
    map.len() == size && map.iter().enumerate().all(|(i, &j)| i == j)
}

pub(super) fn indices(map: &[usize], device: &Device) -> candle_core::Result<Tensor> {
    let map: Vec<u32> = map.iter().map(|&i| i as u32).collect();
    let n = map.len();
    Tensor::from_vec(map, n, device)
}
