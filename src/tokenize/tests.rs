use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// One line of what `scripts/tokenizer_reference.py` writes.
#[derive(Deserialize)]
struct Reference {
    /// None where only decoding is shown.
    text: Option<String>,
    ids: Vec<u32>,
    decoded: String,
}

fn bundled_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(crate::store::BUNDLED)
}

fn load(directory: &Path) -> Tokenizer {
    let blob = |name: &str| Blob::read(directory.join(name)).unwrap();
    let files = ModelFiles {
        name: "test".into(),
        config: blob("config.json"),
        generation_config: None,
        weights: blob("config.json"),
        source_spm: blob("source.spm"),
        target_spm: blob("target.spm"),
        vocab: blob("vocab.json"),
        target_vocab: directory.join("target_vocab.json").exists().then(|| blob("target_vocab.json")),
        shortlist: None,
        dictionary: None,
        idioms: None,
    };
    let vocab = files.target_vocab.as_ref().unwrap_or(&files.vocab);
    let eos = Vocabulary::parse(vocab).unwrap().id(END).unwrap();
    Tokenizer::load(&files, eos).unwrap()
}

/// Holds a tokenizer against stored answers of SentencePiece and transformers; says how many lines there were.
fn compare(directory: &Path, reference: &Path) -> usize {
    let tokenizer = load(directory);
    let lines = std::fs::read_to_string(reference).unwrap();
    let mut count = 0;
    for line in lines.lines() {
        let reference: Reference = serde_json::from_str(line).unwrap();
        if let Some(text) = &reference.text {
            let tokens = tokenizer.encode(text);
            assert_eq!(tokens.ids, reference.ids, "ids of {text:?}");
            assert_eq!(tokenizer.count(text), tokens.ids.len());
            check_ranges(text, &tokens.ranges, tokens.ids.len());
        }
        let decoded = tokenizer.decode(&reference.ids);
        assert_eq!(decoded.text, reference.decoded, "text of {:?}", reference.ids);
        check_ranges(&decoded.text, &decoded.ranges, reference.ids.len());
        count += 1;
    }
    count
}

/// Ranges stand in order and apart, on character boundaries, and leave out nothing but white space.
fn check_ranges(text: &str, ranges: &[Range<usize>], ids: usize) {
    assert_eq!(ranges.len(), ids);
    let mut place = 0;
    for range in ranges {
        assert!(place <= range.start && range.start <= range.end, "{ranges:?} of {text:?}");
        assert!(text.get(range.clone()).is_some(), "{range:?} of {text:?}");
        place = range.end;
    }
    assert!(place <= text.len());
}

#[test]
fn agrees_with_the_reference_on_the_bundled_model() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tokenizer.jsonl");
    assert!(compare(&bundled_directory(), &reference) > 30);
}

/// For other models and more text: run `scripts/tokenizer_reference.py` and name its inputs and output here.
#[test]
fn agrees_with_the_reference_elsewhere() {
    let variables = ("FR2EN_TOKENIZER_MODEL", "FR2EN_TOKENIZER_REFERENCE");
    let (Some(model), Some(reference)) = (std::env::var_os(variables.0), std::env::var_os(variables.1)) else {
        eprintln!("skipped: {} and {} name no files", variables.0, variables.1);
        return;
    };
    let lines = compare(Path::new(&model), Path::new(&reference));
    eprintln!("{lines} lines agree");
    assert!(lines > 0);
}

#[test]
fn marks_in_the_text_are_text() {
    let tokenizer = load(&bundled_directory());
    let marks = tokenizer.source_marks;
    for text in ["</s>", "a</s>b", "<pad>", "<unk>", "<s>", ">>eng<< Bonjour", "</s></s> <pad>"] {
        let tokens = tokenizer.encode(text);
        let (last, rest) = tokens.ids.split_last().unwrap();
        assert_eq!(*last, marks.end);
        assert!(rest.iter().all(|&id| !marks.contains(id)), "{text}: {rest:?}");
        assert!(rest.len() > 1, "{text}: {rest:?}");
    }
}

#[test]
fn ranges_are_the_words() {
    let tokenizer = load(&bundled_directory());
    let text = "  Bonjour,\u{a0}le monde…";
    let tokens = tokenizer.encode(text);
    let covered: String = tokens.ranges.iter().map(|range| &text[range.clone()]).collect();
    assert_eq!(covered, "Bonjour,lemonde…");
    let decoded = tokenizer.decode(&tokens.ids);
    assert_eq!(decoded.text, "Bonjour, le monde...");
    let covered: String = decoded.ranges.iter().map(|range| &decoded.text[range.clone()]).collect();
    assert_eq!(covered, "Bonjour,lemonde...");
}

#[test]
fn empty_and_blank_texts_are_an_end_mark() {
    let tokenizer = load(&bundled_directory());
    for text in ["", " ", "\t\n", "\u{a0}\u{3000}"] {
        assert_eq!(tokenizer.encode(text).ids, [tokenizer.end()], "{text:?}");
        assert_eq!(tokenizer.count(text), 1);
    }
    assert_eq!(tokenizer.decode(&[]), Decoded::default());
}

