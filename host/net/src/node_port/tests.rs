#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn doors() -> Doors<u8> {
    Doors::new(Arc::new(|to, mut stream: TcpStream, _| {
        Box::pin(async move {
            stream.write_all(&[to]).await.unwrap();
        })
    }))
}

async fn knock(at: SocketAddr) -> io::Result<u8> {
    TcpStream::connect(at).await?.read_u8().await
}

/// A port that was free a moment ago.
async fn free() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test]
async fn doors_open_change_and_close() {
    let mut doors = doors();
    let at = free().await;
    assert!(doors.set(BTreeMap::from([(at, 1)])).await.is_empty());
    assert_eq!(knock(at).await.unwrap(), 1);
    doors.set(BTreeMap::new()).await;
    // The task lets go of the port when it sees the cancellation.
    while knock(at).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_port_in_use_is_reported_and_tried_again() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let at = taken.local_addr().unwrap();
    let mut doors = doors();
    let blocked = doors.set(BTreeMap::from([(at, 7)])).await;
    assert_eq!((blocked.len(), blocked[0].to), (1, 7));
    assert_eq!(blocked[0].to_string(), format!("cannot listen on {at}"));
    assert!(doors.is_blocked());
    drop(taken);
    assert!(doors.retry().await.is_empty());
    assert_eq!(knock(at).await.unwrap(), 7);
}
