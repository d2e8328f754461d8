//! What a job has to do: files that were named, and files found in directories, in a fixed order.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};

use super::digest::Digest;
use super::shard::Shard;
use crate::error::{Error, Result};
use crate::formats::Format;

/// Where the work comes from.
pub struct Inputs<'a> {
    roots: Vec<PathBuf>,
    globs: Vec<String>,
    /// Whether files of unknown kind are taken too.
    all: bool,
    /// Where the output goes, which is no input.
    skip: Option<PathBuf>,
    shard: Shard,
    handling: &'a (dyn Fn(&Path) -> Handling + Sync),
}

/// How a file is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// As a document.
    Whole,
    /// Row by row.
    Rows,
    /// Row by row, and the rows can be shared out.
    SharedRows,
}

/// A document, or a file of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    pub path: PathBuf,
    /// Its path from the directory that was named, or its file name; with `/` on every system.
    pub name: String,
    pub bytes: u64,
    /// Whether it is read row by row.
    pub records: bool,
    /// Whether the rows are shared out, rather than the files: a file of JSON lines that was named itself.
    pub by_row: bool,
}

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    pub documents: u64,
    pub bytes: u64,
}

impl<'a> Inputs<'a> {
    /// `globs` choose among the files of directories, as in `.gitignore` turned round: `*.md`, `!drafts/**`. Without
    /// them, and unless `all` is asked for, files of known kinds are taken.
    ///
    /// # Errors
    /// When a glob cannot be understood.
    pub fn new(
        roots: Vec<PathBuf>,
        globs: Vec<String>,
        all: bool,
        out_dir: Option<&Path>,
        shard: Shard,
        handling: &'a (dyn Fn(&Path) -> Handling + Sync),
    ) -> Result<Self> {
        let skip = out_dir.and_then(|dir| std::fs::canonicalize(dir).ok());
        let inputs =
            Self { all: all || globs.iter().any(|glob| !glob.starts_with('!')), roots, globs, skip, shard, handling };
        inputs.overrides(Path::new("."))?;
        Ok(inputs)
    }

