//! Sets of characters: `[a-z]`, `[[:alpha:]]`, `\d`, `\pL`, and escapes of single characters.

use super::PatternError;

const DIGITS: &str = "0-9";
const WORDS: &str = "0-9A-Za-z_";
const SPACES: &str = "\\t\\n\\x0C\\r ";

/// The names between `[:` and `:]`.
const NAMED: &[(&str, &str)] = &[
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", "\\x00-\\x7F"),
    ("blank", "\\t "),
    ("cntrl", "\\x00-\\x1F\\x7F"),
    ("digit", DIGITS),
    ("graph", "!-~"),
    ("lower", "a-z"),
    ("print", " -~"),
    ("punct", "!-/:-@\\[-`{-~"),
    ("space", "\\t\\n\\x0B\\x0C\\r "),
    ("upper", "A-Z"),
    ("word", WORDS),
    ("xdigit", "0-9A-Fa-f"),
];

/// Writes a character so that it stands for itself, inside brackets and outside.
pub(super) fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
        out.push('\\');
    }
    out.push(c);
}

/// A set in brackets, which the text begins with; how long it is.
pub(super) fn translate(text: &str, out: &mut String) -> Result<usize, PatternError> {
    let unclosed = || PatternError::new("missing closing ]", text);
    let mut at = 1;
    out.push('[');
    if text[at..].starts_with('^') {
        out.push('^');
        at += 1;
    }
    let first = at;
    loop {
        let rest = &text[at..];
        let c = rest.chars().next().ok_or_else(unclosed)?;
        if c == ']' && at > first {
            out.push(']');
            return Ok(at + 1);
        }
        if let Some(named) = rest.strip_prefix("[:")
            && let Some(end) = named.find(":]")
        {
            let part = &rest[..end + 4];
            push_named(&named[..end], part, out)?;
            at += part.len();
            continue;
        }
        if c == '\\' && is_set(rest) {
            at += translate_escape(rest, out, true)?;
            continue;
        }
        at += range(text, at, out)?;
    }
}

/// A character of a set, or a range of them.
fn range(text: &str, start: usize, out: &mut String) -> Result<usize, PatternError> {
    let (low, length) = single(text, start)?;
    push_literal(out, low);
    let mut at = start + length;
    let rest = &text[at..];
    if rest.starts_with('-') && !rest[1..].starts_with(']') && rest.len() > 1 {
        let (high, length) = single(text, at + 1)?;
        at += 1 + length;
        if high < low {
            return Err(PatternError::new("invalid character class range", &text[start..at]));
        }
        out.push('-');
        push_literal(out, high);
    }
    Ok(at - start)
}

/// One character, escaped or not, and the length of its text.
fn single(text: &str, at: usize) -> Result<(char, usize), PatternError> {
    let rest = &text[at..];
    match rest.chars().next() {
        None => Err(PatternError::new("missing closing ]", text)),
        Some('\\') => escaped(rest),
        Some(c) => Ok((c, c.len_utf8())),
    }
}

fn push_named(name: &str, part: &str, out: &mut String) -> Result<(), PatternError> {
    let (plain, negated) = name.strip_prefix('^').map_or((name, false), |plain| (plain, true));
    let found = NAMED.iter().find(|(known, _)| *known == plain);
    let (_, set) = found.ok_or_else(|| PatternError::new("invalid character class range", part))?;
    push_set(out, set, negated, true);
    Ok(())
}

fn push_set(out: &mut String, set: &str, negated: bool, inside: bool) {
    let brackets = negated || !inside;
    if brackets {
        out.push_str(if negated { "[^" } else { "[" });
    }
    out.push_str(set);
    if brackets {
        out.push(']');
    }
}

/// Whether an escape stands for a set of characters.
fn is_set(rest: &str) -> bool {
    matches!(rest.chars().nth(1), Some('d' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P'))
}

/// An escape, which the text begins with; how long it is.
pub(super) fn translate_escape(
    rest: &str,
    out: &mut String,
    inside: bool,
) -> Result<usize, PatternError> {
    let (set, negated) = match rest.chars().nth(1) {
        Some('d') => (DIGITS, false),
        Some('D') => (DIGITS, true),
        Some('s') => (SPACES, false),
        Some('S') => (SPACES, true),
        Some('w') => (WORDS, false),
        Some('W') => (WORDS, true),
        Some('p' | 'P') => return property(rest, out),
        _ => {
            let (c, length) = escaped(rest)?;
            push_literal(out, c);
            return Ok(length);
        }
    };
    push_set(out, set, negated, inside);
    Ok(2)
}

/// A property of characters: `\pL`, `\p{Greek}`, `\P{^Lu}`.
fn property(rest: &str, out: &mut String) -> Result<usize, PatternError> {
    let name = &rest[2..];
    let length = match name.chars().next() {
        Some('{') => name.find('}').map(|end| 2 + end + 1),
        Some(c) => Some(2 + c.len_utf8()),
        None => None,
    };
    let length = length.ok_or_else(|| PatternError::new("invalid character class range", rest))?;
    let part = &rest[..length];
    let name = part[2..].trim_start_matches('{').trim_end_matches('}');
    let (name, negated) = name.strip_prefix('^').map_or((name, false), |name| (name, true));
    let escape = if negated == part.starts_with("\\P") { 'p' } else { 'P' };
    let translated = format!("\\{escape}{{{name}}}");
    // The engine knows the properties; that it knows this one is found out by asking.
    if regex::Regex::new(&translated).is_err() {
        return Err(PatternError::new("invalid character class range", part));
    }
    out.push_str(&translated);
    Ok(length)
}

/// The character that an escape stands for, and the length of the escape.
fn escaped(rest: &str) -> Result<(char, usize), PatternError> {
    let mut chars = rest.chars();
    chars.next();
    let Some(c) = chars.next() else {
        return Err(PatternError::new("trailing backslash at end of expression", ""));
    };
    let wrong = |length: usize| {
        let length = rest.char_indices().nth(length).map_or(rest.len(), |(at, _)| at);
        PatternError::new("invalid escape sequence", &rest[..length])
    };
    let plain = |c| Ok((c, 2));
    match c {
        'a' => plain('\u{7}'),
        'f' => plain('\u{c}'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\u{b}'),
        'x' => hexadecimal(rest).ok_or_else(|| wrong(if rest.len() > 3 { 4 } else { rest.len() })),
        // One digit alone would refer to what was found before, which is not supported.
        '1'..='7' if !chars.next().is_some_and(|next| next.is_digit(8)) => Err(wrong(2)),
        '0'..='7' => Ok(octal(rest)),
        c if c.is_ascii_punctuation() => plain(c),
        _ => Err(wrong(2)),
    }
}

/// Up to three octal digits.
fn octal(rest: &str) -> (char, usize) {
    let digits = rest[1..].bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let code = u32::from_str_radix(&rest[1..=digits], 8).unwrap_or_default();
    (char::from_u32(code).unwrap_or_default(), 1 + digits)
}

/// Two hexadecimal digits, or any number of them in braces.
fn hexadecimal(rest: &str) -> Option<(char, usize)> {
    let (digits, length) = match rest.get(2..)?.strip_prefix('{') {
        Some(braced) => {
            let end = braced.find('}')?;
            (&braced[..end], 3 + end + 1)
        }
        None => (rest.get(2..4)?, 4),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = is_number.then(|| u32::from_str_radix(digits, 16).ok())??;
    Some((char::from_u32(code)?, length))
}
