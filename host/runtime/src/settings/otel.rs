//! OpenTelemetry's own variables, which are the same for every program that exports traces.

use super::{Reader, SettingsError, refused};
use crate::telemetry::{Sampler, TraceSettings};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::time::Duration;

/// How long an export may take unless the operator says otherwise: meanwhile the process takes no other invocation.
const TIMEOUT_MS: u64 = 1_000;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

impl Reader<'_> {
    /// Where traces go: nowhere without an endpoint.
    pub(super) fn traces(&self) -> Result<Option<TraceSettings>, SettingsError> {
        let sampler = self.sampler()?;
        let headers = self.headers()?;
        self.protocol()?;
        let timeout = self.number(self.first("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"), TIMEOUT_MS)?;
        let off = self.get("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || self.get("OTEL_TRACES_EXPORTER").is_some_and(|value| value.eq_ignore_ascii_case("none"));
        let endpoint = match (self.get(TRACES_ENDPOINT), self.get(ENDPOINT)) {
            (Some(endpoint), _) => url(TRACES_ENDPOINT, endpoint, "")?,
            (None, Some(endpoint)) => url(ENDPOINT, endpoint, "/v1/traces")?,
            (None, None) => return Ok(None),
        };
        let mut resource =
            pairs(self.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()).collect::<Option<Vec<_>>>().ok_or_else(|| {
                refused("OTEL_RESOURCE_ATTRIBUTES", self.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default(), PAIRS)
            })?;
        if let Some(name) = self.get("OTEL_SERVICE_NAME") {
            resource.retain(|(known, _)| known != "service.name");
            resource.push(("service.name".to_owned(), name.to_owned()));
        }
        let timeout = Duration::from_millis(timeout);
        Ok((!off).then_some(TraceSettings { endpoint, headers, timeout, sampler, resource }))
    }

    /// The more particular of two variables, if it is set.
    fn first(&self, particular: &'static str, general: &'static str) -> &'static str {
        if self.get(particular).is_some() { particular } else { general }
    }

    fn sampler(&self) -> Result<Sampler, SettingsError> {
        const NAME: &str = "OTEL_TRACES_SAMPLER";
        let name = self.get(NAME).unwrap_or("parentbased_always_on");
        Sampler::parse(name, self.get("OTEL_TRACES_SAMPLER_ARG")).map_err(|error| refused(NAME, name, error.to_string()))
    }

    /// JSON is sent, which receivers of OTLP over HTTP tell from Protobuf by its content type.
    fn protocol(&self) -> Result<(), SettingsError> {
        let name = self.first("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL");
        self.one_of(name, (), &[("http/json", ()), ("http/protobuf", ())], "`http/json` or `http/protobuf`")
    }

    fn headers(&self) -> Result<HeaderMap, SettingsError> {
        let name = self.first("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS");
        let mut headers = HeaderMap::new();
        for pair in pairs(self.get(name).unwrap_or_default()) {
            let header = pair.and_then(|(name, value)| {
                let mut value = HeaderValue::try_from(value).ok()?;
                value.set_sensitive(true);
                Some((HeaderName::try_from(name).ok()?, value))
            });
            // What it is set to may be a secret, and stays out of the message.
            let (header, value) = header.ok_or_else(|| refused(name, "…", PAIRS))?;
            headers.append(header, value);
        }
        Ok(headers)
    }
}

const PAIRS: &str = "expected `name=value` between commas, percent-encoded";

/// `name=value` between commas, percent-encoded. None for what is no pair.
fn pairs(list: &str) -> impl Iterator<Item = Option<(String, String)>> {
    let decode = |text: &str| Some(percent_encoding::percent_decode_str(text.trim()).decode_utf8().ok()?.into_owned());
    list.split(',').filter(|item| !item.trim().is_empty()).map(move |item| {
        let (name, value) = item.split_once('=')?;
        Some((decode(name).filter(|name| !name.is_empty())?, decode(value)?))
    })
}

fn url(name: &'static str, base: &str, path: &str) -> Result<Uri, SettingsError> {
    let expected = || refused(name, base, "expected a URL such as `http://collector:4318`");
    let uri: Uri = format!("{}{path}", base.trim_end_matches('/')).parse().map_err(|_| expected())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    if !is_http || uri.host().is_none_or(str::is_empty) { Err(expected()) } else { Ok(uri) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn traces(variables: &[(&str, &str)]) -> Option<TraceSettings> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_env(variables).expect("settings").telemetry.traces
    }

    #[test]
    fn the_particular_goes_before_the_general() {
        assert!(traces(&[]).is_none());
        let general = traces(&[(ENDPOINT, "http://c:4318/base/")]).expect("traces");
        assert_eq!(
            (general.endpoint.to_string(), general.timeout),
            ("http://c:4318/base/v1/traces".to_owned(), Duration::from_secs(1))
        );
        let particular = traces(&[
            (ENDPOINT, "http://c:4318"),
            (TRACES_ENDPOINT, "https://xray.eu-west-1.amazonaws.com/v1/traces"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20key,x-a=1"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "250"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=prod"),
        ])
        .expect("traces");
        assert_eq!(particular.endpoint.path(), "/v1/traces");
        assert_eq!(particular.headers["authorization"], "Bearer key");
        assert!(!format!("{particular:?}").contains("Bearer"), "a secret");
        assert_eq!(particular.timeout, Duration::from_millis(250));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(particular.resource, [pair("deployment.environment.name", "prod"), pair("service.name", "shop")]);
    }

    #[test]
    fn it_can_be_switched_off() {
        for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert!(traces(&[(ENDPOINT, "http://c:4318"), off]).is_none(), "{off:?}");
        }
    }
}
