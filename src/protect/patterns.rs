//! Finds what must reach the reader exactly as it stands: addresses, code, tags, handles, emoji, signs.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

/// What a protected span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanKind {
    /// The format said so: inline code, the address of a link.
    Verbatim,
    Url,
    Mail,
    /// A file name or a path.
    Path,
    /// An identifier, an option, a variable, a format string, a tag, a special token of some model.
    Code,
    Hashtag,
    Handle,
    /// A date in figures, a lap time, a telephone or account number, a version, a designation such as A320.
    Figure,
    /// Emoji, arrows, check marks and other pictures.
    Emoji,
    /// Private-use, control and other characters that no model has seen.
    Sign,
    /// Words in letters that the model cannot read.
    Foreign,
    /// A glossary term.
    Term,
    /// A [known name](super::known); a `bare` one has no article before it in English.
    Name {
        bare: bool,
    },
}

impl SpanKind {
    /// Whether it is made of words that the model reads, with a translation of their own.
    pub fn is_words(self) -> bool {
        self == Self::Term || self.is_name()
    }

    /// Whether it is a known name.
    pub fn is_name(self) -> bool {
        matches!(self, Self::Name { .. })
    }
}

macro_rules! patterns {
    ($($name:ident: $pattern:expr;)*) => {
        $(static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($pattern).expect("a valid pattern"));)*
    };
}

