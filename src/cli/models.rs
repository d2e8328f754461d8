//! stub
#[derive(Debug, clap::Subcommand)]
pub enum ModelsCommand { List }
pub fn run(_: &ModelsCommand, _: &crate::store::StoreSettings, _: &super::printer::Printer) -> crate::error::Result<super::Ending> { Ok(super::Ending::Done) }
