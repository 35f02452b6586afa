use std::io::Write as _;

use super::{Config, Error, Flags, Surroundings};

fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
    let variables =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Surroundings {
        variables,
        is_root: false,
        home: Some("/home/a".into()),
        host_name: "Machine-1".to_owned(),
    }
}

fn load(file: &str, variables: &[(&str, &str)], flags: Flags) -> Result<Config, String> {
    let mut written = tempfile::NamedTempFile::new().expect("a temporary file");
    written.write_all(file.as_bytes()).expect("it takes text");
    let flags = Flags { config: Some(written.path().to_owned()), ..flags };
    Config::load(&flags, &surroundings(variables)).map_err(|error| match &error {
        Error::Field(source) => format!("{error}: {source}"),
        _ => error.to_string(),
    })
}

#[test]
fn later_sources_win() {
    let file = "api: {address: 127.0.0.1:1}\nstore: {history-secs: 60}\n";
    let config =
        load(file, &[("SKIFF_API_ADDRESS", "127.0.0.1:2")], Flags::default()).expect("valid");
    assert_eq!((config.api.address.port(), config.store.history_secs), (2, 60));
    let flags = Flags { api_address: Some(([127, 0, 0, 1], 3).into()), ..Flags::default() };
    let config = load(
        file,
        &[("SKIFF_API_ADDRESS", "127.0.0.1:2"), ("SKIFF_DISABLE", "node,scheduler")],
        flags,
    );
    let config = config.expect("valid");
    assert_eq!(config.api.address.port(), 3);
    assert_eq!(config.disable.len(), 2);
    assert_eq!(config.data_dir.to_str(), Some("/home/a/.local/share/skiff"));
    assert_eq!(config.node.name.as_deref(), Some("machine-1"));
}

#[test]
fn mistakes_name_the_field() {
    let refused = |file: &str, expected: &str| {
        let error = load(file, &[], Flags::default()).expect_err("it is refused");
        assert!(error.contains(expected), "{error}");
    };
    refused("api: {adress: x}\n", "adress");
    refused("store: {history-secs: 1}\n", "store.history-secs");
    refused("disable: [nobody]\n", "nobody");
    refused("node: {name: \"a b\"}\n", "node.name");
    refused("a: [\n", "is no YAML");
}

#[test]
fn the_readme_shows_the_defaults() {
    let readme = include_str!("../../../../README.md");
    let printed = Config::default().print().expect("it is YAML");
    for line in printed.lines() {
        assert!(readme.contains(line), "README.md does not show {line:?} of:\n{printed}");
    }
}
