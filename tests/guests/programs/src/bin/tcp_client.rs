//! Connects to a name, sends numbered bytes, and checks what comes back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

const PIECES: usize = 64;
const PIECE: usize = 16 * 1024;

fn main() -> std::io::Result<()> {
    let server = std::env::args().nth(1).expect("an address");
    let mut stream = TcpStream::connect(server)?;
    println!("connected to {}", stream.peer_addr()?);
    let mut received = vec![0; PIECE];
    for number in 0..PIECES {
        let piece = vec![number as u8; PIECE];
        stream.write_all(&piece)?;
        stream.read_exact(&mut received)?;
        assert!(received == piece, "piece {number} came back changed");
    }
    stream.shutdown(Shutdown::Write)?;
    let rest = stream.read_to_end(&mut received)?;
    println!("echoed {} bytes, then {rest}", PIECES * PIECE);
    Ok(())
}
