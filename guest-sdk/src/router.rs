//! From a method and a path to a handler.

use std::fmt;

use crate::path::Pattern;
use crate::response::{IntoResponse, Response};
use crate::{Error, Request, Result};

/// A function or closure that answers requests.
pub trait Handler: 'static {
    /// Answers one request.
    fn answer(&self, request: Request) -> Response;
}

impl<F, R> Handler for F
where
    F: Fn(Request) -> R + 'static,
    R: IntoResponse,
{
    fn answer(&self, request: Request) -> Response {
        self(request).into_response()
    }
}

/// Routes, tried in the order in which they were added.
///
/// A part of a path in braces is a parameter, and `{name...}` at the end is all of the rest. `HEAD`
/// is answered by the route for `GET`. A path without a route is 404, one without a route for the
/// method is 405.
///
/// ```no_run
/// use skiff_guest::{Request, Router};
///
/// fn router() -> Router {
///     Router::new()
///         .get("/", |_: Request| "a list of things")
///         .get("/things/{id}", |request: Request| format!("thing {}", request.param("id")))
///         .delete("/things/{id}", |_: Request| ())
///         .get("/files/{path...}", |request: Request| format!("file {}", request.param("path")))
/// }
/// ```
#[derive(Debug, Default)]
pub struct Router {
    routes: Vec<Route>,
}

struct Route {
    method: String,
    pattern: Pattern,
    handler: Box<dyn Handler>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.method, self.pattern)
    }
}

impl Router {
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route for any method, named in capitals.
    #[must_use]
    pub fn route(mut self, method: &str, pattern: &str, handler: impl Handler) -> Self {
        let (pattern, handler) = (Pattern::new(pattern), Box::new(handler));
        self.routes.push(Route { method: method.to_owned(), pattern, handler });
        self
    }

    /// Adds a route for `GET` and `HEAD`.
    #[must_use]
    pub fn get(self, pattern: &str, handler: impl Handler) -> Self {
        self.route("GET", pattern, handler)
    }

    /// Adds a route for `POST`.
    #[must_use]
    pub fn post(self, pattern: &str, handler: impl Handler) -> Self {
        self.route("POST", pattern, handler)
    }

    /// Adds a route for `PUT`.
    #[must_use]
    pub fn put(self, pattern: &str, handler: impl Handler) -> Self {
        self.route("PUT", pattern, handler)
    }

    /// Adds a route for `PATCH`.
    #[must_use]
    pub fn patch(self, pattern: &str, handler: impl Handler) -> Self {
        self.route("PATCH", pattern, handler)
    }

    /// Adds a route for `DELETE`.
    #[must_use]
    pub fn delete(self, pattern: &str, handler: impl Handler) -> Self {
        self.route("DELETE", pattern, handler)
    }

    pub(crate) fn answer(&self, request: Request) -> Response {
        let is_head = request.method() == "HEAD";
        let method = if is_head { "GET" } else { request.method() };
        let mut others = Vec::new();
        for route in &self.routes {
            let Some(parameters) = route.pattern.matches(request.path()) else { continue };
            if route.method == method {
                let response = route.handler.answer(request.with_parameters(parameters));
                return if is_head { response.without_body() } else { response };
            }
            others.push(route.method.as_str());
        }
        if others.is_empty() {
            let missing: Result<Response> = Err(Error::status(404, "not found"));
            return missing.into_response();
        }
        Response::new(405).header("allow", others.join(", ")).text("method not allowed\n")
    }
}
