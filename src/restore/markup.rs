//! Inline marks on the words that translate the marked ones.
