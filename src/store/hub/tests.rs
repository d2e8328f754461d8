//! Against a hub of our own on the loopback interface, which can misbehave in every way that matters.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::super::tests::model_files;
use super::super::{ModelSpec, open, verify};
use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const LATER: &str = "89abcdef0123456789abcdef0123456789abcdef";
const NAME: &str = "some/model";

/// What goes wrong with a file, how often (`usize::MAX`: always).
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The connection breaks off after half of it.
    Half,
    /// One bit is wrong.
    Bit,
    /// Status 500, to GET only.
    Status,
    /// No answer at all.
    Silence,
}

#[derive(Default)]
struct State {
    files: Vec<(String, Vec<u8>)>,
    /// Commits by revision.
    revisions: HashMap<String, &'static str>,
    faults: HashMap<String, (Fault, usize)>,
    /// Answered to everything, if it is not 0.
    status: u16,
    requests: Vec<String>,
}

struct FakeHub {
    address: String,
    state: Arc<Mutex<State>>,
}

impl FakeHub {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let files = model_files().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        let revisions = HashMap::from([("main".to_owned(), COMMIT)]);
        let state = Arc::new(Mutex::new(State { files, revisions, ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || answer(stream, &state));
            }
        });
        Self { address, state }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    fn fault(&self, file: &str, fault: Fault, times: usize) {
        self.change(|state| {
            state.faults.insert(file.to_owned(), (fault, times));
        });
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    /// Settings with a cache of their own.
    fn settings(&self) -> (tempfile::TempDir, StoreSettings) {
        let cache = tempfile::tempdir().unwrap();
        let settings = StoreSettings {
            cache: cache.path().join("hub"),
            endpoint: Some(self.address.clone()),
            patience: Duration::from_secs(20),
            retry_delay: Duration::from_millis(1),
            ..StoreSettings::default()
        };
        (cache, settings)
    }
}

