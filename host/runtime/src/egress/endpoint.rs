//! AWS's endpoints: the service and the region to sign for, as a host's name tells them.

use super::services;
use http::Uri;

/// The domains of AWS's endpoints, and of those that IPv6 reaches, too.
const DOMAINS: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn"];

/// Services with an endpoint for the whole world, `SERVICE.amazonaws.com`, whose requests are signed for one region.
const GLOBAL: [&str; 5] = ["cloudfront", "iam", "route53", "s3", "sts"];

/// That region.
const GLOBAL_REGION: &str = "us-east-1";

/// A service in a region.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) service: String,
    pub(super) region: String,
}

impl Endpoint {
    /// `[…].SERVICE.REGION.DOMAIN`, where `-fips` may follow the service and `dualstack` precede the region, or
    /// `[…].SERVICE.amazonaws.com` of a global one; over HTTPS. None if the name leaves any doubt.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let host = uri.host()?.to_ascii_lowercase();
        let (name, domain) = split(&host)?;
        if uri.scheme_str() != Some("https") {
            return None;
        }
        let mut labels = name.rsplit('.');
        let last = labels.next()?;
        let (label, region) = if is_region(last) {
            let label = labels.next()?;
            (if label == "dualstack" { labels.next()? } else { label }, last)
        } else if domain == ".amazonaws.com" && GLOBAL.contains(&last) {
            (last, GLOBAL_REGION)
        } else {
            return None;
        };
        let service = services::signed_as(label.strip_suffix("-fips").unwrap_or(label));
        Some(Self { service: service.to_owned(), region: region.to_owned() })
    }
}

/// Whether a host is one of AWS's.
pub(super) fn is_aws(host: &str) -> bool {
    split(&host.to_ascii_lowercase()).is_some()
}

/// A host in lower case, as what precedes AWS's domain, and that.
fn split(host: &str) -> Option<(&str, &'static str)> {
    DOMAINS.into_iter().find_map(|domain| Some((host.strip_suffix(domain)?, domain)))
}

/// `eu-west-1`, `us-gov-east-1`, …: words, then a number.
fn is_region(label: &str) -> bool {
    let mut parts = label.rsplit('-');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    parts.next().is_some_and(is_number) && parts.clone().count() >= 2 && parts.all(is_word)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_told_from_their_names() {
        for (host, service, region) in [
            ("dynamodb.eu-west-1.amazonaws.com", "dynamodb", "eu-west-1"),
            ("bedrock-runtime.us-east-1.amazonaws.com", "bedrock", "us-east-1"),
            ("bucket.s3.us-east-1.amazonaws.com", "s3", "us-east-1"),
            ("sqs.cn-north-1.amazonaws.com.cn", "sqs", "cn-north-1"),
            ("dynamodb-fips.us-gov-west-1.amazonaws.com", "dynamodb", "us-gov-west-1"),
            ("bedrock-runtime-fips.us-east-1.amazonaws.com", "bedrock", "us-east-1"),
            ("s3.dualstack.eu-west-1.amazonaws.com", "s3", "eu-west-1"),
            ("bucket.s3.dualstack.eu-west-1.amazonaws.com", "s3", "eu-west-1"),
            ("bucket.s3-fips.dualstack.us-east-2.amazonaws.com", "s3", "us-east-2"),
            ("lambda.eu-central-1.api.aws", "lambda", "eu-central-1"),
            ("sqs-fips.us-east-1.api.aws", "sqs", "us-east-1"),
            ("lambda.cn-north-1.api.amazonwebservices.com.cn", "lambda", "cn-north-1"),
            ("STS.amazonaws.com", "sts", "us-east-1"),
            ("iam.amazonaws.com", "iam", "us-east-1"),
            ("bucket.s3.amazonaws.com", "s3", "us-east-1"),
            ("dynamodb.s3.amazonaws.com", "s3", "us-east-1"),
        ] {
            let expected = Endpoint { service: service.to_owned(), region: region.to_owned() };
            assert_eq!(Endpoint::of(&format!("https://{host}/x").parse().unwrap()), Some(expected), "{host}");
        }
        for uri in [
            "http://dynamodb.eu-west-1.amazonaws.com/",
            "https://dynamodb.eu-west-1.amazonaws.com.evil.example/",
            "https://dynamodb.eu-west-1.evilamazonaws.com/",
            "https://amazonaws.com/",
            "https://eu-west-1.amazonaws.com/",
            "https://dualstack.eu-west-1.amazonaws.com/",
            "https://bucket.s3-accelerate.amazonaws.com/",
            "https://sts.api.aws/",
            "https://sts.amazonaws.com.cn/",
            "https://ec2-1-2-3-4.compute-1.amazonaws.com/",
            "https://ec2-1-2-3-4.us-west-2.compute.amazonaws.com/",
        ] {
            assert_eq!(Endpoint::of(&uri.parse().unwrap()), None, "{uri}");
        }
    }
}
