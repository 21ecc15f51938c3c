//! What each transcript tells, read by a person.

use std::sync::LazyLock;

use agent_runner_model::attempt::{AttemptEnd, Misconfiguration};

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Reported,
    /// With the time at which the limit is lifted.
    Limited(Option<&'static str>),
    Overloaded,
    Network,
    Authentication,
    Configuration,
    Crashed,
}

/// What a transcript tells.
pub struct Expected {
    pub name: &'static str,
    pub end: End,
    /// Part of the words about the end.
    pub says: &'static str,
    /// The beginning of the session's name.
    pub session: Option<&'static str>,
    /// Input, output, read from the cache, written to it.
    pub tokens: Option<[u64; 4]>,
    /// Answers of the model in the conversation itself.
    pub turns: Option<u64>,
    /// Of the whole session, in millionths of a dollar.
    pub cost: Option<u64>,
    pub last: Option<&'static str>,
    /// How each refusal begins.
    pub permissions: &'static [&'static str],
    pub lost: bool,
}

impl End {
    pub fn fits(self, end: &AttemptEnd) -> bool {
        match (self, end) {
            (Self::Reported, AttemptEnd::Reported)
            | (Self::Overloaded, AttemptEnd::Overloaded { .. })
            | (Self::Network, AttemptEnd::Network { .. })
            | (Self::Crashed, AttemptEnd::Crashed { .. }) => true,
            (Self::Limited(expected), AttemptEnd::Limited { reset_at, .. }) => {
                reset_at.map(|at| at.to_string()).as_deref() == expected
            }
            (Self::Authentication, AttemptEnd::Misconfigured { what, .. }) => {
                *what == Misconfiguration::Authentication
            }
            (Self::Configuration, AttemptEnd::Misconfigured { what, .. }) => {
                *what == Misconfiguration::Configuration
            }
            _ => false,
        }
    }
}

impl Expected {
    pub fn is_well(&self) -> bool {
        self.end == End::Reported
    }

    fn last(self, text: &'static str) -> Self {
        Self { last: Some(text), ..self }
    }

    fn refused(self, permissions: &'static [&'static str]) -> Self {
        Self { permissions, ..self }
    }

    fn used(self, tokens: [u64; 4], cost: u64) -> Self {
        Self { tokens: Some(tokens), cost: Some(cost), ..self }
    }

    fn measured(self, tokens: [u64; 4]) -> Self {
        Self { tokens: Some(tokens), ..self }
    }

    fn turns(self, count: u64) -> Self {
        Self { turns: Some(count), ..self }
    }

    fn lost(self) -> Self {
        Self { lost: true, ..self }
    }
}

/// A turn that ended well, after that many answers of the model and at that cost of the session so far. Each answer of
/// the scripted model uses 1000 tokens in, 50 out and 200 from the cache.
fn well(name: &'static str, session: &'static str, answers: u64, cost: u64, last: &'static str) -> Expected {
    let blank = ill(name, End::Reported, Some(session), "");
    blank.used([1000 * answers, 50 * answers, 200 * answers, 0], cost).turns(answers).last(last)
}

/// A turn that did not end well.
fn ill(name: &'static str, end: End, session: Option<&'static str>, says: &'static str) -> Expected {
    Expected {
        name,
        end,
        says,
        session,
        tokens: None,
        turns: None,
        cost: None,
        last: None,
        permissions: &[],
        lost: false,
    }
}

/// A turn in which no request was answered: nothing was used, and the client says so.
fn refused(name: &'static str, end: End, session: &'static str, says: &'static str) -> Expected {
    ill(name, end, Some(session), says).used([0; 4], 0).turns(0)
}

