//! Which devices there are, how they are opened, and what they compute with.

use std::sync::Arc;

use candle_core::{DType, Device};
use serde::Serialize;

use super::cpu::{self, CpuNetwork};
use super::shortlist::Shortlist;
use super::tensor::{TensorNetwork, seats};
use super::{Config, Fleet, Network, Weights};
use crate::error::{Error, Result};

/// How to get a build with CUDA.
pub const BUILD_CUDA: &str =
    "cargo build --release --features cuda (it needs nvcc; where there is none, scripts/cuda-toolchain.sh fetches one)";

/// How to get a build with Metal.
pub const BUILD_METAL: &str = "cargo build --release --features metal (on a Mac)";

/// Where to compute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU where this build and machine have one, the CPU otherwise.
    #[default]
    Auto,
    Cpu,
    /// The CUDA devices of these numbers, a worker each; one that is named twice gets two.
    Cuda(Vec<usize>),
    Metal,
}

/// With what arithmetic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compute {
    /// int8 on a CPU, f16 on a GPU.
    #[default]
    Auto,
    Int8,
    F32,
    Bf16,
    F16,
}

/// A choice that can be carried out: open devices, and the network that suits them.
pub struct Plan {
    devices: Vec<Device>,
    arithmetic: Arithmetic,
    /// Why it is this one, in a few words.
    pub reason: String,
}

/// Which of the two networks computes, and how.
#[derive(Clone, Copy)]
enum Arithmetic {
    Fast(cpu::Compute),
    Plain(DType),
}

impl Plan {
    /// What `device` and `compute` mean for a model, on this machine, in this build.
    ///
    /// # Errors
    /// `ErrorKind::Settings` for what this build or the model does not allow, `ErrorKind::Device` where a device that was
    /// asked for cannot be opened.
    pub fn new(device: &DeviceChoice, compute: Compute, config: &Config) -> Result<Self> {
        let (devices, mut reason) = open(device)?;
        let cpu = devices.iter().all(Device::is_cpu);
        let fast = cpu && CpuNetwork::supports(config);
        let arithmetic = match compute {
            Compute::Auto | Compute::Int8 if fast => Arithmetic::Fast(cpu::Compute::Int8),
            Compute::F32 if fast => Arithmetic::Fast(cpu::Compute::F32),
            Compute::Int8 if cpu => {
                return Err(Error::settings("this model's sizes do not suit int8 arithmetic; use --compute f32"));
            }
            Compute::Int8 => return Err(Error::settings("int8 is for CPUs; a GPU computes in f16, bf16 or f32")),
            Compute::Auto if !cpu => Arithmetic::Plain(DType::F16),
            Compute::Auto | Compute::F32 => Arithmetic::Plain(DType::F32),
            Compute::Bf16 => Arithmetic::Plain(DType::BF16),
            Compute::F16 => Arithmetic::Plain(DType::F16),
        };
        if compute == Compute::Auto {
            reason.push_str(match (cpu, fast) {
                (false, _) => "; f16 is a GPU's fastest arithmetic",
                (true, true) => "; int8 is a CPU's fastest arithmetic",
                (true, false) => "; the model's sizes do not suit int8",
            });
        }
        Ok(Self { devices, arithmetic, reason })
    }

