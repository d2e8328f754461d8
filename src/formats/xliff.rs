//! XLIFF 1.2 and 2: units without a translation get one, marked as a machine's. Inline elements go with their words; what is
//! translated, approved or not to be translated stays byte for byte, as does everything around it.

use std::collections::HashMap;
use std::ops::Range;

use super::Options;
use super::flow::Flow;
use super::html::decode;
use super::inner::{self, Markup};
use super::weave::{Frame, Syntax, Woven};
use super::xml::{self, Token};
use crate::document::Block;
use crate::error::{Error, Result};

/// Inline elements that hold text.
const HOLDERS: &[&str] = &["g", "pc", "mrk"];
/// Inline elements that open or close something, each with what it holds being code.
const OPENING: &[&str] = &["bpt", "bx", "sc", "sm"];
const CLOSING: &[&str] = &["ept", "ex", "ec", "em"];
/// The states of units that wait for a translation.
const WAITING: &[&str] = &["", "new", "needs-translation", "initial"];

/// Reads a file.
///
/// # Errors
/// When it is not well-formed or no XLIFF.
pub(crate) fn parse(source: String, options: &Options) -> Result<Woven> {
    let source = if options.language { say_english(&source)? } else { source };
    let mut reader = Reader { source: &source, open: Vec::new(), unit: Unit::default(), found: Vec::new() };
    let mut known = false;
    xml::read(&source, 0..source.len(), &[], &mut |token, place| {
        if let Token::Start(name) = token {
            known |= local(name) == "xliff";
            speaks(&source, local(name), &place)?;
        }
        reader.token(token, place)
    })?;
    let found = reader.found;
    if !known {
        return Err(Error::input("is not an XLIFF file"));
    }
    Woven::new(source, found)
}

/// Whether the languages that a tag names are French and English, where it names any.
fn speaks(source: &str, name: &str, tag: &Range<usize>) -> Result<()> {
    let keys = match name {
        "xliff" => [("srcLang", "fr"), ("trgLang", "en")],
        "file" => [("source-language", "fr"), ("target-language", "en")],
        _ => return Ok(()),
    };
    for (key, wanted) in keys {
        let said = xml::value(source, tag, key);
        let primary = said.split(['-', '_']).next().unwrap_or_default();
        if !said.is_empty() && !primary.eq_ignore_ascii_case(wanted) {
            return Err(Error::input(format!(
                "has {key}=\"{said}\", not \"{wanted}\": it is translated from French to English alone"
            )));
        }
    }
    Ok(())
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

type Found = (Block, super::weave::Shape);

struct Reader<'a> {
    source: &'a str,
    open: Vec<Element>,
    unit: Unit,
    found: Vec<Found>,
}

struct Element {
    name: String,
    tag: Range<usize>,
    translate: bool,
}

/// A `trans-unit` of XLIFF 1.2 or a `segment` of XLIFF 2, as far as it has been read.
#[derive(Default)]
struct Unit {
    source: Option<Text>,
    /// The source divided into sentences.
    divided: Option<Text>,
    target: Option<Text>,
}

/// An element with text: its tag, what is in it, and where it ends.
#[derive(Clone)]
struct Text {
    tag: Range<usize>,
    inner: Range<usize>,
    end: usize,
}