patterns! {
    URL: r#"(?i)(?:\b(?:https?|ftps?|file|ssh|git|mailto|tel):|\bwww\.)[^\s<>"«»“”\u{a0}\u{202f}]+"#;
    MAIL: r"[\w.+-]*[\w+-]@[\w-]+(?:\.[\w-]+)+";
    DOMAIN: r"\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:fr|com|org|net|eu|io|dev|ca|be|ch|uk|de|info|app)\b(?:/[\w./?=&%#~@+-]*[\w/])?";
    HASHTAG: r"#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*";
    HANDLE: r"@[A-Za-z0-9_][\w.]*\w|@[A-Za-z0-9_]";
    PATH: r"(?:[A-Za-z]:\\|\.{1,2}/|~/|/)[\w.@~-]+(?:[/\\][\w.@~-]+)*/?|\b[\w~-]+(?:[./\\][\w~-]+)*\.(?:txt|pdf|docx?|xlsx?|pptx?|odt|ods|csv|tsv|jsonl?|ya?ml|toml|xml|html?|css|jsx?|tsx?|py|rs|rb|go|java|cpp|php|sh|md|ini|cfg|conf|log|zip|tar|gz|tgz|exe|dll|png|jpe?g|gif|svg|mp[34]|avi|wav|epub|bak|lock|sql|db|tex)\b";
    TICKS: r"`[^`\n]+`";
    TAG: r#"</?[A-Za-z][^<>\n]{0,300}>|<!--[^<>]{0,300}-->|<!\[CDATA\[|<\?[^<>]{0,300}\?>|<\|[^<>|\s]{1,40}\|>|<0x[0-9A-Fa-f]{2}>|>>[A-Za-z_]{2,12}<<"#;
    BRACES: r"\{\{[^{}\n]*\}\}|\{%[^{}\n]*%\}|\$\{[^{}\s]*\}|\{[A-Za-z0-9_.:!]*\}|\[\[\w+\]\]|\[(?:CLS|SEP|MASK|PAD|UNK|[A-Z]{1,3}\d+)\]|⟦[^⟦⟧\n]{0,40}⟧|@@@[^@\s]{0,40}@@@|##\w+##";
    CODE: r"\b[A-Za-z_]\w*(?:(?:::|\.|->)[A-Za-z_]\w*)*\(\)|\b\w+(?:::\w+)+|--[A-Za-z][\w-]*(?:=[\w./-]+)?|\$[A-Za-z_]\w*|\\[A-Za-z]+|\b[A-Za-z0-9]*_\w*[A-Za-z0-9]\w*|\b[a-z]+[A-Z]\w*|&(?:[a-z]+|#\d+);";
    FLAG: r"-[A-Za-z]{1,2}";
    PERCENT: r"%(?:\d+\$)?[-+0#]*\d*(?:\.\d+)?[sdifuxXc@]";
    MATH: r"\$[^$\s][^$\n]*\$";
    PHONE: r"(?:\+\d{2}[ \u{a0}\u{202f}.]?(?:\(0\))?|\b0)[1-9](?:[ \u{a0}\u{202f}.-]?\d{2}){4}\b|\b0[ \u{a0}\u{202f}]?8\d{2}(?:[ \u{a0}\u{202f}.-]?\d{3}){2}\b";
    IBAN: r"\b[A-Z]{2}\d{2}(?:[ \u{a0}\u{202f}]?[A-Z0-9]{4}){3,7}(?:[ \u{a0}\u{202f}]?[A-Z0-9]{1,3})?\b";
    GROUPS: r"\b\d{1,6}(?:[ \u{a0}\u{202f}]\d{1,6}){3,}\b";
    REGISTERED: r"(?i)\b(?:siren|siret|rcs)\b[^\d\n]{0,25}(\d{3}[ \u{a0}\u{202f}]\d{3}[ \u{a0}\u{202f}]\d{3})\b";
    SCIENTIFIC: r"(?:\b\d+(?:,\d+)?[ \u{a0}\u{202f}]?[×x][ \u{a0}\u{202f}]?)?\b10[⁻⁺]?[⁰¹²³⁴-⁹]+";
    ION: r"\b[A-Z][A-Za-z]{0,2}[₀-₉]*[⁰¹²³⁴-⁹]*[⁺⁻]";
    ROOT: r"\d*√\d+(?:,\d+)?";
    DERIVED: r"\b(?:kg|mol|[gmsJNWVAKCl]|cm|km|Pa)[²³]?(?:[·⋅](?:kg|mol|[gmsJNWVAKCl]|cm|km|Pa)(?:[²³]|⁻[¹²³])?)+(?:/[a-zA-Z]{1,3}[²³]?)?";
    PLACE: r#"\b\d{1,3}(?:[.,]\d+)?[ \u{a0}\u{202f}]?°[ \u{a0}\u{202f}]?(?:\d{1,2}(?:[.,]\d+)?[ \u{a0}\u{202f}]?['′’][ \u{a0}\u{202f}]?(?:\d{1,2}(?:[.,]\d+)?[ \u{a0}\u{202f}]?(?:["″”]|''|’’|′′)[ \u{a0}\u{202f}]?)?)?[NSEOW]\b"#;
    RELATION: r"\b[a-zA-Z]{1,3}[ \u{a0}\u{202f}]?[<>≤≥][ \u{a0}\u{202f}]?\d+(?:,\d+)?\b";
    STATUTE: r"\b[LRDA]\.[ \u{a0}\u{202f}]?\d+(?:-\d+)+\b";
    CASE: r"\b[A-Z][ \u{a0}\u{202f}]\d{2}-\d{2}\.\d{3}\b";
    VAT: r"\bFR[ \u{a0}\u{202f}]?\d{2}(?:[ \u{a0}\u{202f}]?\d{3}){3}\b";
    SPECIES: r"\(([A-Z][a-z]+(?:us|um|a|is|es|ys|ix|ax) [a-z]+(?:us|um|a|is|ii|ae|ens|or))\b";
    HOUSE: r"\b\d{1,4} ?(?:bis|ter|quater)\b";
    DATE: r"\b\d{1,2}[/.-]\d{1,2}[/.-]\d{4}\b|\b\d{1,2}/\d{1,2}/\d{2}\b|\b\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?\b";
    LAP: r#"\b\d{1,3}(?:['’′]\d{2}(?:["”″]|''|’’|′′)\d{0,3}|["″]\d{1,3}\b)"#;
    VERSION: r"\bv?\d+(?:\.\d+){2,}(?:[-+][A-Za-z0-9.]*[A-Za-z0-9])?\b|\bv\d+(?:\.\d+)*\b";
    DESIGNATION: r"\b(?:[A-Za-z]+\d[A-Za-z0-9]*(?:-[A-Za-z0-9]+)*|[A-Z]{2,}-\d+|\d+[A-Z][A-Z0-9]*[a-z]?)\b";
}

