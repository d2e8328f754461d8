use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::engine::{Engine, Hypothesis, Identity, Options};
use crate::error::{Error, ErrorKind};

/// Shouts, and counts the sentences that it was asked for.
#[derive(Default)]
struct Shouting(std::sync::Arc<AtomicU64>);

impl Engine for Shouting {
    fn translate(
        &self,
        sources: &[String],
        options: &Options,
        progress: &dyn crate::engine::Progress,
    ) -> Vec<Result<Vec<Hypothesis>>> {
        self.0.fetch_add(sources.len() as u64, Ordering::Relaxed);
        let shout = |h: Hypothesis| Hypothesis { text: h.text.to_uppercase(), ..h };
        let shouted = |r: Result<Vec<Hypothesis>>| r.map(|found| found.into_iter().map(shout).collect());
        Identity.translate(sources, options, progress).into_iter().map(shouted).collect()
    }
}

/// Keeps what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Observer for Heard {
    fn fault(&self, error: &Error) {
        self.0.lock().unwrap().push(error.to_string());
    }

    fn detail(&self, _: &str) {}

    fn progress(&self, _: &Progress) {}
}

/// Takes longer than anyone waits, unless it is told to stop.
struct Slow;

impl Engine for Slow {
    fn translate(
        &self,
        sources: &[String],
        _: &Options,
        progress: &dyn crate::engine::Progress,
    ) -> Vec<Result<Vec<Hypothesis>>> {
        let pause = Duration::from_millis(20);
        (0..10_000).take_while(|_| progress.done(0, 0)).for_each(|_| std::thread::sleep(pause));
        sources.iter().map(|_| Err(Error::new(ErrorKind::Interrupted, "stopped"))).collect()
    }
}

struct Run {
    summary: Result<Summary>,
    faults: Vec<String>,
    asked: u64,
}

/// How a test's job differs from the usual.
#[derive(Clone)]
struct Setting {
    stop_after: u64,
    shard: Shard,
    restart: bool,
    beam: usize,
    report: Option<PathBuf>,
    options: formats::Options,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            stop_after: u64::MAX,
            shard: Shard::WHOLE,
            restart: false,
            beam: 1,
            report: None,
            options: formats::Options::default(),
        }
    }
}

fn translator(beam: usize) -> (Translator, std::sync::Arc<AtomicU64>) {
    let engine = Shouting::default();
    let asked = engine.0.clone();
    let translator = Translator::builder().engine(Box::new(engine)).guards(false).beam(beam).build().unwrap();
    (translator, asked)
}

fn run(inputs: &[&Path], destination: Destination, setting: &Setting) -> Run {
    let (translator, asked) = translator(setting.beam);
    run_with(&translator, &asked, inputs, destination, setting)
}

fn run_with(
    translator: &Translator,
    asked: &AtomicU64,
    inputs: &[&Path],
    destination: Destination,
    setting: &Setting,
) -> Run {
    let out_dir = match &destination {
        Destination::Directory(directory) => {
            fs::create_dir_all(directory).unwrap();
            Some(directory.clone())
        }
        Destination::File(_) => None,
    };
    let known = |path: &Path| Format::from_path(path).unwrap_or_default();
    let format = |path: &Path| Ok(known(path));
    let handling = |path: &Path| match known(path) {
        Format::Jsonl => Handling::SharedRows,
        Format::Csv | Format::Tsv => Handling::Rows,
        _ => Handling::Whole,
    };
    let roots = inputs.iter().map(|path| path.to_path_buf()).collect();
    let inputs = Inputs::new(roots, vec![], false, out_dir.as_deref(), setting.shard, &handling).unwrap();
    let job = Job {
        translator,
        inputs: &inputs,
        destination,
        format: &format,
        options: &setting.options,
        id: "id",
        settings: Settings::new(),
        report: setting.report.clone(),
        restart: setting.restart,
    };
    let looks = AtomicU64::new(0);
    let heard = Heard::default();
    let summary = job.run(&|| looks.fetch_add(1, Ordering::Relaxed) >= setting.stop_after, &heard);
    Run { summary, faults: heard.0.into_inner().unwrap(), asked: asked.load(Ordering::Relaxed) }
}

