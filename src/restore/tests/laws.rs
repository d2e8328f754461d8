//! What must hold for any text and any reply.

use super::*;
use crate::document::{QuoteMark, QuoteRole};
use crate::protect::SpanKind;

const HOSTILE: [&str; 40] = [
    "",
    " ",
    "Le\u{a0}chat\u{202f}dort\u{2009}ici\u{200b}!\u{3000}Oui\u{ad}.",
    "L'e\u{301}te\u{301} a\u{300} Orle\u{301}ans",
    "« Le chat », dit-il « oui ».",
    "LE MINISTRE A ANNONCÉ",
    "— Tu sors ?",
    "Une famille 👨‍👩‍👧‍👦 arrive 🏳️‍🌈 !",
    "Il dit שלום עולם et مرحبا بالعالم.",
    "\u{202e}Texte inversé\u{202c} fin.",
    "Zalgo: l̷̢͝e̵ c̶h̸a̷t̵.",
    "Le signe \u{1D11E} et \u{e000}\u{e001}\u{f8ff}\u{f0000} \u{2063}\u{2060} reste.",
    "Le chat __PH0__ dort.",
    "Le chat ⟦0⟧ dort ⟦1⟧.",
    "Le chat {0} dort %s %1$d.",
    "Le chat [[Q1]] dort [Q1].",
    "Le chat \u{2}\u{3} dort.",
    "Le chat @@@0@@@ dort.",
    "\u{2997} q0 \u{2998} \u{fff9} \u{fffa} \u{fffb}",
    "Le chat ##NUM1## XQXQ0 dort.",
    "Le▁chat▁dort ▁ sur ▁▁ le tapis.",
    "Le chat </s> dort <s> ici <unk> ou <pad> là.",
    ">>eng<< Bonjour <mask> le monde. <0x0A> <eos> [CLS] <|endoftext|>",
    "Le chat\u{1} dort\u{7} \u{1b}[31men rouge\u{1b}[0m \u{7f}.",
    "L'oﬃce ﬁnancier coûte １２３ ｅｕｒｏｓ. Œuvre, cœur, Ǆ.",
    "1 234,56 € et 3,5 % à 20 °C, n° 5, 15 h 30",
    "<p class=x>Le <b>chat</p> dort</b> &amp; rêve&nbsp;!",
    "\\section{Le chat} Soit $x^2 + y_1 = 3{,}5$ et \\emph{le chien}. % commentaire",
    "{\"titre\": \"Le chat dort\", \"n\": [1, 2.5, null]}",
    "« « « « Le chat » » »",
    "\"\"\"'''’’’“““",
    "İSTANBUL ŞEHRİ ẞ ǅ",
    "Voir https://a.fr, a.fr, b@a.fr et www.a.fr/a.fr.",
    "é\u{301}\u{301}\u{301}°€$£¥%",
    "n°€5°C%h15 h 30 h",
    "\u{301}a",
    "- - - — — –",
    "1) 2) 3. a) Le chat",
    "🇫🇷🇫🇷 1️⃣ #️⃣ ©️",
    "%%%s{{}}``$a$#é@é",
];

fn marks(text: &str) -> Vec<QuoteMark> {
    let role = |c| match c {
        '«' | '“' => Some(QuoteRole::Open),
        '»' | '”' => Some(QuoteRole::Close),
        _ => None,
    };
    let found = text.char_indices().filter_map(|(i, c)| role(c).map(|role| (i..i + c.len_utf8(), role)));
    found.map(|(range, role)| QuoteMark { range, role, depth: 0 }).collect()
}

