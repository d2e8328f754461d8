use std::sync::Arc;

use super::*;
use crate::engine::{Alignment, Identity};

/// Shouts, and counts the sentences that it was asked for.
struct Shouting(Arc<AtomicU64>);

impl Engine for Shouting {
    fn translate(&self, sources: &[String], _: &Options, progress: &dyn Progress) -> Vec<Result<Vec<Hypothesis>>> {
        self.0.fetch_add(sources.len() as u64, Ordering::Relaxed);
        progress.done(sources.len(), 0);
        let shout = |text: &String| match text.as_str() {
            "bad" => Err(Error::model("no")),
            _ => Ok(vec![Hypothesis { text: text.to_uppercase(), score: -0.1, ..Hypothesis::default() }]),
        };
        sources.iter().map(shout).collect()
    }
}

fn settings(dir: &tempfile::TempDir) -> MemorySettings {
    MemorySettings { path: dir.path().join("memory"), limit: MemorySettings::LIMIT }
}

fn shouting(settings: &MemorySettings, identity: &str) -> (Remembering, Arc<AtomicU64>) {
    let count = Arc::new(AtomicU64::new(0));
    (Remembering::new(Box::new(Shouting(count.clone())), settings, identity).unwrap(), count)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn best(results: Vec<Result<Vec<Hypothesis>>>) -> Vec<String> {
    results.into_iter().map(|r| r.map_or_else(|e| e.to_string(), |mut h| h.remove(0).text)).collect()
}

#[test]
fn a_sentence_is_translated_once_per_model_and_search() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir);
    let (first, asked) = shouting(&settings, "a");
    let options = Options::default();
    assert_eq!(best(first.translate(&texts(&["un", "bad", "deux"]), &options, &())), ["UN", "no", "DEUX"]);
    assert_eq!(best(first.translate(&texts(&["deux", "trois", "un"]), &options, &())), ["DEUX", "TROIS", "UN"]);
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    // A failure is not remembered.
    first.translate(&texts(&["bad"]), &options, &());
    assert_eq!(asked.load(Ordering::Relaxed), 5);
    drop(first);

    let (again, asked) = shouting(&settings, "a");
    let other = Options { threads: 7, batch_tokens: 9, ..options.clone() };
    again.translate(&texts(&["un", "deux", "trois"]), &other, &());
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(again.memory().unwrap().0, MemoryUse { asked: 3, found: 3 });
    for options in [
        Options { beam: 4, ..options.clone() },
        Options { length_penalty: 0.5, ..options.clone() },
        Options { max_length: Some(5), ..options.clone() },
        Options { alignment: false, ..options.clone() },
    ] {
        again.translate(&texts(&["un"]), &options, &());
    }
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    let (another, asked) = shouting(&settings, "b");
    another.translate(&texts(&["un"]), &options, &());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_kept_comes_back_bit_for_bit() {
    let step = Alignment::STEP;
    for weights in [vec![0.0, step, 1.0 - step, 1.0], vec![0.1, 0.9, -0.0, f32::MIN_POSITIVE]] {
        let alignment = Alignment { source: vec![0..2, 2..2], target: vec![0..3, 3..3], weights };
        let whole = Hypothesis {
            text: "été".into(),
            score: -0.123_456_79,
            token_scores: vec![-0.0, f32::NEG_INFINITY],
            alignment: Some(alignment),
            finished: false,
        };
        let bytes = entry::write(&[whole.clone(), Hypothesis::default()]);
        let back = entry::read(&bytes).unwrap();
        assert_eq!(back, [whole.clone(), Hypothesis::default()]);
        let bits = |h: &Hypothesis| -> Vec<u32> {
            h.alignment.iter().flat_map(|a| a.weights.iter().map(|w| w.to_bits())).collect()
        };
        assert_eq!(bits(&back[0]), bits(&whole));
        for cut in 0..bytes.len() {
            assert!(entry::read(&bytes[..cut]).is_none());
        }
    }
    let unscored = entry::read(&entry::write(&[Hypothesis { score: f32::NAN, ..Hypothesis::default() }])).unwrap();
    assert!(unscored[0].score.is_nan());
    assert!(entry::read(&[255; 40]).is_none());
}

#[test]
fn the_oldest_are_forgotten_and_the_file_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let settings = MemorySettings { limit: 1 << 20, ..settings(&dir) };
    let (memory, _) = shouting(&settings, "a");
    // Text that does not compress.
    let mut state = 1_u64;
    for _ in 0..20 {
        let some: Vec<String> = (0..500)
            .map(|_| {
                (0..20)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        format!("{:x}", state >> 32)
                    })
                    .collect()
            })
            .collect();
        memory.translate(&some, &Options::default(), &());
    }
    assert_eq!(memory.memory().unwrap().1, None);
    assert!(std::fs::metadata(&settings.path).unwrap().len() < 3 << 19);
}

#[test]
fn two_writers_at_a_time_share_what_they_find() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir);
    let all: Vec<String> = (0..200).map(|i| format!("phrase {i}")).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (memory, _) = shouting(&settings, "a");
                for some in all.chunks(10) {
                    let shouted: Vec<String> = some.iter().map(|t| t.to_uppercase()).collect();
                    assert_eq!(best(memory.translate(some, &Options::default(), &())), shouted);
                }
                assert_eq!(memory.memory().unwrap().1, None);
            });
        }
    });
    let (memory, asked) = shouting(&settings, "a");
    memory.translate(&all, &Options::default(), &());
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

#[test]
fn another_file_is_not_taken_for_a_memory() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir);
    std::fs::write(
        &settings.path,
        "Ceci n'est pas une mémoire, mais un texte assez long pour en avoir l'air.".repeat(20),
    )
    .unwrap();
    let error = Remembering::new(Box::new(Identity), &settings, "a").err().unwrap();
    assert!(error.to_string().contains("--memory"), "{error}");
    let error = Store::open(&MemorySettings { path: dir.path().into(), ..settings }).err().unwrap();
    assert!(error.to_string().contains("directory"), "{error}");
}

#[test]
fn a_damaged_memory_is_to_be_deleted_and_what_is_no_plain_file_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(&dir);
    let (memory, _) = shouting(&settings, "a");
    let many: Vec<String> = (0..2000).map(|i| format!("une phrase {i}")).collect();
    memory.translate(&many, &Options::default(), &());
    drop(memory);
    let mut bytes = std::fs::read(&settings.path).unwrap();
    bytes[4096..].fill(0xff);
    std::fs::write(&settings.path, bytes).unwrap();
    let fault = match Remembering::new(Box::new(Identity), &settings, "a") {
        Ok(memory) => {
            memory.translate(&many, &Options::default(), &());
            memory.memory().unwrap().1.unwrap()
        }
        Err(error) => error.to_string(),
    };
    assert!(fault.contains("delete it, or leave out --memory"), "{fault}");
    if cfg!(unix) {
        let error = Store::open(&MemorySettings { path: "/dev/null".into(), ..settings }).err().unwrap();
        assert!(error.to_string().contains("no plain file"), "{error}");
    }
}
