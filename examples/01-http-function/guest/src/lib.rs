//! Greets whoever asks, and says which Pod did.

use serde::Serialize;
use skiff_guest::{Json, Request, Result, Router, config, info};

#[derive(Serialize)]
struct Greeting {
    greeting: String,
    hostname: String,
}

fn greet(request: Request) -> Result<Json<Greeting>> {
    let word: String = config::get_or("GREETING", "hello".to_owned())?;
    let name = request.query("name").unwrap_or_else(|| "world".to_owned());
    info!("greeting {name}");
    Ok(Json(Greeting { greeting: format!("{word}, {name}"), hostname: config::get("HOSTNAME")? }))
}

fn router() -> Router {
    Router::new().get("/", greet)
}

skiff_guest::serve!(router);
