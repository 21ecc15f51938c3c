//! An agent over the agent it extends.

use std::collections::BTreeMap;

use agent_runner_model::spec::Value;

use super::chain::Heir;
use super::clearing::clear;
use super::locks::{Locked, Own, check};
use super::origins::Origins;
use super::{Authored, Heritage};
use crate::agent::{self, Agent, AgentLauncher};
use crate::diagnostic::Diagnostic;
use crate::library::{Library, tidy};
use crate::loading::Loaded;
use crate::names::{Reference, parse_reference};
use crate::source::{Kind, Source};

impl Heir for Agent {
    type Own = Agent;
    const KIND: Kind = Kind::Agent;

    fn authored(_: &Library, loaded: Loaded) -> Result<Authored<Agent>, Vec<Diagnostic>> {
        agent::authored(loaded)
    }

    fn alone(authored: Authored<Agent>) -> Self {
        Self {
            heritage: Heritage { locks: authored.locks(&authored.own.locked_fields), ..Heritage::default() },
            ..authored.own
        }
    }

    fn checklist(_: &Loaded) -> Option<Result<Self, Vec<Diagnostic>>> {
        None
    }

    fn check(&self) -> Vec<Diagnostic> {
        self.check_role(None).err().into_iter().collect()
    }

    fn over(mut base: Self, authored: Authored<Agent>, problems: &mut Vec<Diagnostic>) -> Self {
        let locked = Locked {
            fields: &base.locked_fields,
            heritage: &base.heritage,
            budget: base.budget,
            instructions: &base.instructions,
        };
        let own = Own { budget: authored.own.budget, instructions: &authored.own.instructions };
        let stay = check(&locked, &authored, &own, problems);
        clear(&mut base, &authored, problems);
        let locks = authored.locks(&authored.own.locked_fields);
        let own = authored.own;
        let mut origins = Origins::new(&base.heritage, &base.source, &own.source);
        let backend = match own.backend.is_empty() {
            true => {
                origins.kept("backend");
                base.backend
            }
            false => own.backend,
        };
        let model = origins.value("model", base.model, own.model);
        let effort = origins.value("effort", base.effort, own.effort);
        let timeout_sec = origins.value("timeoutSec", base.timeout_sec, own.timeout_sec);
        let unrestricted = origins.value("unrestricted", base.unrestricted, own.unrestricted);
        let backend_config =
            origins.map("backendConfig", base.backend_config, own.backend_config, Some(joined));
        let backend_args = origins.map("backendArgs", base.backend_args, own.backend_args, None);
        let launcher = base.launcher.map(|launcher| placed(launcher, &base.source));
        let launcher = origins.value("launcher", launcher, own.launcher);
        let commit_as = origins.value("commitAs", base.commit_as, own.commit_as);
        let budget = origins.budget(base.budget, own.budget);
        let template = origins.value("template", base.template, own.template);
        let locked_fields = origins.locks(&stay, &own.locked_fields);
        let order = authored.wishes.base_instructions;
        let instructions = origins.instructions(&base.instructions, &own.instructions, order);
        let origins = origins.finish();
        Self {
            name: own.name,
            backend,
            model,
            effort,
            timeout_sec,
            unrestricted,
            backend_config,
            backend_args,
            launcher,
            commit_as,
            budget,
            template,
            locked_fields,
            instructions,
            heritage: base.heritage.below(
                (base.name, base.source, base.text),
                origins,
                locks,
                own.instructions,
            ),
            source: own.source,
            text: own.text,
        }
    }
}

/// Both maps, key by key at every level; of two values one's own.
fn joined(mut base: BTreeMap<String, Value>, own: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    for (key, value) in own {
        let value = match (base.remove(&key), value) {
            (Some(Value::Map(inner)), Value::Map(own)) => Value::Map(joined(inner, own)),
            (_, value) => value,
        };
        base.insert(key, value);
    }
    base
}

/// A launcher's path starts at the file that names it, whoever inherits it.
fn placed(launcher: AgentLauncher, source: &Source) -> AgentLauncher {
    let (AgentLauncher::Named(reference), Source::Path(file) | Source::Config(file)) = (&launcher, source)
    else {
        return launcher;
    };
    let Ok(Reference::Path(path)) = parse_reference(reference) else { return launcher };
    let path = file.parent().map(|folder| tidy(&folder.join(path)));
    match path.and_then(|path| path.into_os_string().into_string().ok()) {
        Some(path) => AgentLauncher::Named(path),
        None => launcher,
    }
}