/// Every file under a directory, but for journals.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            found.extend(tree(&entry));
        } else if !entry.to_string_lossy().ends_with(".journal") {
            found.insert(entry.clone(), fs::read(&entry).unwrap());
        }
    }
    found
}

fn rows(count: usize) -> String {
    (0..count).map(|i| format!("{{\"id\": {i}, \"text\": \"le chat numéro {i} dort\", \"n\": [1.50]}}\n")).collect()
}

#[test]
fn a_tree_is_mirrored_and_only_the_rest_is_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let (source, out) = (dir.path().join("fr"), dir.path().join("en"));
    fs::create_dir_all(source.join("b/c")).unwrap();
    fs::write(source.join("a.txt"), "bonjour\n\nle chat\n").unwrap();
    fs::write(source.join("b/page.html"), "<p>le <b>chat</b></p>").unwrap();
    fs::write(source.join("b/c/rows.jsonl"), "{\"text\":\"un\"}\nbroken\n").unwrap();
    fs::write(source.join("b/bad.txt"), b"\xff").unwrap();
    let report = dir.path().join("report.jsonl");
    let setting = Setting { report: Some(report.clone()), ..Setting::default() };
    let again = || run(&[&source], Destination::Directory(out.clone()), &setting);
    let first = again();
    let summary = first.summary.unwrap();
    assert!(!summary.clean && !summary.stopped);
    assert_eq!((summary.counts.documents, summary.counts.segments, summary.counts.broken), (3, 4, 1));
    assert_eq!(first.faults.len(), 2, "{:?}", first.faults);
    let made = tree(&out);
    assert_eq!(made.len(), 3, "{made:?}");
    assert_eq!(made[&out.join("a.txt")], b"BONJOUR\n\nLE CHAT\n");
    assert_eq!(made[&out.join("b/page.html")], b"<p>LE <b>CHAT</b></p>");
    assert_eq!(made[&out.join("b/c/rows.jsonl")], b"{\"text\":\"UN\"}\nbroken\n");
    let lines: Vec<serde_json::Value> =
        fs::read_to_string(&report).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.iter().filter(|l| l["done"].is_object()).count(), 3);
    assert_eq!(lines.last().unwrap()["totals"]["segments"], 4);

    let nothing = again();
    assert_eq!((nothing.asked, nothing.summary.unwrap().counts), (0, summary.counts));
    fs::remove_file(out.join("a.txt")).unwrap();
    fs::write(source.join("b/page.html"), "<p>le <b>chien</b></p>").unwrap();
    let some = again();
    assert_eq!((some.asked, some.summary.unwrap().counts), (3, summary.counts));
    assert_eq!(tree(&out)[&out.join("b/page.html")], b"<p>LE <b>CHIEN</b></p>");
    fs::write(out.join("a.txt"), "my own words").unwrap();
    let kept = again();
    assert!(kept.faults.iter().any(|f| f.contains("changed since")), "{:?}", kept.faults);
    assert_eq!(tree(&out)[&out.join("a.txt")], b"my own words");

    let other = run(&[&source], Destination::Directory(out.clone()), &Setting { beam: 2, ..setting.clone() });
    assert_eq!(other.summary.unwrap_err().kind(), ErrorKind::Settings);
    let restarted = Setting { beam: 2, restart: true, ..setting.clone() };
    assert_eq!(run(&[&source], Destination::Directory(out.clone()), &restarted).asked, 4);
}

