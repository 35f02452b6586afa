//! From text to syntax, with the macros of the language expanded.
//!
//! The grammar is that of the crate `cel`. It walks the syntax by recursion, so what it is given is bounded here, and it runs where there is
//! stack enough for that bound (see [`with_stack`]).

use std::sync::LazyLock;

use cel::Env;
use cel::common::ast::SourceInfo;
use cel::parser::{Expression, Macro};

use crate::issue::{Issue, Issues};
use crate::macros;

/// Longer expressions are refused, in characters.
const SOURCE_CHARS_MAX: usize = 100_000;
/// Expressions with more operators, dots and brackets are refused.
const OPERATORS_MAX: usize = 2_000;
/// What the parser and the checker need for an expression of the greatest depth.
const STACK_BYTES: usize = 64 << 20;

/// Words that an expression reads as something else.
pub const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A parsed expression and where its parts stand in the text.
pub(crate) struct Parsed {
    pub(crate) root: Expression,
    pub(crate) source: SourceInfo,
}

static LANGUAGE: LazyLock<Env> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    for extra in macros::all() {
        add(&mut env, extra);
    }
    env
});

fn add(env: &mut Env, extra: Macro) {
    env.add_macro(extra).expect("no two macros are called alike");
}

/// Parses an expression.
pub(crate) fn parse(text: &str) -> Result<Parsed, Issues> {
    bounded(text)?;
    match LANGUAGE.parser().parse_with_source_info(text) {
        Ok((root, source)) => Ok(Parsed { root, source }),
        Err(errors) => Err(Issues::new(
            text,
            errors.errors.into_iter().map(|error| Issue {
                line: usize::try_from(error.pos.0).unwrap_or(0),
                column: usize::try_from(error.pos.1).unwrap_or(0),
                message: worded(error.msg),
            }),
        )),
    }
}

/// In Kubernetes' words, where the parser's differ.
fn worded(message: String) -> String {
    match message.as_str() {
        "argument must be a simple name" => "argument is not an identifier".to_owned(),
        // Where an expression could end, Kubernetes' parser names nothing else.
        _ => match message.split_once(" expecting {<EOF>,") {
            Some((what, _)) => format!("{what} expecting <EOF>"),
            None => message,
        },
    }
}

fn bounded(text: &str) -> Result<(), Issues> {
    let refuse = |message: String| Issues::new(text, [Issue { line: 0, column: 0, message }]);
    let chars = text.chars().count();
    if chars > SOURCE_CHARS_MAX {
        return Err(refuse(format!(
            "expression code point size exceeds limit: size: {chars}, limit {SOURCE_CHARS_MAX}"
        )));
    }
    let operators = text.chars().filter(|char| ".[({+-*/%<>=!?&|,".contains(*char)).count();
    if operators > OPERATORS_MAX {
        return Err(refuse(format!(
            "expression recursion limit exceeded: more than {OPERATORS_MAX} operators"
        )));
    }
    Ok(())
}

/// Runs `work` with stack enough for every expression that [`parse`] lets pass. `None` if the parser broke.
pub(crate) fn with_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        thread.ok()?.join().ok()
    })
}
