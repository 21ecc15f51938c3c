//! Which blocks are open, which names are known in them and what each function takes. Must not read characters.

use super::expression::{Call, Expression, Path, Reader, Start};
use super::tags::{Tag, is_blank};
use super::{MAX_NESTING, TASK_FIELDS, TASKS, TemplateNames, TemplateProblem};
use crate::similar::similar;

/// What an expression comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text, a number, a truth value, or none.
    Value,
    Texts,
    Tasks,
    Task,
}

/// A function: its name, how many arguments it takes at least and at most, and what it is for.
struct Function {
    name: &'static str,
    least: usize,
    most: usize,
    takes: Takes,
    gives: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Anything,
    Values,
    List,
}

const fn function(name: &'static str, least: usize, most: usize, takes: Takes, gives: Kind) -> Function {
    Function { name, least, most, takes, gives }
}

const FUNCTIONS: [Function; 12] = [
    function("eq", 2, 2, Takes::Values, Kind::Value),
    function("ne", 2, 2, Takes::Values, Kind::Value),
    function("lt", 2, 2, Takes::Values, Kind::Value),
    function("lte", 2, 2, Takes::Values, Kind::Value),
    function("gt", 2, 2, Takes::Values, Kind::Value),
    function("gte", 2, 2, Takes::Values, Kind::Value),
    function("and", 2, 16, Takes::Anything, Kind::Value),
    function("or", 2, 16, Takes::Anything, Kind::Value),
    function("not", 1, 1, Takes::Anything, Kind::Value),
    function("len", 1, 1, Takes::List, Kind::Value),
    function("lines", 1, 1, Takes::Values, Kind::Texts),
    function("split", 2, 2, Takes::Values, Kind::Texts),
];

const BLOCKS: [&str; 3] = ["if", "unless", "each"];

/// A block that is open.
struct Open<'a> {
    at: usize,
    name: &'a str,
    /// The block itself and each `else if` in it.
    depth: usize,
    had_else: bool,
    /// Whether names mean something else inside.
    is_scope: bool,
}

/// Inside of a loop.
struct Scope<'a> {
    item: Kind,
    names: Vec<&'a str>,
}

/// Goes through the tags of a text.
pub(super) struct Blocks<'a, 'n> {
    names: TemplateNames<'n>,
    open: Vec<Open<'a>>,
    scopes: Vec<Scope<'a>>,
}

type Checked<T> = Result<T, TemplateProblem>;

fn wrong<T>(at: usize, message: impl Into<String>, hint: impl Into<String>) -> Checked<T> {
    Err(TemplateProblem::new(at, message, hint))
}

impl<'a, 'n> Blocks<'a, 'n> {
    pub(super) fn new(names: TemplateNames<'n>) -> Self {
        Self { names, open: Vec::new(), scopes: Vec::new() }
    }

    /// The next tag.
    pub(super) fn take(&mut self, tag: &Tag<'a>) -> Checked<()> {
        let inner = tag.inner;
        let after = |mark: char| {
            let rest = inner.strip_prefix(mark)?;
            Some(Reader::new(rest, tag.inner_at + mark.len_utf8()))
        };
        if let Some(reader) = after('#') {
            return self.opened(tag, reader);
        }
        if let Some(reader) = after('/') {
            return self.closed(tag, reader);
        }
        if inner.starts_with('>') {
            let hint = "write the text here";
            return wrong(tag.at, "partials ({{> …}}) are not supported", hint);
        }
        if inner.starts_with('*') {
            return wrong(tag.at, "decorators ({{* …}}) are not supported", "delete the tag");
        }
        if inner.starts_with('^') {
            return wrong(tag.at, "`^` is not supported", "write {{else}}, or {{#unless …}}");
        }
        if inner.starts_with('&') {
            return wrong(tag.at, "`&` is not supported", "leave it out: nothing is escaped here");
        }
        let mut reader = Reader::new(inner, tag.inner_at);
        match reader.word() {
            "else" => self.otherwise(tag, reader),
            word if word.starts_with("else") => {
                let hint = format!("write it in brackets: {{{{[{word}]}}}}");
                wrong(tag.at, "a tag cannot start with a name that starts with `else`", hint)
            }
            _ => self.value(tag),
        }
    }