    /// Loads the weights, once a device; the CPU's own network may choose from a shortlist.
    ///
    /// # Errors
    /// Those of [`CpuNetwork::load`] and [`TensorNetwork::new`]; [`crate::error::ErrorKind::Settings`] for a shortlist elsewhere.
    pub fn load(&self, weights: &Weights, config: &Config, shortlist: Option<Shortlist>) -> Result<Arc<dyn Network>> {
        let dtype = match (self.arithmetic, shortlist) {
            (Arithmetic::Fast(compute), shortlist) => {
                let network = CpuNetwork::load(weights, config.clone(), compute)?;
                return Ok(match shortlist {
                    Some(shortlist) => Arc::new(network.with_shortlist(shortlist)?),
                    None => Arc::new(network),
                });
            }
            (Arithmetic::Plain(_), Some(_)) => {
                return Err(Error::settings("shortlists are for --device cpu with --compute int8 or f32"));
            }
            (Arithmetic::Plain(dtype), None) => dtype,
        };
        let load =
            |device| -> Result<Box<dyn Network>> { Ok(Box::new(TensorNetwork::new(weights, config, device, dtype)?)) };
        match self.devices.as_slice() {
            [one] => Ok(Arc::new(TensorNetwork::new(weights, config, one, dtype)?)),
            [first, others @ ..] => {
                Ok(Arc::new(Fleet::new(load(first)?, others.iter().map(load).collect::<Result<_>>()?)))
            }
            [] => Err(Error::settings("no device to compute on")),
        }
    }

    /// The device and the arithmetic in words, as [`Network::describe`] gives them.
    pub fn describe(&self) -> String {
        match self.arithmetic {
            Arithmetic::Fast(compute) => cpu::describe(compute),
            Arithmetic::Plain(dtype) => {
                self.devices.iter().map(|device| describe(device, dtype)).collect::<Vec<_>>().join(", ")
            }
        }
    }

    /// Source tokens of a batch, padding counted, that every device has room for beside the loaded weights; `limit` is
    /// the most bytes to use of each.
    pub fn batch_tokens(&self, config: &Config, beam: usize, limit: Option<u64>) -> usize {
        let dtype = match self.arithmetic {
            Arithmetic::Fast(_) => DType::F32,
            Arithmetic::Plain(dtype) => dtype,
        };
        let share = |device: &Device| {
            let here = self.devices.iter().filter(|other| other.location() == device.location()).count() as u64;
            memory(device).map(|memory| memory.free / here / seats(device).unwrap_or(1) as u64)
        };
        match self.devices.iter().filter_map(share).chain(limit).min() {
            Some(room) => super::tensor::batch_tokens(config, dtype, beam, room),
            // With a beam a source has several rows, and fewer sources are enough to use each weight often; with more of them
            // their keys and values leave the caches.
            None if self.is_cpu() => [2048, 1024][usize::from(beam > 1)],
            // A GPU that does not tell.
            None => 8192,
        }
    }

    /// Whether all of it happens on the processor.
    pub fn is_cpu(&self) -> bool {
        self.devices.iter().all(Device::is_cpu)
    }
}

/// A device and what it computes in, in words.
pub(super) fn describe(device: &Device, dtype: DType) -> String {
    let device = match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    };
    format!("{device} {} (candle)", dtype.as_str())
}

/// The devices of a choice, and why it is these.
fn open(choice: &DeviceChoice) -> Result<(Vec<Device>, String)> {
    let asked = || "as asked for".to_owned();
    match choice {
        DeviceChoice::Cpu => Ok((vec![Device::Cpu], asked())),
        DeviceChoice::Auto => Ok(match cuda(0).or_else(|_| metal()) {
            Ok(gpu) => (vec![gpu], "there is a GPU".to_owned()),
            Err(_) => (vec![Device::Cpu], "this build sees no GPU".to_owned()),
        }),
        DeviceChoice::Cuda(numbers) => Ok((numbers.iter().map(|&n| cuda(n)).collect::<Result<_>>()?, asked())),
        DeviceChoice::Metal => Ok((vec![metal()?], asked())),
    }
}

#[cfg(feature = "cuda")]
fn cuda(number: usize) -> Result<Device> {
    use candle_core::cuda_backend::WrapErr;
    let open = || -> candle_core::Result<Device> {
        // A stream of its own: candle's usual one is another for every thread, while cuBLAS' workspace is the same.
        let device = Device::new_cuda_with_stream(number)?;
        // SAFETY: nothing that lives on this device object is ever used through another stream, and it has just this
        // one: whatever is computed, copied or freed is in the order of that stream without events.
        unsafe { device.as_cuda_device()?.disable_event_tracking() };
        pool::keep(&device.as_cuda_device()?.cuda_stream()).w()?;
        Ok(device)
    };
    open().map_err(|error| unusable(&format!("CUDA device {number}"), error))
}

