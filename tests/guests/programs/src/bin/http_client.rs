//! A command that fetches the URLs it is given.

use skiff_guest::{Result, http};

fn main() -> Result<()> {
    for url in std::env::args().skip(1) {
        match http::get(&url) {
            Ok(reply) => println!("{} {}", reply.status(), reply.text()?.trim_end()),
            Err(error) => println!("error {error}"),
        }
    }
    Ok(())
}
