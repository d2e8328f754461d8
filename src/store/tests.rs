use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::error::ErrorKind;

/// A directory with all files of a model, small and of the right shape.
pub(super) fn make_model(directory: &Path) {
    fs::create_dir_all(directory).unwrap();
    for (name, bytes) in model_files() {
        fs::write(directory.join(name), bytes).unwrap();
    }
}

pub(super) fn model_files() -> Vec<(&'static str, Vec<u8>)> {
    let header = br#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let mut weights = (header.len() as u64).to_le_bytes().to_vec();
    weights.extend(header);
    weights.extend([1; 8]);
    vec![
        ("config.json", br#"{"model_type": "marian", "d_model": 2}"#.to_vec()),
        ("generation_config.json", b"{}".to_vec()),
        ("model.safetensors", weights),
        ("source.spm", b"source pieces".to_vec()),
        ("target.spm", b"target pieces".to_vec()),
        ("vocab.json", br#"{"</s>": 0}"#.to_vec()),
    ]
}

fn error_of(directory: &Path) -> String {
    let error = directory::open(directory, "x".into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Model, "{error}");
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn specs_are_read_as_they_are_meant() {
    let hub = |name: &str, revision: Option<&str>| ModelSpec::Hub {
        name: name.into(),
        revision: revision.map(str::to_owned),
    };
    let directory = |path: &str| ModelSpec::Directory(PathBuf::from(path));
    for (text, spec) in [
        ("bundled", ModelSpec::Bundled),
        (BUNDLED, ModelSpec::Bundled),
        ("Helsinki-NLP/opus-mt-fr-en", hub("Helsinki-NLP/opus-mt-fr-en", None)),
        ("a/b@refs/pr/4", hub("a/b", Some("refs/pr/4"))),
        ("./a/b", directory("./a/b")),
        ("/a/b", directory("/a/b")),
        ("../a", directory("../a")),
        // A directory that exists wins over a name on the hub.
        ("src/store", directory("src/store")),
    ] {
        assert_eq!(ModelSpec::parse(text).unwrap(), spec, "{text}");
    }
    for text in ["", "nonsense", "a/b/c", "a/..", "a/b@", "a/b@../../x", "a/b@/etc", "a b/c", "http://x/y", "a/b@x\n"] {
        let error = ModelSpec::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Settings, "{text}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn a_whole_directory_opens() {
    let directory = tempfile::tempdir().unwrap();
    make_model(directory.path());
    let files = open(&ModelSpec::Directory(directory.path().into()), &StoreSettings::default(), &()).unwrap();
    assert_eq!(&files.target_spm[..], b"target pieces");
    assert!(files.weights.is_file() && files.target_vocab.is_none());
    assert_eq!(files.iter().count(), 6);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_dangling_ones_named() {
    let (real, linked) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    make_model(real.path());
    for (name, _) in model_files() {
        std::os::unix::fs::symlink(real.path().join(name), linked.path().join(name)).unwrap();
    }
    directory::open(linked.path(), "x".into()).unwrap();
    fs::remove_file(real.path().join("generation_config.json")).unwrap();
    assert!(error_of(linked.path()).contains("generation_config.json: a link to nothing"));
}

#[test]
fn a_file_that_is_missing_is_named() {
    for name in ["config.json", "source.spm", "target.spm", "vocab.json", "model.safetensors"] {
        let directory = tempfile::tempdir().unwrap();
        make_model(directory.path());
        fs::remove_file(directory.path().join(name)).unwrap();
        let text = error_of(directory.path());
        assert!(text.contains(&format!("{name}: missing")), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_right_is_named() {
    let safetensors = model_files().into_iter().find(|(name, _)| *name == "model.safetensors").unwrap().1;
    let huge = u64::MAX.to_le_bytes().to_vec();
    for (name, bytes, says) in [
        ("vocab.json", &b""[..], "empty"),
        ("source.spm", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        ("model.safetensors", &safetensors[..safetensors.len() - 1], "cut off"),
        ("model.safetensors", &safetensors[..20], "cut off"),
        ("model.safetensors", &safetensors[..4], "damaged"),
        ("model.safetensors", &huge, "damaged"),
        ("config.json", br#"{"model_type": "bert"}"#, "model_type is \"bert\""),
        ("config.json", b"{}", "no model_type"),
        ("config.json", b"[1,2]", "no model_type"),
        ("config.json", b"{", "not JSON"),
        ("config.json", &[0xff; 10], "not JSON"),
        ("config.json", &[b' '; 2 << 20], "too many"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        make_model(directory.path());
        fs::write(directory.path().join(name), bytes).unwrap();
        let text = error_of(directory.path());
        assert!(text.contains(name) && text.contains(says), "{text}");
    }
}

#[test]
fn torch_weights_are_taken_where_there_is_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    make_model(directory.path());
    fs::remove_file(directory.path().join("model.safetensors")).unwrap();
    let torch = directory.path().join("pytorch_model.bin");
    fs::write(&torch, b"PK\x03\x04 some entries PK\x05\x06 the end").unwrap();
    let files = directory::open(directory.path(), "x".into()).unwrap();
    assert_eq!(files.weights.path(), torch);
    assert!(files.iter().any(|(name, _)| name == "pytorch_model.bin"));
    fs::write(&torch, b"PK\x03\x04 some entries").unwrap();
    assert!(error_of(directory.path()).contains("pytorch_model.bin: cut off"));
    fs::write(&torch, b"\x80\x02 an old pickle").unwrap();
    assert!(error_of(directory.path()).contains("convert it to safetensors"));
}

#[test]
fn what_is_no_directory_is_said_so() {
    let directory = tempfile::tempdir().unwrap();
    assert!(error_of(&directory.path().join("none")).contains("no such directory"));
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(error_of(&file).contains("not a directory"));
    make_model(directory.path());
    fs::remove_file(directory.path().join("vocab.json")).unwrap();
    fs::create_dir(directory.path().join("vocab.json")).unwrap();
    assert!(error_of(directory.path()).contains("vocab.json: not a file"));
}

#[cfg(feature = "bundled")]
#[test]
fn the_bundled_model_is_what_its_manifest_says() {
    let checked = verify(&ModelSpec::Bundled, &StoreSettings::default()).unwrap();
    assert_eq!(checked.len(), bundled().unwrap().iter().count());
    for file in checked {
        assert!(file.is_good() && file.expected.is_some(), "{file:?}: run scripts/manifest.py");
    }
    let files = bundled().unwrap();
    assert_eq!(files.weights.as_ptr() as usize % 64, 0);
    let shown = show(&ModelSpec::Bundled, &StoreSettings::default()).unwrap();
    assert!(shown.card.is_some() && shown.network.iter().any(|(key, _)| key == "d_model"));
    assert!(path(&ModelSpec::Bundled, &StoreSettings::default()).is_err());
}

#[test]
fn variables_say_where_the_cache_is() {
    let settings = |variables: &[(&str, &str)]| {
        StoreSettings::from_variables(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
        })
    };
    let cache = |variables: &[(&str, &str)]| settings(variables).cache;
    assert_eq!(cache(&[("HOME", "/h")]), Path::new("/h/.cache/huggingface/hub"));
    assert_eq!(cache(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]), Path::new("/x/huggingface/hub"));
    assert_eq!(cache(&[("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/f")]), Path::new("/f/hub"));
    assert_eq!(cache(&[("HF_HOME", "/f"), ("HF_HUB_CACHE", "/c")]), Path::new("/c"));
    assert_eq!(cache(&[("HF_HUB_CACHE", ""), ("HF_HOME", "/f")]), Path::new("/f/hub"));
    assert!(settings(&[("HF_HUB_OFFLINE", "1")]).offline && settings(&[("HF_HUB_OFFLINE", "True")]).offline);
    assert!(!settings(&[("HF_HUB_OFFLINE", "0")]).offline && !settings(&[]).offline);
    assert_eq!(settings(&[("HF_ENDPOINT", "http://x")]).endpoint.as_deref(), Some("http://x"));
}

#[test]
fn a_manifest_beside_a_directory_is_held_against_it() {
    let directory = tempfile::tempdir().unwrap();
    make_model(directory.path());
    let spec = ModelSpec::Directory(directory.path().into());
    let settings = StoreSettings::default();
    assert!(verify(&spec, &settings).unwrap().iter().all(|file| file.is_good() && file.expected.is_none()));
    let mut manifest = manifest::Manifest { name: "x".into(), ..Default::default() };
    for (name, bytes) in model_files() {
        manifest.files.insert(name.into(), manifest::Record::of(&bytes));
    }
    fs::write(directory.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    assert!(verify(&spec, &settings).unwrap().iter().all(|file| file.is_good() && file.expected.is_some()));
    fs::write(directory.path().join("source.spm"), b"source Pieces").unwrap();
    fs::remove_file(directory.path().join("vocab.json")).unwrap();
    let bad: Vec<_> = verify(&spec, &settings).unwrap().into_iter().filter(|file| !file.is_good()).collect();
    assert_eq!(bad.iter().map(|file| file.file.as_str()).collect::<Vec<_>>(), ["source.spm", "vocab.json"]);
}

/// A model that another program fetched: no record of fr2en's.
#[test]
fn what_others_fetched_is_found_offline() {
    let cache = tempfile::tempdir().unwrap();
    let settings = StoreSettings { cache: cache.path().into(), offline: true, ..StoreSettings::default() };
    let spec = ModelSpec::parse("some/model").unwrap();
    let error = open(&spec, &settings, &()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Hub);
    assert!(error.to_string().contains("models pull some/model"), "{error}");

    let folder = cache.path().join("models--some--model");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    make_model(&folder.join("snapshots").join(commit));
    fs::create_dir_all(folder.join("refs")).unwrap();
    fs::write(folder.join("refs/main"), commit).unwrap();
    assert_eq!(open(&spec, &settings, &()).unwrap().name, "some/model");
    let named = ModelSpec::parse(&format!("some/model@{commit}")).unwrap();
    open(&named, &settings, &()).unwrap();
    let listed = list(&settings).unwrap();
    let place = &listed.iter().find(|model| model.name == "some/model").unwrap().place;
    assert_eq!(*place, inventory::Place::Cached { commit: commit.into(), checked: false });

    // A file short of whole is not taken for a model.
    fs::remove_file(folder.join("snapshots").join(commit).join("vocab.json")).unwrap();
    assert_eq!(open(&spec, &settings, &()).unwrap_err().kind(), ErrorKind::Hub);
}

#[test]
fn a_damaged_record_is_an_error_and_leads_nowhere_else() {
    let cache = tempfile::tempdir().unwrap();
    let settings = StoreSettings { cache: cache.path().into(), offline: true, ..StoreSettings::default() };
    let folder = cache.path().join("models--some--model");
    fs::create_dir_all(&folder).unwrap();
    for text in ["{", r#"{"revisions": {"": "../../.."}, "commits": {}}"#] {
        fs::write(folder.join("fr2en.json"), text).unwrap();
        let error = open(&ModelSpec::parse("some/model").unwrap(), &settings, &()).unwrap_err();
        assert!(error.to_string().contains("fr2en.json: damaged"), "{error}");
    }
}
