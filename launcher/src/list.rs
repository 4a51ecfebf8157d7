//! The groups that rules log to, as a table.

use std::collections::HashMap;
use std::io::{self, Write};
use std::process::ExitCode;

use pcap_nflog::capture::{Ruleset, needs_net_admin, readers};

use crate::failure::{Failure, Result};

const HEADINGS: [&str; 8] = ["GROUP", "FAMILY", "TABLE", "CHAIN", "RULE", "PACKETS", "PREFIX", "READ BY"];

/// Prints a line for each rule, and for each group that is read though no rule logs to it.
pub fn list() -> Result<ExitCode> {
    let ruleset = Ruleset::read();
    let mut readers: HashMap<u16, String> = readers().unwrap_or_default().into_iter().collect();
    if ruleset.rules.is_empty() && !ruleset.problems.is_empty() {
        return Err(Failure::own(problems(&ruleset)));
    }
    let mut rows: Vec<[String; 8]> = Vec::new();
    let dash = || "-".to_owned();
    let read = |group: u16| readers.get(&group).cloned().unwrap_or_else(dash);
    for rule in &ruleset.rules {
        let prefix = if rule.prefix.is_empty() { dash() } else { format!("{:?}", rule.prefix) };
        rows.push([
            rule.group.to_string(),
            rule.backend.to_string(),
            rule.table.clone(),
            rule.chain.clone(),
            rule.rule.to_string(),
            rule.packets.map_or_else(dash, |packets| packets.to_string()),
            prefix,
            read(rule.group),
        ]);
    }
    readers.retain(|group, _| ruleset.rules.iter().all(|rule| rule.group != *group));
    let mut unlogged: Vec<_> = readers.into_iter().collect();
    unlogged.sort();
    for (group, reader) in unlogged {
        rows.push([group.to_string(), dash(), dash(), dash(), dash(), dash(), dash(), reader]);
    }
    if !ruleset.problems.is_empty() {
        eprintln!("pcap-nflog: not everything was read: {}", problems(&ruleset));
    }
    if rows.is_empty() {
        eprintln!("pcap-nflog: no rule logs to a group; one that does: nft add rule … log group 5");
        return Ok(ExitCode::SUCCESS);
    }
    match print(&rows) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::own(format!("writing the list: {error}"))),
    }
}

/// What could not be read and why, in words.
pub fn problems(ruleset: &Ruleset) -> String {
    let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    if ruleset.problems.iter().any(|(_, error)| denied(error)) {
        return format!("the rules cannot be read: permission denied: {}", needs_net_admin());
    }
    let words: Vec<_> = ruleset.problems.iter().map(|(source, error)| format!("{source}: {error}")).collect();
    words.join("; ")
}

fn print(rows: &[[String; 8]]) -> io::Result<()> {
    let mut widths = HEADINGS.map(|heading| heading.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut line = |cells: [&str; 8]| {
        let padded: Vec<_> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    line(HEADINGS)?;
    for row in rows {
        line(row.each_ref().map(String::as_str))?;
    }
    out.flush()
}
