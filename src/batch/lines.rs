//! Lines of bytes from a reader, of a size that is bounded.

use std::io::{self, BufRead};

/// The longest line that is read, in bytes.
pub const LONGEST: usize = 64 << 20;

/// Appends the next line, with its end, to `line`; `false` at the end of the input.
///
/// # Errors
/// When the input cannot be read, or the line is longer than [`LONGEST`].
pub fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let start = line.len();
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = buffer.iter().position(|&b| b == b'\n');
        let n = end.map_or(buffer.len(), |at| at + 1);
        line.extend_from_slice(&buffer[..n]);
        input.consume(n);
        if end.is_some() || n == 0 {
            return Ok(line.len() > start);
        }
        if line.len() - start > LONGEST {
            let message = format!("a line of more than {} MiB; is it a file of JSON lines?", LONGEST >> 20);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_ends_and_have_a_limit() {
        let mut input = io::BufReader::with_capacity(3, &b"un\r\n\ndeux"[..]);
        let mut lines = Vec::new();
        let mut line = Vec::new();
        while next(&mut input, &mut line).expect("read") {
            lines.push(String::from_utf8(std::mem::take(&mut line)).expect("text"));
        }
        assert_eq!(lines, ["un\r\n", "\n", "deux"]);
        let mut endless = io::BufReader::with_capacity(1 << 20, io::repeat(b'x'));
        assert!(next(&mut endless, &mut Vec::new()).is_err());
    }
}
