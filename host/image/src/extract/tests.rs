#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;

use super::*;

const LIMIT: u64 = 1 << 20;

fn layer(folder: &Path, name: &str, gzip: bool, files: &[(&str, &[u8])]) -> PathBuf {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        // Written raw, so that a hostile path reaches the reader as it is.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    let bytes = builder.into_inner().unwrap();
    let path = folder.join(name);
    let mut file = File::create(&path).unwrap();
    if gzip {
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        encoder.write_all(&bytes).unwrap();
        encoder.finish().unwrap();
    } else {
        file.write_all(&bytes).unwrap();
    }
    path
}

#[test]
fn the_entrypoint_is_found_in_the_topmost_layer_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let low = layer(folder.path(), "low", true, &[("app.wasm", b"\0asm-old"), ("etc/x", b"x")]);
    let high = layer(folder.path(), "high", false, &[("./app.wasm", b"\0asm-new")]);
    let layers = [low.clone(), high];
    for entrypoint in ["/app.wasm", "app.wasm", "./app.wasm"] {
        assert_eq!(find_program(&layers, Some(entrypoint), "", LIMIT).unwrap(), b"\0asm-new");
    }
    assert_eq!(find_program(&layers, None, "", LIMIT).unwrap(), b"\0asm-new");
    assert_eq!(find_program(&[low], Some("../app.wasm"), "/etc", LIMIT).unwrap(), b"\0asm-old");
}

#[test]
fn a_whiteout_hides_what_is_below() {
    let folder = tempfile::tempdir().unwrap();
    let low = layer(folder.path(), "low", true, &[("bin/app.wasm", b"\0asm")]);
    for whiteout in ["bin/.wh.app.wasm", ".wh.bin", "bin/.wh..wh..opq"] {
        let high = layer(folder.path(), "high", true, &[(whiteout, b"")]);
        let found = find_program(&[low.clone(), high], Some("/bin/app.wasm"), "", LIMIT);
        assert!(matches!(found, Err(Error::NoWasm(NoWasm::EntrypointMissing(_)))), "{whiteout}");
    }
}

#[test]
fn native_programs_hostile_paths_and_bombs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let native = layer(folder.path(), "native", true, &[("app", b"\x7fELF")]);
    let found = find_program(std::slice::from_ref(&native), Some("/app"), "", LIMIT);
    assert!(matches!(found, Err(Error::NoWasm(NoWasm::EntrypointNative(_)))));
    assert!(matches!(find_program(&[native], None, "", LIMIT), Err(Error::NoWasm(NoWasm::Layers))));
    // A path that climbs out of the root is the root's own; nothing is written anywhere.
    let hostile = layer(folder.path(), "hostile", true, &[("../../../app.wasm", b"\0asm")]);
    assert!(find_program(&[hostile], Some("/app.wasm"), "", LIMIT).is_ok());
    let zeros = vec![0; 4 << 20];
    let bomb = layer(folder.path(), "bomb", true, &[("a", &zeros), ("app.wasm", b"\0asm")]);
    assert!(std::fs::metadata(&bomb).unwrap().len() < 64 << 10);
    assert!(matches!(find_program(&[bomb], Some("/app.wasm"), "", LIMIT), Err(Error::TooLarge)));
}
