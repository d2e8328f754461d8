//! Every instruction set against plain arithmetic, at all numbers of rows and at the ends of the ranges.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::matrix::{Part, Recipe, pack};
use super::product::{Activate, Add, Rows, Store, Team, normalise, product, quantise};
use super::simd::{Isa, LANES, MOST_ROWS, PANEL, Sums, TILE_ROWS, vectorised};
use super::tests::Random;
use super::top::Top;
use super::*;
use crate::marian::config::Activation;
use crate::marian::weights::Values;
use crate::marian::{Candidates, Want};

vectorised! {
    fn integer_tile(s; a: &[u8], stride: usize, rows: usize, b: &[i8], start: &[i32; PANEL], sums: &mut Sums<i32>, ahead: &[i8]) {
        let _open = s.open(rows);
        s.tile_i8(a, stride, rows, b, start, sums, ahead);
    }
}

vectorised! {
    fn float_tile(s; a: &[f32], stride: usize, rows: usize, b: &[f32], sums: &mut Sums<f32>, ahead: &[f32]) {
        s.tile_f32(a, stride, rows, b, sums, ahead);
    }
}

vectorised! {
    fn exponentials(s; x: &mut [f32; LANES]) {
        let e = s.exp(s.load(x));
        s.store(e, x);
    }
}

vectorised! {
    fn reciprocals(s; x: &mut [f32; LANES]) {
        let r = s.reciprocal(s.load(x));
        s.store(r, x);
    }
}

/// What the lane-wise operations make of `a` and `b`, as text: equal on all instruction sets.
struct Lanes(Vec<[f32; LANES]>, Vec<u8>, Vec<f32>);

vectorised! {
    fn operations(s; a: &[f32; LANES], b: &[f32; LANES], out: &mut Lanes) {
        let (x, y) = (s.load(a), s.load(b));
        let mut results = [s.add(x, y); 8];
        results[1] = s.sub(x, y);
        results[2] = s.mul(x, y);
        results[3] = s.div(x, y);
        results[4] = s.max(x, y);
        results[5] = s.min(x, y);
        results[6] = s.abs(x);
        results[7] = s.scale(x, s.splat(-3.0));
        for v in results {
            let mut lanes = [0.0; LANES];
            s.store(v, &mut lanes);
            out.0.push(lanes);
        }
        let mut unsigned = [0u8; LANES];
        s.store_u8(x, &mut unsigned);
        let mut signed = [0i8; LANES];
        s.store_i8(x, &mut signed);
        let mut packed = [[0u8; 4 * LANES]; 2];
        s.pack([x, y, s.add(x, s.splat(0.5)), s.sub(y, s.splat(0.5))], 128, &mut packed[0]);
        s.pack([y, x, y, x], 0, &mut packed[1]);
        out.1.extend(unsigned);
        out.1.extend(signed.map(|x| x as u8));
        out.1.extend(packed.concat());
        out.1.extend(s.greater(x, y).to_le_bytes());
        let integers: [i32; LANES] = signed.map(|x| i32::from(x) * 100_003);
        for v in [s.load_i32(&integers), s.load_i8(&signed)] {
            let mut lanes = [0.0; LANES];
            s.store(v, &mut lanes);
            out.0.push(lanes);
        }
        let bytes = packed[1].map(|x| x as i8);
        let offset = s.float(s.dot(s.zero(), &[128; 4 * LANES], &bytes));
        let dots = s.float(s.dot(s.dot(s.zero(), &packed[0], &bytes), &packed[0], &bytes));
        let mut lanes = [0.0; LANES];
        s.store(s.sub(dots, s.add(offset, offset)), &mut lanes);
        out.0.push(lanes);
        out.2.push(s.largest(x));
        // Of whole numbers, so that the order of the additions is no matter.
        out.2.push(s.sum(s.load_i8(&signed)));
        for heads in [1, 2, 4, 8, 16] {
            s.store(s.fold(s.load_i8(&signed), heads), &mut lanes);
            out.0.push(lanes);
        }
    }
}