#[test]
fn a_record_file_that_is_stopped_again_and_again_comes_out_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("rows.jsonl");
    let mut bytes = rows(20_000).into_bytes();
    bytes.extend_from_slice(b"{\"text\": \"\xff\"}\n{\"id\":5}\n\n[1]\n{\"text\":\"fin\"}");
    fs::write(&source, &bytes).unwrap();
    let whole = dir.path().join("whole.jsonl");
    let once = run(&[&source], Destination::File(whole.clone()), &Setting::default());
    let counts = once.summary.unwrap().counts;
    assert_eq!((counts.rows, counts.segments, counts.broken), (20_004, 20_001, 2));
    let expected = String::from_utf8_lossy(&bytes).replace("le chat numéro", "LE CHAT NUMÉRO").replace("dort", "DORT");
    let expected = expected.replace("fin", "FIN");
    assert_eq!(String::from_utf8_lossy(&fs::read(&whole).unwrap()), expected);

    let parts = dir.path().join("parts.jsonl");
    let mut runs = 0;
    loop {
        let setting = Setting { stop_after: 4 + runs % 7, ..Setting::default() };
        let part = run(&[&source], Destination::File(parts.clone()), &setting);
        runs += 1;
        assert!(runs < 500);
        if !part.summary.unwrap().stopped {
            break;
        }
        assert!(!parts.exists());
        // Whatever a crash leaves behind what is committed is cut off.
        use std::io::Write;
        let left = durable::part(&parts);
        if left.exists() {
            fs::OpenOptions::new().append(true).open(&left).unwrap().write_all(b"half a l").unwrap();
        }
    }
    assert!(runs > 2, "{runs}");
    assert!(fs::read(&whole).unwrap() == fs::read(&parts).unwrap());
    let nothing = run(&[&source], Destination::File(parts.clone()), &Setting::default());
    assert_eq!((nothing.asked, nothing.summary.unwrap().counts), (0, counts));
}

/// Runs a job on one file until it is done, stopping it after a few windows each time.
fn in_pieces(source: &Path, out: &Path, options: &formats::Options) -> u64 {
    for runs in 0..500 {
        let setting = Setting { stop_after: 4 + runs % 7, options: options.clone(), ..Setting::default() };
        if !run(&[source], Destination::File(out.to_owned()), &setting).summary.unwrap().stopped {
            return runs;
        }
    }
    panic!("it does not end");
}

#[test]
fn a_table_of_any_size_and_encoding_comes_out_as_if_it_were_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let row =
        |i| format!("{i};\"l'été \"\"{i}\"\";\r\nsur deux lignes\";{}\r\n", if i % 1000 == 7 { "trop;x" } else { "x" });
    let csv: String = (0..9000).map(row).collect();
    let csv = format!("id;texte;z\r\n{csv}fin;été");
    let tsv: String = (0..9000).map(|i| format!("{i}\t\"Oui\", dit-il.\t\"{i}\n")).collect();
    let tsv = format!("\u{feff}id\ttexte\tz\n{tsv}");
    let latin = encoding_rs::WINDOWS_1252;
    for (name, text, encoding) in [("t.csv", &csv, None), ("l.csv", &csv, Some(latin)), ("t.tsv", &tsv, None)] {
        let (source, out) = (dir.path().join(name), dir.path().join(format!("en.{name}")));
        let bytes = encoding.map_or(text.clone().into_bytes(), |encoding| encoding.encode(text).0.into_owned());
        fs::write(&source, &bytes).unwrap();
        let options = formats::Options { fields: vec!["texte".to_owned()], encoding, ..formats::Options::default() };
        let (translator, _) = translator(1);
        let whole = formats::parse_with(Format::from_path(&source).unwrap(), bytes, &options).unwrap();
        let (outcomes, _) = translator.translate_documents(&[whole.as_ref()], &()).unwrap();
        let expected = whole.render(&outcomes[0].targets);
        assert!(expected.contains(if name == "t.tsv" { "OUI" } else { "L'ÉTÉ" }) && expected != *text);
        assert!(in_pieces(&source, &out, &options) > 1);
        assert!(fs::read_to_string(&out).unwrap() == expected, "{name}");
        let again =
            run(&[&source], Destination::File(out), &Setting { options: options.clone(), ..Setting::default() });
        assert_eq!((again.asked, again.summary.unwrap().counts.broken), (0, whole.faults().len() as u64));
    }
    let (source, out) = (dir.path().join("u.csv"), dir.path().join("en.csv"));
    fs::write(&source, "id,autre\n1,x\n").unwrap();
    let run = run(&[&source], Destination::File(out.clone()), &Setting::default());
    assert!(run.faults[0].contains("autre") && !durable::part(&out).exists(), "{:?}", run.faults);
}

