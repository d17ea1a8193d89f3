//! A query to DynamoDB, page by page, over its JSON protocol. Knows nothing of orders.

use std::time::Duration;

use firstbyte::{Error, Result, fetch, time};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::attribute::Item;

/// How often a query is sent that DynamoDB has no capacity for.
const ATTEMPTS: u32 = 4;

/// What is asked of a table.
pub(crate) struct Query {
    pub(crate) region: String,
    pub(crate) table: String,
    pub(crate) condition: &'static str,
    /// The values that the condition names.
    pub(crate) values: Value,
}

/// Some of the items.
#[derive(Deserialize)]
pub(crate) struct Page {
    #[serde(rename = "Items")]
    pub(crate) items: Vec<Item>,
    /// The key of the last item; absent if there is no other page.
    #[serde(rename = "LastEvaluatedKey")]
    pub(crate) last: Option<Value>,
}

impl Query {
    pub(crate) async fn first(&self) -> Result<Page> {
        self.page(None).await
    }

    pub(crate) async fn after(&self, last: Value) -> Result<Page> {
        self.page(Some(last)).await
    }

    async fn page(&self, start: Option<Value>) -> Result<Page> {
        let mut input = json!({
            "TableName": self.table,
            "KeyConditionExpression": self.condition,
            "ExpressionAttributeValues": self.values,
        });
        if let Some(start) = start {
            input["ExclusiveStartKey"] = start;
        }
        let mut attempt = 1;
        loop {
            let answer = fetch::post(format!("https://dynamodb.{}.amazonaws.com/", self.region))
                .header("x-amz-target", "DynamoDB_20120810.Query")
                .header("content-type", "application/x-amz-json-1.0")
                .json(&input)
                .send()
                .await?;
            if answer.is_success() {
                return Ok(answer.json().await?);
            }
            let refusal: Refusal = answer.json().await?;
            if !refusal.may_pass() || attempt == ATTEMPTS {
                return Err(refusal.into());
            }
            time::sleep(Duration::from_millis(100 << attempt)).await;
            attempt += 1;
        }
    }
}

/// Why DynamoDB does not answer a query.
#[derive(Deserialize)]
struct Refusal {
    /// A name behind a `#`.
    #[serde(rename = "__type")]
    kind: String,
    #[serde(default, alias = "Message")]
    message: String,
}

impl Refusal {
    fn name(&self) -> &str {
        self.kind.rsplit('#').next().unwrap_or_default()
    }

    /// Whether the same query may be answered a little later.
    fn may_pass(&self) -> bool {
        ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "InternalServerError"]
            .contains(&self.name())
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let error = Self::new("DynamoDb", format!("{}: {}", refusal.name(), refusal.message));
        if refusal.may_pass() { error.status(503) } else { error }
    }
}