    /// Every block has to be closed.
    pub(super) fn finish(&self) -> Checked<()> {
        match self.open.last() {
            Some(open) => wrong(
                open.at,
                format!("the block {{{{#{}}}}} is not closed", open.name),
                format!("write {{{{/{}}}}} where it ends", open.name),
            ),
            None => Ok(()),
        }
    }

    fn opened(&mut self, tag: &Tag<'a>, mut reader: Reader<'a>) -> Checked<()> {
        reader.skip_blanks();
        if reader.take('>') || reader.take('*') {
            let message = "partials ({{#> …}}) and inline ones ({{#*inline …}}) are not supported";
            return wrong(tag.at, message, "write the text where it belongs");
        }
        self.deeper(tag)?;
        let name = reader.word();
        let is_scope = name == "each";
        self.open.push(Open { at: tag.at, name, depth: 1, had_else: false, is_scope });
        self.block(tag, name, reader, &BLOCKS)
    }

    fn deeper(&self, tag: &Tag<'a>) -> Checked<()> {
        if self.open.iter().map(|open| open.depth).sum::<usize>() < MAX_NESTING {
            return Ok(());
        }
        let message = format!("blocks are nested more than {MAX_NESTING} deep");
        wrong(
            tag.at,
            message,
            "each {{else if}} counts as one, too; use an `enum` variable and fewer branches",
        )
    }

    /// What follows `#`, or `else`.
    fn block(&mut self, tag: &Tag<'a>, name: &'a str, mut reader: Reader<'a>, known: &[&str]) -> Checked<()> {
        if !known.contains(&name) {
            let hint = match similar(name, known.iter().copied()).first() {
                Some(near) => format!("did you mean `{near}`? There are {}", known.join(", ")),
                None => format!("there are {}", known.join(", ")),
            };
            return wrong(tag.at, format!("there is no block `{name}`"), hint);
        }
        let arguments = reader.arguments(0)?;
        let names = reader.loop_names()?;
        let at = reader.at();
        reader.skip_blanks();
        if !reader.is_done() {
            return wrong(at, "this does not belong in a tag", "end the tag with }} here");
        }
        let [(argument_at, argument)] = arguments.as_slice() else {
            let message = format!("`{name}` takes one value, found {}", arguments.len());
            return wrong(
                tag.at,
                message,
                "put what belongs together in parentheses: {{#if (eq depth \"quick\")}}",
            );
        };
        let kind = self.kind(argument, *argument_at)?;
        if name != "each" {
            return match names.is_empty() {
                true => Ok(()),
                false => wrong(
                    at,
                    format!("`{name}` goes through nothing that could be named"),
                    "leave `as |…|` out",
                ),
            };
        }
        let item = match kind {
            Kind::Texts => Kind::Value,
            Kind::Tasks => Kind::Task,
            Kind::Value | Kind::Task => {
                let hint = "there are `tasks`, (lines name) and (split name \",\")";
                return wrong(*argument_at, "`each` goes through a list", hint);
            }
        };
        self.scopes.push(Scope { item, names });
        Ok(())
    }

    fn otherwise(&mut self, tag: &Tag<'a>, mut reader: Reader<'a>) -> Checked<()> {
        reader.skip_blanks();
        let is_last = reader.is_done();
        if !is_last {
            self.deeper(tag)?;
        }
        let Some(open) = self.open.last_mut() else {
            return wrong(
                tag.at,
                "{{else}} stands outside of a block",
                "delete it, or open a block before it",
            );
        };
        if open.had_else {
            return wrong(
                tag.at,
                "nothing can follow an {{else}} but the end of its block",
                "write one {{else}}, last",
            );
        }
        if std::mem::take(&mut open.is_scope) {
            self.scopes.pop();
        }
        if is_last {
            open.had_else = true;
            return Ok(());
        }
        open.depth += 1;
        let name = reader.word();
        self.block(tag, name, reader, &["if", "unless"])
    }

