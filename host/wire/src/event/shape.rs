//! Which door an event came through, from as little of it as possible.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Whose event it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Neither of the others.
    Direct,
    /// `version` is `"2.0"` and `requestContext.http` an object: payload format 2.0.
    FunctionUrl,
    /// `httpMethod` is a string and `requestContext.identity` an object: payload format 1.0.
    Rest,
}

impl Shape {
    /// Reads the top level and skips the rest without keeping it.
    pub(super) fn of(raw: &[u8]) -> Self {
        let Ok(Glance { kind: Kind::Object(event), .. }) = serde_json::from_slice(raw) else { return Self::Direct };
        if event.is_version_2 && event.context_has_http {
            Self::FunctionUrl
        } else if event.has_method && event.context_has_identity {
            Self::Rest
        } else {
            Self::Direct
        }
    }
}

/// How many commas stand between the values of a JSON text; those in its strings are not counted.
pub(super) fn separators(json: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b',' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// Any JSON value, reduced to what tells the shapes apart.
struct Glance {
    kind: Kind,
}

enum Kind {
    Object(Object),
    Text { is_2_0: bool },
    Other,
}

#[derive(Default)]
struct Object {
    is_version_2: bool,
    has_method: bool,
    has_http: bool,
    has_identity: bool,
    context_has_http: bool,
    context_has_identity: bool,
}

impl<'de> Deserialize<'de> for Glance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GlanceVisitor).map(|kind| Self { kind })
    }
}

struct GlanceVisitor;

impl<'de> Visitor<'de> for GlanceVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Kind, E> {
        Ok(Kind::Text { is_2_0: text == "2.0" })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Kind, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Kind::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut object = Object::default();
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match &*key {
                "version" => object.is_version_2 = matches!(map.next_value::<Glance>()?.kind, Kind::Text { is_2_0: true }),
                "httpMethod" => object.has_method = matches!(map.next_value::<Glance>()?.kind, Kind::Text { .. }),
                "http" => object.has_http = matches!(map.next_value::<Glance>()?.kind, Kind::Object(_)),
                "identity" => object.has_identity = matches!(map.next_value::<Glance>()?.kind, Kind::Object(_)),
                "requestContext" => {
                    let context = map.next_value::<Glance>()?.kind;
                    object.context_has_http = matches!(context, Kind::Object(Object { has_http: true, .. }));
                    object.context_has_identity = matches!(context, Kind::Object(Object { has_identity: true, .. }));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Kind::Object(object))
    }
}
