//! Runs: the stretches of text of one formatting that a paragraph of a DOCX is made of. Text stands in `<w:t>`, that in
//! `<w:r>`; what is written for a paragraph goes from one to the other only where its text does.

use std::collections::HashMap;
use std::ops::Range;

/// Where a byte of the source stands. The numbers are those of formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Between runs.
    Outside,
    /// In a run, not in its text.
    Run(usize),
    Text(usize),
}

/// The runs of a part.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// The prefix of the part's names: `w:`.
    prefix: String,
    /// Run properties as they are written.
    formats: Vec<String>,
    /// Their numbers, by what they come down to.
    known: HashMap<String, usize>,
    /// Where the state changes, and to what.
    changes: Vec<(usize, State)>,
    /// Where texts start whose outer spaces do not count.
    bare: Vec<usize>,
}

impl Runs {
    /// The first format is none at all.
    pub fn new() -> Self {
        let known = HashMap::from([(String::new(), 0)]);
        Self { formats: vec![String::new()], known, ..Self::default() }
    }

    /// The number of a format, as it stands. What only helps to check the spelling makes no difference.
    pub fn format(&mut self, properties: &str) -> usize {
        let mut key = properties.to_owned();
        for name in ["lang", "noProof"] {
            while let Some(start) = key.find(&format!("<{}{name}", self.prefix)) {
                let Some(length) = key[start..].find("/>") else { break };
                key.replace_range(start..start + length + 2, "");
            }
        }
        if key.ends_with("Pr></w:rPr>") || key.trim_end_matches(['/', '>']).ends_with("rPr") && !key.contains("><") {
            key.clear();
        }
        let next = self.formats.len();
        let number = *self.known.entry(key.clone()).or_insert(next);
        if number == next {
            self.formats.push(properties.to_owned());
        }
        number
    }

    /// The properties of a format as they are written.
    pub fn properties(&self, format: usize) -> &str {
        self.formats.get(format).map_or("", String::as_str)
    }

    /// Tells the prefix of names, from any name as it stands: `w:r`.
    pub fn name(&mut self, tag: &str) {
        if self.prefix.is_empty()
            && let Some((prefix, _)) = tag.split_once(':')
        {
            self.prefix = format!("{prefix}:");
        }
    }

    /// From byte `at` on, the state is `state`.
    pub fn change(&mut self, at: usize, state: State) {
        self.changes.push((at, state));
    }

    /// A text starts at `at` whose outer spaces do not count.
    pub fn bare(&mut self, at: usize) {
        self.bare.push(at);
    }

    pub fn state(&self, at: usize) -> State {
        let next = self.changes.partition_point(|(from, _)| *from <= at);
        next.checked_sub(1).map_or(State::Outside, |i| self.changes[i].1)
    }

    fn is_bare(&self, at: usize) -> bool {
        let next = self.changes.partition_point(|(from, _)| *from <= at);
        next.checked_sub(1).is_some_and(|i| self.bare.binary_search(&self.changes[i].0).is_ok())
    }
}

/// Writes a paragraph's text and markup, runs and all.
pub(crate) struct Pen<'a> {
    runs: &'a Runs,
    out: String,
    state: State,
    /// The text that is open is the source's, and its outer spaces do not count.
    bare: bool,
    /// A space that the next text begins with.
    space: bool,
}

impl<'a> Pen<'a> {
    /// A pen that starts where byte `at` of the source stands.
    pub fn new(runs: &'a Runs, at: usize) -> Self {
        Self { runs, out: String::new(), state: runs.state(at), bare: runs.is_bare(at), space: false }
    }

    pub fn text(&mut self, text: &str, format: usize) {
        self.go(State::Text(format));
        self.out.push_str(text);
    }

    /// Source bytes, or what is written for the source bytes `place`.
    pub fn raw(&mut self, text: &str, place: &Range<usize>) {
        if !text.is_empty() {
            self.go(self.runs.state(place.start));
            self.out.push_str(text);
            self.state = self.runs.state(place.end);
        }
    }

    /// What was written, ended as byte `at` of the source stands.
    pub fn finish(mut self, at: usize) -> String {
        self.go(self.runs.state(at));
        self.out
    }

    fn go(&mut self, to: State) {
        if self.state == to {
            return;
        }
        let prefix = &self.runs.prefix;
        if let State::Text(format) = self.state {
            if self.bare && self.out.ends_with(' ') {
                self.out.pop();
                self.space = true;
            }
            self.bare = false;
            self.out.push_str(&format!("</{prefix}t>"));
            self.state = State::Run(format);
        }
        if self.state == to {
            return;
        }
        let wanted = match to {
            State::Outside => None,
            State::Run(format) | State::Text(format) => Some(format),
        };
        if let State::Run(format) = self.state
            && wanted != Some(format)
        {
            self.out.push_str(&format!("</{prefix}r>"));
            self.state = State::Outside;
        }
        if let (State::Outside, Some(format)) = (self.state, wanted) {
            self.out.push_str(&format!("<{prefix}r>{}", self.runs.formats[format]));
        }
        if matches!(to, State::Text(_)) {
            self.out.push_str(&format!("<{prefix}t xml:space=\"preserve\">"));
            if std::mem::take(&mut self.space) {
                self.out.push(' ');
            }
        }
        self.state = to;
    }
}
