//! Puts back what the model does not carry, and writes English as an English editor would.

pub mod articles;
pub mod case;
pub mod dictionary;
pub mod doubled;
pub mod draft;
pub mod known;
pub mod letters;
pub mod markup;
pub mod names;
pub mod numbers;
pub mod placeholders;
pub mod quotes;
pub mod spelling;
#[cfg(test)]
mod tests;
mod text;
pub mod titles;
pub mod typography;
mod wordings;

use crate::document::Note;
use crate::engine::Hypothesis;
use crate::protect::{Prepared, Route};
use draft::Draft;
pub use quotes::QuoteStyle;

/// How the English is to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Style {
    pub quotes: QuoteStyle,
    pub currency: Currency,
    pub clock: Clock,
    pub stops: Stops,
    pub dashes: Dashes,
    pub apostrophes: Apostrophes,
    pub spelling: Spelling,
    /// Nothing is changed but what the model did to protected things.
    verbatim: bool,
}

/// Where the sign of money goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Currency {
    /// €12,000
    #[default]
    Before,
    /// 12,000 €
    Keep,
}

/// How a time of day is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// As the model wrote it where that is English (3:30 p.m., 15:30), else 15:30.
    #[default]
    Keep,
    /// 3:30 p.m.
    Twelve,
    /// 15:30
    TwentyFour,
}

/// Where a full stop or comma goes at the end of a quotation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stops {
    /// Before the closing mark.
    #[default]
    Us,
    /// The full stop after it, where the source has it there.
    Uk,
    /// Where the model put it.
    Keep,
}

/// The dashes round an aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dashes {
    /// word—word
    #[default]
    EmClosed,
    /// word — word
    EmSpaced,
    /// word – word
    EnSpaced,
    /// As the model wrote them.
    Keep,
}

/// The apostrophe inside words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Apostrophes {
    /// In the form that the source uses; as the model wrote it where the source has none.
    #[default]
    Source,
    Straight,
    Curly,
}

/// How words are spelt that differ between America and Britain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spelling {
    /// defense, organized
    #[default]
    Us,
    /// defence, organised
    Uk,
    /// As the model wrote them.
    Keep,
}

impl Style {
    /// Changes nothing: what the model returns as it was shown comes out as the source, byte for byte.
    pub fn verbatim() -> Self {
        Self { verbatim: true, ..Self::default() }
    }

    /// Whether this is [`Self::verbatim`].
    pub fn is_verbatim(&self) -> bool {
        self.verbatim
    }
}

/// The translation of a prepared segment: `hypothesis` with everything put back, or, where the model was not asked, the
/// source in English dress. `quotes` puts the quotation marks right; it is called once, when the words are final and the
/// stops are not, and never with [`Style::verbatim`].
pub fn restore(
    p: &Prepared,
    hypothesis: Option<&Hypothesis>,
    style: &Style,
    quotes: &mut dyn FnMut(&mut Draft),
) -> Draft {
    let Some(hypothesis) = hypothesis.filter(|_| p.route() == Route::Model) else {
        return copy(p, style, quotes);
    };
    if style.verbatim && hypothesis.text == p.text() {
        return Draft::same(p.source());
    }
    let mut draft = Draft::new(hypothesis, |r| p.to_segment(r));
    placeholders::put_back(&mut draft, p);
    if !style.verbatim {
        letters::write(&mut draft, p);
        wordings::write(&mut draft, p);
        known::write(&mut draft, p);
        dictionary::write(&mut draft, p);
        names::restore(&mut draft, p);
        titles::translate(&mut draft, p);
        numbers::restore(&mut draft, p, style);
        doubled::collapse(&mut draft, p);
        spelling::write(&mut draft, style);
        articles::agree(&mut draft);
    }
    case::shout(&mut draft, p);
    if !style.verbatim {
        known::release(&mut draft, p);
        quotes(&mut draft);
        wordings::go_on(&mut draft, p);
        typography::set(&mut draft, p, style);
        case::first_letter(&mut draft, p);
        case::articles(&mut draft, p);
    }
    let lead = lead(p, style);
    if !lead.is_empty() {
        draft.replace(0..0, &lead, Some(0..p.lead().len()));
    }
    draft
}

/// The dash or bullet at the start, with an ordinary space.
fn lead(p: &Prepared, style: &Style) -> String {
    if style.verbatim {
        return p.lead().to_owned();
    }
    p.lead().chars().map(|c| if crate::protect::numbers::is_space(c) { ' ' } else { c }).collect()
}

/// A segment that the model is not asked about, or failed on.
fn copy(p: &Prepared, style: &Style, quotes: &mut dyn FnMut(&mut Draft)) -> Draft {
    let mut draft = Draft::same(p.source());
    if p.route() == Route::Model {
        draft.notes.push(Note::warning("kept_source", "there is no translation; the source stands in its place"));
        return draft;
    }
    if style.verbatim {
        return draft;
    }
    // From the end, so that the ranges that follow stay good. The source's names are the source's language.
    for span in p.spans().iter().rev().filter(|span| !span.kind.is_name()) {
        draft.put(span.range.clone(), &span.write, span.range.clone());
    }
    if p.route() == Route::NoWords && p.spans().iter().all(|s| s.write.len() == s.range.len()) {
        for (range, new) in numbers::localise(p.source(), p.numbers(), style).into_iter().rev() {
            if draft.is_free(range.clone()) && draft.text()[range.clone()] != new {
                draft.replace(range.clone(), &new, Some(range));
            }
        }
    }
    quotes(&mut draft);
    if matches!(p.route(), Route::NoWords | Route::Abbreviation) && p.source().contains(char::is_alphanumeric) {
        typography::spaces(&mut draft);
    }
    draft
}
