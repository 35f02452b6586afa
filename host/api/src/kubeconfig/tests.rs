use super::*;

const FIRST: &str = "
apiVersion: v1
kind: Config
current-context: one
preferences: {}
clusters:
- name: c
  cluster: {server: 'https://a:6443', certificate-authority: ca.pem}
contexts:
- name: one
  context: {cluster: c, user: u, namespace: team}
users:
- name: u
  user: {token: abc, as: jane, as-groups: [dev, ops]}
";
const SECOND: &str = "
current-context: two
clusters:
- name: c
  cluster: {server: 'https://ignored'}
- name: d
  cluster: {server: 'https://d', insecure-skip-tls-verify: true}
contexts:
- name: two
  context: {cluster: d, user: v}
users:
- name: v
  user:
    exec: {command: login}
";

fn files() -> (Scratch, Sources) {
    let folder = Scratch::new();
    std::fs::write(folder.path().join("a"), FIRST).expect("write");
    std::fs::write(folder.path().join("b"), SECOND).expect("write");
    std::fs::write(folder.path().join("ca.pem"), "PEM").expect("write");
    let list = ["missing", "a", "b"].map(|f| folder.path().join(f));
    let variable = Some(std::env::join_paths(list).expect("paths without colons"));
    (folder, Sources { variable, ..Sources::default() })
}

/// A folder of this test alone.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("skiff-api-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_first_file_wins_and_paths_are_relative_to_their_file() {
    let (folder, sources) = files();
    let loaded = sources.load().expect("both files load");
    assert_eq!(loaded.config.current_context, "one");
    let target = loaded.config.target(&Overrides::default()).expect("a target");
    assert_eq!((target.server.as_str(), target.namespace.as_str()), ("https://a:6443", "team"));
    assert_eq!(target.authorities.as_deref(), Some(&b"PEM"[..]));
    assert_eq!(target.token.as_deref(), Some("abc"));
    let headers: Vec<_> = target.impersonation.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(
        headers,
        ["Impersonate-User=jane", "Impersonate-Group=dev", "Impersonate-Group=ops"]
    );
    drop(folder);
}

#[test]
fn other_contexts_and_what_is_not_supported() {
    let (_folder, sources) = files();
    let config = sources.load().expect("both files load").config;
    let of = |context: &str| {
        config.target(&Overrides { context: Some(context.to_owned()), ..Overrides::default() })
    };
    assert!(matches!(of("two"), Err(Error::Unsupported { what: "exec", .. })));
    let missing = of("three").expect_err("no such context");
    assert_eq!(missing.to_string(), "context \"three\" does not exist");
    let with_token = Overrides {
        context: Some("two".to_owned()),
        token: Some("t".to_owned()),
        ..Overrides::default()
    };
    assert!(config.target(&with_token).expect("a token replaces exec").insecure);
}

#[test]
fn a_file_asked_for_by_name_must_exist() {
    let folder = Scratch::new();
    let flag = Some(folder.path().join("none"));
    let sources = Sources { flag, ..Sources::default() };
    assert!(matches!(sources.load(), Err(Error::Read { .. })));
}

#[test]
fn a_change_goes_to_the_file_that_holds_the_entry() {
    let (folder, sources) = files();
    let mut loaded = sources.load().expect("both files load");
    loaded
        .update(|config| {
            config.current_context = "two".to_owned();
            for context in &mut config.contexts {
                if context.name == "two" {
                    context.value.context.namespace = "mine".to_owned();
                }
            }
            config.users.push(Named { name: "w".to_owned(), value: AuthInfo::default() });
        })
        .expect("written");
    let a = Config::read(&folder.path().join("a")).expect("still a kubeconfig");
    let b = Config::read(&folder.path().join("b")).expect("still a kubeconfig");
    assert_eq!(a.current_context, "two");
    assert_eq!(a.users.len(), 2);
    assert_eq!(a.clusters[0].value.cluster.certificate_authority, "ca.pem");
    assert!(a.rest.contains_key("preferences"));
    assert_eq!(b.contexts[0].value.context.namespace, "mine");
    assert!(b.users[0].value.user.exec.is_some());
    let again = sources.load().expect("loads again").config;
    assert_eq!(again.current_context, loaded.config.current_context);
    assert!(loaded.config.users.iter().all(|user| again.users.contains(user)));
}
