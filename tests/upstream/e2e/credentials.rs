//! The function's role is the host's: a handler that looks everywhere finds no key, and the requests that it sends to AWS are
//! signed all the same, as AWS's own SDK signs them.

use firstbyte_tests::{Call, Door, Function, Lambda, Tool};
use firstbyte_upstream_tests::{Guest, ModelServer, aws};
use http::Version;
use serde_json::{Value, json};

/// A function that may reach much, and signs for some of it.
fn hunter(aws_here: &ModelServer) -> Function {
    let port = aws_here.port();
    // This machine's address is the one that AWS's names stand for.
    let allowed = format!("http://*,https://*,https://*.amazonaws.com:{port},https://127.0.0.1:{port}");
    let function = Guest::Hunt.function().bootstrap(env!("CARGO_BIN_EXE_bootstrap-near-aws"));
    let function = function.env("FIRSTBYTE_ALLOW_HTTP", &allowed).env("FIRSTBYTE_CA_FILE", aws_here.root());
    function.env("FIRSTBYTE_SIGN_AWS", "dynamodb,s3,bedrock,execute-api,lambda").env("TABLE", "orders")
}

/// With the role's keys in the environment.
fn with_keys(function: Function) -> Function {
    let function = function.env("AWS_ACCESS_KEY_ID", aws::ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", aws::SECRET_ACCESS_KEY);
    function.env("AWS_SESSION_TOKEN", aws::SESSION_TOKEN)
}

/// With the role's keys at an endpoint, as under SnapStart.
fn with_endpoint(function: Function, endpoint: &ModelServer) -> Function {
    let keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    let function = keys.into_iter().fold(function, |function, name| function.env(name, ""));
    let function = function.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{}/credentials", endpoint.url()));
    function.env("AWS_CONTAINER_AUTHORIZATION_TOKEN", aws::ENDPOINT_TOKEN)
}

/// Requests to services of AWS, of all kinds of shapes.
fn requests(port: u16) -> Vec<Value> {
    let url = |host: &str, path: &str| format!("https://{host}.{}.amazonaws.com:{port}{path}", aws::REGION);
    vec![
        json!({
            "method": "POST",
            "url": url("dynamodb", "/"),
            "headers": [["content-type", "application/x-amz-json-1.0"], ["x-amz-target", "DynamoDB_20120810.ListTables"]],
            "body": "{}",
        }),
        // What a handler says of its own is no signature.
        json!({
            "url": url("dynamodb", "/"),
            "headers": [
                ["authorization", "AWS4-HMAC-SHA256 Credential=a/b, Signature=c"],
                ["x-amz-date", "20150830T123600Z"],
                ["x-amz-security-token", "none"],
            ],
        }),
        json!({ "url": url("bucket.s3", "/a%20folder/x%2By//z.txt?list-type=2&prefix=a%2Fb%20c&marker=&versions") }),
        json!({ "url": url("bucket.s3", "/a/../b/./c%7Ed~e") }),
        json!({ "method": "PUT", "url": url("bucket.s3", "/key-%C3%A9"), "body": "x".repeat(100_000) }),
        json!({ "method": "POST", "url": url("bedrock-runtime", "/model/a.model-v2%3A0/invoke"), "body": "{\"prompt\":\"\u{fc}\"}" }),
        json!({ "url": url("abc123.execute-api", "/prod/a/b/?x=2&a=1&a=0&A=3&y=%20z") }),
        json!({ "method": "DELETE", "url": url("abc123.execute-api", "/prod/a//b/../c") }),
        json!({ "url": url("lambda", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/policy?Qualifier=1") }),
        json!({ "method": "POST", "url": url("lambda", "/2015-03-31/functions/f/invocations"), "body": "" }),
    ]
}

/// Where credentials are, or might be.
fn hunt(lambda: &mut Lambda, requests: &[Value], endpoint: Option<&ModelServer>) -> Value {
    let process = lambda.processes()[0];
    let environment = String::from_utf8_lossy(&std::fs::read(format!("/proc/{process}/environ")).expect("it runs")).into_owned();
    let variable = |name: &str| environment.split('\0').find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='));
    let api = variable("AWS_LAMBDA_RUNTIME_API").expect("the Runtime API's address");
    // What is hunted for is there.
    assert!(aws::SECRETS.iter().any(|secret| environment.contains(secret)), "{environment}");

    let mut urls = vec![
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/".to_owned(),
        "http://169.254.169.254/latest/api/token".to_owned(),
        "http://2852039166/latest/meta-data/".to_owned(),
        "http://0xa9.0xfe.0xa9.0xfe/latest/meta-data/".to_owned(),
        "http://[::ffff:169.254.169.254]/latest/meta-data/".to_owned(),
        "http://[fd00:ec2::254]/latest/meta-data/".to_owned(),
        "http://169.254.170.2/v2/credentials".to_owned(),
        "http://169.254.170.23/v1/credentials".to_owned(),
        "http://127.0.0.1/".to_owned(),
        "http://localhost/".to_owned(),
        format!("http://{api}/2018-06-01/runtime/invocation/next"),
        format!("http://localhost:{}/2018-06-01/runtime/invocation/next", api.rsplit_once(':').expect("a port").1),
    ];
    let mut sockets = vec!["169.254.169.254:80".to_owned(), "169.254.170.2:80".to_owned(), api.to_owned()];
    if let Some(endpoint) = endpoint {
        urls.extend([format!("{}/credentials", endpoint.url()), format!("{}/credentials", endpoint.url_as("localhost"))]);
        sockets.push(format!("127.0.0.1:{}", endpoint.port()));
    }
    let guesses = urls.into_iter().map(|url| {
        let headers = json!([["authorization", "a guess"], ["metadata-flavor", "x"], ["x-aws-ec2-metadata-token", "x"]]);
        json!({ "url": url, "headers": headers })
    });
    let home = std::env::var("HOME").unwrap_or_default();
    let mut paths: Vec<String> = [
        "/",
        ".",
        "..",
        "~",
        "/proc/self/environ",
        "/proc/1/environ",
        "/proc/self/mem",
        "/dev/stdin",
        "/dev/fd/3",
        "/tmp",
        "/var/task",
        "/var/runtime",
        "/opt",
        "/root/.aws/credentials",
        "/etc/hosts",
        "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    paths.extend([format!("/proc/{process}/environ"), format!("{home}/.aws/credentials"), format!("{home}/.aws/config")]);
    json!({ "paths": paths, "requests": guesses.chain(requests.iter().cloned()).collect::<Vec<_>>(), "sockets": sockets })
}

/// Everything that is found is known, and none of it is a secret.
async fn assert_finds_nothing(lambda: &mut Lambda, hunt: &Value, signed: usize) {
    for door in Door::ALL {
        let invoked = lambda.invoke(door, Call::json(hunt)).await;
        let text = invoked.answer.text();
        let printed = invoked.seen.printed().join("\n");
        for secret in aws::SECRETS {
            assert!(!text.contains(secret) && !printed.contains(secret), "{door}: {secret} in {text}\n{printed}");
        }
        let found: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{door}: {error}: {text}"));
        // It does look: what the function's owner has set is there.
        assert_eq!(found["environment"]["TABLE"], "orders", "{door}: {found}");
        let names: Vec<&String> = found["environment"].as_object().expect("variables").keys().collect();
        let internal = |name: &&&String| name.contains("KEY") || name.contains("TOKEN") || name.contains("CREDENTIALS");
        assert_eq!(names.iter().find(internal), None, "{door}: {names:?}");
        assert_eq!((&found["folders"], &found["input"]), (&json!([]), &json!("")), "{door}");
        for (path, told) in found["files"].as_object().expect("files") {
            let told = told.as_str().unwrap_or_default();
            assert!(told.contains("os error") || told.contains("pre-opened"), "{door}: {path}: {told}");
        }
        for (to, told) in found["sockets"].as_object().expect("sockets") {
            assert_ne!(told, "connected", "{door}: {to}");
        }
        let answers = found["answers"].as_array().expect("answers");
        let (guesses, answers) = answers.split_at(answers.len() - signed);
        for answer in guesses {
            assert!(answer[1].as_str().is_some_and(|told| told.contains("FIRSTBYTE_ALLOW_HTTP")), "{door}: {answer}");
        }
        for answer in answers {
            assert_eq!(answer[1]["status"], 200, "{door}: {answer}");
        }
    }
}

/// The SDK would have signed all that AWS has seen in the same way.
async fn assert_signed(sdk: &Tool, aws_here: &ModelServer, version: Version, expected: usize) {
    let seen = aws_here.seen();
    assert_eq!(seen.len(), expected);
    assert!(seen.iter().all(|seen| seen.version == version), "all over {version:?}");
    let judged = aws::judge(sdk, &seen).await;
    assert_eq!(judged.len(), expected);
    for (seen, judged) in seen.iter().zip(&judged) {
        assert_eq!(judged["signed"], true, "{} {}: {judged:#}", seen.method, seen.target);
    }
    let services = ["dynamodb", "s3", "bedrock", "execute-api", "lambda"];
    for service in services {
        let scope = format!("/{}/{service}/aws4_request", aws::REGION);
        assert!(judged.iter().any(|judged| judged["scope"].as_str().is_some_and(|told| told.ends_with(&scope))), "{service}");
    }
}

#[tokio::test]
async fn keys_in_the_environment_are_the_hosts_alone() {
    let aws_here = ModelServer::start_tls(&["http/1.1"]).await;
    let requests = requests(aws_here.port());
    let mut lambda = with_keys(hunter(&aws_here)).start().await;
    let hunt = hunt(&mut lambda, &requests, None);
    assert_finds_nothing(&mut lambda, &hunt, requests.len()).await;
    let Some(sdk) = Tool::sigv4() else { return };
    assert_signed(&sdk, &aws_here, Version::HTTP_11, requests.len() * Door::ALL.len()).await;
}

#[tokio::test]
async fn keys_at_an_endpoint_are_the_hosts_alone() {
    let aws_here = ModelServer::start_tls(&["h2"]).await;
    let endpoint = ModelServer::start().await;
    let requests = requests(aws_here.port());
    let mut lambda = with_endpoint(hunter(&aws_here), &endpoint).start().await;
    let hunt = hunt(&mut lambda, &requests, Some(&endpoint));
    assert_finds_nothing(&mut lambda, &hunt, requests.len()).await;
    assert_eq!(endpoint.seen().len(), 1, "asked by the host, and kept");
    let Some(sdk) = Tool::sigv4() else { return };
    assert_signed(&sdk, &aws_here, Version::HTTP_2, requests.len() * Door::ALL.len()).await;
}

#[tokio::test]
async fn only_named_services_get_a_signature() {
    let aws_here = ModelServer::start_tls(&["http/1.1"]).await;
    let lambda = with_keys(hunter(&aws_here)).env("FIRSTBYTE_SIGN_AWS", "dynamodb").start().await;
    let requests = requests(aws_here.port());
    let hunt = json!({ "paths": [], "sockets": [], "requests": requests });
    let answer = lambda.send(Door::Direct, Call::json(&hunt)).await;
    assert!(answer.looks_complete(), "{}", answer.text());
    for seen in aws_here.seen() {
        let to_dynamodb = seen.headers["host"].to_str().expect("text").starts_with("dynamodb.");
        let key = seen.headers.get("authorization").map(|value| value.to_str().expect("text").contains(aws::ACCESS_KEY_ID));
        assert_eq!(key, to_dynamodb.then_some(true), "{seen:?}");
    }
}

#[tokio::test]
async fn the_orders_are_asked_for_with_signatures_and_stream() {
    let aws_here = ModelServer::start_tls(&["http/1.1"]).await;
    let dynamodb = format!("https://dynamodb.{}.amazonaws.com", aws::REGION);
    let function = Guest::Orders.function().bootstrap(env!("CARGO_BIN_EXE_bootstrap-near-aws"));
    let function = function.env("ORDERS_TABLE", "orders").env("AWS_IS_AT", &aws_here.port().to_string());
    let function = function.env("FIRSTBYTE_ALLOW_HTTP", &format!("{dynamodb},https://127.0.0.1"));
    let function = function.env("FIRSTBYTE_CA_FILE", aws_here.root()).env("FIRSTBYTE_SIGN_AWS", "dynamodb");
    let lambda = with_keys(function).start().await;
    let answer = lambda.send(Door::Direct, Call::json(&json!({ "customer": "hoge" }))).await;
    let lines = "{\"number\":1}\n{\"number\":2}\n{\"number\":3}\n{\"number\":4}\n{\"orders\":4}\n";
    assert!(answer.looks_complete() && answer.text() == lines, "{}", answer.text());
    let seen = aws_here.seen();
    assert_eq!(seen.len(), 2);
    let Some(sdk) = Tool::sigv4() else { return };
    for judged in aws::judge(&sdk, &seen).await {
        assert_eq!(judged["signed"], true, "{judged:#}");
        assert!(judged["scope"].as_str().is_some_and(|scope| scope.contains("/dynamodb/")), "{judged:#}");
    }
}
