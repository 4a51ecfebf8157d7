//! What to do where the kernel wants CAP_NET_ADMIN and this process lacks it.

use std::fs;

/// `CAP_NET_ADMIN`, linux/capability.h.
const NET_ADMIN: u64 = 1 << 12;

/// "needs CAP_NET_ADMIN", and how this process comes by it.
pub fn needs_net_admin() -> &'static str {
    // Of the thread: capabilities are its own.
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    remedy(effective_user(&status), effective_capabilities(&status))
}

/// The words fit into an error buffer behind a device's name and what was attempted.
fn remedy(user: Option<u32>, capabilities: Option<u64>) -> &'static str {
    match (user, capabilities) {
        // The kernel asks for it in the user namespace that owns the network namespace.
        (_, Some(held)) if held & NET_ADMIN != 0 => {
            "needs CAP_NET_ADMIN: this process has it in another user namespace than the network's: run it outside as \
             root, or with a network of its own (unshare -Urn; a container without --network host)"
        }
        (Some(0), Some(_)) => {
            "needs CAP_NET_ADMIN: root lacks it here, as in a container: docker run --cap-add NET_ADMIN; podman as \
             well; Kubernetes: securityContext: capabilities.add: [NET_ADMIN]"
        }
        _ => "needs CAP_NET_ADMIN: run it as root, or in a network namespace of your own (unshare -Urn)",
    }
}

/// The second of real, effective, saved and file system user id (`task_state`, fs/proc/array.c).
fn effective_user(status: &str) -> Option<u32> {
    field(status, "Uid:")?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// A mask, in hexadecimal digits.
fn effective_capabilities(status: &str) -> Option<u64> {
    u64::from_str_radix(field(status, "CapEff:")?.trim(), 16).ok()
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nUid:\t1000\t0\t0\t0\nCapPrm:\t0000000000001000\nCapEff:\t00000000a80425fb\n";

    #[test]
    fn the_effective_user_and_capabilities_are_read() {
        assert_eq!(effective_user(STATUS), Some(0));
        assert_eq!(effective_capabilities(STATUS), Some(0xa804_25fb));
        assert_eq!((effective_user(""), effective_capabilities("")), (None, None));
    }

    #[test]
    fn the_remedy_is_the_one_for_this_process() {
        // Docker's default for root.
        assert!(remedy(Some(0), Some(0xa804_25fb)).contains("docker run --cap-add NET_ADMIN"));
        assert!(remedy(Some(0), Some(0xa804_35fb)).contains("in another user namespace"));
        assert!(remedy(Some(1000), Some(NET_ADMIN)).contains("in another user namespace"));
        for (user, capabilities) in [(Some(1000), Some(0)), (Some(0), None), (None, None)] {
            assert!(remedy(user, capabilities).contains("run it as root"), "{user:?} {capabilities:?}");
        }
    }
}
