//! Version 2 of a service that says which version it is.

use skiff_guest::{Request, Router};

fn router() -> Router {
    Router::new().get("/", |_: Request| "version 2\n").get("/ready", |_: Request| ())
}

skiff_guest::serve!(router);
