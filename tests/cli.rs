//! The program as its users run it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn fr2en() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fr2en"));
    // No one's own settings, and no network.
    command.env_clear().env("FR2EN_CONFIG", "").env("FR2EN_OFFLINE", "1");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

fn run(args: &[impl AsRef<OsStr>], stdin: &[u8]) -> Output {
    let mut child = fr2en()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The program may end before it has read everything.
    let _ = child.stdin.take().expect("piped").write_all(stdin);
    child.wait_with_output().expect("the program ends")
}

const NO_ARGS: &[&str] = &[];

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Blank lines and indentation of a text, as one string.
fn shape(text: &str) -> Vec<(usize, bool)> {
    text.split('\n').map(|l| (l.len() - l.trim_start().len(), l.trim().is_empty())).collect()
}

#[test]
fn the_seed_article_keeps_its_shape_and_quotations() {
    let source = fs::read_to_string(data("article.fr.txt")).expect("the article");
    let out = run(&[data("article.fr.txt")], b"");
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(text(&out.stderr), "", "nothing but results without a terminal");
    let english = text(&out.stdout);
    assert_eq!(shape(&source), shape(english));
    let curly = fr2en().args(["--quotes", "curly"]).arg(data("article.fr.txt")).output().expect("ran");
    let lines = source.split('\n').zip(english.split('\n')).zip(text(&curly.stdout).split('\n'));
    for ((french, straight), curly) in lines {
        let marks = french.matches('"').count();
        assert_eq!(straight.matches('"').count(), marks, "{straight}");
        assert_eq!(curly.matches('\u{201c}').count(), marks / 2, "{curly}");
        assert_eq!(curly.matches('\u{201d}').count(), marks / 2, "{curly}");
    }
    assert!(english.contains("China"), "{english}");
}

#[test]
fn standard_input_is_translated() {
    let out = run(NO_ARGS, "Bonjour le monde.\n".as_bytes());
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stdout).ends_with('\n'));
    assert_ne!(text(&out.stdout).trim(), "");
}

#[test]
fn what_holds_no_words_comes_out_as_it_is() {
    for source in ["", "     ", "\n\n\n", "\r\n\r\n", "\t\n  \n\u{a0}\n", "🎉🎉🎉\n👍🏽\n"] {
        let out = run(NO_ARGS, source.as_bytes());
        assert!(out.status.success());
        assert_eq!(text(&out.stdout), source);
    }
}

#[test]
fn line_ends_and_the_byte_order_mark_stay() {
    let source = "\u{feff}Bonjour.\r\n\r\nLe chat dort.";
    let out = run(NO_ARGS, source.as_bytes());
    let english = text(&out.stdout);
    assert!(english.starts_with('\u{feff}'));
    assert_eq!(english.matches("\r\n").count(), 2);
    assert_eq!(english.matches('\n').count(), 2);
    assert!(!english.ends_with('\n'));
}

#[test]
fn a_bad_input_is_named_and_the_others_are_translated() {
    let dir = tempfile::tempdir().expect("a directory");
    let good = dir.path().join("bon.txt");
    let bad = dir.path().join("mauvais.txt");
    let missing = dir.path().join("absent.txt");
    fs::write(&good, "Le chat dort.\n").expect("written");
    fs::write(&bad, b"Bonjour \xff monde").expect("written");
    let out_dir = dir.path().join("en");
    let args = [
        "--out-dir".as_ref(),
        out_dir.as_os_str(),
        good.as_os_str(),
        bad.as_os_str(),
        missing.as_os_str(),
        dir.path().as_os_str(),
    ];
    let out = run(&args, b"");
    assert_eq!(out.status.code(), Some(1));
    let errors = text(&out.stderr);
    assert_eq!(errors.lines().count(), 3, "{errors}");
    assert!(errors.contains("mauvais.txt") && errors.contains("byte 8") && errors.contains("--encoding"), "{errors}");
    assert!(errors.contains("absent.txt"), "{errors}");
    assert!(errors.contains("directory"), "{errors}");
    assert!(out_dir.join("bon.txt").is_file());
    assert!(!out_dir.join("mauvais.txt").exists());
    assert_eq!(fs::read_dir(&out_dir).expect("listed").count(), 1, "no temporary file stays");
}

