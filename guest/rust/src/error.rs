//! How a handler fails.

use std::{fmt, io, panic::Location};

use crate::{__private::invocation as raw, WriteError};

/// What a handler returns: `Ok(())` for a complete response, or an [`Error`].
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Why an invocation failed, for its caller, for Lambda and for the log.
///
/// The `?` operator makes one of any [`std::error::Error`], of `Box<dyn std::error::Error>`, `anyhow::Error` and
/// `eyre::Report`, and of text. Its kind is then the name of the error's type, its message what the error displays, and the log
/// also gets the error's sources and the line of the `?`. To the caller that is a failure of the function's: a 500 at the HTTP
/// doors, which shows nothing of it. Failures that the caller should hear of have a [`status`](Self::status):
///
/// ```
/// use firstbyte::Error;
///
/// fn parse(port: &str) -> firstbyte::Result<u16> {
///     if port.is_empty() {
///         return Err(Error::bad_request("a port is missing"));
///     }
///     Ok(port.parse()?)
/// }
///
/// assert_eq!(parse("").unwrap_err().kind(), "BadRequest");
/// assert_eq!(parse("x").unwrap_err().kind(), "ParseIntError");
/// ```
///
/// Of the boxes, `?` takes the one without `Send + Sync`: Rust allows only one of the two. For the other there is [`boxed`].
///
/// It is not a `std::error::Error` itself: `?` could not convert every one of them if it were.
pub struct Error {
    kind: String,
    message: String,
    status: Option<u16>,
    stack: Vec<String>,
}

impl Error {
    /// An error of a kind, as one word in CamelCase, with a message in words. Lambda's records show it as `Function.<kind>`.
    #[track_caller]
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind: kind.into(), message: message.into(), status: None, stack: here() }
    }

    /// The caller's mistake: the kind `BadRequest` with the HTTP status 400. The message is shown to the caller, and should say
    /// what to send instead. It does not count as a failure of the function: see [`status`](Self::status).
    #[track_caller]
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new("BadRequest", message).status(400)
    }

    /// What the caller asked for is not there: the kind `NotFound` with the HTTP status 404. The message is shown to the caller.
    #[track_caller]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new("NotFound", message).status(404)
    }

    /// The HTTP status for a caller whose response was not started, 400 to 599; without it, 500. With a 4xx the caller is shown
    /// the message, and the invocation does not count as failed, so that no caller can raise the function's `Errors` metric; with
    /// a 5xx the caller is shown nothing internal.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// What kind of error: one word in CamelCase.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What went wrong, in words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Of an error of a type that is called so.
    #[track_caller]
    fn from_source(type_name: &str, error: &(dyn std::error::Error + 'static)) -> Self {
        // `writeln!` can only return an `io::Error`: what matters is what it wraps.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(refusal) = wrapped.and_then(|wrapped| wrapped.downcast_ref::<WriteError>()) {
            return Self::from_source(std::any::type_name::<WriteError>(), refusal);
        }
        let mut stack = here();
        stack.extend(std::iter::successors(error.source(), |cause| cause.source()).map(|cause| format!("caused by: {cause}")));
        stack.reverse();
        Self { kind: kind_of(type_name), message: error.to_string(), status: None, stack }
    }
}

// Not of every `std::error::Error`: a box of one is not one itself, and Rust would not let us add it. Whatever can become a box
// is the same and more.
impl<E: Into<Box<dyn std::error::Error>>> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::from_source(std::any::type_name::<E>(), &*error.into())
    }
}

/// Makes a `Box<dyn Error + Send + Sync>` the `Box<dyn Error>` that `?` takes.
///
/// ```
/// # fn work() -> Result<(), Box<dyn std::error::Error + Send + Sync>> { Ok(()) }
/// # fn f() -> firstbyte::Result {
/// work().map_err(firstbyte::boxed)?;
/// # Ok(())
/// # }
/// ```
pub fn boxed(error: Box<dyn std::error::Error + Send + Sync>) -> Box<dyn std::error::Error> {
    error
}

impl From<Error> for raw::Failure {
    fn from(error: Error) -> Self {
        let Error { kind, message, status, stack } = error;
        Self { kind, message, status, stack }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)?;
        self.stack.iter().rev().try_for_each(|frame| write!(f, "\n    {frame}"))
    }
}

/// Where the author's code failed; nowhere if it is not known. `map_err(Error::from)` is called by the standard library.
#[track_caller]
fn here() -> Vec<String> {
    let location = Location::caller();
    if location.file().ends_with("library/core/src/ops/function.rs") { Vec::new() } else { vec![format!("at {location}")] }
}

