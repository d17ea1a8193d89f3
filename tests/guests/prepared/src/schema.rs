//! As much of JSON Schema as the guest's schema has.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Error, Value};

/// Definitions, by their names.
#[derive(Deserialize)]
pub(crate) struct Schema {
    #[serde(rename = "$defs")]
    definitions: BTreeMap<String, Definition>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Definition {
    Object {
        required: Vec<String>,
        properties: BTreeMap<String, Definition>,
    },
    Array {
        items: Box<Definition>,
    },
    #[serde(rename_all = "camelCase")]
    String {
        min_length: usize,
        max_length: usize,
    },
    Number {
        minimum: f64,
    },
}

impl Schema {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text)
    }

    /// Whether a value is as the definition of this name has it; what is wrong, if it is not.
    pub(crate) fn check(&self, definition: &str, value: &Value) -> Result<(), String> {
        self.definitions.get(definition).ok_or("there is no such definition")?.check("", value)
    }
}

impl Definition {
    fn check(&self, path: &str, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Object { required, properties }, Value::Object(members)) => {
                if let Some(missing) = required.iter().find(|name| !members.contains_key(*name)) {
                    return Err(format!("{path}/{missing} is missing"));
                }
                let known = members.iter().filter_map(|(name, value)| Some((name, properties.get(name)?, value)));
                known.into_iter().try_for_each(|(name, definition, value)| definition.check(&format!("{path}/{name}"), value))
            }
            (Self::Array { items }, Value::Array(values)) => {
                values.iter().enumerate().try_for_each(|(at, value)| items.check(&format!("{path}/{at}"), value))
            }
            (Self::String { min_length, max_length }, Value::String(text)) => {
                let is_right = (*min_length..=*max_length).contains(&text.chars().count());
                is_right.then_some(()).ok_or(format!("{path} has {min_length} to {max_length} characters"))
            }
            (Self::Number { minimum }, Value::Number(number)) if number.as_f64().is_some_and(|number| number >= *minimum) => {
                Ok(())
            }
            _ => Err(format!("{path} is not as the schema has it")),
        }
    }
}
