use super::*;

#[test]
fn everything_is_embedded_and_the_address_is_one_to_connect_to() {
    let admin = Identity { certificate: "CERT".to_string(), key: "KEY".to_string() };
    let cases = [
        ("0.0.0.0:6443", "https://127.0.0.1:6443"),
        ("[::]:6443", "https://[::1]:6443"),
        ("192.0.2.7:16443", "https://192.0.2.7:16443"),
    ];
    for (listening, server) in cases {
        let text = render(listening.parse().expect("an address"), "CA", &admin);
        assert_eq!(
            text,
            format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: skiff\nclusters:\n- name: skiff\n  \
                 cluster:\n    server: {server}\n    certificate-authority-data: Q0E=\ncontexts:\n\
                 - name: skiff\n  context:\n    cluster: skiff\n    user: skiff-admin\nusers:\n\
                 - name: skiff-admin\n  user:\n    client-certificate-data: Q0VSVA==\n    \
                 client-key-data: S0VZ\n"
            )
        );
    }
}
