//! Looks at Rust text without understanding it: enough to find words where they matter.

/// The lines that are not comments, with their numbers from 1.
pub fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Whether the file is a test: it may be longer, and may do what the program must not.
pub fn is_test(file: &str) -> bool {
    file.starts_with("tests/") || file.contains("/tests/") || file.ends_with("/tests.rs")
}

/// The code before a file's own `mod tests`.
pub fn without_tests(text: &str) -> &str {
    match text.find("#[cfg(test)]\nmod tests {") {
        Some(start) => &text[..start],
        None => text,
    }
}

/// The modules that a text names below `crate::`: `crate::a::B` and `use crate::{a::B, c}` give `a` and `c`.
pub fn named_modules(text: &str) -> Vec<String> {
    let code: String = code_lines(text).map(|(_, line)| format!("{line}\n")).collect();
    let mut found = Vec::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find("crate::") {
        let is_word = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        rest = &rest[at + "crate::".len()..];
        if is_word {
            continue;
        }
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.push(identifier(rest)),
        }
    }
    found
}

/// The first words of the items of a `{…}` group.
fn group_heads(group: &str) -> Vec<String> {
    let mut depth = 0u32;
    let mut item = String::new();
    let mut heads = Vec::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(identifier(std::mem::take(&mut item).trim())),
            _ => {}
        }
        if c != ',' || depth > 0 {
            item.push(c);
        }
    }
    heads.push(identifier(item.trim()));
    heads.retain(|head| !head.is_empty());
    heads
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn modules_are_found_in_every_form() {
    let text =
        "use crate::a::B;\n// crate::no\nuse crate::{\n  c::{D, E},\n  f,\n};\nlet x = crate::g::h();\n";
    assert_eq!(named_modules(text), ["a", "c", "f", "g"]);
    assert_eq!(named_modules("$crate::x other_crate::y"), Vec::<String>::new());
}