impl Reader<'_> {
    fn token(&mut self, token: Token<'_>, place: Range<usize>) -> Result<()> {
        match token {
            Token::Start(name) => {
                let said = xml::value(self.source, &place, "translate");
                let around = self.open.last().is_none_or(|outer| outer.translate);
                let translate = if said.is_empty() { around } else { said == "yes" };
                self.open.push(Element { name: local(name).to_owned(), tag: place, translate });
            }
            Token::Empty(name) if local(name) == "target" && self.in_unit() => {
                let inner = place.end..place.end;
                self.unit.target = Some(Text { tag: place.clone(), inner, end: place.end });
            }
            Token::End(_) => {
                let Some(element) = self.open.pop() else { return Ok(()) };
                let text = Text { inner: element.tag.end..place.start, tag: element.tag.clone(), end: place.end };
                match element.name.as_str() {
                    "source" if self.in_unit() => self.unit.source = Some(text),
                    "seg-source" if self.in_unit() => self.unit.divided = Some(text),
                    "target" if self.in_unit() => self.unit.target = Some(text),
                    "trans-unit" | "segment" => {
                        let unit = std::mem::take(&mut self.unit);
                        self.unit(&element, unit)?;
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn in_unit(&self) -> bool {
        self.open.last().is_some_and(|outer| matches!(outer.name.as_str(), "trans-unit" | "segment"))
    }

    /// A unit is over: if it waits for a translation, it is a block.
    fn unit(&mut self, element: &Element, unit: Unit) -> Result<()> {
        let source = self.source;
        let value = |tag: &Range<usize>, name: &str| xml::value(source, tag, name);
        let (Some(text), second) = (unit.source, element.name == "segment") else { return Ok(()) };
        let after = unit.divided.as_ref().map_or(text.end, |divided| divided.end);
        let content = unit.divided.as_ref().unwrap_or(&text).inner.clone();
        let section = section(source, &content);
        let state = if second { Some(&element.tag) } else { unit.target.as_ref().map(|target| &target.tag) };
        let state = state.map_or("", |tag| value(tag, "state"));
        let filled = unit.target.as_ref().is_some_and(|target| holds(source, target.inner.clone()));
        let waits = if filled { !state.is_empty() && WAITING.contains(&state) } else { state != "final" };
        let ordered = unit.target.as_ref().is_none_or(|target| target.tag.start >= after);
        if !element.translate || value(&element.tag, "approved") == "yes" || !waits || !ordered {
            return Ok(());
        }
        let place = unit.target.as_ref().map_or(after..after, |target| target.tag.start..target.end);
        let (mut open, mut close) = self.target_tags(&text, unit.target.as_ref(), second);
        let flow = match section.clone() {
            Some(inner) => {
                open.push_str("<![CDATA[");
                close.insert_str(0, "]]>");
                plain(source, inner)
            }
            None => self.flow(content.clone())?,
        };
        let content = section.unwrap_or(content);
        let blank = |c: char| c.is_whitespace();
        let words = &source[content.clone()];
        let lead = &words[..words.len() - words.trim_start_matches(blank).len()];
        let trail = &words[words.trim_end_matches(blank).len().max(lead.len())..];
        let (mut range, mut before) = (place.clone(), format!("{open}{lead}"));
        if second && !value(&element.tag, "state").is_empty() {
            // The state is the segment's own.
            let state = xml::attribute(source, &element.tag, "state").unwrap_or(place.start..place.start);
            range.start = element.tag.start;
            let (head, tail) = (&source[range.start..state.start], &source[state.end..place.start]);
            before = format!("{head}translated{tail}{before}");
        }
        let frame = Frame { content, before, after: format!("{trail}{close}") };
        self.found.extend(flow.elsewhere(range, frame));
        Ok(())
    }

    /// The tags of a translation: those that are there, with the state of a machine's, or new ones on a line like the
    /// source's.
    fn target_tags(&self, text: &Text, target: Option<&Text>, second: bool) -> (String, String) {
        const STATE: &str = "needs-review-translation";
        let source = self.source;
        let name = source[text.tag.start + 1..text.tag.end].split([' ', '>', '\t', '\n', '\r']).next();
        let name = name.unwrap_or_default().replace("source", "target");
        let close = format!("</{name}>");
        let Some(target) = target else {
            let before = &source[..text.tag.start];
            let space = &before[before.trim_end().len()..];
            let state =
                if second { String::new() } else { format!(" state=\"{STATE}\" state-qualifier=\"leveraged-mt\"") };
            return (format!("{space}<{name}{state}>"), close);
        };
        let tag = &source[target.tag.clone()];
        let open = match xml::attribute(source, &target.tag, "state").filter(|_| !second) {
            Some(state) => {
                format!("{}{STATE}{}", &source[target.tag.start..state.start], &source[state.end..target.tag.end])
            }
            None if second => tag.to_owned(),
            None => {
                let name = tag.trim_end_matches('>').trim_end_matches('/').trim_end();
                format!("{name} state=\"{STATE}\" state-qualifier=\"leveraged-mt\">")
            }
        };
        (open.trim_end_matches('>').trim_end_matches('/').trim_end().to_owned() + ">", close)
    }

    /// The words and inline elements of a source.
    fn flow(&self, content: Range<usize>) -> Result<Flow> {
        let source = self.source;
        let mut flow = Flow::new(Syntax::Xml);
        let mut holders: Vec<usize> = Vec::new();
        let mut pairs: HashMap<String, usize> = HashMap::new();
        // An element whose content is code or not to be translated: its name, depth, tag, and text.
        let mut code: Option<(String, usize, Range<usize>, String)> = None;
        let mut put = |flow: &mut Flow, name: &str, tag: &Range<usize>, range: Range<usize>| {
            let key = |names: &[&str]| {
                names.iter().map(|name| xml::value(source, tag, name)).find(|v| !v.is_empty()).map(str::to_owned)
            };
            if OPENING.contains(&name) {
                let id = flow.open(range);
                pairs.extend(key(&["rid", "id"]).map(|key| (key, id)));
            } else if CLOSING.contains(&name)
                && let Some(id) = key(&["rid", "startRef", "id"]).and_then(|key| pairs.remove(&key))
            {
                flow.close(id, range, None);
            } else {
                flow.stand(range);
            }
        };
        xml::read(source, content, &[], &mut |token, place| {
            if let Some((name, depth, ..)) = &mut code {
                match token {
                    Token::Start(inner) if local(inner) == name => *depth += 1,
                    Token::End(inner) if local(inner) == name => *depth -= 1,
                    Token::Text => {
                        if let Some((.., text)) = &mut code {
                            text.push_str(&decode(&source[place]));
                        }
                        return Ok(());
                    }
                    _ => {}
                }
                if let Some((name, _, tag, text)) = code.take_if(|(_, depth, ..)| *depth == 0) {
                    let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
                    if name == "mrk" && !text.is_empty() {
                        flow.verbatim(&text, tag, place);
                    } else {
                        put(&mut flow, &name, &tag, tag.start..place.end);
                    }
                }
                return Ok(());
            }
            match token {
                Token::Start(name) => {
                    let name = local(name);
                    let kept = xml::value(source, &place, "translate") == "no"
                        || xml::value(source, &place, "mtype") == "protected";
                    if HOLDERS.contains(&name) && !kept {
                        holders.push(flow.open(place));
                    } else {
                        code = Some((name.to_owned(), 1, place, String::new()));
                    }
                }
                Token::Empty(name) => put(&mut flow, local(name), &place, place.clone()),
                Token::End(_) => {
                    if let Some(id) = holders.pop() {
                        flow.close(id, place, None);
                    }
                }
                Token::Text => text(source, place, &mut flow),
                Token::Other => {}
            }
            Ok(())
        })?;
        Ok(flow)
    }
}

/// Whether a target has anything but empty places for sentences.
fn holds(source: &str, inner: Range<usize>) -> bool {
    let mut found = false;
    let read = xml::read(source, inner, &[], &mut |token, place| {
        found |= match token {
            Token::Start(name) | Token::Empty(name) => local(name) != "mrk",
            Token::Text | Token::Other => !source[place].trim().is_empty(),
            Token::End(_) => false,
        };
        Ok(())
    });
    found || read.is_err()
}

/// What stands in a section of character data, if a text is one.
fn section(source: &str, text: &Range<usize>) -> Option<Range<usize>> {
    let inner = source[text.clone()].trim().strip_prefix("<![CDATA[")?.strip_suffix("]]>")?;
    let start = inner.as_ptr() as usize - source.as_ptr() as usize;
    (!inner.contains("]]>")).then(|| start..start + inner.len())
}

/// Character data: text, or HTML.
fn plain(source: &str, range: Range<usize>) -> Flow {
    let markup = Markup::of(&source[range.clone()]) != Markup::None;
    let mut flow = Flow::new(if markup { Syntax::Html } else { Syntax::Bare });
    if !markup {
        flow.text_run(&source[range.clone()], range);
        return flow;
    }
    let found = source[range.clone()].match_indices('<').filter_map(|(at, _)| {
        let (name, length) = inner::tag(&source[range.start + at..range.end])?;
        Some((name, range.start + at..range.start + at + length))
    });
    tagged(source, range.clone(), found.collect(), &mut flow);
    flow
}

/// Text that may hold tags of HTML with entities for what XML reserves.
fn text(source: &str, range: Range<usize>, flow: &mut Flow) {
    let raw = &source[range.clone()];
    let found = raw.match_indices("&lt;").filter_map(|(at, _)| {
        let end = raw[at..].find("&gt;").map(|n| at + n + 4).or_else(|| raw[at..].find('>').map(|n| at + n + 1))?;
        let tag = decode(&raw[at..end]);
        let (name, _) = inner::tag(&tag).filter(|(_, length)| *length == tag.len())?;
        Some((name, range.start + at..range.start + end))
    });
    tagged(source, range.clone(), found.collect(), flow);
}

/// Text with these tags in it. What is closed in it goes with its words.
fn tagged(source: &str, range: Range<usize>, tags: Vec<(String, Range<usize>)>, flow: &mut Flow) {
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut at = range.start;
    let closing = |tag: &Range<usize>| decode(&source[tag.clone()]).starts_with("</");
    for (i, (name, tag)) in tags.iter().enumerate() {
        flow.escaped(source, at..tag.start, true);
        at = tag.end;
        // Words on both sides of a line's end are two.
        if inner::is_block(name) {
            flow.space(None);
        }
        let closes = |(other, tag): &(String, Range<usize>)| other == name && closing(tag);
        match open.iter().rposition(|(other, _)| other == name) {
            Some(depth) if closing(tag) => {
                flow.close(open[depth].1, tag.clone(), None);
                open.truncate(depth);
            }
            _ if !closing(tag) && tags[i + 1..].iter().any(closes) => open.push((name.clone(), flow.open(tag.clone()))),
            _ => flow.stand(tag.clone()),
        }
    }
    flow.escaped(source, at..range.end, true);
}

/// The source with English named as the language of the translations where none is.
fn say_english(source: &str) -> Result<String> {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut second = false;
    xml::read(source, 0..source.len(), &[], &mut |token, place| {
        let Token::Start(name) = token else { return Ok(()) };
        second |= local(name) == "xliff" && xml::value(source, &place, "version").starts_with('2');
        let key = match local(name) {
            "xliff" if second => "trgLang",
            "file" if !second => "target-language",
            _ => return Ok(()),
        };
        match xml::attribute(source, &place, key) {
            Some(range) if range.is_empty() => edits.push((range, "en".to_owned())),
            Some(_) => {}
            None => edits.push((place.end - 1..place.end - 1, format!(" {key}=\"en\""))),
        }
        Ok(())
    })?;
    Ok(xml::spliced(source, &edits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::laws::{hold, hostile, read, render, reversed, same, upper};
    use super::super::{Format, parse};
    use super::*;

    const OLD: &str = "<?xml version=\"1.0\"?>\n<xliff version=\"1.2\"><file source-language=\"fr\"><body>\n  <trans-unit id=\"1\">\n    <source>Cliquez sur <g id=\"1\">le lien</g><x id=\"2\"/> &amp; <bpt id=\"3\">&lt;b&gt;</bpt>lisez<ept id=\"3\">&lt;/b&gt;</ept>.</source>\n    <alt-trans><source>Non</source><target>No</target></alt-trans>\n  </trans-unit>\n  <trans-unit id=\"2\"><source>Fait</source><target state=\"final\">Done</target></trans-unit>\n  <trans-unit id=\"3\" translate=\"no\"><source>Laissez</source></trans-unit>\n  <trans-unit id=\"4\" approved=\"yes\"><source>Oui</source><target/></trans-unit>\n  <trans-unit id=\"5\"><source> Le chat </source><target state=\"needs-translation\"/></trans-unit>\n</body></file></xliff>\n";

    const NEW: &str = "<xliff version=\"2.0\" srcLang=\"fr\"><file id=\"f\"><unit id=\"1\"><segment state=\"initial\"><source>Un <pc id=\"1\">mot</pc> <ph id=\"2\"/>ici</source></segment><segment><source>Deux</source><target>Two</target></segment><segment state=\"final\"><source>Trois</source></segment></unit></file></xliff>";

    #[test]
    fn units_that_wait_get_a_target_and_its_state() {
        let parsed = read(Format::Xliff, OLD);
        let texts: Vec<_> = parsed.document().blocks().iter().map(|b| b.text.as_str()).collect();
        assert_eq!(texts, ["Cliquez sur le lien & lisez.", "Le chat"]);
        assert_eq!(render(&*parsed, same), OLD);
        let out = render(&*parsed, upper);
        assert!(out.contains("</source>\n    <target state=\"needs-review-translation\" state-qualifier=\"leveraged-mt\">CLIQUEZ SUR <g id=\"1\">LE LIEN</g><x id=\"2\"/> &amp; <bpt id=\"3\">&lt;b&gt;</bpt>LISEZ<ept id=\"3\">&lt;/b&gt;</ept>.</target>\n    <alt-trans>"), "{out}");
        assert!(out.contains("<target state=\"needs-review-translation\"> LE CHAT </target>"), "{out}");
        let out = render(&*parsed, reversed);
        assert!(out.contains("<bpt id=\"3\">&lt;b&gt;</bpt>lisez<ept id=\"3\">&lt;/b&gt;</ept>"), "{out}");
    }

    #[test]
    fn segments_of_the_second_version_are_translated_one_by_one() {
        let parsed = read(Format::Xliff, NEW);
        assert_eq!(parsed.document().blocks().len(), 1);
        let out = render(&*parsed, upper);
        assert!(out.contains("<segment state=\"translated\"><source>Un <pc id=\"1\">mot</pc> <ph id=\"2\"/>ici</source><target>UN <pc id=\"1\">MOT</pc> <ph id=\"2\"/>ICI</target></segment>"), "{out}");
        let options = Options { language: true, ..Options::default() };
        let parsed = super::parse(NEW.to_owned(), &options).expect("it is XLIFF");
        assert!(super::super::Parsed::render(&parsed, &[]).contains("srcLang=\"fr\" trgLang=\"en\">"));
    }

    fn unit(inner: &str) -> String {
        format!("<xliff><trans-unit>{inner}</trans-unit></xliff>")
    }

    #[test]
    fn targets_without_words_are_filled_and_get_a_state() {
        const STATE: &str = "state=\"needs-review-translation\" state-qualifier=\"leveraged-mt\"";
        let segmented = unit(
            "<source>Un mot</source><seg-source><mrk mid=\"0\">Un mot</mrk></seg-source><target><mrk mid=\"0\"/></target>",
        );
        let out = render(&*read(Format::Xliff, &segmented), upper);
        assert!(out.contains(&format!("<target {STATE}><mrk mid=\"0\">UN MOT</mrk></target>")), "{out}");
        let out = render(&*read(Format::Xliff, &unit("<source>Un mot</source><target/>")), upper);
        assert!(out.contains(&format!("<target {STATE}>UN MOT</target>")), "{out}");
    }

    #[test]
    fn character_data_stays_such() {
        for (source, english) in
            [("Un mot & <deux>", "UN MOT & <DEUX>"), ("<p>Un <b>mot</b> &amp; deux</p>", "<p>UN <b>MOT</b> & DEUX</p>")]
        {
            let source = unit(&format!("<source><![CDATA[{source}]]></source>"));
            let parsed = read(Format::Xliff, &source);
            hold(&*parsed, &source).expect("the laws");
            let out = render(&*parsed, upper);
            assert!(out.contains(&format!("leveraged-mt\"><![CDATA[{english}]]></target>")), "{out}");
        }
    }

    #[test]
    fn tags_written_with_entities_go_with_their_words() {
        let source = unit("<source>Prix&lt;br/&gt;total &lt;b&gt;net&lt;/b&gt; de &lt;nom&gt;</source>");
        let parsed = read(Format::Xliff, &source);
        assert_eq!(parsed.document().blocks()[0].text, "Prix total net de <nom>");
        hold(&*parsed, &source).expect("the laws");
        let out = render(&*parsed, upper);
        assert!(out.contains("PRIX &lt;br/&gt;TOTAL &lt;b&gt;NET&lt;/b&gt; DE &lt;NOM&gt;</target>"), "{out}");
    }

    #[test]
    fn other_languages_are_refused_by_name() {
        for (attribute, tag) in [("srcLang", "xliff"), ("trgLang", "xliff"), ("source-language", "file")] {
            let source = NEW.replace("srcLang=\"fr\"", "").replacen(
                &format!("<{tag}"),
                &format!("<{tag} {attribute}=\"de-AT\""),
                1,
            );
            let error = super::parse(source, &Options::default()).map(|_| ()).expect_err("German");
            assert!(error.to_string().contains(&format!("{attribute}=\"de-AT\"")), "{error}");
        }
    }

    #[test]
    fn what_is_no_xliff_is_refused() {
        for source in ["Bonjour", "<a/>", "<xliff><file>"] {
            assert!(super::parse(source.to_owned(), &Options::default()).is_err());
        }
        assert!(parse(Format::Xliff, "<xliff></xliff>").is_ok());
    }

    const PARTS: &[&str] = &[
        "<source>un mot</source>",
        "<source> deux <g>mots</g> </source>",
        "<target/>",
        "<target state=\"new\">x</target>",
        "<target>x</target>",
        "<source>a<x/>b <ph>c</ph> <mrk translate=\"no\">d e</mrk></source>",
        "<note>n</note>",
        "<source><![CDATA[un <b>mot</b> & <i>]]></source>",
        "<source>&lt;p&gt;un &lt;b&gt;mot&lt;/b></source>",
        "<target><mrk/></target>",
        "</trans-unit><trans-unit>",
        "<seg-source><mrk>un</mrk> <mrk>mot</mrk></seg-source>",
        "&amp;",
        "<g>",
        "</g>",
        "<source><bx id=\"1\"/>a<sc id=\"2\"/>b<ex id=\"1\"/>c<ec startRef=\"2\"/>d</source>",
    ];

    proptest! {
        #[test]
        fn laws(wild in hostile(PARTS), tame in proptest::collection::vec(proptest::sample::select(PARTS), 0..8)) {
            for body in [wild, tame.concat()] {
                for unit in ["trans-unit", "segment"] {
                    let source = format!("<xliff><{unit}>{body}</{unit}></xliff>").replace("trans-unit", unit);
                    if let Ok(parsed) = super::parse(source.clone(), &Options::default()) {
                        hold(&parsed, &source)?;
                        for engine in [upper, reversed] {
                            let out = render(&parsed, engine);
                            prop_assert!(super::parse(out.clone(), &Options::default()).is_ok(), "{}", out);
                        }
                    }
                }
            }
        }
    }
}
