//! Answers with what it was sent: one line of JSON with all that is known of the invocation, then the payload, byte for byte.

use firstbyte::{HttpRequest, Request, Response, Result, handler};
use serde_json::{Value, json};

#[handler]
fn echo(request: Request, response: Response) -> Result {
    let http = request.http();
    let content_type = http.and_then(|http| http.header("content-type")).unwrap_or("application/octet-stream");

    let mut body = response.content_type(content_type).start()?;
    body.write(format!("{}\n", describe(&request, http)))?;
    body.write(request.payload())?;
    Ok(())
}

fn describe(request: &Request, http: Option<&HttpRequest>) -> Value {
    json!({
        "trigger": format!("{:?}", request.trigger()),
        "requestId": request.request_id(),
        "functionArn": request.function_arn(),
        "remainingMs": u64::try_from(request.remaining().as_millis()).unwrap_or(u64::MAX),
        "traceId": request.trace_id(),
        "tenantId": request.tenant_id(),
        "clientContext": request.client_context(),
        "cognitoIdentity": request.cognito_identity(),
        "event": request.event(),
        "http": http.map(|http| json!({
            "method": http.method(),
            "path": http.path(),
            "query": http.query_string(),
            "headers": http.headers().collect::<Vec<_>>(),
            "cookies": http.cookies().collect::<Vec<_>>(),
        })),
    })
}
