//! What candle has no CUDA kernels for. What a kernel does not do, it says with `None`, and candle's own operations do it.

mod attend;
mod back;
mod books;
mod launch;
mod layers;
mod paged;
mod project;
mod top;

pub(super) use self::attend::{suits, within};
pub(super) use self::back::Back;
pub(super) use self::books::Books;
pub(super) use self::layers::{activate, add_norm, embed};
pub(super) use self::paged::Paged;
pub(super) use self::project::project;
pub(super) use self::top::top;

/// The compiled `.cu` files; see `build.rs`.
mod kernels {
    include!(concat!(env!("OUT_DIR"), "/kernels.rs"));
}
