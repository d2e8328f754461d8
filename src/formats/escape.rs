//! Text that must not turn into markup, and values between quotes.

/// The characters that a source writes as entities, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entities(Vec<(char, String)>);

impl Entities {
    pub fn of(source: &str) -> Self {
        let mut found: Vec<(char, String)> = Vec::new();
        for (start, _) in source.match_indices('&') {
            let inner = &source[start + 1..];
            let name = |c: char| c.is_ascii_alphanumeric() || c == '#';
            let n = inner.find(|c: char| !name(c)).unwrap_or(inner.len());
            let Some(entity) = inner[n..].starts_with(';').then(|| &source[start..start + 1 + n + 1]) else { continue };
            let text = super::html::decode(entity);
            let mut chars = text.chars();
            if let (Some(c), None) = (chars.next(), chars.next())
                && !c.is_ascii_whitespace()
                && !found.iter().any(|(known, _)| *known == c)
            {
                found.push((c, entity.to_owned()));
            }
        }
        Self(found)
    }

    fn get(&self, c: char) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == c).map(|(_, entity)| entity.as_str())
    }
}

/// HTML text: what would start a tag or an entity is written as an entity, and what the source writes so.
pub(crate) fn html(text: &str, entities: &Entities) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, c) in text.char_indices() {
        let rest = &text[i + c.len_utf8()..];
        match c {
            c if entities.get(c).is_some() => out.extend(entities.get(c)),
            '&' if entity(rest) => out.push_str("&amp;"),
            '<' if rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
                || rest.is_empty() =>
            {
                out.push_str("&lt;");
            }
            c => out.push(c),
        }
    }
    out
}

/// Whether an ampersand before `rest` would be read as an entity.
fn entity(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(|c: char| c == '#' || c.is_ascii_alphanumeric())
}

/// An attribute's value, for its quote (`None`: written without).
pub(crate) fn attribute(text: &str, quote: Option<char>, entities: &Entities) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    if quote.is_none() {
        out.push('"');
    }
    for (i, c) in text.char_indices() {
        match c {
            c if entities.get(c).is_some() => out.extend(entities.get(c)),
            '&' if entity(&text[i + 1..]) => out.push_str("&amp;"),
            '"' if quote != Some('\'') => out.push_str("&quot;"),
            '\'' if quote == Some('\'') => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    if quote.is_none() {
        out.push('"');
    }
    out
}

/// Where a stretch of Markdown text stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub before: Option<char>,
    pub after: Option<char>,
    /// At the start of its block.
    pub line_start: bool,
    /// In a table, where a bar ends a cell.
    pub cell: bool,
    /// The document defines references, which brackets may name.
    pub references: bool,
    /// Within emphasis or a link.
    pub linked: bool,
}

/// Markdown text: a backslash before what would be markup, and only there.
pub(crate) fn markdown(text: &str, place: Place) -> String {
    let mut out = String::with_capacity(text.len());
    if place.line_start && opens_line(text) {
        // `12.` is escaped before its stop, all else before its sign.
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        out.push_str(&text[..digits]);
        out.push('\\');
        inner(&text[digits..], Place { line_start: false, before: None, ..place }, &mut out, true);
        return out;
    }
    inner(text, place, &mut out, false);
    out
}

fn inner(text: &str, place: Place, out: &mut String, mut escaped: bool) {
    let many = |c: char| text.matches(c).nth(1).is_some();
    let (tildes, dollars) = (many('~'), many('$'));
    let links = text.rfind("](").max(text.rfind("]["));
    let semicolon = text.rfind(';');
    // A bracket without its other half may be the half of one around the text.
    let (last, mut depth) = (text.rfind(']'), 0usize);
    let mut previous = place.before;
    for (i, c) in text.char_indices() {
        let rest = &text[i + c.len_utf8()..];
        let next = rest.chars().next().or(place.after);
        let space = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let loose = space(previous) && space(next);
        let escape = match c {
            _ if std::mem::take(&mut escaped) => false,
            '\\' => rest.starts_with(|c: char| c.is_ascii_punctuation()) || rest.is_empty(),
            '*' => !loose,
            '_' => !(loose || letter(previous) && letter(next)),
            '`' => true,
            '~' => tildes || place.linked && !loose,
            '$' => dollars || place.linked,
            '|' => place.cell,
            '<' => rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')),
            '[' => {
                let link =
                    place.references || place.linked || rest.starts_with('^') || links > Some(i) || last < Some(i);
                depth += usize::from(!link);
                link
            }
            ']' => {
                let open = depth > 0;
                depth = depth.saturating_sub(1);
                !open
            }
            '!' => rest.starts_with('['),
            // Attributes of a heading; a backslash would not help.
            '{' if rest.ends_with('}') && place.after.is_none() && !rest.starts_with(['{', '%']) => {
                out.push_str("&#123;");
                previous = Some(c);
                continue;
            }
            '#' => rest.trim_start_matches('#').is_empty() && place.after.is_none() && space(previous),
            '&' => {
                if entity(rest) && (semicolon > Some(i) || rest.is_empty()) {
                    out.push_str("&amp;");
                    previous = Some(c);
                    continue;
                }
                false
            }
            _ => false,
        };
        if escape {
            out.push('\\');
        }
        out.push(c);
        previous = Some(c);
    }
}

/// Whether a line of a paragraph that starts so would end it, or be a list, a heading, a quotation, a rule, a table.
pub(crate) fn opens_line(line: &str) -> bool {
    let Some(first) = line.chars().next() else { return false };
    let after = |n: usize| line[n..].chars().next();
    let gap = |c: Option<char>| c.is_none_or(|c| c.is_ascii_whitespace());
    match first {
        '>' | '|' => true,
        '#' => gap(after(line.len() - line.trim_start_matches('#').len())),
        '-' | '+' | '*' => gap(after(1)) || line.split(' ').next().is_some_and(|word| word.chars().all(|c| c == first)),
        '_' | '=' => line.split(' ').next().is_some_and(|word| word.chars().all(|c| c == first)),
        '`' => line.starts_with("```"),
        '~' => line.starts_with("~~~"),
        ':' => gap(after(1)) || line.starts_with(":::"),
        '<' => true,
        '[' => line.starts_with("[^") || line.starts_with("[ ]") || line.starts_with("[x]") || line.contains("]:"),
        '{' => line.starts_with("{:") || line.starts_with("{%") || line.starts_with("{{"),
        '0'..='9' => {
            let n = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            n <= 9 && matches!(after(n), Some('.' | ')')) && gap(after(n + 1))
        }
        _ => false,
    }
}
