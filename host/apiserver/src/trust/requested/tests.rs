#![expect(clippy::unwrap_used, reason = "tests")]

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{GeneralName, ParsedExtension, X509Certificate};

use super::*;

/// `O=team, O=ops, CN=someone` with names of every kind, as `openssl req` makes it.
const REQUEST: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIIBRDCB6wIBADAvMQ0wCwYDVQQKDAR0ZWFtMQwwCgYDVQQKDANvcHMxEDAOBgNV
BAMMB3NvbWVvbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASbW2hf4QSMLulJ
sGJuHoEnq470CFgJlQZj6XUKlwoe/3PZC/mJU4q6vTM/OUns3fM/7YVtCzXqPirc
xMhsMTFYoFowWAYJKoZIhvcNAQkOMUswSTBHBgNVHREEQDA+gglhLmV4YW1wbGWH
BMAAAgeHECABDbgAAAAAAAAAAAAAAAGBC2FAYi5leGFtcGxlhgxzcGlmZmU6Ly94
L3kwCgYIKoZIzj0EAwIDSAAwRQIhAKxPQ99Ao9cz58WjEyQ/eEsBqmflKCsYpmQl
eAh0Uj+2AiBnEgaTrb7o+rMJtWD8fCUmkaJt0piy2h1TkfkjatXOCA==
-----END CERTIFICATE REQUEST-----
";

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn authority() -> Authority {
    Authority::new(time("2026-06-01T00:00:00Z")).unwrap()
}

fn order<'a>(usages: &'a [String], end: &str) -> Order<'a> {
    Order {
        request: REQUEST.as_bytes(),
        usages,
        not_before: time("2026-06-01T00:00:00Z"),
        not_after: time(end),
    }
}

fn words(usages: &[&str]) -> Vec<String> {
    usages.iter().map(ToString::to_string).collect()
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[test]
fn a_certificate_repeats_name_and_key_and_says_what_it_is_for() {
    let authority = authority();
    let usages = words(&["client auth", "digital signature", "key encipherment"]);
    let made = der(&authority.sign(&order(&usages, "2026-06-01T01:00:00Z")).unwrap());
    let (_, made) = X509Certificate::from_der(&made).unwrap();
    let own = der(authority.certificate());
    let (_, own) = X509Certificate::from_der(&own).unwrap();
    made.verify_signature(Some(own.public_key())).unwrap();
    let (_, raw) = pkcs10::read_signed(REQUEST.as_bytes()).unwrap();
    assert_eq!(made.subject().as_raw(), raw.name);
    assert_eq!(made.public_key().raw, raw.key);
    assert_eq!(made.issuer(), own.subject());
    assert_eq!(made.validity().not_before.timestamp(), 1_780_272_000);
    assert_eq!(made.validity().not_after.timestamp(), 1_780_275_600);
    let key_usage = made.key_usage().unwrap().unwrap();
    assert!(key_usage.critical && key_usage.value.digital_signature());
    assert_eq!(key_usage.value.to_string(), "Digital Signature, Key Encipherment");
    let purposes = made.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.client_auth && !purposes.server_auth && !purposes.any);
    let constraints = made.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && !constraints.value.ca);
    let names = made.subject_alternative_name().unwrap().unwrap();
    assert_eq!(
        names.value.general_names,
        [
            GeneralName::DNSName("a.example"),
            GeneralName::RFC822Name("a@b.example"),
            GeneralName::IPAddress(&[192, 0, 2, 7]),
            GeneralName::IPAddress(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            GeneralName::URI("spiffe://x/y"),
        ]
    );
    let has_issuer_key = made
        .iter_extensions()
        .any(|one| matches!(one.parsed_extension(), ParsedExtension::AuthorityKeyIdentifier(_)));
    assert!(has_issuer_key);
}

#[test]
fn a_client_with_it_is_let_in_until_it_ends() {
    let authority = authority();
    let usages = words(&["client auth"]);
    let made = der(&authority.sign(&order(&usages, "2026-06-01T01:00:00Z")).unwrap());
    let verifier = super::super::ClientVerifier::new(authority.certificate()).unwrap();
    verifier.verify(std::slice::from_ref(&made), time("2026-06-01T00:30:00Z")).unwrap();
    assert!(verifier.verify(&[made], time("2026-06-01T01:00:01Z")).is_err());
    let other = words(&["server auth"]);
    let server = der(&authority.sign(&order(&other, "2026-06-01T01:00:00Z")).unwrap());
    assert!(verifier.verify(&[server], time("2026-06-01T00:30:00Z")).is_err());
}

#[test]
fn no_two_certificates_have_the_same_number() {
    let (authority, usages) = (authority(), words(&["any", "s/mime", "email protection"]));
    let sign = || der(&authority.sign(&order(&usages, "2026-06-01T01:00:00Z")).unwrap());
    let serial = |made: &CertificateDer<'_>| {
        X509Certificate::from_der(made).unwrap().1.raw_serial().to_vec()
    };
    assert_ne!(serial(&sign()), serial(&sign()));
}

#[test]
fn a_certificate_ends_with_its_authority() {
    let (authority, usages) = (authority(), words(&["client auth"]));
    let end = x509::not_after(authority.certificate().as_bytes()).unwrap();
    let made = der(&authority.sign(&order(&usages, "2099-01-01T00:00:00Z")).unwrap());
    let (_, made) = X509Certificate::from_der(&made).unwrap();
    assert_eq!(made.validity().not_after.timestamp(), end.as_second());
    let late = Order { not_before: end, ..order(&usages, "2099-01-01T00:00:00Z") };
    let error = authority.sign(&late).unwrap_err().to_string();
    assert_eq!(error, format!("the authority has ended at {end}"));
}

#[test]
fn what_cannot_be_signed_is_named() {
    let (authority, usages) = (authority(), words(&["client auth", "dance"]));
    let error = authority.sign(&order(&usages, "2026-06-01T01:00:00Z")).unwrap_err();
    assert_eq!(error.to_string(), "unrecognized usage: \"dance\"");
    let usages = words(&["client auth"]);
    // Another name than the one that was signed.
    let der = REQUEST.replace("ZWFt", "ZWFu");
    let forged = Order { request: der.as_bytes(), ..order(&usages, "2026-06-01T01:00:00Z") };
    assert!(matches!(
        authority.sign(&forged),
        Err(RequestError::Request(pkcs10::Error::WrongSignature))
    ));
}
