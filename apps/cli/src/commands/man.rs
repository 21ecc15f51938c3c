//! `man`: pages of the manual.

use std::fs;

use clap::CommandFactory as _;
use serde::Serialize;

use crate::args::{Cli, ManArgs};
use crate::exit::{Failure, Outcome, usage};
use crate::manual::{Page, pages};
use crate::output::reply;
use crate::replace::replace_file;

/// Pages that were written.
#[derive(Serialize)]
struct Written {
    files: Vec<String>,
}

pub(crate) fn man(args: ManArgs) -> Outcome {
    let ManArgs { command, to, output } = args;
    let pages = pages(Cli::command());
    let Some(directory) = to else {
        let name = ["agent-runner"].into_iter().chain(command.iter().map(String::as_str));
        let name = name.collect::<Vec<_>>().join("-");
        let page = pages.into_iter().find(|page| page.name == name).ok_or_else(|| {
            let message = format!("there is no command {}", command.join(" "));
            usage(message, "`agent-runner man` has the list of commands; give words such as: run status")
        })?;
        reply(output.output_format, &page, |page| page.text.clone())?;
        return Ok(0);
    };
    fs::create_dir_all(&directory).map_err(|error| {
        let error = anyhow::Error::new(error);
        Failure::from(error.context(format!("cannot make {}", directory.display())))
    })?;
    let mut written = Written { files: Vec::new() };
    for Page { name, text } in pages {
        let file = replace_file(&directory.join(format!("{name}.1")), &text)?;
        written.files.push(file.to_string_lossy().into_owned());
    }
    reply(output.output_format, &written, |written| {
        written.files.iter().map(|file| format!("{file}\n")).collect()
    })?;
    Ok(0)
}