#[cfg(not(feature = "cuda"))]
fn cuda(_: usize) -> Result<Device> {
    Err(Error::settings(format!("this build has no CUDA; build one with: {BUILD_CUDA}, or use --device cpu")))
}

#[cfg(feature = "metal")]
fn metal() -> Result<Device> {
    Device::new_metal(0).map_err(|error| unusable("Metal", error))
}

#[cfg(not(feature = "metal"))]
fn metal() -> Result<Device> {
    Err(Error::settings(format!("this build has no Metal; build one with: {BUILD_METAL}, or use --device cpu")))
}

#[cfg(any(feature = "cuda", feature = "metal"))]
fn unusable(what: &str, error: candle_core::Error) -> Error {
    let error = Error::from(error);
    Error::new(error.kind(), format!("{what} cannot be used: {error}")).because(error)
}

/// Memory of a device, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    pub free: u64,
    pub total: u64,
}

/// What a device has left; `None` where it does not tell.
fn memory(device: &Device) -> Option<Memory> {
    #[cfg(feature = "cuda")]
    if let Ok(cuda) = device.as_cuda_device() {
        let stream = cuda.cuda_stream();
        let (free, total) = stream.context().mem_get_info().ok()?;
        return Some(Memory { free: free as u64 + pool::kept(&stream).unwrap_or(0), total: total as u64 });
    }
    let _ = device;
    None
}

/// The memory that the CUDA driver hands out in the order of a stream.
#[cfg(feature = "cuda")]
mod pool {
    use candle_core::cuda_backend::cudarc::driver::sys::{CUmemPool_attribute, CUmemoryPool};
    use candle_core::cuda_backend::cudarc::driver::{CudaStream, DriverError, result};

    /// Has the driver keep what is freed for whoever asks next. Unless told so, it gives all of it back to the system
    /// whenever the host waits for the device, which is at every step, and has to map it anew for the next.
    pub fn keep(stream: &CudaStream) -> Result<(), DriverError> {
        let Some(pool) = of(stream)? else { return Ok(()) };
        let mut most = u64::MAX;
        let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        // SAFETY: the pool is the device's own, and the attribute is a u64.
        unsafe { result::mem_pool::set_attribute(pool, attribute, (&raw mut most).cast()) }
    }

    /// How many bytes it keeps that nobody uses.
    pub fn kept(stream: &CudaStream) -> Result<u64, DriverError> {
        let Some(pool) = of(stream)? else { return Ok(0) };
        let ask = |attribute| {
            let mut bytes = 0u64;
            // SAFETY: the pool is the device's own, and the attributes asked for are u64.
            unsafe { result::mem_pool::get_attribute(pool, attribute, (&raw mut bytes).cast()) }.map(|()| bytes)
        };
        let reserved = ask(CUmemPool_attribute::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?;
        Ok(reserved.saturating_sub(ask(CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_CURRENT)?))
    }

    /// `None` where the device has no such thing, and memory is asked for and given back at once.
    fn of(stream: &CudaStream) -> Result<Option<CUmemoryPool>, DriverError> {
        let context = stream.context();
        if !context.has_async_alloc() {
            return Ok(None);
        }
        // SAFETY: the device is the context's.
        unsafe { result::device::get_default_mem_pool(context.cu_device()) }.map(Some)
    }
}

/// A GPU as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gpu {
    pub number: usize,
    pub name: String,
    /// CUDA's compute capability, such as 9.0.
    pub capability: Option<String>,
    pub memory: Option<Memory>,
}