/// Turns that did not end well although the client's exit code or its result claims so. Nobody may believe them.
pub const DECEITFUL: &[&str] = &[
    "INT-model",
    "INT-tool",
    "closes",
    "dns",
    "e400-credit",
    "e400-other",
    "e400-too-long",
    "e401",
    "e401-key",
    "e401-oauth",
    "e402",
    "e403",
    "e404-model",
    "e408",
    "e413",
    "e429",
    "e429-body-account-oauth",
    "e429-body-limit-epoch",
    "e429-body-limit-epoch-oauth",
    "e429-body-limit-text",
    "e429-midway-oauth",
    "e429-resumed",
    "e429-retries0",
    "e429-retry-after-3600",
    "e429-retry-after-60-retries0",
    "e429-unified-apikey",
    "e429-unified-oauth",
    "e429-unified-oauth-7d",
    "e429-unified-oauth-norety",
    "e429-unified-oauth-retry-after",
    "e500",
    "e500-midway",
    "e503",
    "e504",
    "e529-fallback",
    "e529-retries1",
    "html-200",
    "html-403",
    "html-404",
    "html-502",
    "no-key",
    "refused",
    "sigint-tool",
    "stop-max-tokens",
    "stop-refusal",
    "stream-error-first",
    "stream-error-midway",
];

/// As much of a long message as was written when the client was killed.
static A_LONG_TEXT: LazyLock<String> = LazyLock::new(|| "a long text ".repeat(30));

/// When the limits of the recorded accounts are lifted, by the client's figures.
const RESET: Option<&str> = Some("2026-11-20T08:37:48.000Z");

pub fn expectations() -> Vec<Expected> {
    let mut all = turns_that_ended_well();
    all.extend(turns_that_were_cut_off());
    all.extend(turns_that_cannot_work());
    all.extend(limits());
    all.extend(faults_that_pass());
    all
}

fn turns_that_ended_well() -> Vec<Expected> {
    const DENIED: &str = "Bash: touch f: Permission for this tool use was denied. It requires approval";
    vec![
        // Work in the background: the process goes on after the first result.
        well("background-bash", "6966313b", 3, 15120, "noticed the background result"),
        well("basic-partial", "ab50181f", 2, 10080, "done"),
        well("claudecode-env", "e81818bb", 1, 5040, "fine"),
        well("denied-permission-prompts-none", "e20d37e7", 2, 10080, "done").refused(&[DENIED]),
        well("drop", "bd21b1f7", 1, 5040, "after the cut"),
        well("drop-argument", "1e22d36d", 1, 5040, "Recovered after a cut stream."),
        well("e429-retry-after-2", "f5c54d69", 1, 5040, "fine"),
        well("first", "67bee25b", 3, 15120, "Done: the file made-by-agent.txt was written."),
        // The user's limit of turns: what was left undone is seen in the tasks.
        Expected { last: None, ..well("max-turns", "2a4951a5", 1, 5040, "") },
        well("no-key-with-login-file", "30d0e305", 1, 5040, "fine"),
        well("ok-unified-allowed-oauth", "9ea9f75b", 1, 2520, "hi"),
        well("ok-unified-warning-oauth", "81a1aa5b", 1, 2520, "hi"),
        well("restricted-allowed", "2d86090e", 2, 10080, "done"),
        well("restricted-denied", "e3f1d39d", 2, 10080, "done").refused(&["Bash: touch f: touch in '"]),
        well("restricted-write-denied", "bf93bc4d", 2, 10080, "done")
            .refused(&["Write: /home/somebody/project/f.txt: Claude requested permissions to write"]),
        // Rules of the agent file are added to the one for task commands.
        well("restricted-widened", "72fca016", 4, 20160, "done").refused(&["Bash: rm f: rm in '"]),
        // Tokens are of this turn, the cost is of the session.
        well("resume", "67bee25b", 2, 25200, "Second turn finished."),
        well("root-restricted-no-sandbox", "51734418", 1, 5040, "fine"),
        well("sigint-tool-resumed", "07f12fc0", 1, 10080, "resumed fine"),
        // The cost of a turn that was killed outright is never told.
        well("sigkill-stream-resumed", "9d0d206b", 1, 5040, "resumed fine"),
        well("sigkill-tool-resumed", "ea8ce4d2", 1, 5040, "after tool"),
        well("sigterm-tool-resumed", "cabd1213", 1, 10080, "after tool"),
        // Tokens of sub-agents count, their turns do not; what they say is not the last message.
        well("subagent", "7286a118", 4, 20160, "(script finished)").turns(3),
        well("subagent-forward", "87e4e510", 3, 15120, "(script finished)").turns(2),
        well("todo-tools-enabled", "f7aecc72", 7, 35280, "x"),
        well("todo-tools-enabled-no-tasks", "0f2b1397", 7, 35280, "x"),
        well("tools-tasks-enabled", "e0f5290b", 1, 5040, "x"),
        well("tools-todo", "6cb3ac14", 5, 25200, "x"),
        well("toolsearch", "4c67a64f", 3, 15120, "x"),
    ]
}

