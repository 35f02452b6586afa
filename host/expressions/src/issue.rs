//! What is wrong with an expression, as text that shows the place.

use std::fmt;

/// More than these are not listed.
const SHOWN_MAX: usize = 100;

/// One finding. Lines and columns count from one; no line stands for the expression as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// All findings about one expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Issues {
    text: String,
    pub list: Vec<Issue>,
}

impl Issues {
    pub(crate) fn new(text: &str, issues: impl IntoIterator<Item = Issue>) -> Self {
        Self { text: text.to_owned(), list: issues.into_iter().collect() }
    }
}

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.list.iter().take(SHOWN_MAX).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            let Issue { line, column, message } = issue;
            if *line == 0 {
                write!(f, "ERROR: <input>:-1:0: {message}")?;
                continue;
            }
            write!(f, "ERROR: <input>:{line}:{column}: {message}")?;
            if let Some(shown) = self.text.lines().nth(line - 1) {
                let dots = ".".repeat(column.saturating_sub(1));
                write!(f, "\n | {}\n | {dots}^", shown.replace('\t', " "))?;
            }
        }
        Ok(())
    }
}
