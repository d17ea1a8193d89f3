//! Opens the doors in front of a command, prints what happens, and stays: `cargo run --example doors -- RUNTIME …`.
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), firstbyte_emulator::StartError> {
    let mut settings = firstbyte_emulator::Settings::new("greeting", std::env::args_os().skip(1).collect());
    settings.timeout = Duration::from_secs(10);
    settings.tls = std::env::var_os("TLS").is_some();
    settings.handler = std::env::var("HANDLER").unwrap_or_default();
    let emulator = firstbyte_emulator::start(settings).await?;
    println!("{}\n{}\n{}", emulator.lambda_url(), emulator.function_url(), emulator.api_url());
    let mut events = emulator.events();
    while let Some(event) = events.next().await {
        println!("  {event}");
    }
    Ok(())
}
