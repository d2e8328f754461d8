//! Defaults from the config file: `fr2en/config.toml` where the platform keeps such files.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use serde::Deserialize;

use crate::error::{Error, Result};

/// What the config file may set: the long options of the command line, with `_` or `-`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ConfigFile {
    pub model: Option<String>,
    pub offline: Option<bool>,
    pub beam: Option<usize>,
    pub length_penalty: Option<f32>,
    pub threads: Option<usize>,
    pub device: Option<String>,
    pub compute: Option<String>,
    pub batch_tokens: Option<BatchTokens>,
    pub shortlist: Option<bool>,
    pub quotes: Option<String>,
    pub stops: Option<String>,
    pub clock: Option<String>,
    pub currency: Option<String>,
    pub glossary: Option<PathBuf>,
    pub glossary_inflected: Option<bool>,
    pub strict: Option<bool>,
    pub memory: Option<PathBuf>,
    pub memory_limit: Option<String>,
}

/// How large a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
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

impl ConfigFile {
    /// The user's file; defaults where there is none.
    ///
    /// # Errors
    /// When the file is there but cannot be read or says something unknown; the message gives the line.
    pub fn load() -> Result<Self> {
        let Some(path) = Self::path() else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, "read", e))?;
        Self::parse(&text, &path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_file_is_placed() {
        let path = Path::new("config.toml");
        let batch_tokens = |text: &str| ConfigFile::parse(text, path).expect("right").batch_tokens;
        assert_eq!(batch_tokens("beam = 4\nbatch-tokens = 64\n"), Some(BatchTokens::Tokens(64)));
        assert_eq!(batch_tokens("batch-tokens = \"auto\""), Some(BatchTokens::Auto));
        let error = ConfigFile::parse("batch-tokens = \"much\"", path).expect_err("no number");
        assert!(error.to_string().contains("it is a number, or auto"), "{error}");
        let error = ConfigFile::parse("beam = 4\nbeams = 4\n", path).expect_err("unknown key");
        assert!(error.to_string().starts_with("config.toml: line 2"), "{error}");
    }
}
