use std::io::{Cursor, Read, Write};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::*;
use crate::formats::laws::{hold, hostile, render, reversed, same, upper};
use crate::formats::{Format, parse_with};

const W: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";

fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        let method = if *name == "mimetype" { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).expect("a name");
        zip.write_all(text.as_bytes()).expect("written");
    }
    zip.finish().expect("an archive").into_inner()
}

fn entry(bytes: &[u8], name: &str) -> String {
    let mut zip = ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut out = String::new();
    zip.by_name(name).expect("it is there").read_to_string(&mut out).expect("text");
    out
}

fn docx(body: &str) -> Vec<u8> {
    let types = "<Types><Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
    let document = format!("<?xml version=\"1.0\"?>\n<w:document {W}><w:body>{body}</w:body></w:document>");
    archive(&[("[Content_Types].xml", types), ("word/media/a.png", "image"), ("word/document.xml", &document)])
}

fn odt(body: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" xmlns:draw=\"urn:oasis:names:tc:opendocument:xmlns:drawing:1.0\">{body}</office:document-content>"
    );
    archive(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", &content)])
}

fn read(format: Format, bytes: &[u8]) -> Package {
    Package::parse(format, bytes.to_vec(), &Options::default()).expect("a document")
}

/// What an engine makes of the body of a Word document.
fn word_body(body: &str, engine: fn(&crate::document::Block) -> Target) -> String {
    let out = render(&read(Format::Docx, &docx(body)), engine);
    let start = out.find("<w:body>").expect("a body") + 8;
    out[start..out.find("</w:body>").expect("a body")].to_owned()
}

fn refusal(format: Format, bytes: Vec<u8>) -> String {
    Package::parse(format, bytes, &Options::default()).map(|_| ()).expect_err("refused").to_string()
}

#[test]
fn text_of_one_format_changes_and_no_byte_beside_it() {
    let body = "<w:p><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr><w:r w:rsidR=\"1\"><w:t>Le ch</w:t></w:r><w:proofErr w:type=\"spellEnd\"/><w:r><w:rPr><w:lang w:val=\"fr-FR\"/></w:rPr><w:t>at &amp; moi</w:t></w:r></w:p>";
    let package = read(Format::Docx, &docx(body));
    assert_eq!(package.document().blocks()[0].text, "Le chat & moi");
    assert_eq!(package.document().blocks()[0].kind, crate::document::BlockKind::Heading);
    let expected = body
        .replace(
            "Le ch</w:t></w:r><w:proofErr w:type=\"spellEnd\"/><w:r><w:rPr><w:lang w:val=\"fr-FR\"/></w:rPr><w:t>at",
            "LE CHAT",
        )
        .replace("moi", "MOI");
    assert_eq!(word_body(body, upper), expected);
}