/// The protected spans of `text` in order, never overlapping. `verbatim` are ranges the format declares.
pub fn find(text: &str, verbatim: &[Range<usize>]) -> Vec<(Range<usize>, SpanKind)> {
    let mut out = Claims::default();
    let mut declared: Vec<Range<usize>> = verbatim.to_vec();
    declared.sort_by_key(|r| (r.start, r.end));
    for r in declared {
        if r.start < r.end && text.get(r.clone()).is_some() {
            out.claim(r, SpanKind::Verbatim);
        }
    }
    // Cheap look before the patterns: most sentences hold nothing of the kind.
    let odd = |set: &[char]| text.contains(set);
    if odd(&['`']) {
        out.all(&TICKS, text, SpanKind::Code, |_, _| true);
    }
    if odd(&[':', '.']) {
        out.trimmed(&URL, text, SpanKind::Url);
    }
    if odd(&['@']) {
        out.all(&MAIL, text, SpanKind::Mail, |_, _| true);
    }
    if odd(&['<', '>']) {
        out.all(&TAG, text, SpanKind::Code, |_, _| true);
    }
    if odd(&['{', '[', '⟦', '@', '#']) {
        out.all(&BRACES, text, SpanKind::Code, |_, _| true);
    }
    if odd(&['$']) {
        out.all(&MATH, text, SpanKind::Code, |_, s| s.contains(['\\', '^', '_', '{', '=']));
    }
    if odd(&['.', '/', '\\']) {
        out.all(&PATH, text, SpanKind::Path, |before, s| {
            !(s.starts_with(['/', '.', '~'])
                && before.is_some_and(|c| !c.is_whitespace() && !"(\"'«“‘[:=,".contains(c)))
                && s.bytes().filter(u8::is_ascii_alphanumeric).count() > 1
        });
        out.all(&DOMAIN, text, SpanKind::Url, |before, _| !before.is_some_and(|c| c == '.' || c == '@'));
    }
    if odd(&['(', ':', '-', '$', '\\', '_', '&']) || text.bytes().zip(text.bytes().skip(1)).any(humps) {
        out.all(&CODE, text, SpanKind::Code, |before, s| {
            let hyphens = s.starts_with("--") && before.is_some_and(char::is_alphanumeric);
            let blank = s.bytes().all(|b| b == b'_');
            !hyphens && !blank
        });
        out.all(&FLAG, text, SpanKind::Code, |before, _| before.is_some_and(char::is_whitespace));
    }
    if odd(&['%']) {
        out.all(&PERCENT, text, SpanKind::Code, |before, s| {
            s.contains('$') || !before.is_some_and(|c| c.is_ascii_digit() || c.is_whitespace()) || s.len() == 2
        });
    }
    if odd(&['#']) {
        out.all(&HASHTAG, text, SpanKind::Hashtag, |before, _| {
            !before.is_some_and(|c| c.is_alphanumeric() || c == '&')
        });
    }
    if odd(&['@']) {
        out.all(&HANDLE, text, SpanKind::Handle, |before, _| !before.is_some_and(char::is_alphanumeric));
    }
    if text.bytes().any(|b| b.is_ascii_digit()) {
        out.all(&PHONE, text, SpanKind::Figure, |_, _| true);
        out.all(&IBAN, text, SpanKind::Figure, |_, _| true);
        out.all(&GROUPS, text, SpanKind::Figure, |_, s| is_identifier(s));
        for found in REGISTERED.captures_iter(text) {
            found.get(1).into_iter().for_each(|m| out.claim(m.range(), SpanKind::Figure));
        }
        // Each only where there is a sign of it: patterns take time to compile.
        if odd(&['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹']) {
            out.all(&SCIENTIFIC, text, SpanKind::Figure, |_, _| true);
        }
        if odd(&['√']) {
            out.all(&ROOT, text, SpanKind::Figure, |_, _| true);
        }
        if odd(&['°']) {
            out.all(&PLACE, text, SpanKind::Figure, |_, _| true);
        }
        if odd(&['<', '>', '≤', '≥']) {
            out.all(&RELATION, text, SpanKind::Figure, |_, _| true);
        }
        if odd(&['-']) && odd(&['.']) {
            out.all(&STATUTE, text, SpanKind::Figure, |_, _| true);
            out.all(&CASE, text, SpanKind::Figure, |_, _| true);
        }
        if text.contains("FR") {
            out.all(&VAT, text, SpanKind::Figure, |_, _| true);
        }
        out.all(&HOUSE, text, SpanKind::Figure, |_, _| true);
        out.all(&DATE, text, SpanKind::Figure, |_, _| true);
        out.all(&LAP, text, SpanKind::Figure, |_, _| true);
        out.all(&VERSION, text, SpanKind::Figure, |_, s| !thousands(s));
        out.all(&DESIGNATION, text, SpanKind::Figure, |_, s| !is_measure(s));
    }
    if odd(&['⁺', '⁻', '·', '⋅']) {
        out.all(&ION, text, SpanKind::Figure, |_, _| true);
        out.all(&DERIVED, text, SpanKind::Figure, |_, _| true);
    }
    if odd(&['(']) {
        for found in SPECIES.captures_iter(text) {
            found.get(1).into_iter().for_each(|m| out.claim(m.range(), SpanKind::Figure));
        }
    }
    pictures(text, &mut out);
    out.finish()
}

