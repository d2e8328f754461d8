//! How a step's results come back: into memory that the device writes by itself, while the host does something else.

use candle_core::cuda_backend::WrapErr;
use candle_core::cuda_backend::cudarc::driver::{CudaEvent, CudaStream, PinnedHostSlice, result};
use candle_core::{DType, Result, Tensor, bail};

use super::launch::address;
use crate::marian::Candidates;

/// The memory, and what is on its way there.
#[derive(Default)]
pub(in super::super) struct Back {
    room: Option<Room>,
    /// Numbers of the candidates, and behind them numbers of the attention.
    found: usize,
    seen: usize,
}

struct Room {
    memory: PinnedHostSlice<u32>,
    /// After the last copy.
    arrived: CudaEvent,
}

impl Back {
    /// Has a step's results copied when the device has computed them: the numbers of `found`, and `attention`, f32.
    pub fn fetch(&mut self, found: &Tensor, attention: Option<&Tensor>) -> Result<()> {
        (self.found, self.seen) = (found.elem_count(), attention.map_or(0, Tensor::elem_count));
        let stream = found.device().as_cuda_device()?.cuda_stream();
        let room = self.room(&stream)?;
        // SAFETY: nobody reads the memory until the device has said that it is written.
        let memory = unsafe { std::slice::from_raw_parts_mut(room.memory.as_mut_ptr().w()?, room.memory.len()) };
        let mut rest = memory;
        for tensor in std::iter::once(found).chain(attention) {
            if !matches!(tensor.dtype(), DType::U32 | DType::F32) {
                bail!("numbers of 32 bits come back, not {:?}", tensor.dtype());
            }
            let (here, more) = rest.split_at_mut(tensor.elem_count());
            // SAFETY: the tensor has as many numbers of this size, and is freed in the order of the stream.
            unsafe { result::memcpy_dtoh_async(here, address(tensor)?, stream.cu_stream()) }.w()?;
            rest = more;
        }
        room.arrived.record(&stream).w()
    }

    /// Waits for what was fetched last: the bits of what was found, and of the attention.
    pub fn wait(&self) -> Result<(&[u32], &[u32])> {
        let Some(room) = &self.room else { bail!("nothing was fetched") };
        room.arrived.synchronize().w()?;
        Ok(room.memory.as_slice().w()?[..self.found + self.seen].split_at(self.found))
    }

    /// Waits for candidates, the `rows × 2 k` numbers of [`super::top`].
    pub fn read(&self, k: usize, out: &mut Candidates) -> Result<()> {
        let (found, seen) = self.wait()?;
        for row in found.chunks_exact(2 * k) {
            let (ids, scores) = row.split_at(k);
            out.ids.extend_from_slice(ids);
            out.scores.extend(scores.iter().map(|&bits| f32::from_bits(bits)));
        }
        out.attention.extend(seen.iter().map(|&bits| f32::from_bits(bits)));
        Ok(())
    }

    /// Memory for what is to be fetched.
    fn room(&mut self, stream: &std::sync::Arc<CudaStream>) -> Result<&mut Room> {
        let wanted = self.found + self.seen;
        let large_enough = self.room.take_if(|room| room.memory.len() >= wanted);
        let room = match large_enough {
            Some(room) => room,
            None => {
                // What is there is given back first.
                self.room = None;
                // SAFETY: it is written by the device before it is read.
                let memory = unsafe { stream.context().alloc_pinned_with_flags(wanted.next_power_of_two(), 0) }.w()?;
                Room { memory, arrived: stream.context().new_event(None).w()? }
            }
        };
        Ok(self.room.insert(room))
    }
}

impl Drop for Room {
    /// The device may still write there.
    fn drop(&mut self) {
        let _ = self.arrived.synchronize();
    }
}
