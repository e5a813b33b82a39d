//! `bursar export`.
use super::args::ExportArgs;
use super::out::Out;
use super::{Common, Exit};
pub(super) fn export(_: &ExportArgs, _: &Common, _: Out) -> anyhow::Result<Exit> {
    Ok(Exit::Complete)
}
