//! The environment variables of a runtime.

use crate::date::Date;
use crate::function::Function;
use crate::settings::LogFormat;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// What Lambda sets, and of the emulator's own variables only `PATH` and the credentials.
pub(super) fn variables(function: &Function, id: u32, version: &str, api: SocketAddr) -> Vec<(&'static str, OsString)> {
    let settings = &function.settings;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Date { year, month, day, .. } = Date::from_unix(now);
    let stream = format!("{year:04}/{month:02}/{day:02}/[{version}]{:032x}", u128::from(id));
    let root = settings.task_root.clone().or_else(|| std::env::current_dir().ok()).unwrap_or_default();
    let initialization = if function.is_concurrent() { "lambda-managed-instances" } else { "on-demand" };
    let mut variables: Vec<(&'static str, OsString)> = vec![
        ("AWS_LAMBDA_RUNTIME_API", api.to_string().into()),
        ("_HANDLER", settings.handler.clone().into()),
        ("LAMBDA_TASK_ROOT", root.into()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".into()),
        ("AWS_LAMBDA_FUNCTION_NAME", settings.function_name.clone().into()),
        ("AWS_LAMBDA_FUNCTION_VERSION", version.into()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory_mb.to_string().into()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", settings.function_name).into()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream.into()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", initialization.into()),
        ("AWS_REGION", function.region.clone().into()),
        ("AWS_DEFAULT_REGION", function.region.clone().into()),
        ("TZ", ":UTC".into()),
        ("LANG", "en_US.UTF-8".into()),
        ("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin/:/bin:/opt/bin".into())),
    ];
    if function.is_concurrent() {
        variables.push(("AWS_LAMBDA_MAX_CONCURRENCY", settings.concurrency.to_string().into()));
    }
    if settings.log_format == LogFormat::Json {
        variables.push(("AWS_LAMBDA_LOG_FORMAT", "JSON".into()));
        let level = settings.log_level.clone().unwrap_or_else(|| "INFO".to_owned());
        variables.push(("AWS_LAMBDA_LOG_LEVEL", level.into()));
    }
    let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
    if std::env::var_os("AWS_ACCESS_KEY_ID").is_some() {
        variables.extend(credentials.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    } else {
        variables.extend(credentials.into_iter().map(|name| (name, OsString::from("local"))));
    }
    variables
}
