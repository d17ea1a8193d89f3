//! The trace that an invocation is part of: where it comes from, and how it goes on.
//!
//! X-Ray's header, which Lambda gives, and W3C's `traceparent`, which an HTTP caller may send, say the same in two notations.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const W3C: HeaderName = HeaderName::from_static("traceparent");

/// Which invocations are told, by `OTEL_TRACES_SAMPLER`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampler {
    /// As the trace's root says; if nobody said, this share of them, 0 to 1.
    ParentBased(f64),
    /// This share of them, whatever the root says.
    Ratio(f64),
}

/// A sampler that there is not.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio, with a \
     ratio of 0 to 1 in OTEL_TRACES_SAMPLER_ARG"
)]
pub struct SamplerError;

impl Sampler {
    /// # Errors
    /// [`SamplerError`].
    pub fn parse(name: &str, ratio: Option<&str>) -> Result<Self, SamplerError> {
        let ratio = || match ratio.map_or(Ok(1.0), str::parse) {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
            _ => Err(SamplerError),
        };
        match name {
            "always_on" => Ok(Self::Ratio(1.0)),
            "always_off" => Ok(Self::Ratio(0.0)),
            "traceidratio" => Ok(Self::Ratio(ratio()?)),
            "parentbased_always_on" => Ok(Self::ParentBased(1.0)),
            "parentbased_always_off" => Ok(Self::ParentBased(0.0)),
            "parentbased_traceidratio" => Ok(Self::ParentBased(ratio()?)),
            _ => Err(SamplerError),
        }
    }

    fn samples(self, id: u128, parent: Option<bool>) -> bool {
        let ratio = match (self, parent) {
            (Self::ParentBased(_), Some(sampled)) => return sampled,
            (Self::ParentBased(ratio) | Self::Ratio(ratio), _) => ratio,
        };
        // The lower half of an id is random in both notations.
        #[expect(clippy::cast_precision_loss, reason = "a share need not be exact")]
        let place = (id as u64 >> 1) as f64 / (u64::MAX >> 1) as f64;
        place < ratio || ratio >= 1.0
    }
}

/// The trace of one invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) id: u128,
    /// The span that this invocation is.
    pub(crate) span: u64,
    /// The span that it is part of.
    pub(crate) parent: Option<u64>,
    /// Whether it is told.
    pub(crate) is_sampled: bool,
}

impl Trace {
    /// The trace that Lambda names, else the one that an HTTP caller does, else a new one.
    pub(crate) fn of(xray: Option<&str>, traceparent: Option<&str>, sampler: Sampler) -> Self {
        let (id, parent, sampled) =
            xray.and_then(of_xray).or_else(|| traceparent.and_then(of_w3c)).unwrap_or_else(|| (new_id(), None, None));
        Self { id, span: new_span(), parent, is_sampled: sampler.samples(id, sampled) }
    }

