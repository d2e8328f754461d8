//! Length buckets and workers.
use super::*;
pub(super) fn run(_: &dyn Network, _: &[Vec<u32>], _: &Options, _: &dyn Progress) -> Vec<Result<Vec<Sequence>>> {
    Vec::new()
}
