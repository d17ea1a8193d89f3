//! Heads: alone, refused, and with what a head may hold.

use firstbyte::{Response, Result};

pub(crate) fn only(response: Response, status: u16) -> Result {
    response.status(status).header("location", "/elsewhere").header("etag", "\"1\"").start()?;
    Ok(())
}

pub(crate) fn bad(response: Response, name: Option<String>, value: Option<String>, status: Option<u16>) -> Result {
    let name = name.unwrap_or_else(|| "x-split".to_owned());
    let value = value.unwrap_or_else(|| "one\r\nset-cookie: stolen=1".to_owned());
    response.status(status.unwrap_or(200)).header(name, value).start()?.write("accepted\n")?;
    Ok(())
}

pub(crate) fn big(response: Response, bytes: usize, name: Option<&str>) -> Result {
    response.header(name.unwrap_or("x-big"), "x".repeat(bytes)).start()?.write("accepted\n")?;
    Ok(())
}

pub(crate) fn dropped(response: Response) -> Result {
    let connection = ["connection", "content-length", "date", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"];
    let response = connection.into_iter().fold(response, |response, name| response.header(name, "7"));
    let response = response.header("Transfer-Encoding", "chunked").header("X-Kept", "yes");
    response.content_type("text/plain").start()?.write("kept\n")?;
    Ok(())
}

pub(crate) fn cookies(response: Response, cookies: Option<Vec<String>>) -> Result {
    let cookies = cookies.unwrap_or_else(|| ["a=1", "b=2; Path=/; HttpOnly"].map(str::to_owned).to_vec());
    let response = cookies.into_iter().fold(response, Response::cookie);
    response.header("x-twice", "1").header("x-twice", "2").content_type("text/plain").start()?.write("cookies\n")?;
    Ok(())
}