fn turns_that_were_cut_off() -> Vec<Expected> {
    use End::Crashed;
    const ANSWER: [u64; 4] = [1000, 50, 200, 0];
    vec![
        ill("INT-model", Crashed, Some("9f369186"), "(SIGINT)")
            .used([1000, 9, 200, 0], 4220)
            .turns(1)
            .last("Partial text before silence."),
        ill("INT-tool", Crashed, Some("6fda4a20"), "(SIGINT)")
            .used(ANSWER, 5040)
            .turns(1)
            .last("Going to sleep in a tool."),
        ill("sigint-tool", Crashed, Some("07f12fc0"), "(SIGINT)")
            .used(ANSWER, 5040)
            .turns(1)
            .last("starting"),
        // Without partial messages nothing says what was used before the end.
        ill("TERM-tool", Crashed, Some("cf344ca9"), "signal 15").turns(1).last("Going to sleep in a tool."),
        ill("sigterm-tool", Crashed, Some("cabd1213"), "signal 15")
            .measured(ANSWER)
            .turns(1)
            .last("starting"),
        ill("sigkill-tool", Crashed, Some("ea8ce4d2"), "signal 9").measured(ANSWER).turns(1).last("starting"),
        // The second answer had begun.
        ill("sigkill-stream", Crashed, Some("9d0d206b"), "signal 9")
            .measured(ANSWER)
            .turns(2)
            .last(&A_LONG_TEXT),
        ill("silent", Crashed, Some("d5f793a2"), "signal 9").turns(1),
        ill(
            "e429-retry-after-60-default",
            Crashed,
            Some("89559759"),
            "trying a request again: the provider limits",
        ),
        ill(
            "e429-unified-apikey-default-retries",
            Crashed,
            Some("5d4600ec"),
            "the provider limits requests (429)",
        ),
        ill("refused-default", Crashed, Some("a3f1861a"), "could not be reached"),
        ill("resume-missing", Crashed, None, "does not know the conversation").lost(),
        refused("e400-too-long", Crashed, "e5ed82cc", "no longer fits the model").lost(),
        refused("e413", Crashed, "7a965164", "too large for the provider"),
        refused("e400-other", Crashed, "f777aa4a", "400 messages.1.content: odd"),
        ill("stop-max-tokens", Crashed, Some("883c67fd"), "CLAUDE_CODE_MAX_OUTPUT_TOKENS")
            .used([4000, 200, 800, 0], 20160)
            .turns(4)
            .last("long answer "),
        ill("stop-refusal", Crashed, Some("a5fc215f"), "a filter in front of it, refused")
            .used([2000, 100, 400, 0], 10080)
            .turns(2)
            .last("I will not. "),
    ]
}

