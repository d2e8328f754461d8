//! French verbs in all simple forms.
//!
//! `verbs.tsv` has a line for each verb: the infinitive, the present participle, the past participle (masculine, feminine, and the
//! plurals), then six forms each of the present, the imperfect, the future, the conditional, the simple past and the subjunctive.
//! What a verb lacks is empty.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How many forms a line has.
const FORMS: usize = 42;

/// One form of one verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    /// Which line of the table.
    verb: u16,
    /// Which form of the line.
    cell: u8,
}

struct Table {
    lines: Vec<Vec<&'static str>>,
    infinitives: HashMap<&'static str, u16>,
    forms: HashMap<&'static str, Vec<Form>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let lines: Vec<Vec<&str>> = include_str!("verbs.tsv").lines().map(|line| line.split('\t').collect()).collect();
    let (mut infinitives, mut forms) = (HashMap::new(), HashMap::<&str, Vec<Form>>::with_capacity(lines.len() * FORMS));
    for (verb, line) in (0..).zip(&lines) {
        infinitives.insert(line[0], verb);
        for (cell, form) in (0..).zip(line).filter(|(_, form)| !form.is_empty()) {
            forms.entry(form).or_default().push(Form { verb, cell });
        }
    }
    Table { lines, infinitives, forms }
});

/// What `word`, in small letters, may be a form of.
pub(crate) fn readings(word: &str) -> &'static [Form] {
    TABLE.forms.get(word).map_or(&[], Vec::as_slice)
}

/// Whether the table has this verb.
pub(crate) fn is_known(infinitive: &str) -> bool {
    TABLE.infinitives.contains_key(infinitive)
}

impl Form {
    pub(crate) fn infinitive(self) -> &'static str {
        TABLE.lines[usize::from(self.verb)][0]
    }

    /// The same form of another verb; `None` where that has none or is not known.
    pub(crate) fn of(self, infinitive: &str) -> Option<&'static str> {
        let verb = TABLE.infinitives.get(infinitive)?;
        Some(TABLE.lines[usize::from(*verb)][usize::from(self.cell)]).filter(|form| !form.is_empty())
    }

    pub(crate) fn is_past_participle(self) -> bool {
        (2..6).contains(&self.cell)
    }

    /// A past participle as it is where nothing bends it; any other form is itself.
    pub(crate) fn masculine(self) -> Self {
        if self.is_past_participle() { Self { cell: 2, ..self } } else { self }
    }

    /// Whether it may be a noun as well: "la mise", "les prises".
    pub(crate) fn is_feminine_participle(self) -> bool {
        matches!(self.cell, 3 | 5)
    }

    /// Whether it is a first or second person of the simple past: rare, and mostly another form as well.
    pub(crate) fn is_rare(self) -> bool {
        matches!(self.cell, 30 | 31 | 33 | 34)
    }

    /// A third person of the present, the imperfect or the simple past.
    pub(crate) fn is_third_person(self) -> bool {
        matches!(self.cell, 8 | 11 | 14 | 17 | 32 | 35)
    }

    pub(crate) fn is_simple_past(self) -> bool {
        (30..36).contains(&self.cell)
    }

    /// Whether it has a person.
    pub(crate) fn is_finite(self) -> bool {
        self.cell >= 6
    }

    /// Whether it is a finite form whose subject is plural.
    pub(crate) fn is_plural(self) -> bool {
        self.cell >= 6 && self.cell % 6 >= 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_all_forms() {
        for line in &TABLE.lines {
            assert_eq!(line.len(), FORMS, "{}", line[0]);
            assert!(!line[..3].iter().any(|form| form.is_empty()), "{}", line[0]);
        }
        assert!(TABLE.infinitives.len() == TABLE.lines.len(), "a verb stands there twice");
    }

    #[test]
    fn a_form_is_that_of_another_verb() {
        let other = |form: &str, of: &str, to: &str| {
            let form = readings(form).iter().find(|reading| reading.infinitive() == of)?;
            form.of(to)
        };
        assert_eq!(other("mettront", "mettre", "découvrir"), Some("découvriront"));
        assert_eq!(other("mises", "mettre", "détruire"), Some("détruites"));
        assert_eq!(other("prît", "prendre", "avoir"), None);
    }
}
