//! Keys and values that stay where they were put, for CUDA.

use candle_core::cuda_backend::CudaDevice;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, DevicePtr};
use candle_core::{DType, Tensor};

use super::super::layers::Projections;
use super::super::slots::Slots;
use super::super::state::{State, go_on, indices};
use super::attend;
use super::launch::{address, unwritten};
use crate::error::{Error, ErrorKind, Result};
use crate::marian::Row;

pub(in super::super) struct Paged {
    heads: usize,
    /// The source of each row. Before the first step, one row a source.
    sources: Vec<usize>,
    /// The same on the device, and how many tokens each source has.
    source_of: Tensor,
    lengths: Tensor,
    /// Keys and values of the sources by layer, projected once, `sources × longest × 2 d`, and their bias, which they lack.
    cross: Vec<(Tensor, Tensor)>,
    slots: Slots,
    pages: Pages,
    /// The first slot of the step in work.
    free: usize,
}

impl Paged {
    /// `encoded`: `sources × longest × d_model`; `kv`: the projections of each layer. `None` where there is no kernel for
    /// heads of this size, nothing to do, or no CUDA.
    pub fn new(encoded: &Tensor, lengths: &[usize], heads: usize, kv: &[&Projections]) -> Result<Option<Self>> {
        let (live, longest, d) = encoded.dims3()?;
        let device = encoded.device();
        if live == 0 || !attend::suits(encoded, d / heads) {
            return Ok(None);
        }
        let flat = encoded.reshape((live * longest, d))?;
        let project = |kv: &&Projections| -> Result<(Tensor, Tensor)> {
            Ok((kv.product(&flat)?.reshape((live, longest, 2 * d))?, kv.bias().clone()))
        };
        let sources: Vec<usize> = (0..live).collect();
        Ok(Some(Self {
            heads,
            source_of: indices(&sources, device)?,
            lengths: indices(lengths, device)?,
            cross: kv.iter().map(project).collect::<Result<_>>()?,
            slots: Slots::new(device),
            pages: Pages::new(device.as_cuda_device()?, encoded.dtype(), kv.len(), 2 * d, live),
            free: 0,
            sources,
        }))
    }

    /// Makes the rows of the next step out of those of the step before: row `i` out of row `parents[i]`, or each out of itself. Row
    /// `i` belongs to source `sources[i]`; without them rows belong to those that they belonged to.
    pub fn choose(&mut self, parents: Option<&Tensor>, sources: Option<Vec<usize>>) -> Result<()> {
        if let Some(parents) = parents {
            self.slots.choose(parents)?;
        }
        if let Some(sources) = sources {
            self.source_of = indices(&sources, self.source_of.device())?;
            self.sources = sources;
        }
        Ok(())
    }
}

impl State for Paged {
    fn position(&self) -> usize {
        self.slots.length()
    }

    fn choose_rows(&mut self, rows: &[Row]) -> Result<()> {
        let Some(parents) = go_on(&mut self.sources, rows)? else { return Ok(()) };
        let parents = indices(&parents, self.source_of.device())?;
        self.choose(Some(&parents), Some(self.sources.clone()))
    }

    fn paged(&mut self) -> Option<&mut Paged> {
        Some(self)
    }

    fn begin(&mut self) -> Result<()> {
        self.free = self.slots.push(self.sources.len())?;
        self.pages.reserve(self.slots.used())
    }

    fn attend_own(&mut self, layer: usize, qkv: &Projections, x: &Tensor) -> Result<Tensor> {
        let no_step = || Error::new(ErrorKind::Device, "a layer was asked for before its step began");
        let slots = self.slots.table().ok_or_else(no_step)?;
        let own = attend::Own {
            slots,
            pages: self.pages.address(),
            before: self.slots.length() - 1,
            free: self.free,
            shift: self.pages.shift,
            layer: layer * self.pages.layer_size(),
        };
        Ok(attend::own(&qkv.product(x)?, qkv.bias(), self.heads, &own)?)
    }

    fn attend_source(
        &mut self,
        layer: usize,
        q: &Projections,
        x: &Tensor,
        weights: bool,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let ((kv, kv_bias), of) = (&self.cross[layer], (&self.source_of, &self.lengths));
        Ok(attend::source((&q.product(x)?, q.bias()), (kv, kv_bias), of, self.heads, weights)?)
    }
}

/// Room for keys and values: `layers × slots of a page × width` numbers a page.
struct Pages {
    device: CudaDevice,
    dtype: DType,
    layers: usize,
    width: usize,
    /// A page has `2^shift` slots.
    shift: u32,
    pages: Vec<Tensor>,
    /// Their addresses, on the device.
    addresses: Option<CudaSlice<u64>>,
}

impl Pages {
    /// A page is enough for `rows` rows for a few steps.
    fn new(device: &CudaDevice, dtype: DType, layers: usize, width: usize, rows: usize) -> Self {
        const STEPS: usize = 8;
        let shift = (rows * STEPS).next_power_of_two().ilog2().clamp(8, 17);
        Self { device: device.clone(), dtype, layers, width, shift, pages: Vec::new(), addresses: None }
    }

    /// Numbers of a page that belong to one layer.
    fn layer_size(&self) -> usize {
        self.width << self.shift
    }

    /// Makes sure that there are so many slots.
    fn reserve(&mut self, slots: usize) -> Result<()> {
        let wanted = slots.div_ceil(1 << self.shift);
        if self.pages.len() >= wanted {
            return Ok(());
        }
        while self.pages.len() < wanted {
            // A slot is written before it is read.
            self.pages.push(unwritten(&self.device, self.dtype, (self.layers, self.layer_size()))?);
        }
        let addresses = self.pages.iter().map(address).collect::<candle_core::Result<Vec<u64>>>()?;
        self.addresses = Some(self.device.clone_htod(&addresses)?);
        Ok(())
    }

    /// Where the kernels find the pages' addresses.
    fn address(&self) -> u64 {
        let stream = self.device.cuda_stream();
        self.addresses.as_ref().map_or(0, |addresses| addresses.device_ptr(&stream).0)
    }
}
