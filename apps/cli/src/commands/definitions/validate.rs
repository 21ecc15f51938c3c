//! `validate`.

use agent_runner_api::Handle as _;
use agent_runner_api::operations::ValidateDefinitions;
use agent_runner_api::view::Validation;

use crate::app::App;
use crate::args::ValidateArgs;
use crate::exit::{Outcome, USAGE};
use crate::output::reply;
use crate::render::clean;

pub(crate) async fn validate(app: &App, args: ValidateArgs) -> Outcome {
    let ValidateArgs { paths, output } = args;
    let caller_dir = app.settings.caller_dir()?.to_owned();
    let validation = app.engine.call(ValidateDefinitions { paths, caller_dir }).await?;
    reply(output.output_format, &validation, text)?;
    Ok(if validation.valid { 0 } else { USAGE })
}

fn text(validation: &Validation) -> String {
    if validation.files.is_empty() {
        return "There are no definition files there.\n".to_owned();
    }
    let mut text = String::new();
    for file in &validation.files {
        match &file.error {
            None => {
                let kind = file.kind.map_or("file", |kind| kind.as_str());
                text.push_str(&format!("ok       {kind} {}\n", file.file));
            }
            Some(error) => text.push_str(&format!("invalid  {}\n{error}\n", file.file)),
        }
    }
    let wrong = validation.files.iter().filter(|file| file.error.is_some()).count();
    text.push_str(&format!("{} files, {wrong} invalid\n", validation.files.len()));
    clean(&text)
}
