//! Which function answers which method and path. Knows nothing of what they do: a route has the signature of a handler.
//!
//! ```no_run
//! use firstbyte::{Error, Request, Response, Result, Router, handler, router::Next};
//!
//! #[handler]
//! async fn shop(request: Request, response: Response) -> Result {
//!     Router::new()
//!         .get("/", |_, response: Response| response.redirect("/items"))
//!         .get("/items/{id}", item)
//!         .put("/items/{id}", change)
//!         .with(signed_in)
//!         .run(request, response)
//!         .await
//! }
//!
//! fn item(request: Request, response: Response) -> Result {
//!     let id: u32 = request.param("id")?; // `/items/x` answers 400
//!     response.json(&serde_json::json!({ "id": id }))
//! }
//!
//! async fn change(request: Request, response: Response) -> Result {
//!     let User(name) = request.extension().ok_or("signed_in comes first")?;
//!     response.text(format!("changed by {name}"))
//! }
//!
//! struct User(String);
//!
//! async fn signed_in(request: Request, response: Response, next: Next) -> Result {
//!     match request.caller().claim("sub") {
//!         Some(sub) => {
//!             let user = User(sub.to_owned());
//!             next.run(request.with(user), response.header("cache-control", "private")).await
//!         }
//!         None => Err(Error::new("Unauthorized", "sign in first").status(401)),
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! A router costs what `matchit` costs: some microseconds for each route when it is made, which is once per invocation, and one
//! look-up. In a `static` that [`#[init]`](macro@crate::init) prepares, it is made once, while the handler is built. A handler that needs none of it matches on [`HttpRequest::segments`](crate::HttpRequest::segments).

mod route;

use std::{future::Future, pin::Pin, sync::Arc};

use serde_json::json;

pub use self::route::Route;
use crate::{
    Error, HttpRequest, Request, Response, Result,
    http::{self, percent},
};

/// What a route or a middleware does.
type Handling = Pin<Box<dyn Future<Output = Result>>>;

type Endpoint = Arc<dyn Fn(Request, Response) -> Handling + Send + Sync>;

type Middleware = Arc<dyn Fn(Request, Response, Next) -> Handling + Send + Sync>;

/// Routes by method and path.
///
/// A path is a pattern of `matchit`: `{name}` stands for one part of the path, and `{*name}`, at its end, for the rest of it. The
/// more specific one wins, whatever their order: `/items/new` over `/items/{id}`. Patterns are written decoded; what a parameter
/// stands for is decoded, too, and may have a `/` in it.
///
/// What no path fits is answered with 404, and what fits but by another method with 405 and the header `allow`, both with
/// `{"message": …}` and without a line in the log. `HEAD` is answered as `GET` is, and has no body: Lambda's doors leave it out.
///
/// # Panics
/// A path that `matchit` does not take, or that conflicts with another one, panics when it is added: it is a mistake in the
/// program, and every invocation finds it.
#[derive(Default)]
pub struct Router {
    paths: matchit::Router<usize>,
    routes: Vec<Methods>,
    middleware: Vec<Middleware>,
    otherwise: Option<Endpoint>,
    direct: Option<Endpoint>,
}

/// What a path's methods are answered by.
struct Methods {
    path: String,
    by_method: Vec<(String, Endpoint)>,
}

/// What a request's method and path lead to.
enum Found {
    Route {
        endpoint: Endpoint,
        pattern: String,
        parameters: Vec<(String, String)>,
    },
    /// The path is one; it is answered by these methods only.
    OtherMethods(String),
    Nothing,
}

/// What comes after a middleware.
pub struct Next {
    middleware: std::vec::IntoIter<Middleware>,
    endpoint: Endpoint,
}

impl Router {
    /// Without routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers `GET`, and `HEAD` where it has no route of its own.
    #[must_use]
    #[track_caller]
    pub fn get<M>(self, path: &str, route: impl Route<M>) -> Self {
        self.route("GET", path, route)
    }

    /// Answers `POST`.
    #[must_use]
    #[track_caller]
    pub fn post<M>(self, path: &str, route: impl Route<M>) -> Self {
        self.route("POST", path, route)
    }

