#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use jiff::SignedDuration;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::*;

fn config(folder: &Path) -> Config {
    Config {
        data_dir: folder.to_path_buf(),
        bind: Ipv4Addr::new(192, 0, 2, 1).into(),
        service_address: Ipv4Addr::new(10, 43, 0, 1).into(),
        host_name: "edge-1".to_string(),
        extra_names: vec!["api.example".to_string()],
        clients: vec![Client::node("edge-1")],
    }
}

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn later(days: i64) -> Timestamp {
    now() + SignedDuration::from_hours(24 * days)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join("pki").join(name)).unwrap()
}

#[test]
fn the_first_start_makes_everything_and_the_second_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let trust = Trust::open(config(folder.path()), now()).unwrap();
    let names = ["ca.pem", "server.pem", "admin.pem", "node-edge-1.pem", "service-account.key"];
    let first: Vec<String> = names.iter().map(|name| read(folder.path(), name)).collect();
    for name in names {
        let metadata = std::fs::metadata(folder.path().join("pki").join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let metadata = std::fs::metadata(folder.path().join("pki")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
    drop(trust);
    Trust::open(config(folder.path()), later(1)).unwrap();
    let second: Vec<String> = names.iter().map(|name| read(folder.path(), name)).collect();
    assert_eq!(first, second);
}

#[test]
fn certificates_are_renewed_while_running_and_the_old_authority_still_vouches() {
    let folder = tempfile::tempdir().unwrap();
    let trust = Trust::open(config(folder.path()), now()).unwrap();
    let (ca, server) = (trust.authority_certificate(), read(folder.path(), "server.pem"));
    let old_verifier = trust.client_verifier().unwrap();
    trust.renew(later(200)).unwrap();
    assert_eq!(read(folder.path(), "server.pem"), server);
    trust.renew(later(300)).unwrap();
    assert_ne!(read(folder.path(), "server.pem"), server);
    assert_eq!(trust.authority_certificate(), ca);

    let day = later(3600);
    trust.renew(day).unwrap();
    assert_ne!(trust.authority_certificate(), ca);
    let admin = trust.client("admin").unwrap();
    let chain = [CertificateDer::from_pem_slice(admin.certificate.as_bytes()).unwrap()];
    old_verifier.verify(&chain, day).unwrap();
    trust.client_verifier().unwrap().verify(&chain, day).unwrap();
    assert!(old_verifier.verify(&chain, later(3600 + 400)).is_err());
}

#[test]
fn a_new_name_is_added_to_the_server_certificate_only() {
    let folder = tempfile::tempdir().unwrap();
    Trust::open(config(folder.path()), now()).unwrap();
    let before = (read(folder.path(), "admin.pem"), read(folder.path(), "server.pem"));
    let mut wider = config(folder.path());
    wider.extra_names.push("other.example".to_string());
    Trust::open(wider, now()).unwrap();
    let after = (read(folder.path(), "admin.pem"), read(folder.path(), "server.pem"));
    assert_eq!(before.0, after.0);
    assert_ne!(before.1, after.1);
}

#[test]
fn certificates_are_valid_for_clients_whose_clock_is_behind() {
    let folder = tempfile::tempdir().unwrap();
    let trust = Trust::open(config(folder.path()), now()).unwrap();
    let admin = trust.client("admin").unwrap();
    let chain = [CertificateDer::from_pem_slice(admin.certificate.as_bytes()).unwrap()];
    let verifier = trust.client_verifier().unwrap();
    verifier.verify(&chain, now() - SignedDuration::from_mins(59)).unwrap();
    assert!(verifier.verify(&chain, now() - SignedDuration::from_mins(61)).is_err());
}

#[test]
fn damaged_files_are_named_and_never_replaced() {
    for name in ["ca.pem", "server.pem", "admin.pem", "service-account.key"] {
        for content in
            ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
        {
            let folder = tempfile::tempdir().unwrap();
            Trust::open(config(folder.path()), now()).unwrap();
            let path = folder.path().join("pki").join(name);
            std::fs::write(&path, content).unwrap();
            let error = Trust::open(config(folder.path()), now()).unwrap_err();
            if name != "service-account.key" || content.is_empty() {
                assert!(error.to_string().contains(name), "{name}: {error}");
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
    }
}

#[test]
fn a_certificate_of_another_authority_is_no_good_and_is_replaced_in_our_own_folder() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let trust = Trust::open(config(ours.path()), now()).unwrap();
    let foreign = Trust::open(config(theirs.path()), now()).unwrap().client("admin").unwrap();
    let chain = [CertificateDer::from_pem_slice(foreign.certificate.as_bytes()).unwrap()];
    assert!(trust.client_verifier().unwrap().verify(&chain, now()).is_err());
    std::fs::write(ours.path().join("pki/admin.pem"), foreign.to_pem()).unwrap();
    trust.renew(now()).unwrap();
    assert_ne!(trust.client("admin").unwrap().certificate, foreign.certificate);
}

#[test]
fn tokens_open_with_their_own_key_only() {
    let (one, other) = (Signer::ephemeral().unwrap(), Signer::ephemeral().unwrap());
    let token = one.sign(&serde_json::json!({ "sub": "me" })).unwrap();
    let claims: serde_json::Value = one.open(&token).unwrap();
    assert_eq!(claims, serde_json::json!({ "sub": "me" }));
    assert!(other.open::<serde_json::Value>(&token).is_err());
    assert!(one.open::<serde_json::Value>(&format!("{token}A")).is_err());
    assert!(one.open::<serde_json::Value>("a.b.c").is_err());
    let keys = one.key_set();
    assert_eq!(keys["keys"][0]["x"].as_str().unwrap().len(), 43);
    assert_eq!(keys["keys"][0]["y"].as_str().unwrap().len(), 43);
}

#[test]
fn the_kubeconfig_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let trust = Trust::open(config(folder.path()), now()).unwrap();
    let path = trust.write_kubeconfig("127.0.0.1:6443".parse().unwrap()).unwrap();
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&path).unwrap().contains("server: https://127.0.0.1:6443"));
}

#[test]
fn the_kubeconfig_follows_the_certificates_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let trust = Trust::open(config(folder.path()), now()).unwrap();
    let path = trust.write_kubeconfig("127.0.0.1:6443".parse().unwrap()).unwrap();
    let first = std::fs::read_to_string(&path).unwrap();
    trust.renew(later(1)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    trust.renew(later(300)).unwrap();
    assert_ne!(std::fs::read_to_string(&path).unwrap(), first);
}
