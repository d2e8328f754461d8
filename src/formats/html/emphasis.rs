//! Markdown within HTML: `**emphasis**`, `` `code` ``, `[links](address)`. Not all programs read it there; those that do are
//! the reason to write it.

use std::ops::Range;

/// Something between delimiters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marked {
    pub open: Range<usize>,
    pub close: Range<usize>,
    pub code: bool,
}

/// How far the end is looked for, in bytes.
const FAR: usize = 2000;

/// The outermost marks of a text, in order.
pub(super) fn marked(text: &str) -> Vec<Marked> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find(['*', '_', '`', '[']) {
        let start = at + found;
        let rest = &text[start..];
        let sign = &rest[..1];
        let n = rest.len() - rest.trim_start_matches(sign).len();
        let length = if sign == "[" { 1 } else { n };
        at = start + n;
        let inside = start + length;
        let body = &text[inside..];
        let near = (0..=FAR.min(body.len())).rev().find(|&n| body.is_char_boundary(n)).unwrap_or(0);
        let body = body[..near].split("\n\n").next().unwrap_or_default();
        let end = match sign {
            "[" => body.find("](").filter(|&n| n > 0 && !body[..n].contains(['[', ']'])).and_then(|n| {
                let address = &body[n + 2..];
                let close = address.find(')').filter(|&end| !address[..end].contains(char::is_whitespace))?;
                Some((n, "](".len() + close + 1))
            }),
            "`" => body.find(&rest[..length]).map(|n| (n, length)),
            _ if length > 3 || opens_nothing(&text[..start], body, sign) => None,
            _ => body
                .match_indices(&rest[..length])
                .map(|(n, _)| n)
                .find(|&n| closes(body, n, length, sign))
                .map(|n| (n, length)),
        };
        if let Some((n, length)) = end.filter(|&(n, _)| n > 0) {
            let close = inside + n..inside + n + length;
            at = close.end;
            out.push(Marked { open: start..inside, close, code: sign == "`" });
        }
    }
    out
}

fn opens_nothing(before: &str, body: &str, sign: &str) -> bool {
    body.starts_with(char::is_whitespace)
        || before.ends_with('\\')
        || sign == "_" && before.ends_with(char::is_alphanumeric)
}

/// Whether the delimiter at byte `at` ends what stands before it.
fn closes(body: &str, at: usize, length: usize, sign: &str) -> bool {
    let (before, behind) = (&body[..at], &body[at + length..]);
    let stuck = !before.ends_with(char::is_whitespace) && !before.ends_with(sign) && !before.ends_with('\\');
    stuck && !behind.starts_with(sign) && !(sign == "_" && behind.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_signs() {
        let shown = |text: &str| {
            let found = marked(text).into_iter().map(|m| text[m.open.end..m.close.start].to_owned());
            found.collect::<Vec<_>>().join("|")
        };
        assert_eq!(
            shown("un **deux** et *trois* _quatre_ `cinq * six` [sept](u)"),
            "deux|trois|quatre|cinq * six|sept"
        );
        assert_eq!(shown("***un*** **deux *trois* quatre**"), "un|deux *trois* quatre");
        assert_eq!(shown("2 * 3 * 4, a_b_c, [x], ** non **, *non"), "");
    }
}