    /// Answers `PUT`.
    #[must_use]
    #[track_caller]
    pub fn put<M>(self, path: &str, route: impl Route<M>) -> Self {
        self.route("PUT", path, route)
    }

    /// Answers `PATCH`.
    #[must_use]
    #[track_caller]
    pub fn patch<M>(self, path: &str, route: impl Route<M>) -> Self {
        self.route("PATCH", path, route)
    }

    /// Answers `DELETE`.
    #[must_use]
    #[track_caller]
    pub fn delete<M>(self, path: &str, route: impl Route<M>) -> Self {
        self.route("DELETE", path, route)
    }

    /// Answers any method, spelled as callers send it: `OPTIONS`.
    #[must_use]
    #[track_caller]
    pub fn route<M>(mut self, method: &str, path: &str, route: impl Route<M>) -> Self {
        let index = match self.routes.iter().position(|methods| methods.path == path) {
            Some(index) => index,
            None => {
                if let Err(error) = self.paths.insert(path, self.routes.len()) {
                    panic!("{path:?} cannot be a route: {error}");
                }
                self.routes.push(Methods { path: path.to_owned(), by_method: Vec::new() });
                self.routes.len() - 1
            }
        };
        let by_method = &mut self.routes[index].by_method;
        assert!(by_method.iter().all(|(other, _)| other != method), "{method} {path} has a route already");
        by_method.push((method.to_owned(), route.into_endpoint()));
        self
    }

    /// Answers what no path fits, instead of the 404.
    #[must_use]
    pub fn otherwise<M>(mut self, route: impl Route<M>) -> Self {
        self.otherwise = Some(route.into_endpoint());
        self
    }

    /// Answers direct invocations, which have neither method nor path. Without it they fail.
    #[must_use]
    pub fn direct<M>(mut self, route: impl Route<M>) -> Self {
        self.direct = Some(route.into_endpoint());
        self
    }

    /// Runs a function around every route, those added before and after it and the 404 alike. Several run in the order in which
    /// they were added, the first outermost.
    ///
    /// It may add headers to the response and values to the request ([`Request::with`]), answer itself, fail, or do something
    /// before and after the [`next`](Next::run).
    #[must_use]
    pub fn with<F>(mut self, middleware: impl Fn(Request, Response, Next) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result> + 'static,
    {
        self.middleware.push(Arc::new(move |request, response, next| Box::pin(middleware(request, response, next))));
        self
    }

    /// Answers a request by its route.
    ///
    /// # Errors
    /// As the route fails.
    pub async fn run(&self, mut request: Request, response: Response) -> Result {
        let endpoint = match request.http().map(|http| self.find(http)).transpose()? {
            Some(Found::Route { endpoint, pattern, parameters }) => {
                request.routed(pattern, parameters);
                endpoint
            }
            Some(Found::OtherMethods(allow)) => refusal(405, "this is not for that method", Some(allow)),
            Some(Found::Nothing) => self.otherwise.clone().unwrap_or_else(|| refusal(404, "there is nothing here", None)),
            None => self.direct.clone().ok_or_else(|| {
                Error::new("NoRoute", "this function answers HTTP requests, and was invoked directly").status(400)
            })?,
        };
        Next { middleware: self.middleware.clone().into_iter(), endpoint }.run(request, response).await
    }

    fn find(&self, http: &HttpRequest) -> Result<Found> {
        let Some(path) = percent::decode_path(http.path()) else { return Err(http::invalid_path()) };
        let Ok(found) = self.paths.at(&path) else { return Ok(Found::Nothing) };
        let Methods { path: pattern, by_method } = &self.routes[*found.value];
        let by = |method: &str| by_method.iter().find(|(candidate, _)| candidate == method);
        let Some((_, endpoint)) = by(http.method()).or_else(|| by("GET").filter(|_| http.method() == "HEAD")) else {
            return Ok(Found::OtherMethods(allowed(by_method)));
        };
        let decoded = |value| percent::decode(value).unwrap_or_default().into_owned();
        let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        Ok(Found::Route { endpoint: Arc::clone(endpoint), pattern: pattern.clone(), parameters })
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.routes.iter().map(|methods| format!("{} {}", allowed(&methods.by_method), methods.path)))
            .finish()
    }
}