#[test]
fn formats_and_links_go_with_their_words() {
    let body = "<w:p><w:r><w:t xml:space=\"preserve\">un mot </w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t>gras</w:t></w:r><w:r><w:t xml:space=\"preserve\"> et </w:t></w:r><w:hyperlink r:id=\"x\"><w:r><w:t>un lien</w:t></w:r></w:hyperlink><w:r><w:t>.</w:t></w:r></w:p>";
    let out = word_body(body, reversed);
    assert!(
        out.contains("<w:hyperlink r:id=\"x\"><w:r><w:t xml:space=\"preserve\">lien un</w:t></w:r></w:hyperlink>"),
        "{out}"
    );
    assert!(out.contains("<w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">gras</w:t></w:r>"), "{out}");
    for tag in ["w:r", "w:t"] {
        let opened = out.matches(&format!("<{tag}>")).count() + out.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, out.matches(&format!("</{tag}>")).count(), "{out}");
    }
}

#[test]
fn the_ends_of_a_stretch_stay_round_its_words() {
    let body = "<w:p><w:r><w:t xml:space=\"preserve\">un </w:t></w:r><w:commentRangeStart w:id=\"1\"/><w:r><w:t>chat noir</w:t></w:r><w:commentRangeEnd w:id=\"1\"/><w:r><w:t xml:space=\"preserve\"> dort</w:t></w:r></w:p>";
    let out = word_body(body, reversed);
    let stretch = "<w:commentRangeStart w:id=\"1\"/><w:r><w:t xml:space=\"preserve\">noir chat</w:t></w:r><w:commentRangeEnd w:id=\"1\"/>";
    assert!(out.contains(stretch), "{out}");
    let open = "<text:p>un <text:span>gros <text:bookmark-start text:name=\"a\"/>chat</text:span> noir<text:bookmark-end text:name=\"a\"/> dort</text:p>";
    let out = render(&read(Format::Odt, &odt(open)), reversed);
    // It is widened to what it would cross.
    let stretch = "<text:bookmark-start text:name=\"a\"/>noir <text:span>chat gros</text:span><text:bookmark-end text:name=\"a\"/>";
    assert!(out.contains(stretch), "{out}");
}

#[test]
fn a_raised_figure_behind_a_word_goes_with_it() {
    let raised = "<w:r><w:rPr><w:vertAlign w:val=\"superscript\"/></w:rPr><w:t>1</w:t></w:r>";
    let body = format!("<w:p><w:r><w:t>une étude</w:t></w:r>{raised}<w:r><w:t>, la</w:t></w:r></w:p>");
    assert_eq!(read(Format::Docx, &docx(&body)).document().blocks()[0].text, "une étude, la");
    let out = word_body(&body, upper);
    let written = raised.replace("<w:t>", "<w:t xml:space=\"preserve\">");
    assert!(out.contains(&written), "{out}");
}

#[test]
fn tabs_and_breaks_part_blocks_and_stay() {
    let body = "<w:p><w:r><w:t>Nom</w:t><w:tab/><w:t>Lieu</w:t><w:br w:type=\"page\"/><w:t>Le reste</w:t></w:r></w:p>";
    assert_eq!(read(Format::Docx, &docx(body)).document().blocks().len(), 3);
    assert_eq!(
        word_body(body, upper),
        body.replace("Nom", "NOM").replace("Lieu", "LIEU").replace("Le reste", "LE RESTE")
    );
}

#[test]
fn fields_and_deletions_pass_through() {
    let field = "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r><w:r><w:instrText> REF a \\h </w:instrText></w:r><w:r><w:fldChar w:fldCharType=\"separate\"/></w:r><w:r><w:t>le point</w:t></w:r><w:r><w:fldChar w:fldCharType=\"end\"/></w:r>";
    let deleted = "<w:del w:id=\"1\"><w:r><w:delText>vieux</w:delText></w:r></w:del>";
    let body = format!(
        "<w:p><w:r><w:t>voir </w:t></w:r>{field}<w:r><w:t> et</w:t></w:r>{deleted}<w:r><w:t> fin</w:t></w:r></w:p>"
    );
    let package = read(Format::Docx, &docx(&body));
    assert_eq!(package.document().blocks()[0].text, "voir le point et fin");
    let out = word_body(&body, upper);
    assert!(out.contains("le point") && out.contains(deleted) && out.contains("VOIR") && out.contains("FIN"), "{out}");
    let link = field.replace("REF a", "HYPERLINK \"http://a.fr\"");
    let out = word_body(&format!("<w:p>{link}<w:r><w:t> suit</w:t></w:r></w:p>"), upper);
    assert!(out.contains("LE POINT</w:t><w:fldChar w:fldCharType=\"end\"/><w:t"), "{out}");
}

#[test]
fn a_text_box_in_a_paragraph_moves_with_it_and_is_translated() {
    let frame =
        "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>dans le cadre</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>";
    let body = format!(
        "<w:p><w:r><w:t xml:space=\"preserve\">avant </w:t></w:r>{frame}<w:r><w:t xml:space=\"preserve\"> après</w:t></w:r></w:p>"
    );
    let out = word_body(&body, reversed);
    assert!(out.contains(&frame[5..frame.len() - 6].replace("dans le cadre", "cadre le dans")), "{out}");
    assert!(out.find("après") < out.find("cadre") && out.find("cadre") < out.find("avant"), "{out}");
    // Only what is within it changes.
    let inner =
        |block: &crate::document::Block| if block.text.starts_with("dans") { upper(block) } else { same(block) };
    assert_eq!(word_body(&body, inner), body.replace("dans le cadre", "DANS LE CADRE"));
}

#[test]
fn notes_of_an_open_document_are_within_their_paragraphs() {
    let body = "<text:p>Le mot<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>une <text:span>note</text:span></text:p></text:note-body></text:note> <text:span text:style-name=\"G\">gras<text:s text:c=\"3\"/>ici</text:span><office:annotation><text:p>non</text:p></office:annotation> <text:page-number>3</text:page-number></text:p>";
    let package = read(Format::Odt, &odt(body));
    let texts: Vec<_> = package.document().blocks().iter().map(|b| b.text.as_str()).collect();
    assert_eq!(texts, ["Le mot gras ici 3", "une note"]);
    let out = render(&package, reversed);
    assert!(
        out.contains(
            "<text:note-citation>1</text:note-citation><text:note-body><text:p><text:span>note</text:span> une</text:p>"
        ),
        "{out}"
    );
    assert!(out.contains("ici gras</text:span>"), "{out}");
    assert!(out.contains("<office:annotation><text:p>non</text:p></office:annotation>"), "{out}");
}

#[test]
fn the_language_becomes_english_and_pictures_stay_compressed_as_they_were() {
    let bytes = docx("<w:p><w:r><w:rPr><w:lang w:val=\"fr-FR\" w:bidi=\"ar\"/></w:rPr><w:t>Oui</w:t></w:r></w:p>");
    let package = read(Format::Docx, &bytes);
    let targets = |engine: fn(&crate::document::Block) -> Target| -> Vec<Target> {
        package.document().blocks().iter().map(engine).collect()
    };
    assert_eq!(package.to_bytes(&targets(same)).expect("written"), bytes);
    let options = Options { language: true, ..Options::default() };
    let package = parse_with(Format::Docx, bytes.clone(), &options).expect("a document");
    let out = package.to_bytes(&targets(same)).expect("written");
    assert!(entry(&out, "word/document.xml").contains("<w:lang w:val=\"en-US\" w:bidi=\"ar\"/>"));
    let raw = |bytes: &[u8]| {
        let mut zip = ZipArchive::new(Cursor::new(bytes.to_vec())).expect("an archive");
        let mut raw = Vec::new();
        zip.by_name("word/media/a.png").expect("there").read_to_end(&mut raw).expect("read");
        let place = zip.by_name("word/media/a.png").expect("there");
        (raw, place.compressed_size(), place.crc32())
    };
    assert_eq!(raw(&bytes), raw(&out));
}

#[test]
fn a_book_keeps_its_parts_and_is_well_formed() {
    let container = "<container><rootfiles><rootfile full-path=\"O/b.opf\"/></rootfiles></container>";
    let opf = "<package xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><metadata><dc:title>Le livre</dc:title><dc:language>fr</dc:language></metadata><manifest><item id=\"n\" href=\"toc.ncx\" media-type=\"application/x-dtbncx+xml\"/><item id=\"b\" href=\"b%20.xhtml\" media-type=\"application/xhtml+xml\"/><item id=\"a\" href=\"a.xhtml\" media-type=\"application/xhtml+xml\"/></manifest><spine><itemref idref=\"a\"/><itemref idref=\"b\"/></spine></package>";
    let ncx = "<ncx xmlns=\"http://www.daisy.org/z3986/2005/ncx/\"><navLabel><text>Le premier</text></navLabel></ncx>";
    let a = "<?xml version=\"1.0\"?><html xml:lang=\"fr\"><head><script src=\"x\"/><title>Un</title></head><body><p>a &lt; b &amp; <em>c</em></p></body></html>";
    let bytes = archive(&[
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", container),
        ("O/b.opf", opf),
        ("O/toc.ncx", ncx),
        ("O/a.xhtml", a),
        ("O/b .xhtml", "<html><body><p>deux</p></body></html>"),
    ]);
    let options = Options { language: true, ..Options::default() };
    let package = Package::parse(Format::Epub, bytes, &options).expect("a book");
    let texts: Vec<_> = package.document().blocks().iter().map(|b| b.text.as_str()).collect();
    assert_eq!(texts, ["Le livre", "Un", "a < b & c", "deux", "Le premier"]);
    let targets: Vec<Target> = package.document().blocks().iter().map(upper).collect();
    let out = package.to_bytes(&targets).expect("written");
    assert_eq!(&out[30..58], b"mimetypeapplication/epub+zip", "the first entry, as it was");
    assert!(entry(&out, "O/a.xhtml").contains("<html xml:lang=\"en\">"));
    assert!(entry(&out, "O/a.xhtml").contains("<p>A &lt; B &amp; <em>C</em></p>"));
    assert!(entry(&out, "O/b.opf").contains("<dc:title>LE LIVRE</dc:title><dc:language>en<"));
    assert!(entry(&out, "O/toc.ncx").contains("<text>LE PREMIER</text>"));
}

#[test]
fn a_book_may_be_packed_with_its_folder() {
    let container = "<container><rootfiles><rootfile full-path=\"O/b.opf\"/></rootfiles></container>";
    let opf = "<package><manifest><item id=\"a\" href=\"a.xhtml\" media-type=\"application/xhtml+xml\"/></manifest></package>";
    let bytes = archive(&[
        ("livre/META-INF/container.xml", container),
        ("livre/O/b.opf", opf),
        ("livre/O/a.xhtml", "<html><body><p>un</p></body></html>"),
    ]);
    let package = Package::parse(Format::Epub, bytes, &Options::default()).expect("a book");
    assert_eq!(package.document().blocks().len(), 1);
}

#[test]
fn what_is_no_document_is_refused_with_a_reason() {
    assert!(refusal(Format::Docx, b"Bonjour".to_vec()).contains("not a ZIP archive"));
    assert!(refusal(Format::Docx, b"\xd0\xcf\x11\xe0\xa1\xb1".to_vec()).contains("password"));
    assert!(refusal(Format::Docx, b"PK\x03\x04 and no more".to_vec()).contains("broken"));
    assert!(refusal(Format::Docx, odt("")).contains("not a Word document"));
    assert!(refusal(Format::Odt, docx("")).contains("not an OpenDocument text"));
    assert!(refusal(Format::Epub, docx("")).contains("not an EPUB"));
    let broken = refusal(Format::Docx, docx("<w:p>"));
    assert!(broken.contains("word/document.xml in it is not well-formed"), "{broken}");
    let mut cut = docx("<w:p><w:r><w:t>Oui</w:t></w:r></w:p>");
    cut.truncate(cut.len() / 2);
    assert!(refusal(Format::Docx, cut).contains("broken"));
    let locked = [
        ("mimetype", "application/vnd.oasis.opendocument.text"),
        ("content.xml", "?"),
        ("META-INF/manifest.xml", "<manifest:encryption-data/>"),
    ];
    assert!(refusal(Format::Odt, archive(&locked)).contains("encrypted"));
}

#[test]
fn a_small_file_cannot_fill_the_memory() {
    let bomb = docx(&" ".repeat(16 << 20));
    assert!(bomb.len() < 1 << 20);
    let why = refusal(Format::Docx, bomb);
    assert!(why.contains("word/document.xml in it is larger than"), "{why}");
}

const WORD: &[&str] = &[
    "<w:p>",
    "</w:p>",
    "<w:r>",
    "</w:r>",
    "<w:t>",
    "</w:t>",
    "<w:p><w:r><w:t>un mot</w:t></w:r></w:p>",
    "<w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\"> gras </w:t></w:r>",
    "<w:r><w:t>fin.</w:t></w:r>",
    "<w:r><w:tab/></w:r>",
    "<w:r><w:t>a</w:t><w:br/><w:t>b c</w:t></w:r>",
    "<w:hyperlink><w:r><w:t>lien</w:t></w:r></w:hyperlink>",
    "<w:bookmarkStart/>",
    "<w:bookmarkStart w:id=\"1\"/>",
    "<w:bookmarkEnd w:id=\"1\"/>",
    "<w:commentRangeStart w:id=\"1\"/>",
    "<w:commentRangeEnd w:id=\"1\"/>",
    "<w:r><w:rPr><w:vertAlign w:val=\"superscript\"/></w:rPr><w:t>1</w:t></w:r>",
    "<w:r><w:fldChar w:fldCharType=\"begin\"/></w:r>",
    "<w:r><w:fldChar w:fldCharType=\"separate\"/></w:r>",
    "<w:r><w:fldChar w:fldCharType=\"end\"/></w:r>",
    "<w:r><w:instrText>TOC</w:instrText></w:r>",
    "<w:sdt><w:sdtPr><w:x/></w:sdtPr><w:sdtContent><w:r><w:t>x y</w:t></w:r></w:sdtContent></w:sdt>",
    "<w:del><w:r><w:delText>z</w:delText></w:r></w:del>",
    "<w:r><w:pict><w:p><w:r><w:t>cadre</w:t></w:r></w:p></w:pict></w:r>",
    "— ",
    "&#233;t&amp;",
];

const OPEN: &[&str] = &[
    "<text:p>",
    "</text:p>",
    "<text:span>",
    "</text:span>",
    "<text:p>un <text:span>mot</text:span></text:p>",
    "<text:s/>",
    "<text:tab/>",
    "<text:line-break/>",
    "<text:a>lien</text:a>",
    "<text:date>3 mai</text:date>",
    "<text:note><text:p>une note</text:p></text:note>",
    "<draw:frame><text:p>cadre</text:p></draw:frame>",
    "— ",
    "<text:bookmark/>",
    "<text:bookmark-start text:name=\"a\"/>",
    "<text:bookmark-end text:name=\"a\"/>",
    "<text:span>[1]</text:span>",
    "&#233;t&amp;",
];

#[test]
fn boxes_and_wide_gaps_part_texts_and_stay() {
    let run = |inner: &str| format!("<w:r>{inner}</w:r>");
    let symbol = run("<w:sym w:font=\"Wingdings\" w:char=\"F0A8\"/>");
    let boxed = ["begin", "end"].map(|kind| run(&format!("<w:fldChar w:fldCharType=\"{kind}\"/>")));
    let boxed = boxed.join(&run("<w:instrText> FORMCHECKBOX </w:instrText>"));
    let body = [
        &symbol,
        &run("<w:t> Dossier complet </w:t>"),
        &symbol,
        &run("<w:t>Paiement </w:t>"),
        &boxed,
        &run("<w:t>☐ Oui    ☑ Non : ____</w:t>"),
    ];
    let body = format!("<w:p>{}</w:p>", body.map(String::as_str).concat());
    let package = read(Format::Docx, &docx(&body));
    let texts: Vec<&str> = package.document().blocks().iter().map(|b| b.text.as_str()).collect();
    assert_eq!(texts, ["Dossier complet", "Paiement", "Oui", "Non :"]);
    let shouted = [("Dossier complet", "DOSSIER COMPLET"), ("Paiement", "PAIEMENT"), ("Oui", "OUI"), ("Non", "NON")];
    let expected = shouted.iter().fold(body.clone(), |body, (small, large)| body.replace(small, large));
    assert_eq!(word_body(&body, upper), expected);
}

#[test]
fn the_number_of_a_page_stays_behind_its_tab() {
    let body = "<text:p><text:a>Introduction générale<text:tab/>3</text:a></text:p>";
    let package = read(Format::Odt, &odt(body));
    assert_eq!(package.document().blocks()[0].text, "Introduction générale");
    let expected = "<text:p><text:a>générale Introduction<text:tab/>3</text:a></text:p>";
    assert!(render(&package, reversed).contains(expected), "{}", render(&package, reversed));
}

#[test]
fn a_tab_within_a_span_does_not_tear_it_in_two() {
    let tags = "<text:p><text:a>un</text:a><text:span><text:a>lien</text:a><text:tab/>deux</text:span></text:p>";
    let package = Package::parse(Format::Odt, odt(tags), &Options::default()).unwrap();
    let targets: Vec<Target> = package.document().blocks().iter().map(reversed).collect();
    let written = package.to_bytes(&targets).unwrap();
    assert!(Package::parse(Format::Odt, written, &Options::default()).is_ok(), "{}", package.render(&targets));
}

proptest! {
    /// Whole and broken XML: what can be read keeps the laws, and what is written for it can be read again.
    #[test]
    fn laws(word in hostile(WORD), paragraphs in proptest::collection::vec(proptest::collection::vec(proptest::sample::select(WORD), 0..8), 0..3), open in hostile(OPEN), tame in proptest::collection::vec(proptest::sample::select(OPEN), 0..8)) {
        let tame_word: String = paragraphs.into_iter().map(|parts| format!("<w:p>{}</w:p>", parts.concat())).collect();
        let tame_open = format!("<text:p>{}</text:p>", tame.concat());
        let all = [(Format::Docx, docx(&word)), (Format::Docx, docx(&tame_word)), (Format::Odt, odt(&open)), (Format::Odt, odt(&tame_open))];
        for (format, bytes) in all {
            let Ok(package) = Package::parse(format, bytes.clone(), &Options::default()) else { continue };
            let source = package.document().source().to_owned();
            hold(&package, &source)?;
            let targets: Vec<Target> = package.document().blocks().iter().map(same).collect();
            prop_assert_eq!(package.to_bytes(&targets).expect("written"), bytes);
            for engine in [upper, reversed] {
                let targets: Vec<Target> = package.document().blocks().iter().map(engine).collect();
                let again = Package::parse(format, package.to_bytes(&targets).expect("written"), &Options::default());
                prop_assert!(again.is_ok(), "{:?} became {}", source, package.render(&targets));
            }
        }
    }
}