/// How English writes a protected span: as the source does, but for the comma and the west in figures.
pub fn english(span: &str, kind: SpanKind) -> String {
    let figure = kind == SpanKind::Figure && !span.is_ascii();
    let measured =
        figure && span.contains(['°', '×', '√', '⁻']) || kind == SpanKind::Figure && span.contains(['<', '>']);
    if !measured {
        return span.to_owned();
    }
    let span = match span.strip_suffix('O').filter(|_| span.contains('°')) {
        Some(east) => format!("{east}W"),
        None => span.to_owned(),
    };
    span.replace(',', ".")
}

/// Ranges in claim order; a later one that meets an earlier one is dropped.
#[derive(Default)]
struct Claims {
    taken: std::collections::BTreeMap<usize, (usize, SpanKind)>,
}

impl Claims {
    fn claim(&mut self, r: Range<usize>, kind: SpanKind) {
        let before = self.taken.range(..r.end).next_back();
        if r.start < r.end && before.is_none_or(|(_, &(end, _))| end <= r.start) {
            self.taken.insert(r.start, (r.end, kind));
        }
    }

    fn all(&mut self, re: &Regex, text: &str, kind: SpanKind, keep: impl Fn(Option<char>, &str) -> bool) {
        for m in re.find_iter(text) {
            let after = text[m.end()..].chars().next();
            // A match that stops inside a word is no match (the flag "-t" of "-t-il").
            let inside = matches!(kind, SpanKind::Code | SpanKind::Path)
                && m.as_str().ends_with(|c: char| c.is_alphanumeric())
                && after.is_some_and(|c| c.is_alphanumeric() || c == '-');
            // The full stop of the sentence is no part of a path.
            let s = if kind == SpanKind::Path { m.as_str().trim_end_matches('.') } else { m.as_str() };
            if !inside && keep(text[..m.start()].chars().next_back(), s) {
                self.claim(m.start()..m.start() + s.len(), kind);
            }
        }
    }

    /// As `all`, without the punctuation of the sentence at the end.
    fn trimmed(&mut self, re: &Regex, text: &str, kind: SpanKind) {
        for m in re.find_iter(text) {
            let mut s = m.as_str();
            loop {
                let cut = s.trim_end_matches(['.', ',', ';', ':', '!', '?', '…', '\'', '’', ']', '}']);
                let cut = match cut.strip_suffix(')') {
                    Some(inner) if cut.matches(')').count() > cut.matches('(').count() => inner,
                    _ => cut,
                };
                if cut.len() == s.len() {
                    break;
                }
                s = cut;
            }
            // "tel:" or "mailto:" with nothing after it is a word and a colon.
            if s.split_once([':', '.']).is_some_and(|(_, rest)| !rest.trim_matches('/').is_empty()) {
                self.claim(m.start()..m.start() + s.len(), kind);
            }
        }
    }

    fn finish(self) -> Vec<(Range<usize>, SpanKind)> {
        self.taken.into_iter().map(|(start, (end, kind))| (start..end, kind)).collect()
    }
}

/// A capital after a small letter: iPhone, macOS, camelCase.
fn humps((a, b): (u8, u8)) -> bool {
    a.is_ascii_lowercase() && b.is_ascii_uppercase()
}

/// 1.234.567: groups of three after the first.
fn thousands(s: &str) -> bool {
    let mut groups = s.split('.');
    groups.next().is_some_and(|g| g.len() <= 3 && g != "0" && g.bytes().all(|b| b.is_ascii_digit()))
        && groups.all(|g| g.len() == 3 && g.bytes().all(|b| b.is_ascii_digit()))
}

/// 1 85 12 75 108 123 45: groups of figures that are no thousands, nor a year and thousands.
fn is_identifier(s: &str) -> bool {
    let groups: Vec<&str> = s.split(super::numbers::is_space).collect();
    let is_year = |group: &str| group.len() == 4 && group.starts_with(['1', '2']);
    let counted = match groups.split_first() {
        Some((first, rest)) if is_year(first) => rest,
        _ => &groups,
    };
    let thousands = counted.iter().skip(1).all(|group| group.len() == 3);
    !thousands && !groups.iter().all(|group| is_year(group))
}

/// 15H30, 20H, 5M: a figure with a unit is no designation.
fn is_measure(s: &str) -> bool {
    let rest = s.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < s.len() && (rest.starts_with('H') || matches!(rest, "M" | "K" | "A" | "V" | "W" | "L" | "ER" | "E"))
}

