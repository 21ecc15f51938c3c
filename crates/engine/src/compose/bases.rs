//! The record of what the definitions of a run extended. Must not resolve anything: that is done when they are read.

use agent_runner_definitions::Heritage;
use agent_runner_model::spec::BaseSpec;
use sha2::{Digest as _, Sha256};

/// The bases as they are frozen with the run.
pub(super) fn bases(heritage: &Heritage) -> Vec<BaseSpec> {
    let bases = heritage.bases.iter().map(|base| BaseSpec {
        name: base.name.clone(),
        source_path: base.source.to_string(),
        sha256: Sha256::digest(&base.text).iter().map(|byte| format!("{byte:02x}")).collect(),
    });
    bases.collect()
}
