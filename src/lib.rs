//! fr2en turns a French document into the same document in English, on the user's own machine, with a Marian model.
//!
//! ```text
//! bytes ─ formats ─▶ Document ─ split ─▶ Segment ─ protect ─▶ Prepared ─ tokenize ─▶ ids
//!                                                                                    │ marian + decode
//! bytes ◀─ formats ─ Target ◀─ restore ─ Translation ◀─ check ─ Hypothesis ◀─────────┘
//! ```
//!
//! With the bundled model, in five lines:
//!
//! ```
//! # #[cfg(feature = "bundled")] {
//! use fr2en::translator::Translator;
//!
//! let translator = Translator::builder().build()?;
//! let english = translator.translate("Le chat dort.\n\n  « Bonjour », dit-il.\n")?;
//! assert_eq!(english.lines().count(), 3);
//! assert!(english.contains('“') && english.contains('”'));
//! # }
//! # Ok::<(), fr2en::error::Error>(())
//! ```
//!
//! Texts that are translated together share batches, and documents of other formats keep their markup:
//!
//! ```
//! # #[cfg(feature = "bundled")] {
//! use fr2en::formats::{self, Format};
//! use fr2en::translator::Translator;
//!
//! let translator = Translator::builder().beam(1).threads(2).build()?;
//! for english in translator.translate_batch(&["Bonjour.", "Le ciel est bleu."]) {
//!     println!("{}", english?);
//! }
//! let page = formats::parse(Format::Html, "<p>Le <b>chat</b> dort.</p>".to_owned())?;
//! let (outcomes, totals) = translator.translate_documents(&[page.as_ref()], &())?;
//! let english = page.render(&outcomes[0].targets);
//! assert!(english.contains("<b>") && english.ends_with("</p>"));
//! assert_eq!(totals.segments, 1);
//! # }
//! # Ok::<(), fr2en::error::Error>(())
//! ```

pub mod batch;
pub mod check;
pub mod cli;
pub mod decode;
pub mod document;
pub mod engine;
pub mod error;
pub mod formats;
mod french;
pub mod marian;
pub mod memory;
pub mod protect;
pub mod restore;
pub mod split;
mod spread;
pub mod store;
mod text;
pub mod tokenize;
pub mod translator;
