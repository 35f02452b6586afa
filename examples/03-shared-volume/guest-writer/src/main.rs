//! Writes a line a second into the shared folder.

use std::fs::OpenOptions;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use skiff_guest::{Result, config, info};

fn main() -> Result<()> {
    let path: String = config::get_or("FILE", "/data/lines".to_owned())?;
    for number in 1_u64.. {
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        writeln!(file, "line {number}")?;
        info!("wrote line {number}");
        sleep(Duration::from_secs(1));
    }
    Ok(())
}
