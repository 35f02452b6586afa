#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_component_lists_its_world_and_a_module_does_not() {
    let text = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance $environment))
        (component $inner (import "hidden" (instance)))
        (export "wasi:cli/run@0.2.0" (instance $environment)))"#;
    let component = wat::parse_str(text).unwrap();
    let artifact = Artifact::new(component, None).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&artifact.config).unwrap();
    assert_eq!(config["os"], "wasip2");
    assert_eq!(config["component"]["imports"], serde_json::json!(["wasi:cli/environment@0.2.0"]));
    assert_eq!(config["component"]["exports"], serde_json::json!(["wasi:cli/run@0.2.0"]));
    assert_eq!(config["layerDigests"][0], artifact.wasm_digest.to_string());

    let module = Artifact::new(wat::parse_str("(module)").unwrap(), None).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&module.config).unwrap();
    assert_eq!((config["os"].as_str(), config.get("component")), (Some("wasip1"), None));
    let again = Artifact::new(wat::parse_str("(module)").unwrap(), None).unwrap();
    assert_eq!(again.digest, module.digest);
}

#[test]
fn other_files_are_refused() {
    assert!(matches!(Artifact::new(&b"\x7fELF"[..], None), Err(ArtifactError::Magic)));
    assert!(matches!(Artifact::new(&b"\0asmgarbage"[..], None), Err(ArtifactError::Invalid(_))));
}
