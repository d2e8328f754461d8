//! Source and translation side by side, sentence by sentence, with scores: for those who check translations, and for
//! translation memories.

use super::xml::{escape, escape_value};

/// How the two stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bilingual {
    /// Source, translation, score; a line each.
    Tsv,
    /// Translation Memory eXchange 1.4.
    Tmx,
    /// A page with a table.
    Html,
}

/// A sentence and its translation.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    pub source: &'a str,
    pub target: &'a str,
    /// Mean log-probability of a target token; `None` where no model was asked.
    pub score: Option<f32>,
}

impl Bilingual {
    /// The extension of such files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Tsv => "tsv",
            Self::Tmx => "tmx",
            Self::Html => "html",
        }
    }

    /// The pairs of the document `name`, as a file.
    pub fn write<'a>(self, name: &str, pairs: impl Iterator<Item = Pair<'a>>) -> String {
        let score = |pair: &Pair<'_>| pair.score.map_or(String::new(), |score| format!("{score:.3}"));
        match self {
            Self::Tsv => {
                let mut out = "source\ttarget\tscore\n".to_owned();
                for pair in pairs {
                    out.push_str(&format!("{}\t{}\t{}\n", cell(pair.source), cell(pair.target), score(&pair)));
                }
                out
            }
            Self::Tmx => {
                let version = env!("CARGO_PKG_VERSION");
                let mut out = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tmx version=\"1.4\">\n<header creationtool=\"fr2en\" creationtoolversion=\"{version}\" segtype=\"sentence\" o-tmf=\"fr2en\" adminlang=\"en\" srclang=\"fr\" datatype=\"plaintext\"/>\n<body>\n"
                );
                for pair in pairs {
                    let score = match score(&pair) {
                        score if score.is_empty() => score,
                        score => format!("<prop type=\"x-score\">{score}</prop>"),
                    };
                    let (source, target) = (escape(pair.source), escape(pair.target));
                    out.push_str(&format!(
                        "<tu>{score}<tuv xml:lang=\"fr\"><seg>{source}</seg></tuv><tuv xml:lang=\"en\"><seg>{target}</seg></tuv></tu>\n"
                    ));
                }
                out + "</body>\n</tmx>\n"
            }
            Self::Html => {
                let mut out = format!(
                    "<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n<style>\ntable {{ border-collapse: collapse }}\ntd, th {{ border: 1px solid #ccc; padding: .3em .6em; text-align: left; vertical-align: top }}\n</style>\n</head>\n<body>\n<table>\n<tr><th lang=\"fr\">français</th><th lang=\"en\">English</th><th>score</th></tr>\n",
                    escape_value(name)
                );
                for pair in pairs {
                    let (source, target) = (escape(pair.source), escape(pair.target));
                    out.push_str(&format!(
                        "<tr><td lang=\"fr\">{source}</td><td lang=\"en\">{target}</td><td>{}</td></tr>\n",
                        score(&pair)
                    ));
                }
                out + "</table>\n</body>\n</html>\n"
            }
        }
    }
}

/// Text that is one cell of one line.
fn cell(text: &str) -> String {
    text.replace(|c: char| c == '\t' || super::lines::is_line_end(c), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_stand_side_by_side() {
        let pairs = [
            Pair { source: "Un <mot>\n& deux", target: "A <word>\n& two", score: Some(-0.25) },
            Pair { source: "12", target: "12", score: None },
        ];
        let tsv = Bilingual::Tsv.write("x", pairs.into_iter());
        assert_eq!(tsv, "source\ttarget\tscore\nUn <mot> & deux\tA <word> & two\t-0.250\n12\t12\t\n");
        let tmx = Bilingual::Tmx.write("x", pairs.into_iter());
        assert!(tmx.contains(
            "<tu><prop type=\"x-score\">-0.250</prop><tuv xml:lang=\"fr\"><seg>Un &lt;mot&gt;\n&amp; deux</seg>"
        ));
        let html = Bilingual::Html.write("<x>", pairs.into_iter());
        assert!(html.contains("<title>&lt;x&gt;</title>") && html.contains("<td>-0.250</td>"));
    }
}