#[test]
fn integer_tiles_are_exact() {
    let mut random = Random::new(1);
    for isa in Isa::all() {
        for case in 0..4 {
            for rows in 1..=isa.integer_rows() {
                // Beyond what any kernel sums in one go as well.
                let groups = [16, 144, 80, 336][case];
                let stride = 4 * groups + 64;
                // Random, then the ends of the range, where sums of 16 bits would overflow.
                let a: Vec<u8> = (0..2 * MOST_ROWS * stride)
                    .map(|i| if case < 2 { 1 + random.below(255) as u8 } else { [1, 255][(case + i / 5) % 2] })
                    .collect();
                let b: Vec<i8> = (0..groups * 4 * PANEL)
                    .map(|i| if case < 2 { random.below(255) as i8 } else { [127, -127][(i / 64) % 2] })
                    .map(|b| b.max(-127))
                    .collect();
                let weight = |k: usize, c: usize| i32::from(b[k / 4 * 4 * PANEL + 4 * c + k % 4]);
                let mut start = [0; PANEL];
                if isa.unsigned() {
                    start = std::array::from_fn(|c| -128 * (0..4 * groups).map(|k| weight(k, c)).sum::<i32>());
                }
                let mut sums = Sums([[7; PANEL]; MOST_ROWS]);
                integer_tile(isa, &a, stride, rows, &b, &start, &mut sums, &b[..64]);
                for (r, sums) in sums.iter().enumerate() {
                    for (c, sum) in sums.iter().enumerate() {
                        let product = |k: usize| (i32::from(a[r * stride + k]) - 128) * weight(k, c);
                        let expected = if r < rows { (0..4 * groups).map(product).sum() } else { 7 };
                        assert_eq!(*sum, expected, "{}, {rows} rows, row {r}, channel {c}", isa.name());
                    }
                }
            }
        }
    }
}

#[test]
fn float_tiles_agree() {
    let mut random = Random::new(2);
    let (depth, stride) = (96, 101);
    let a: Vec<f32> = (0..TILE_ROWS * stride).map(|_| random.normal()).collect();
    let b: Vec<f32> = (0..depth * PANEL).map(|_| random.normal()).collect();
    for isa in Isa::all() {
        for rows in 1..=TILE_ROWS {
            let mut sums = Sums([[0.0; PANEL]; MOST_ROWS]);
            float_tile(isa, &a, stride, rows, &b, &mut sums, &[]);
            for (r, sums) in sums.iter().enumerate().take(rows) {
                for (c, sum) in sums.iter().enumerate() {
                    let expected: f64 =
                        (0..depth).map(|k| f64::from(a[r * stride + k]) * f64::from(b[k * PANEL + c])).sum();
                    assert!((f64::from(*sum) - expected).abs() < 2e-5, "{}", isa.name());
                }
            }
        }
    }
}

#[test]
fn exponentials_are_exact_to_the_last_bits() {
    for isa in Isa::all() {
        for i in -8_700..=8_785 {
            let x: [f32; LANES] = std::array::from_fn(|lane| (i as f32 + lane as f32 / 16.0) / 100.0);
            let mut e = x;
            exponentials(isa, &mut e);
            let mut r = e;
            reciprocals(isa, &mut r);
            for ((x, e), r) in x.iter().zip(e).zip(r) {
                let expected = f64::from(*x).exp();
                assert!((f64::from(e) / expected - 1.0).abs() < 3e-7, "{}: e^{x} = {e}", isa.name());
                assert!(e > 1e37 || (f64::from(r) * f64::from(e) - 1.0).abs() < 3e-7, "{}: 1 / {e} = {r}", isa.name());
            }
        }
        let mut ends = [f32::NEG_INFINITY; LANES];
        ends[1] = f32::INFINITY;
        exponentials(isa, &mut ends);
        assert!(ends[0] < 1e-37 && ends[1] > 1e38 && ends[1].is_finite());
    }
}

