//! Reads in whose name an agent commits. Must not know how git is told.

use super::Fields;
use crate::node::Node;

impl Fields<'_, '_> {
    /// `commitAs`: `Name <mail>`.
    pub(crate) fn commit_as(&mut self) -> Option<String> {
        let text = self.text("commitAs")?;
        if is_author(&text) {
            return Some(text);
        }
        let at = self.place("commitAs");
        let node = self.node("commitAs");
        let found = node.map(Node::described).unwrap_or_default();
        let as_written = "`commitAs: \"Review Bot <review@example.org>\"`, on one line";
        self.complain(
            at,
            format!("commitAs must be a name and an address, found {found}"),
            node.map_or_else(String::new, |node| match node.expression {
                Some(_) => node.hint(as_written),
                None => format!("write {as_written}"),
            }),
        );
        None
    }
}

/// What a schema says of it: something, then an address between angle brackets, and no control character.
pub(crate) const AUTHOR: &str = r"^[^<>\u0000-\u001f\u007f-\u009f]*[^<>\s\u0000-\u001f\u007f-\u009f][^<>\u0000-\u001f\u007f-\u009f]*<[^<>@\s\u0000-\u001f\u007f-\u009f]+@[^<>@\s\u0000-\u001f\u007f-\u009f]+>$";

fn is_author(text: &str) -> bool {
    let Some((name, mail)) = text.strip_suffix('>').and_then(|text| text.split_once('<')) else {
        return false;
    };
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.contains(|c: char| matches!(c, '<' | '>' | '@') || c.is_whitespace() || c.is_control())
    };
    let is_name = !name.trim().is_empty() && !name.contains(|c: char| c == '>' || c.is_control());
    is_name && mail.split_once('@').is_some_and(|(user, host)| is_part(user) && is_part(host))
}
