//! Owns what becomes of file descriptors this process was given by whoever started it. It must not close them: they may
//! be in use.

use std::os::fd::{BorrowedFd, RawFd};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};

/// Keeps descriptors that this process inherited, other than the standard streams, from what it starts: a lock or a pipe
/// of the caller must not be held for as long as a detached process lives. Best effort; to be called before anything
/// else is opened or started.
pub fn keep_inherited_private() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let open: Vec<RawFd> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        #[expect(
            unsafe_code,
            reason = "an inherited descriptor has no owner in this program to borrow it from"
        )]
        // SAFETY: the number was just listed as open. The listing's own descriptor is closed by now, and then the calls
        // fail without effect; nothing is closed here, so nobody's descriptor is taken away.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        if let Ok(flags) = fcntl_getfd(descriptor) {
            let _ = fcntl_setfd(descriptor, flags | FdFlags::CLOEXEC);
        }
    }
}
