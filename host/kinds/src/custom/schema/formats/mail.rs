//! Addresses of mail.
//!
//! See <https://www.rfc-editor.org/rfc/rfc5322#section-3.4>.

/// One address, alone or in angle brackets behind a name.
pub(super) fn is_email(text: &str) -> bool {
    let text = text.trim_matches([' ', '\t']);
    match text.strip_suffix('>') {
        Some(rest) => match rest.rfind('<') {
            Some(at) => is_phrase(&rest[..at]) && is_address(&rest[at + 1..]),
            None => false,
        },
        None => is_address(text),
    }
}

fn is_address(text: &str) -> bool {
    let (local, domain) = match quoted(text) {
        Some(end) => match text[end..].strip_prefix('@') {
            Some(domain) => return is_domain(domain),
            None => return false,
        },
        None => text.split_once('@').unwrap_or(("", "")),
    };
    is_dotted(local) && is_domain(domain)
}

fn is_domain(text: &str) -> bool {
    match text.strip_prefix('[') {
        Some(literal) => literal.strip_suffix(']').is_some_and(|inside| {
            !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'[')
        }),
        None => is_dotted(text),
    }
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

fn is_atom(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// Words and quoted words, or nothing.
fn is_phrase(text: &str) -> bool {
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = match quoted(rest) {
            Some(end) => end,
            None => {
                let end = rest.find(|c| !is_atom(c) && c != '.').unwrap_or(rest.len());
                if end == 0 {
                    return false;
                }
                end
            }
        };
        rest = rest[end..].trim_start();
    }
    true
}

/// Where a text in quotes ends, which the text begins with.
fn quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.strip_prefix('"')?.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 2),
            c if c.is_control() => return None,
            _ => {}
        }
    }
    None
}
