//! The numbers of a customer's orders, by AWS's own SDK: `host.rs` is what it takes to have it run in a handler.

mod host;

use std::env;

use aws_sdk_dynamodb::{Client, error::DisplayErrorContext, types::AttributeValue};
use firstbyte::{Error, Request, Response, Result, handler};
use serde::Deserialize;

#[derive(Deserialize)]
struct Wanted {
    customer: String,
}

#[handler]
async fn orders(request: Request, response: Response) -> Result {
    let Wanted { customer } = request.json()?;
    let table = env::var("ORDERS_TABLE").map_err(|_| "ORDERS_TABLE is not set")?;
    let client = Client::from_conf(host::config());
    let query = client.query().table_name(table).key_condition_expression("customer = :customer");
    let query = query.expression_attribute_values(":customer", AttributeValue::S(customer));

    let mut body = response.content_type("application/x-ndjson").start()?;
    let mut pages = query.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Error::new("DynamoDb", DisplayErrorContext(error).to_string()))?;
        for item in page.items() {
            let number = item.get("number").and_then(|number| number.as_n().ok());
            body.write(format!("{}\n", number.map_or("null", String::as_str)))?;
        }
    }
    Ok(())
}
