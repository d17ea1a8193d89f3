//! What was bought, by whom. Each sees their own.

use std::{collections::BTreeMap, time::Duration};

use firstbyte::{Cookie, Error, Request, Response, Result, sse::Event, time};
use futures_util::future;
use serde::{Deserialize, Serialize};

use crate::{
    access::User,
    cart::Cart,
    items::{self, Item},
    table::{Page, Table},
};

#[derive(Deserialize, Serialize)]
struct Order {
    id: String,
    items: BTreeMap<String, u32>,
    cents: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Placed,
    Paid,
    Cancelled,
}

/// Orders the cart.
pub(crate) async fn place(request: Request, response: Response) -> Result {
    let user: User = request.caller().claims()?;
    let Cart(items) = Cart::of(&request);
    if items.is_empty() {
        return Err(Error::bad_request("the cart is empty"));
    }
    // All at once: one after the other would take as long as all of them together.
    let found = future::try_join_all(items.keys().map(|id| items::by_id(id))).await?;
    let cents = found.iter().zip(items.values()).map(|(Item { cents, .. }, count)| u64::from(*cents) * u64::from(*count)).sum();
    let order = Order { id: request.request_id(), items, cents, state: State::Placed };
    Table::from_environment()?.put(&orders_of(&user), &order.id, &order, true).await?;
    tracing::info!(order = order.id, cents, "ordered");
    let location = format!("/orders/{}", order.id);
    response.status(201).header("location", location).cookie(Cookie::removal("cart")).json(&order)
}

pub(crate) async fn list(request: Request, response: Response) -> Result {
    let user: User = request.caller().claims()?;
    let page: Page<Order> = Table::from_environment()?.query(&orders_of(&user), 100, None).await?;
    response.header("cache-control", "private").json(&page.items)
}

pub(crate) async fn show(request: Request, response: Response) -> Result {
    let (_, order) = find(&request).await?;
    response.header("cache-control", "private").json(&order)
}

/// An order's states, as they come to be, until it is paid or cancelled. A browser that comes back says which it knows.
pub(crate) async fn events(request: Request, response: Response) -> Result {
    let (_, mut order) = find(&request).await?;
    let known = request.http().and_then(|http| http.header("last-event-id")).map(str::to_owned);
    let mut events = response.sse()?;
    if known.is_none() {
        events.retry(Duration::from_secs(3))?;
    }
    let mut told = known;
    loop {
        let state = format!("{:?}", order.state);
        if told.as_ref() != Some(&state) {
            events.send(&Event::data(serde_json::to_string(&order)?).named("state").id(&*state))?;
            told = Some(state);
        }
        if order.state != State::Placed {
            return Ok(());
        }
        events.keep_alive(Duration::from_secs(15), time::sleep(Duration::from_secs(20))).await?;
        order = find(&request).await?.1;
    }
}

pub(crate) async fn cancel(request: Request, response: Response) -> Result {
    let (user, order) = find(&request).await?;
    if order.state != State::Placed {
        return Err(Error::new("Conflict", "it is too late for that").status(409));
    }
    response.json(&save(&orders_of(&user), Order { state: State::Cancelled, ..order }).await?)
}

/// Told by whoever handles payments, who signs in as a role of its own.
pub(crate) async fn paid(request: Request, response: Response) -> Result {
    #[derive(Deserialize)]
    struct Payment {
        user: String,
        order: String,
    }

    let role = request.caller().iam().and_then(|iam| iam.user_arn);
    if !role.is_some_and(|role| role.contains(":assumed-role/payments/")) {
        return Err(Error::new("Forbidden", "payments are told by the role of payments").status(403));
    }
    let Payment { user, order } = request.json()?;
    let pk = format!("orders of {user}");
    let found: Option<Order> = Table::from_environment()?.get(&pk, &order).await?;
    let order = found.ok_or_else(|| Error::not_found("there is no such order"))?;
    save(&pk, Order { state: State::Paid, ..order }).await?;
    response.empty(204)
}

async fn save(pk: &str, order: Order) -> Result<Order> {
    Table::from_environment()?.put(pk, &order.id, &order, false).await?;
    Ok(order)
}

async fn find(request: &Request) -> Result<(User, Order)> {
    let user: User = request.caller().claims()?;
    let order = Table::from_environment()?.get(&orders_of(&user), &request.param::<String>("id")?).await?;
    Ok((user, order.ok_or_else(|| Error::not_found("there is no such order"))?))
}

fn orders_of(user: &User) -> String {
    format!("orders of {}", user.sub)
}
