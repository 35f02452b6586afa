//! A cursor over JSON that this server has written: compact, valid, and never copied but for texts with escapes.
//!
//! Bytes that are not such JSON end the walk early; what was read so far counts.

use std::borrow::Cow;
use std::str::FromStr;

pub(super) struct Json<'a> {
    rest: &'a str,
}

impl<'a> Json<'a> {
    pub(super) fn new(json: &'a [u8]) -> Json<'a> {
        Json { rest: std::str::from_utf8(json).unwrap_or_default() }
    }

    pub(super) fn is_null(&self) -> bool {
        self.begins_with(b'n')
    }

    pub(super) fn is_text(&self) -> bool {
        self.begins_with(b'"')
    }

    pub(super) fn is_list(&self) -> bool {
        self.begins_with(b'[')
    }

    pub(super) fn is_object(&self) -> bool {
        self.begins_with(b'{')
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
        if self.is_text()
            && let Some(inner) = self.rest.get(1..)
            && let Some(stop) = memchr::memchr2(b'"', b'\\', inner.as_bytes())
            && inner.as_bytes().get(stop) == Some(&b'"')
            && let (Some(text), Some(rest)) = (inner.get(..stop), inner.get(stop + 1..))
        {
            self.rest = rest;
            return Cow::Borrowed(text);
        }
        // It has escapes, or is no text.
        Cow::Owned(serde_json::from_str(self.raw()).unwrap_or_default())
    }

    /// A number; zero if the value is something else.
    pub(super) fn number<T: FromStr + Default>(&mut self) -> T {
        self.raw().parse().unwrap_or_default()
    }

    pub(super) fn skip(&mut self) {
        self.raw();
    }

    /// A value as it is written.
    pub(super) fn raw(&mut self) -> &'a str {
        // A value is at least one byte, so that every walk comes to an end.
        let len = meta::value_len(self.rest.as_bytes()).unwrap_or(self.rest.len()).max(1);
        let (value, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        self.rest = rest;
        value
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.begins_with(byte);
        if is_next {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        is_next
    }

    fn begins_with(&self, byte: u8) -> bool {
        self.rest.as_bytes().first() == Some(&byte)
    }
}
