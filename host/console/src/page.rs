//! The page: its files, as they stand in this package's folder.

use http::HeaderValue;

/// What the page may do: run and show its own files, and talk with the console that sent it.
pub(crate) const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

/// A file of the page.
pub(crate) struct File {
    pub(crate) content_type: &'static str,
    pub(crate) text: &'static str,
}

/// What `page.js` is made of, in the folder `page`.
macro_rules! modules {
    ($($name:literal),*) => { &[$(($name, include_str!(concat!("../page/", $name)))),*] };
}

const MODULES: &[(&str, &str)] = modules![
    "board.js",
    "detail.js",
    "dom.js",
    "door.js",
    "ending.js",
    "format.js",
    "lane.js",
    "request.js",
    "row.js",
    "sender.js",
    "session.js",
    "source.js",
    "theme.js",
    "timeline.js"
];

/// The file at a path.
pub(crate) fn file(path: &str) -> Option<File> {
    let script = "text/javascript; charset=utf-8";
    let (content_type, text) = match path {
        "/" => ("text/html; charset=utf-8", include_str!("../page.html")),
        "/page.css" => ("text/css; charset=utf-8", include_str!("../page.css")),
        "/page.js" => (script, include_str!("../page.js")),
        _ => {
            let name = path.strip_prefix("/page/")?;
            (script, MODULES.iter().find(|(known, _)| *known == name)?.1)
        }
    };
    Some(File { content_type, text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_module_of_the_folder_is_served() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).expect("the folder");
        let there: BTreeSet<_> =
            folder.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name")).collect();
        let known: BTreeSet<_> = MODULES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(known, there);
    }

    #[test]
    fn the_page_is_small() {
        let paths =
            MODULES.iter().map(|(name, _)| format!("/page/{name}")).chain(["/", "/page.css", "/page.js"].map(str::to_owned));
        let size: usize = paths.map(|path| file(&path).expect("a file").text.len()).sum();
        assert!(size < 150_000, "{size} bytes");
    }
}
