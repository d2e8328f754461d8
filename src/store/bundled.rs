//! The model that is part of the program.

use super::ModelFiles;
#[cfg(not(feature = "bundled"))]
use crate::error::Error;
use crate::error::Result;

/// The one place that names the bundled model's directory in `models/`.
macro_rules! bundled_name {
    () => {
        "base-3"
    };
}

/// The bundled model's directory in `models/`.
pub const BUNDLED: &str = bundled_name!();

#[cfg(feature = "bundled")]
macro_rules! file {
    ($name:literal) => {{
        // Weights are read as wider numbers: let them start where a mapped file would.
        #[repr(C, align(64))]
        struct Aligned<T: ?Sized>(T);
        static BYTES: &Aligned<[u8]> =
            &Aligned(*include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", bundled_name!(), "/", $name)));
        super::Blob::embedded(concat!("<bundled ", bundled_name!(), ">/", $name).into(), &BYTES.0)
    }};
}

/// The model in the program.
///
/// # Errors
/// `ErrorKind::Settings` where the program was built without it.
#[cfg(feature = "bundled")]
pub fn bundled() -> Result<ModelFiles> {
    Ok(ModelFiles {
        name: BUNDLED.into(),
        config: file!("config.json"),
        generation_config: Some(file!("generation_config.json")),
        weights: file!("model.safetensors"),
        source_spm: file!("source.spm"),
        target_spm: file!("target.spm"),
        vocab: file!("vocab.json"),
        target_vocab: None,
        shortlist: Some(file!("shortlist.bin")),
        dictionary: Some(file!("dictionary.tsv")),
        idioms: Some(file!("idioms.tsv")),
    })
}

/// The model in the program, which is not there in this build.
///
/// # Errors
/// Always `ErrorKind::Settings`.
#[cfg(not(feature = "bundled"))]
pub fn bundled() -> Result<ModelFiles> {
    Err(Error::settings("this fr2en was built without a model; name one with --model, or build it with `bundled`"))
}

/// What the bundled files must be.
#[cfg(feature = "bundled")]
pub(super) fn manifest() -> &'static [u8] {
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", bundled_name!(), "/manifest.json"))
}

/// What the model is, where it comes from and how good it is.
#[cfg(feature = "bundled")]
pub(super) fn card() -> &'static str {
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", bundled_name!(), "/README.md"))
}
