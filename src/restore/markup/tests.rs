use super::*;
use crate::document::BlockKind;

fn block(text: &str, marks: &[(Range<usize>, bool)]) -> Block {
    let mut block = Block::plain(text, 0..text.len(), BlockKind::Paragraph);
    let mark = |(id, (range, verbatim)): (usize, &(Range<usize>, bool))| Mark {
        range: range.clone(),
        id,
        verbatim: *verbatim,
    };
    block.marks = marks.iter().enumerate().map(mark).collect();
    block
}

/// Links word by word: `pairs` of a target and a source word.
fn links(source: &str, target: &str, pairs: &[(&str, &str)]) -> Vec<Link> {
    let at = |t: &str, w: &str| {
        let i = t.find(w).expect("is there");
        i..i + w.len()
    };
    pairs.iter().map(|(t, s)| Link { target: at(target, t), source: at(source, s), weight: 0.9 }).collect()
}

fn marked(target: &Target) -> Vec<(usize, &str)> {
    target.marks.iter().map(|m| (m.id, &target.text[m.range.clone()])).collect()
}

#[test]
fn marks_follow_the_words() {
    let (s, t) = ("Le chat noir dort.", "The black cat sleeps.");
    let l = links(s, t, &[("The", "Le"), ("black", "noir"), ("cat", "chat"), ("sleeps", "dort")]);
    let b = block(s, &[(3..12, false), (8..12, false)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    assert_eq!(marked(&out), [(0, "black cat"), (1, "black")]);
    let b = block(s, &[(3..7, false), (8..12, false)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    assert_eq!(marked(&out), [(1, "black"), (0, "cat")]);
    let b = block(s, &[(0..s.len(), false)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    assert_eq!(marked(&out), [(0, t)]);
}

#[test]
fn code_and_pictures_keep_their_place() {
    let (s, t) = ("Tapez a puis b ici.", "Here, type a then b.");
    let l = links(s, t, &[("Here", "ici"), ("type", "Tapez"), ("then", "puis")]);
    let b = block(s, &[(6..7, true), (8..8, false), (13..14, true)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    let a = t.find(" a ").expect("is there") + 1;
    let get = |id: usize| out.marks.iter().find(|m| m.id == id).expect("not lost").range.clone();
    assert_eq!(get(0), a..a + 1);
    assert_eq!(&t[get(2)], "b");
    assert_eq!(get(1).start, t.find("then").expect("is there"));
}

#[test]
fn a_mark_without_words_does_not_cut_the_mark_round_code() {
    let (s, t) = ("Un clone, {% y %}{% y %} là.", "{% y %}{% y %} there.");
    let b = block(s, &[(3..8, false), (10..24, false), (10..17, true), (17..24, true)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &[])], t.to_owned());
    let get = |id: usize| out.marks.iter().find(|m| m.id == id).expect("not lost").range.clone();
    assert_eq!([get(1), get(2), get(3)], [0..14, 0..7, 7..14]);
}

#[test]
fn code_that_left_the_mark_round_it_is_still_code() {
    let (s, t) = ("Le a et b, puis c.", "First a, c and b.");
    let b = block(s, &[(3..9, false), (3..4, true), (8..9, true), (16..17, true)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &[])], t.to_owned());
    let get = |id: usize| &t[out.marks.iter().find(|m| m.id == id).expect("not lost").range.clone()];
    assert_eq!([get(1), get(2), get(3)], ["a", "b", "c"]);
}

#[test]
fn white_space_in_code_stays_in_the_mark_round_it() {
    let (s, t) = ("Tapez \u{2028}ls ici.", "Type \u{2028}ls here.");
    let l = links(s, t, &[("Type", "Tapez"), ("ls", "ls"), ("here", "ici")]);
    let b = block(s, &[(6..11, false), (6..11, true)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    assert_eq!(marked(&out), [(0, "\u{2028}ls"), (1, "\u{2028}ls")]);
}

#[test]
fn the_same_code_twice_is_marked_twice() {
    let (s, t) = ("Tapez ls puis ls.", "Type ls then ls.");
    let b = block(s, &[(6..8, true), (14..16, true)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &[])], t.to_owned());
    assert_eq!(marked(&out), [(0, "ls"), (1, "ls")]);
}

#[test]
fn a_number_is_marked_where_it_is_whatever_the_alignment_says() {
    let (s, t) = ("Voir [1] et [2] là.", "See [1] and [2] there.");
    let l = links(s, t, &[("1", "2"), ("2", "1")]);
    let b = block(s, &[(6..7, false), (13..14, false)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    assert_eq!(marked(&out), [(0, "1"), (1, "2")]);
}

#[test]
fn a_link_whose_words_were_dropped_keeps_a_word() {
    let (s, t) = ("Il a vu hier un film.", "He saw a film.");
    let l = links(s, t, &[("He", "Il"), ("saw", "vu"), ("film", "film")]);
    let b = block(s, &[(8..12, false)]);
    let out = place_marks(&b, &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    assert!(!out.marks[0].range.is_empty(), "{out:?}");
}

/// What becomes of the marks at `marked`, by the words that `pairs` ties together.
fn carried(source: &str, target: &str, at: &[&str], pairs: &[(&str, &str)]) -> Vec<String> {
    let l = links(source, target, pairs);
    let place = |word: &&str| {
        let start = source.find(word).expect("is there");
        (start..start + word.len(), false)
    };
    let marks: Vec<_> = at.iter().map(place).collect();
    let out = place_marks(&block(source, &marks), &[(0..source.len(), 0..target.len(), &l)], target.to_owned());
    let shown = |m: &Mark| {
        let (before, after) = (&target[..m.range.start], &target[m.range.end..]);
        let word = before.rsplit(' ').next().unwrap_or_default();
        format!("{word}<{}>{}", &target[m.range.clone()], after.split(' ').next().unwrap_or_default())
    };
    out.marks.iter().map(shown).collect()
}

#[test]
fn a_mark_on_a_part_of_a_word_stands_on_no_other() {
    let (s, t) = ("Le 3e m3 de CO2 en H2O", "The 3rd m3 of CO2 in H2O");
    let mut marks: Vec<(Range<usize>, bool)> = [4, 7, 14, 20].iter().map(|&i| (i..i + 1, false)).collect();
    let l = links(s, t, &[("The", "Le"), ("3rd", "3e"), ("m3", "m3"), ("of", "CO2"), ("CO2", "de"), ("in", "H2O")]);
    let out = place_marks(&block(s, &marks), &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    let places: Vec<_> = out.marks.iter().map(|m| m.range.clone()).collect();
    assert_eq!(places, [5..7, 9..10, 16..17, 22..23]);
    let (s, t) = ("Mme Roy, 10-8 ou 108", "Mrs. Roy, 10-8 or 108");
    marks = vec![(1..3, false), (11..13, false), (19..20, false)];
    let l = links(s, t, &[("Mrs", "Mme"), ("Roy", "Roy")]);
    let out = place_marks(&block(s, &marks), &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    let places: Vec<_> = out.marks.iter().map(|m| m.range.clone()).collect();
    assert_eq!(places, [3..3, 12..14, 20..21]);
}

#[test]
fn the_sentence_s_signs_stay_outside_of_marks() {
    for (source, target, mark, found) in [
        ("Prix (TVA comprise).", "Price (VAT included).", "(TVA comprise)", "<(VAT included)>."),
        ("Besoin d'aide ?.", "Need help?.", "Besoin d'aide ?", "<Need help?>."),
        ("« Oui », dit Luc.", "“Yes,” said Luc.", "« Oui »", "<“Yes,”>"),
        ("Le voisin dort.", "The neighbor's asleep.", "voisin", "<neighbor>'s"),
    ] {
        let pairs: &[(&str, &str)] = match mark {
            "(TVA comprise)" => &[("VAT", "TVA"), ("included).", "comprise")],
            "Besoin d'aide ?" => &[("Need", "Besoin"), ("help?.", "aide")],
            "« Oui »" => &[("“Yes,”", "« Oui »")],
            _ => &[("neighbor", "voisin"), ("asleep", "dort")],
        };
        assert_eq!(carried(source, target, &[mark], pairs), [found], "{source}");
    }
}

#[test]
fn a_sign_of_money_goes_with_its_number() {
    let (s, t) = ("Il vaut 30 € et non 1 250,50 €.", "It is worth €30 and not €1,250.50.");
    let pairs = [("€", "€ et"), ("30", "30"), ("€1,", "1 250"), ("250.50.", "50 €")];
    assert_eq!(carried(s, t, &["30 €", "1 250,50 €"], &pairs), ["<€30>", "<€1,250.50>."]);
}

#[test]
fn a_link_holds_the_noun_and_not_its_article() {
    let (s, t) = ("Le rapport de la commission", "The Commission's report");
    let pairs = [("The", "Le"), ("Commission", "commission"), ("'", "de"), ("s", "Le"), ("report", "rapport")];
    assert_eq!(carried(s, t, &["Le rapport"], &pairs), ["<report>"]);
}

#[test]
fn a_mark_without_words_is_on_no_conjunction() {
    let (s, t) = ("Cliquez ici, là ou là-bas.", "Click here or there.");
    let pairs = [("Click", "Cliquez"), ("here", "ici"), ("or", "ou"), ("there", "là-bas")];
    assert_eq!(carried(s, t, &["ici", "là", "là-bas"], &pairs), ["<here>", "<>or", "<there>."]);
}

#[test]
fn what_stands_behind_a_noun_and_its_adjective_stays_behind_both() {
    let (s, t) = ("Le chat « noir » dort.", "The “black” cat sleeps.");
    let l = links(s, t, &[("The", "Le"), ("black", "noir"), ("cat", "chat"), ("sleeps", "dort")]);
    let at = s.find(" dort").expect("is there");
    let out = place_marks(&block(s, &[(at..at, false)]), &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    assert_eq!(&t[..out.marks[0].range.start], "The “black”");
    let (s, t) = ("Le chat noir dort.", "The black cat sleeps.");
    let l = links(s, t, &[("The", "Le"), ("black", "noir"), ("cat", "chat"), ("sleeps", "dort")]);
    let out = place_marks(&block(s, &[(12..12, false)]), &[(0..s.len(), 0..t.len(), &l)], t.to_owned());
    assert_eq!(&t[..out.marks[0].range.start], "The black cat");
}

#[test]
fn no_mark_is_lost_where_nothing_is_known() {
    let b = block("Un deux trois", &[(0..2, false), (3..7, false), (8..13, false), (13..13, false)]);
    let out = place_marks(&b, &[(0..13, 0..3, &[])], "One".to_owned());
    assert_eq!(out.marks.len(), 4);
    let out = place_marks(&b, &[], String::new());
    assert_eq!(out.marks.len(), 4);
}

mod random {
    use proptest::prelude::*;

    use super::*;

    /// Marks that nest: stretches of a text of words, cut out of one another.
    fn marks(n: usize) -> impl Strategy<Value = Vec<(Range<usize>, bool)>> {
        let any = (0..=n, 0..=n, any::<bool>()).prop_map(|(a, b, v)| (a.min(b)..a.max(b), v));
        proptest::collection::vec(any, 0..8).prop_map(|all| {
            let mut kept: Vec<(Range<usize>, bool)> = Vec::new();
            for (r, v) in all {
                let crosses = |k: &Range<usize>| {
                    let apart = k.end <= r.start || r.end <= k.start;
                    let nested = (k.start <= r.start && r.end <= k.end) || (r.start <= k.start && k.end <= r.end);
                    !apart && !nested
                };
                if !kept.iter().any(|(k, _)| crosses(k)) {
                    kept.push((r, v));
                }
            }
            kept.sort_by_key(|(r, _)| (r.start, std::cmp::Reverse(r.end)));
            kept
        })
    }

    proptest! {
        #[test]
        fn marks_are_neither_lost_nor_crossed(
            marks in marks(24),
            links in proptest::collection::vec((0usize..24, 0usize..30, 0f32..1.0), 0..12),
            cut in 1usize..24,
        ) {
            let (s, t) = ("un deux trois quatre cinq", "five four, three two one (x)");
            let b = block(s, &marks);
            let links: Vec<Link> = links
                .into_iter()
                .map(|(a, x, weight)| Link { source: a..(a + 3).min(s.len()), target: x.min(t.len())..(x + 4).min(t.len()), weight })
                .collect();
            let whole: Placed<'_> = (0..s.len(), 0..t.len(), &links);
            let two: [Placed<'_>; 2] = [(0..cut, 0..cut, &links), (cut..s.len(), cut..t.len(), &[])];
            for segments in [&[whole][..], &two[..], &[]] {
                let out = place_marks(&b, segments, t.to_owned());
                prop_assert_eq!(&out.text, t);
                let mut ids: Vec<usize> = out.marks.iter().map(|m| m.id).collect();
                ids.sort_unstable();
                prop_assert_eq!(ids, (0..marks.len()).collect::<Vec<_>>());
                let code = marks.iter().any(|(_, verbatim)| *verbatim);
                for (i, a) in out.marks.iter().enumerate() {
                    prop_assert!(t.get(a.range.clone()).is_some_and(|part| code || part.trim() == part));
                    for c in &out.marks[i + 1..] {
                        let (a, c) = (&a.range, &c.range);
                        let apart = a.end <= c.start || c.end <= a.start;
                        let nested = (a.start <= c.start && c.end <= a.end) || (c.start <= a.start && a.end <= c.end);
                        prop_assert!(apart || nested, "{:?} {:?}", a, c);
                        prop_assert!(a.start <= c.start, "in order");
                    }
                }
            }
        }
    }
}
