//! Finds one member of a JSON object in its bytes, without decoding the rest.

use std::ops::Range;

/// The bytes of the value of the top-level member `name`. The bytes must be JSON, as stored ones are; of others something may be found or
/// nothing.
pub fn member<'a>(json: &'a [u8], name: &str) -> Option<&'a [u8]> {
    json.get(member_range(json, name)?)
}

/// Where [`member`] finds it.
pub fn member_range(json: &[u8], name: &str) -> Option<Range<usize>> {
    let mut at = after(json, 0, b'{')?;
    loop {
        let key_begin = after(json, at, b'"')?;
        let key_end = string_end(json, key_begin)?;
        let value_begin = skip_space(json, after(json, key_end, b':')?);
        let value_end = value_end(json, value_begin)?;
        if json.get(key_begin..key_end.checked_sub(1)?)? == name.as_bytes() {
            return Some(value_begin..value_end);
        }
        at = after(json, value_end, b',')?;
    }
}

fn skip_space(json: &[u8], at: usize) -> usize {
    let rest = json.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The position behind the next byte, if that is `expected`.
fn after(json: &[u8], at: usize, expected: u8) -> Option<usize> {
    let at = skip_space(json, at);
    (json.get(at) == Some(&expected)).then_some(at + 1)
}

/// The position behind the closing quote of a text that begins at `at`, behind its opening quote.
fn string_end(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        if json.get(at)? == &b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// How long the value is with which the bytes begin.
pub fn value_len(json: &[u8]) -> Option<usize> {
    value_end(json, 0)
}

fn value_end(json: &[u8], begin: usize) -> Option<usize> {
    match json.get(begin)? {
        b'"' => string_end(json, begin + 1),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0_usize, begin);
            loop {
                match json.get(at)? {
                    b'"' => {
                        at = string_end(json, at + 1)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let rest = json.get(begin..)?;
            let len = rest.iter().take_while(|byte| !b",}] \t\r\n".contains(byte)).count();
            Some(begin + len)
        }
    }
}

#[cfg(test)]
mod tests;