fn answer(stream: TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    while lines.next().is_some_and(|line| !line.is_empty()) {}
    let (method, path) = request.split_once(' ').unwrap();
    let path = path.split(' ').next().unwrap().split('?').next().unwrap().replace("%2F", "/");
    let mut state = state.lock().unwrap();
    state.requests.push(format!("{method} {path}"));
    let (status, headers, body) = respond(&mut state, method, &path);
    drop(state);
    if status == 0 {
        std::thread::sleep(Duration::from_secs(5));
        return;
    }
    let mut out = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    if !headers.to_lowercase().contains("content-length") {
        out.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut out = format!("{out}{headers}\r\n").into_bytes();
    if method != "HEAD" {
        out.extend(body);
    }
    let _ = (&stream).write_all(&out);
}

/// Status, further headers, body.
fn respond(state: &mut State, method: &str, path: &str) -> (u16, String, Vec<u8>) {
    let lacking = || (404, String::new(), b"{\"error\": \"not found\"}".to_vec());
    if state.status != 0 {
        return (state.status, String::new(), b"a page\nof several lines".to_vec());
    }
    if let Some(revision) = path.strip_prefix(&format!("/api/models/{NAME}/revision/")) {
        let Some(commit) = state.revisions.get(revision) else { return lacking() };
        return (200, String::new(), format!(r#"{{"id": "{NAME}", "sha": "{commit}"}}"#).into_bytes());
    }
    if path.starts_with(&format!("/api/models/{NAME}/tree/")) {
        let entries: Vec<String> = state
            .files
            .iter()
            .map(|(name, bytes)| {
                let size = bytes.len();
                let sha256 = Record::of(bytes).sha256;
                // The hub says `oid`, not `sha256`, of a file in large-file storage.
                let (oid, lfs) = if is_large(name) {
                    let lfs = format!(r#", "lfs": {{"oid": "{sha256}", "size": {size}, "pointerSize": 100}}"#);
                    ("0".repeat(40), lfs)
                } else {
                    (git_name_of(bytes), String::new())
                };
                format!(r#"{{"type": "file", "oid": "{oid}", "size": {size}, "path": "{name}"{lfs}}}"#)
            })
            .collect();
        return (200, String::new(), format!("[{}]", entries.join(",")).into_bytes());
    }
    let Some(rest) = path.strip_prefix(&format!("/{NAME}/resolve/")) else { return lacking() };
    let (commit, file) = rest.split_once('/').unwrap();
    let Some((name, bytes)) = state.files.iter().find(|(name, _)| name == file).cloned() else { return lacking() };
    let tag = if is_large(&name) { Record::of(&bytes).sha256 } else { git_name_of(&bytes) };
    let length = bytes.len();
    let mut headers = format!("ETag: \"{tag}\"\r\nX-Repo-Commit: {commit}\r\nContent-Length: {length}\r\n");
    let mut body = bytes;
    if method == "GET"
        && let Some((fault, times)) = state.faults.get_mut(&name)
        && *times > 0
    {
        *times = times.saturating_sub(1);
        match fault {
            Fault::Half => body.truncate(length / 2),
            Fault::Bit => body[length / 2] ^= 1,
            Fault::Status => return (500, String::new(), b"an error page".to_vec()),
            Fault::Silence => return (0, String::new(), Vec::new()),
        }
    }
    if is_large(&name) {
        headers.push_str(&format!("X-Linked-Etag: \"{tag}\"\r\nX-Linked-Size: {length}\r\n"));
    }
    (200, headers, body)
}

fn is_large(name: &str) -> bool {
    !name.ends_with(".json")
}

fn git_name_of(bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("x"), bytes).unwrap();
    git_name(&directory.path().join("x")).unwrap()
}

fn spec() -> ModelSpec {
    ModelSpec::parse(NAME).unwrap()
}

fn message(result: Result<impl Sized>) -> String {
    let Err(error) = result else { panic!("it went well") };
    assert_eq!(error.kind(), ErrorKind::Hub, "{error}");
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

/// Every file below a directory that is no link, with its path from there.
fn files_below(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()).into_iter().map(|below| format!("{name}/{below}")));
        } else {
            files.push(name);
        }
    }
    files.sort();
    files
}

#[derive(Default)]
struct Heard {
    lines: Mutex<Vec<String>>,
    stop: bool,
}

impl PullProgress for Heard {
    fn start(&self, model: &str, files: usize, bytes: u64) {
        self.lines.lock().unwrap().push(format!("{model} {files} {bytes}"));
    }

    fn advance(&self, file: &str, done: u64, total: u64) -> bool {
        self.lines.lock().unwrap().push(format!("{file} {done}/{total}"));
        !self.stop
    }

    fn finish(&self) {
        self.lines.lock().unwrap().push("finished".into());
    }
}

#[test]
fn git_names_are_gits() {
    assert_eq!(git_name_of(b""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert_eq!(git_name_of(b"hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
}

#[test]
fn a_good_pull_is_whole_pinned_and_needs_no_hub_again() {
    let hub = FakeHub::new();
    let (_cache, mut settings) = hub.settings();
    let heard = Heard::default();
    let files = open(&spec(), &settings, &heard).unwrap();
    for (name, blob) in files.iter() {
        let (_, bytes) = model_files().into_iter().find(|(file, _)| *file == name).unwrap();
        assert_eq!(blob[..], bytes, "{name}");
    }
    let lines = heard.lines.into_inner().unwrap();
    let total: usize = model_files().iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(lines.first().unwrap(), &format!("{NAME} 6 {total}"));
    let size = model_files().iter().find(|(name, _)| *name == "model.safetensors").unwrap().1.len();
    assert!(lines.contains(&format!("model.safetensors {size}/{size}")), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "finished");
    assert!(!hub.requests().is_empty());

    // Neither opening nor pulling again asks the hub anything.
    open(&spec(), &settings, &()).unwrap();
    super::super::pull(&spec(), false, &settings, &()).unwrap();
    settings.offline = true;
    open(&spec(), &settings, &()).unwrap();
    assert_eq!(hub.requests(), [""; 0]);
    let checked = verify(&spec(), &settings).unwrap();
    assert!(checked.len() == 6 && checked.iter().all(|file| file.is_good() && file.expected.is_some()));
    let path = super::super::path(&spec(), &settings).unwrap();
    assert!(path.ends_with(format!("models--some--model/snapshots/{COMMIT}")));
}

#[test]
fn a_transfer_that_breaks_off_leaves_nothing_half_made() {
    for file in ["model.safetensors", "vocab.json"] {
        let hub = FakeHub::new();
        let (_cache, settings) = hub.settings();
        hub.fault(file, Fault::Half, usize::MAX);
        let text = message(open(&spec(), &settings, &()));
        assert!(text.contains(file) && text.contains("broke off"), "{text}");
        let folder = cache::folder(&settings, NAME);
        let left = files_below(&folder);
        assert!(left.iter().all(|path| !path.contains("incomplete") && !path.contains(file)), "{left:?}");
        assert!(!left.contains(&"fr2en.json".to_owned()));
        let offline = StoreSettings { offline: true, ..settings.clone() };
        message(open(&spec(), &offline, &()));

        // When the hub is well again, the rest comes.
        hub.change(|state| state.faults.clear());
        open(&spec(), &settings, &()).unwrap();
        open(&spec(), &offline, &()).unwrap();
    }
}

#[test]
fn a_transfer_that_breaks_off_once_is_begun_again() {
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    hub.fault("model.safetensors", Fault::Half, 1);
    open(&spec(), &settings, &()).unwrap();
    let times = hub.requests().iter().filter(|request| *request == &gets("model.safetensors")).count();
    assert_eq!(times, 2);
}

fn gets(file: &str) -> String {
    format!("GET /{NAME}/resolve/{COMMIT}/{file}")
}

#[test]
fn a_wrong_checksum_is_refused_and_not_kept() {
    // In large-file storage and in Git: both have checksums, of different kinds.
    for file in ["model.safetensors", "source.spm", "vocab.json"] {
        let hub = FakeHub::new();
        let (_cache, settings) = hub.settings();
        hub.fault(file, Fault::Bit, usize::MAX);
        let text = message(open(&spec(), &settings, &()));
        assert!(text.contains(file) && text.contains("wrong checksum"), "{text}");
        let folder = cache::folder(&settings, NAME);
        let wrong = |path: &String| path.contains(file) || path.contains("fr2en.json");
        assert!(!files_below(&folder).iter().any(wrong), "{:?}", files_below(&folder));
        for blob in fs::read_dir(folder.join("blobs")).unwrap().flatten() {
            let bytes = fs::read(blob.path()).unwrap();
            assert!(model_files().iter().any(|(_, right)| *right == bytes), "a wrong file was kept");
        }

        hub.change(|state| state.faults.clear());
        hub.fault(file, Fault::Bit, 1);
        open(&spec(), &settings, &()).unwrap();
    }
}

#[test]
fn an_error_page_is_not_taken_for_the_file() {
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    hub.fault("target.spm", Fault::Status, usize::MAX);
    let text = message(open(&spec(), &settings, &()));
    assert!(text.contains("target.spm"), "{text}");
    assert!(!files_below(&cache::folder(&settings, NAME)).iter().any(|path| path.contains("target.spm")));
}

#[test]
fn torch_weights_come_where_there_are_no_others() {
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    hub.change(|state| {
        state.files.retain(|(name, _)| name != "model.safetensors");
        state.files.push(("pytorch_model.bin".into(), b"PK\x03\x04 entries PK\x05\x06 end".to_vec()));
        state.files.push(("tf_model.h5".into(), b"not wanted".to_vec()));
    });
    let files = open(&spec(), &settings, &()).unwrap();
    assert!(files.weights.path().ends_with("pytorch_model.bin"));
    assert!(!hub.requests().iter().any(|request| request.contains("tf_model")));

    // With both there, only one comes.
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    hub.change(|state| state.files.push(("pytorch_model.bin".into(), b"PK\x03\x04 PK\x05\x06".to_vec())));
    open(&spec(), &settings, &()).unwrap();
    assert!(!hub.requests().iter().any(|request| request.contains("pytorch_model")));
}

#[test]
fn a_model_that_lacks_a_file_is_refused_before_anything_comes() {
    for (file, says) in [("vocab.json", "no vocab.json"), ("model.safetensors", "neither model.safetensors nor")] {
        let hub = FakeHub::new();
        let (_cache, settings) = hub.settings();
        hub.change(|state| state.files.retain(|(name, _)| name != file));
        let text = message(open(&spec(), &settings, &()));
        assert!(text.contains(NAME) && text.contains(says), "{text}");
        assert!(!hub.requests().iter().any(|request| request.contains("/resolve/")));
    }
}

#[test]
fn offline_opens_no_connection() {
    let hub = FakeHub::new();
    let (_cache, mut settings) = hub.settings();
    settings.offline = true;
    let text = message(open(&spec(), &settings, &()));
    assert!(text.contains(NAME) && text.contains("switched off"), "{text}");
    message(super::super::pull(&spec(), true, &settings, &()));
    super::super::list(&settings).unwrap();
    assert_eq!(hub.requests(), [""; 0]);
}

#[test]
fn what_the_hub_does_not_have_is_said_so() {
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    let text = message(open(&ModelSpec::parse("no/such").unwrap(), &settings, &()));
    assert!(text.contains("no/such") && text.contains("check the name"), "{text}");
    let text = message(open(&ModelSpec::parse("some/model@nowhere").unwrap(), &settings, &()));
    assert!(text.contains("nowhere"), "{text}");
    hub.change(|state| state.status = 401);
    let text = message(open(&spec(), &settings, &()));
    assert!(text.contains("HF_TOKEN"), "{text}");
}

#[test]
fn a_hub_in_trouble_is_asked_again_and_then_left_alone() {
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    hub.change(|state| state.status = 500);
    let text = message(open(&spec(), &settings, &()));
    assert!(text.contains("500") && text.contains("later"), "{text}");
    let asked = hub.requests().len();
    assert!((2..10).contains(&asked), "{asked} requests");
    hub.change(|state| state.status = 429);
    assert!(message(open(&spec(), &settings, &())).contains("pause"));
}

#[test]
fn a_hub_that_falls_silent_is_left() {
    let hub = FakeHub::new();
    let (_cache, mut settings) = hub.settings();
    hub.fault("model.safetensors", Fault::Silence, usize::MAX);
    settings.patience = Duration::from_millis(700);
    let start = std::time::Instant::now();
    assert!(message(open(&spec(), &settings, &())).contains("said nothing"));
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn no_hub_at_all_is_said_so() {
    let hub = FakeHub::new();
    let (_cache, mut settings) = hub.settings();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    settings.endpoint = Some(format!("http://{closed}"));
    assert!(message(open(&spec(), &settings, &())).contains("cannot reach the hub"));
    settings.endpoint = Some("ftp://example".into());
    assert_eq!(open(&spec(), &settings, &()).unwrap_err().kind(), ErrorKind::Settings);
}

#[test]
fn the_user_may_stop_it() {
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    let heard = Heard { stop: true, ..Heard::default() };
    assert_eq!(open(&spec(), &settings, &heard).unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(heard.lines.into_inner().unwrap().last().unwrap(), "finished");
}

#[test]
fn a_pinned_model_stays_until_it_is_updated() {
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    let pull = |update| super::super::pull(&spec(), update, &settings, &()).unwrap().commit;
    assert_eq!(pull(false), COMMIT);
    hub.change(|state| {
        state.revisions.insert("main".into(), LATER);
        state.files[0].1.push(b' ');
    });
    assert_eq!(pull(false), COMMIT);
    assert_eq!(open(&spec(), &settings, &()).unwrap().config.len(), model_files()[0].1.len());
    assert_eq!(pull(true), LATER);
    assert_eq!(open(&spec(), &settings, &()).unwrap().config.len(), model_files()[0].1.len() + 1);
    // The old one is still there, by its commit.
    open(&ModelSpec::parse(&format!("{NAME}@{COMMIT}")).unwrap(), &settings, &()).unwrap();
}

#[test]
fn a_damaged_cache_is_found_and_mended() {
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    let directory = super::super::pull(&spec(), false, &settings, &()).unwrap().directory;
    // Of the same size: only the checksum tells.
    fs::write(directory.join("target.spm"), b"target Pieces").unwrap();
    let bad: Vec<_> = verify(&spec(), &settings).unwrap().into_iter().filter(|file| !file.is_good()).collect();
    assert!(bad.len() == 1 && bad[0].file == "target.spm", "{bad:?}");
    super::super::pull(&spec(), false, &settings, &()).unwrap();
    assert!(verify(&spec(), &settings).unwrap().iter().all(|file| file.is_good()));

    // Of another size: opening notices by itself.
    fs::write(directory.join("target.spm"), b"target").unwrap();
    let files = open(&spec(), &settings, &()).unwrap();
    assert_eq!(files.target_spm[..], *b"target pieces");
}

#[test]
fn known_models_are_looked_for_where_they_are() {
    let known = known::find("Helsinki-NLP/opus-mt-fr-en").unwrap();
    assert!(known.revisions.len() > 1);
    // The first revision is missing, the second is there.
    let hub = FakeHub::new();
    let (_cache, settings) = hub.settings();
    let revisions: Vec<String> = ["refs/pr/4", "main"].map(str::to_owned).into();
    let (events, _heard) = mpsc::channel();
    let worker = Worker {
        repository: connect(NAME, &settings).unwrap(),
        name: NAME.into(),
        folder: cache::folder(&settings, NAME),
        pins: Pins::default(),
        delay: Duration::ZERO,
        events,
    };
    assert_eq!(worker.resolve(&revisions).unwrap(), COMMIT);
    let asked = hub.requests();
    assert!(asked[0].ends_with("revision/refs/pr/4") && asked[1].ends_with("revision/main"), "{asked:?}");
}