#[test]
fn whatever_a_power_cut_leaves_of_the_journal_the_result_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("fr");
    fs::create_dir_all(&source).unwrap();
    for i in 0..6 {
        fs::write(source.join(format!("{i}.txt")), format!("le chat {i}\n\n").repeat(1500)).unwrap();
    }
    fs::write(source.join("rows.jsonl"), rows(2000)).unwrap();
    fs::write(source.join("z.csv"), "id,text\n".to_owned() + &"1,\"le\nchat\"\n".repeat(8000)).unwrap();
    let whole = dir.path().join("whole");
    run(&[&source], Destination::Directory(whole.clone()), &Setting::default()).summary.unwrap();
    let expected: Vec<Vec<u8>> = tree(&whole).into_values().collect();
    let out = dir.path().join("out");
    let mut random = 7_u64;
    for cut in 0..12 {
        if out.exists() {
            fs::remove_dir_all(&out).unwrap();
        }
        let stopped = Setting { stop_after: 3 + cut, ..Setting::default() };
        run(&[&source], Destination::Directory(out.clone()), &stopped).summary.unwrap();
        let journal = out.join(".fr2en-batch.journal");
        let bytes = fs::read(&journal).unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        fs::write(&journal, &bytes[..(random >> 33) as usize % (bytes.len() + 1)]).unwrap();
        let rest = run(&[&source], Destination::Directory(out.clone()), &Setting::default());
        assert!(rest.summary.unwrap().clean, "{:?}", rest.faults);
        assert!(tree(&out).into_values().collect::<Vec<_>>() == expected, "cut {cut}");
    }
}

#[test]
fn a_record_file_that_changed_before_its_end_is_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let (source, out) = (dir.path().join("rows.jsonl"), dir.path().join("out.jsonl"));
    fs::write(&source, rows(20_000)).unwrap();
    let stopped = run(&[&source], Destination::File(out.clone()), &Setting { stop_after: 5, ..Setting::default() });
    assert!(stopped.summary.unwrap().stopped && durable::part(&out).exists());
    fs::write(&source, rows(20_000).replacen("dort", "mange", 1)).unwrap();
    assert_eq!(run(&[&source], Destination::File(out.clone()), &Setting::default()).asked, 20_000);
    assert!(fs::read_to_string(&out).unwrap().contains("CHAT NUMÉRO 0 MANGE"));
}

#[test]
fn an_output_that_was_whole_but_had_no_name_yet_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let (source, out) = (dir.path().join("rows.jsonl"), dir.path().join("out.jsonl"));
    fs::write(&source, rows(20_000)).unwrap();
    assert!(
        run(&[&source], Destination::File(out.clone()), &Setting { stop_after: 5, ..Setting::default() })
            .summary
            .unwrap()
            .stopped
    );
    let finished = run(&[&source], Destination::File(out.clone()), &Setting::default());
    assert!(finished.asked < 20_000);
    let bytes = fs::read(&out).unwrap();
    // As if the machine had stopped after the commit that announces the end, before and after the renaming.
    let journal = dir.path().join("out.jsonl.journal");
    let text = fs::read_to_string(&journal).unwrap();
    let announced = &text[..text.trim_end().rfind('\n').unwrap() + 1];
    assert!(announced.trim_end().rsplit('\n').next().unwrap().contains("closing"));
    for renamed in [false, true] {
        fs::write(&journal, announced).unwrap();
        if !renamed {
            fs::rename(&out, durable::part(&out)).unwrap();
        }
        let recovered = run(&[&source], Destination::File(out.clone()), &Setting::default());
        assert_eq!((recovered.asked, recovered.summary.unwrap().counts.rows), (0, 20_000));
        assert!(fs::read(&out).unwrap() == bytes);
    }
}

#[test]
fn shares_of_a_record_file_joined_are_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("rows.jsonl");
    fs::write(&source, rows(500) + "\nbroken\n{\"text\":\"sans\"}").unwrap();
    let (whole, out) = (dir.path().join("whole.jsonl"), dir.path().join("out.jsonl"));
    run(&[&source], Destination::File(whole.clone()), &Setting::default()).summary.unwrap();
    assert!(join(&source, &out, 3, "id").is_err());
    for shard in Shard::all(3) {
        let setting = Setting { shard, ..Setting::default() };
        let summary = run(&[&source], Destination::File(out.clone()), &setting).summary.unwrap();
        assert!(summary.counts.rows > 100);
    }
    assert_eq!(join(&source, &out, 3, "id").unwrap(), 503);
    assert!(fs::read(&whole).unwrap() == fs::read(&out).unwrap());
    let share = dir.path().join("out.2-of-3.jsonl");
    let text = fs::read_to_string(&share).unwrap();
    fs::write(&share, &text[..text.trim_end().rfind('\n').unwrap() + 1]).unwrap();
    assert!(join(&source, &out, 3, "id").unwrap_err().to_string().contains("2-of-3"));
}