/// Everything that must hold for a text, whatever a model makes of it.
fn hold(source: &str, replies: &[&str], options: &ProtectOptions, engine: &dyn Engine) {
    let quotes = marks(source);
    let p = prepare(source, &quotes, &[], engine, options);
    assert_eq!(p.source(), source);
    let mut last = 0;
    for (i, _) in p.text().char_indices() {
        let r = p.to_segment(i..p.text().len());
        assert!(source.get(r.clone()).is_some() && r.start >= last, "{source:?}: {r:?}");
        last = r.start;
    }
    let echo =
        engine.translate(&[p.text().to_owned()], &Options::default(), &()).remove(0).expect("never fails").remove(0);
    let draft = restore(&p, Some(&echo), &Style::verbatim(), &mut |_| {});
    assert_eq!(draft.text(), source, "identity");
    if p.route() != Route::Model {
        let _ = restore(&p, None, &Style::default(), &mut |_| {});
        return;
    }
    let mut all = vec![echo];
    all.extend(replies.iter().map(|r| unaligned(r)));
    // A reply with an alignment that leads anywhere.
    all.extend(replies.iter().map(|r| {
        let n = p.text().split(' ').count();
        let pairs: Vec<usize> = (0..r.split(' ').count()).map(|i| (i * 7) % n).collect();
        hypothesis(p.text(), r, &pairs)
    }));
    for h in all {
        let _ = crate::check::judge(&p, &h);
        let draft = restore(&p, Some(&h), &Style::default(), &mut |_| {});
        for link in draft.links() {
            assert!(draft.text().get(link.target).is_some());
        }
        let mut bare = Draft::new(&h, |r| p.to_segment(r));
        placeholders::put_back(&mut bare, &p);
        for span in p.spans().iter().filter(|span| !span.kind.is_name()) {
            let count = |t: &str| t.matches(span.write.as_str()).count();
            assert!(
                count(bare.text()) >= 1 && count(draft.text()) >= 1,
                "{source:?}: {:?} lost in {:?}",
                span.write,
                draft.text()
            );
            let first: String = span.write.chars().take(1).collect();
            if matches!(span.kind, SpanKind::Emoji | SpanKind::Sign) {
                // Runs of signs may come to stand side by side; none is lost and none is new.
                let count = |t: &str| t.matches(&first).count();
                assert!(count(bare.text()) >= 1, "{source:?} {first:?} in {:?}", bare.text());
            } else if span.write.chars().any(|c| !c.is_alphabetic()) && span.write.len() > 1 {
                let protected: usize = p.spans().iter().map(|s| count(&s.write)).sum();
                let (least, most) = (protected, if protected < count(source) { usize::MAX } else { protected });
                let n = count(bare.text());
                assert!(least <= n && n <= most, "{source:?} {:?} {n} times in {:?}", span.write, bare.text());
            }
        }
    }
}

#[test]
fn hostile_text_keeps_the_laws() {
    let stand_ins = ProtectOptions { stand_ins: vec!["XQ".into(), "ZX".into()], ..ProtectOptions::default() };
    let replies =
        ["", " ", "Hello.", "XQ XQ ZX!", "the the the the", "\"“”’'.,", "é€ 12,34 %", "a.fr a.fr https://a.fr"];
    for source in HOSTILE {
        for options in [&bare(), &stand_ins] {
            hold(source, &replies, options, &Identity);
            hold(source, &replies, options, &Narrow);
        }
    }
}

#[test]
fn a_very_long_segment_takes_no_time_to_speak_of() {
    let start = std::time::Instant::now();
    for source in [
        "é".repeat(100_000),
        "un deux 3 € à 4 % ".repeat(400),
        "Ah ".to_owned() + &"!".repeat(5000),
        "«".repeat(5000),
        "bla ".repeat(3000),
    ] {
        let p = prepare(&source, &marks(&source), &[], &Narrow, &ProtectOptions::default());
        let h = Narrow
            .translate(&[p.text().to_owned()], &Options { alignment: false, ..Options::default() }, &())
            .remove(0);
        let h = Hypothesis { alignment: None, ..h.expect("never fails").remove(0) };
        let _ = crate::check::judge(&p, &h);
        let _ = restore(&p, Some(&h), &Style::default(), &mut |_| {});
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn many_times_of_day_are_found_in_no_time() {
    let start = std::time::Instant::now();
    let source = "le train de 15 h 30 part ".repeat(150);
    let p = prepare(&source, &[], &[], &Identity, &ProtectOptions::default());
    let target = "the 15:30 train leaves ".repeat(300);
    let h = hypothesis(p.text(), target.trim_end(), &vec![0; 1200]);
    let out = restore(&p, Some(&h), &Style::default(), &mut |_| {});
    assert_eq!(out.text().matches("15:30").count(), 300);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

mod random {
    use proptest::prelude::*;

    use super::*;

    /// Texts made of pieces that are known to make trouble together.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
            proptest::sample::select(vec![
                "le ",
                "Le ",
                "chat",
                "CHAT ",
                " ",
                "\u{a0}",
                "« ",
                " »",
                "\"",
                "'",
                "’",
                ".",
                ",",
                "...",
                "…",
                " ?",
                "!",
                "5",
                "1 234",
                "3,5 %",
                "12 €",
                "15 h 30",
                "n° ",
                "20 °C",
                "XXe",
                "https://a.fr/b",
                "a@b.fr",
                "#x",
                "@y",
                "🎉",
                "— ",
                "-",
                "XQ",
                "ZX",
                "foo_bar()",
                "%s",
                "{x}",
                "<b>",
                "é",
                "É",
                "Molière ",
                "(",
                ")",
                "\u{301}",
                "\u{200d}",
                "\u{e000}",
                "שלום",
                "東京"
            ])
            .prop_map(str::to_owned),
            "\\PC{0,6}",
        ];
        proptest::collection::vec(piece, 0..10).prop_map(|v| v.concat())
    }

    proptest! {
        #[test]
        fn any_text_and_any_reply(source in text(), reply in text(), shown in any::<bool>()) {
            let options = if shown { bare() } else { ProtectOptions::default() };
            hold(&source, &[&reply], &options, &Identity);
            hold(&source, &[&reply], &options, &Narrow);
        }
    }
}
