//! A DynamoDB table with a text for each pair of keys. Knows nothing of what the texts say.

use std::env;

use firstbyte::{Error, Result, fetch};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The table of the shop.
pub(crate) struct Table {
    name: String,
    url: String,
}

/// Some of what has the same `pk`, in the order of `sk`.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins; none after the last one.
    pub(crate) next: Option<Value>,
}

impl Table {
    /// `SHOP_TABLE`, in the function's region.
    pub(crate) fn from_environment() -> Result<Self> {
        let region = env::var("AWS_REGION").map_err(|_| "AWS_REGION is not set")?;
        let name = env::var("SHOP_TABLE").map_err(|_| "SHOP_TABLE is not set")?;
        Ok(Self { name, url: format!("https://dynamodb.{region}.amazonaws.com/") })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>> {
        let answer = self.ask("GetItem", json!({ "Key": key(pk, sk) })).await?;
        answer.get("Item").map(item).transpose()
    }

    /// Writes an item; only one that is not there yet, if `is_new`: then false if it is.
    pub(crate) async fn put(&self, pk: &str, sk: &str, value: &impl Serialize, is_new: bool) -> Result<bool> {
        let mut item = key(pk, sk);
        item["json"] = json!({ "S": serde_json::to_string(value)? });
        let mut input = json!({ "Item": item });
        if is_new {
            input["ConditionExpression"] = "attribute_not_exists(pk)".into();
        }
        match self.ask("PutItem", input).await {
            Err(error) if error.message().contains("ConditionalCheckFailedException") => Ok(false),
            outcome => outcome.map(|_| true),
        }
    }

    pub(crate) async fn delete(&self, pk: &str, sk: &str) -> Result {
        self.ask("DeleteItem", json!({ "Key": key(pk, sk) })).await?;
        Ok(())
    }

    /// At most `limit` items, from where the page before said.
    pub(crate) async fn query<T: DeserializeOwned>(&self, pk: &str, limit: u32, from: Option<&Value>) -> Result<Page<T>> {
        let mut input = json!({
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": { ":pk": { "S": pk } },
            "Limit": limit,
        });
        if let Some(from) = from {
            input["ExclusiveStartKey"] = from.clone();
        }
        let mut answer = self.ask("Query", input).await?;
        let items = answer["Items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let items = items.iter().map(item).collect::<Result<_>>()?;
        Ok(Page { items, next: Some(answer["LastEvaluatedKey"].take()).filter(|key| !key.is_null()) })
    }

    async fn ask(&self, operation: &str, mut input: Value) -> Result<Value> {
        input["TableName"] = self.name.as_str().into();
        let answer = fetch::post(&self.url)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .json(&input)
            .send()
            .await?;
        Ok(answer.success().await?.json().await?)
    }
}

fn key(pk: &str, sk: &str) -> Value {
    json!({ "pk": { "S": pk }, "sk": { "S": sk } })
}

fn item<T: DeserializeOwned>(attributes: &Value) -> Result<T> {
    let json = attributes["json"]["S"].as_str().ok_or_else(|| Error::new("Table", "an item of the table has no JSON"))?;
    Ok(serde_json::from_str(json)?)
}
