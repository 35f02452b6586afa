#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn the_longest_matching_key_wins() {
    let mut credentials = Credentials::default();
    let auth = base64::engine::general_purpose::STANDARD.encode("ann:p:w");
    let file = format!(
        r#"{{"auths":{{"https://r.io/v1/":{{"auth":"{auth}"}},"r.io/team":{{"username":"bob","password":"x"}},
           "*.cloud.io":{{"username":"eve","password":"y"}},"https://index.docker.io/v1/":{{"username":"doc","password":"z"}}}}}}"#
    );
    credentials.add_docker_config_json(file.as_bytes()).unwrap();
    let user = |registry: &str, repository: &str| {
        credentials.login(registry, repository).map(|login| login.username.as_str())
    };
    assert_eq!(user("r.io", "web"), Some("ann"));
    assert_eq!(user("r.io", "team/web"), Some("bob"));
    assert_eq!(user("r.io", "teams/web"), Some("ann"));
    assert_eq!(user("a.cloud.io", "web"), Some("eve"));
    assert_eq!(user("a.b.cloud.io", "web"), None);
    assert_eq!(user("docker.io", "library/web"), Some("doc"));
    assert_eq!(credentials.login("r.io", "web").unwrap().password, "p:w");
    assert!(!format!("{credentials:?}").contains("p:w"));
}

#[test]
fn broken_secrets_are_errors() {
    let mut credentials = Credentials::default();
    assert!(credentials.add_docker_config_json(b"nonsense").is_err());
    assert!(credentials.add_dockercfg(br#"{"r.io":{"auth":"!!"}}"#).is_err());
    assert!(credentials.add_dockercfg(br#"{"r.io":{"username":"a","password":"b"}}"#).is_ok());
}
