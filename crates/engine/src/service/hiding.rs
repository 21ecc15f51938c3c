//! Reading a long text piece by piece without the values that nobody is shown. Must not let one through that lies where two
//! pieces meet, and must not hold the whole of it.

use std::io::{self, Read};

use agent_runner_model::Secrets;

/// Bytes that are gone through at once.
const PIECE: usize = 1024 * 1024;
/// Least bytes of them that are gone through once more, with what follows.
const OVERLAP: usize = 64 * 1024;
/// How much longer a value may be where it is written with escapes in escapes.
const ESCAPES: usize = 24;
/// How often another place for a cut is looked for.
const TRIES: usize = 16;

/// A text without those values.
pub(super) struct Hiding<'a, R> {
    source: R,
    secrets: &'a Secrets,
    /// Read, and not gone through.
    rest: Vec<u8>,
    /// How much is to be read before it is gone through.
    wanted: usize,
    is_read: bool,
    /// Gone through, and not handed out.
    shown: Vec<u8>,
    at: usize,
}

impl<'a, R: Read> Hiding<'a, R> {
    pub(super) fn new(source: R, secrets: &'a Secrets) -> Self {
        let wanted = PIECE + overlap(secrets);
        Self { source, secrets, rest: Vec::new(), wanted, is_read: false, shown: Vec::new(), at: 0 }
    }

    /// Goes through the next piece.
    fn next(&mut self) -> io::Result<()> {
        while !self.is_read {
            let missing = self.wanted.saturating_sub(self.rest.len()) as u64;
            if missing > 0 && (&mut self.source).take(missing).read_to_end(&mut self.rest)? as u64 != missing
            {
                self.is_read = true;
                break;
            }
            if let Some((cut, shown)) = self.cut() {
                self.rest.drain(..cut);
                self.wanted = PIECE + overlap(self.secrets);
                return self.show(shown);
            }
            // There is a value at each of the places: they are looked for further on.
            self.wanted += PIECE;
        }
        let shown = self.secrets.hide_bytes(&self.rest, false).into_owned();
        self.rest = Vec::new();
        self.show(shown)
    }

    fn show(&mut self, shown: Vec<u8>) -> io::Result<()> {
        (self.shown, self.at) = (shown, 0);
        Ok(())
    }

    /// A place where what was read can be cut, because no value lies across it, and what is shown of the part before it.
    fn cut(&self) -> Option<(usize, Vec<u8>)> {
        if self.secrets.is_empty() {
            return Some((self.rest.len(), self.rest.clone()));
        }
        let whole = self.secrets.hide_bytes(&self.rest, false);
        let mut at = self.rest.len().checked_sub(overlap(self.secrets))?;
        for _ in 0..TRIES {
            at = border(self.rest.get(..at)?)?;
            let (before, after) = self.rest.split_at(at);
            let before = self.secrets.hide_bytes(before, false);
            let after = self.secrets.hide_bytes(after, false);
            if whole.len() == before.len() + after.len()
                && whole.starts_with(&before)
                && whole.ends_with(&after)
            {
                return Some((at, before.into_owned()));
            }
            at = at.checked_sub(self.secrets.longest().max(1))?;
        }
        None
    }
}

fn overlap(secrets: &Secrets) -> usize {
    OVERLAP.max(secrets.longest().saturating_mul(ESCAPES))
}

/// The end of the last line, or else of the last character.
fn border(text: &[u8]) -> Option<usize> {
    let line = text.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
    let is_start = |byte: &u8| *byte & 0b1100_0000 != 0b1000_0000;
    line.or_else(|| text.iter().rposition(is_start)).filter(|at| *at > 0)
}

impl<R: Read> Read for Hiding<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.shown.len() && !(self.is_read && self.rest.is_empty()) {
            self.next()?;
        }
        let count = self.shown.get(self.at..).unwrap_or_default().read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use agent_runner_model::Secrets;
    use serde_json::{Value, json};

    use super::{Hiding, PIECE};
    use crate::reference::outline;

    /// Hands out as much as it likes.
    struct Sips<'a>(&'a [u8], usize);

    impl Read for Sips<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1 + self.1 % 70_001);
            self.1 = self.1.wrapping_mul(31).wrapping_add(17);
            let buffer = buffer.get_mut(..most).unwrap();
            self.0.read(buffer)
        }
    }

    fn secrets(values: &[&str]) -> Secrets {
        let text = include_bytes!("../../../../tests/fixtures/reference-state/runs/webshop/t5h2we/run.json");
        let mut run: Value = serde_json::from_slice(text).unwrap();
        for (index, value) in values.iter().enumerate() {
            let name = format!("token{index}");
            run["runtimeVars"][&name] = json!(value);
            run["runtimeVarSources"][&name] = json!({"source": "env", "envName": "TOKEN"});
        }
        outline(&serde_json::to_vec(&run).unwrap(), "t5h2we").unwrap().secrets
    }

    fn told(text: &[u8], secrets: &Secrets) -> Vec<u8> {
        let mut told = Vec::new();
        Hiding::new(Sips(text, 5), secrets).read_to_end(&mut told).unwrap();
        told
    }

    #[test]
    fn a_text_in_pieces_is_shown_as_a_whole_one_is() {
        let pem = "-----BEGIN KEY-----\nMIIEow\nIBAAKCAQEA\n-----END KEY-----";
        let secrets = secrets(&["tok-Zephyr-7715", pem, "7"]);
        let escaped = serde_json::to_string(pem).unwrap();
        let fillers = ["0123456789abcdef\n", "ä", "x"];
        for (filler, spacing) in fillers.iter().flat_map(|filler| [61, 4099, 65_537].map(|by| (*filler, by)))
        {
            let mut text = String::new();
            while text.len() < 3 * PIECE + 1000 {
                let end = text.len() + spacing;
                while text.len() < end {
                    text.push_str(filler);
                }
                text.push_str(["tok-Zephyr-7715", pem, &escaped, " 7 "][text.len() % 4]);
            }
            let whole = secrets.hide_bytes(text.as_bytes(), false);
            assert!(told(text.as_bytes(), &secrets) == *whole, "{filler:?} {spacing}");
        }
    }

    #[test]
    fn what_holds_no_value_stays_as_it_is() {
        let bytes: Vec<u8> = (0..2 * PIECE + 77).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
        for secrets in [secrets(&[]), secrets(&["tok-Zephyr-7715"])] {
            assert!(told(&bytes, &secrets) == bytes);
            assert_eq!(told(b"", &secrets), b"");
        }
        // One value after the other: there is no place without one.
        let one = "tok-Zephyr-7715".repeat(PIECE / 12);
        let secrets = self::secrets(&["tok-Zephyr-7715"]);
        assert!(told(one.as_bytes(), &secrets) == *secrets.hide_bytes(one.as_bytes(), false));
    }
}
