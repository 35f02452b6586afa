use super::{Block, blocks};

fn block<'a>(label: &'a str, has_headers: bool, contents: &str) -> Block<'a> {
    Block { label, has_headers, contents: contents.into() }
}

#[test]
fn reads_blocks_and_passes_over_the_rest() {
    let text = "words\n-----BEGIN A B-----\nYW\nJj\n-----END A B-----\nmore words\n-----BEGIN C-----\nX: y\n\nZA==\n-----END C-----";
    assert_eq!(blocks(text.as_bytes()), [block("A B", false, "abc"), block("C", true, "d")]);
    let crlf = "-----BEGIN A-----\r\nYWJj\r\n-----END A-----\r\n";
    assert_eq!(blocks(crlf.as_bytes()), [block("A", false, "abc")]);
}

#[test]
fn passes_over_what_is_damaged() {
    for text in [
        "",
        "YWJj",
        "-----BEGIN A-----\nYWJj",
        "-----BEGIN A-----\nYWJj\n-----END B-----",
        "-----BEGIN A-----\nnot base64\n-----END A-----",
    ] {
        assert_eq!(blocks(text.as_bytes()), [], "{text}");
    }
    let text = "-----BEGIN A-----\n-----BEGIN B-----\nYWJj\n-----END B-----";
    assert_eq!(blocks(text.as_bytes()), [block("B", false, "abc")]);
}
