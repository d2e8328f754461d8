//! Where models lie and how to reach the hub.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Where models lie and how to reach the hub.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The Hugging Face cache: the directory that holds `models--organisation--name`.
    pub cache: PathBuf,
    /// The hub's address, where it is not the usual one.
    pub endpoint: Option<String>,
    /// For models that are not open to everyone.
    pub token: Option<String>,
    /// Never open a connection.
    pub offline: bool,
    /// How long the hub may say nothing at all.
    pub patience: Duration,
    /// The pause before the first retry; it doubles from then on.
    pub retry_delay: Duration,
}

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            cache: PathBuf::from(".cache/huggingface/hub"),
            endpoint: None,
            token: None,
            offline: false,
            patience: Duration::from_secs(60),
            retry_delay: Duration::from_millis(500),
        }
    }
}

impl StoreSettings {
    /// What the variables that all Hugging Face programs share say: `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HOME`,
    /// `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`. `variable` looks one up; empty ones count as not set.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let path = |name: &str| set(name).map(PathBuf::from);
        let text = |name: &str| set(name).and_then(|value| value.into_string().ok());
        let home = || path("HOME").or_else(|| path("USERPROFILE")).unwrap_or_default();
        let cache = path("HF_HUB_CACHE").or_else(|| path("HUGGINGFACE_HUB_CACHE")).unwrap_or_else(|| {
            let caches = || path("XDG_CACHE_HOME").unwrap_or_else(|| home().join(".cache"));
            path("HF_HOME").unwrap_or_else(|| caches().join("huggingface")).join("hub")
        });
        Self {
            cache,
            endpoint: text("HF_ENDPOINT"),
            token: text("HF_TOKEN"),
            offline: text("HF_HUB_OFFLINE")
                .is_some_and(|value| matches!(value.to_lowercase().as_str(), "1" | "true" | "yes" | "on")),
            ..Self::default()
        }
    }
}
