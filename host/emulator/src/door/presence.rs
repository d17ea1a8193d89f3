//! Whether a client that has ended its side of a connection still reads. `nc -N` and some proxies end theirs behind the request
//! and wait for the answer; to TCP, that looks as if they had closed the connection, until something is written to them.
//!
//! On Linux, the client's end of a connection on this machine is in the system's table of sockets, where one that was closed
//! belongs to nobody. Of other machines' clients, and on other systems, a client counts as there until a write fails.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd as _;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::TcpStream;

/// How soon it is looked, at first and at last: the table takes the system some milliseconds. A connection without a request
/// ends in less, and a client that closes its end is its owner for as long.
const SOON: Duration = Duration::from_millis(5);
const LATER: Duration = Duration::from_secs(1);

/// A second hold on a connection, to watch it while another one reads and writes.
pub(super) struct Presence {
    stream: TcpStream,
    ours: SocketAddr,
    theirs: SocketAddr,
}

impl Presence {
    /// Watches a connection.
    pub(super) fn of(stream: &TcpStream) -> io::Result<Self> {
        let (ours, theirs) = (stream.local_addr()?, stream.peer_addr()?);
        // Closed in processes that are started, as the first one is: a runtime must not hold a client's connection open.
        let second = stream.as_fd().try_clone_to_owned()?;
        Ok(Self { stream: TcpStream::from_std(second.into())?, ours, theirs })
    }

    /// Waits until the client is gone; for ever, if it never is as far as can be known.
    pub(super) async fn gone(self) {
        loop {
            match self.stream.ready(Interest::READABLE).await {
                Ok(ready) if ready.is_read_closed() => break,
                // There is something to read, which is not ours. Told that there is nothing, tokio waits for news.
                Ok(_) => {
                    let _ = self.stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
                }
                Err(_) => return,
            }
        }
        let mut pause = SOON;
        loop {
            tokio::time::sleep(pause).await;
            let (theirs, ours) = (self.theirs, self.ours);
            if let Ok(false) = tokio::task::spawn_blocking(move || is_there(theirs, ours)).await {
                return;
            }
            pause = LATER.min(pause * 2);
        }
    }
}

fn is_there(theirs: SocketAddr, ours: SocketAddr) -> bool {
    let theirs_is_ipv4 = theirs.ip().to_canonical().is_ipv4();
    let table = if theirs_is_ipv4 { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let Ok(table) = std::fs::read_to_string(table) else { return true };
    match owner(&table, theirs, ours) {
        Some(inode) => inode != "0",
        // Of this machine's clients, it would be in the table for as long as it is open.
        None => !theirs.ip().to_canonical().is_loopback(),
    }
}

/// The inode of a connection's end in Linux's table of sockets: 0, if nobody has it any more.
fn owner(table: &str, from: SocketAddr, to: SocketAddr) -> Option<&str> {
    let (from, to) = (as_in_table(from), as_in_table(to));
    table.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        (fields.next()? == from && fields.next()? == to).then(|| fields.nth(6)).flatten()
    })
}

/// An address as the table has it: words of four bytes in the machine's order, and the port.
fn as_in_table(address: SocketAddr) -> String {
    let word = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().unwrap_or_default());
    let ip: String = match address.ip().to_canonical() {
        IpAddr::V4(ip) => format!("{:08X}", word(&ip.octets())),
        IpAddr::V6(ip) => ip.octets().chunks_exact(4).map(|bytes| format!("{:08X}", word(bytes))).collect(),
    };
    format!("{ip}:{:04X}", address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3111 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:2329 05 00000000:00000000 00:00000000 00000000     0        0 3112 1 0 20 4 30 10 -1
   2: 0100007F:9C41 0100007F:2329 05 00000000:00000000 03:00001770 00000000     0        0 0 3 0
   3: 00000000000000000000000001000000:9C42 00000000000000000000000001000000:2329 05 0:0 0:0 0 0 0 77 1 0 20 4 30 10 -1
";

    #[test]
    #[cfg(target_endian = "little")]
    fn the_table_says_whose_an_end_is() {
        let door: SocketAddr = "127.0.0.1:9001".parse().expect("an address");
        let client = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(owner(TABLE, client(40000), door), Some("3112"));
        assert_eq!(owner(TABLE, client(40001), door), Some("0"));
        assert_eq!(owner(TABLE, client(40002), door), None);
        let (client, door) = ("[::1]:40002".parse().expect("an address"), "[::1]:9001".parse().expect("an address"));
        assert_eq!(owner(TABLE, client, door), Some("77"));
        let mapped = "[::ffff:127.0.0.1]:40000".parse().expect("an address");
        assert_eq!(owner(TABLE, mapped, "[::ffff:127.0.0.1]:9001".parse().expect("an address")), Some("3112"));
        assert_eq!(owner("nonsense\n1 2 3\n", client, door), None);
    }
}
