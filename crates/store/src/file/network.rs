//! Tells local file systems from those where locks of different machines may not see each other.

use std::io;
use std::path::Path;

/// The network file system a path lies on; nothing for a local one.
#[cfg(target_os = "linux")]
pub(crate) fn network_file_system(path: &Path) -> io::Result<Option<String>> {
    linux::network_file_system(path)
}

/// Other systems do not say in a way this program reads.
#[cfg(not(target_os = "linux"))]
pub(crate) fn network_file_system(_path: &Path) -> io::Result<Option<String>> {
    Ok(None)
}

#[cfg(target_os = "linux")]
mod linux {
    //! Linux numbers its file systems, and names those in user space in the mount table.

    use std::fs;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// Kinds of file systems reached over a network, or shared with another kernel.
    const NETWORK: &[(u32, &str)] = &[
        (0x6969, "nfs"),
        (0x517B, "smb"),
        (0xFF53_4D42, "cifs"),
        (0xFE53_4D42, "smb2"),
        (0x5346_414F, "afs"),
        (0x6B41_4653, "kafs"),
        (0x7375_7245, "coda"),
        (0x0102_1997, "9p"),
        (0x00C3_6400, "ceph"),
        (0x0BD0_0BD0, "lustre"),
        (0x4750_4653, "gpfs"),
        (0x786F_4256, "vboxsf"),
        (0xBACB_ACBC, "vmhgfs"),
    ];
    const FUSE: u32 = 0x6573_5546;
    /// File systems in user space that are local after all; any other may not be.
    const LOCAL_FUSE: &[&str] = &[
        "fuseblk",
        "fuse.fuse-overlayfs",
        "fuse.gocryptfs",
        "fuse.encfs",
        "fuse.mergerfs",
        "fuse.bindfs",
        "fuse.ntfs-3g",
    ];

    pub(super) fn network_file_system(path: &Path) -> io::Result<Option<String>> {
        let kind = u32::try_from(i128::from(rustix::fs::statfs(path)?.f_type) & 0xFFFF_FFFF).unwrap_or(0);
        let device = fs::metadata(path)?.dev();
        let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Ok(judge(kind, || mount_type(&mounts(), device)))
    }

    pub(super) fn judge(kind: u32, mount_type: impl FnOnce() -> Option<String>) -> Option<String> {
        if kind == FUSE {
            let name = mount_type().unwrap_or_else(|| "fuse".to_owned());
            return if LOCAL_FUSE.contains(&name.as_str()) { None } else { Some(name) };
        }
        NETWORK.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| (*name).to_owned())
    }

    /// The type of the file system on a device, from `mountinfo`.
    pub(super) fn mount_type(mounts: &str, device: u64) -> Option<String> {
        let wanted = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
        let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(wanted.as_str()))?;
        let (_, rest) = line.split_once(" - ")?;
        rest.split(' ').next().map(str::to_owned)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::linux::{judge, mount_type};
    use super::*;

    #[test]
    fn local_disks_are_local() {
        assert_eq!(network_file_system(&std::env::temp_dir()).unwrap(), None);
        assert_eq!(network_file_system(Path::new("/proc")).unwrap(), None);
        assert!(network_file_system(Path::new("/no/such/place")).is_err());
    }

    #[test]
    fn what_is_reached_over_a_network_is_named() {
        let unasked = || panic!("the mount table is only for file systems in user space");
        assert_eq!(judge(0x6969, unasked).as_deref(), Some("nfs"));
        assert_eq!(judge(0xFE53_4D42, unasked).as_deref(), Some("smb2"));
        assert_eq!(judge(0xEF53, unasked), None, "ext4");
        let fuse = |name: &str| judge(0x6573_5546, || Some(name.to_owned()));
        assert_eq!(fuse("fuse.sshfs").as_deref(), Some("fuse.sshfs"));
        assert_eq!(fuse("virtiofs").as_deref(), Some("virtiofs"));
        assert_eq!(fuse("fuse.gocryptfs"), None);
        assert_eq!(judge(0x6573_5546, || None).as_deref(), Some("fuse"));
    }

    #[test]
    fn the_mount_table_names_the_type() {
        let mounts = "36 35 98:0 / /a rw - ext4 /dev/a rw\n40 35 0:77 / /b rw shared:1 - fuse.sshfs h: rw\n";
        assert_eq!(mount_type(mounts, rustix::fs::makedev(0, 77)).as_deref(), Some("fuse.sshfs"));
        assert_eq!(mount_type(mounts, rustix::fs::makedev(98, 0)).as_deref(), Some("ext4"));
        assert_eq!(mount_type(mounts, rustix::fs::makedev(1, 1)), None);
    }
}
