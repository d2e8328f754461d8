//! `config.json` and `generation_config.json`.

/// What the two configuration files of a model say.
#[derive(Clone, Debug)]
pub struct Config {}
