//! Writes protobuf messages field by field: as much of the wire format as the `OpenAPI` messages need.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>.

/// One message.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Message(pub(super) Vec<u8>);

impl Message {
    /// A text, unless it is empty.
    pub(super) fn text(mut self, field: u32, text: &str) -> Self {
        if !text.is_empty() {
            self.put(field, text.as_bytes());
        }
        self
    }

    /// A text even if it is empty, as an item of a list has it.
    pub(super) fn item(mut self, field: u32, text: &str) -> Self {
        self.put(field, text.as_bytes());
        self
    }

    /// A boolean, unless it is false.
    pub(super) fn flag(mut self, field: u32, set: bool) -> Self {
        if set {
            varint(&mut self.0, u64::from(field) << 3);
            self.0.push(1);
        }
        self
    }

    /// A number that is not negative, if there is one.
    pub(super) fn count(mut self, field: u32, count: Option<u64>) -> Self {
        if let Some(count) = count {
            varint(&mut self.0, u64::from(field) << 3);
            varint(&mut self.0, count);
        }
        self
    }

    /// A fraction, if there is one.
    pub(super) fn number(mut self, field: u32, number: Option<f64>) -> Self {
        if let Some(number) = number {
            varint(&mut self.0, (u64::from(field) << 3) | 1);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
        self
    }

    /// A message in this one.
    pub(super) fn message(mut self, field: u32, message: &Self) -> Self {
        self.put(field, &message.0);
        self
    }

    /// A message in this one, if there is one.
    pub(super) fn maybe(self, field: u32, message: Option<&Self>) -> Self {
        match message {
            Some(message) => self.message(field, message),
            None => self,
        }
    }

    fn put(&mut self, field: u32, bytes: &[u8]) {
        varint(&mut self.0, (u64::from(field) << 3) | 2);
        varint(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_number_their_length_and_their_bytes() {
        let inner = Message::default().text(1, "ab").flag(2, true).flag(3, false).text(4, "");
        assert_eq!(inner.0, [0x0a, 2, b'a', b'b', 0x10, 1]);
        let outer = Message::default().message(31, &inner).item(1, "");
        assert_eq!(outer.0, [0xfa, 0x01, 6, 0x0a, 2, b'a', b'b', 0x10, 1, 0x0a, 0]);
        let numbers = Message::default().count(9, Some(300)).number(7, Some(0.5)).count(1, None);
        assert_eq!(numbers.0, [0x48, 0xac, 0x02, 0x39, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
        let long = Message::default().text(1, &"x".repeat(300));
        assert_eq!(long.0[..3], [0x0a, 0xac, 0x02]);
    }
}
