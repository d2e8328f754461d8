//! Models of the hub that fr2en knows by name, and what names may look like.

/// A model that fr2en knows by name.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// `organisation/name`.
    pub name: &'static str,
    /// Where to look, in this order, while no commit is pinned.
    pub revisions: &'static [&'static str],
    /// What it is, in a few words.
    pub about: &'static str,
    pub licence: &'static str,
}

/// The models that `fr2en models list` offers. Their commits are pinned when they are first fetched.
pub const KNOWN: &[Known] = &[
    Known {
        name: "Helsinki-NLP/opus-mt-fr-en",
        // Only the pull request has the weights as safetensors.
        revisions: &["refs/pr/4", MAIN],
        about: "base size, 75 million parameters",
        licence: "Apache-2.0",
    },
    Known {
        name: "Helsinki-NLP/opus-mt-tc-big-fr-en",
        revisions: &[MAIN],
        about: "big, 230 million parameters, better and slower",
        licence: "CC-BY-4.0",
    },
];

const MAIN: &str = "main";

/// The model of that name.
pub fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// Where to look for a model of which no revision was asked for.
pub fn revisions(name: &str) -> &'static [&'static str] {
    find(name).map_or(&[MAIN], |known| known.revisions)
}

/// Whether this is `organisation/name` as the hub allows it; nothing that could leave a directory.
pub(super) fn is_model_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 96
            && !part.starts_with(['.', '-'])
            && !part.contains("..")
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    name.split_once('/').is_some_and(|(organisation, name)| part(organisation) && part(name))
}

/// Whether this may name a branch, a tag, a reference or a commit; nothing that could leave a directory.
pub(super) fn is_revision(revision: &str) -> bool {
    !revision.is_empty()
        && revision.len() <= 200
        && revision.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains(".."))
        && revision.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
}

/// Whether this is a commit.
pub(super) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}
