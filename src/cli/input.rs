//! Reads a document's bytes and makes them text, or says exactly why not.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use encoding_rs::{Encoding, UTF_8};

use crate::error::{Error, Result};

/// A document as it was named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Stdin,
    File(PathBuf),
}

impl Input {
    /// `-` is standard input.
    pub fn from_arg(path: &Path) -> Self {
        if path == Path::new("-") { Self::Stdin } else { Self::File(path.to_owned()) }
    }

    /// What messages call it.
    pub fn name(&self) -> &Path {
        match self {
            Self::Stdin => Path::new("<standard input>"),
            Self::File(path) => path,
        }
    }

    /// The whole input as text.
    ///
    /// # Errors
    /// When it cannot be read, is a directory, or is not text in `encoding` (UTF-8 where none is given).
    pub fn read(&self, encoding: Option<&'static Encoding>) -> Result<String> {
        let bytes = self.read_bytes()?;
        decode(bytes, encoding).map_err(|e| e.at(self.name()))
    }

    fn read_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Self::Stdin => io::stdin().lock().read_to_end(&mut bytes).map_err(|e| Error::io(self.name(), "read", e))?,
            Self::File(path) => {
                let mut file = File::open(path).map_err(|e| Error::io(path, "open", e))?;
                if file.metadata().is_ok_and(|m| m.is_dir()) {
                    return Err(Error::input("is a directory; name the files in it").at(path));
                }
                file.read_to_end(&mut bytes).map_err(|e| Error::io(path, "read", e))?
            }
        };
        Ok(bytes)
    }
}

/// An encoding by any of the names that the web knows it by; `utf-16` takes its byte order from the mark.
///
/// # Errors
/// When there is no such encoding.
pub fn encoding(name: &str) -> Result<&'static Encoding> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| {
        Error::settings(format!(
            "no encoding is called '{name}'; try utf-8, utf-16, windows-1252, iso-8859-15 or macintosh"
        ))
    })
}

/// Text from bytes. A UTF-8 byte order mark stays in the text, to be written again.
fn decode(bytes: Vec<u8>, asked: Option<&'static Encoding>) -> Result<String> {
    let text = match asked {
        None => String::from_utf8(bytes).map_err(|e| not_utf8(e.as_bytes(), e.utf8_error().valid_up_to()))?,
        Some(encoding) if encoding == UTF_8 => {
            String::from_utf8(bytes).map_err(|e| not_utf8(e.as_bytes(), e.utf8_error().valid_up_to()))?
        }
        Some(encoding) => {
            // The mark in the file is surer than the name that was given: utf-16 may be of either order.
            let (encoding, mark) = Encoding::for_bom(&bytes).unwrap_or((encoding, 0));
            let body = &bytes[mark..];
            match encoding.decode_without_bom_handling_and_without_replacement(body) {
                Some(text) => text.into_owned(),
                None => return Err(Error::input(format!("is not valid {}; name another --encoding", encoding.name()))),
            }
        }
    };
    match text.find('\0') {
        Some(at) => Err(Error::input(format!(
            "byte {at} is NUL, which no text holds; if the file is UTF-16, say --encoding utf-16le"
        ))),
        None => Ok(text),
    }
}

fn not_utf8(bytes: &[u8], at: usize) -> Error {
    let what = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => {
            format!("it starts like {0}: add --encoding {1}", encoding.name(), encoding.name().to_lowercase())
        }
        None => {
            let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
            detector.feed(bytes, true);
            let guess = detector.guess(Some(b"fr"), chardetng::Utf8Detection::Deny);
            // Raw control bytes are no text in any encoding that the detector knows.
            if bytes.iter().any(|&b| b < 9) {
                "it does not look like text".to_owned()
            } else {
                format!("it looks like {0}: add --encoding {1}", guess.name(), guess.name().to_lowercase())
            }
        }
    };
    Error::input(format!("not UTF-8 at byte {at}; {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_placed_and_guessed() {
        let error = decode(b"L'\xe9t\xe9 \xe0 Orl\xe9ans, No\xebl a mang\xe9.".to_vec(), None).expect_err("latin-1");
        assert!(error.to_string().contains("byte 2"), "{error}");
        assert!(error.to_string().contains("windows-1252"), "{error}");
        let error = decode(b"\xff\xfeL\0e\0".to_vec(), None).expect_err("utf-16");
        assert!(error.to_string().contains("--encoding utf-16le"), "{error}");
    }

    #[test]
    fn asked_encodings_are_read() {
        let latin = encoding("windows-1252").expect("known");
        assert_eq!(decode(b"d\xe9j\xe0 \x80".to_vec(), Some(latin)).expect("text"), "déjà €");
        let utf16 = encoding("utf-16").expect("known");
        assert_eq!(decode(b"\xfe\xff\0L\0e".to_vec(), Some(utf16)).expect("text"), "Le");
        assert!(encoding("klingon").is_err());
    }

    #[test]
    fn nul_is_refused_with_its_place() {
        let error = decode(b"ab\0c".to_vec(), None).expect_err("NUL");
        assert!(error.to_string().contains("byte 2"), "{error}");
    }
}
