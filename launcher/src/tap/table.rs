//! The nftables table of a tap: its name, its rules, and how it is added and removed. Rules are nft's own words, so
//! nft puts them into the kernel.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use pcap_nflog::capture::needs_net_admin;

use crate::failure::{Failure, Result};

const PREFIX: &str = "pcap_nflog_tap_";

/// A table that is to be added.
pub struct Table {
    name: String,
    script: String,
}

impl Table {
    /// Rules that log what matches to `group`.
    pub fn new(hooks: &[String], matching: &str, group: u16) -> Table {
        let name = format!("{PREFIX}{}_{}", std::process::id(), namespace());
        let mut script = format!("table inet {name} {{\n");
        let mut hooks: Vec<_> = hooks.to_vec();
        hooks.sort();
        hooks.dedup();
        let rule = [matching.trim(), "log group"].join(" ");
        for hook in hooks {
            let _ = write!(
                script,
                "\tchain {hook} {{\n\t\ttype filter hook {hook} priority -1; policy accept;\n\t\t{} {group}\n\t}}\n",
                rule.trim()
            );
        }
        script.push_str("}\n");
        Table { name, script }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What nft is told.
    pub fn script(&self) -> &str {
        &self.script
    }

    /// Adds it, all or nothing.
    pub fn add(&self) -> Result<()> {
        nft(&self.script)
    }
}

/// Whether an expression stays within its rule.
///
/// # Errors
///
/// It would end the rule, or begin a comment: what it would become is not what it looks like.
pub fn check(matching: &str) -> Result<()> {
    let (mut quoted, mut depth) = (false, 0i32);
    for c in matching.chars() {
        match c {
            '\n' | '\0' => return Err(Failure::usage("MATCH is one line")),
            '"' => quoted = !quoted,
            ';' | '#' if !quoted => return Err(Failure::usage(format!("MATCH is one expression, without '{c}'"))),
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return Err(Failure::usage("MATCH has a } without a {"));
        }
    }
    match (quoted, depth) {
        (false, 0) => Ok(()),
        (true, _) => Err(Failure::usage("MATCH has a \" that is not closed")),
        _ => Err(Failure::usage("MATCH has a { that is not closed")),
    }
}

/// Removes a table. That it is gone already is no error.
pub fn remove(name: &str) -> Result<()> {
    // Adding a table that is there changes nothing.
    nft(&format!("add table inet {name}\ndelete table inet {name}\n"))
}

/// Whether a table of this name is a tap's.
pub fn is_a_taps(name: &str) -> bool {
    owner(name).is_some()
}

/// The process id and the pid namespace in a table's name.
fn owner(name: &str) -> Option<(u32, u64)> {
    let (pid, namespace) = name.strip_prefix(PREFIX)?.split_once('_')?;
    Some((pid.parse().ok()?, namespace.parse().ok()?))
}

/// Removes the tables of taps that were killed together with their guards. Process ids of another pid namespace say
/// nothing here: its tables are left alone.
pub fn remove_stale() -> Result<()> {
    let (own, running) = (namespace(), |pid: u32| Path::new(&format!("/proc/{pid}")).exists());
    for name in tables()? {
        if owner(&name).is_some_and(|(pid, namespace)| namespace == own && !running(pid)) {
            remove(&name)?;
        }
    }
    Ok(())
}

/// The names of the inet tables.
fn tables() -> Result<Vec<String>> {
    let output = command().args(["list", "tables", "inet"]).stdin(Stdio::null()).output().map_err(missing)?;
    if !output.status.success() {
        return Err(refused(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| line.strip_prefix("table inet ")).map(str::to_owned).collect())
}

/// The pid namespace of this process, as a number; 0 where it cannot be known.
fn namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino())
}

fn nft(script: &str) -> Result<()> {
    let mut command = command();
    command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(missing)?;
    // That nft did not read it all is told by its exit status.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(script.as_bytes()));
    let output = child.wait_with_output().map_err(|error| Failure::own(format!("waiting for nft: {error}")))?;
    if output.status.success() { Ok(()) } else { Err(refused(&output.stderr)) }
}

/// nft, also where users have no PATH to it. It needs no library of ours.
fn command() -> Command {
    let mut paths = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    paths.push(":/usr/local/sbin:/usr/sbin:/sbin");
    let program = std::env::split_paths(&paths).map(|folder| folder.join("nft")).find(|path| path.is_file());
    let mut command = Command::new(program.unwrap_or_else(|| "nft".into()));
    command.env_remove("LD_PRELOAD").env("LC_ALL", "C.UTF-8");
    command
}

fn missing(error: std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => Failure::own("nft is not there: install nftables"),
        _ => Failure::own(format!("running nft: {error}")),
    }
}

fn refused(stderr: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim_end();
    let advice = if text.contains("Operation not permitted") || text.contains("must be root") {
        format!("\n{}", needs_net_admin())
    } else if text.contains("unexpected log") {
        // The word that the rule goes on with.
        "\nMATCH ends too early: nft wants more, as in 'udp dport 53' or 'meta l4proto udp'".into()
    } else {
        String::new()
    };
    Failure::own(format!("nft refuses it:\n{text}{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hook_gets_one_chain_with_one_rule() {
        let table = Table::new(&["output".into(), "input".into(), "output".into()], " udp dport 53 ", 40000);
        let script = table.script();
        assert_eq!(script.matches("\t\tudp dport 53 log group 40000\n").count(), 2, "{script}");
        assert_eq!(script.matches("type filter hook output priority -1;").count(), 1, "{script}");
        assert!(Table::new(&["input".into()], "", 1).script().contains("\t\tlog group 1\n"));
    }

    #[test]
    fn a_match_cannot_leave_its_rule() {
        for sound in ["", "udp", "tcp dport { 80, 443 }", "iifname \"a;b\"", "log prefix \"}\""] {
            assert!(check(sound).is_ok(), "{sound}");
        }
        for wrong in ["udp; drop", "udp }", "udp } chain x {", "udp # log", "a\nb", "iifname \"a", "tcp dport { 80"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tables_name_tells_its_process() {
        let table = Table::new(&[], "", 1);
        assert_eq!(owner(table.name()), Some((std::process::id(), namespace())));
        for other in ["pcap_nflog_tap_", "pcap_nflog_tap_1", "pcap_nflog_tap_1_x", "filter", "pcap_nflog_tap_1_2; x"] {
            assert!(!is_a_taps(other), "{other}");
        }
    }
}