impl Next {
    /// Runs the next middleware, or the route after the last one.
    ///
    /// # Errors
    /// As that fails.
    pub async fn run(mut self, request: Request, response: Response) -> Result {
        match self.middleware.next() {
            Some(middleware) => middleware(request, response, self).await,
            None => (self.endpoint)(request, response).await,
        }
    }
}

impl std::fmt::Debug for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Next").field("middleware", &self.middleware.len()).finish_non_exhaustive()
    }
}

fn allowed(by_method: &[(String, Endpoint)]) -> String {
    let mut methods: Vec<&str> = by_method.iter().map(|(method, _)| method.as_str()).collect();
    if methods.contains(&"GET") && !methods.contains(&"HEAD") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.join(", ")
}

/// Not a failure: whoever looks for what is not there says nothing of the function.
fn refusal(status: u16, message: &'static str, allow: Option<String>) -> Endpoint {
    (move |_, response: Response| {
        let response = response.status(status);
        let response = if let Some(allow) = &allow { response.header("allow", allow) } else { response };
        response.json(&json!({ "message": message }))
    })
    .into_endpoint()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::__private::invocation as raw;

    fn plain(_: Request, _: Response) -> Result {
        Ok(())
    }

    async fn waits(_: Request, _: Response) -> Result {
        Ok(())
    }

    /// What a method and a path lead to, in words.
    fn found(router: &Router, method: &str, path: &str) -> String {
        let http = HttpRequest::new(raw::HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
        });
        match router.find(&http) {
            Ok(Found::Route { pattern, parameters, .. }) => {
                parameters.iter().fold(pattern, |words, (name, value)| format!("{words} {name}={value}"))
            }
            Ok(Found::OtherMethods(allow)) => format!("405 {allow}"),
            Ok(Found::Nothing) => "404".to_owned(),
            Err(error) => error.kind().to_owned(),
        }
    }

    #[test]
    fn a_request_goes_where_its_method_and_path_lead() {
        let router = Router::new()
            .get("/", plain)
            .get("/items/{id}", waits)
            .put("/items/{id}", plain)
            .get("/items/new", |request: Request, response: Response| plain(request, response))
            .post("/items", async |request: Request, response: Response| waits(request, response).await)
            .route("OPTIONS", "/items", plain)
            .get("/files/{*path}", plain)
            .get("/café", plain);
        for (method, path, expected) in [
            ("GET", "/", "/"),
            ("GET", "/items/7", "/items/{id} id=7"),
            ("PUT", "/items/7", "/items/{id} id=7"),
            ("HEAD", "/items/7", "/items/{id} id=7"),
            ("GET", "/items/new", "/items/new"),
            ("PUT", "/items/new", "405 GET, HEAD"),
            ("DELETE", "/items", "405 OPTIONS, POST"),
            ("HEAD", "/items", "405 OPTIONS, POST"),
            ("GET", "/items/a%2Fb%20c%25", "/items/{id} id=a/b c%"),
            ("GET", "/items/7/", "404"),
            ("GET", "/files/css/site.css", "/files/{*path} path=css/site.css"),
            ("GET", "/files/..%2f..%2Fsecret", "/files/{*path} path=../../secret"),
            ("GET", "/caf%C3%A9", "/café"),
            ("GET", "/items/%FF", "InvalidPath"),
        ] {
            assert_eq!(found(&router, method, path), expected, "{method} {path}");
        }
    }

    #[test]
    #[should_panic(expected = "GET /a has a route already")]
    fn a_route_is_added_once() {
        let _ = Router::new().get("/a", plain).post("/a", plain).get("/a", waits);
    }

    #[test]
    #[should_panic(expected = "\"/{b}\" cannot be a route")]
    fn a_path_that_conflicts_is_refused() {
        let _ = Router::new().get("/{a}", plain).get("/{b}", plain);
    }
}
