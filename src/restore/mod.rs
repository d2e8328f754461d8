//! Puts back what the model does not carry, and writes English as an English editor would.

pub mod draft;
pub mod quotes;
