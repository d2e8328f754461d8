use proptest::prelude::*;

use super::*;
use crate::document::QuoteRole::{self, Close, Continue, Open};

fn blocks(texts: &[&str]) -> Vec<Block> {
    texts.iter().map(|text| Block::plain(text, 0..text.len(), BlockKind::Paragraph)).collect()
}

/// The sentences of `text`, joined by bars.
fn cut(text: &str) -> String {
    sentences(text).into_iter().map(|range| &text[range]).collect::<Vec<_>>().join("|")
}

/// Every line is cut at its bars and nowhere else.
#[track_caller]
fn holds(cases: &str) {
    for line in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert_eq!(cut(&line.replace("| ", " ").replace('|', "")), line.replace("| ", "|"));
    }
}

/// Marks of each text: role, depth and sign.
fn marks(texts: &[&str]) -> Vec<String> {
    let show = |text: &str, reading: quotes::Reading| {
        let one = |mark: &QuoteMark| {
            let role = match mark.role {
                QuoteRole::Open => '+',
                QuoteRole::Close => '-',
                QuoteRole::Continue => '=',
            };
            format!("{role}{}{}", mark.depth, &text[mark.range.clone()])
        };
        reading.marks.iter().map(one).collect::<Vec<_>>().join(" ")
    };
    texts.iter().zip(quotes::read(&blocks(texts))).map(|(text, reading)| show(text, reading)).collect()
}

#[test]
fn titles_and_initials_lead_to_names() {
    holds(
        "M. Leroy et Mme. Petit sont là.| Me Roux aussi.
        Le col. Fabien, l'insp. Noir, l'adj. Petit et Melle. Roux, des Éts. Blanc.
        Yahoo! Inc. a vendu Yahoo!
        Mgr. Blanc a vu S. Exc. le nonce.
        H. G. Wells et J.-B. Poquelin écrivent.| Victor A. Marin lit.
        Le Dr. Noir est à St. Brieuc.
        Ch. Péguy et Th. Gautier.
        W. E. B. Du Bois est né en 1868.",
    );
}

#[test]
fn a_letter_may_tell_things_apart() {
    holds(
        "Prenez le bus B.| Il passe souvent.
        La vitamine D.| Le soleil en donne.
        Il fait 30 °C.| Paul a chaud.
        Charles X. régna peu ; Louis XV, longtemps.
        La vitamine D.| Vitamine B et hépatite C.| Hépatite aussi.
        Soient A, B et C.| Les droites se coupent.
        La fig. B montre le bât. C où il est, et la fig. A tout.",
    );
}

#[test]
fn abbreviations_before_numbers() {
    holds(
        "Voir art. 5, al. 2, et chap. IV.| Tout y est.
        Selon l'art. L. 121-1 du code, c'est clair.
        Le vol. 3 et le t. II manquent.| Cf. pp. 3 sqq.
        Né le 3 janv. 1950, mort en déc. 2001.
        Il aime l'art.| Elle préfère le sport.
        Le mar. 5, le mer. 6 et l'app. 12.| Voir cons. 3 et suiv. 4.
        Selon l'art. Dupont.
        Né en 12 ap. J.-C. à Rome.",
    );
}

#[test]
fn abbreviations_that_may_end_a_sentence() {
    holds(
        "Des pommes, des poires, etc.| Tout se vend.
        Des pommes, des poires, etc. se vendent.
        La société Bidule S.A. a fermé.| La banque Truc Inc.| Elle aussi.
        La ville tomba en 52 av. J.-C.| César vainquit.
        En 52 av. J.-C. César vainquit.
        Prix : 3 € T.T.C.| Livraison gratuite.
        Voir aussi ibid.| Le texte manque.
        L'O.N.U.| Elle siège à New York.
        Il dure 90 min.| On rit.
        N.B. Fermé lundi.",
    );
}

