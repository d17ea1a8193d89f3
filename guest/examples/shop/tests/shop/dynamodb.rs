//! DynamoDB, as far as the shop asks: keys, pages, and a condition.

use firstbyte_testing::{Answer, Upstream, UpstreamRequest};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) const ORIGIN: &str = "https://dynamodb.eu-central-1.amazonaws.com";
pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const TABLE: &str = "shop";

type Items = BTreeMap<(String, String), String>;

/// A table, and what was asked of it.
#[derive(Clone, Default)]
pub(crate) struct Table {
    items: Arc<Mutex<Items>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Table {
    pub(crate) fn upstream(&self) -> Upstream {
        let table = self.clone();
        Upstream::new(move |request| table.answer(request))
    }

    pub(crate) fn put(&self, pk: &str, sk: &str, value: &Value) {
        self.items().insert((pk.to_owned(), sk.to_owned()), value.to_string());
    }

    pub(crate) fn get(&self, pk: &str, sk: &str) -> Option<Value> {
        self.items().get(&(pk.to_owned(), sk.to_owned())).map(|json| serde_json::from_str(json).expect("JSON"))
    }

    /// The operations that were asked for, each with what it was about.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().expect("not poisoned"))
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().expect("not poisoned")
    }

    fn answer(&self, request: &UpstreamRequest) -> Answer {
        assert_eq!((&*request.method, &*request.path), ("POST", "/"));
        assert_eq!(request.header("content-type"), Some("application/x-amz-json-1.0"), "{request:?}");
        let signed = request.signed().expect("a signature, by the host");
        assert_eq!((&*signed.key_id, &*signed.region, &*signed.service), (KEY_ID, "eu-central-1", "dynamodb"));
        let operation = request.header("x-amz-target").and_then(|target| target.strip_prefix("DynamoDB_20120810."));
        let input: Value = serde_json::from_slice(&request.body).expect("JSON");
        assert_eq!(input["TableName"], TABLE);
        let key = |key: &Value| {
            let part = |name: &str| key[name]["S"].as_str().expect("a key").to_owned();
            (part("pk"), part("sk"))
        };
        let item = |(key, json): (&(String, String), &String)| json!({ "pk": { "S": key.0 }, "sk": { "S": key.1 }, "json": { "S": json } });
        let operation = operation.expect("an operation");
        self.asked.lock().expect("not poisoned").push(operation.to_owned());
        let mut items = self.items();
        let output = match operation {
            "GetItem" => items.get_key_value(&key(&input["Key"])).map_or(json!({}), |entry| json!({ "Item": item(entry) })),
            "PutItem" => {
                let new = key(&input["Item"]);
                if input["ConditionExpression"] == "attribute_not_exists(pk)" && items.contains_key(&new) {
                    let error = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException" });
                    return Answer::new(400).chunk(error.to_string());
                }
                items.insert(new, input["Item"]["json"]["S"].as_str().expect("JSON").to_owned());
                json!({})
            }
            "DeleteItem" => {
                items.remove(&key(&input["Key"]));
                json!({})
            }
            "Query" => {
                let pk = input["ExpressionAttributeValues"][":pk"]["S"].as_str().expect("a key").to_owned();
                let from = match &input["ExclusiveStartKey"] {
                    Value::Null => Bound::Included((pk.clone(), String::new())),
                    after => Bound::Excluded(key(after)),
                };
                let limit = usize::try_from(input["Limit"].as_u64().expect("a limit")).expect("a small one");
                let mut rest = items.range((from, Bound::Unbounded)).take_while(|(key, _)| key.0 == pk);
                let page: Vec<_> = rest.by_ref().take(limit).collect();
                let last = page.last().filter(|_| rest.next().is_some()).map(|entry| item(*entry));
                let mut output = json!({ "Items": page.into_iter().map(item).collect::<Vec<_>>() });
                if let Some(mut last) = last {
                    last.as_object_mut().expect("an object").remove("json");
                    output["LastEvaluatedKey"] = last;
                }
                output
            }
            other => {
                return Answer::new(400).chunk(json!({ "__type": "UnknownOperationException", "message": other }).to_string());
            }
        };
        Answer::new(200).chunk(output.to_string())
    }
}
