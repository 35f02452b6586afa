//! `skiff push`: stores a Wasm file as an OCI image in the registry that the server embeds.
//!
//! Speaks the distribution specification (<https://github.com/opencontainers/distribution-spec>) under the server's `/v2/`, with the
//! credentials of the kubeconfig. Blobs that are there already are not sent again.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use image::{Artifact, Digest, Location, Reference, media};

use crate::session::{Session, refusal};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  skiff push target/wasm32-wasip2/release/hello.wasm hello:1.0")]
pub struct Args {
    /// A WebAssembly component, or a preview1 module
    file: PathBuf,
    /// Name and tag of the image
    #[arg(value_name = "NAME:TAG")]
    image: String,
}

pub(crate) async fn run(args: &Args, session: &Session) -> anyhow::Result<ExitCode> {
    let wasm = tokio::fs::read(&args.file)
        .await
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    let digest = push(session, wasm.into(), &args.image)
        .await
        .with_context(|| format!("cannot push {} as {}", args.file.display(), args.image))?;
    println!("pushed {} {digest}", args.image);
    Ok(ExitCode::SUCCESS)
}

/// Pushes a Wasm file and gives the digest of the image.
pub async fn push(session: &Session, wasm: Bytes, image: &str) -> anyhow::Result<Digest> {
    let reference: Reference = image.parse()?;
    let Location::Embedded { repository: name } = &reference.location else {
        bail!(
            "{image} names another registry: only images of the cluster's own registry can be pushed, such as NAME:TAG"
        )
    };
    let artifact = Artifact::new(wasm, None)?;
    for (digest, content) in
        [(artifact.wasm_digest, &artifact.wasm), (Digest::of(&artifact.config), &artifact.config)]
    {
        blob(session, name, digest, content).await?;
    }
    let tag = reference.tag.as_deref().unwrap_or("latest");
    let path = format!("/v2/{name}/manifests/{tag}");
    let request = Request::put(&path)
        .header(header::CONTENT_TYPE, media::MANIFEST)
        .body(artifact.manifest.clone())?;
    send(session, request).await?;
    Ok(artifact.digest)
}

async fn blob(
    session: &Session,
    name: &str,
    digest: Digest,
    content: &Bytes,
) -> anyhow::Result<()> {
    let head = Request::builder()
        .method(Method::HEAD)
        .uri(format!("/v2/{name}/blobs/{digest}"))
        .body(Bytes::new())?;
    if session.client.raw(head).await?.status().is_success() {
        return Ok(());
    }
    let begin = Request::post(format!("/v2/{name}/blobs/uploads/")).body(Bytes::new())?;
    let answer = send(session, begin).await?;
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let location = location.context("the registry did not say where to upload to")?;
    let separator = if location.contains('?') { '&' } else { '?' };
    let upload = Request::put(format!("{location}{separator}digest={digest}"))
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .body(content.clone())?;
    send(session, upload).await?;
    Ok(())
}

/// Sends a request; an answer that is no success is an error with the registry's words.
async fn send(session: &Session, request: Request<Bytes>) -> anyhow::Result<Response<()>> {
    let answer = session.client.raw(request).await?;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    match parts.status {
        StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED | StatusCode::NO_CONTENT => {
            Ok(Response::from_parts(parts, ()))
        }
        code => Err(refusal(code.as_u16(), &body).into()),
    }
}
