//! Makes a router the component's handler. Used through [`serve!`](crate::serve).

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

use crate::response::IntoResponse as _;
use crate::{Request, Router};

pub use wasip2;

/// Answers one request of the host.
pub fn answer(router: &Router, request: &IncomingRequest, out: ResponseOutparam) {
    let response = match Request::new(request) {
        Ok(request) => router.answer(request),
        Err(error) => Err::<(), _>(error).into_response(),
    };
    // The head is sent or the client has gone: all that is left is to say so.
    if let Err(error) = response.send(out) {
        crate::warn!("the answer was not sent: {error:?}");
    }
}

/// Makes the crate an HTTP function that answers with the router which the named function returns.
///
/// ```no_run
/// use skiff_guest::{Request, Router};
///
/// fn router() -> Router {
///     Router::new().get("/", |_: Request| "hello")
/// }
///
/// skiff_guest::serve!(router);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! serve {
    ($router:path) => {
        const _: () = {
            struct Function;

            // One instance answers many requests, one after the other; the router is made for the
            // first.
            ::std::thread_local! {
                static ROUTER: $crate::Router = $router();
            }

            impl $crate::function::wasip2::exports::http::incoming_handler::Guest for Function {
                fn handle(
                    request: $crate::function::wasip2::http::types::IncomingRequest,
                    out: $crate::function::wasip2::http::types::ResponseOutparam,
                ) {
                    ROUTER.with(|router| $crate::function::answer(router, &request, out));
                }
            }

            $crate::function::wasip2::http::proxy::export!(
                Function with_types_in $crate::function::wasip2
            );
        };
    };
}
