//! Names and types of attachments.

use proptest::prelude::*;

use crate::attachment::{check_attachment_name, check_mime_type, file_name, mime_type_of};

#[test]
fn types_follow_from_endings() {
    for (name, expected) in [
        ("a.md", "text/markdown"),
        ("a.TXT", "text/plain"),
        ("a.tar.gz", "application/gzip"),
        ("png", "application/octet-stream"),
        (".png", "image/png"),
        ("a.", "application/octet-stream"),
    ] {
        assert_eq!(mime_type_of(name), expected, "{name}");
        assert_eq!(check_mime_type(mime_type_of(name)), Ok(()));
    }
    for wrong in ["", "text", "text/", "/plain", "text/plain; charset=utf-8", "a b/c", "text/plain\n"] {
        assert!(check_mime_type(wrong).is_err(), "{wrong:?}");
    }
}

proptest! {
    /// Whatever a file is called, its name on disk is one that the store takes and that leads nowhere.
    #[test]
    fn names_on_disk_are_plain(name in "\\PC{0,120}|[./\\\\-]{0,8}|\\.{0,3}[a-zé.]{0,160}") {
        let plain = file_name(&name);
        prop_assert!(!plain.is_empty() && plain.len() <= 100, "{plain:?}");
        prop_assert!(!plain.starts_with('.'), "{plain:?}");
        prop_assert!(plain.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{plain:?}");
    }

    #[test]
    fn names_that_are_taken_are_one_part_of_a_path(name in "\\PC{0,40}|[./\\\\ ]{0,4}") {
        if check_attachment_name(&name).is_ok() {
            let path = std::path::Path::new("d").join(&name);
            prop_assert_eq!(path.parent(), Some(std::path::Path::new("d")));
            prop_assert!(!name.contains('/') && name != "..");
        }
    }
}
