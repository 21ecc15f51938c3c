//! The requests. Each is plain data; what it does is the engine's business.

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })+) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty),* })+
    };
}

mod acts;
mod definitions;
mod directories;
mod family;
mod launchers;
mod runs;
mod space;
mod tasks;
mod vars;
mod workspaces;

pub use acts::*;
pub use definitions::*;
pub use directories::*;
pub use family::*;
pub use launchers::*;
pub use runs::*;
pub use space::*;
pub use tasks::*;
pub use vars::*;
pub use workspaces::*;
