//! `fr2en doctor`: what this build and machine have, and what would be used and why.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::Ending;
use super::args::DoctorArgs;
use super::config::Defaults;
use super::printer::Printer;
use super::settings;
use crate::error::{Error, Result};
use crate::marian::device::{self, Gpu, Memory, Plan};
use crate::marian::{Config, cpu};
use crate::store;

/// Everything there is to tell.
#[derive(Serialize)]
struct Findings {
    version: &'static str,
    features: Vec<&'static str>,
    system: System,
    cuda: Gpus,
    metal: Gpus,
    model: Found<Model>,
    choice: Found<Choice>,
    settings: Settings,
}

#[derive(Serialize)]
struct System {
    os: &'static str,
    processor: &'static str,
    cores: usize,
    /// Those of the instruction sets that matter here.
    instructions: Vec<&'static str>,
    /// What the program computes with on the CPU.
    kernels: &'static str,
    memory: Option<Memory>,
}

#[derive(Serialize)]
struct Gpus {
    devices: Vec<Gpu>,
    none_because: Option<String>,
}

/// What was looked for, or why it was not found.
#[derive(Serialize)]
#[serde(untagged)]
enum Found<T> {
    Here(T),
    Not { error: String },
}

#[derive(Serialize)]
struct Model {
    name: String,
    weights: PathBuf,
    encoder_layers: usize,
    decoder_layers: usize,
    width: usize,
    vocabulary: usize,
    beam: usize,
}

#[derive(Serialize)]
struct Choice {
    device: String,
    reason: String,
    threads: Option<usize>,
    batch_tokens: Option<usize>,
}

#[derive(Serialize)]
struct Settings {
    /// The one that is read.
    config_file: Option<PathBuf>,
    /// Where one would be looked for.
    usual_config_file: Option<PathBuf>,
    /// Variables that are set and mean something to the program.
    variables: BTreeMap<String, String>,
}

/// Runs the command. It opens no connection and loads no weights.
///
/// # Errors
/// When standard output cannot be written. What is wrong with the settings is told in the findings, and the run ends as
/// one that failed in part.
pub fn run(args: &DoctorArgs, printer: &Printer) -> Result<Ending> {
    let findings = Findings::gather(args);
    let text = match args.json {
        true => serde_json::to_string_pretty(&findings).map(|json| json + "\n"),
        false => Ok(findings.in_words()),
    };
    printer.result(&text.map_err(|e| Error::settings(e.to_string()))?)?;
    match (&findings.model, &findings.choice) {
        (Found::Here(_), Found::Here(_)) => Ok(Ending::Done),
        _ => Ok(Ending::Partly),
    }
}

impl Findings {
    fn gather(args: &DoctorArgs) -> Self {
        let config_file = Defaults::load();
        let defaults = Defaults::default();
        let opened = config_file.as_ref().map_err(|e| Error::settings(e.to_string())).and_then(|config_file| {
            let files = store::open(&settings::model(&args.engine, config_file)?, &settings::store(true), &())?;
            let config = Config::load(&files)?;
            Ok((files, config))
        });
        let config_file = config_file.as_ref().unwrap_or(&defaults);
        let choice = match &opened {
            Ok((_, config)) => choice(args, config_file, config).into(),
            Err(_) => Found::Not { error: "without a model, nothing can be chosen".to_owned() },
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            features: features(),
            system: system(),
            cuda: device::cuda_devices().into(),
            metal: device::metal_devices().into(),
            model: opened
                .map(|(files, config)| Model {
                    name: files.name.clone(),
                    weights: files.weights.path().to_owned(),
                    encoder_layers: config.encoder_layers,
                    decoder_layers: config.decoder_layers,
                    width: config.d_model,
                    vocabulary: config.decoder_vocab_size,
                    beam: config.num_beams,
                })
                .into(),
            choice,
            settings: Settings {
                config_file: Defaults::path(),
                usual_config_file: Defaults::usual_path(),
                variables: variables(),
            },
        }
    }

