//! `regent man`: one page with every command.

use std::io;

use clap::Command;
use clap_mangen::Man;

/// The manual page of the program and of all its commands.
pub(super) fn page(mut command: Command) -> io::Result<Vec<u8>> {
    command.build();
    let man = Man::new(command.clone())
        .source(format!("regent {}", env!("CARGO_PKG_VERSION")))
        .manual("regent");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    for one in command.get_subcommands() {
        if one.get_name() != "help" {
            page.extend(section(one)?);
        }
    }
    let mut extra = Vec::new();
    man.render_extra_section(&mut extra)?;
    page.extend(
        String::from_utf8_lossy(&extra)
            .replace(".SH EXTRA", ".SH NOTES")
            .bytes(),
    );
    Ok(page)
}

/// What the page says of one command. What holds for all of them has been said.
fn section(command: &Command) -> io::Result<Vec<u8>> {
    let name = format!("regent {}", command.get_name());
    let command = command.clone().bin_name(&name).display_name(&name);
    let command = command.mut_args(|argument| {
        let is_known = ["help", "socket"].contains(&argument.get_id().as_str());
        argument.hide(is_known)
    });
    let has_notes = command.get_after_long_help().is_some();
    let man = Man::new(command);
    let mut text = Vec::new();
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if has_notes {
        man.render_extra_section(&mut text)?;
    }
    let text = String::from_utf8_lossy(&text).replace(".SH EXTRA", ".SH NOTES");
    let text = text.replace(".SH ", ".SS ");
    Ok(format!(".SH \"{}\"\n{text}", name.to_uppercase()).into_bytes())
}
