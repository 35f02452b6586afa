//! Answers with what it was asked, streams, and counts the requests of its instance.

use std::cell::Cell;
use std::io::{Read, Write};

use skiff_guest::{Request, Response, Result, Router};

thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

fn router() -> Router {
    Router::new()
        .get("/", |_: Request| "hello\n")
        .get("/count", |_: Request| {
            COUNT.set(COUNT.get() + 1);
            COUNT.get().to_string()
        })
        .get("/variable/{name}", |request: Request| std::env::var(request.param("name")))
        .post("/echo", |mut request: Request| {
            let kind = request.header("content-type").unwrap_or("none").to_owned();
            request.bytes().map(|bytes| Response::new(200).bytes(&kind, bytes))
        })
        .post("/length", |mut request: Request| -> Result<String> {
            let mut buffer = vec![0; 64 * 1024];
            let mut total = 0;
            loop {
                match request.reader().read(&mut buffer)? {
                    0 => return Ok(total.to_string()),
                    length => total += length,
                }
            }
        })
        .get("/stream/{pieces}", |request: Request| -> Result<Response> {
            let pieces: u32 = request.param("pieces").parse()?;
            Ok(Response::new(200).stream(move |body| {
                for piece in 0..pieces {
                    writeln!(body, "{piece:01023}")?;
                }
                Ok(())
            }))
        })
}

skiff_guest::serve!(router);

fn main() {}