#[test]
fn other_encodings_are_read_when_asked() {
    let out = run(&["--encoding", "windows-1252", "-"], b"L'\xe9t\xe9 est fini.\n");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let utf16: Vec<u8> = "\u{feff}Le chat dort.\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let refused = run(NO_ARGS, &utf16);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("utf-16le"), "{}", text(&refused.stderr));
    assert!(run(&["--encoding", "utf-16"], &utf16).status.success());
}

#[test]
fn wrong_usage_is_two() {
    let wrong: [&[&str]; 6] = [
        &["--beam", "none"],
        &["--beam", "0"],
        &["--quotes", "round"],
        &["--device", "abacus"],
        &["--encoding", "klingon"],
        &["-o", "/no/such/directory/out.txt"],
    ];
    for args in wrong {
        let out = run(args, b"Bonjour.\n");
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out.stderr));
        assert_eq!(text(&out.stdout), "");
        assert!(text(&out.stderr).starts_with("error:"), "{}", text(&out.stderr));
    }
}

#[test]
fn a_model_directory_that_is_none_is_explained() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = run(&["--model".as_ref(), dir.path().as_os_str()], b"Bonjour.\n");
    assert!(!out.status.success());
    assert_eq!(text(&out.stderr).lines().count(), 1, "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("config.json"), "{}", text(&out.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_and_a_closed_pipe_is_not() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("opened");
    let out = fr2en().arg(data("article.fr.txt")).stdout(full).stderr(Stdio::piped()).output().expect("ran");
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("standard output"), "{}", text(&out.stderr));

    let mut child =
        fr2en().arg(data("article.fr.txt")).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    drop(child.stdout.take());
    let out = child.wait_with_output().expect("ends");
    assert!(out.status.success());
    assert_eq!(text(&out.stderr), "");
}

#[test]
fn the_result_does_not_depend_on_where_the_program_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let here = run(&[data("article.fr.txt")], b"");
    let there = fr2en().arg(data("article.fr.txt")).current_dir(dir.path()).output().expect("ran");
    assert_eq!(here.stdout, there.stdout);
}

#[test]
fn the_report_names_every_segment() {
    let dir = tempfile::tempdir().expect("a directory");
    let report = dir.path().join("report.json");
    let out = run(&["--report".as_ref(), report.as_os_str()], "Titre\n\nLe chat dort. Il rêve.\n".as_bytes());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).expect("written")).expect("JSON");
    assert_eq!(report["totals"]["segments"], 3);
    assert_eq!(report["documents"][0]["segments"][1]["source"], "Le chat dort.");
    assert!(report["totals"]["words_per_second"].as_f64().expect("a number") > 0.0);
}