fn turns_that_cannot_work() -> Vec<Expected> {
    use End::{Authentication, Configuration};
    vec![
        refused("e400-credit", Configuration, "b956efdd", "Credit balance is too low; add credit"),
        refused("e402", Configuration, "88e7deba", "402 payment required; add credit"),
        refused("html-404", Configuration, "9fcf118a", "or ANTHROPIC_BASE_URL does not lead to a provider"),
        refused("e404-model", Configuration, "df6026a0", "(claude-nope-9)"),
        ill("empty-prompt", Configuration, None, "empty prompt"),
        ill("max-budget", Configuration, Some("519fb6d6"), "--max-budget-usd")
            .used([1000, 50, 200, 0], 5040)
            .turns(1),
        ill("root-no-sandbox", Configuration, None, "IS_SANDBOX=1"),
        ill("unknown-flag", Configuration, None, "unknown option '--frobnicate'"),
        refused("e401", Authentication, "2e4a700a", "Invalid API key"),
        refused("e401-key", Authentication, "f8cefcfe", "ANTHROPIC_API_KEY"),
        refused("e401-oauth", Authentication, "748c6427", "401 OAuth token has expired"),
        refused("e403", Authentication, "65e37b1b", "403 Your account does not have permission"),
        refused("html-403", Authentication, "c902bb8a", "403 Forbidden"),
        refused("no-key", Authentication, "671727ed", "Not logged in"),
    ]
}

fn limits() -> Vec<Expected> {
    use End::Limited;
    let five_hours = "the account's 5-hour limit is reached";
    let requests = "the provider limits requests";
    vec![
        // With an API key nothing says when.
        refused("e429", Limited(None), "697dd98e", requests),
        refused("e429-retries0", Limited(None), "f254d320", requests),
        refused("e429-retry-after-3600", Limited(None), "79996a35", requests),
        refused("e429-retry-after-60-retries0", Limited(None), "ee76e41a", requests),
        refused("e429-unified-apikey", Limited(None), "b4074b50", requests),
        // Nothing was used, and the session has cost what it had cost before.
        Expected { cost: Some(5040), ..refused("e429-resumed", Limited(None), "5785ab98", requests) },
        // The words of the provider, passed on.
        refused("e429-body-account-oauth", Limited(None), "32a6fa52", requests),
        refused("e429-body-limit-epoch", Limited(Some("2026-11-20T07:37:48.000Z")), "cf34fd12", requests),
        refused(
            "e429-body-limit-epoch-oauth",
            Limited(Some("2026-11-20T07:37:48.000Z")),
            "54cf5e5c",
            requests,
        ),
        refused("e429-body-limit-text", Limited(Some("2026-11-20T15:00:00.000Z")), "3c0d2932", requests),
        // The client's own figures.
        ill("e429-midway-oauth", Limited(Some("2026-11-20T06:42:40.000Z")), Some("e11dbd21"), five_hours)
            .used([1000, 50, 200, 0], 2520)
            .turns(1),
        refused("e429-unified-oauth", Limited(RESET), "fcdae405", five_hours),
        refused("e429-unified-oauth-7d", Limited(RESET), "19205b2f", "the account's weekly limit is reached"),
        refused("e429-unified-oauth-norety", Limited(RESET), "9c2ea38a", five_hours),
        refused("e429-unified-oauth-retry-after", Limited(RESET), "215e3bd6", five_hours),
    ]
}

fn faults_that_pass() -> Vec<Expected> {
    use End::{Network, Overloaded};
    vec![
        refused("e500", Overloaded, "62bb6ae4", "500 internal error"),
        ill("e500-midway", Overloaded, Some("965afd88"), "500 mock error")
            .used([1000, 50, 200, 0], 5040)
            .turns(1),
        refused("e529-fallback", Overloaded, "56271f7d", "529 Overloaded"),
        refused("e529-retries1", Overloaded, "61aa8fb4", "529 Overloaded"),
        refused("e408", Overloaded, "be18f9fb", "408"),
        refused("e503", Overloaded, "66b83c11", "503 unavailable"),
        refused("e504", Overloaded, "7106538d", "504 timed out"),
        refused("html-502", Overloaded, "feb967bc", "502 Bad Gateway"),
        refused("stream-error-first", Overloaded, "53d4a031", "529 Overloaded"),
        // An answer had begun.
        refused("stream-error-midway", Overloaded, "a0cafbe7", "529 Overloaded").turns(1),
        refused("closes", Network, "83a23a6f", "Connection dropped"),
        refused("dns", Network, "9b75cc85", "check your internet or DNS"),
        refused("html-200", Network, "f3ec0fe3", "a proxy or gateway intercepting"),
        refused("refused", Network, "96fbb1ec", "Connection refused"),
    ]
}
