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
    for one in command
        .get_subcommands()
        .filter(|one| one.get_name() != "help")
    {
        let name = format!("regent {}", one.get_name());
        let man = Man::new(one.clone().bin_name(&name).display_name(&name));
        let mut section = Vec::new();
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        let section = String::from_utf8_lossy(&section).replace(".SH ", ".SS ");
        page.extend(format!(".SH \"{}\"\n", name.to_uppercase()).bytes());
        page.extend(section.bytes());
    }
    man.render_extra_section(&mut page)?;
    Ok(page)
}
