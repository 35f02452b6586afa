//! Echoes what connections send, one after the other, until its listener is shut down. Says then
//! how many it served.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("0.0.0.0:7000")?;
    println!("listening on {}", listener.local_addr()?);
    let mut served = 0;
    while let Ok((stream, peer)) = listener.accept() {
        println!("connection from {peer}");
        echo(stream)?;
        served += 1;
    }
    println!("served {served}");
    Ok(())
}

fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return stream.shutdown(Shutdown::Both);
        }
        stream.write_all(&buffer[..length])?;
    }
}
