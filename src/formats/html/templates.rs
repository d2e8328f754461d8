//! The templates of other programs in a text: Jekyll's and Hugo's, Jinja's and Handlebars'.

use std::collections::HashMap;
use std::ops::Range;

/// `{{ … }}`, `{% … %}` on one line; with all that stands up to its end tag where that is no language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub range: Range<usize>,
    /// It starts or ends a part of the page: what stands before it and behind it are texts by themselves.
    pub bounds: bool,
}

/// What holds code, or something else that is no language, up to its end tag.
const RAW: &[&str] =
    &["code", "codeblock", "highlight", "katex", "latex", "math", "mathjax", "mermaid", "raw", "verbatim"];
/// Conditions and loops: bounds even where their ends are out of sight.
const BOUNDS: &[&str] = &["case", "elif", "else", "elseif", "elsif", "end", "for", "if", "range", "unless", "when"];

pub(crate) fn templates(text: &str) -> Vec<Template> {
    let tags = tags(text);
    let last: HashMap<String, usize> =
        tags.iter().enumerate().filter(|(_, (_, name))| closes(name)).map(|(i, (_, name))| (name.clone(), i)).collect();
    let mut out = Vec::new();
    let mut i = 0;
    while let Some((range, name)) = tags.get(i) {
        let liquid = text[range.start..].starts_with("{%");
        let closing = if liquid { format!("end{name}") } else { format!("/{name}") };
        let paired = last.get(&closing).is_some_and(|&last| last > i);
        let end = (paired && RAW.contains(&name.as_str()))
            .then(|| (i + 1..tags.len()).find(|&j| tags[j].1 == closing))
            .flatten();
        if let Some(end) = end {
            i = end;
        }
        let bounds = end.is_none() && (paired || closes(name) || BOUNDS.contains(&name.as_str()));
        out.push(Template { range: range.start..tags[i].0.end, bounds });
        i += 1;
    }
    out
}

/// Whether a tag of this name ends what another one starts.
fn closes(name: &str) -> bool {
    name.starts_with('/') || name.strip_prefix("end").is_some_and(|rest| !rest.is_empty())
}

/// The tags of a text and their names.
fn tags(text: &str) -> Vec<(Range<usize>, String)> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('{') {
        let start = at + found;
        let end = match text.as_bytes().get(start + 1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            _ => {
                at = start + 1;
                continue;
            }
        };
        let line = text[start..].split('\n').next().unwrap_or_default();
        match line.find(end) {
            Some(n) => {
                let inner = line[..n].trim_start_matches(['{', '%', '<', '#', '-', '~', ' ']);
                let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
                let length = inner.len() - inner.trim_start_matches('/').trim_start().trim_start_matches(name).len();
                let name = inner[..length].chars().filter(|&c| c != ' ').collect();
                out.push((start..start + n + 2, name));
                at = start + n + 2;
            }
            // Nothing closes on this line: the next line may have its own.
            None => at = start + line.len(),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(&str, bool)> {
        templates(text).into_iter().map(|t| (&text[t.range], t.bounds)).collect()
    }

    #[test]
    fn what_is_paired_bounds_texts() {
        let liquid = "{% if x %}oui{% else %}non{% endif %} {% include a.md %} {{ site.nom }}";
        let expected = [
            ("{% if x %}", true),
            ("{% else %}", true),
            ("{% endif %}", true),
            ("{% include a.md %}", false),
            ("{{ site.nom }}", false),
        ];
        assert_eq!(shown(liquid), expected);
        let hugo = "{{% note %}}oui{{% /note %}} {{< youtube x >}} {{< br";
        assert_eq!(shown(hugo), [("{{% note %}}", true), ("{{% /note %}}", true), ("{{< youtube x >}}", false)]);
    }

    #[test]
    fn code_goes_on_to_its_end() {
        let raw = "{% raw %}{{ x }}\n{% if %}{%- endraw -%}";
        assert_eq!(shown(raw), [(raw, false)]);
        let code = "{{< highlight sh >}}\nls {{ x }}\n{{< / highlight >}}";
        assert_eq!(shown(code), [(code, false)]);
        assert_eq!(shown("{% raw %} x"), [("{% raw %}", false)]);
    }
}
