//! Times the CPU network on sentences of token ids, with forced target lengths, so that random weights will do:
//!
//! `cargo bench --bench throughput -- MODEL_DIR IDS_FILE [--compute int8|f32] [--beam N] [--batch N] [--threads N]
//! [--ratio R] [--reps N] [--limit N] [--log-probs]`
//!
//! `IDS_FILE` holds a sentence a line, ids parted by spaces, the end mark among them. A batch is `--batch` sentences of like
//! length; each gets `--ratio` times its mean source length in target tokens.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use fr2en::marian::cpu::{Compute, CpuNetwork};
use fr2en::marian::{Candidates, Config, Network, Row, Session, Want, Weights};
use fr2en::store::Blob;

struct Settings {
    model: PathBuf,
    ids: PathBuf,
    compute: Compute,
    beam: usize,
    batch: usize,
    threads: usize,
    ratio: f64,
    reps: usize,
    limit: usize,
    log_probs: bool,
}

fn settings() -> Option<Settings> {
    let mut settings = Settings {
        model: PathBuf::new(),
        ids: PathBuf::new(),
        compute: Compute::Int8,
        beam: 1,
        batch: 64,
        threads: 2,
        ratio: 1.1,
        reps: 3,
        limit: usize::MAX,
        log_probs: false,
    };
    let mut plain = Vec::new();
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--compute" => settings.compute = if args.next()? == "f32" { Compute::F32 } else { Compute::Int8 },
            "--beam" => settings.beam = args.next()?.parse().ok()?,
            "--batch" => settings.batch = args.next()?.parse().ok()?,
            "--threads" => settings.threads = args.next()?.parse().ok()?,
            "--ratio" => settings.ratio = args.next()?.parse().ok()?,
            "--reps" => settings.reps = args.next()?.parse().ok()?,
            "--limit" => settings.limit = args.next()?.parse().ok()?,
            "--log-probs" => settings.log_probs = true,
            _ => plain.push(PathBuf::from(arg)),
        }
    }
    [settings.model, settings.ids] = plain.try_into().ok()?;
    Some(settings)
}

fn main() {
    let Some(settings) = settings() else {
        eprintln!("skipped: give a model directory and a file of token ids; see the head of tests/bench/throughput.rs");
        return;
    };
    if let Err(error) = run(&settings) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn run(settings: &Settings) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(&settings.ids)?;
    let parse = |line: &str| line.split_whitespace().map(|id| id.parse()).collect::<Result<Vec<u32>, _>>();
    let mut sources = text.lines().map(parse).collect::<Result<Vec<_>, _>>()?;
    sources.truncate(settings.limit);
    sources.sort_by_key(|source| std::cmp::Reverse(source.len()));
    let batches: Vec<&[Vec<u32>]> = sources.chunks(settings.batch).collect();

    let start = Instant::now();
    let config = Config::read(&std::fs::read(settings.model.join("config.json"))?, None)?;
    let weights = Weights::open(&blob(&settings.model.join("model.safetensors"))?)?;
    let network = CpuNetwork::load(&weights, config, settings.compute)?;
    println!("{}: loaded in {:.3} s", network.describe(), start.elapsed().as_secs_f64());

    let mut seconds = Vec::new();
    for _ in 0..settings.reps {
        let next = AtomicUsize::new(0);
        let tokens = AtomicUsize::new(0);
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..settings.threads {
                scope.spawn(|| {
                    let mut session = network.session();
                    while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let produced = translate(&mut *session, network.config(), batch, settings);
                        tokens.fetch_add(produced, Ordering::Relaxed);
                    }
                });
            }
        });
        seconds.push(start.elapsed().as_secs_f64());
        let tokens = tokens.into_inner();
        let last = seconds[seconds.len() - 1];
        println!("{tokens} target tokens in {last:.3} s: {:.0}/s", tokens as f64 / last);
    }
    seconds.sort_by(f64::total_cmp);
    println!("median {:.3} s; peak memory {} MiB", seconds[seconds.len() / 2], peak_memory().unwrap_or(0) >> 20);
    Ok(())
}

/// Decodes one batch; returns the number of target tokens.
fn translate(session: &mut dyn Session, config: &Config, batch: &[Vec<u32>], settings: &Settings) -> usize {
    let beam = settings.beam;
    let total: usize = batch.iter().map(Vec::len).sum();
    let steps = (settings.ratio * total as f64 / batch.len() as f64).round().max(1.0) as usize;
    let sources: Vec<&[u32]> = batch.iter().map(Vec::as_slice).collect();
    session.encode(&sources).expect("ids of the model");
    let suppress = [config.eos_token_id, config.pad_token_id];
    let log_probs = settings.log_probs || beam > 1;
    let want = Want { k: if beam > 1 { 2 * beam } else { 1 }, log_probs, attention: false, suppress: &suppress };
    let mut out = Candidates::default();
    let start = config.decoder_start_token_id;
    let mut rows: Vec<Row> = (0..batch.len()).map(|parent| Row { parent, token: start }).collect();
    let mut scores = vec![0.0f32; rows.len()];
    let mut pool: Vec<(f32, Row)> = Vec::new();
    for _ in 0..steps {
        session.step(&rows, &want, &mut out).expect("rows of the step before");
        let each = rows.len() / batch.len();
        let (mut next_rows, mut next_scores) = (Vec::new(), Vec::new());
        for i in 0..batch.len() {
            pool.clear();
            for (parent, base) in scores.iter().enumerate().skip(i * each).take(each) {
                for j in parent * want.k..(parent + 1) * want.k {
                    pool.push((base + out.scores[j], Row { parent, token: out.ids[j] }));
                }
            }
            pool.sort_by(|a, b| b.0.total_cmp(&a.0));
            for (score, row) in pool.iter().take(beam) {
                next_scores.push(*score);
                next_rows.push(*row);
            }
        }
        (rows, scores) = (next_rows, next_scores);
    }
    steps * batch.len()
}

fn blob(path: &Path) -> std::io::Result<Blob> {
    let file = std::fs::File::open(path)?;
    // SAFETY: nobody writes to the file meanwhile.
    let map: &'static memmap2::Mmap = Box::leak(Box::new(unsafe { memmap2::Mmap::map(&file)? }));
    Ok(Blob::embedded(path.to_path_buf(), map))
}

fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? << 10)
}
