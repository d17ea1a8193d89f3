//! What lies in the folder of `SHOP_ASSETS`.

use std::{env, path::PathBuf};

use firstbyte::{Error, Request, Response, Result};

pub(crate) fn home(request: Request, response: Response) -> Result {
    response.compressed(&request).file(&request, folder()?.join("index.html"))
}

pub(crate) fn favicon(request: Request, response: Response) -> Result {
    response.header("cache-control", "max-age=86400").file(&request, folder()?.join("favicon.ico"))
}

pub(crate) fn asset(request: Request, response: Response) -> Result {
    let path: String = request.param("path")?;
    response.header("cache-control", "max-age=3600").compressed(&request).file_of(&request, folder()?, path)
}

/// A page for people, and the router's own words for programs.
pub(crate) fn not_found(request: Request, response: Response) -> Result {
    match request.http().and_then(|http| http.accepts(&["application/json", "text/html"])) {
        Some("text/html") => response.status(404).file(&request, folder()?.join("404.html")),
        _ => Err(Error::not_found("there is nothing here")),
    }
}

pub(crate) fn folder() -> Result<PathBuf> {
    Ok(env::var_os("SHOP_ASSETS").ok_or("SHOP_ASSETS is not set")?.into())
}
