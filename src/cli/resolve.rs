//! `bursar resolve`.
use super::args::ResolveArgs;
use super::out::Out;
use super::{Common, Exit};
pub(super) fn resolve(_: &ResolveArgs, _: &Common, _: Out) -> anyhow::Result<Exit> {
    Ok(Exit::Complete)
}
