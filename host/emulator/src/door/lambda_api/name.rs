//! The function's name in a path: a name, a partial or a whole ARN, each with or without a qualifier.

use super::{ApiError, invalid_parameter};
use crate::function::{ACCOUNT, Function, PARTITION};
use percent_encoding::percent_decode_str;

/// Whom a caller means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Name {
    /// Partition and region, of a whole ARN.
    pub(super) place: Option<(String, String)>,
    /// The account, of a partial or a whole ARN.
    pub(super) account: Option<String>,
    pub(super) name: String,
    pub(super) qualifier: Option<String>,
}

impl Name {
    /// Reads a part of a path, and the query's `Qualifier`.
    pub(super) fn parse(segment: &str, query: Option<&str>) -> Result<Self, ApiError> {
        let text = percent_decode_str(segment).decode_utf8_lossy();
        let invalid = || invalid_parameter("functionName", &text, "a function's name or ARN");
        let parts: Vec<&str> = text.split(':').collect();
        let (place, account, name, qualifier) = match parts.as_slice() {
            ["arn", partition, "lambda", region, account, "function", name, qualifier @ ..] => {
                (Some(((*partition).to_owned(), (*region).to_owned())), Some((*account).to_owned()), *name, qualifier)
            }
            [account, "function", name, qualifier @ ..] => (None, Some((*account).to_owned()), *name, qualifier),
            [name, qualifier @ ..] => (None, None, *name, qualifier),
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
        Ok(Self { place, account, name: name.to_owned(), qualifier })
    }

    /// The ARN that is meant; what was not given is the function's.
    pub(super) fn arn(&self, function: &Function) -> String {
        let (partition, region) = match &self.place {
            Some((partition, region)) => (partition.as_str(), region.as_str()),
            None => (PARTITION, function.region.as_str()),
        };
        let account = self.account.as_deref().unwrap_or(ACCOUNT);
        let qualifier = self.qualifier.as_ref().map(|qualifier| format!(":{qualifier}")).unwrap_or_default();
        format!("arn:{partition}:lambda:{region}:{account}:function:{}{qualifier}", self.name)
    }

    /// Whether it is this function's, whatever the qualifier.
    pub(super) fn is_of(&self, function: &Function) -> bool {
        self.place.as_ref().is_none_or(|(partition, region)| partition == PARTITION && *region == function.region)
            && self.account.as_ref().is_none_or(|account| account == ACCOUNT)
            && self.name == function.settings.function_name
    }
}

#[cfg(test)]
mod tests {
    use super::Name;
    use proptest::prelude::*;

    #[test]
    fn all_forms_of_a_name() {
        let whole = "arn:aws:lambda:eu-west-1:123456789012:function:f";
        let place = Some(("aws", "eu-west-1"));
        let account = Some("123456789012");
        for (segment, query, place, account, qualifier) in [
            ("f", None, None, None, None),
            ("f:live", None, None, None, Some("live")),
            ("f%3Alive", None, None, None, Some("live")),
            ("f", Some("Qualifier=%24LATEST"), None, None, Some("$LATEST")),
            ("123456789012:function:f", None, None, account, None),
            ("123456789012:function:f:7", None, None, account, Some("7")),
            (whole, None, place, account, None),
            (&format!("{whole}:live"), None, place, account, Some("live")),
            (&whole.replace(':', "%3A"), Some("Qualifier=x"), place, account, Some("x")),
        ] {
            let expected = Name {
                place: place.map(|(partition, region)| (partition.to_owned(), region.to_owned())),
                account: account.map(str::to_owned),
                name: "f".to_owned(),
                qualifier: qualifier.map(str::to_owned),
            };
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
