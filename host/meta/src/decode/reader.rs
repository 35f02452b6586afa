//! A pull reader of JSON: events in the order of the source, without recursion, so that depth costs
//! no stack.
//!
//! It accepts what Go's scanner accepts and refuses with its messages.

use std::borrow::Cow;

use super::{DEPTH_MAX, ParseError};
use crate::tree::has_byte;

/// What comes next in the source.
#[derive(Debug, PartialEq)]
pub(super) enum Event<'a> {
    BeginObject,
    EndObject,
    BeginArray,
    EndArray,
    Key(Cow<'a, str>),
    Text(Cow<'a, str>),
    /// The literal, which is a valid number.
    Number(&'a str),
    Bool(bool),
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
    Nothing,
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    source: &'a str,
    at: usize,
    /// Whether each open container is an object.
    open: Vec<bool>,
    expect: Expect,
}

/// The first byte of a replacement character.
const REPLACEMENT_BEGINS: u8 = 0xef;

/// A byte as Go names it: as the character of its number.
fn shown(byte: u8) -> String {
    match char::from(byte) {
        '\'' => "\\'".to_owned(),
        '"' => "\"".to_owned(),
        c => {
            let quoted = crate::quote(&c.to_string());
            quoted[1..quoted.len() - 1].to_owned()
        }
    }
}

impl ParseError {
    /// The error of a source that was read with replacement characters, as one of its own bytes.
    pub(super) fn in_bytes(mut self, source: &[u8]) -> Self {
        let mut at = 0;
        for chunk in source.utf8_chunks() {
            at += chunk.valid().len();
            let Some(byte) = chunk.invalid().first() else { break };
            if at + 1 == self.offset {
                let replaced = shown(REPLACEMENT_BEGINS);
                self.message = self.message.replacen(&replaced, &shown(*byte), 1);
            }
            at += char::REPLACEMENT_CHARACTER.len_utf8();
        }
        self
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, at: 0, open: Vec::with_capacity(16), expect: Expect::Value }
    }

    /// The next event, or `None` after the value has ended and nothing but space followed.
    pub(super) fn next(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        loop {
            self.skip_space();
            let Some(c) = self.peek() else {
                return match self.expect {
                    Expect::Nothing => Ok(None),
                    _ => Err(self.ended()),
                };
            };
            let in_object = self.open.last() == Some(&true);
            match (self.expect, c) {
                (Expect::Nothing, _) => return Err(self.invalid("after top-level value")),
                (Expect::KeyOrEnd, b'}') | (Expect::ValueOrEnd, b']') => {
                    return Ok(Some(self.close(in_object)));
                }
                (Expect::CommaOrEnd, b'}') if in_object => return Ok(Some(self.close(true))),
                (Expect::CommaOrEnd, b']') if !in_object => return Ok(Some(self.close(false))),
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    self.expect = if in_object { Expect::Key } else { Expect::Value };
                }
                (Expect::CommaOrEnd, _) if in_object => {
                    return Err(self.invalid("after object key:value pair"));
                }
                (Expect::CommaOrEnd, _) => return Err(self.invalid("after array element")),
                (Expect::Key | Expect::KeyOrEnd, b'"') => return self.key().map(Some),
                (Expect::Key | Expect::KeyOrEnd, _) => {
                    return Err(self.invalid("looking for beginning of object key string"));
                }
                (Expect::Value | Expect::ValueOrEnd, c) => return self.value(c).map(Some),
            }
        }
    }

    fn key(&mut self) -> Result<Event<'a>, ParseError> {
        let key = self.text()?;
        self.skip_space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.invalid("after object key")),
            None => return Err(self.ended()),
        }
        self.expect = Expect::Value;
        Ok(Event::Key(key))
    }

    fn value(&mut self, c: u8) -> Result<Event<'a>, ParseError> {
        let event = match c {
            b'{' => return self.open(true),
            b'[' => return self.open(false),
            b'"' => Event::Text(self.text()?),
            b'-' | b'0'..=b'9' => Event::Number(self.number()?),
            b't' => self.literal("true", Event::Bool(true))?,
            b'f' => self.literal("false", Event::Bool(false))?,
            b'n' => self.literal("null", Event::Null)?,
            _ => return Err(self.invalid("looking for beginning of value")),
        };
        self.expect = if self.open.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
        Ok(event)
    }

    fn open(&mut self, object: bool) -> Result<Event<'a>, ParseError> {
        if self.open.len() >= DEPTH_MAX {
            return Err(self.invalid("exceeded max depth"));
        }
        self.at += 1;
        self.open.push(object);
        self.expect = if object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        Ok(if object { Event::BeginObject } else { Event::BeginArray })
    }

    fn close(&mut self, object: bool) -> Event<'a> {
        self.at += 1;
        self.open.pop();
        self.expect = if self.open.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
        if object { Event::EndObject } else { Event::EndArray }
    }

    fn literal(&mut self, word: &'static str, event: Event<'a>) -> Result<Event<'a>, ParseError> {
        for expected in word.bytes() {
            match self.peek() {
                Some(c) if c == expected => self.at += 1,
                Some(_) => {
                    let expected = char::from(expected);
                    return Err(
                        self.invalid(&format!("in literal {word} (expecting '{expected}')"))
                    );
                }
                None => return Err(self.ended()),
            }
        }
        Ok(event)
    }

    fn number(&mut self) -> Result<&'a str, ParseError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err(self.invalid_or_ended("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(&self.source[start..self.at])
    }

    fn digits(&mut self, place: &str) -> Result<(), ParseError> {
        if !self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return Err(self.invalid_or_ended(place));
        }
        self.skip_digits();
        Ok(())
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// Reads from one quote to the other. Most texts have no escapes and are borrowed from the
    /// source.
    fn text(&mut self) -> Result<Cow<'a, str>, ParseError> {
        self.at += 1;
        let start = self.at;
        let plain = self.skip_plain();
        if plain == Some(b'"') {
            let text = &self.source[start..self.at];
            self.at += 1;
            return Ok(Cow::Borrowed(text));
        }
        let mut text = self.source[start..self.at].to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(text));
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err(self.invalid("in string literal")),
                None => return Err(self.ended()),
            }
            let from = self.at;
            self.skip_plain();
            text.push_str(&self.source[from..self.at]);
        }
    }

    /// Stops at a quote, a backslash, a control character or the end. All of these are whole
    /// characters.
    fn skip_plain(&mut self) -> Option<u8> {
        let rest = self.source.as_bytes().get(self.at..).unwrap_or_default();
        let stop = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let plain = rest.get(..stop).unwrap_or_default();
        let has_control = has_byte(plain, |c| c < 0x20);
        let first = has_control.then(|| plain.iter().position(|c| *c < 0x20)).flatten();
        self.at += first.unwrap_or(stop);
        self.peek()
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        let c = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.invalid_or_ended("in string escape code")),
        };
        self.at += 1;
        Ok(c)
    }

    /// A surrogate without its partner reads as the replacement character.
    fn unicode(&mut self) -> Result<char, ParseError> {
        let first = self.four_digits()?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        let rest = self.source.as_bytes().get(self.at..).unwrap_or_default();
        if (0xd800..0xdc00).contains(&first) && rest.starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            let second = self.four_digits()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Result<u32, ParseError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|c| char::from(c).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.invalid_or_ended("in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn invalid_or_ended(&self, place: &str) -> ParseError {
        if self.peek().is_some() { self.invalid(place) } else { self.ended() }
    }

    fn invalid(&self, place: &str) -> ParseError {
        let shown = shown(self.peek().unwrap_or_default());
        let message = format!("invalid character '{shown}' {place}");
        ParseError { message, offset: self.at + 1 }
    }

    fn ended(&self) -> ParseError {
        let message = "unexpected end of JSON input".to_owned();
        ParseError { message, offset: self.source.len() }
    }
}
