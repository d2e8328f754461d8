//! Compiles the CUDA kernels, in builds that have the feature `cuda`.

#[cfg(feature = "cuda")]
fn main() -> cudaforge::Result<()> {
    const FOLDER: &str = "src/marian/tensor/cuda";
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={FOLDER}");
    let out = std::env::var("OUT_DIR").map(std::path::PathBuf::from).unwrap_or_default();
    let files = ["attend.cu", "books.cu", "layers.cu", "top.cu"].map(|file| format!("{FOLDER}/{file}"));
    cudaforge::KernelBuilder::new().source_files(files).arg("-O3").build_ptx()?.write(out.join("kernels.rs"))
}

#[cfg(not(feature = "cuda"))]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
}
