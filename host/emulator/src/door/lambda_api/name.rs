//! The function's name in a path: a name, a partial or a whole ARN, each with or without a qualifier.

use super::{ApiError, invalid_parameter};
use percent_encoding::percent_decode_str;

/// Whom a caller means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) name: String,
    pub(super) qualifier: Option<String>,
}

impl Name {
    /// Reads a part of a path, and the query's `Qualifier`. Region and account are not compared with anything.
    pub(super) fn parse(segment: &str, query: Option<&str>) -> Result<Self, ApiError> {
        let text = percent_decode_str(segment).decode_utf8_lossy();
        let invalid = || invalid_parameter("functionName", &text, "a function's name or ARN");
        let parts: Vec<&str> = text.split(':').collect();
        let (name, qualifier) = match parts.as_slice() {
            ["arn", _, "lambda", _, _, "function", name, qualifier @ ..]
            | [_, "function", name, qualifier @ ..]
            | [name, qualifier @ ..] => (*name, qualifier),
            [] => return Err(invalid()),
        };
        let named = match qualifier {
            [] => None,
            [qualifier] => Some((*qualifier).to_owned()),
            _ => return Err(invalid()),
        };
        let asked = super::super::event_body::query(query.unwrap_or_default())
            .find_map(|(name, value)| (name == "Qualifier" && !value.is_empty()).then_some(value));
        let qualifier = asked.or(named);
        let valid = |text: &str| {
            (1..=140).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_$".contains(&byte))
        };
        if !valid(name) || qualifier.as_deref().is_some_and(|qualifier| !valid(qualifier)) {
            return Err(invalid());
        }
        Ok(Self { name: name.to_owned(), qualifier })
    }
}

#[cfg(test)]
mod tests {
    use super::Name;
    use proptest::prelude::*;

    #[test]
    fn all_forms_of_a_name() {
        let whole = "arn:aws:lambda:eu-west-1:123456789012:function:f";
        for (segment, query, qualifier) in [
            ("f", None, None),
            ("f:live", None, Some("live")),
            ("f%3Alive", None, Some("live")),
            ("f", Some("Qualifier=%24LATEST"), Some("$LATEST")),
            ("123456789012:function:f", None, None),
            ("123456789012:function:f:7", None, Some("7")),
            (whole, None, None),
            (&format!("{whole}:live"), None, Some("live")),
            (&whole.replace(':', "%3A"), Some("Qualifier=x"), Some("x")),
        ] {
            let expected = Name { name: "f".to_owned(), qualifier: qualifier.map(str::to_owned) };
            assert_eq!(Name::parse(segment, query).expect(segment), expected);
        }
    }

    #[test]
    fn other_things_are_no_names() {
        for segment in ["", ":", "a b", "f:a:b:c", "%00", "arn:aws:s3:::bucket"] {
            assert!(Name::parse(segment, None).is_err(), "{segment}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(segment in "(arn:|aws:|lambda|function|:|%|[a-z0-9]|.){0,20}", query in "(Qualifier|=|&|%|.){0,10}") {
            if let Ok(name) = Name::parse(&segment, Some(&query)) {
                prop_assert!(!name.name.is_empty() && !name.name.contains(':'));
            }
        }
    }
}
