//! Tokens from a file that the operator wrote: `token,user,uid[,"group1,group2"]`, one in a line.
//!
//! See <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file>.

use std::collections::HashMap;

use super::recent::digest;
use crate::seams::Identity;

/// Fixed tokens and whose they are.
#[derive(Default)]
pub struct StaticTokens {
    /// By digest, so that the time of a look-up tells nothing about the tokens.
    by_digest: HashMap<[u8; 32], Identity>,
}

impl std::fmt::Debug for StaticTokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("StaticTokens").field("len", &self.by_digest.len()).finish()
    }
}

/// A line of the token file makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the token file: {problem}")]
pub struct Error {
    line: usize,
    problem: &'static str,
}

impl StaticTokens {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut by_digest = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |problem| Error { line: index + 1, problem };
            let fields = fields(line).ok_or_else(|| wrong("a quote is not closed"))?;
            let [token, user, uid, rest @ ..] = fields.as_slice() else {
                return Err(wrong("it needs a token, a user name and a user id"));
            };
            if token.is_empty() {
                return Err(wrong("the token is empty"));
            }
            let groups = rest.first().map(String::as_str).unwrap_or_default();
            let identity = Identity {
                name: user.clone(),
                uid: uid.clone(),
                groups: groups
                    .split(',')
                    .map(|group| group.trim().to_owned())
                    .filter(|group| !group.is_empty())
                    .collect(),
                ..Identity::default()
            };
            if by_digest.insert(digest(token.as_bytes()), identity).is_some() {
                return Err(wrong("the token stands in an earlier line"));
            }
        }
        Ok(Self { by_digest })
    }

    pub(super) fn find(&self, token: &str) -> Option<Identity> {
        if self.by_digest.is_empty() {
            return None;
        }
        self.by_digest.get(&digest(token.as_bytes())).cloned()
    }
}

/// The fields of a line of comma-separated values; quotes around a field keep its commas.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let field = fields.last_mut()?;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            ' ' if !quoted && field.is_empty() => {}
            character => field.push(character),
        }
    }
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_tokens_is_read() {
        let tokens = StaticTokens::parse("abc,ann,1,\"a, b\"\n\n  def,bob,2\n").expect("a file");
        let ann = tokens.find("abc").expect("a token");
        assert_eq!((ann.name.as_str(), ann.uid.as_str()), ("ann", "1"));
        assert_eq!(ann.groups, ["a", "b"]);
        assert_eq!(tokens.find("def").expect("a token").groups, [""; 0]);
        assert_eq!(tokens.find("ghi"), None);
    }

    #[test]
    fn a_line_without_sense_is_named() {
        let check = |text: &str, expected: &str| {
            assert_eq!(StaticTokens::parse(text).expect_err(text).to_string(), expected);
        };
        check(
            "a,b,c\nd,e\n",
            "line 2 of the token file: it needs a token, a user name and a user id",
        );
        check(",b,c", "line 1 of the token file: the token is empty");
        check("a,b,c,\"d", "line 1 of the token file: a quote is not closed");
        check("a,b,c\na,d,e", "line 2 of the token file: the token stands in an earlier line");
    }
}
