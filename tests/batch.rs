//! `fr2en batch` as its users run it: interrupted, killed, twice at a time, line by line.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn fr2en(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fr2en"));
    // No one's own settings, and no network.
    command.env_clear().env("FR2EN_CONFIG", "").env("FR2EN_OFFLINE", "1").args(args);
    command
}

fn batch(input: &Path, output: &Path, more: &[&str]) -> Command {
    let mut command = fr2en(&["batch", "--quiet", "--beam", "1"]);
    command.arg(input).arg("-o").arg(output).args(more).stderr(Stdio::piped());
    command
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").arg(signal).arg(child.id().to_string()).status().expect("sent");
    assert!(sent.success());
}

/// Different rows, so that every one has to be translated.
fn rows(path: &Path, count: usize) {
    let sentences = include_str!("data/sentences.fr.txt").lines().cycle();
    let row = |(i, text): (usize, &str)| format!("{}\n", serde_json::json!({"id": i, "text": format!("{i} : {text}")}));
    fs::write(path, (0..count).zip(sentences).map(row).collect::<String>()).expect("written");
}

#[test]
fn killed_again_and_again_a_job_comes_out_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    rows(&path("rows.jsonl"), 1000);
    let start = std::time::Instant::now();
    let whole = batch(&path("rows.jsonl"), &path("whole.jsonl"), &[]).output().expect("ran");
    assert!(whole.status.success(), "{whole:?}");
    let usual = start.elapsed();
    let memory = path("memory").to_string_lossy().into_owned();
    for part in [0.3, 0.5, 0.2, 0.6] {
        let mut child = batch(&path("rows.jsonl"), &path("out.jsonl"), &["--memory", &memory]).spawn().expect("starts");
        std::thread::sleep(usual.mul_f64(part));
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    let last = batch(&path("rows.jsonl"), &path("out.jsonl"), &["--memory", &memory]).output().expect("ran");
    assert!(last.status.success(), "{last:?}");
    assert!(fs::read(path("whole.jsonl")).expect("read") == fs::read(path("out.jsonl")).expect("read"));
    let left = fs::read_dir(dir.path()).expect("listed").filter_map(Result::ok).map(|e| e.file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().contains("part")));
}

#[test]
fn a_signal_ends_the_work_in_hand_and_a_second_process_is_told_to_wait() {
    let dir = tempfile::tempdir().expect("a directory");
    let (input, output) = (dir.path().join("rows.jsonl"), dir.path().join("out.jsonl"));
    // More than is done before the signal comes, on a machine that has other work as well.
    rows(&input, 20_000);
    let mut child = batch(&input, &output, &["--log-format", "json"]).spawn().expect("starts");
    // The first progress says that it works, and that something is committed.
    let mut log = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("\"progress\"") {
        line.clear();
        assert!(log.read_line(&mut line).expect("read") > 0, "it ended early");
    }
    let progress: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert!(progress["words_per_second"].as_f64().expect("a number") > 0.0);
    let second = batch(&input, &output, &[]).output().expect("ran");
    assert_eq!(second.status.code(), Some(75), "{second:?}");
    send(&child, "-TERM");
    assert_eq!(child.wait().expect("ends").code(), Some(75));
    assert!(!output.exists());
    let rest: Vec<String> = log.lines().map_while(Result::ok).collect();
    assert!(rest.iter().any(|line| line.contains("the same command goes on")), "{rest:?}");
    let changed = batch(&input, &output, &["--beam", "2"]).output();
    let changed = changed.expect("ran");
    assert_eq!(changed.status.code(), Some(2), "{changed:?}");
}

