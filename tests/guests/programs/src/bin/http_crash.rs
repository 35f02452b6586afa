//! Fails in every way a function can.

use std::io::Write;

use skiff_guest::{Error, Request, Response, Router};

fn router() -> Router {
    Router::new()
        .get("/fine", |_: Request| "fine")
        .get("/panic", |_: Request| -> &str { panic!("told to") })
        .get("/exit", |_: Request| -> &str { std::process::exit(3) })
        .get("/spin", |_: Request| -> &str {
            loop {
                std::hint::black_box(0);
            }
        })
        .get("/sleep/{millis}", |request: Request| -> skiff_guest::Result<&str> {
            let millis = request.param("millis").parse()?;
            std::thread::sleep(std::time::Duration::from_millis(millis));
            Ok("awake")
        })
        .get("/hoard", |_: Request| {
            let mut hoard = Vec::new();
            loop {
                hoard.push(vec![1_u8; 1024 * 1024]);
            }
            #[expect(unreachable_code, reason = "gives the closure a type")]
            ""
        })
        .get("/error", |_: Request| -> skiff_guest::Result<&str> { Err(Error::new("secret")) })
        .get("/teapot", |_: Request| -> skiff_guest::Result<&str> {
            Err(Error::status(418, "short"))
        })
        .get("/half", |_: Request| {
            Response::new(200).stream(|body| {
                body.write_all(b"half of it")?;
                body.flush()?;
                panic!("in the middle")
            })
        })
}

skiff_guest::serve!(router);

fn main() {}
