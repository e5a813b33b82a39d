//! `bursar reconcile`.
use super::out::Out;
use super::{Common, Exit};
pub(super) fn reconcile(_: &Common, _: Out) -> anyhow::Result<Exit> {
    Ok(Exit::Complete)
}
