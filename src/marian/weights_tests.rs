use super::*;
use crate::error::ErrorKind;
use safetensors::tensor::{TensorView, serialize};

/// A file of `tensors`, moved to `offset` bytes past a multiple of eight.
fn file(tensors: &[(&str, Dtype, &[usize], Vec<u8>)], offset: usize) -> Blob {
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.to_vec(), data).unwrap()));
    blob(&serialize(views, None).unwrap(), offset)
}

fn blob(bytes: &[u8], offset: usize) -> Blob {
    let room: &'static mut [u64] = Box::leak(vec![0u64; bytes.len() / 8 + 2].into_boxed_slice());
    let room: &'static mut [u8] = bytemuck::cast_slice_mut(room);
    room[offset..offset + bytes.len()].copy_from_slice(bytes);
    Blob::embedded("m/model.safetensors".into(), &room[offset..offset + bytes.len()])
}

const VALUES: [f32; 6] = [0.0, 1.0, -2.5, 0.125, 1024.0, -0.5];

fn all_kinds(offset: usize) -> Weights {
    let bytes = |f: &dyn Fn(f32) -> Vec<u8>| VALUES.iter().flat_map(|&x| f(x)).collect::<Vec<u8>>();
    let shape = [2, 3];
    Weights::open(&file(
        &[
            ("f32", Dtype::F32, &shape, bytes(&|x| x.to_le_bytes().to_vec())),
            ("f16", Dtype::F16, &shape, bytes(&|x| half::f16::from_f32(x).to_le_bytes().to_vec())),
            ("bf16", Dtype::BF16, &shape, bytes(&|x| half::bf16::from_f32(x).to_le_bytes().to_vec())),
            ("f64", Dtype::F64, &shape, bytes(&|x| f64::from(x).to_le_bytes().to_vec())),
            ("i64", Dtype::I64, &shape, bytes(&|x| (x as i64).to_le_bytes().to_vec())),
        ],
        offset,
    ))
    .unwrap()
}

#[test]
fn gives_f32_whatever_is_stored() {
    for offset in [0, 1] {
        let weights = all_kinds(offset);
        for name in ["f32", "f16", "bf16", "f64"] {
            assert_eq!(weights.f32(name, &[2, 3]).unwrap()[..], VALUES, "{name}");
            for dtype in [DType::F32, DType::F16, DType::BF16] {
                let tensor = weights.tensor(name, &[2, 3], dtype, &Device::Cpu).unwrap();
                assert_eq!((tensor.dtype(), tensor.dims()), (dtype, &[2, 3][..]));
                let back = tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
                assert_eq!(back, VALUES);
            }
        }
    }
    assert!(matches!(all_kinds(0).f32("f32", &[2, 3]).unwrap(), Cow::Borrowed(_)));
    assert!(matches!(all_kinds(1).f32("f32", &[2, 3]).unwrap(), Cow::Owned(_)));
}

#[test]
fn a_matrix_in_bytes_needs_its_scales() {
    let scales = |n: usize| [0.5f32, 2.0, 1.0][..n].iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let bytes = vec![1, 0, 255, 127, 129, 4];
    let open = |n: usize| {
        let tensors = [("m", Dtype::I8, &[2, 3][..], bytes.clone()), ("m.scale", Dtype::F32, &[n][..], scales(n))];
        Weights::open(&file(&tensors, 1)).unwrap()
    };
    let weights = open(2);
    let expected = [0.5, 0.0, -0.5, 254.0, -254.0, 8.0];
    assert_eq!(weights.f32("m", &[2, 3]).unwrap()[..], expected);
    let tensor = weights.tensor("m", &[2, 3], DType::F32, &Device::Cpu).unwrap();
    assert_eq!(tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
    assert!(
        matches!(weights.matrix("m", [2, 3]).unwrap(), Values::Bytes([1, 0, -1, 127, -127, 4], scales) if scales[..] == [0.5, 2.0])
    );
    let error = open(3).matrix("m", [2, 3]).err().unwrap().to_string();
    assert!(error.contains("tensor `m.scale` is 3, but by config.json it is 2"), "{error}");
    let alone = Weights::open(&file(&[("m", Dtype::I8, &[2, 3], bytes.clone())], 0)).unwrap();
    assert!(alone.f32("m", &[2, 3]).is_err() && alone.matrix("m", [2, 3]).is_err());
}

#[test]
fn says_which_tensor_is_wrong() {
    let weights = all_kinds(0);
    for (name, shape, part) in [
        ("f32", &[3, 2][..], "tensor `f32` is 2 × 3, but by config.json it is 3 × 2"),
        ("none", &[3], "there is no tensor `none`"),
        ("i64", &[2, 3], "`i64` is not stored as f32"),
    ] {
        for error in
            [weights.f32(name, shape).unwrap_err(), weights.tensor(name, shape, DType::F32, &Device::Cpu).unwrap_err()]
        {
            assert_eq!(error.kind(), ErrorKind::Model);
            let message = error.to_string();
            assert!(message.starts_with("m/model.safetensors: ") && message.contains(part), "{message}");
        }
    }
}

#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let whole = serialize([("x", TensorView::new(Dtype::F32, vec![2], &[0; 8]).unwrap())], None).unwrap();
    assert!(Weights::open(&blob(&whole, 0)).is_ok());
    for length in 0..whole.len() {
        let Err(error) = Weights::open(&blob(&whole[..length], 0)) else { panic!("{length} bytes were enough") };
        assert_eq!(error.kind(), ErrorKind::Model);
        assert!(error.to_string().starts_with("m/model.safetensors: "), "{error}");
    }
    for junk in [&b"version https://git-lfs.github.com/spec/v1\n"[..], b"<html>", b"PK\x03\x04junk", &[0xff; 64]] {
        assert!(Weights::open(&blob(junk, 0)).is_err());
    }
}

#[test]
fn a_damaged_header_is_refused() {
    let whole = serialize([("x", TensorView::new(Dtype::F32, vec![2], &[0; 8]).unwrap())], None).unwrap();
    for i in 0..whole.len() - 8 {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[i] ^= 1 << bit;
            // Some flips only rename the tensor; none may panic or hand out bytes beyond the file.
            if let Ok(weights) = Weights::open(&blob(&bytes, 0)) {
                let _ = weights.f32("x", &[2]);
            }
        }
    }
}

#[test]
fn layers_that_the_configuration_does_not_know_are_an_error() {
    let name = |layer: usize| format!("model.encoder.layers.{layer}.fc1.bias");
    let (first, last) = (name(0), name(7));
    let zero = || vec![0; 4];
    let tensors = [(first.as_str(), Dtype::F32, &[1][..], zero()), (last.as_str(), Dtype::F32, &[1], zero())];
    let weights = Weights::open(&file(&tensors, 0)).unwrap();
    let config = |layers: usize| {
        let json = format!(
            r#"{{"model_type": "marian", "encoder_layers": {layers}, "vocab_size": 10, "pad_token_id": 9,
            "decoder_start_token_id": 9}}"#
        );
        Config::read(json.as_bytes(), None).unwrap()
    };
    assert!(weights.check_layers(&config(8)).is_ok());
    let error = weights.check_layers(&config(7)).unwrap_err().to_string();
    assert!(error.contains("model.safetensors: there are 8 encoder layers") && error.contains(" 7"), "{error}");
}

#[test]
fn what_is_wrong_with_a_header_is_said() {
    let header = br#"{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 8]].concat();
    let Err(error) = Weights::open(&blob(&bytes, 0)) else { panic!("it was taken") };
    assert!(error.to_string().contains("the header of this .safetensors file is damaged: "), "{error}");
}
