#!/usr/bin/env bash
# Everything a change must pass: format, lints, documentation, tests. Needs a Rust toolchain with rustfmt and clippy.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --check
cargo clippy --release --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --locked
# Release mode: the tests run real networks, and the program itself is built on the way.
cargo test --release --locked "$@"
