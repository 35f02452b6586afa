//! A cursor over JSON that this server has written: compact, valid, and never copied but for texts with escapes.
//!
//! Bytes that are not such JSON end the walk early; what was read so far counts.

use std::borrow::Cow;
use std::str::FromStr;

pub(super) struct Json<'a> {
    rest: &'a [u8],
}

impl<'a> Json<'a> {
    pub(super) fn new(rest: &'a [u8]) -> Json<'a> {
        Json { rest }
    }

    pub(super) fn is_null(&self) -> bool {
        self.rest.starts_with(b"null")
    }

    pub(super) fn is_text(&self) -> bool {
        self.rest.starts_with(b"\"")
    }

    pub(super) fn is_list(&self) -> bool {
        self.rest.starts_with(b"[")
    }

    pub(super) fn is_object(&self) -> bool {
        self.rest.starts_with(b"{")
    }

    /// Calls `each` at the value of every member of an object. It must go over the value.
    pub(super) fn members(&mut self, mut each: impl FnMut(&mut Self, &str)) {
        if !self.eat(b'{') {
            return self.skip();
        }
        while self.is_text() {
            let name = self.text();
            if !self.eat(b':') {
                return;
            }
            each(self, &name);
            self.eat(b',');
        }
        self.eat(b'}');
    }

    /// Calls `each` at every item of an array. It must go over the item.
    pub(super) fn items(&mut self, mut each: impl FnMut(&mut Self)) {
        if !self.eat(b'[') {
            return self.skip();
        }
        while !self.rest.is_empty() && !self.eat(b']') {
            each(self);
            self.eat(b',');
        }
    }

    /// A text; empty if the value is something else.
    pub(super) fn text(&mut self) -> Cow<'a, str> {
        let raw = self.raw();
        let inner = raw.strip_prefix(b"\"").and_then(|raw| raw.strip_suffix(b"\""));
        match inner {
            None => Cow::Borrowed(""),
            Some(inner) if inner.contains(&b'\\') => {
                Cow::Owned(serde_json::from_slice(raw).unwrap_or_default())
            }
            Some(inner) => Cow::Borrowed(std::str::from_utf8(inner).unwrap_or_default()),
        }
    }

    /// A number; zero if the value is something else.
    pub(super) fn number<T: FromStr + Default>(&mut self) -> T {
        std::str::from_utf8(self.raw()).ok().and_then(|raw| raw.parse().ok()).unwrap_or_default()
    }

    pub(super) fn skip(&mut self) {
        self.raw();
    }

    /// The bytes of a value.
    pub(super) fn raw(&mut self) -> &'a [u8] {
        // A value is at least one byte, so that every walk comes to an end.
        let len = meta::value_len(self.rest).unwrap_or(self.rest.len()).max(1);
        let (value, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest;
        value
    }

    fn eat(&mut self, byte: u8) -> bool {
        let rest = self.rest.strip_prefix(&[byte]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}
