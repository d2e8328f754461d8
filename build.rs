//! Compiles the CUDA kernels, in builds that have the feature `cuda`.

#[cfg(feature = "cuda")]
fn main() -> cudaforge::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let out = std::env::var("OUT_DIR").map(std::path::PathBuf::from).unwrap_or_default();
    let kernels = cudaforge::KernelBuilder::new().source_files(["src/marian/tensor/top.cu"]).arg("-O3");
    kernels.build_ptx()?.write(out.join("kernels.rs"))
}

#[cfg(not(feature = "cuda"))]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
