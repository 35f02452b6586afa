//! DELETE of a collection: what a list would show is deleted, one object after the other.
//!
//! It is not one transaction: if it fails in the middle, what was deleted stays deleted, and the client may ask again.

use http::Response;
use meta::StatusError;

use super::{Context, delete, list};
use crate::body::Body;
use crate::options::ListOptions;

pub(crate) async fn handle(mut context: Context) -> Result<Response<Body>, StatusError> {
    let listed = ListOptions::read(&context.call.info.query, false)?;
    let options = delete::options(&mut context).await?;
    options.check_collection()?;
    list::Range::new(&context, &listed)?;
    delete::warn_of_orphans(&context, &options);
    let page = list::read(&context, &listed)?;
    for entry in &page.entries {
        match delete::delete(&context, entry.key.name(), &options).await {
            Ok(_) => {}
            Err(error) if error.code() == 404 => {}
            Err(error) => return Err(error),
        }
    }
    list::answer(&context, &page).await
}