    fn in_words(&self) -> String {
        let mut out = String::new();
        let mut line = |what: &str, text: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{what:<11}{text}");
        };
        line("fr2en", format!("{}, built with {}", self.version, listed(&self.features)));
        let system = &self.system;
        let memory = system.memory.map_or(String::new(), |memory| format!(", {}", in_words(memory)));
        line("system", format!("{} on {}, {} cores{memory}", system.os, system.processor, system.cores));
        line("processor", format!("{}; kernels: {}", listed(&system.instructions), system.kernels));
        for (what, gpus) in [("cuda", &self.cuda), ("metal", &self.metal)] {
            if let Some(reason) = &gpus.none_because {
                line(what, format!("none: {reason}"));
            }
            for gpu in &gpus.devices {
                let capability = gpu.capability.as_ref().map_or(String::new(), |c| format!(", capability {c}"));
                let memory = gpu.memory.map_or(String::new(), |memory| format!(", {}", in_words(memory)));
                line(&format!("{what}:{}", gpu.number), format!("{}{capability}{memory}", gpu.name));
            }
        }
        line(
            "model",
            match &self.model {
                Found::Here(model) => format!(
                    "{}: {} + {} layers of {}, {} tokens, beam {}; {}",
                    model.name,
                    model.encoder_layers,
                    model.decoder_layers,
                    model.width,
                    model.vocabulary,
                    model.beam,
                    model.weights.display()
                ),
                Found::Not { error } => format!("none: {error}"),
            },
        );
        line(
            "would use",
            match &self.choice {
                Found::Here(choice) => {
                    let threads = choice.threads.map_or(String::new(), |n| format!(", {n} threads"));
                    let tokens = choice.batch_tokens.map_or(String::new(), |n| format!(", batches of {n} tokens"));
                    format!("{}{threads}{tokens} ({})", choice.device, choice.reason)
                }
                Found::Not { error } => format!("nothing: {error}"),
            },
        );
        let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let file = shown(&self.settings.config_file).unwrap_or_else(|| match shown(&self.settings.usual_config_file) {
            Some(usual) => format!("no config file ({usual} would be one)"),
            None => "no config file".to_owned(),
        });
        line("settings", file);
        for (name, value) in &self.settings.variables {
            line("", format!("{name}={value}"));
        }
        out
    }
}

/// What the settings lead to with this model.
fn choice(args: &DoctorArgs, config_file: &Defaults, config: &Config) -> Result<Choice> {
    let device = settings::device(&args.engine, config_file)?;
    let plan = Plan::new(&device, settings::compute(&args.engine, config_file)?, config)?;
    let translator = settings::builder(&args.engine, &super::args::StyleArgs::default(), config_file)?;
    let options = translator.options(config, &plan)?;
    Ok(Choice {
        device: plan.describe(),
        threads: plan.is_cpu().then_some(options.threads),
        batch_tokens: Some(options.batch_tokens),
        reason: plan.reason,
    })
}

fn features() -> Vec<&'static str> {
    let all = [
        ("bundled", cfg!(feature = "bundled")),
        ("hub", cfg!(feature = "hub")),
        ("cuda", cfg!(feature = "cuda")),
        ("metal", cfg!(feature = "metal")),
    ];
    all.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

fn system() -> System {
    System {
        os: std::env::consts::OS,
        processor: std::env::consts::ARCH,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        instructions: instructions(),
        kernels: cpu::kernels(),
        memory: memory(),
    }
}

/// The instruction sets that this processor has, of those that matter here.
fn instructions() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let all = [
        ("avx2", std::is_x86_feature_detected!("avx2")),
        ("fma", std::is_x86_feature_detected!("fma")),
        ("avx-vnni", std::is_x86_feature_detected!("avxvnni")),
        ("avx512f", std::is_x86_feature_detected!("avx512f")),
        ("avx512-vnni", std::is_x86_feature_detected!("avx512vnni")),
        ("amx-int8", cpu::has_amx()),
    ];
    #[cfg(target_arch = "aarch64")]
    let all = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        ("dotprod", std::arch::is_aarch64_feature_detected!("dotprod")),
        ("i8mm", std::arch::is_aarch64_feature_detected!("i8mm")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let all: [(&str, bool); 0] = [];
    all.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

/// The machine's memory, where the system tells.
fn memory() -> Option<Memory> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(name))?.trim().trim_end_matches("kB").trim().parse().ok()
    };
    Some(Memory { free: kib("MemAvailable:")? << 10, total: kib("MemTotal:")? << 10 })
}

/// The variables in force. A token is a secret: only that there is one is told.
fn variables() -> BTreeMap<String, String> {
    let known = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE"];
    let ours = |name: &str| name.starts_with("FR2EN_") || known.contains(&name) || name == "CUDA_VISIBLE_DEVICES";
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
    };
    let hide = |(name, value)| if name == "HF_TOKEN" { (name, "(set)".to_owned()) } else { (name, value) };
    std::env::vars_os().map(text).filter(|(name, _)| ours(name)).map(hide).collect()
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "nothing special".to_owned() } else { names.join(", ") }
}

fn in_words(memory: Memory) -> String {
    let gibibytes = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    format!("{:.1} GiB of memory, {:.1} free", gibibytes(memory.total), gibibytes(memory.free))
}

impl From<std::result::Result<Vec<Gpu>, String>> for Gpus {
    fn from(found: std::result::Result<Vec<Gpu>, String>) -> Self {
        match found {
            Ok(devices) => Self { devices, none_because: None },
            Err(reason) => Self { devices: Vec::new(), none_because: Some(reason) },
        }
    }
}

impl<T> From<Result<T>> for Found<T> {
    fn from(found: Result<T>) -> Self {
        match found {
            Ok(found) => Self::Here(found),
            Err(error) => Self::Not { error: error.to_string() },
        }
    }
}