#[test]
fn lines_are_answered_one_by_one_without_waiting_for_more() {
    let mut child = fr2en(&["batch", "--stdin-jsonl", "--beam", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("piped");
    let mut answers = BufReader::new(child.stdout.take().expect("piped")).lines();
    for (line, expected) in [
        ("{\"id\":1,\"text\":\"Le chat dort.\"}", "{\"id\":1,\"text\":"),
        ("{\"id\":\"b\"}", "{\"id\":\"b\",\"error\":"),
        ("", ""),
        ("{\"id\":3,\"text\":\"Bonjour.\"}", "{\"id\":3,\"text\":"),
    ] {
        writeln!(input, "{line}").expect("written");
        let answer = answers.next().expect("an answer").expect("text");
        assert!(answer.starts_with(expected), "{answer}");
    }
    // Every line has its answer.
    send(&child, "-TERM");
    assert_eq!(child.wait().expect("ends").code(), Some(1));

    let mut child =
        fr2en(&["batch", "--stdin-jsonl"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    child.stdin.take().expect("piped").write_all(b"{\"id\":1,\"text\":\"\"}\nno\n").expect("written");
    assert_eq!(child.wait_with_output().expect("ends").status.code(), Some(1));
}

#[test]
fn a_memory_changes_nothing_but_the_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let article = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/article.fr.txt");
    let memory = dir.path().join("memory").to_string_lossy().into_owned();
    let translate = |more: &[&str]| {
        let out = fr2en(more).arg("-v").arg(&article).output().expect("ran");
        assert!(out.status.success(), "{out:?}");
        (out.stdout, String::from_utf8(out.stderr).expect("text"))
    };
    let (without, _) = translate(&[]);
    // How many of the sentences asked for were in the memory.
    let rate = |said: &str| {
        let line = said.lines().find(|l| l.contains("in the memory")).expect("the hit rate");
        let numbers: Vec<u32> = line.split(' ').filter_map(|w| w.parse().ok()).collect();
        (numbers[0], numbers[1])
    };
    let (first, said) = translate(&["--memory", &memory]);
    // A second try at a segment may ask for a piece that another has asked for before.
    let (found, asked) = rate(&said);
    assert!(found < asked / 2, "{said}");
    let (second, said) = translate(&["--memory", &memory]);
    let (found, asked) = rate(&said);
    assert_eq!(found, asked, "{said}");
    assert!(without == first && without == second);
}

#[test]
fn what_makes_no_sense_is_wrong_usage() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = dir.path().join("a.txt");
    fs::write(&input, "Bonjour.\n").expect("written");
    let output = dir.path().join("b.txt");
    for more in [&["--shard", "3/2"][..], &["--shard", "1/2"], &["--glob", "a{b"], &["--memory-limit", "1G"]] {
        let out = batch(&input, &output, more).output().expect("ran");
        assert_eq!(out.status.code(), Some(2), "{more:?}: {out:?}");
    }
    assert_eq!(fr2en(&["batch"]).output().expect("ran").status.code(), Some(2));
    assert!(!output.exists());
}

#[test]
fn a_directory_without_anything_to_do_is_no_success_in_silence() {
    let dir = tempfile::tempdir().expect("a directory");
    let (input, output) = (dir.path().join("in"), dir.path().join("out"));
    fs::create_dir(&input).expect("made");
    fs::write(input.join("lettre.fr"), "Bonjour.\n").expect("written");
    let run = |more: &[&str]| {
        let mut command = fr2en(&["batch", "--beam", "1"]);
        let out = command.arg(&input).arg("--out-dir").arg(&output).args(more).output().expect("ran");
        assert!(out.status.success(), "{out:?}");
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    assert!(run(&[]).contains("--glob"));
    assert!(run(&["--glob", "*.xyz"]).contains("--glob leaves no file"));
    assert_eq!(run(&["--quiet"]), "");
    assert_eq!(run(&["--glob", "*.fr", "--restart"]), "");
    assert!(output.join("lettre.fr").exists());
}

#[test]
fn what_is_no_plain_file_is_no_output_of_a_job() {
    let dir = tempfile::tempdir().expect("a directory");
    let (input, link) = (dir.path().join("a.txt"), dir.path().join("link"));
    fs::write(&input, "Bonjour.\n").expect("written");
    std::os::unix::fs::symlink("/dev/null", &link).expect("linked");
    let out = batch(&input, &link, &[]).output().expect("ran");
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(link.is_symlink() && fs::read_dir(dir.path()).expect("listed").count() == 2);
}