#[test]
fn numbers_times_and_addresses() {
    holds(
        "Il pèse 3.5 kg.| C'est peu.
        Cuire 20 min.| Servir avec 20 cl.| Remuer à 180° C.| Enfourner.
        La tension est de 230 V.| Le courant passe.
        À 8 h. 30, il part.| À 18 h. il rentre.
        Le train de 17h45.| Il est à l'heure.
        Version 2.0.1.| Voir www.site.fr/a.html.| Écrire à a.b@c.fr.| Merci.
        En 2010.| 42 ans plus tard.
        Tél. : 01.02.03.04.05.| Fax : néant.",
    );
}

#[test]
fn lists_in_a_line() {
    holds(
        "1. Le début.| 2. La fin.
        IV. Le contexte
        Deux points : 1. Le prix.| 2. La date.
        a) Le prix.| b) La date.",
    );
}

#[test]
fn strong_stops_and_ellipses() {
    holds(
        "Ah bon ?!| Oui.| Bien…| Partons.
        Il attend… puis s'en va.
        Quoi ? !| Rien.| Il rit. . . et part.
        … Et puis rien.
        Il vint.| […] Il vit.",
    );
}

#[test]
fn parentheses_inside_and_outside() {
    holds(
        "Il est là (enfin !) avec elle.
        Paul (né à Lyon. Mort à Nice) est oublié.
        (Il neige.)| Rentrons.
        Il est là (enfin !)| Elle aussi.
        Il est là.[3]| Elle aussi.",
    );
}

