//! Says what a file of bytes is, from its structure alone: a command, an HTTP function, a preview1
//! module, or something that cannot run here, and why not. Pure, and cheap enough to do before the
//! seconds a compilation may take.

use thiserror::Error;
use wasmparser::{Chunk, ComponentExternalKind, Encoding, ExternalKind, Parser, Payload};

use crate::capability;
use crate::program::Kind;

/// Why bytes are no program that this host runs.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unsuitable {
    #[error("not WebAssembly: {found}")]
    NotWasm { found: &'static str },
    #[error("an unknown version of WebAssembly: {bytes:?}")]
    Version { bytes: Vec<u8> },
    #[error("truncated: the file ends at byte {length} in the middle of a section")]
    Truncated { length: usize },
    #[error("invalid WebAssembly at byte {offset}: {message}")]
    Invalid { offset: u64, message: String },
    #[error(
        "the component exports neither wasi:cli/run nor wasi:http/incoming-handler (it exports {})",
        listed(.exports)
    )]
    NoEntryPoint { exports: Vec<String> },
    #[error("the module exports no _start function, so it is a library and no command")]
    NoStart,
    #[error("imports that this host does not have: {}", listed(.names))]
    Imports { names: Vec<String> },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// The versions of the two binary formats, as they stand after the magic number.
const MODULE: &[u8] = &[1, 0, 0, 0];
const COMPONENT: &[u8] = &[13, 0, 1, 0];

/// The kind of program in `bytes`.
pub(crate) fn classify(bytes: &[u8]) -> Result<Kind, Unsuitable> {
    if !bytes.starts_with(b"\0asm") {
        return Err(Unsuitable::NotWasm { found: what_it_looks_like(bytes) });
    }
    if let Some(version) = bytes.get(4..8)
        && ![MODULE, COMPONENT].contains(&version)
    {
        return Err(Unsuitable::Version { bytes: version.to_vec() });
    }
    let outline = Outline::read(bytes)?;
    let missing: Vec<String> = match outline.encoding {
        Encoding::Component => outline
            .imports
            .iter()
            .filter(|name| !capability::has_interface(name))
            .cloned()
            .collect(),
        Encoding::Module => outline
            .imports
            .iter()
            .filter(|name| !capability::preview1::has(name))
            .cloned()
            .collect(),
    };
    let kind = outline.kind()?;
    if missing.is_empty() { Ok(kind) } else { Err(Unsuitable::Imports { names: missing }) }
}

/// Names at the outermost level of a binary.
#[derive(Debug)]
struct Outline {
    encoding: Encoding,
    /// `module.name` for core modules, the interface's name for components.
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Outline {
    fn read(bytes: &[u8]) -> Result<Self, Unsuitable> {
        let mut outline =
            Self { encoding: Encoding::Module, imports: Vec::new(), exports: Vec::new() };
        let mut parser = Parser::new(0);
        let mut enclosing = Vec::new();
        let mut rest = bytes;
        loop {
            // Without telling the parser that this is the end, it reports a need for more bytes and
            // not some error.
            let (consumed, payload) = match parser.parse(rest, false)? {
                Chunk::Parsed { consumed, payload } => (consumed, payload),
                Chunk::NeedMoreData(_) if rest.is_empty() && enclosing.is_empty() => {
                    return Ok(outline);
                }
                Chunk::NeedMoreData(_) => {
                    return Err(Unsuitable::Truncated { length: bytes.len() });
                }
            };
            rest = rest.get(consumed..).unwrap_or_default();
            match payload {
                Payload::ModuleSection { parser: inner, .. }
                | Payload::ComponentSection { parser: inner, .. } => {
                    enclosing.push(std::mem::replace(&mut parser, inner));
                }
                Payload::End(_) => match enclosing.pop() {
                    Some(outer) => parser = outer,
                    None => return Ok(outline),
                },
                payload if enclosing.is_empty() => outline.note(payload)?,
                _ => {}
            }
        }
    }

    fn note(&mut self, payload: Payload<'_>) -> Result<(), Unsuitable> {
        match payload {
            Payload::Version { encoding, .. } => self.encoding = encoding,
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    self.imports.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        self.exports.push(export.name.to_owned());
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Instance {
                        self.exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn kind(&self) -> Result<Kind, Unsuitable> {
        let exports = |interface: &str| self.exports.iter().any(|name| is_of(name, interface));
        match self.encoding {
            Encoding::Module if self.exports.iter().any(|name| name == "_start") => {
                Ok(Kind::Module)
            }
            Encoding::Module => Err(Unsuitable::NoStart),
            Encoding::Component if exports("wasi:http/incoming-handler@0.2.") => Ok(Kind::Http),
            Encoding::Component if exports("wasi:http/handler@0.3.") => Ok(Kind::HttpAsync),
            // Rust gives a program an empty `run` of 0.2 beside the real one of 0.3.
            Encoding::Component if exports("wasi:cli/run@0.3.") => Ok(Kind::CommandAsync),
            Encoding::Component if exports("wasi:cli/run@0.2.") => Ok(Kind::Command),
            Encoding::Component => Err(Unsuitable::NoEntryPoint { exports: self.exports.clone() }),
        }
    }
}

/// Whether `name` is `interface`, whose version is cut after the part that must be equal.
fn is_of(name: &str, interface: &str) -> bool {
    name.starts_with(interface)
}

impl From<wasmparser::BinaryReaderError> for Unsuitable {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid { offset: error.offset() as u64, message: error.message().to_owned() }
    }
}

/// A guess that helps whoever pushed the wrong file.
fn what_it_looks_like(bytes: &[u8]) -> &'static str {
    const SIGNS: [(&[u8], &str); 9] = [
        (b"\x7fELF", "a native ELF program"),
        (b"MZ", "a Windows program"),
        (b"\xcf\xfa\xed\xfe", "a native Mach-O program"),
        (b"#!", "a script"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"PK", "a zip archive"),
        (b"(module", "WebAssembly text, which has to be assembled first"),
        (b"(component", "WebAssembly text, which has to be assembled first"),
        (b"!<arch>", "a static library"),
    ];
    if bytes.is_empty() {
        return "an empty file";
    }
    let sign = SIGNS.iter().find(|(sign, _)| bytes.starts_with(sign));
    sign.map_or("a file without the magic number \\0asm", |(_, name)| name)
}

#[cfg(test)]
mod tests;
