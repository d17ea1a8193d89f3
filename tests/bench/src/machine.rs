//! The machine at hand, in words that let a reader judge the figures.

use std::fmt;
use std::process::Command;

/// What the figures depend on.
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) system: String,
    pub(crate) rustc: String,
    pub(crate) load: String,
    /// Day and time, UTC.
    pub(crate) date: String,
    /// Of the repository.
    pub(crate) commit: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let cpu_info = read("/proc/cpuinfo");
        let field = |text: &str, name: &str, separator: char| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(separator).map_or("unknown", |(_, value)| value.trim().trim_matches('"')).to_owned()
        };
        let kib: f64 = field(&read("/proc/meminfo"), "MemTotal", ':').trim_end_matches(" kB").parse().unwrap_or(0.0);
        Self {
            cpu: field(&cpu_info, "model name", ':'),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib / f64::from(1 << 20),
            kernel: format!("Linux {}", version(read("/proc/sys/kernel/osrelease").trim())),
            system: field(&read("/etc/os-release"), "PRETTY_NAME", '='),
            rustc: output("rustc", &["--version"]),
            load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            date: output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
            commit: output("git", &["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"]),
        }
    }

    /// For a file of results from here.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}-cores", std::env::consts::ARCH, self.cores)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, memory_gib, kernel, system, rustc, load, date, commit } = self;
        write!(
            f,
            "{date}, commit {commit}. {cores} cores of {cpu} ({}), {memory_gib:.0} GiB; {kernel}, {system}; {rustc}. Load average before: {load}.",
            std::env::consts::ARCH
        )
    }
}

/// The numbers of a kernel's release; what follows is its builder's.
fn version(release: &str) -> &str {
    release.split_once('-').map_or(release, |(version, _)| version)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success());
    output.map_or("unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_kernel_is_its_numbers() {
        assert_eq!(["6.1.0-18-amd64", "6.8.12", ""].map(version), ["6.1.0", "6.8.12", ""]);
    }
}