#[test]
fn split_shows_segments() {
    let source = "# À l'été\n\n- « Oui », dit-il.\n- Élan\n\nIl a dit : « Là. Peut-être “ ici ” »\n";
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.md");
    fs::write(&file, source).expect("written");
    let out = run(&["split".as_ref(), "--json".as_ref(), file.as_os_str()], b"");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let rows: Vec<serde_json::Value> =
        text(&out.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let column = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
    assert_eq!(column("text"), ["À l'été", "« Oui », dit-il.", "Élan", "Il a dit : « Là.", "Peut-être “ ici ” »"]);
    assert_eq!(column("kind"), ["heading", "list_item", "list_item", "paragraph", "paragraph"]);
    assert_eq!(column("depth"), [0, 0, 0, 0, 1]);
    for row in &rows {
        // Offsets are bytes of UTF-8: of the block, which stands `at` in the document.
        let offset = |name: &str| row[name].as_u64().expect("an offset") as usize;
        let range = offset("at") + offset("start")..offset("at") + offset("end");
        assert_eq!(source.get(range), row["text"].as_str(), "{row}");
    }
    let last = rows[4]["quotes"].as_array().expect("marks");
    let roles: Vec<_> = last.iter().map(|mark| (mark["role"].as_str(), mark["depth"].as_u64())).collect();
    assert_eq!(roles, [(Some("open"), Some(1)), (Some("close"), Some(1)), (Some("close"), Some(0))]);
}

#[test]
fn split_answers_rows_by_their_id() {
    for id in ["7", "\"a\"", "null", "1.50", "{\"n\":[1,true]}"] {
        let row = format!("{{\"id\": {id}, \"text\": \"M. Dupont dort. Il rêve.\", \"more\": 1}}\n\n");
        let out = run(&["split", "--jsonl"], row.as_bytes());
        let id = id.replace("1.50", "1.5");
        let answer = format!("{{\"id\":{id},\"sentences\":[\"M. Dupont dort.\",\"Il rêve.\"]}}\n");
        assert_eq!(text(&out.stdout), answer, "{}", text(&out.stderr));
    }
    let good = "{\"text\":\"\"}\n";
    assert_eq!(text(&run(&["split", "--jsonl"], good.as_bytes()).stdout), "{\"id\":null,\"sentences\":[]}\n");
    for (bad, why) in
        [("{\"text\": ", "not JSON"), ("{\"id\": 1}", "no string \"text\""), ("[1]", "no string \"text\"")]
    {
        let out = run(&["split", "--jsonl"], format!("{good}{bad}\n").as_bytes());
        assert_eq!(out.status.code(), Some(1), "{bad}");
        let error = text(&out.stderr);
        assert!(error.contains("line 2") && error.contains(why), "{error}");
    }
}

#[test]
fn completions_and_the_manual_are_printed() {
    assert!(text(&run(&["completions", "bash"], b"").stdout).contains("fr2en"));
    assert!(text(&run(&["man"], b"").stdout).starts_with(".ie"));
    let help = run(&["--help"], b"");
    assert!(text(&help.stdout).contains("--quotes"));
}

#[test]
fn the_config_file_gives_defaults_that_options_override() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("config.toml");
    fs::write(&config, "quotes = \"straight\"\n").expect("written");
    let source = "Il a dit « oui ».\n";
    let file = dir.path().join("a.txt");
    fs::write(&file, source).expect("written");
    let with = |args: &[&str]| {
        let out = fr2en().env("FR2EN_CONFIG", &config).args(args).arg(&file).output().expect("ran");
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stdout).to_owned()
    };
    assert!(with(&[]).contains('"'), "{}", with(&[]));
    assert!(with(&["--quotes", "curly"]).contains('\u{201c}'));
    let marks = |text: String| text.chars().filter(|c| "\"\u{201c}\u{201d}«»".contains(*c)).collect::<String>();
    assert_eq!(marks(with(&["--quotes", "auto"])), "\u{201c}\u{201d}");
    fs::write(&file, "Il a dit \"oui\".\n").expect("written");
    assert_eq!(marks(with(&["--quotes", "auto"])), "\"\"");
    fs::write(&file, "Il a dit \"oui\".\n\nElle a dit « non ».\n").expect("written");
    assert_eq!(marks(with(&["--quotes", "auto"])), "\"\"\u{201c}\u{201d}");
    fs::write(&file, "Il a dit : \"Oui. Un \u{ab} non \u{bb} aussi.\"\n").expect("written");
    assert_eq!(marks(with(&["--quotes", "auto"])), "\"\"");
    fs::write(&config, "quotes = \"straight\"\nbeems = 4\n").expect("written");
    let out = fr2en().env("FR2EN_CONFIG", &config).arg(&file).output().expect("ran");
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("line 2"), "{}", text(&out.stderr));
}

/// A copy of the bundled model's directory.
fn model_copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let bundled = fs::read_dir(models).expect("listed").filter_map(Result::ok).find(|e| e.path().is_dir());
    for file in fs::read_dir(bundled.expect("a bundled model").path()).expect("listed").filter_map(Result::ok) {
        fs::copy(file.path(), dir.path().join(file.file_name())).expect("copied");
    }
    dir
}

