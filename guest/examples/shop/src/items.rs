//! What there is to buy.

use std::{fmt::Write as _, time::Duration};

use firstbyte::{Error, Request, Response, Result, time};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::table::{Page, Table};

const ITEMS: &str = "items";

#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) cents: u32,
    #[serde(default)]
    pub(crate) stock: u32,
    #[serde(default)]
    tags: Vec<String>,
}

/// `?text=lamp&tag=new&tag=small&limit=10`.
#[derive(Deserialize)]
struct Search {
    text: Option<String>,
    #[serde(default)]
    tag: Vec<String>,
    limit: Option<u32>,
}

impl Search {
    fn fits(&self, item: &Item) -> bool {
        self.text.as_ref().is_none_or(|text| item.name.contains(text)) && self.tag.iter().all(|tag| item.tags.contains(tag))
    }
}

/// JSON, or CSV for who likes that better.
pub(crate) async fn list(request: Request, response: Response) -> Result {
    let http = request.http().ok_or("a route has a request")?;
    let search: Search = http.query()?;
    let Some(media_type) = http.accepts(&["application/json", "text/csv"]) else {
        return Err(Error::new("NotAcceptable", "items come as application/json and text/csv").status(406));
    };
    let page: Page<Item> = Table::from_environment()?.query(ITEMS, search.limit.unwrap_or(50).min(500), None).await?;
    let items: Vec<&Item> = page.items.iter().filter(|item| search.fits(item)).collect();
    let response = response.header("vary", "accept").compressed(&request);
    if media_type == "application/json" {
        return response.json(&items);
    }
    let mut csv = "id,name,cents,stock\r\n".to_owned();
    for Item { id, name, cents, stock, .. } in items {
        write!(csv, "{id},\"{}\",{cents},{stock}\r\n", name.replace('"', "\"\""))?;
    }
    response.content_type("text/csv; charset=utf-8").text(csv)
}

/// All items, one line of JSON each, page by page as they come: of any number, at constant memory.
pub(crate) async fn export(request: Request, response: Response) -> Result {
    let table = Table::from_environment()?;
    let mut page: Page<Item> = table.query(ITEMS, 100, None).await?;
    let mut body = response.content_type("application/x-ndjson").compressed(&request).start()?;
    loop {
        let mut lines = String::new();
        for item in &page.items {
            lines += &serde_json::to_string(item)?;
            lines.push('\n');
        }
        body.write(lines)?;
        let Some(next) = &page.next else { return Ok(()) };
        page = table.query(ITEMS, 100, Some(next)).await?;
    }
}

pub(crate) async fn show(request: Request, response: Response) -> Result {
    response.json(&find(&request).await?)
}

pub(crate) async fn create(request: Request, response: Response) -> Result {
    let item: Item = request.json()?;
    if item.id.is_empty() || item.id.contains(['/', '.', ',']) {
        return Err(Error::bad_request("an item's id is a word"));
    }
    if !Table::from_environment()?.put(ITEMS, &item.id, &item, true).await? {
        return Err(Error::new("Conflict", format!("there is an item {:?} already", item.id)).status(409));
    }
    response.status(201).header("location", format!("/items/{}", item.id)).json(&item)
}

pub(crate) async fn replace(request: Request, response: Response) -> Result {
    let item = Item { id: request.param("id")?, ..request.json()? };
    Table::from_environment()?.put(ITEMS, &item.id, &item, false).await?;
    response.json(&item)
}

pub(crate) async fn change(request: Request, response: Response) -> Result {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Change {
        name: Option<String>,
        cents: Option<u32>,
        stock: Option<u32>,
    }

    let Change { name, cents, stock } = request.json()?;
    let old = find(&request).await?;
    let item =
        Item { name: name.unwrap_or(old.name), cents: cents.unwrap_or(old.cents), stock: stock.unwrap_or(old.stock), ..old };
    Table::from_environment()?.put(ITEMS, &item.id, &item, false).await?;
    response.json(&item)
}

pub(crate) async fn remove(request: Request, response: Response) -> Result {
    Table::from_environment()?.delete(ITEMS, &request.param::<String>("id")?).await?;
    response.empty(204)
}

/// What is left of an item, as events: at once and whenever it changes, until there is nothing left or a minute has passed.
pub(crate) async fn stock(request: Request, response: Response) -> Result {
    let mut known = find(&request).await?.stock;
    let mut events = response.sse()?;
    events.json(&json!({ "stock": known }))?;
    for _ in 0..12 {
        if known == 0 {
            break;
        }
        events.keep_alive(Duration::from_secs(2), time::sleep(Duration::from_secs(5))).await?;
        let stock = find(&request).await?.stock;
        if stock != known {
            events.json(&json!({ "stock": stock }))?;
            known = stock;
        }
    }
    events.event("done", "")?;
    Ok(())
}

pub(crate) async fn by_id(id: &str) -> Result<Item> {
    let item = Table::from_environment()?.get(ITEMS, id).await?;
    item.ok_or_else(|| Error::not_found(format!("there is no item {id:?}")))
}

async fn find(request: &Request) -> Result<Item> {
    by_id(&request.param::<String>("id")?).await
}
