//! Files as responses: from the folders that the function's operator lets handlers read.

mod content_type;
mod range;

use std::{
    fs::File,
    hash::{DefaultHasher, Hasher as _},
    io::{self, Read, Seek as _, SeekFrom},
    path::{Component, Path, PathBuf},
};

use self::range::Ranges;
use crate::{Body, Error, Request, Response, Result};

/// What is read and written at once.
const PIECE: usize = 64 * 1024;

impl Response {
    /// Responds with a file, as browsers want it (and with the feature `files`): with a content type by its name's extension, an `etag` by its content, `304` for
    /// whoever has it already (`if-none-match`), and parts of it for whoever asks for one (`range`).
    ///
    /// The file is read twice, piece by piece, first for the `etag`, which takes a second for some 100 MB. With an `etag` of your
    /// own, such as a version in quotes, it is read once. The times of files are not used, because tools that deploy to Lambda set
    /// them all to the same.
    ///
    /// ```no_run
    /// # use firstbyte::{Request, Response, Result};
    /// fn logo(request: Request, response: Response) -> Result {
    ///     response.header("cache-control", "max-age=3600").file(&request, "/var/task/assets/logo.svg")
    /// }
    /// ```
    ///
    /// # Errors
    /// There is no such file: an error of the kind `NotFound` with the HTTP status 404, which does not name it. The operator has
    /// not let handlers read its folder (`FIRSTBYTE_ALLOW_READ`). Or the response was refused.
    #[track_caller]
    pub fn file(self, request: &Request, path: impl AsRef<Path>) -> Result {
        let file = open(path.as_ref())?;
        let content_type = content_type::of(path.as_ref());
        self.or_content_type(content_type).opened(request, file)
    }

    /// Responds with a file of a folder, at a path that the caller has named: as [`file`](Self::file) does, but never with one
    /// outside of the folder. A path that ends in `/`, or is empty, stands for the `index.html` there.
    ///
    /// ```no_run
    /// # use firstbyte::{Request, Response, Result};
    /// // Of the route `/assets/{*path}`.
    /// fn asset(request: Request, response: Response) -> Result {
    ///     let path: String = request.param("path")?;
    ///     response.file_of(&request, "/var/task/assets", path)
    /// }
    /// ```
    ///
    /// # Errors
    /// As of [`file`](Self::file). A path that leads out of the folder is that of no file.
    #[track_caller]
    pub fn file_of(self, request: &Request, folder: impl AsRef<Path>, path: impl AsRef<str>) -> Result {
        match beneath(folder.as_ref(), path.as_ref()) {
            Some(path) => self.file(request, path),
            None => Err(missing()),
        }
    }

    #[track_caller]
    fn opened(self, request: &Request, mut file: File) -> Result {
        // What is not a plain answer to a request for it (a page that says 404) is not in parts, and nobody has it already.
        let Some(http) = request.http().filter(|_| self.is_ok()) else { return copy(&mut file, u64::MAX, &mut self.start()?) };
        let length = file.metadata()?.len();
        let (etag, response) = match self.get("etag") {
            Some(etag) => (etag.to_owned(), self),
            None => {
                // Weak where the bytes may differ by how they are compressed.
                let weak = if self.is_compressed() { "W/" } else { "" };
                let etag = format!("{weak}\"{:016x}\"", hash(&mut file)?);
                (etag.clone(), self.header("etag", etag))
            }
        };
        let response = response.header("accept-ranges", "bytes");
        if http.header("if-none-match").is_some_and(|known| is_known(known, &etag)) {
            return response.empty(304);
        }
        // A part of what it was would not fit the rest of what it is.
        let is_current = http.header("if-range").is_none_or(|known| known == etag && !etag.starts_with("W/"));
        let ranges = http.header("range").filter(|_| http.method() == "GET" && is_current);
        match ranges.map_or(Ranges::All, |ranges| Ranges::of(ranges, length)) {
            Ranges::All if http.method() == "HEAD" => response.start().map(drop).map_err(Error::from),
            Ranges::All => copy(&mut file, u64::MAX, &mut response.start()?),
            Ranges::One { first, last } => {
                file.seek(SeekFrom::Start(first))?;
                let response = response.header("content-range", format!("bytes {first}-{last}/{length}"));
                copy(&mut file, last - first + 1, &mut response.status(206).start_plain()?)
            }
            Ranges::None => response.header("content-range", format!("bytes */{length}")).empty(416),
        }
    }
}

#[track_caller]
fn open(path: &Path) -> Result<File> {
    let opened = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata.is_file())));
    match opened {
        Ok((file, true)) => Ok(file),
        Ok((_, false)) => Err(missing()),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidInput => Err(missing()),
            _ => Err(Error::new(
                "FileNotReadable",
                format!("{} cannot be read, and FIRSTBYTE_ALLOW_READ has to name its folder: {error}", path.display()),
            )),
        },
    }
}

#[track_caller]
fn missing() -> Error {
    Error::not_found("there is no such file")
}

/// A path beneath a folder; none if it would lead out of it, or to what is no file's name.
fn beneath(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut file = folder.to_owned();
    for component in Path::new(path.trim_start_matches('/')).components() {
        match component {
            Component::Normal(name) if !path.contains(['\\', '\0']) => file.push(name),
            _ => return None,
        }
    }
    if path.is_empty() || path.ends_with('/') {
        file.push("index.html");
    }
    Some(file)
}

/// Whether one of the tags that a caller has is this one (RFC 9110, 13.1.2).
fn is_known(known: &str, etag: &str) -> bool {
    let strong = |tag: &'_ str| tag.trim().trim_start_matches("W/").to_owned();
    known.trim() == "*" || known.split(',').any(|tag| strong(tag) == strong(etag))
}

/// Of a file's content, from its beginning and back to it.
fn hash(file: &mut File) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => hasher.write(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    file.rewind()?;
    Ok(hasher.finish())
}

#[track_caller]
fn copy(file: &mut File, length: u64, body: &mut Body) -> Result {
    let mut rest = file.take(length);
    let mut piece = vec![0; PIECE];
    loop {
        match rest.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(length) => body.write(&piece[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_its_folder() {
        let folder = Path::new("/var/task/assets");
        for (path, expected) in [
            ("css/site.css", Some("/var/task/assets/css/site.css")),
            ("/css//site.css", Some("/var/task/assets/css/site.css")),
            ("a b/ü", Some("/var/task/assets/a b/ü")),
            ("", Some("/var/task/assets/index.html")),
            ("docs/", Some("/var/task/assets/docs/index.html")),
            ("./site.css", None),
            ("..", None),
            ("a/../../x", None),
            ("a\\..\\x", None),
            ("a\0b", None),
        ] {
            assert_eq!(beneath(folder, path), expected.map(PathBuf::from), "{path:?}");
        }
    }

    #[test]
    fn a_tag_is_known_by_whoever_has_it() {
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*", " \"b\",W/\"a\" "] {
            assert!(is_known(known, "\"a\"") && is_known(known, "W/\"a\""), "{known}");
        }
        for other in ["", "\"b\"", "a", "\"a", "W/"] {
            assert!(!is_known(other, "\"a\""), "{other}");
        }
    }
}
