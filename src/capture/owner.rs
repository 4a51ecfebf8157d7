//! Who reads a group, when it isn't us. The kernel says only EPERM, for a group that is taken and for a lack of
//! privilege alike; procfs tells more, as far as this process may look.

use std::fs;
use std::path::Path;

use super::error::Error;
use super::text;

/// The reader of `group` in words, "ulogd (pid 812)", or `None` if nobody reads it or this process may not know.
pub fn of_group(group: u16) -> Option<String> {
    Some(in_words(reader_port(&read_net("netfilter/nfnetlink_log")?, group)?))
}

/// The error that `group` is read by another process.
pub(super) fn taken(group: u16) -> Error {
    Error::GroupTaken { group, owner: of_group(group).unwrap_or_else(|| "another process".into()) }
}

/// Each group that is read in this thread's network namespace, ascending, and its reader in words: "ulogd (pid 812)".
/// `None` where the kernel has no nfnetlink_log, or this process may not know.
pub fn readers() -> Option<Vec<(u16, String)>> {
    let table = read_net("netfilter/nfnetlink_log")?;
    let mut readers: Vec<_> = table.lines().filter_map(group_and_port).collect();
    readers.sort_unstable();
    Some(readers.into_iter().map(|(group, port_id)| (group, in_words(port_id))).collect())
}

/// The process behind a netlink port.
fn in_words(port_id: u32) -> String {
    let inode = read_net("netlink").and_then(|table| socket_inode(&table, port_id));
    let pid = inode.and_then(holder).or_else(|| {
        // A process's first netlink socket has its pid for a port id.
        Path::new(&format!("/proc/{port_id}")).exists().then_some(port_id)
    });
    match pid {
        // A process chooses its name: 15 bytes of any kind, to which procfs adds the end of a line.
        Some(pid) => match fs::read(format!("/proc/{pid}/comm")) {
            Ok(name) => {
                let name = String::from_utf8_lossy(name.strip_suffix(b"\n").unwrap_or(&name));
                format!("{} (pid {pid})", text::printable(&name))
            }
            Err(_) => format!("pid {pid}"),
        },
        None => format!("another process (netlink port {port_id})"),
    }
}

/// A file of the network namespace of this thread, which need not be the process's.
fn read_net(name: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/thread-self/net/{name}"))
        .or_else(|_| fs::read_to_string(format!("/proc/net/{name}")))
        .ok()
}

/// The port id that reads `group`.
fn reader_port(table: &str, group: u16) -> Option<u32> {
    table.lines().filter_map(group_and_port).find(|line| line.0 == group).map(|line| line.1)
}

/// A line of nfnetlink_log is group, port id, queued, copy mode, copy range, flush timeout, use count (`seq_show`,
/// nfnetlink_log.c).
fn group_and_port(line: &str) -> Option<(u16, u32)> {
    let mut fields = line.split_ascii_whitespace();
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// The inode of the netfilter socket with `port_id`: a line of /proc/net/netlink is sk, Eth (the netlink family),
/// Pid (the port id), Groups, Rmem, Wmem, Dump, Locks, Drops, Inode (`netlink_native_seq_show`, af_netlink.c).
fn socket_inode(table: &str, port_id: u32) -> Option<u64> {
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let family: i32 = fields.get(1)?.parse().ok()?;
        let port: u32 = fields.get(2)?.parse().ok()?;
        (family == libc::NETLINK_NETFILTER && port == port_id).then(|| fields.get(9)?.parse().ok())?
    })
}

/// A process that has the socket with `inode` open.
fn holder(inode: u64) -> Option<u32> {
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let descriptors = fs::read_dir(process.path().join("fd")).ok()?;
        descriptors
            .flatten()
            .any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == wanted.as_str()))
            .then_some(pid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readers_port_is_found_by_group() {
        let table = "    5   1234     0 2  65531     1  1\n   50 4294963006     0 2     96   100  1\n";
        assert_eq!(reader_port(table, 5), Some(1234));
        assert_eq!(reader_port(table, 50), Some(4294963006));
        assert_eq!(reader_port(table, 6), None);
        assert_eq!(reader_port("", 5), None);
    }

    #[test]
    fn the_sockets_inode_is_found_by_family_and_port() {
        let table = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n\
                     0000000000000000 0   1234       00000000 0        0        0     2        0        100\n\
                     0000000000000000 12  1234       00000000 0        0        0     2        0        200\n";
        assert_eq!(socket_inode(table, 1234), Some(200));
        assert_eq!(socket_inode(table, 1), None);
    }
}
