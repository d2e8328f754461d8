//! Names that a model may not get right: with letters that it cannot write, or so rare that it spells them piece by piece.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::capitals::is_acronym;
use super::numbers::overlaps_any;
use crate::engine::Engine;
use crate::text::runs;

/// A word with a capital first letter, and why the model may not get it right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Bytes of the segment.
    pub range: Range<usize>,
    /// It has a letter that the model cannot write.
    pub unwritable: bool,
    /// The model sees it in more pieces than one, in small letters too; it is no French word by its ending, and does not
    /// have its capital for beginning the sentence.
    pub rare: bool,
    /// It is an abbreviation that the model sees in more pieces than one, and English has none of its own for it.
    pub acronym: bool,
}

/// Endings by which French makes words that English translates even where they have a capital.
const ENDINGS: [&str; 29] = [
    "tion", "ment", "ité", "ien", "ienne", "ais", "aise", "ois", "oise", "ain", "aine", "eur", "euse", "aire", "oire",
    "if", "ive", "iste", "isme", "ique", "age", "ance", "ence", "ée", "al", "ale", "aux", "el", "esse",
];

/// Abbreviations for which English has others.
const TRANSLATED: [&str; 41] = [
    "ONU", "OTAN", "USA", "ADN", "ARN", "IRM", "TVA", "OMS", "OMC", "SIDA", "URSS", "PIB", "ONG", "OGM", "BCE", "OPEP",
    "FMI", "OCDE", "PME", "DOM", "PNB", "RNB", "RDC", "TNP", "RPDC", "PDG", "GRC", "TPS", "TVH", "SPG", "SMC", "PPTE",
    "RSA", "HCR", "MST", "UE", "EU", "IA", "RH", "BM", "PM",
];

/// Names that English writes in another way. What a model made of them is not undone, and where it garbled one, the English
/// name is put in its place.
const EXONYMS: &str = "Poutine Putin, Eltsine Yeltsin, Gorbatchev Gorbachev, Khrouchtchev Khrushchev, Staline Stalin, Lénine Lenin, \
    Trotski Trotsky, Zelensky Zelensky, Medvedev Medvedev, Loukachenko Lukashenko, Moscou Moscow, Londres London, Pékin Beijing, \
    Genève Geneva, Bruxelles Brussels, Anvers Antwerp, Gand Ghent, Bruges Bruges, Varsovie Warsaw, Vienne Vienna, Athènes Athens, \
    Rome Rome, Venise Venice, Florence Florence, Naples Naples, Milan Milan, Turin Turin, Gênes Genoa, Lisbonne Lisbon, \
    Copenhague Copenhagen, Bucarest Bucharest, Belgrade Belgrade, Prague Prague, Cracovie Krakow, Édimbourg Edinburgh, \
    Barcelone Barcelona, Séville Seville, Cordoue Cordoba, Grenade Granada, Cologne Cologne, Munich Munich, Hambourg Hamburg, \
    Francfort Frankfurt, Nuremberg Nuremberg, Strasbourg Strasbourg, Bâle Basel, Berne Bern, Zurich Zurich, Lucerne Lucerne, \
    Alexandrie Alexandria, Jérusalem Jerusalem, Bethléem Bethlehem, Damas Damascus, Beyrouth Beirut, Bagdad Baghdad, Téhéran Tehran, \
    Kaboul Kabul, Alger Algiers, Tunis Tunis, Tripoli Tripoli, Mogadiscio Mogadishu, Singapour Singapore, Mexico Mexico, \
    Havane Havana, Philadelphie Philadelphia, Californie California, Floride Florida, Louisiane Louisiana, Géorgie Georgia, \
    Virginie Virginia, Caroline Carolina, Pennsylvanie Pennsylvania, Bretagne Brittany, Normandie Normandy, Bourgogne Burgundy, \
    Corse Corsica, Sicile Sicily, Sardaigne Sardinia, Toscane Tuscany, Lombardie Lombardy, Catalogne Catalonia, Andalousie Andalusia, \
    Tchéquie Czechia, Tchèque Czech, Tchèques Czechs, Tchécoslovaquie Czechoslovakia, Zélande Zealand, Brésil Brazil, \
    Venezuela Venezuela, Tanzanie Tanzania, Tchétchénie Chechnya, Macédoine Macedonia, Roumanie Romania, Bavière Bavaria, Saxe Saxony, Prusse Prussia, Flandre Flanders, Wallonie Wallonia, Crimée Crimea, Sibérie Siberia, \
    Platon Plato, Aristote Aristotle, Socrate Socrates, Homère Homer, Virgile Virgil, Jules Julius, César Caesar, Auguste Augustus, \
    Charlemagne Charlemagne, Mahomet Muhammad, Confucius Confucius, Noël Christmas";

/// The English name for a French one; names of countries and their people are words that a model knows.
pub(crate) fn exonym(name: &str) -> Option<&'static str> {
    EXONYMS
        .split(',')
        .find_map(|pair| pair.trim().split_once(' ').filter(|(french, _)| *french == name))
        .map(|(_, e)| e)
}

/// Whether a word has one of these endings, in the singular or the plural.
fn is_derived(word: &str) -> bool {
    let one = word.strip_suffix('s').unwrap_or(word);
    ENDINGS.iter().any(|ending| word.ends_with(ending) || one.ends_with(ending))
}

/// The names of `text` outside `taken` (sorted ranges), in order.
pub(super) fn find(text: &str, taken: &[Range<usize>], engine: &dyn Engine) -> Vec<Name> {
    // A name may be joined by hyphens and hold an apostrophe only after its first letters (D'Aubigné is two words).
    let words = runs(text, |_, c, _| c.is_alphabetic() || is_combining_mark(c));
    let capital = |r: &Range<usize>| text[r.clone()].starts_with(char::is_uppercase);
    let mut out = Vec::new();
    for (i, range) in words.iter().enumerate() {
        let word = &text[range.clone()];
        if !capital(range) || overlaps_any(taken, range) {
            continue;
        }
        let unwritable = word.chars().any(|c| !c.is_ascii() && !engine.writes(c));
        let inside = i > 0 || words.get(1).is_some_and(capital);
        let written_out = word.chars().skip(1).all(char::is_lowercase) && word.chars().count() > 3;
        // The end mark is counted as well. A word that the model knows in small letters is none but for its capital.
        let in_pieces = |word: &str| engine.count_tokens(word) > 2;
        let rare = inside && written_out && !is_derived(word) && in_pieces(word) && in_pieces(&word.to_lowercase());
        let acronym = word.len() > 1
            && word.bytes().all(|b| b.is_ascii_uppercase())
            && is_acronym(word)
            && !TRANSLATED.contains(&word)
            && in_pieces(word);
        if unwritable || rare || acronym {
            out.push(Name { range: range.clone(), unwritable, rare, acronym });
        }
    }
    out
}
