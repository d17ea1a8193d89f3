//! What a route may be: a plain or an async function.

use std::{
    future::{Future, ready},
    sync::Arc,
};

use super::Endpoint;
use crate::{Request, Response, Result};

/// A function that answers a route, plain or `async`: `fn(Request, Response) -> firstbyte::Result`, as handlers are.
#[diagnostic::on_unimplemented(
    message = "a route is a function like a handler: `fn(Request, Response) -> firstbyte::Result`, plain or `async`",
    label = "this is not one",
    note = "a closure may have to say what it takes: `|request: Request, response: Response| …`"
)]
pub trait Route<M>: Sized {
    #[doc(hidden)]
    fn into_endpoint(self) -> Endpoint;
}

/// Tells plain functions from others.
#[doc(hidden)]
#[derive(Debug)]
pub enum Plain {}

/// Tells `async` functions by their futures.
#[doc(hidden)]
#[derive(Debug)]
pub struct Async<F>(F);

impl<R> Route<Plain> for R
where
    R: Fn(Request, Response) -> Result + Send + Sync + 'static,
{
    fn into_endpoint(self) -> Endpoint {
        Arc::new(move |request, response| Box::pin(ready(self(request, response))))
    }
}

impl<R, F> Route<Async<F>> for R
where
    R: Fn(Request, Response) -> F + Send + Sync + 'static,
    F: Future<Output = Result> + 'static,
{
    fn into_endpoint(self) -> Endpoint {
        Arc::new(move |request, response| Box::pin(self(request, response)))
    }
}
