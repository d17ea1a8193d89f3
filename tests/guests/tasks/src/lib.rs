//! What an async handler can do at once: the payload says which. Each line of the body is written when what it says has
//! happened.

use std::{
    future::{pending, poll_fn, ready},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    task::Poll,
    time::{Duration, SystemTime},
};

use firstbyte::{Body, Request, Response, Result, handler, task, time};
use futures_channel::oneshot;
use futures_util::{AsyncWriteExt as _, SinkExt as _, StreamExt as _, future, io, join, stream};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Scenario {
    /// Waits of 1, 2 and 3 seconds, all at once.
    Join,
    /// A thousand waits of a second.
    Many,
    /// Two tasks, of which one waits for the other's word.
    Channel,
    /// A task that is dropped while it waits for an hour.
    Cancel,
    /// A task that is left to itself, and writes when the handler has returned.
    Detach,
    /// A task that never waits, beside one that does.
    Busy,
    /// Limits on a wait, and on what takes none.
    Timeout,
    /// Ticks, of which some are missed.
    Interval,
    /// What nobody can wake.
    Stuck,
    /// A body as an `AsyncWrite` and as a `Sink`.
    AsyncBody,
    /// Random numbers, and what time it is before and after a wait of a second.
    Chance,
}

#[handler]
async fn run(request: Request, response: Response) -> Result {
    let scenario: Scenario = request.json()?;
    let mut body = response.content_type("text/plain").start()?;
    match scenario {
        Scenario::Join => {
            let (one, two, three) = join!(after(1, "one"), after(2, "two"), after(3, "three"));
            body.write(format!("{one} {two} {three}\n"))?;
        }
        Scenario::Many => {
            let waited = future::join_all((0..1000).map(|n| after(1, n))).await;
            body.write(format!("{}\n", waited.into_iter().sum::<u64>()))?;
        }
        Scenario::Channel => {
            let (sender, receiver) = oneshot::channel();
            let receiving = task::spawn(receiver);
            let sending = task::spawn(async { sender.send(after(1, "word").await) });
            body.write(format!("{}\n", receiving.await?))?;
            sending.await.map_err(|_| "nobody received it")?;
        }
        Scenario::Chance => {
            let number = || RandomState::new().build_hasher().finish();
            body.write(format!("{:016x} {:016x} {}\n", number(), number(), since_epoch().as_micros()))?;
            time::sleep(Duration::from_secs(1)).await;
            body.write(format!("{}\n", since_epoch().as_micros()))?;
        }
        Scenario::Cancel => {
            let dropped = Dropped(body);
            let waiting = task::spawn(async move {
                let _dropped = dropped;
                time::sleep(Duration::from_secs(3600)).await;
            });
            time::sleep(Duration::from_secs(1)).await;
            drop(waiting);
        }
        Scenario::Detach => {
            body.write("returned\n")?;
            task::spawn(async move {
                time::sleep(Duration::from_secs(1)).await;
                // Who returned does not hear of it.
                let _ = body.write("later\n");
            })
            .detach();
        }
        Scenario::Busy => {
            let busy = task::spawn(async {
                loop {
                    yield_now().await;
                }
            });
            time::sleep(Duration::from_millis(20)).await;
            drop::<task::Task<()>>(busy);
            body.write("awake\n")?;
        }
        Scenario::Timeout => {
            let late = time::timeout(Duration::from_secs(1), after(2, "two")).await;
            body.write(format!("{late:?}\n"))?;
            let early = time::timeout(Duration::from_secs(2), after(1, "one")).await;
            let at_once = time::timeout(Duration::ZERO, ready("now")).await;
            body.write(format!("{early:?} {at_once:?}\n"))?;
        }
        Scenario::Interval => {
            let mut ticks = time::interval(Duration::from_secs(2));
            for pause in [0, 1, 5, 0] {
                time::sleep(Duration::from_secs(pause)).await;
                ticks.tick().await;
                body.write("tick\n")?;
            }
        }
        Scenario::Stuck => pending().await,
        Scenario::AsyncBody => {
            let mut body = body.into_async();
            io::copy("copied\n".as_bytes(), &mut body).await?;
            stream::iter(["a", "b", "c\n"]).map(Ok).forward(&mut body).await?;
            body.write_all(&vec![b'x'; 100_000]).await?;
            body.send(b"\n").await?;
            body.into_inner().finish()?;
        }
    }
    Ok(())
}

async fn after<T>(seconds: u64, value: T) -> T {
    time::sleep(Duration::from_secs(seconds)).await;
    value
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Says when it is dropped.
struct Dropped(Body);

impl Drop for Dropped {
    fn drop(&mut self) {
        // There is nobody to tell that it cannot be told.
        let _ = self.0.write("dropped\n");
    }
}

fn since_epoch() -> Duration {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default()
}
