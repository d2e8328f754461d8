//! fr2en turns a French document into the same document in English, on the user's own machine.

pub mod check;
pub mod cli;
pub mod decode;
pub mod document;
pub mod engine;
pub mod error;
pub mod formats;
pub mod marian;
pub mod protect;
pub mod restore;
pub mod split;
pub mod store;
pub mod tokenize;
pub mod translator;
