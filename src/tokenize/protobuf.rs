//! As much of the protobuf wire format as reading a SentencePiece model takes: fields in turn, nothing allocated.

use crate::error::{Error, Result};

/// One value as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Wire type 0: integers, booleans and enumerations.
    Varint(u64),
    /// Wire type 1.
    Fixed64([u8; 8]),
    /// Wire type 2: strings, bytes and messages.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32([u8; 4]),
}

/// Reads the fields of one message in the order they stand.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of the message that `bytes` is.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next field's number and value; `None` at the end.
    ///
    /// # Errors
    /// `ErrorKind::Model` where the bytes are cut off or are no protobuf message.
    pub fn next(&mut self) -> Result<Option<(u64, Value<'a>)>> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let start = self.at;
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.array()?),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(self.array()?),
            _ => return Err(broken(start)),
        };
        match key >> 3 {
            0 => Err(broken(start)),
            number => Ok(Some((number, value))),
        }
    }

    fn varint(&mut self) -> Result<u64> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(cut)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(broken(start))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = usize::try_from(length).ok().and_then(|n| rest.get(..n)).ok_or_else(cut)?;
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let taken = self.take(N as u64)?;
        Ok(taken.try_into().expect("take gives as many bytes as asked for"))
    }
}

fn cut() -> Error {
    Error::model("the SentencePiece model is cut off; fetch the file again")
}

fn broken(at: usize) -> Error {
    Error::model(format!("not a SentencePiece model (byte {at} of a message makes no sense); fetch the file again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_wire_type() {
        let mut fields = Fields::new(b"\x08\x96\x01\x12\x02hi\x1d\0\0\x80\x3f\x21\x01\0\0\0\0\0\0\0");
        assert_eq!(fields.next().unwrap(), Some((1, Value::Varint(150))));
        assert_eq!(fields.next().unwrap(), Some((2, Value::Bytes(b"hi"))));
        assert_eq!(fields.next().unwrap(), Some((3, Value::Fixed32(1f32.to_le_bytes()))));
        assert_eq!(fields.next().unwrap(), Some((4, Value::Fixed64(1u64.to_le_bytes()))));
        assert_eq!(fields.next().unwrap(), None);
    }

    #[test]
    fn refuses_what_is_cut_off_or_senseless() {
        for bytes in [&b"\x08"[..], b"\x12\x05hi", b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x0b", b"\x02\0"]
        {
            assert!(Fields::new(bytes).next().is_err(), "{bytes:?}");
        }
        assert!(Fields::new(&[0xff; 20]).next().is_err());
    }
}
