//! Paths and queries: percent-encoding, and patterns with parameters.

use std::collections::BTreeMap;

/// A route's pattern: `/`-separated parts, each a word, a parameter `{name}`, or at the end
/// `{name...}` for the whole rest.
#[derive(Debug)]
pub(crate) struct Pattern(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Word(String),
    Parameter(String),
    Rest(String),
}

pub(crate) type Parameters = BTreeMap<String, String>;

impl Pattern {
    pub(crate) fn new(pattern: &str) -> Self {
        Self(parts(pattern).map(Part::new).collect())
    }

    /// The parameters, if the path fits.
    pub(crate) fn matches(&self, path: &str) -> Option<Parameters> {
        let mut parameters = Parameters::new();
        let mut rest = path.trim_start_matches('/');
        for part in &self.0 {
            if let Part::Rest(name) = part {
                parameters.insert(name.clone(), decode(rest));
                return Some(parameters);
            }
            let (first, others) = rest.split_once('/').unwrap_or((rest, ""));
            if first.is_empty() {
                return None;
            }
            match part {
                Part::Word(word) if *word == decode(first) => {}
                Part::Word(_) => return None,
                Part::Parameter(name) | Part::Rest(name) => {
                    parameters.insert(name.clone(), decode(first));
                }
            }
            rest = others;
        }
        rest.is_empty().then_some(parameters)
    }
}

impl Part {
    fn new(text: &str) -> Self {
        let name = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        match name.map(|name| (name, name.strip_suffix("..."))) {
            Some((_, Some(rest))) => Self::Rest(rest.to_owned()),
            Some((name, None)) => Self::Parameter(name.to_owned()),
            None => Self::Word(text.to_owned()),
        }
    }
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

/// The pairs of a query, decoded, in their order.
pub(crate) fn query(query: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
    })
}

/// Replaces `%41` by `A`. What is no valid escape stays as it is.
fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let escape = others.first_chunk::<2>().filter(|_| *first == b'%');
        let byte =
            escape.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        decoded.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { others.get(2..).unwrap_or_default() } else { others };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, expected: Option<&[(&str, &str)]>) {
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(Pattern::new(pattern).matches(path), expected.map(owned), "{pattern} {path}");
    }

    #[test]
    fn patterns_match_whole_paths() {
        check("/", "/", Some(&[]));
        check("/", "/a", None);
        check("/a", "/a", Some(&[]));
        check("/a", "/a/", Some(&[]));
        check("/a", "/ab", None);
        check("/a/{x}", "/a", None);
        check("/a/{x}", "/a/1", Some(&[("x", "1")]));
        check("/a/{x}", "/a/1/2", None);
        check("/a/{x}/b", "/a/%31%2F/b", Some(&[("x", "1/")]));
        check("/a/{all...}", "/a", Some(&[("all", "")]));
        check("/a/{all...}", "/a/b/c", Some(&[("all", "b/c")]));
    }

    #[test]
    fn queries_are_decoded() {
        let pairs: Vec<_> = query("a=1&b=x+y&c&&d=%zz%41").collect();
        let expected = [("a", "1"), ("b", "x y"), ("c", ""), ("d", "%zzA")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
