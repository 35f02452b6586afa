//! From the syntax of RE2 to that of the engine.

use super::PatternError;
use super::classes;

/// Groups may be nested this deep.
const DEPTH_MAX: usize = 250;
/// A repetition may count this far.
const COUNT_MAX: u32 = 1_000;

pub(super) fn translate(text: &str) -> Result<String, PatternError> {
    let mut walk =
        Walk { text, at: 0, out: String::with_capacity(text.len()), state: State::Empty };
    walk.run()?;
    Ok(walk.out)
}

/// What stands before the next part, so far as repetitions ask.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Nothing that could be repeated.
    Empty,
    Atom,
    /// A repetition that begins here.
    Repeated(usize),
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    out: String,
    state: State,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), PatternError> {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '(' => {
                    // A group of flags alone ends where it begins.
                    if self.open()? {
                        depth += 1;
                    }
                    if depth > DEPTH_MAX {
                        return Err(PatternError::new("expression nests too deeply", self.text));
                    }
                }
                ')' => {
                    depth = depth
                        .checked_sub(1)
                        .ok_or_else(|| PatternError::new("unexpected )", self.text))?;
                    self.copy(c);
                    self.state = State::Atom;
                }
                '|' => {
                    self.copy(c);
                    self.state = State::Empty;
                }
                '[' => {
                    let rest = &self.text[self.at..];
                    self.at += classes::translate(rest, &mut self.out)?;
                    self.state = State::Atom;
                }
                '*' | '+' | '?' => self.repeat(1)?,
                '{' => match count(&self.text[self.at..]) {
                    Some((length, is_good)) => {
                        if !is_good {
                            let part = &self.text[self.at..self.at + length];
                            return Err(PatternError::new("invalid repeat count", part));
                        }
                        self.repeat(length)?;
                    }
                    None => self.literal(c),
                },
                '\\' => self.escape()?,
                '^' | '$' | '.' => {
                    self.copy(c);
                    self.state = State::Atom;
                }
                c => self.literal(c),
            }
        }
        if depth > 0 { Err(PatternError::new("missing closing )", self.text)) } else { Ok(()) }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn copy(&mut self, c: char) {
        self.out.push(c);
        self.at += c.len_utf8();
    }

    fn literal(&mut self, c: char) {
        classes::push_literal(&mut self.out, c);
        self.at += c.len_utf8();
        self.state = State::Atom;
    }

    /// A repetition of so many characters, and the mark behind it that makes it lazy.
    fn repeat(&mut self, length: usize) -> Result<(), PatternError> {
        let start = self.at;
        let lazy = usize::from(self.text[start + length..].starts_with('?'));
        let end = start + length + lazy;
        match self.state {
            State::Repeated(before) => Err(PatternError::new(
                "invalid nested repetition operator",
                &self.text[before..end],
            )),
            State::Empty => Err(PatternError::new(
                "missing argument to repetition operator",
                &self.text[start..end],
            )),
            State::Atom => {
                self.out.push_str(&self.text[start..end]);
                self.at = end;
                self.state = State::Repeated(start);
                Ok(())
            }
        }
    }

    /// The beginning of a group; whether it wants an end.
    fn open(&mut self) -> Result<bool, PatternError> {
        let rest = &self.text[self.at..];
        self.state = State::Empty;
        let Some(inner) = rest.strip_prefix("(?") else {
            self.copy('(');
            return Ok(true);
        };
        if inner.starts_with("P<") || inner.starts_with('<') {
            let wrong = |part| PatternError::new("invalid named capture", part);
            let name_at = if inner.starts_with('P') { 2 } else { 1 };
            let name = &inner[name_at..];
            // What looks around is no name.
            if name_at == 1 && name.starts_with(['=', '!']) {
                return Err(PatternError::new("invalid or unsupported Perl syntax", &rest[..4]));
            }
            let end = name.find('>').ok_or_else(|| wrong(rest))?;
            let length = 2 + name_at + end + 1;
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if end == 0 || !name[..end].chars().all(is_word) {
                return Err(wrong(&rest[..length]));
            }
            // Names are read nowhere, and the engine has stricter ideas of them.
            self.out.push('(');
            self.at += length;
            return Ok(true);
        }
        let flags = inner.find(|c: char| !"imsU-".contains(c)).unwrap_or(inner.len());
        let stop = inner[flags..].chars().next();
        let wrong = || {
            let end = (2 + flags + stop.map_or(0, char::len_utf8)).min(rest.len());
            PatternError::new("invalid or unsupported Perl syntax", &rest[..end])
        };
        match stop {
            None => Err(PatternError::new("missing closing )", self.text)),
            Some(end @ (':' | ')')) => {
                let flags = &inner[..flags];
                let dash = flags.matches('-').count();
                if dash > 1 || flags.ends_with('-') || (end == ')' && flags.is_empty()) {
                    return Err(wrong());
                }
                let length = 2 + flags.len() + 1;
                self.out.push_str(&rest[..length]);
                self.at += length;
                Ok(end == ':')
            }
            Some(_) => Err(wrong()),
        }
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        let rest = &self.text[self.at..];
        if let Some(quoted) = rest.strip_prefix("\\Q") {
            let end = quoted.find("\\E");
            for c in quoted[..end.unwrap_or(quoted.len())].chars() {
                classes::push_literal(&mut self.out, c);
                self.state = State::Atom;
            }
            self.at += 2 + end.map_or(quoted.len(), |end| end + 2);
            return Ok(());
        }
        let anchor = match rest.chars().nth(1) {
            Some('A') => Some("\\A"),
            Some('z') => Some("\\z"),
            Some('b') => Some("(?-u:\\b)"),
            Some('B') => Some("(?-u:\\B)"),
            _ => None,
        };
        if let Some(anchor) = anchor {
            self.out.push_str(anchor);
            self.at += 2;
        } else {
            self.at += classes::translate_escape(rest, &mut self.out, false)?;
        }
        self.state = State::Atom;
        Ok(())
    }
}

/// The length of a count in braces, and whether it is one that may be.
fn count(rest: &str) -> Option<(usize, bool)> {
    let end = rest.find('}')?;
    let inner = &rest[1..end];
    let (least, most) = match inner.split_once(',') {
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
        None => (number(inner)?, None),
    };
    let is_good = least <= COUNT_MAX && most.is_none_or(|most| most <= COUNT_MAX && least <= most);
    Some((end + 1, is_good))
}

/// Digits without a needless zero; what is too large for any count is too large.
fn number(text: &str) -> Option<u32> {
    let is_plain = text.len() == 1 || !text.starts_with('0');
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && is_plain;
    is_number.then(|| text.parse().unwrap_or(u32::MAX))
}
