//! Makes task ids from titles. Must give the same ids for the same titles, whatever is ticked off meanwhile.

use std::collections::HashMap;

use agent_runner_model::ids::TaskId;

/// Longest id, in bytes.
const MAX_ID: usize = 64;

/// Gives out ids that differ from all it gave out before.
#[derive(Debug, Default)]
pub(crate) struct Slugs {
    /// Every id given out, and the number to try next when it is asked for again.
    used: HashMap<String, usize>,
    count: usize,
}

impl Slugs {
    /// The id of the next item.
    pub(crate) fn next(&mut self, title: &str) -> Option<TaskId> {
        self.count += 1;
        let base = match slug(title) {
            slug if slug.is_empty() => format!("item-{}", self.count),
            slug => slug,
        };
        let mut id = base.clone();
        let mut number = self.used.get(&base).copied().unwrap_or(2);
        while self.used.contains_key(&id) {
            let suffix = format!("-{number}");
            id = format!("{}{suffix}", cut(&base, MAX_ID - suffix.len()));
            number += 1;
        }
        self.used.insert(base, number);
        self.used.entry(id.clone()).or_insert(2);
        TaskId::parse(&id).ok()
    }
}

/// Lower-case letters and digits with single dashes between them.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for character in title.chars() {
        match plain(character) {
            "" if character.is_ascii_alphanumeric() => slug.push(character.to_ascii_lowercase()),
            "" if slug.ends_with('-') || slug.is_empty() => {}
            "" => slug.push('-'),
            letters => slug.push_str(letters),
        }
    }
    cut(&slug, MAX_ID).to_owned()
}

fn cut(slug: &str, most: usize) -> &str {
    slug.get(..most).unwrap_or(slug).trim_end_matches('-')
}

/// Letters of western European languages without their marks.
fn plain(character: char) -> &'static str {
    match character.to_lowercase().next().unwrap_or(character) {
        'à' | 'á' | 'â' | 'ã' | 'å' => "a",
        'ä' | 'æ' => "ae",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' => "o",
        'ö' | 'ø' | 'œ' => "oe",
        'ù' | 'ú' | 'û' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ß' => "ss",
        _ => "",
    }
}