#[test]
fn quotations_and_what_follows_them() {
    holds(
        "« Viens ! » cria-t-elle.| « Non. »
        « Viens ! »| Œdipe partit.
        « Où ? » œuvra-t-il à savoir.
        « Je pars, dit-il.| Tu viens ? »| Elle rit.
        \"Je reste. \" dit-il encore.
        Il a dit : « Non. »| Puis rien.
        Le film « Où est-il ? » est sorti.
        Il a lu « Où est-il ? ».| Elle aussi.
        « Qui va là ? – Moi. »
        «Vous partez?| — Oui.| — Quand?| — Demain.»
        Le ministre (qui était en retard. On s'en doutait.) a parlé.",
    );
    assert_eq!(cut("« Viens ! » Paul partit."), "« Viens ! »|Paul partit.");
}

#[test]
fn dialogue_dashes() {
    holds(
        "– Tu viens ?| – Non.
        — Ah ! fit-il — et il rit — bon.
        — Quelle idée ! s'écria-t-elle.| — La mienne.",
    );
}

#[test]
fn a_space_is_missing() {
    assert_eq!(cut("C'est fini.Il repart."), "C'est fini.|Il repart.");
    assert_eq!(cut("Tu viens?Oui.L'heure tourne."), "Tu viens?|Oui.|L'heure tourne.");
    assert_eq!(cut("Il sortit.--La nuit tombait."), "Il sortit.|--La nuit tombait.");
    assert_eq!(cut("C'est prouvé.12 Mais non."), "C'est prouvé.12|Mais non.");
    holds(
        "Node.js et ASP.Net, ou Exemple.Fr.
        Appelez System.out.Println() ici.
        http://site.fr/page.Html est là.",
    );
}

#[test]
fn texts_without_capitals() {
    holds(
        "salut.| ça va ?| moi oui.
        un iPhone ?| iPhone ou Android.",
    );
    assert_eq!(cut("Quel modèle ? iPhone 5."), "Quel modèle ?|iPhone 5.");
    assert_eq!(cut("une phrase. Une autre. puis non."), "une phrase.|Une autre. puis non.");
}

#[test]
fn nothing_but_signs() {
    holds("...\n?!\n« »\n—\n1.\n😀");
    assert_eq!(cut(""), "");
    assert_eq!(cut(" \u{a0}\n\t"), "");
    assert_eq!(cut("Bravo ! 😀 Encore."), "Bravo ! 😀|Encore.");
    assert_eq!(cut("Super 😀 On y va ! J'aime 😀 Paris."), "Super 😀|On y va !|J'aime 😀 Paris.");
}

#[test]
fn verbatim_ranges_keep_their_spaces() {
    let ranges = |text: &str, range| {
        let mut block = Block::plain(text, 0..text.len(), BlockKind::Paragraph);
        block.marks.push(crate::document::Mark { range, id: 0, verbatim: true });
        split(&[block]).into_iter().map(|segment| segment.range).collect::<Vec<_>>()
    };
    let text = "Voir a\u{202f}. Oui. ";
    let end = text.len();
    assert_eq!(ranges(text, 11..end), [0..10, 11..end]);
    assert_eq!(ranges(text, 0..1), [0..10, 11..end - 1]);
    assert_eq!(ranges(text, 0..end).first(), Some(&(0..end)));
    assert!(ranges("  ", 0..2).is_empty());
}

#[test]
fn verbatim_ranges_hold_no_stops() {
    let text = "Tapez `a. B` ici. Puis « là ».";
    let mut block = Block::plain(text, 0..text.len(), BlockKind::Paragraph);
    block.marks.push(crate::document::Mark { range: 6..12, id: 0, verbatim: true });
    let segments = split(&[block]);
    assert_eq!(segments.len(), 2);
    assert_eq!(segments[0].range, 0..17);
}

#[test]
fn nested_marks() {
    assert_eq!(marks(&["Il lit « l'essai « La fin » », puis dort."]), ["+0« +1« -1» -0»"]);
    assert_eq!(marks(&["« Le mot “eau”, dit-elle, je l'aime. »"]), ["+0« +1“ -1” -0»"]);
    assert_eq!(marks(&["\"On m'a dit : 'Courage !', et je tiens.\""]), ["+0\" +1' -1' -0\""]);
    assert_eq!(marks(&["\"Il a dit \"oui\" hier.\""]), ["+0\" +1\" -1\" -0\""]);
    assert_eq!(marks(&["„Hm.“ ‹ Ah ›"]), ["+0„ -0“ +0‹ -0›"]);
}

#[test]
fn apostrophes_are_no_marks() {
    assert_eq!(marks(&["L'un d'eux n'a qu'l'idée qu'aujourd'hui."]), [""]);
    assert_eq!(marks(&["L'« oasis » et l'\"eau\"."]), ["+0« -0» +0\" -0\""]);
    assert_eq!(marks(&["Rock 'n' roll, les années '80, l’été."]).join("").matches('0').count() % 2, 0);
}

#[test]
fn straight_marks_pair_by_what_stands_round_them() {
    assert_eq!(marks(&["Un \" mot \" et un autre \" mot \"."]), ["+0\" -0\" +0\" -0\""]);
    assert_eq!(marks(&["Un écran de 12\" et un \"mot\"."]), ["+0\" -0\""]);
    assert_eq!(marks(&["(\"oui\"), \"non\"!"]), ["+0\" -0\" +0\" -0\""]);
    assert_eq!(marks(&["''mot'' et l''eau"]), ["+0'' -0''"]);
    assert_eq!(marks(&["C'est fini. \" Puis rien."]), ["-0\""]);
}

#[test]
fn a_quotation_over_paragraphs_repeats_its_mark() {
    let texts = ["« Mes amis,", "« Le voyage fut long.", "« À demain. »", "Il signa « Paul »."];
    assert_eq!(marks(&texts), ["+0«", "=0«", "=0« -0»", "+0« -0»"]);
    assert_eq!(marks(&["« Un mot,", "» puis deux. »"]), ["+0«", "=0» -0»"]);
    let segments = split(&blocks(&texts));
    assert_eq!(segments.iter().map(|s| s.depth).collect::<Vec<_>>(), [0, 1, 1, 0]);
    assert_eq!(segments[2].quotes.iter().map(|m| m.role).collect::<Vec<_>>(), [Continue, Close]);
    assert_eq!(segments[3].quotes.iter().map(|m| m.role).collect::<Vec<_>>(), [Open, Close]);
}

#[test]
fn a_quotation_over_paragraphs_without_repeated_marks() {
    let texts = ["« Tu viens ?", "— Oui.", "— Alors « va ». »", "Fin."];
    assert_eq!(marks(&texts), ["+0«", "", "+1« -1» -0»", ""]);
    assert_eq!(split(&blocks(&texts)).iter().map(|s| s.depth).collect::<Vec<_>>(), [0, 1, 1, 0]);
}

#[test]
fn a_forgotten_mark_swallows_nothing() {
    let texts = ["« Le chat dort.", "Il dit « oui ».", "Fin."];
    assert_eq!(marks(&texts), ["+0«", "+0« -0»", ""]);
    assert_eq!(marks(&["Il dit oui ».", "« Bon. »"]), ["-0»", "+0« -0»"]);
    let mut titled = blocks(&["« Sans fin", "Titre", "Texte »."]);
    titled[1].kind = BlockKind::Heading;
    assert!(split(&titled).iter().all(|segment| segment.depth == 0));
    assert_eq!(marks(&["» Lire aussi"]), [""]);
}

#[test]
fn marks_go_with_their_sentence() {
    let text = "Elle dit : « Je pars demain. Ne m'attends pas. » Puis rien.";
    let segments = split(&blocks(&[text]));
    let shown: Vec<_> = segments.iter().map(|s| (&text[s.range.clone()], s.depth, s.quotes.len())).collect();
    assert_eq!(shown, [("Elle dit : « Je pars demain.", 0, 1), ("Ne m'attends pas. »", 1, 1), ("Puis rien.", 0, 0)]);
    let described: Vec<_> = describe(&blocks(&[text]), &segments).map(|d| d.end - d.start).collect();
    assert_eq!(described, segments.iter().map(|s| s.range.len()).collect::<Vec<_>>());
}

#[test]
fn deep_and_long_texts_take_little_time() {
    let n = 20_000;
    for unit in
        ["« ", " »", "\"", "'", "(", "a. B", ".", ". ", "? ! ", "“‘", "''", "1. ", "—", "[", "M. ", "A.", ".»", "« A"]
    {
        let text = unit.repeat(n);
        let start = std::time::Instant::now();
        let segments = split(&blocks(&[&text]));
        assert!(covered(&text, segments.iter().map(|s| s.range.clone())), "{unit}");
        assert!(start.elapsed().as_secs() < 5, "{unit}: {:?}", start.elapsed());
    }
}

/// Whether `ranges` are in order, trimmed, and cover every character that is not white space.
fn covered(text: &str, ranges: impl Iterator<Item = Range<usize>>) -> bool {
    let mut end = 0;
    for range in ranges {
        let (Some(gap), Some(inner)) = (text.get(end..range.start), text.get(range.clone())) else { return false };
        if !gap.trim().is_empty() || inner.is_empty() || inner.trim() != inner {
            return false;
        }
        end = range.end;
    }
    text[end..].trim().is_empty()
}

/// Texts of what is hard for the rules.
fn hostile() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "«",
        "»",
        "‹",
        "›",
        "“",
        "”",
        "„",
        "‘",
        "’",
        "'",
        "\"",
        "''",
        "``",
        "–",
        "—",
        "-",
        ".",
        "…",
        "...",
        "!",
        "?",
        ",",
        ":",
        ";",
        " ",
        "\u{a0}",
        "\u{202f}",
        "\n",
        "\r\n",
        "\t",
        "a",
        "é",
        "À",
        "Le",
        "il",
        "M.",
        "J.-C.",
        "etc.",
        "p.",
        "art.",
        "I",
        "IV",
        "12",
        "3,5",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "°",
        "%",
        "€",
        "😀",
        "👩\u{200d}🚀",
        "e\u{301}",
        "\u{301}",
        "\u{feff}",
        "\u{200b}",
        "漢",
        "。",
        "ß",
        "www.a.fr",
        "\u{2028}",
        "\0",
        "İ",
    ]);
    prop::collection::vec(bits, 0..60).prop_map(|bits| bits.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn segments_cover_the_text(texts in prop::collection::vec(prop_oneof![hostile(), any::<String>()], 0..6)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let blocks = blocks(&texts);
        let segments = split(&blocks);
        prop_assert!(segments.is_sorted_by_key(|s| s.block));
        for (i, text) in texts.iter().enumerate() {
            let own = || segments.iter().filter(|s| s.block == i);
            prop_assert!(covered(text, own().map(|s| s.range.clone())));
            // Every mark is in exactly one segment, inside it and in order.
            let read = quotes::read(&blocks)[i].marks.clone();
            let kept: Vec<QuoteMark> = own().flat_map(|s| s.quotes.clone()).collect();
            prop_assert_eq!(&read, &kept);
            for segment in own() {
                prop_assert!(segment.quotes.iter().all(|m| m.range.start >= segment.range.start && m.range.end <= segment.range.end));
            }
            prop_assert!(read.is_sorted_by_key(|m| m.range.start));
            prop_assert!(read.iter().all(|m| m.role != Close || m.depth <= read.len() + 1));
        }
    }

    #[test]
    fn a_block_that_stands_alone_is_read_alone(text in hostile(), before in hostile()) {
        let mut blocks = blocks(&[&before, &text]);
        blocks[1].kind = BlockKind::Cell;
        let alone = split(&blocks[1..]);
        let after: Vec<Segment> = split(&blocks).into_iter().filter(|s| s.block == 1).collect();
        prop_assert_eq!(alone.len(), after.len());
        for (a, b) in alone.iter().zip(&after) {
            prop_assert_eq!((&a.range, &a.quotes, a.depth), (&b.range, &b.quotes, b.depth));
        }
    }

    #[test]
    fn pieces_of_a_long_text_cover_it(text in prop_oneof![hostile(), any::<String>()], limit in 1usize..40) {
        let pieces = clause::split_long(&text, &|piece| piece.chars().count() <= limit);
        prop_assert!(covered(&text, pieces.iter().cloned()));
        // Only a letter with its accents may be too long.
        use unicode_segmentation::UnicodeSegmentation;
        for piece in pieces {
            let piece = &text[piece];
            prop_assert!(piece.chars().count() <= limit || piece.graphemes(true).count() == 1, "{piece:?}");
        }
    }

    #[test]
    fn pieces_end_even_if_nothing_fits(text in hostile()) {
        prop_assert!(covered(&text, clause::split_long(&text, &|_| false).into_iter()));
    }
}