#[test]
fn lanes_do_the_same_everywhere() {
    let mut random = Random::new(3);
    for _ in 0..200 {
        let a: [f32; LANES] = std::array::from_fn(|_| (random.normal() * 40.0).clamp(-126.0, 126.0));
        // Ties as well, which are rounded to even.
        let b: [f32; LANES] = std::array::from_fn(|_| random.below(201) as f32 / 2.0 - 50.25);
        let outs: Vec<Lanes> = Isa::all()
            .into_iter()
            .map(|isa| {
                let mut out = Lanes(Vec::new(), Vec::new(), Vec::new());
                operations(isa, &a, &b, &mut out);
                operations(isa, &b.map(|x| x + 0.25), &a, &mut out);
                out
            })
            .collect();
        for out in &outs {
            assert_eq!((&out.0, &out.1, &out.2), (&outs[0].0, &outs[0].1, &outs[0].2));
        }
    }
}

#[test]
fn rows_are_normalised_and_rounded() {
    let mut random = Random::new(4);
    for width in [64, 192, 512] {
        let gain: Vec<f32> = (0..width).map(|_| 1.0 + 0.1 * random.normal()).collect();
        let bias: Vec<f32> = (0..width).map(|_| 0.1 * random.normal()).collect();
        let values: Vec<f32> = (0..3 * width).map(|i| if i < width { 0.0 } else { 3.0 + random.normal() }).collect();
        for isa in Isa::all() {
            let mut rows = Rows::new(width, Compute::Int8);
            rows.reserve(3);
            rows.values.copy_from_slice(&values);
            normalise(isa, &mut rows, 3, &gain, &bias);
            for (found, x) in rows.values.chunks(width).zip(values.chunks(width)) {
                let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / width as f64;
                let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / width as f64;
                for (c, found) in found.iter().enumerate() {
                    let normal = (f64::from(x[c]) - mean) / (variance + 1e-5).sqrt();
                    let expected = normal * f64::from(gain[c]) + f64::from(bias[c]);
                    assert!((f64::from(*found) - expected).abs() < 1e-5, "{}", isa.name());
                }
            }
            rows.values[..width].fill(0.0);
            quantise(isa, &mut rows, 3);
            assert!(rows.scales[0] == 0.0 && rows.bytes[..width].iter().all(|b| *b == 128));
            for (i, value) in rows.values.iter().enumerate() {
                let (byte, scale) = (rows.bytes[i], rows.scales[i / width]);
                assert!(((f32::from(byte) - 128.0) * scale - value).abs() <= 0.501 * scale);
            }
        }
    }
}

#[test]
fn products_agree_with_their_weights() {
    let mut random = Random::new(5);
    let (inputs, outputs, rows) = (128, 150, 37);
    let weights: Vec<f32> = (0..inputs * outputs).map(|_| random.normal()).collect();
    let bias: Vec<f32> = (0..outputs).map(|_| random.normal()).collect();
    for compute in [Compute::Int8, Compute::F32] {
        for isa in Isa::all() {
            let values = || Values::Floats((&weights[..]).into());
            let part = || Part { weights: values(), bias: Some((&bias[..]).into()), factor: 0.5, heads: None };
            let matrix = pack(vec![Recipe { inputs, parts: vec![part()], input_heads: None }], compute, isa, &|| ())
                .unwrap()
                .remove(0);
            let mut x = Rows::new(inputs, compute);
            x.reserve(rows);
            x.values.iter_mut().for_each(|x| *x = random.normal());
            quantise(isa, &mut x, rows);
            let mut found = vec![0.0; rows * outputs];
            product(&Team::new(isa, 1), &x, rows, &matrix, Store::to(&mut found, outputs));
            let mut row = vec![0.0; inputs];
            for c in 0..outputs {
                matrix.row(c, 2.0, &mut row);
                for (w, packed) in weights[c * inputs..].iter().zip(&row) {
                    assert!((w - packed).abs() < if compute == Compute::F32 { 1e-9 } else { 0.02 });
                }
                for r in 0..rows {
                    let value = |k: usize| match compute {
                        Compute::F32 => f64::from(x.values[r * inputs + k]),
                        Compute::Int8 => (f64::from(x.bytes[r * inputs + k]) - 128.0) * f64::from(x.scales[r]),
                    };
                    let product: f64 = (0..inputs).map(|k| 0.5 * value(k) * f64::from(row[k])).sum();
                    let expected = product + 0.5 * f64::from(bias[c]);
                    assert!((f64::from(found[r * outputs + c]) - expected).abs() < 2e-5, "{}", isa.name());
                }
            }
        }
    }
}

