//! Times the kernels of the CPU network one by one, on every instruction set of this machine: `cargo bench --bench kernels`.
//! The throughput is in operations, two for each multiplication and addition.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fr2en::marian::Candidates;
use fr2en::marian::cpu::Compute;
use fr2en::marian::cpu::bench::{Attention, Kernels, Layer};

/// Inputs and outputs of the layers of a Marian base model: queries, keys and values; the two of the feed-forward part.
const SHAPES: [(usize, usize); 3] = [(512, 1536), (512, 2048), (2048, 512)];

fn products(c: &mut Criterion) {
    for (name, compute) in [("product int8", Compute::Int8), ("product f32", Compute::F32)] {
        let mut group = c.benchmark_group(name);
        for kernels in Kernels::all() {
            for (inputs, outputs) in SHAPES {
                for rows in [1, 6, 60] {
                    let Ok(mut layer) = Layer::new(kernels, compute, rows, inputs, outputs) else { continue };
                    group.throughput(Throughput::Elements((2 * rows * inputs * outputs) as u64));
                    let id = BenchmarkId::new(kernels.name(), format!("{rows}x{inputs}x{outputs}"));
                    group.bench_function(id, |b| b.iter(|| layer.product()));
                }
            }
        }
        group.finish();
    }
}

fn output_layer(c: &mut Criterion) {
    let mut group = c.benchmark_group("output layer int8");
    let (inputs, outputs) = (512, 53_017);
    let Some(kernels) = Kernels::all().pop() else { return };
    for rows in [1, 60] {
        for log_probs in [false, true] {
            let Ok(mut layer) = Layer::new(kernels, Compute::Int8, rows, inputs, outputs) else { continue };
            let mut found = Candidates::default();
            group.throughput(Throughput::Elements((2 * rows * inputs * outputs) as u64));
            let what = if log_probs { "normalised" } else { "best" };
            group.bench_function(BenchmarkId::new(what, rows), |b| {
                b.iter(|| layer.best(log_probs, black_box(&mut found)));
            });
        }
    }
    group.finish();
}

fn between_products(c: &mut Criterion) {
    let mut group = c.benchmark_group("between products");
    for kernels in Kernels::all() {
        let Ok(mut layer) = Layer::new(kernels, Compute::Int8, 60, 512, 512) else { continue };
        group.throughput(Throughput::Elements(60 * 512));
        group.bench_function(BenchmarkId::new("normalise and round", kernels.name()), |b| b.iter(|| layer.normalise()));
        for keys in [16, 64] {
            let Ok(mut attention) = Attention::new(kernels, 512, keys) else { continue };
            group.throughput(Throughput::Elements((4 * 512 * keys) as u64));
            let id = BenchmarkId::new(format!("attention {keys}"), kernels.name());
            group.bench_function(id, |b| b.iter(|| attention.attend()));
        }
    }
    group.finish();
}

criterion_group!(kernels, products, output_layer, between_products);
criterion_main!(kernels);
