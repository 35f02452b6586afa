#![expect(clippy::unwrap_used, reason = "tests")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn fabric() -> Fabric {
    let fabric = Fabric::default();
    fabric.add_host("100.64.0.2".parse().unwrap());
    fabric.add_host("100.64.0.3".parse().unwrap());
    fabric
}

#[tokio::test]
async fn pods_talk() {
    let fabric = fabric();
    let mut listener = fabric.listen(at("100.64.0.2:80"), false).unwrap();
    let mut client = fabric.connect(at("100.64.0.3:40000"), at("100.64.0.2:80")).await.unwrap();
    let mut served = listener.accept().await.unwrap();
    assert_eq!((served.local, served.remote), (at("100.64.0.2:80"), at("100.64.0.3:40000")));
    client.write_all(b"hi").await.unwrap();
    let mut two = [0; 2];
    served.stream.read_exact(&mut two).await.unwrap();
    assert_eq!(&two, b"hi");
}

#[tokio::test]
async fn nobody_there_refuses_and_nowhere_is_unreachable() {
    let fabric = fabric();
    let from = at("100.64.0.3:40000");
    let refused = fabric.connect(from, at("100.64.0.2:80")).await;
    assert_eq!(refused.unwrap_err(), ConnectError::Refused);
    let nowhere = fabric.connect(from, at("100.64.0.9:80")).await;
    assert_eq!(nowhere.unwrap_err(), ConnectError::Unreachable);
    let listener = fabric.listen(at("100.64.0.2:80"), false).unwrap();
    assert_eq!(fabric.listen(at("100.64.0.2:80"), false).unwrap_err(), ListenError::InUse);
    let mut waiting = fabric.connect(from, at("100.64.0.2:80")).await.unwrap();
    drop(listener);
    assert_eq!(waiting.read(&mut [0]).await.unwrap(), 0);
    assert!(fabric.connect(from, at("100.64.0.2:80")).await.is_err());
    assert!(fabric.listen(at("100.64.0.2:80"), false).is_ok());
}

#[tokio::test]
async fn loopback_listeners_are_seen_from_their_own_pod_only() {
    let fabric = fabric();
    let _listener = fabric.listen(at("100.64.0.2:80"), true).unwrap();
    assert!(fabric.connect(at("100.64.0.2:40000"), at("100.64.0.2:80")).await.is_ok());
    assert!(fabric.connect(at("100.64.0.3:40000"), at("100.64.0.2:80")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_full_backlog_makes_clients_wait_and_then_give_up() {
    let fabric = fabric();
    let mut listener = fabric.listen(at("100.64.0.2:80"), false).unwrap();
    let from = at("100.64.0.3:40000");
    let mut clients = Vec::new();
    for _ in 0..BACKLOG {
        clients.push(fabric.connect(from, at("100.64.0.2:80")).await.unwrap());
    }
    let late = fabric.connect(from, at("100.64.0.2:80")).await;
    assert_eq!(late.unwrap_err(), ConnectError::TimedOut);
    let other = fabric.clone();
    let patient = tokio::spawn(async move { other.connect(from, at("100.64.0.2:80")).await });
    tokio::task::yield_now().await;
    listener.accept().await.unwrap();
    assert!(patient.await.unwrap().is_ok());
}

#[test]
fn port_zero_takes_any_free_port() {
    let fabric = fabric();
    let one = fabric.listen(at("100.64.0.2:0"), false).unwrap();
    let other = fabric.listen(at("100.64.0.2:0"), false).unwrap();
    assert_ne!(one.local(), other.local());
    assert!(EPHEMERAL.contains(&one.local().port()));
}