/// What three threads make of a product must be what one makes of it, to the bit.
#[test]
fn threads_that_share_a_product_change_nothing() {
    let mut random = Random::new(6);
    let (inputs, rows) = (256, 13);
    let isa = Isa::best();
    for (compute, outputs) in
        [(Compute::Int8, 40 * PANEL), (Compute::F32, 40 * PANEL), (Compute::Int8, 40 * PANEL + 22)]
    {
        let weights: Vec<f32> = (0..inputs * outputs).map(|_| random.normal()).collect();
        let part = Part { weights: Values::Floats((&weights[..]).into()), bias: None, factor: 1.0, heads: None };
        let recipe = Recipe { inputs, parts: vec![part], input_heads: None };
        let matrix = pack(vec![recipe], compute, isa, &|| ()).unwrap().remove(0);
        let mut x = Rows::new(inputs, compute);
        x.reserve(rows);
        x.values.iter_mut().for_each(|x| *x = random.normal());
        quantise(isa, &mut x, rows);
        let [alone, together] = [1, 3].map(|threads| {
            let team = &Team::new(isa, threads);
            assert!(threads == 1 || team.parts(rows, &matrix) > 1);
            let mut stored = vec![0.0; rows * outputs];
            product(team, &x, rows, &matrix, Store::to(&mut stored, outputs));
            if outputs.is_multiple_of(PANEL) {
                product(team, &x, rows, &matrix, Add::to(&mut stored, outputs));
                let mut active = vec![0.0; rows * outputs];
                product(team, &x, rows, &matrix, Activate::to(&mut active, outputs, Activation::Silu));
                stored.extend(active);
            }
            let (mut top, mut best) = (Top::default(), Candidates::default());
            for log_probs in [false, true] {
                top.start(rows, &Want { k: 5, log_probs, attention: false, suppress: &[3, 2_000] });
                top.take(team, &x, rows, &matrix);
                let mut found = Candidates::default();
                top.finish(&mut found);
                best.ids.extend(found.ids);
                best.scores.extend(found.scores);
            }
            (stored, best.ids, best.scores)
        });
        assert!(alone == together);
    }
}

/// The best of all logits, found part by part, against sorting them.
#[test]
fn the_best_tokens_are_those_of_a_full_sort() {
    let mut random = Random::new(7);
    // Fewer panels than parts, and more.
    for (inputs, outputs, k) in [(64, 3 * PANEL, 4), (64, 21 * PANEL + 5, 7)] {
        let rows = 4;
        // Few different values, so that there are equal logits.
        let weights: Vec<f32> = (0..inputs * outputs).map(|i| ((i / inputs * 7919) % 23) as f32).collect();
        let part = Part { weights: Values::Floats((&weights[..]).into()), bias: None, factor: 0.001, heads: None };
        let recipe = Recipe { inputs, parts: vec![part], input_heads: None };
        let matrix = pack(vec![recipe], Compute::F32, Isa::best(), &|| ()).unwrap().remove(0);
        let mut x = Rows::new(inputs, Compute::F32);
        x.reserve(rows);
        x.values.iter_mut().for_each(|x| *x = random.normal());
        let team = &Team::new(Isa::best(), 1);
        let mut logits = vec![0.0; rows * outputs];
        product(team, &x, rows, &matrix, Store::to(&mut logits, outputs));
        let suppress = [5, 70];
        let (mut top, mut found) = (Top::default(), Candidates::default());
        top.start(rows, &Want { k, log_probs: true, attention: false, suppress: &suppress });
        top.take(team, &x, rows, &matrix);
        top.finish(&mut found);
        for (row, logits) in logits.chunks(outputs).enumerate() {
            let normaliser = logits.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
            let mut order: Vec<usize> = (0..outputs).filter(|i| !suppress.contains(&(*i as u32))).collect();
            order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
            for (i, &token) in order[..k].iter().enumerate() {
                assert_eq!(found.ids[row * k + i] as usize, token);
                let expected = f64::from(logits[token]) - normaliser;
                assert!((f64::from(found.scores[row * k + i]) - expected).abs() < 1e-4);
            }
        }
    }
}
