//! Tensors as kernels see them, and how kernels are started.
//!
//! Kernels get bare addresses. A tensor may be dropped while a kernel still reads it: its memory is given back in the
//! order of the stream, and a device has just the one (see [`crate::marian::device`]).

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::cudarc::driver::{DevicePtr, LaunchConfig, PushKernelArg};
use candle_core::cuda_backend::{CudaDevice, WrapErr};
use candle_core::op::BackpropOp;
use candle_core::{CudaStorage, DType, Result, Shape, Storage, Tensor, bail};
use half::{bf16, f16};

/// The address of a tensor's first element; it must be on a CUDA device, and contiguous.
pub(super) fn address(tensor: &Tensor) -> Result<u64> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cuda(storage) = &*storage else { bail!("a kernel was given a tensor that is not on its device") };
    let Some((start, _)) = layout.contiguous_offsets() else {
        bail!("a kernel was given a tensor that is not contiguous")
    };
    let stream = storage.device().cuda_stream();
    let base = match storage.dtype() {
        DType::F32 => storage.as_cuda_slice::<f32>()?.device_ptr(&stream).0,
        DType::F16 => storage.as_cuda_slice::<f16>()?.device_ptr(&stream).0,
        DType::BF16 => storage.as_cuda_slice::<bf16>()?.device_ptr(&stream).0,
        DType::U32 => storage.as_cuda_slice::<u32>()?.device_ptr(&stream).0,
        other => bail!("no kernel takes {other:?}"),
    };
    Ok(base + (start * storage.dtype().size_in_bytes()) as u64)
}

/// A tensor whose elements are whatever was there: for a kernel to write, every one of them.
pub(super) fn unwritten(device: &CudaDevice, dtype: DType, shape: impl Into<Shape>) -> Result<Tensor> {
    let shape = shape.into();
    let count = shape.elem_count();
    // SAFETY: these are numbers, of which any bits are one.
    let storage = unsafe {
        match dtype {
            DType::F32 => CudaStorage::wrap_cuda_slice(device.alloc::<f32>(count)?, device.clone()),
            DType::F16 => CudaStorage::wrap_cuda_slice(device.alloc::<f16>(count)?, device.clone()),
            DType::BF16 => CudaStorage::wrap_cuda_slice(device.alloc::<bf16>(count)?, device.clone()),
            DType::U32 => CudaStorage::wrap_cuda_slice(device.alloc::<u32>(count)?, device.clone()),
            other => bail!("no kernel gives {other:?}"),
        }
    };
    Ok(Tensor::from_storage(Storage::Cuda(storage), shape, BackpropOp::none(), false))
}

/// Numbers of this type in the 16 bytes that a thread takes at once.
pub(super) fn pack(dtype: DType) -> usize {
    16 / dtype.size_in_bytes()
}

/// An argument of a kernel.
pub(super) enum Arg {
    /// An address, or another number of 64 bits.
    Long(u64),
    Count(u32),
    Number(f32),
}

impl Arg {
    /// Where a tensor begins.
    pub fn of(tensor: &Tensor) -> Result<Self> {
        address(tensor).map(Self::Long)
    }

    pub fn count(n: usize) -> Result<Self> {
        small(n).map(Self::Count)
    }
}

fn small(n: usize) -> Result<u32> {
    u32::try_from(n).or_else(|_| bail!("{n} is more than a kernel counts to"))
}

/// The blocks of a launch, the threads of each, and the bytes of memory that these share beyond what the kernel declares.
pub(super) struct Grid {
    pub blocks: usize,
    pub threads: u32,
    pub shared: usize,
}

impl Grid {
    /// One thread for each of `n`.
    pub fn one_each(n: usize) -> Self {
        const THREADS: u32 = 256;
        Self { blocks: n.div_ceil(THREADS as usize), threads: THREADS, shared: 0 }
    }
}

/// Starts kernel `name` of a file of `kernels`.
///
/// # Safety
/// `arguments` must be what the kernel declares, in its order, each address that of as many elements as the kernel reads
/// or writes with this grid, of the type that it takes.
pub(super) unsafe fn launch(
    device: &CudaDevice,
    file: (&str, &str),
    name: &str,
    grid: Grid,
    arguments: &[Arg],
) -> Result<()> {
    let kernel = device.get_or_load_custom_func(name, file.0, file.1)?;
    let mut launch = kernel.builder();
    for argument in arguments {
        match argument {
            Arg::Long(long) => launch.arg(long),
            Arg::Count(count) => launch.arg(count),
            Arg::Number(number) => launch.arg(number),
        };
    }
    let config = LaunchConfig {
        grid_dim: (small(grid.blocks)?, 1, 1),
        block_dim: (grid.threads, 1, 1),
        shared_mem_bytes: small(grid.shared)?,
    };
    // SAFETY: the caller's promise.
    unsafe { launch.launch(config) }.w()?;
    Ok(())
}

/// `f32`, `f16` or `bf16`: how the kernels of a type end.
pub(super) fn named(kernel: &str, dtype: DType) -> String {
    format!("{kernel}_{}", dtype.as_str())
}
