//! Two sockets that send each other datagrams.

use std::net::UdpSocket;

fn main() -> std::io::Result<()> {
    let server = UdpSocket::bind("127.0.0.1:5300")?;
    let client = UdpSocket::bind("127.0.0.1:0")?;
    client.connect(server.local_addr()?)?;
    client.send(b"ping")?;
    let mut buffer = [0; 64];
    let (length, from) = server.recv_from(&mut buffer)?;
    println!("server got {:?}", String::from_utf8_lossy(&buffer[..length]));
    server.send_to(b"pong", from)?;
    let length = client.recv(&mut buffer)?;
    println!("client got {:?}", String::from_utf8_lossy(&buffer[..length]));
    Ok(())
}
