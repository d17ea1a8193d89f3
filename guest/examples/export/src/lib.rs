//! Exports a million orders as CSV. Rows are sent as they are made: the file is of any size, the memory is not.

use std::fmt::Write as _;

use firstbyte::{Body, Request, Response, Result, WriteError, handler};
use serde::Deserialize;

const ROWS: u64 = 1_000_000;

/// What is written at once: more costs memory, less costs time.
const PIECE: usize = 64 * 1024;

#[handler]
fn export(request: Request, response: Response) -> Result {
    let rows = rows(&request)?;
    let mut body = response
        .content_type("text/csv; charset=utf-8")
        .header("content-disposition", r#"attachment; filename="orders.csv""#)
        .start()?;
    write(&mut body, rows)?;
    Ok(())
}

/// `?rows=…`, or `{"rows": …}` of a direct caller; otherwise a million.
fn rows(request: &Request) -> Result<u64> {
    #[derive(Deserialize)]
    struct Input {
        rows: Option<u64>,
    }

    let Input { rows } = match request.http() {
        Some(http) => http.query()?,
        None => request.json()?,
    };
    Ok(rows.unwrap_or(ROWS))
}

fn write(body: &mut Body, rows: u64) -> Result<(), WriteError> {
    let mut piece = String::with_capacity(PIECE + 256);
    piece.push_str("order,day,customer,amount\r\n");
    for row in 1..=rows {
        order(row, &mut piece);
        if piece.len() >= PIECE {
            body.write(&piece)?;
            piece.clear();
        }
    }
    body.write(&piece)
}

/// An order made up from its number.
fn order(number: u64, csv: &mut String) {
    const CUSTOMERS: [&str; 4] = ["Acme, Inc.", "Globex", "Initech", r#"Smith "and" Sons"#];
    let shuffled = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let [customer, month, day, cents] = [shuffled % 4, shuffled / 4 % 12 + 1, shuffled / 48 % 28 + 1, shuffled % 100_000];
    let customer = CUSTOMERS[customer as usize].replace('"', r#""""#);
    // Writing to a String cannot fail.
    let _ = write!(csv, "{number},2026-{month:02}-{day:02},\"{customer}\",{}.{:02}\r\n", cents / 100, cents % 100);
}
