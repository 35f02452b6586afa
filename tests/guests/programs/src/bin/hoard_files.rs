//! Opens a file over and over.

use std::fs::File;

fn main() {
    let mut hoard = Vec::new();
    loop {
        match File::open("/data/file") {
            Ok(file) => hoard.push(file),
            Err(error) => {
                println!("{} files, then {error}", hoard.len());
                return;
            }
        }
    }
}
