//! Defaults: from the config file, `fr2en/config.toml` where the platform keeps such files, and from variables. One table,
//! [`Defaults`], says what either may set.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use serde::{Deserialize, Serialize};

use super::settings;
use crate::error::{Error, Result};

/// What may be set: the long options of the command line, with `_` or `-` in the file, and as `FR2EN_LONG_OPTION` in the
/// environment, which wins.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Defaults {
    pub model: Option<String>,
    pub offline: Option<bool>,
    pub beam: Option<usize>,
    #[serde(alias = "length_penalty")]
    pub length_penalty: Option<f32>,
    pub threads: Option<usize>,
    pub device: Option<String>,
    pub compute: Option<String>,
    #[serde(alias = "batch_tokens")]
    pub batch_tokens: Option<BatchTokens>,
    pub shortlist: Option<bool>,
    pub quotes: Option<String>,
    pub stops: Option<String>,
    pub spelling: Option<String>,
    pub clock: Option<String>,
    pub currency: Option<String>,
    pub glossary: Option<PathBuf>,
    #[serde(alias = "glossary_inflected")]
    pub glossary_inflected: Option<bool>,
    pub strict: Option<bool>,
    pub memory: Option<PathBuf>,
    #[serde(alias = "memory_limit")]
    pub memory_limit: Option<String>,
}

/// How large a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "toml::Value", into = "toml::Value")]
pub enum BatchTokens {
    /// As large as the device has memory for.
    Auto,
    Tokens(usize),
}

impl FromStr for BatchTokens {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().map(Self::Tokens).map_err(|_| "it is a number, or auto".to_owned()),
        }
    }
}

impl TryFrom<toml::Value> for BatchTokens {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) => text.parse(),
            other => other.to_string().parse(),
        }
    }
}

impl From<BatchTokens> for toml::Value {
    fn from(tokens: BatchTokens) -> Self {
        match tokens {
            BatchTokens::Auto => Self::String("auto".to_owned()),
            BatchTokens::Tokens(tokens) => Self::Integer(i64::try_from(tokens).unwrap_or(i64::MAX)),
        }
    }
}

/// What the names of all variables begin with.
const PREFIX: &str = "FR2EN_";

/// Variables that are no defaults: where the config file is, and what only tests read.
const OTHERS: [&str; 4] = ["FR2EN_CONFIG", "FR2EN_TEST_", "FR2EN_FUZZ_", "FR2EN_TOKENIZER_"];

impl Defaults {
    /// What the user's file and the environment say.
    ///
    /// # Errors
    /// When the file is there but cannot be read, or it or a variable says something that makes no sense; the message
    /// names the file and the line or the key, or the variable.
    pub fn load() -> Result<Self> {
        let file = Self::path().map_or_else(|| Ok(Self::default()), |path| Self::read(&path))?;
        file.overridden(|name| std::env::var_os(name))
    }

    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, "read", e))?;
        let mut file = Self::parse(&text, path)?;
        settings::check(&file).map_err(|e| e.at(path))?;
        // What stands in a file means the same wherever the program is started.
        let beside = path.parent().unwrap_or(Path::new(""));
        let placed = |there: PathBuf| beside.join(at_home(&there));
        file.glossary = file.glossary.map(placed);
        file.memory = file.memory.map(placed);
        file.model = file.model.map(|model| at_home(Path::new(&model)).to_string_lossy().into_owned());
        Ok(file)
    }

    /// With what the environment says instead. A variable that is empty is not set.
    fn overridden(&self, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let failed = |e: &dyn std::fmt::Display| Error::settings(e.to_string());
        let mut table = toml::Table::try_from(self).map_err(|e| failed(&e))?;
        for key in Self::keys() {
            let name = variable_of(&key);
            let Some(text) = variable(&name).filter(|text| !text.is_empty()) else { continue };
            let value = Self::value(&key, &text.to_string_lossy()).map_err(|e| e.at(name))?;
            table.insert(key, value);
        }
        table.try_into().map_err(|e| failed(&e))
    }

    /// A variable's text as what the key takes: a number, a word, or whether.
    fn value(key: &str, text: &str) -> Result<toml::Value> {
        let no = ["0", "false", "no", "off", "n", "f"].contains(&text.to_lowercase().as_str());
        let number = text.parse().map(toml::Value::Integer).or(text.parse().map(toml::Value::Float)).ok();
        let readings = number.into_iter().chain([toml::Value::String(text.to_owned()), toml::Value::Boolean(!no)]);
        let mut wrong = None;
        for value in readings {
            let alone = toml::Table::from_iter([(key.to_owned(), value.clone())]);
            match alone.try_into::<Self>() {
                Ok(alone) => return settings::check(&alone).map(|()| value),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        let why = wrong.map_or_else(String::new, |error| format!(": {}", error.message()));
        Err(Error::settings(format!("{key} cannot be '{text}'{why}")))
    }

    /// The keys of the table.
    fn keys() -> Vec<String> {
        match serde_json::to_value(Self::default()) {
            Ok(serde_json::Value::Object(fields)) => fields.into_iter().map(|(key, _)| key).collect(),
            _ => Vec::new(),
        }
    }

    /// Variables among these that look like ones of this program and mean nothing to it.
    pub fn strangers(names: impl Iterator<Item = OsString>) -> Vec<String> {
        let known: Vec<String> = Self::keys().iter().map(|key| variable_of(key)).collect();
        let strange = |name: &String| {
            name.starts_with(PREFIX) && !known.contains(name) && !OTHERS.iter().any(|other| name.starts_with(other))
        };
        names.filter_map(|name| name.into_string().ok()).filter(strange).collect()
    }

    /// The file that is read, if there is one: `FR2EN_CONFIG`, which is empty for none, or the usual one.
    pub fn path() -> Option<PathBuf> {
        match std::env::var_os("FR2EN_CONFIG") {
            Some(path) => (!path.is_empty()).then(|| path.into()),
            None => Self::usual_path().filter(|path| path.is_file()),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
            Error::settings(format!("line {line}: {}", error.message())).at(path)
        })
    }

    /// Where the file is looked for; `None` without a home directory.
    pub fn usual_path() -> Option<PathBuf> {
        let args = AppStrategyArgs { top_level_domain: String::new(), author: String::new(), app_name: "fr2en".into() };
        choose_app_strategy(args).ok().map(|s| s.in_config_dir("config.toml"))
    }
}

