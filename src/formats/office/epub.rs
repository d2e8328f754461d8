//! EPUB: the chapters and the navigation are XHTML and are read as such; the package names them and has a title.

use std::collections::HashMap;

use super::archive::Archive;
use super::{Part, values};
use crate::error::{Error, Result};
use crate::formats::html;
use crate::formats::xml::{self, Token};

/// The parts of a book, in the order in which they are read.
pub(super) fn parts(archive: &mut Archive) -> Result<Vec<Part>> {
    let no_container = || Error::input("is not an EPUB: it has no META-INF/container.xml");
    let root = archive.folder_of("META-INF/container.xml").ok_or_else(no_container)?;
    let container = archive.text(&format!("{root}META-INF/container.xml"))?.ok_or_else(no_container)?;
    let package = format!("{root}{}", package(&container)?);
    let opf = archive.text(&package)?;
    let opf = opf.ok_or_else(|| Error::input(format!("is not a whole EPUB: it has no {package}")))?;
    let folder = package.rfind('/').map_or("", |n| &package[..=n]).to_owned();
    let mut parts = vec![Part::new(&package, |source, range| values(source, range, &["dc:title", "dc:description"]))];
    for (path, kind) in items(&opf)? {
        let name = resolve(&folder, &path);
        if !archive.has(&name) {
            continue;
        }
        parts.push(if kind == "application/x-dtbncx+xml" {
            Part::new(&name, |source, range| values(source, range, &["ncx:text"]))
        } else {
            Part { xhtml: true, ..Part::new(&name, |source, range| Ok(html::read_xhtml(source, range))) }
        });
    }
    if let Some(encryption) = archive.text(&format!("{root}META-INF/encryption.xml"))? {
        let name = |part: &Part| part.name.strip_prefix(root.as_str()).unwrap_or(&part.name).to_owned();
        let locked = parts.iter().find(|part| encryption.contains(&format!("\"{}\"", name(part))));
        if locked.is_some() {
            return Err(Error::input("is locked with digital rights management"));
        }
    }
    Ok(parts)
}

/// The path of the package file.
fn package(container: &str) -> Result<String> {
    let mut path = None;
    xml::read(container, 0..container.len(), &[], &mut |token, place| {
        if let Token::Start(name) | Token::Empty(name) = token
            && name.rsplit(':').next() == Some("rootfile")
            && path.is_none()
        {
            path = Some(html::decode(xml::value(container, &place, "full-path")));
        }
        Ok(())
    })?;
    path.filter(|p| !p.is_empty()).ok_or_else(|| Error::input("META-INF/container.xml in it names no package"))
}

/// The paths and media types of the chapters, in the order of the spine, and then of the rest that has text.
fn items(opf: &str) -> Result<Vec<(String, String)>> {
    let mut items: Vec<(String, String, String)> = Vec::new();
    let mut order: HashMap<String, usize> = HashMap::new();
    xml::read(opf, 0..opf.len(), &[], &mut |token, place| {
        let (Token::Start(name) | Token::Empty(name)) = token else { return Ok(()) };
        let value = |key: &str| html::decode(xml::value(opf, &place, key));
        match name.rsplit(':').next() {
            Some("item") => items.push((value("id"), value("href"), value("media-type"))),
            Some("itemref") => {
                let next = order.len();
                order.entry(value("idref")).or_insert(next);
            }
            _ => {}
        }
        Ok(())
    })?;
    items.retain(|(_, _, kind)| matches!(kind.as_str(), "application/xhtml+xml" | "application/x-dtbncx+xml"));
    items.sort_by_key(|(id, ..)| order.get(id).copied().unwrap_or(usize::MAX));
    items.dedup_by(|a, b| a.1 == b.1);
    Ok(items.into_iter().map(|(_, path, kind)| (path, kind)).collect())
}

/// The name in the archive of what `path` means in `folder`.
fn resolve(folder: &str, path: &str) -> String {
    let path = format!("{folder}{}", unquoted(path.split('#').next().unwrap_or_default()));
    let mut out: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "." | "" => {}
            ".." => drop(out.pop()),
            step => out.push(step),
        }
    }
    out.join("/")
}

/// `%20` and such, as the characters they stand for.
fn unquoted(path: &str) -> String {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).filter(|_| byte == b'%');
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(code) => {
                out.push(code);
                rest = &tail[2..];
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_as_on_the_web() {
        assert_eq!(resolve("OEBPS/", "text/c%201.xhtml#x"), "OEBPS/text/c 1.xhtml");
        assert_eq!(resolve("OEBPS/", "../a/./b.xhtml"), "a/b.xhtml");
        assert_eq!(resolve("", "a%zz.xhtml"), "a%zz.xhtml");
    }
}
