//! Puts the shares of a record file together again, in the order of the source.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use super::durable;
use super::lines;
use super::shard::{Shard, row_name};
use crate::error::{Error, Result};

/// Joins what `count` processes with `--shard` made of `source` into `target`. The shares lie beside it. Answers how many
/// rows there are.
///
/// # Errors
/// When a share is missing or has more or fewer rows than it should; nothing is written then.
pub fn join(source: &Path, target: &Path, count: u64, id: &str) -> Result<u64> {
    let open = |path: &Path| File::open(path).map(BufReader::new).map_err(|e| Error::io(path, "open", e));
    let names: Vec<_> = Shard::all(count).map(|shard| shard.name(target)).collect();
    let mut shares = names.iter().map(|name| open(name)).collect::<Result<Vec<_>>>()?;
    let mut input = open(source)?;
    let part = durable::part(target);
    let mut out = BufWriter::new(durable::create(&part)?);
    let (mut line, mut row, mut rows) = (Vec::new(), Vec::new(), 0);
    let whole = Shard::all(count).next().unwrap_or(Shard::WHOLE);
    let next = |input: &mut BufReader<File>, line: &mut Vec<u8>, path: &Path| {
        line.clear();
        lines::next(input, line).map_err(|e| Error::io(path, "read", e))
    };
    while next(&mut input, &mut line, source)? {
        rows += 1;
        let index = whole.index_of(&row_name(&line, id)) as usize;
        let (Some(share), Some(name)) = (shares.get_mut(index), names.get(index)) else { continue };
        if !next(share, &mut row, name)? {
            let message = format!("ends before line {rows} of {}; is its job done?", source.display());
            return Err(Error::input(message).at(name));
        }
        out.write_all(&row).map_err(|e| Error::io(target, "write", e))?;
    }
    for (share, name) in shares.iter_mut().zip(&names) {
        if next(share, &mut row, name)? {
            return Err(Error::input(format!("has more rows than {} gives it", source.display())).at(name));
        }
    }
    let file = out.into_inner().map_err(|e| Error::io(target, "write", e.into_error()))?;
    file.sync_data().map_err(|e| Error::io(target, "write", e))?;
    durable::rename(&part, target)?;
    durable::sync_directory(target)?;
    Ok(rows)
}
