//! What reads bytes from outside, each as a function of bytes that must neither panic nor hang, whatever they are.
//!
//! Bodies and patches go through a whole API server in this process, since what follows the parser (defaults, validation, ownership of
//! fields) must bear what the parser lets through. All is dry-run, so that an input does the same each time.
//!
//! `cargo test -p fuzz` replays the inputs of `corpus/`, a folder for each function. The fuzzer itself needs a nightly compiler and
//! `cargo install cargo-fuzz`; it adds to a copy of them:
//!
//! ```text
//! cd tests/fuzz && cp -r corpus /tmp/corpus
//! cargo +nightly fuzz run --fuzz-dir targets json /tmp/corpus/json -- -max_total_time=3600
//! ```

mod parsers;
mod server;

pub use parsers::{
    PARSERS, Parser, expression, json, patch, protobuf, quantity, request, selector, yaml,
};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::PARSERS;

    #[test]
    fn the_corpus_does_no_harm() {
        for (name, parser) in PARSERS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
            let entries = fs::read_dir(&folder).expect("a folder for each function");
            let mut read = 0;
            for entry in entries {
                let path = entry.expect("a readable folder").path();
                // Shown if the input ends the test.
                eprintln!("{}", path.display());
                parser(&fs::read(&path).expect("a readable file"));
                read += 1;
            }
            assert!(read > 0, "{name} has inputs");
        }
    }
}
