use super::*;

const PILOT: &str = r#"{"model_type": "marian", "activation_function": "swish", "d_model": 256, "encoder_layers": 4,
  "decoder_layers": 2, "encoder_ffn_dim": 1024, "decoder_ffn_dim": 512, "encoder_attention_heads": 4,
  "decoder_attention_heads": 8, "vocab_size": 16001, "pad_token_id": 16000, "eos_token_id": 0,
  "forced_eos_token_id": 0, "decoder_start_token_id": 16000, "bad_words_ids": [[16000], [5], [1, 2]],
  "scale_embedding": true, "max_position_embeddings": 512, "torch_dtype": "float16", "unknown": {"x": 1}}"#;

fn with(changes: &str) -> Result<Config> {
    let mut fields: Map<String, Value> = serde_json::from_str(PILOT).unwrap();
    for (name, value) in serde_json::from_str::<Map<String, Value>>(changes).unwrap() {
        fields.insert(name, value);
    }
    Config::read(Value::Object(fields).to_string().as_bytes(), None)
}

#[test]
fn reads_what_is_there_and_fills_in_the_rest() {
    let config = with("{}").unwrap();
    assert_eq!((config.d_model, config.encoder_layers, config.decoder_layers), (256, 4, 2));
    assert_eq!((config.encoder_ffn_dim, config.decoder_ffn_dim), (1024, 512));
    assert_eq!((config.encoder_attention_heads, config.decoder_attention_heads), (4, 8));
    assert_eq!((config.vocab_size, config.decoder_vocab_size), (16001, 16001));
    assert_eq!(config.activation, Activation::Silu);
    assert_eq!(config.suppressed, [5, 16000]);
    assert_eq!(config.ignored_bad_words, 1);
    assert_eq!((config.max_length, config.num_beams, config.length_penalty), (512, 1, 1.0));
    assert!(config.scale_embedding && config.share_encoder_decoder_embeddings && config.tie_word_embeddings);
    assert_eq!(config.alignment, AlignmentHeads { layer: 1, heads: Vec::new(), next_step: false });
    assert_eq!(with(r#"{"decoder_layers": 6}"#).unwrap().alignment.layer, 4);
}

#[test]
fn the_heads_that_align_are_read() {
    let alignment = |json: &str| with(&format!(r#"{{"alignment": {json}}}"#)).map(|config| config.alignment);
    let expected = AlignmentHeads { layer: 0, heads: vec![1, 5], next_step: true };
    assert_eq!(alignment(r#"{"layer": 0, "heads": [5, 1, 5], "next_step": true}"#).unwrap(), expected);
    assert_eq!(alignment(r#"{"layer": 0}"#).unwrap(), AlignmentHeads::default());
    for wrong in ["3", r#"{"layer": 2}"#, r#"{"layer": 0, "heads": [8]}"#, r#"{"layer": 0, "next_step": 1}"#] {
        let error = alignment(wrong).unwrap_err().to_string();
        assert!(error.contains("`alignment`"), "{error}");
    }
}

#[test]
fn the_generation_file_wins() {
    let generation = br#"{"num_beams": 6, "max_length": 128, "bad_words_ids": [[7]], "early_stopping": true,
        "length_penalty": 2, "eos_token_id": [3], "forced_eos_token_id": null}"#;
    let config = Config::read(PILOT.as_bytes(), Some(generation)).unwrap();
    assert_eq!((config.num_beams, config.max_length, config.length_penalty), (6, 128, 2.0));
    assert_eq!((config.eos_token_id, config.forced_eos_token_id), (3, None));
    assert_eq!(config.suppressed, [7, 16000]);
    assert_eq!(config.early_stopping, EarlyStopping::First);
}

#[test]
fn a_forced_end_goes_with_the_end_mark_unless_said_otherwise() {
    let bare = r#"{"model_type": "marian", "eos_token_id": 43311, "vocab_size": 59000}"#;
    let config = Config::read(bare.as_bytes(), None).unwrap();
    assert_eq!(config.forced_eos_token_id, Some(43311));
    assert_eq!((config.pad_token_id, config.decoder_start_token_id), (58_100, 58_100));
    assert_eq!(with(r#"{"forced_eos_token_id": 9}"#).unwrap().forced_eos_token_id, Some(9));
}

#[test]
fn a_pad_that_is_the_end_mark_is_not_suppressed() {
    let config = with(r#"{"pad_token_id": 0, "bad_words_ids": [[0], [4]]}"#).unwrap();
    assert_eq!(config.suppressed, [4]);
}

#[test]
fn separate_vocabularies_have_their_own_sizes() {
    let config = with(r#"{"share_encoder_decoder_embeddings": false, "decoder_vocab_size": 17000}"#).unwrap();
    assert_eq!((config.vocab_size, config.decoder_vocab_size), (16001, 17000));
    // One matrix has one size, whatever the other field says.
    assert_eq!(with(r#"{"decoder_vocab_size": 17000}"#).unwrap().decoder_vocab_size, 16001);
}

#[test]
fn says_what_is_wrong() {
    for (changes, part) in [
        (r#"{"model_type": "t5"}"#, "not \"marian\""),
        (r#"{"model_type": null}"#, "`model_type` is missing"),
        (r#"{"encoder_attention_heads": 3}"#, "does not divide `d_model`"),
        (r#"{"decoder_attention_heads": 0}"#, "from 1 to"),
        (r#"{"encoder_layers": 0}"#, "`encoder_layers` is 0"),
        (r#"{"decoder_layers": 100000}"#, "from 1 to 512"),
        (r#"{"d_model": 99999999999}"#, "`d_model`"),
        (r#"{"d_model": -1}"#, "a whole number"),
        (r#"{"d_model": "256"}"#, "not \"256\""),
        (r#"{"vocab_size": 100}"#, "outside the vocabulary of 100"),
        (r#"{"eos_token_id": 16001}"#, "`eos_token_id` is 16001"),
        (r#"{"eos_token_id": [1, 2]}"#, "one token id"),
        (r#"{"forced_eos_token_id": 16001}"#, "`forced_eos_token_id`"),
        (r#"{"bad_words_ids": [[16001]]}"#, "`bad_words_ids`"),
        (r#"{"bad_words_ids": [3]}"#, "a list of lists"),
        (r#"{"activation_function": "step"}"#, "not known"),
        (r#"{"normalize_before": true}"#, "`normalize_before` is true"),
        (r#"{"static_position_embeddings": false}"#, "not supported"),
        (r#"{"max_length": 1}"#, "`max_length`"),
        (r#"{"num_beams": 0}"#, "`num_beams`"),
        (r#"{"early_stopping": "soon"}"#, "never"),
    ] {
        let error = with(changes).unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Model);
        let message = error.to_string();
        assert!(message.starts_with("config.json: ") && message.contains(part), "{changes}: {message}");
    }
    for bytes in [&b""[..], b"[]", b"{\"model_type\": \"marian\"", b"\xff\xfe"] {
        assert!(Config::read(bytes, None).unwrap_err().to_string().starts_with("config.json: this is not"));
    }
    let message = Config::read(PILOT.as_bytes(), Some(b"{\"max_length\": []}")).unwrap_err().to_string();
    assert!(message.starts_with("generation_config.json: `max_length` should be"), "{message}");
}

#[test]
fn activations_at_known_points() {
    for (name, x, y) in [
        ("swish", 1.0, 0.731_058_6),
        ("gelu", 1.0, 0.841_344_8),
        ("gelu_new", 1.0, 0.841_192),
        ("relu", -1.0, 0.0),
        ("mish", 1.0, 0.865_098_4),
        ("quick_gelu", 1.0, 0.845_795_8),
        ("leaky_relu", -2.0, -0.02),
        ("relu6", 9.0, 6.0),
    ] {
        let got = Activation::named(name).unwrap().at(x);
        assert!((got - y).abs() < 1e-5, "{name}({x}) = {got}, not {y}");
    }
}

#[test]
fn the_file_that_is_wrong_is_named() {
    let name = |generation: &str| {
        let error = Config::read(PILOT.as_bytes(), Some(generation.as_bytes())).unwrap_err();
        error.path().unwrap().to_owned()
    };
    for wrong in [r#"{"eos_token_id": 99999}"#, r#"{"length_penalty": 1e308}"#, r#"{"bad_words_ids": [[99999]]}"#] {
        assert_eq!(name(wrong), Path::new("generation_config.json"), "{wrong}");
    }
    let error =
        Config::read(PILOT.replace("\"pad_token_id\": 16000", "\"pad_token_id\": 99999").as_bytes(), Some(b"{}"));
    assert_eq!(error.unwrap_err().path(), Some(Path::new("config.json")));
}