    /// The share of the work that is taken.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    fn overrides(&self, root: &Path) -> Result<Override> {
        let mut builder = OverrideBuilder::new(root);
        let wrong = |e: ignore::Error| Error::settings(format!("--glob: {e}"));
        for glob in &self.globs {
            builder.add(glob).map_err(wrong)?;
        }
        builder.build().map_err(wrong)
    }

    /// Everything there is to do, in order. What cannot be read is an error in its place.
    pub fn tasks(&self) -> impl Iterator<Item = Result<Task>> + '_ {
        self.roots.iter().flat_map(|root| self.walk(root))
    }

    /// How much there is to do; finds out early what would be written twice, and that the `report` would be written over
    /// an input.
    ///
    /// # Errors
    /// When two inputs have the same name, or one is the report.
    pub fn measure(&self, report: Option<&Path>) -> Result<Extent> {
        let (mut extent, mut names) = (Extent::default(), HashSet::new());
        let report = report.and_then(|path| std::fs::canonicalize(path).ok());
        for task in self.tasks().flatten() {
            if report.as_ref().is_some_and(|report| std::fs::canonicalize(&task.path).ok().as_ref() == Some(report)) {
                let message = "is an input, and --report would be written over it; choose another place for the report";
                return Err(Error::settings(message).at(task.path));
            }
            if !names.insert(Digest::of(task.name.as_bytes()).head()) {
                let message = format!("two inputs are called {}; only one could be written", task.name);
                return Err(Error::settings(message).at(task.path));
            }
            extent.documents += 1;
            extent.bytes += task.bytes;
        }
        Ok(extent)
    }

    fn walk<'b>(&'b self, root: &'b Path) -> Box<dyn Iterator<Item = Result<Task>> + 'b> {
        let metadata = match std::fs::metadata(root) {
            Ok(metadata) => metadata,
            Err(error) => return Box::new(std::iter::once(Err(Error::io(root, "open", error)))),
        };
        if !metadata.is_dir() {
            let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let handling = (self.handling)(root);
            let by_row = handling == Handling::SharedRows && !self.shard.is_whole();
            let records = handling != Handling::Whole;
            let task = Task { path: root.to_owned(), name, bytes: metadata.len(), records, by_row };
            let taken = by_row || self.shard.takes(task.name.as_bytes());
            return Box::new(taken.then_some(Ok(task)).into_iter());
        }
        let overrides = match self.overrides(root) {
            Ok(overrides) => overrides,
            Err(error) => return Box::new(std::iter::once(Err(error))),
        };
        let mut builder = WalkBuilder::new(root);
        builder.standard_filters(false).hidden(true).follow_links(true).overrides(overrides);
        builder.sort_by_file_name(|a, b| a.cmp(b));
        let skip = self.skip.clone();
        builder.filter_entry(move |entry| {
            let is_output = || std::fs::canonicalize(entry.path()).ok() == skip;
            skip.is_none() || !entry.file_type().is_some_and(|kind| kind.is_dir()) || !is_output()
        });
        Box::new(builder.build().filter_map(move |entry| self.task(root, entry).transpose()))
    }

    fn task(&self, root: &Path, entry: Result<ignore::DirEntry, ignore::Error>) -> Result<Option<Task>> {
        let entry = entry.map_err(|e| Error::input(format!("cannot be read: {e}")).at(root))?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            return Ok(None);
        }
        let path = entry.path();
        let relative = path.strip_prefix(root).unwrap_or(path);
        let name = relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        let wanted = self.all || Format::from_path(path).is_some();
        if !wanted || !self.shard.takes(name.as_bytes()) {
            return Ok(None);
        }
        let bytes = entry.metadata().map_err(|e| Error::input(format!("cannot be read: {e}")).at(path))?.len();
        let records = (self.handling)(path) != Handling::Whole;
        Ok(Some(Task { path: path.to_owned(), name, bytes, records, by_row: false }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;

    use super::*;

    fn names(inputs: &Inputs) -> Vec<String> {
        inputs.tasks().map(|task| task.map_or_else(|e| e.to_string(), |t| t.name)).collect()
    }

    #[test]
    fn directories_are_walked_in_order_and_the_output_is_no_input() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("docs");
        let out = root.join("en");
        for file in ["b/2.md", "b/1.txt", "a.html", "image.png", "en/a.html", ".git/x.txt", "b/c/deep.srt"] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let inputs = |globs: &[&str], shard| {
            let globs = globs.iter().map(|g| g.to_string()).collect();
            Inputs::new(vec![root.clone()], globs, false, Some(&out), shard, &|_| Handling::Whole).unwrap()
        };
        assert_eq!(names(&inputs(&[], Shard::WHOLE)), ["a.html", "b/1.txt", "b/2.md", "b/c/deep.srt"]);
        assert_eq!(names(&inputs(&["!b/c/**"], Shard::WHOLE)), ["a.html", "b/1.txt", "b/2.md"]);
        assert_eq!(names(&inputs(&["*.png", "*.md"], Shard::WHOLE)), ["b/2.md", "image.png"]);
        let mut shared: Vec<String> = Shard::all(3).flat_map(|shard| names(&inputs(&[], shard))).collect();
        shared.sort();
        assert_eq!(shared, ["a.html", "b/1.txt", "b/2.md", "b/c/deep.srt"]);
        assert_eq!(inputs(&[], Shard::WHOLE).measure(None).unwrap(), Extent { documents: 4, bytes: 4 });

        let twice = Inputs::new(vec![root.join("b"), root.join("b/2.md")], vec![], false, None, Shard::WHOLE, &|_| {
            Handling::Whole
        })
        .unwrap();
        assert!(twice.measure(None).err().unwrap().to_string().contains("2.md"));
        let report = root.join("b/../b/2.md");
        assert!(inputs(&[], Shard::WHOLE).measure(Some(&report)).err().unwrap().to_string().contains("--report"));
        let missing =
            Inputs::new(vec![root.join("none")], vec![], false, None, Shard::WHOLE, &|_| Handling::Whole).unwrap();
        assert!(names(&missing)[0].contains("none"));
        assert!(Inputs::new(vec![], vec!["a{b".to_owned()], false, None, Shard::WHOLE, &|_| Handling::Whole).is_err());
    }
}