#[test]
fn a_damaged_model_is_named_and_never_a_crash() {
    let intact = model_copy();
    let ok = run(&["--model".as_ref(), intact.path().as_os_str()], b"Bonjour.\n");
    assert!(ok.status.success(), "{}", text(&ok.stderr));
    for name in ["config.json", "model.safetensors", "source.spm", "target.spm", "vocab.json"] {
        type Damage = fn(&Path);
        let damages: [(&str, Damage); 3] = [
            ("missing", |path| fs::remove_file(path).expect("removed")),
            ("empty", |path| fs::write(path, b"").expect("emptied")),
            ("cut off", |path| {
                let bytes = fs::read(path).expect("read");
                fs::write(path, &bytes[..bytes.len() / 2]).expect("cut");
            }),
        ];
        for (what, damage) in damages {
            let dir = model_copy();
            damage(&dir.path().join(name));
            let out = run(&["--model".as_ref(), dir.path().as_os_str()], b"Bonjour.\n");
            let errors = text(&out.stderr);
            assert_eq!(out.status.code(), Some(1), "{name} {what}: {errors}");
            assert!(errors.contains(name) && errors.lines().count() == 1, "{name} {what}: {errors}");
            assert!(out.stdout.is_empty());
        }
    }
    let config = intact.path().join("config.json");
    let text_of = fs::read_to_string(&config).expect("read");
    fs::write(&config, text_of.replace("\"marian\"", "\"bert\"")).expect("written");
    let out = run(&["--model".as_ref(), intact.path().as_os_str()], b"Bonjour.\n");
    assert!(text(&out.stderr).contains("bert"), "{}", text(&out.stderr));
    let mut larger: serde_json::Value = serde_json::from_str(&text_of).expect("JSON");
    let size = larger["vocab_size"].as_u64().expect("a number") + 1;
    (larger["vocab_size"], larger["decoder_vocab_size"]) = (size.into(), size.into());
    fs::write(&config, larger.to_string()).expect("written");
    let out = run(&["--model".as_ref(), intact.path().as_os_str()], b"Bonjour.\n");
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("model.safetensors"), "{}", text(&out.stderr));
}

#[cfg(unix)]
#[test]
fn an_interruption_leaves_nothing_half_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let long = dir.path().join("long.txt");
    let lines: String =
        (0..200_000).map(|i| format!("Le chat numéro {i} dort sur le canapé rouge du salon.\n")).collect();
    fs::write(&long, lines).expect("written");
    let target = dir.path().join("out.txt");
    let mut child = fr2en().arg(&long).arg("-o").arg(&target).stderr(Stdio::piped()).spawn().expect("starts");
    std::thread::sleep(std::time::Duration::from_secs(3));
    let sent = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().expect("sent");
    assert!(sent.success());
    assert_eq!(child.wait().expect("ends").code(), Some(130));
    assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1, "nothing but the source");
}

#[test]
fn an_endless_sentence_is_cut_and_stays_complete() {
    let words = "le vieux jardin dort sous la pluie et la rivière coule vers la mer ".repeat(400);
    let out = run(NO_ARGS, format!("{words}\n").as_bytes());
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(text(&out.stdout).lines().count(), 1);
    assert!(text(&out.stdout).len() > words.len() / 3, "{} of {}", out.stdout.len(), words.len());
}

