//! A function of WASI 0.3: answers, streams, sleeps and panics.

use wasip3::clocks::monotonic_clock;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Function;

wasip3::http::service::export!(Function);

impl wasip3::exports::http::handler::Guest for Function {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let pieces = match path.as_str() {
            "/panic" => panic!("told to"),
            "/error" => return Err(ErrorCode::InternalError(None)),
            "/sleep" => {
                monotonic_clock::wait_for(20_000_000).await;
                1
            }
            "/stream" => 1024,
            _ => 1,
        };
        let (mut body, body_read) = wit_stream::new();
        let (trailers, trailers_read) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body_read), trailers_read);
        drop(trailers);
        wit_bindgen::spawn_local(async move {
            for _ in 0..pieces {
                let unsent = body.write_all(format!("{:>15}\n", path).into_bytes()).await;
                assert!(unsent.is_empty(), "the reader has gone");
            }
        });
        Ok(response)
    }
}

fn main() {}
