//! What DynamoDB calls an attribute, read as it writes it and written as everybody else does: `{"N": "1"}` is `1`.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Number;

/// Attributes by their names.
pub(crate) type Item = BTreeMap<String, Attribute>;

/// A value with its type.
#[derive(Deserialize)]
pub(crate) enum Attribute {
    S(String),
    /// A decimal number of up to 38 digits.
    N(String),
    /// In base64, as the others that are binary.
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(IgnoredAny),
    L(Vec<Attribute>),
    M(Item),
    #[serde(rename = "SS")]
    Strings(Vec<String>),
    #[serde(rename = "NS")]
    Numbers(Vec<String>),
    #[serde(rename = "BS")]
    Binaries(Vec<String>),
}

impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::S(text) | Self::B(text) => serializer.serialize_str(text),
            Self::N(digits) => number(digits).serialize(serializer),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Null(_) => serializer.serialize_unit(),
            Self::L(list) => list.serialize(serializer),
            Self::M(map) => map.serialize(serializer),
            Self::Strings(set) | Self::Binaries(set) => set.serialize(serializer),
            Self::Numbers(set) => serializer.collect_seq(set.iter().map(|digits| number(digits))),
        }
    }
}

/// A number as JSON has it. One with more digits than a reader would keep is written as the text that it is.
#[derive(Serialize)]
#[serde(untagged)]
enum Numeric<'a> {
    Exact(Number),
    Text(&'a str),
}

fn number(digits: &str) -> Numeric<'_> {
    let exact = serde_json::from_str::<Number>(digits).ok().filter(|number| number.to_string() == digits);
    exact.map_or(Numeric::Text(digits), Numeric::Exact)
}
