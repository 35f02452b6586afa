//! Answers with the last line of the shared file.

use std::fs;

use skiff_guest::{Error, Request, Result, Router, config};

fn last_line(_request: Request) -> Result<String> {
    let path: String = config::get_or("FILE", "/data/lines".to_owned())?;
    let lines =
        fs::read_to_string(path).map_err(|_| Error::status(503, "nothing is written yet"))?;
    Ok(lines.lines().next_back().unwrap_or_default().to_owned() + "\n")
}

fn router() -> Router {
    Router::new().get("/", last_line)
}

skiff_guest::serve!(router);