/// The name of an error's type, without its path. One that is only called `Error` takes the name of its module or crate:
/// `std::io::Error` is an `IoError`. Boxes and text are an `Error`.
fn kind_of(type_name: &str) -> String {
    let path = type_name.split('<').next().unwrap_or(type_name);
    let (mut owner, mut name) = ("", "");
    for segment in path.split(':').filter(|segment| !segment.is_empty()) {
        if !matches!(name, "" | "error" | "errors") {
            owner = name;
        }
        name = segment;
    }
    match name {
        "Error" | "Report" => camel_case(owner) + name,
        "Box" | "String" | "Cow" | "&str" => "Error".to_owned(),
        name => name.to_owned(),
    }
}

fn camel_case(module: &str) -> String {
    let mut camel = String::new();
    let mut upper = true;
    for letter in module.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                camel.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => camel.push(letter),
        }
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer<T>(T);

    impl<T: std::error::Error + 'static> std::error::Error for Outer<T> {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    impl<T> fmt::Display for Outer<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    #[test]
    fn the_kind_is_the_name_of_the_type() {
        fn kind<E>() -> String {
            kind_of(std::any::type_name::<E>())
        }
        assert_eq!(kind::<std::num::ParseIntError>(), "ParseIntError");
        assert_eq!(kind::<Outer<io::Error>>(), "Outer");
        assert_eq!(kind::<WriteError>(), "WriteError");
        // What is only called an error takes its module's name.
        assert_eq!(kind::<io::Error>(), "IoError");
        assert_eq!(kind::<fmt::Error>(), "FmtError");
        assert_eq!(kind::<serde_json::Error>(), "SerdeJsonError");
        assert_eq!(kind::<anyhow::Error>(), "AnyhowError");
        assert_eq!(kind::<eyre::Report>(), "EyreReport");
        assert_eq!(kind::<Box<dyn std::error::Error>>(), "Error");
    }

    #[test]
    fn causes_are_innermost_first_and_the_place_is_last() {
        let fail = || -> Result { Err(Outer(Outer(io::Error::other("inner"))))? };
        let failure = raw::Failure::from(fail().expect_err("it fails"));
        assert_eq!(failure.kind, "Outer");
        assert_eq!(failure.message, "outer");
        assert_eq!(failure.status, None);
        let [inner, middle, place] = &failure.stack[..] else { panic!("three frames: {:?}", failure.stack) };
        assert_eq!([inner, middle], ["caused by: inner", "caused by: outer"]);
        assert!(place.contains("src/error.rs:"), "{place}");
    }

    #[test]
    fn the_place_is_the_line_of_the_question_mark_whatever_the_error() {
        type Fail = fn() -> Result;
        let lines: [(Fail, u32, &str); 5] = [
            (|| Err(anyhow::anyhow!("inner").context("outer"))?, line!(), "outer"),
            (|| Err(eyre::eyre!("inner").wrap_err("outer"))?, line!(), "outer"),
            (|| Err(Box::<dyn std::error::Error>::from(Outer(io::Error::other("inner"))))?, line!(), "outer"),
            (|| Err(boxed(Box::from(Outer(io::Error::other("inner")))))?, line!(), "outer"),
            (|| Err(Error::new("Odd", "outer")), line!(), "outer"),
        ];
        for (index, (fail, line, message)) in lines.into_iter().enumerate() {
            let failure = raw::Failure::from(fail().expect_err("it fails"));
            assert_eq!(failure.message, message);
            let place = failure.stack.last().expect("a place");
            assert!(place.contains(&format!("src/error.rs:{line}:")), "{place} for line {line}");
            assert!(index == 4 || failure.stack[0] == "caused by: inner", "{:?}", failure.stack);
        }
        let text = || -> Result { Err("no luck")? };
        assert_eq!(text().expect_err("it fails").to_string(), "no luck");
    }

    #[test]
    fn a_place_in_the_standard_library_is_left_out() {
        let error = "x".parse::<u8>().map_err(Error::from).expect_err("this is no number");
        assert!(raw::Failure::from(error).stack.is_empty());
    }

    #[test]
    fn what_writeln_refuses_is_still_a_write_error() {
        let error = Error::from(io::Error::from(WriteError::Closed));
        assert_eq!(error.kind(), "WriteError");
        assert_eq!(error.message(), WriteError::Closed.to_string());
        assert_eq!(Error::from(io::Error::other("disk")).kind(), "IoError");
    }

    #[test]
    fn debug_shows_kind_message_and_stack() {
        let text = format!("{:?}", Error::bad_request("no name"));
        assert!(text.starts_with("BadRequest: no name\n    at "), "{text}");
    }
}