    /// Has a request carry the trace on, as part of the span `span`, unless its sender carries on one of its own.
    pub(crate) fn carry_on(&self, headers: &mut HeaderMap, span: u64) {
        if headers.contains_key(W3C) || headers.contains_key(XRAY) {
            return;
        }
        let sampled = u8::from(self.is_sampled);
        let id = format!("{:032x}", self.id);
        let texts = [
            (W3C, format!("00-{id}-{span:016x}-{sampled:02x}")),
            (XRAY, format!("Root=1-{}-{};Parent={span:016x};Sampled={sampled}", &id[..8], &id[8..])),
        ];
        for (name, text) in texts {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

type Found = (u128, Option<u64>, Option<bool>);

/// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`, in any order, with more in it.
fn of_xray(text: &str) -> Option<Found> {
    let part = |name: &str| text.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
    let (time, rest) = part("Root")?.strip_prefix("1-")?.split_once('-')?;
    if (time.len(), rest.len()) != (8, 24) {
        return None;
    }
    let id = hex(&format!("{time}{rest}"))?;
    let parent = part("Parent").and_then(hex).and_then(|parent| u64::try_from(parent).ok()).filter(|parent| *parent != 0);
    let sampled = part("Sampled").and_then(|sampled| match sampled {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    });
    Some((id, parent, sampled)).filter(|_| id != 0)
}

/// `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`, and whatever a later version adds to it.
fn of_w3c(text: &str) -> Option<Found> {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let [version, id, parent, flags, ..] = parts[..] else { return None };
    if (version.len(), id.len(), parent.len(), flags.len()) != (2, 32, 16, 2) || version == "ff" {
        return None;
    }
    let (id, parent, flags) = (hex(id)?, u64::try_from(hex(parent)?).ok()?, hex(flags)?);
    Some((id, Some(parent), Some(flags & 1 == 1))).filter(|_| id != 0 && parent != 0)
}

fn hex(digits: &str) -> Option<u128> {
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

/// A new trace's id, with the time in its first half minute as X-Ray wants it.
fn new_id() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    let rest = u128::from(random()) << 64 | u128::from(random());
    u128::from(now.as_secs() as u32) << 96 | rest & (u128::MAX >> 32)
}

/// A new span's id, which is not zero.
pub(crate) fn new_span() -> u64 {
    random().max(1)
}

/// A number that nobody else draws: the hasher's keys are random, and other ones each time.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ON: Sampler = Sampler::ParentBased(1.0);

    #[test]
    fn a_trace_goes_on_in_both_notations() {
        let xray = "Self=1-0-0;Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1";
        let trace = Trace::of(Some(xray), Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"), ON);
        assert_eq!((trace.id, trace.parent), (0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793, Some(0x5399_5c3f_42cd_8ad8)));
        let mut headers = HeaderMap::new();
        trace.carry_on(&mut headers, 7);
        assert_eq!(headers[W3C], "00-5759e988bd862e3fe1be46a994272793-0000000000000007-01");
        assert_eq!(headers[XRAY], "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000007;Sampled=1");
        let again = Trace::of(headers[XRAY].to_str().ok(), None, ON);
        assert_eq!(again, Trace { span: again.span, ..Trace::of(None, headers[W3C].to_str().ok(), ON) });
        trace.carry_on(&mut headers, 8);
        assert!(headers[W3C].to_str().is_ok_and(|text| text.contains("-0000000000000007-")), "the sender's own stays");
    }

    #[test]
    fn who_is_sampled_is_the_roots_decision_unless_told_otherwise() {
        let sampled = |xray: Option<&str>, name: &str, ratio: Option<&str>| {
            Trace::of(xray, None, Sampler::parse(name, ratio).expect("a sampler")).is_sampled
        };
        let no = Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0");
        assert!(!sampled(no, "parentbased_always_on", None) && sampled(no, "always_on", None));
        assert!(sampled(None, "parentbased_always_on", None) && !sampled(None, "parentbased_always_off", None));
        assert!(!sampled(None, "traceidratio", Some("0")) && sampled(None, "traceidratio", Some("1")));
        let half = (0..1000).filter(|_| sampled(None, "traceidratio", Some("0.5"))).count();
        assert!((350..650).contains(&half), "{half} of 1000");
        for (name, ratio) in [("sometimes", None), ("traceidratio", Some("2")), ("traceidratio", Some("half"))] {
            assert!(Sampler::parse(name, ratio).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_caller_sends_is_a_trace(xray in ".{0,100}", w3c in ".{0,80}") {
            let trace = Trace::of(Some(&xray), Some(&w3c), ON);
            prop_assert!(trace.id != 0 && trace.span != 0 && trace.parent != Some(0));
        }

        #[test]
        fn almost_a_header_is_a_trace(text in "Root=1-[0-9a-f+]{7,9}-[0-9a-f]{23,25};Parent=[0-9a-f]{0,20};Sampled=[01?]") {
            let trace = Trace::of(Some(&text), None, ON);
            prop_assert!(trace.id != 0);
        }
    }
}