    fn closed(&mut self, tag: &Tag<'a>, mut reader: Reader<'a>) -> Checked<()> {
        reader.skip_blanks();
        let name = reader.word();
        let Some(open) = self.open.pop() else {
            return wrong(tag.at, format!("{{{{/{name}}}}} ends a block that was not opened"), "delete it");
        };
        if name != open.name || !reader.is_done() {
            let message = format!("{{{{#{}}}}} is open here, and cannot be ended by this tag", open.name);
            return wrong(tag.at, message, format!("write {{{{/{}}}}} first", open.name));
        }
        if open.is_scope {
            self.scopes.pop();
        }
        Ok(())
    }

    /// A tag that stands for a text.
    fn value(&mut self, tag: &Tag<'a>) -> Checked<()> {
        let mut reader = Reader::new(tag.inner, tag.inner_at);
        let word = Reader::new(tag.inner, tag.inner_at).word();
        let is_call = tag.inner.strip_prefix(word).is_some_and(|rest| rest.starts_with(is_blank));
        let expression = match is_call && !word.is_empty() {
            true => {
                let name = reader.word();
                Expression::Call(Call { at: tag.inner_at, name, arguments: reader.arguments(0)? })
            }
            false => Expression::Path(reader.path()?),
        };
        if !reader.is_done() {
            let hint =
                "write one name, or a function and what it takes; for braces that are text, write \\{{";
            return wrong(reader.at(), "this does not belong in a tag", hint);
        }
        match (&expression, self.kind(&expression, tag.inner_at)?) {
            // The library would call the function.
            (Expression::Path(path), _) if is_taken(path.text) => {
                let hint = format!("for a variable of this name write {{{{[{}]}}}}", path.text);
                wrong(tag.at, format!("`{}` is a function, and is given nothing here", path.text), hint)
            }
            (_, Kind::Value) => Ok(()),
            (_, Kind::Texts | Kind::Tasks) => {
                wrong(tag.at, "a list has no text of its own", "go through it: {{#each …}}")
            }
            (_, Kind::Task) => wrong(tag.at, "a task has no text of its own", "write {{id}} or {{title}}"),
        }
    }

    fn kind(&self, expression: &Expression<'a>, at: usize) -> Checked<Kind> {
        match expression {
            Expression::Literal => Ok(Kind::Value),
            Expression::Path(path) => self.path(path),
            Expression::Call(call) => self.call(call, at),
        }
    }

    fn call(&self, call: &Call<'a>, at: usize) -> Checked<Kind> {
        let names = || FUNCTIONS.iter().map(|function| function.name);
        let Some(function) = FUNCTIONS.iter().find(|function| function.name == call.name) else {
            let all = names().collect::<Vec<_>>().join(", ");
            let hint = match similar(call.name, names()).first() {
                Some(near) => format!("did you mean `{near}`? There are {all}"),
                None => format!("there are {all}; for braces that are text, write \\{{{{"),
            };
            return wrong(call.at, format!("there is no function `{}`", call.name), hint);
        };
        let given = call.arguments.len();
        if given < function.least || given > function.most {
            let wanted = match (function.least, function.most) {
                (1, _) => "one value".to_owned(),
                (2, 2) => "two values".to_owned(),
                (least, most) => format!("{least} to {most} values"),
            };
            let hint = "put what belongs together in parentheses: (not (eq depth \"quick\"))";
            return wrong(at, format!("`{}` takes {wanted}, found {given}", function.name), hint);
        }
        for (at, argument) in &call.arguments {
            let kind = self.kind(argument, *at)?;
            let fits = match function.takes {
                Takes::Anything => true,
                Takes::Values => kind == Kind::Value,
                Takes::List => matches!(kind, Kind::Texts | Kind::Tasks),
            };
            if !fits {
                let (wanted, hint) = match function.takes {
                    Takes::List => ("a list", "there are `tasks`, (lines name) and (split name \",\")"),
                    Takes::Anything | Takes::Values => {
                        ("a text, a number or a truth value", "use (len …) for a list, and a field of a task")
                    }
                };
                return wrong(*at, format!("`{}` takes {wanted}", function.name), hint);
            }
        }
        Ok(function.gives)
    }