#[test]
fn a_field_that_is_nowhere_makes_no_output() {
    let dir = tempfile::tempdir().unwrap();
    let (source, out) = (dir.path().join("rows.jsonl"), dir.path().join("out.jsonl"));
    fs::write(&source, "{\"body\":\"x\"}\n").unwrap();
    let run = run(&[&source], Destination::File(out.clone()), &Setting::default());
    assert!(!run.summary.unwrap().clean);
    assert!(run.faults[0].contains("body"), "{:?}", run.faults);
    assert_eq!(tree(dir.path()).len(), 1);
}

#[test]
fn every_line_is_answered_in_its_place() {
    let (translator, _) = translator(1);
    let input = "{\"id\":7,\"text\":\"un\"}\n\n{\"id\":\"x\"}\nbroken\n{\"id\":9,\"text\":\"deux\"}";
    let mut out = Vec::new();
    let served =
        serve(&lines_of(input.as_bytes()), &mut out, &translator, &formats::Options::default(), "id", &|| false)
            .unwrap();
    assert_eq!((served.lines, served.failed, served.stopped), (5, 2, false));
    let out = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = out.split('\n').collect();
    assert_eq!(lines[0], "{\"id\":7,\"text\":\"UN\"}");
    assert_eq!(lines[1], "");
    assert!(lines[2].starts_with("{\"id\":\"x\",\"error\":\"no field “text”"), "{}", lines[2]);
    assert!(lines[3].starts_with("{\"id\":null,\"error\":\"not a JSON object"), "{}", lines[3]);
    assert_eq!(&lines[4..], ["{\"id\":9,\"text\":\"DEUX\"}", ""]);
}

#[test]
fn a_quotation_that_a_row_leaves_open_is_none_of_the_next_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (source, out) = (dir.path().join("rows.jsonl"), dir.path().join("out.jsonl"));
    let rows = "{\"text\":\"Il dit : « Je pars.\"}\n{\"text\":\"Elle dit « oui » et reste. »\"}\n";
    fs::write(&source, rows).unwrap();
    run(&[&source], Destination::File(out.clone()), &Setting::default()).summary.unwrap();
    let (translator, _) = translator(1);
    let alone = |row: &str| {
        let parsed = formats::parse(Format::Jsonl, row).unwrap();
        let (outcomes, _) = translator.translate_documents(&[parsed.as_ref()], &()).unwrap();
        parsed.render(&outcomes[0].targets)
    };
    assert_eq!(fs::read_to_string(&out).unwrap(), rows.split_inclusive('\n').map(alone).collect::<String>());
}

#[test]
fn what_takes_too_long_when_the_job_is_to_stop_is_given_up_and_done_later() {
    let dir = tempfile::tempdir().unwrap();
    let (source, out) = (dir.path().join("a.txt"), dir.path().join("out.txt"));
    fs::write(&source, "le chat\n").unwrap();
    let slow = Translator::builder().engine(Box::new(Slow)).guards(false).beam(1).build().unwrap();
    let setting = Setting { stop_after: 4, ..Setting::default() };
    let start = Instant::now();
    let stopped = run_with(&slow, &AtomicU64::new(0), &[&source], Destination::File(out.clone()), &setting);
    assert!(stopped.summary.unwrap().stopped && !out.exists() && stopped.faults.is_empty());
    assert!(start.elapsed() >= GRACE && start.elapsed() < Duration::from_secs(100));
    assert!(run(&[&source], Destination::File(out.clone()), &Setting::default()).summary.unwrap().clean);
    assert_eq!(fs::read_to_string(&out).unwrap(), "LE CHAT\n");
}
