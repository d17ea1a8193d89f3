//! Pictures of items: shown from files, and checked when they are uploaded.

use std::convert::Infallible;

use firstbyte::{Error, Request, Response, Result};
use futures_util::stream;
use multer::Multipart;
use serde_json::json;

use crate::files;

/// The item's picture, if there is a file of it.
pub(crate) fn show(request: Request, response: Response) -> Result {
    let id: String = request.param("id")?;
    if !files::folder()?.join(format!("{id}.svg")).is_file() {
        return response.redirect("/assets/none.svg");
    }
    response.status(302).redirect(format!("/assets/{id}.svg"))
}

/// Takes pictures as a form (`multipart/form-data`), and tells what it got. Keeping them is left to a bucket.
pub(crate) async fn upload(request: Request, response: Response) -> Result {
    let http = request.http().ok_or("a route has a request")?;
    let content_type = http.header("content-type").unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(|error| Error::bad_request(error.to_string()))?;
    let payload = stream::iter([Ok::<_, Infallible>(request.payload())]);

    let mut form = Multipart::new(payload, boundary);
    let mut pictures = Vec::new();
    while let Some(mut field) = form.next_field().await.map_err(|error| Error::bad_request(error.to_string()))? {
        let (name, kind) = (field.file_name().unwrap_or("picture").to_owned(), field.content_type().map(ToString::to_string));
        if !kind.as_deref().is_some_and(|kind| kind.starts_with("image/")) {
            return Err(Error::new("UnsupportedMediaType", format!("{name:?} is no picture")).status(415));
        }
        let mut bytes = 0;
        while let Some(piece) = field.chunk().await.map_err(|error| Error::bad_request(error.to_string()))? {
            bytes += piece.len();
        }
        pictures.push(json!({ "name": name, "type": kind, "bytes": bytes }));
    }
    response.status(202).json(&pictures)
}