    fn path(&self, path: &Path<'a>) -> Checked<Kind> {
        if path.start == Start::Loop {
            return match path.parts.as_slice() {
                ["index" | "first" | "last"] if !self.scopes.is_empty() => Ok(Kind::Value),
                ["index" | "first" | "last"] => wrong(
                    path.at,
                    format!("`{}` stands outside of a loop", path.text),
                    "use it inside {{#each …}}",
                ),
                _ => wrong(
                    path.at,
                    format!("there is no `{}`", path.text),
                    "there are @index, @first, @last and @root",
                ),
            };
        }
        if path.ups > self.scopes.len() {
            let hint = "each ../ leads out of one {{#each …}}; {{#if …}} does not count";
            return wrong(path.at, format!("`{}` leads out of more loops than there are", path.text), hint);
        }
        let named = path.parts.first().and_then(|first| self.named(first));
        let (kind, rest) = match (path.start, named) {
            (Start::Here, Some(kind)) => (kind, path.parts.get(1..).unwrap_or_default()),
            (Start::Root, _) => return self.at_root(path, &path.parts),
            (Start::Here | Start::This | Start::Loop, _) => {
                let scope = self.scopes.iter().rev().nth(path.ups);
                let Some(scope) = scope else { return self.at_root(path, &path.parts) };
                (scope.item, path.parts.as_slice())
            }
        };
        match (kind, rest) {
            (kind, []) => Ok(kind),
            (Kind::Task, [field]) if TASK_FIELDS.contains(field) => Ok(Kind::Value),
            (Kind::Task, _) => {
                let hint = "a task has `id` and `title`; a variable is @root.name here";
                wrong(path.at, format!("a task has no `{}`", rest.join(".")), hint)
            }
            (Kind::Value | Kind::Texts | Kind::Tasks, _) => {
                let hint = "inside this loop `this` is the piece of text; a variable is @root.name";
                wrong(path.at, format!("`{}` is not known here", path.text), hint)
            }
        }
    }

    /// What a loop has given a name to.
    fn named(&self, name: &str) -> Option<Kind> {
        self.scopes.iter().rev().find_map(|scope| {
            match scope.names.iter().position(|known| *known == name)? {
                0 => Some(scope.item),
                _ => Some(Kind::Value),
            }
        })
    }

    fn at_root(&self, path: &Path<'a>, parts: &[&'a str]) -> Checked<Kind> {
        let is_value = |name: &str| self.names.values.is_none_or(|values| values.contains(&name));
        match parts {
            [] => wrong(
                path.at,
                format!("`{}` has no value outside of a loop", path.text),
                "write the name of a variable",
            ),
            [TASKS]
                if self.names.has_tasks
                    && !self.names.values.is_some_and(|values| values.contains(&TASKS)) =>
            {
                Ok(Kind::Tasks)
            }
            [name] if is_value(name) => Ok(Kind::Value),
            _ => self.unknown(path, &parts.join(".")),
        }
    }

    fn unknown(&self, path: &Path<'a>, name: &str) -> Checked<Kind> {
        let values = self.names.values.unwrap_or_default();
        let tasks = self.names.has_tasks.then_some(TASKS);
        let hint = if values.contains(&name) {
            format!("a name with a dot is written in brackets: [{name}]")
        } else if name == TASKS {
            "the list of tasks is known in bodies and instructions, not in the titles it is made of"
                .to_owned()
        } else if let Some(near) = similar(name, values.iter().copied().chain(tasks)).first() {
            format!("did you mean `{near}`? For braces that are text, write \\{{{{")
        } else {
            "declare it below `vars:` of the assignment; for braces that are text, write \\{{".to_owned()
        };
        wrong(path.at, format!("there is no variable `{name}`"), hint)
    }
}

/// Names that stand for a function where a tag begins with them.
fn is_taken(name: &str) -> bool {
    BLOCKS.contains(&name) || FUNCTIONS.iter().any(|function| function.name == name)
}
