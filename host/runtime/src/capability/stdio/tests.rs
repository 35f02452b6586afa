use super::*;

#[derive(Debug, Default)]
struct Taken(Mutex<Vec<(String, bool)>>);

impl Sink for Taken {
    fn offer(&self, line: Line<'_>) -> Result<(), Full> {
        let text = String::from_utf8_lossy(line.bytes).into_owned();
        self.0.lock().push((text, line.is_whole));
        Ok(())
    }

    fn ready(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What arrives after these writes and the end.
fn check(writes: &[&str], expected: &[(&str, bool)]) {
    let sink = Arc::new(Taken::default());
    let printer = Printer { sink: sink.clone(), account: Arc::default(), pending: Arc::default() };
    for write in writes {
        assert!(printer.room() >= write.len(), "{writes:?}");
        printer.print(write.as_bytes());
    }
    assert!(printer.drain(true).is_ok());
    let expected: Vec<_> =
        expected.iter().map(|(text, whole)| ((*text).to_owned(), *whole)).collect();
    assert_eq!(*sink.0.lock(), expected, "{writes:?}");
}

#[test]
fn lines_are_whole_however_they_are_written() {
    check(&[], &[]);
    check(&["a\n"], &[("a", true)]);
    check(&["a", "b", "\n", "c"], &[("ab", true), ("c", true)]);
    check(&["a\nb\nc\n"], &[("a", true), ("b", true), ("c", true)]);
    check(&["\n\n"], &[("", true), ("", true)]);
    check(&["a\r\n"], &[("a\r", true)]);
}

#[test]
fn the_longest_line_is_whole_and_a_longer_one_is_not() {
    let longest = "x".repeat(LINE_BYTES_MAX);
    check(&[&longest, "\n"], &[(&longest, true)]);
    check(&[&longest, "y\n"], &[(&longest, false), ("y", true)]);
    check(&[&longest, &longest, "\n"], &[(&longest, false), (&longest, true)]);
}