/// The CUDA devices that this build can use.
///
/// # Errors
/// Where there are none: why, in words.
#[cfg(feature = "cuda")]
pub fn cuda_devices() -> Result<Vec<Gpu>, String> {
    use candle_core::cuda_backend::cudarc::driver::CudaContext;
    let count = CudaContext::device_count().map_err(|e| format!("the NVIDIA driver does not answer: {e}"))?;
    let look = |number: i32| {
        let number = number as usize;
        let context = CudaContext::new(number).map_err(|e| format!("device {number} cannot be used: {e}"))?;
        Ok(Gpu {
            number,
            name: context.name().unwrap_or_default(),
            capability: context.compute_capability().ok().map(|(major, minor)| format!("{major}.{minor}")),
            memory: context.mem_get_info().ok().map(|(free, total)| Memory { free: free as u64, total: total as u64 }),
        })
    };
    match count {
        0 => Err("the NVIDIA driver knows of no device".to_owned()),
        _ => (0..count).map(look).collect(),
    }
}

/// The CUDA devices that this build can use: none.
///
/// # Errors
/// Always: why, in words.
#[cfg(not(feature = "cuda"))]
pub fn cuda_devices() -> Result<Vec<Gpu>, String> {
    let seen = std::fs::read_dir("/proc/driver/nvidia/gpus").is_ok_and(|mut gpus| gpus.next().is_some());
    let present = if seen { "there is an NVIDIA GPU, but " } else { "" };
    Err(format!("{present}this build has no CUDA; one that has: {BUILD_CUDA}"))
}

/// The Apple GPU that this build can use.
///
/// # Errors
/// Where there is none: why, in words.
pub fn metal_devices() -> Result<Vec<Gpu>, String> {
    match metal() {
        Ok(_) => Ok(vec![Gpu { number: 0, name: "Apple GPU".to_owned(), capability: None, memory: None }]),
        Err(_) if cfg!(not(target_os = "macos")) => Err("only a Mac has Metal".to_owned()),
        Err(_) if cfg!(not(feature = "metal")) => Err(format!("this build has no Metal; one that has: {BUILD_METAL}")),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    use crate::error::ErrorKind;

    fn config(heads: usize) -> Config {
        let json = format!(
            r#"{{"model_type": "marian", "d_model": 64, "encoder_attention_heads": {heads}, "decoder_attention_heads": {heads},
            "vocab_size": 60000, "encoder_ffn_dim": 256, "pad_token_id": 5, "decoder_start_token_id": 5, "eos_token_id": 0}}"#
        );
        Config::read(json.as_bytes(), None).unwrap()
    }

    #[test]
    fn what_is_described_is_what_is_loaded() {
        let plan = Plan::new(&DeviceChoice::Cpu, Compute::F16, &config(4)).unwrap();
        assert_eq!((plan.describe().as_str(), plan.is_cpu()), ("cpu f16 (candle)", true));
        let plan = Plan::new(&DeviceChoice::Cpu, Compute::Auto, &config(4)).unwrap();
        assert!(plan.describe().starts_with("cpu int8 ("), "{}", plan.describe());
        assert!(plan.reason.contains("int8"), "{}", plan.reason);
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    fn a_device_that_this_build_lacks_says_how_to_build_it() {
        for (choice, command) in
            [(DeviceChoice::Cuda(vec![0, 1]), "--features cuda"), (DeviceChoice::Metal, "--features metal")]
        {
            let error = Plan::new(&choice, Compute::Auto, &config(4)).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Settings);
            assert!(error.to_string().contains(&format!("cargo build --release {command}")), "{error}");
        }
        assert!(cuda_devices().unwrap_err().contains("--features cuda"));
    }

    #[test]
    fn batches_grow_with_the_memory_and_shrink_with_the_beam() {
        let plan = Plan::new(&DeviceChoice::Cpu, Compute::F32, &config(4)).unwrap();
        let tokens = |beam, mib: u64| plan.batch_tokens(&config(4), beam, Some(mib << 20));
        assert!(tokens(1, 64) < tokens(1, 256));
        assert!(tokens(4, 64) < tokens(1, 64));
        assert!(tokens(4, 0) > 0 && tokens(1, u64::MAX >> 20) < 1 << 20);
        assert_eq!([1, 4].map(|beam| plan.batch_tokens(&config(4), beam, None)), [2048, 1024]);
    }
}
