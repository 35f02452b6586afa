//! Regular expressions in the syntax that Kubernetes reads, RE2, run by an engine whose own syntax differs in details.
//!
//! Classes such as `\d` are of ASCII, a brace that begins no count stands for itself, and so does a bracket inside brackets. What is wrong
//! with an expression is told in Kubernetes' words. Matching takes time that is linear in the text, and memory is bounded.
//!
//! See <https://github.com/google/re2/wiki/Syntax>.

mod classes;
mod translate;

use regex::{Regex, RegexBuilder};

/// A compiled expression may take this much memory.
const SIZE_MAX: usize = 32 << 20;

/// What is wrong with an expression, and which part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {problem}: `{part}`")]
pub struct PatternError {
    problem: &'static str,
    part: String,
}

impl PatternError {
    fn new(problem: &'static str, part: &str) -> Self {
        Self { problem, part: part.to_owned() }
    }
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    pub fn compile(text: &str) -> Result<Self, PatternError> {
        Self::within(text, SIZE_MAX)
    }

    /// Compiles an expression that may take `size_max` bytes.
    pub(crate) fn within(text: &str, size_max: usize) -> Result<Self, PatternError> {
        let translated = translate::translate(text)?;
        let built = RegexBuilder::new(&translated).size_limit(size_max).build();
        built.map(Self).map_err(|error| {
            let problem = match error {
                regex::Error::CompiledTooBig(_) => "expression too large",
                _ => "invalid regexp",
            };
            PatternError::new(problem, text)
        })
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    pub(crate) fn regex(&self) -> &Regex {
        &self.0
    }
}

#[cfg(test)]
mod tests;
