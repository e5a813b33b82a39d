//! Why a request got no reply, in words: its root cause, because the outer layers only say that something failed.

use std::error::Error;

use super::causes::{layers, root_of};
use super::tls;
use super::tunnel::TunnelError;

/// Why no connection came about; without one, nothing was sent.
pub(super) fn unconnected(error: &(dyn Error + 'static)) -> String {
    if let Some(fault) = tls::of(error) {
        return format!("{}; no request was sent", tls::in_words(fault));
    }
    if let Some(tunnel) = layers(error).find_map(|layer| layer.downcast_ref::<TunnelError>()) {
        return format!("{tunnel}; no request was sent");
    }
    let root = root_of(error);
    if is_of_the_name(error, &root) {
        return format!(
            "there is no such name, or no name service ({root}): is `base_url` right, and this machine online?"
        );
    }
    root
}

/// The name of the host could not be looked up.
fn is_of_the_name(error: &(dyn Error + 'static), root: &str) -> bool {
    root.starts_with("failed to lookup address") || layers(error).any(|layer| layer.to_string() == "dns error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_cannot_be_found_is_told() {
        let error = std::io::Error::other("failed to lookup address information: Name or service not known");
        assert_eq!(
            unconnected(&error),
            "there is no such name, or no name service (failed to lookup address information: Name or service not known): \
             is `base_url` right, and this machine online?"
        );
        assert_eq!(
            unconnected(&std::io::Error::other("Connection refused (os error 111)")),
            "Connection refused (os error 111)"
        );
    }
}