/// The variable of a key: `FR2EN_BATCH_TOKENS` of `batch-tokens`.
fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('-', "_"))
}

/// A path of which `~/` is the user's directory.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), etcetera::home_dir()) {
        (Ok(rest), Ok(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_file_is_placed() {
        let path = Path::new("config.toml");
        let batch_tokens = |text: &str| Defaults::parse(text, path).expect("right").batch_tokens;
        assert_eq!(batch_tokens("beam = 4\nbatch-tokens = 64\n"), Some(BatchTokens::Tokens(64)));
        assert_eq!(batch_tokens("batch-tokens = \"auto\""), Some(BatchTokens::Auto));
        let error = Defaults::parse("batch-tokens = \"much\"", path).expect_err("no number");
        assert!(error.to_string().contains("it is a number, or auto"), "{error}");
        let error = Defaults::parse("beam = 4\nbeams = 4\n", path).expect_err("unknown key");
        assert!(error.to_string().starts_with("config.toml: line 2"), "{error}");
    }

    #[test]
    fn every_key_has_its_variable_and_a_bad_value_is_blamed_on_it() {
        let file = Defaults { beam: Some(2), offline: Some(true), strict: Some(true), ..Defaults::default() };
        let with = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
            file.overridden(find)
        };
        let read = with(&[
            ("FR2EN_STOPS", "uk"),
            ("FR2EN_CLOCK", "12"),
            ("FR2EN_LENGTH_PENALTY", "1"),
            ("FR2EN_MEMORY_LIMIT", "500M"),
            ("FR2EN_BATCH_TOKENS", "64"),
            ("FR2EN_GLOSSARY", "12"),
            ("FR2EN_OFFLINE", "0"),
            ("FR2EN_SHORTLIST", "1"),
            ("FR2EN_BEAM", ""),
        ]);
        let read = read.expect("right");
        assert_eq!((read.stops.as_deref(), read.clock.as_deref()), (Some("uk"), Some("12")));
        assert_eq!((read.length_penalty, read.batch_tokens), (Some(1.0), Some(BatchTokens::Tokens(64))));
        assert_eq!((read.memory_limit.as_deref(), read.glossary), (Some("500M"), Some("12".into())));
        assert_eq!((read.offline, read.shortlist, read.strict), (Some(false), Some(true), Some(true)));
        assert_eq!(read.beam, Some(2));
        for (name, wrong) in [("FR2EN_BEAM", "many"), ("FR2EN_BEAM", "65"), ("FR2EN_QUOTES", "round")] {
            let error = with(&[(name, wrong)]).expect_err("no such value").to_string();
            assert!(error.starts_with(&format!("{name}: ")) && error.contains(wrong), "{error}");
        }
        let names = ["FR2EN_BEAM", "FR2EN_BEEM", "FR2EN_TEST_DEVICE", "FR2EN_CONFIG", "HOME"];
        assert_eq!(Defaults::strangers(names.iter().map(OsString::from)), ["FR2EN_BEEM"]);
    }

    #[test]
    fn paths_in_the_file_are_beside_it_or_at_home() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "glossary = \"terms.tsv\"\nmemory = \"~/m\"\nlength_penalty = 0.5\n").expect("written");
        let read = Defaults::read(&path).expect("right");
        assert_eq!(read.glossary, Some(dir.path().join("terms.tsv")));
        assert_eq!(
            (read.memory, read.length_penalty),
            (etcetera::home_dir().ok().map(|home| home.join("m")), Some(0.5))
        );
        std::fs::write(&path, "quotes = \"round\"\n").expect("written");
        let error = Defaults::read(&path).expect_err("no such quotes").to_string();
        assert!(error.contains("config.toml: quotes: 'round'"), "{error}");
    }
}
