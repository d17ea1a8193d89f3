//! Asks, while it is prepared, for what the environment variable `ASK` says. Answers with that, with what the variable says now, and
//! with the order of a hash table that was made while it was prepared.

use std::{
    collections::HashMap,
    env, fs,
    io::Write as _,
    process,
    sync::OnceLock,
    thread,
    time::{Duration, Instant, SystemTime},
};

use firstbyte::{Error, Request, Response, Result, handler, init, log::Level};

static PREPARED: OnceLock<String> = OnceLock::new();

#[init]
fn prepare() -> Result {
    let ask = env::var("ASK").unwrap_or_default();
    let mut kept = ask.clone();
    match ask.as_str() {
        "instant" => kept = format!("{:?}", Instant::now()),
        "time" => kept = format!("{:?}", SystemTime::now()),
        "wait" => thread::sleep(Duration::from_millis(1)),
        "random" => kept = wasip2::random::random::get_random_u64().to_string(),
        "insecure" => kept = wasip2::random::insecure::get_insecure_random_u64().to_string(),
        "hash" => kept = format!("{:?}", (0..20).map(|n| (n, ())).collect::<HashMap<u8, ()>>().into_keys()),
        "file" => kept = fs::read_to_string("/etc/hostname")?,
        "stdin" => kept = std::io::read_to_string(std::io::stdin())?,
        "print" => println!("here I am"),
        "half" => print!("half a line"),
        "log" => firstbyte::log::write(Level::Info, "here I am", &()),
        "logger" => {
            firstbyte::log::init();
            log::debug!("not at this level");
        }
        "panic" => panic!("there are no routes"),
        "error" => return Err(Error::new("NoRoutes", "there are no routes")),
        "exit" => process::exit(3),
        "spin" => loop {
            std::hint::spin_loop();
        },
        _ => {}
    }
    let _ = PREPARED.set(kept);
    Ok(())
}

#[handler]
fn misprepared(_: Request, response: Response) -> Result {
    let mut body = response.content_type("text/plain").start()?;
    let kept = PREPARED.get().map_or("nothing", String::as_str);
    writeln!(body, "kept {kept}; now {}", env::var("ASK").unwrap_or_default())?;
    println!("printed by the handler");
    log::debug!("of a level below INFO");
    Ok(())
}
