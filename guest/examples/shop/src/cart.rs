//! What somebody means to buy. It is in a cookie, so that the shop need not know who that is: `lamp.2,chair.1`.

use std::{collections::BTreeMap, time::Duration};

use firstbyte::{Cookie, Error, Request, Response, Result};
use serde::Deserialize;

use crate::items;

const COOKIE: &str = "cart";
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many of each item.
pub(crate) struct Cart(pub(crate) BTreeMap<String, u32>);

impl Cart {
    /// What cannot be read of the cookie, which the browser's owner may have written, is left out.
    pub(crate) fn of(request: &Request) -> Self {
        let cookie = request.http().and_then(|http| http.cookie(COOKIE)).unwrap_or_default();
        let entries = cookie.split(',').filter_map(|entry| entry.rsplit_once('.'));
        Self(entries.filter_map(|(item, count)| Some((item.to_owned(), count.parse().ok()?))).take(50).collect())
    }

    fn cookie(&self) -> Cookie {
        let entries: Vec<String> = self.0.iter().map(|(item, count)| format!("{item}.{count}")).collect();
        Cookie::new(COOKIE, entries.join(",")).max_age(KEPT)
    }
}

pub(crate) fn show(request: Request, response: Response) -> Result {
    response.json(&Cart::of(&request).0)
}

/// The form of an item's page: `item=lamp&count=2`.
pub(crate) async fn add(request: Request, response: Response) -> Result {
    #[derive(Deserialize)]
    struct Form {
        item: String,
        count: Option<u32>,
    }

    let Form { item, count } = request.form()?;
    let item = items::by_id(&item).await?.id;
    let mut cart = Cart::of(&request);
    let entry = cart.0.entry(item).or_default();
    *entry = entry.saturating_add(count.unwrap_or(1));
    response.cookie(cart.cookie()).redirect("/cart")
}

/// `{"count": 3}`.
pub(crate) fn set(request: Request, response: Response) -> Result {
    #[derive(Deserialize)]
    struct Input {
        count: u32,
    }

    let (item, Input { count }) = (request.param::<String>("item")?, request.json()?);
    let mut cart = Cart::of(&request);
    match cart.0.get_mut(&item) {
        Some(entry) => *entry = count,
        None => return Err(Error::not_found(format!("{item:?} is not in the cart"))),
    }
    response.cookie(cart.cookie()).json(&cart.0)
}

pub(crate) fn remove(request: Request, response: Response) -> Result {
    let mut cart = Cart::of(&request);
    cart.0.remove(&request.param::<String>("item")?);
    response.cookie(cart.cookie()).json(&cart.0)
}

pub(crate) fn clear(_: Request, response: Response) -> Result {
    response.cookie(Cookie::removal(COOKIE)).empty(204)
}
