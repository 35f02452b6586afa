//! HTTP/1.1 requests to a port of this machine, over connections that are kept.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What a load brought about.
#[derive(Clone, Debug)]
pub struct Answered {
    pub requests: u64,
    /// Bytes of all bodies.
    pub bytes: u64,
    /// The time that half of the requests took at the most.
    pub median: Duration,
    pub slowest_percent: Duration,
}

/// One GET of `/`, on a connection of its own.
pub async fn ask(address: SocketAddr) -> anyhow::Result<Bytes> {
    let mut sender = connect(address).await?;
    exchange(&mut sender, address).await
}

/// GETs of `/` over a number of connections, each with one request at a time.
pub async fn keep_asking(
    address: SocketAddr,
    connections: usize,
    requests: usize,
) -> anyhow::Result<Answered> {
    let each = requests / connections;
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            tokio::spawn(async move {
                let mut sender = connect(address).await?;
                let mut times = Vec::with_capacity(each);
                let mut bytes = 0;
                for _ in 0..each {
                    let begun = Instant::now();
                    bytes += exchange(&mut sender, address).await?.len() as u64;
                    times.push(begun.elapsed());
                }
                anyhow::Ok((times, bytes))
            })
        })
        .collect();
    let (mut times, mut bytes) = (Vec::with_capacity(requests), 0);
    for task in tasks {
        let (own, read) = task.await??;
        times.extend(own);
        bytes += read;
    }
    let median = crate::sorted_median(&mut times);
    let slowest_percent = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
    Ok(Answered { requests: times.len() as u64, bytes, median, slowest_percent })
}

async fn connect(address: SocketAddr) -> anyhow::Result<SendRequest<Empty<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange(
    sender: &mut SendRequest<Empty<Bytes>>,
    address: SocketAddr,
) -> anyhow::Result<Bytes> {
    let request =
        Request::get("/").header(header::HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    let code = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    anyhow::ensure!(code.is_success(), "{code}: {}", String::from_utf8_lossy(&body));
    Ok(body)
}
