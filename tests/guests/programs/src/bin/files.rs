//! Reads, writes, and tries what it may not: prints the result of each.

use std::fmt::Debug;
use std::fs;
use std::io;

fn main() {
    tell("read", fs::read_to_string("/input/greeting"));
    tell("write", fs::write("/data/written", "by a guest"));
    tell("list", names("/data"));
    tell("write read-only", fs::write("/input/greeting", "changed"));
    tell("leave by ..", fs::read_to_string("/data/../../../../etc/hostname"));
    tell("leave by link", fs::read_to_string("/data/link-out"));
    tell("no mount", fs::read_to_string("/etc/hostname"));
    tell("relative", fs::read_to_string("written"));
}

fn names(folder: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut names: Vec<String> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

fn tell<T: Debug>(what: &str, result: io::Result<T>) {
    match result {
        Ok(value) => println!("{what}: {value:?}"),
        Err(error) => println!("{what}: refused, {:?}", error.kind()),
    }
}