#[test]
fn markup_stays_and_records_keep_their_other_fields() {
    let dir = tempfile::tempdir().expect("a directory");
    let page = dir.path().join("page.html");
    fs::write(&page, "<html lang=\"fr\"><p class=x>Le <b>chat</b> dort.</p><script>let a = 'été';</script></html>")
        .expect("written");
    let english = run(&[&page], b"");
    let english = text(&english.stdout);
    assert!(english.starts_with("<html lang=\"en\"><p class=x>"), "{english}");
    assert!(english.contains("<b>") && english.contains("</b>"), "{english}");
    assert!(english.ends_with("<script>let a = 'été';</script></html>"), "{english}");

    let rows = dir.path().join("rows.jsonl");
    fs::write(&rows, "{\"id\": 1, \"corps\": \"Le chat dort.\", \"n\": [1.50]}\n{\"id\": 2}\n").expect("written");
    let out =
        run(&["--field".as_ref(), "corps".as_ref(), "--into".as_ref(), "text_en".as_ref(), rows.as_os_str()], b"");
    let first = text(&out.stdout).lines().next().expect("a line").to_owned();
    assert!(first.contains("\"corps\": \"Le chat dort.\"") && first.contains("[1.50]"), "{first}");
    let row: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    assert!(row["text_en"].as_str().expect("a text").contains("cat"), "{first}");
}

#[test]
fn the_doctor_says_what_would_be_used_and_why() {
    let out = run(&["doctor", "--device", "cpu", "--beam", "2"], b"");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let report = text(&out.stdout);
    for line in ["fr2en ", "system ", "processor ", "model ", "would use ", "settings ", "FR2EN_OFFLINE=1"] {
        assert!(report.contains(line), "{line}: {report}");
    }
    assert!(report.contains("cpu int8 (") && report.contains("as asked for"), "{report}");

    let out = run(&["doctor", "--json"], b"");
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["system"]["cores"].as_u64().expect("a number") > 0);
    assert!(report["model"]["weights"].as_str().expect("a path").contains("model.safetensors"));
    for gpu in ["cuda", "metal"] {
        let none = report[gpu]["devices"].as_array().expect("a list").is_empty();
        assert_eq!(none, report[gpu]["none_because"].is_string(), "{report}");
    }
    let choice = &report["choice"];
    assert!(choice["device"].is_string() && choice["batch_tokens"].as_u64() > Some(0), "{choice}");
}

#[test]
fn the_doctor_names_what_cannot_work() {
    let out = run(&["doctor", "--model", "nobody/nothing"], b"");
    assert_eq!(out.status.code(), Some(1));
    let report = text(&out.stdout);
    assert!(report.contains("nobody/nothing is not in") && report.contains("would use  nothing"), "{report}");
    let out = fr2en().args(["doctor"]).env("HF_TOKEN", "secret").output().expect("it runs");
    assert!(text(&out.stdout).contains("HF_TOKEN=(set)") && !text(&out.stdout).contains("secret"));
}

#[test]
#[cfg(not(feature = "cuda"))]
fn a_build_without_cuda_says_how_to_get_one() {
    for device in ["cuda", "cuda:1", "cuda:0,1"] {
        let out = run(&["--device", device], b"");
        assert_eq!(out.status.code(), Some(2));
        let errors = text(&out.stderr);
        assert!(errors.contains("cargo build --release --features cuda"), "{errors}");
    }
    let out = run(&["--device", "cuda:0,x"], b"");
    assert!(text(&out.stderr).contains("no CUDA device is called 'x'"), "{}", text(&out.stderr));
}

#[test]
fn the_size_of_batches_changes_nothing() {
    let source = "Le chat dort. Bonjour le monde. Où est la gare ?\n";
    let expected = run(&["--batch-tokens", "auto"], source.as_bytes());
    assert!(expected.status.success(), "{}", text(&expected.stderr));
    let other = run(&["--batch-tokens", "8"], source.as_bytes());
    assert_eq!(text(&other.stdout), text(&expected.stdout));
    assert_eq!(run(&["--batch-tokens", "many"], b"").status.code(), Some(2));
}

