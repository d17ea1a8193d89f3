//! `firstbyte serve`: a handler at the three doors, until Ctrl-C.

use crate::{function, report};
use anyhow::{Context, Result, bail};
use clap::Args;
use firstbyte_emulator::Emulator;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    function: function::Arguments,

    /// Port of the Lambda API; 0 for any free one, as with the other two
    #[arg(long, value_name = "PORT", default_value = "9000")]
    lambda_port: u16,

    /// Port of the Function URL
    #[arg(long, value_name = "PORT", default_value = "9001")]
    url_port: u16,

    /// Port of API Gateway
    #[arg(long, value_name = "PORT", default_value = "9002")]
    api_port: u16,

    /// API Gateway's stage
    #[arg(long, default_value = "dev")]
    stage: String,

    /// API Gateway over TLS, with a certificate of its own making
    #[arg(long)]
    tls: bool,

    /// Cut an API Gateway response on which nothing came for so long, as AWS does after 30 (edge) or 300 (regional) seconds
    #[arg(long, value_name = "SECONDS")]
    api_idle_timeout: Option<u64>,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let mut settings = arguments.function.settings()?;
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    settings.lambda = local(arguments.lambda_port);
    settings.url = local(arguments.url_port);
    settings.api = local(arguments.api_port);
    settings.stage = arguments.stage;
    settings.tls = arguments.tls;
    settings.api_idle_timeout = arguments.api_idle_timeout.map(Duration::from_secs);
    let executor = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start an executor")?;
    executor.block_on(async {
        let name = settings.function_name.clone();
        let tls = settings.tls;
        let emulator = firstbyte_emulator::start(settings).await?;
        let mut events = emulator.events();
        // What is wrong with a component is better told now than at the first request.
        if let Err(error) = emulator.warm_up().await {
            emulator.shutdown().await;
            bail!("{error}");
        }
        introduce(&name, &emulator, tls);
        let stop = stop_signal();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => {
                        if let Some(line) = report::event(&event) {
                            println!("{line}");
                        }
                    }
                    None => break,
                },
                () = &mut stop => break,
            }
        }
        emulator.shutdown().await;
        eprintln!("stopped");
        // As a shell reports a program that Ctrl-C ended.
        Ok(ExitCode::from(130))
    })
}

fn introduce(name: &str, emulator: &Emulator, tls: bool) {
    let (lambda, url, api) = (emulator.lambda_url(), emulator.function_url(), emulator.api_url());
    let curl = if tls { "curl -Nk" } else { "curl -N --http2-prior-knowledge" };
    println!("Lambda API    {lambda}   function name {name:?}, for an SDK's endpoint");
    println!("Function URL  {url}   curl -N {url} -d '{{\"name\":\"hoge\"}}'");
    println!("API Gateway   {api}   {curl} {api} -d '{{\"name\":\"hoge\"}}'");
    println!("Ctrl-C stops");
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
