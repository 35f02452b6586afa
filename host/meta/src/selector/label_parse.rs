//! The grammar of label selector texts: `a=b,c in (d,e),!f,g>1`, with the messages for what does
//! not fit it.

use std::collections::BTreeSet;

use super::label::{Operator, Requirement};
use crate::names;
use crate::quote::quote;

/// The most texts come from URLs, which are bounded; this bounds what objects and clients in
/// process may send.
const REQUIREMENTS_MAX: usize = 10_000;

pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: lex(text), position: 0 };
    let mut requirements = Vec::new();
    loop {
        match parser.peek_value() {
            (Token::Identifier | Token::Not, _) => {
                let requirement = parser
                    .requirement()
                    .map_err(|error| format!("unable to parse requirement: {error}"))?;
                requirements.push(requirement);
                if requirements.len() > REQUIREMENTS_MAX {
                    return Err(format!("more than {REQUIREMENTS_MAX} requirements"));
                }
                match parser.take_value() {
                    (Token::End, _) => return Ok(requirements),
                    (Token::Comma, _) => {
                        let (next, literal) = parser.peek_value();
                        if !matches!(next, Token::Identifier | Token::Not) {
                            return Err(format!(
                                "found '{literal}', expected: identifier after ','"
                            ));
                        }
                    }
                    (_, literal) => {
                        return Err(format!("found '{literal}', expected: ',' or 'end of string'"));
                    }
                }
            }
            (Token::End, _) => return Ok(requirements),
            (_, literal) => {
                return Err(format!(
                    "found '{literal}', expected: !, identifier, or 'end of string'"
                ));
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Error,
    End,
    ClosedParenthesis,
    Comma,
    Not,
    DoubleEquals,
    Equals,
    GreaterThan,
    Identifier,
    In,
    LessThan,
    NotEquals,
    NotIn,
    OpenParenthesis,
}

fn symbol(text: &str) -> Option<Token> {
    Some(match text {
        ")" => Token::ClosedParenthesis,
        "," => Token::Comma,
        "!" => Token::Not,
        "==" => Token::DoubleEquals,
        "=" => Token::Equals,
        ">" => Token::GreaterThan,
        "<" => Token::LessThan,
        "!=" => Token::NotEquals,
        "(" => Token::OpenParenthesis,
        _ => return None,
    })
}

const fn is_symbol(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The last token is always `End`. A NUL ends the text, as it does for Kubernetes.
fn lex(text: &str) -> Vec<(Token, &str)> {
    let mut tokens = Vec::new();
    let mut rest = text.split('\0').next().unwrap_or_default();
    loop {
        rest = rest.trim_start_matches(is_space);
        let Some(first) = rest.chars().next() else {
            tokens.push((Token::End, ""));
            return tokens;
        };
        let (token, length) = if is_symbol(first) {
            longest_symbol(rest)
        } else {
            let length = rest.find(|c| is_symbol(c) || is_space(c)).unwrap_or(rest.len());
            let token = match &rest[..length] {
                "in" => Token::In,
                "notin" => Token::NotIn,
                _ => Token::Identifier,
            };
            (token, length)
        };
        let (literal, remaining) = rest.split_at(length);
        tokens.push((token, literal));
        rest = remaining;
    }
}

fn longest_symbol(rest: &str) -> (Token, usize) {
    let two = rest.get(..2).and_then(symbol).map(|token| (token, 2));
    let one = rest.get(..1).and_then(symbol).map(|token| (token, 1));
    two.or(one).unwrap_or((Token::Error, 1))
}

struct Parser<'a> {
    tokens: Vec<(Token, &'a str)>,
    position: usize,
}

impl<'a> Parser<'a> {
    /// Past the end there is only the end.
    fn peek(&self) -> (Token, &'a str) {
        self.tokens.get(self.position).copied().unwrap_or((Token::End, ""))
    }

    fn take(&mut self) -> (Token, &'a str) {
        let token = self.peek();
        self.position += 1;
        token
    }

    /// Where a value stands, the words of the grammar are ordinary identifiers.
    fn peek_value(&self) -> (Token, &'a str) {
        match self.peek() {
            (Token::In | Token::NotIn, literal) => (Token::Identifier, literal),
            other => other,
        }
    }

    fn take_value(&mut self) -> (Token, &'a str) {
        let token = self.peek_value();
        self.position += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.take_value();
        let negated = token == Token::Not;
        if negated {
            (token, key) = self.take_value();
        }
        if token != Token::Identifier {
            return Err(format!("found '{key}', expected: identifier"));
        }
        let errors = names::is_qualified_name(key);
        if !errors.is_empty() {
            // The parser has no path to name; clients see it as an absent one.
            return Err(format!("<nil>: Invalid value: {}: {}", quote(key), errors.join("; ")));
        }
        if negated {
            return Requirement::new(key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek_value().0, Token::End | Token::Comma) {
            return Requirement::new(key, Operator::Exists, Vec::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => BTreeSet::from([self.exact_value()?]),
        };
        Requirement::new(key, operator, values.into_iter().map(str::to_owned).collect())
    }

    fn operator(&mut self) -> Result<Operator, String> {
        Ok(match self.take() {
            (Token::In, _) => Operator::In,
            (Token::Equals, _) => Operator::Equals,
            (Token::DoubleEquals, _) => Operator::DoubleEquals,
            (Token::GreaterThan, _) => Operator::GreaterThan,
            (Token::LessThan, _) => Operator::LessThan,
            (Token::NotIn, _) => Operator::NotIn,
            (Token::NotEquals, _) => Operator::NotEquals,
            (_, literal) => {
                return Err(format!("found '{literal}', expected: in, notin, =, ==, !=, gt, lt"));
            }
        })
    }

    fn values(&mut self) -> Result<BTreeSet<&'a str>, String> {
        let (token, literal) = self.take_value();
        if token != Token::OpenParenthesis {
            return Err(format!("found '{literal}' expected: '('"));
        }
        let (token, literal) = self.peek_value();
        match token {
            Token::Identifier | Token::Comma => {
                let values = self.identifiers()?;
                if self.take_value().0 == Token::ClosedParenthesis {
                    Ok(values)
                } else {
                    Err(format!("found '{literal}', expected: ')'"))
                }
            }
            Token::ClosedParenthesis => {
                self.take_value();
                Ok(BTreeSet::from([""]))
            }
            _ => Err(format!("found '{literal}', expected: ',', ')' or identifier")),
        }
    }

    /// An empty place before, between or after commas is the empty value.
    fn identifiers(&mut self) -> Result<BTreeSet<&'a str>, String> {
        let mut values = BTreeSet::new();
        loop {
            match self.take_value() {
                (Token::Identifier, literal) => {
                    values.insert(literal);
                    match self.peek_value() {
                        (Token::Comma, _) => {}
                        (Token::ClosedParenthesis, _) => return Ok(values),
                        (_, literal) => {
                            return Err(format!("found '{literal}', expected: ',' or ')'"));
                        }
                    }
                }
                (Token::Comma, _) => {
                    if values.is_empty() {
                        values.insert("");
                    }
                    match self.peek_value().0 {
                        Token::ClosedParenthesis => {
                            values.insert("");
                            return Ok(values);
                        }
                        Token::Comma => {
                            values.insert("");
                        }
                        _ => {}
                    }
                }
                (_, literal) => {
                    return Err(format!("found '{literal}', expected: ',', or identifier"));
                }
            }
        }
    }

    fn exact_value(&mut self) -> Result<&'a str, String> {
        if matches!(self.peek_value().0, Token::End | Token::Comma) {
            return Ok("");
        }
        match self.take_value() {
            (Token::Identifier, literal) => Ok(literal),
            (_, literal) => Err(format!("found '{literal}', expected: identifier")),
        }
    }
}