#[test]
fn ids_past_the_vocabulary_decode_to_nothing() {
    let tokenizer = load(&bundled_directory());
    let decoded = tokenizer.decode(&[u32::MAX, tokenizer.end(), 1 << 20]);
    assert_eq!(decoded, Decoded { text: String::new(), ranges: vec![0..0; 3] });
}

#[test]
fn knows_its_alphabet() {
    let tokenizer = load(&bundled_directory());
    for c in "aéZ0,.« \t\u{a0}²".chars() {
        assert!(tokenizer.reads(c), "{c:?}");
    }
    for c in "字\u{10fffe}🙂".chars() {
        assert!(!tokenizer.reads(c) && !tokenizer.writes(c), "{c:?}");
    }
    for c in "aZ0,. \u{a0}\n".chars() {
        assert!(tokenizer.writes(c), "{c:?}");
    }
    // Read as 2, but never written.
    assert!(!tokenizer.writes('²'));
}

#[test]
fn a_word_of_a_megabyte_takes_no_time() {
    let tokenizer = load(&bundled_directory());
    for word in ["a", "é", "▁", "字", "<0xE2>", "démocratie"] {
        let text = word.repeat(1_000_000 / word.len());
        let start = std::time::Instant::now();
        let tokens = tokenizer.encode(&text);
        check_ranges(&text, &tokens.ranges, tokens.ids.len());
        assert!(start.elapsed().as_secs() < 20, "{word} took {:?}", start.elapsed());
    }
}

#[test]
fn damaged_files_are_errors() {
    let directory = bundled_directory();
    let whole = std::fs::read(directory.join("source.spm")).unwrap();
    for length in [0, 1, 10, 1000, whole.len() / 2, whole.len() - 1] {
        assert!(Model::parse(&whole[..length]).is_err(), "{length}");
    }
    assert!(Model::parse(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n").is_err());
    assert!(Model::parse(&whole[whole.len() / 3..]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_has_tokens_and_ranges(text in "\\PC{0,60}|[\\s▁<>/s\u{0}-\u{20}éa\u{300}\u{200d}🇫🇷]{0,60}") {
        thread_local!(static TOKENIZER: Tokenizer = load(&bundled_directory()));
        TOKENIZER.with(|tokenizer| {
            let tokens = tokenizer.encode(&text);
            check_ranges(&text, &tokens.ranges, tokens.ids.len());
            prop_assert_eq!(tokenizer.count(&text), tokens.ids.len());
            prop_assert!(tokens.ids[..tokens.ids.len() - 1].iter().all(|&id| !tokenizer.source_marks.contains(id)));
            Ok(())
        })?;
    }

    #[test]
    fn any_ids_have_a_text_and_ranges(ids in proptest::collection::vec(0u32..16_100, 0..40)) {
        thread_local!(static TOKENIZER: Tokenizer = load(&bundled_directory()));
        TOKENIZER.with(|tokenizer| {
            let decoded = tokenizer.decode(&ids);
            check_ranges(&decoded.text, &decoded.ranges, ids.len());
        });
    }

    #[test]
    fn damaged_models_never_panic(at in 0usize..534_701, byte: u8, text in "\\PC{0,30}") {
        let mut bytes = std::fs::read(bundled_directory().join("source.spm")).unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(model) = Model::parse(&bytes) {
            let segmenter = Segmenter::new(&model);
            segmenter.cut(&segmenter.normalise(&text).text);
        }
    }
}

/// Hugging Face's `tokenizers`, given the same pieces and scores, cuts real sentences the same way.
#[test]
fn a_second_implementation_agrees() {
    use tokenizers::Model as _;
    let bytes = std::fs::read(bundled_directory().join("source.spm")).unwrap();
    let model = sentencepiece::Model::parse(&bytes).unwrap();
    let segmenter = Segmenter::new(&model);
    let unknown = model.pieces.iter().position(|piece| piece.kind == Kind::Unknown);
    // Control pieces never come out of text, so they must not be matched in it either.
    let pieces = model.pieces.iter().map(|piece| match piece.kind {
        Kind::Normal | Kind::Unknown => (piece.text.to_owned(), f64::from(piece.score)),
        _ => (format!("\u{0}{}", piece.text), -1e9),
    });
    let other = tokenizers::models::unigram::Unigram::from(pieces.collect(), unknown, false).unwrap();
    let mut compared = 0;
    for line in include_str!("../../tests/data/sentences.fr.txt").lines() {
        let text = segmenter.normalise(line).text;
        let ours: Vec<&str> = segmenter.cut(&text).iter().map(|part| &text[part.range.clone()]).collect();
        let theirs = other.tokenize(&text).unwrap();
        let theirs: Vec<&str> = theirs.iter().map(|token| token.value.as_str()).collect();
        assert_eq!(ours, theirs);
        compared += ours.len();
    }
    assert!(compared > 2000);
}