#[test]
fn sentences_stand_beside_their_translations() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("a.md");
    fs::write(&file, "# Un titre\n\nLe *chat* dort. Il rêve.\n").expect("written");
    let out = run(&["--bilingual".as_ref(), "tsv".as_ref(), file.as_os_str()], b"");
    let rows: Vec<Vec<&str>> = text(&out.stdout).lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 4);
    assert_eq!((rows[0][0], rows[1][0], rows[2][0], rows[3][0]), ("source", "Un titre", "Le chat dort.", "Il rêve."));
    assert!(rows[1..].iter().all(|row| row.len() == 3 && row[2].parse::<f32>().is_ok_and(|score| score <= 0.0)));
    let args = ["--bilingual".as_ref(), "tmx".as_ref(), "--out-dir".as_ref(), dir.path().as_os_str(), file.as_os_str()];
    assert!(run(&args, b"").status.success());
    assert!(dir.path().join("a.md.tmx").is_file());
    assert_eq!(run(&["--bilingual", "pdf"], b"").status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn what_stood_before_the_output_stays_before_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (source, log, link) = (dir.path().join("a.txt"), dir.path().join("log"), dir.path().join("link"));
    fs::write(&source, "Bonjour.\n").expect("written");
    std::os::unix::fs::symlink("/proc/self/fd/1", &link).expect("linked");
    for output in [Path::new("/dev/stdout"), &link, &log] {
        fs::write(&log, "header\n").expect("written");
        let open = fs::OpenOptions::new().append(true).open(&log).expect("opened");
        let out = fr2en().arg(&source).arg("-o").arg(output).stdout(open).output().expect("ran");
        assert!(out.status.success(), "{}", text(&out.stderr));
        let log = fs::read_to_string(&log).expect("there");
        assert!(log.starts_with("header\n") && log.lines().count() == 2, "{log}");
    }
    assert!(link.is_symlink());
}

#[test]
fn outputs_that_cannot_stand_beside_each_other_are_wrong_usage() {
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["a.txt", "b.txt", "g.tsv"] {
        fs::write(dir.path().join(name), "Bonjour.\n").expect("written");
    }
    let wrong: [(&[&str], &str); 9] = [
        (&["a.txt", "-o", "x", "--report", "x"], "--report"),
        (&["a.txt", "--report", "a.txt"], "--report"),
        (&["a.txt", "-o", "./a.txt"], "the input a.txt"),
        (&["a.txt", "--out-dir", "."], "the input a.txt"),
        (&["a.txt", "--glossary", "g.tsv", "-o", "g.tsv"], "--glossary"),
        (&["a.txt", "--memory", "m", "-o", "m"], "--memory"),
        (&["a.txt", "--report", "-"], "--report"),
        (&["a.txt", "b.txt", "--bilingual", "tmx"], "--out-dir"),
        (&["batch", "a.txt", "-o", "x", "--report", "a.txt"], "--report"),
    ];
    for (args, named) in wrong {
        let out = fr2en().args(args).current_dir(dir.path()).output().expect("ran");
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", text(&out.stderr));
        assert!(text(&out.stderr).contains(named) && out.stdout.is_empty(), "{args:?}: {}", text(&out.stderr));
    }
    assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 3);
    assert_eq!(fs::read_to_string(dir.path().join("a.txt")).expect("there"), "Bonjour.\n");
}

#[test]
fn the_report_names_what_could_not_be_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let (rows, report) = (dir.path().join("rows.jsonl"), dir.path().join("report.json"));
    fs::write(&rows, "{\"text\":\"Bonjour.\"}\nbroken\n").expect("written");
    for more in [&[][..], &["--bilingual", "tsv", "--out-dir", "."]] {
        let mut command = fr2en();
        command.args(more).arg(&rows).arg("missing.txt").arg("--report").arg(&report).current_dir(dir.path());
        let out = command.output().expect("ran");
        assert_eq!(out.status.code(), Some(1));
        assert!(text(&out.stderr).contains("rows.jsonl: line 2"), "{}", text(&out.stderr));
        let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).expect("written")).expect("JSON");
        assert_eq!(report["totals"]["documents_failed"], 1);
        let errors = |name: &str| {
            let documents = report["documents"].as_array().expect("a list");
            let found = documents.iter().find(|d| d["name"].as_str().is_some_and(|n| n.ends_with(name)));
            found.expect("an entry")["errors"].as_array().map_or(0, Vec::len)
        };
        assert_eq!((errors("missing.txt"), errors("rows.jsonl")), (1, 1));
    }
}