/// Emoji sequences, pictures, and characters that are no text.
fn pictures(text: &str, out: &mut Claims) {
    if text.is_ascii() && !text.bytes().any(|b| b.is_ascii_control()) {
        return;
    }
    let mut run: Option<(Range<usize>, SpanKind)> = None;
    for (start, cluster) in text.grapheme_indices(true) {
        let end = start + cluster.len();
        let kind = picture(cluster);
        match (&mut run, kind) {
            (Some((range, k)), Some(kind)) if *k == kind && range.end == start => range.end = end,
            (_, kind) => {
                if let Some((range, k)) = run.take() {
                    out.claim(range, k);
                }
                run = kind.map(|k| (start..end, k));
            }
        }
    }
    if let Some((range, k)) = run {
        out.claim(range, k);
    }
}

/// What a grapheme cluster is, if it is no text.
fn picture(cluster: &str) -> Option<SpanKind> {
    let c = cluster.chars().next()?;
    let odd = matches!(c as u32, 0x2581 | 0xE000..=0xF8FF | 0xFFF9..=0xFFFD | 0xF_0000..=0x10_FFFF | 0xFDD0..=0xFDEF)
        || (c.is_control() && !c.is_whitespace());
    if odd || (is_combining_mark(c) && cluster.len() == c.len_utf8()) {
        return Some(SpanKind::Sign);
    }
    let emoji = matches!(c as u32, 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B00..=0x2BFF | 0x2190..=0x21FF | 0x2300..=0x23FF
        | 0x2500..=0x2580 | 0x2582..=0x25FF | 0x1D100..=0x1D1FF | 0x2022..=0x2023 | 0x2043)
        || cluster.contains('\u{20e3}')
        || (cluster.contains('\u{fe0f}') && !c.is_alphanumeric());
    emoji.then_some(SpanKind::Emoji)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(text: &str) -> Vec<&str> {
        find(text, &[]).into_iter().map(|(r, _)| &text[r]).collect()
    }

    #[test]
    fn what_must_not_change_is_found() {
        assert_eq!(spans("Voir https://a.fr/x_(y)?b=c, puis jean@b.fr."), ["https://a.fr/x_(y)?b=c", "jean@b.fr"]);
        assert_eq!(spans("(cf. www.exemple.fr/été)."), ["www.exemple.fr/été"]);
        assert_eq!(
            spans("Ouvrez main.rs ou ./notes/a.txt dans /etc/hosts."),
            ["main.rs", "./notes/a.txt", "/etc/hosts"]
        );
        assert_eq!(spans("Tapez ls -l --force puis $HOME et foo_bar()."), ["-l", "--force", "$HOME", "foo_bar()"]);
        assert_eq!(
            spans("Bonjour {name}, %s et <b>toi</b> </s> <unk>"),
            ["{name}", "%s", "<b>", "</b>", "</s>", "<unk>"]
        );
        assert_eq!(spans("#MeToo avec @jean"), ["#MeToo", "@jean"]);
        assert_eq!(
            spans("L'iPhone de l'A320 le 12/03/2024 au 01 23 45 67 89, v2.4.1"),
            ["iPhone", "A320", "12/03/2024", "01 23 45 67 89", "v2.4.1"]
        );
        assert_eq!(spans("Super 🎉👨‍👩‍👧 !"), ["🎉👨‍👩‍👧"]);
        assert_eq!(
            spans("IBAN FR76 3000 6000 0112 3456 7890 189, SIRET 123 456 789 00012, RCS Paris B 123 456 789."),
            ["FR76 3000 6000 0112 3456 7890 189", "123 456 789 00012", "123 456 789"]
        );
        assert_eq!(spans("Son numéro, 1 85 12 75 108 123 45, au 12 bis."), ["1 85 12 75 108 123 45", "12 bis"]);
        assert_eq!(spans("En 1'23\"456, 9\"58 ou 2'05''30 ; il a dit \"12\"."), ["1'23\"456", "9\"58", "2'05''30"]);
        assert_eq!(spans("▁\u{e000}\u{1}"), ["▁\u{e000}\u{1}"]);
    }

    #[test]
    fn french_prose_is_left_alone() {
        for text in [
            "Va-t-il venir ? Y a-t-elle pensé ?",
            "Il roule à 90 km/h et/ou 50 % des cas.",
            "Fin. Puis il dit : « Non. »",
            "1.234.567 habitants, 20h30, 5 M€ (et plus)",
            "C'est 100 % sûr, 5 % de moins",
            "tel : rien",
            "En 2019 1 250 000 personnes, 1 234 567 890 habitants, 2018 2019 2020 2021",
        ] {
            assert_eq!(spans(text), Vec::<&str>::new(), "{text}");
        }
    }
}
