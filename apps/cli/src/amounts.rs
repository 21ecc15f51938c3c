//! Spans of time and sizes as people write them. Must not know what they are for.

use std::time::Duration;

/// A span: a whole number of minutes, hours, days or weeks.
pub(crate) fn parse_span(text: &str) -> Option<Duration> {
    let unit = match text.chars().next_back()? {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count = number(text.get(..text.len() - 1)?)?;
    Some(Duration::from_secs(count.checked_mul(unit)?))
}

/// A size in bytes: a whole number of them, or of KiB, MiB, GiB or TiB, of which the first letter is enough.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at_checked(digits)?;
    let shift = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KIB" => 10,
        "M" | "MIB" => 20,
        "G" | "GIB" => 30,
        "T" | "TIB" => 40,
        _ => return None,
    };
    number(count)?.checked_mul(1 << shift)
}

fn number(digits: &str) -> Option<u64> {
    // A sign is no digit, though it could be read.
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A size for people: `0 B`, `512 B`, `1.5 KiB`, `12.0 GiB`.
pub(crate) fn size_words(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut tenths = u128::from(bytes) * 10;
    let mut shown = "KiB";
    for unit in UNITS {
        tenths = tenths.div_ceil(1024);
        shown = unit;
        if tenths < 10_240 {
            break;
        }
    }
    format!("{}.{} {shown}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse_size, parse_span, size_words};

    #[test]
    fn spans_and_sizes_are_read_as_they_are_written() {
        assert_eq!(parse_span("90m"), Some(Duration::from_secs(5_400)));
        assert_eq!(parse_span("0d"), Some(Duration::ZERO));
        assert_eq!(parse_span("2w"), Some(Duration::from_secs(1_209_600)));
        for wrong in [
            "",
            "d",
            "7",
            "-1d",
            "+1d",
            "1.5d",
            "7 d",
            "7y",
            "99999999999999999999d",
            "9999999999999999999w",
            "7ä",
        ] {
            assert_eq!(parse_span(wrong), None, "{wrong:?}");
        }
        assert_eq!(parse_size("512"), Some(512));
        assert_eq!(parse_size("10k"), Some(10_240));
        assert_eq!(parse_size("3GiB"), Some(3 << 30));
        assert_eq!(parse_size("1T"), Some(1 << 40));
        for wrong in ["", "G", "-1", "+1K", "1.5G", "10 G", "10X", "10GB", "99999999T", "1ä"] {
            assert_eq!(parse_size(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        let told = [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1 << 20, "1.0 MiB")];
        for (bytes, words) in told {
            assert_eq!(size_words(bytes), words);
        }
        assert_eq!(size_words((1 << 20) - 1), "1.0 MiB", "never less than it is");
        assert_eq!(size_words(u64::MAX), "16777216.0 TiB");
    }
}