#[test]
fn long_sentences_are_cut_at_clauses() {
    let text = "Le maire parle, mais le conseil, qui écoute, ne dit rien ; la salle attend.";
    let pieces = clause::split_long(text, &|piece| piece.split_whitespace().count() <= 9);
    let shown: Vec<&str> = pieces.into_iter().map(|range| &text[range]).collect();
    assert_eq!(shown, ["Le maire parle, mais le conseil,", "qui écoute, ne dit rien ; la salle attend."]);
}

#[test]
fn pieces_are_balanced_and_few_calls_are_made() {
    use std::cell::Cell;
    for text in ["mot ".repeat(200_000), "a".repeat(500_000), "é".repeat(200_000), "un, deux et trois; ".repeat(20_000)]
    {
        let (calls, bytes) = (Cell::new(0), Cell::new(0));
        let fits = |piece: &str| {
            calls.set(calls.get() + 1);
            bytes.set(bytes.get() + piece.len());
            piece.chars().count() <= 1000
        };
        let pieces = clause::split_long(&text, &fits);
        assert!(covered(&text, pieces.iter().cloned()));
        let shortest = pieces.iter().map(ExactSizeIterator::len).min().unwrap_or(0);
        let longest = pieces.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        assert!(longest <= 2 * shortest, "{shortest}..{longest}");
        assert!(calls.get() < 20 * pieces.len(), "{} calls for {} pieces", calls.get(), pieces.len());
        assert!(bytes.get() < 30 * text.len());
    }
}
