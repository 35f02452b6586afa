//! Opens sockets until one is refused, and says how many it got and why no more.

use std::net::TcpListener;

fn main() {
    let mut hoard = Vec::new();
    loop {
        match TcpListener::bind("0.0.0.0:0") {
            Ok(listener) => hoard.push(listener),
            Err(error) => {
                println!("{} sockets, then {:?}", hoard.len(), error.kind());
                return;
            }
        }
    }
}
