//! Certificates for a Pod must be for its key, and live as long as the status says and the request allows.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::certificates::v1::{PodCertificateRequest, PodCertificateRequestStatus};
use meta::field::BadValue;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::super::x509;
use super::{DEFAULT_SECS, STATUS, spec};
use crate::check::{At, Errors};
use crate::wire::OrEmpty as _;
use crate::{pem, signer};

/// What is wrong with one field of the status.
type Fault = (&'static str, BadValue, String);

/// What is wrong with the certificates of a request.
pub(super) fn validate(errors: &mut Errors, request: &PodCertificateRequest) {
    let Some(status) = &request.status else { return };
    let chain = status.certificate_chain.or_empty();
    if chain.len() > CHAIN_BYTES_MAX {
        errors.too_long(&STATUS.field(CHAIN), CHAIN_BYTES_MAX);
    } else if let Err((field, shown, detail)) = in_order(errors, request, status, chain) {
        errors.invalid(&STATUS.field(field), shown, detail);
    }
}

const CHAIN_BYTES_MAX: usize = 100 * 1024;
const CHAIN: &str = "certificateChain";
const NOT_BEFORE: &str = "notBefore";
const NOT_AFTER: &str = "notAfter";
const BEGIN_REFRESH_AT: &str = "beginRefreshAt";

/// Checks everything up to the first fault that leaves nothing more to say.
fn in_order(
    errors: &mut Errors,
    request: &PodCertificateRequest,
    status: &PodCertificateRequestStatus,
    chain: &str,
) -> Result<(), Fault> {
    let refused = |detail: &str| (CHAIN, BadValue::from(chain), detail.to_owned());
    let blocks = pem::blocks(chain.as_bytes());
    let (first, others) = blocks
        .split_first()
        .ok_or_else(|| refused("issued certificate chain must contain at least one certificate"))?;
    if first.label != x509::LABEL {
        return Err(refused(
            "issued certificate chain must consist entirely of CERTIFICATE PEM blocks",
        ));
    }
    let leaf = x509::read(&first.contents)
        .ok_or_else(|| refused("leaf certificate does not parse as valid X.509"))?;
    let found = errors.len();
    validate_names(errors, &leaf);
    let wanted = spec::key(&request.spec.stub_pkc_s10_request.0);
    if wanted.as_deref() != Some(leaf.public_key().raw) {
        return Err(refused("leaf certificate was not issued to the requested public key"));
    }
    let Some(times) = Times::of(errors, status) else { return Ok(()) };
    if errors.len() > found {
        return Ok(());
    }
    let max_secs = request.spec.max_expiration_seconds.unwrap_or(DEFAULT_SECS);
    times.validate(&leaf, max_secs)?;
    for block in others {
        if block.label != x509::LABEL {
            // Kubernetes spells it so.
            return Err(refused(
                "issued certificate chain must consist entirely of CERTFICATE PEM blocks",
            ));
        }
        if x509::read(&block.contents).is_none() {
            return Err(refused("intermediate certificate does not parse as valid X.509"));
        }
    }
    Ok(())
}

fn validate_names(errors: &mut Errors, leaf: &X509Certificate<'_>) {
    let at = STATUS.field(CHAIN);
    let names = leaf.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let (mut hosts, mut mailboxes) = (Vec::new(), Vec::new());
    for name in names {
        match name {
            GeneralName::DNSName(host) => hosts.push(*host),
            GeneralName::RFC822Name(mailbox) => mailboxes.push(*mailbox),
            _ => {}
        }
    }
    for host in hosts {
        validate_host(errors, &at, host);
    }
    for mailbox in mailboxes.into_iter().filter(|mailbox| !is_mailbox(mailbox)) {
        let detail = "leaf certificate should not contain invalid EmailAddress";
        errors.invalid(&at, mailbox, detail);
    }
}

fn validate_host(errors: &mut Errors, at: &At<'_>, host: &str) {
    if host.is_empty() {
        errors.invalid(at, host, "leaf certificate should not contain empty DNSName");
    }
    if host.contains("..") {
        errors.invalid(at, host, "leaf certificate's DNSName should not contain '..'");
    }
    if host.starts_with('.') || host.ends_with('.') {
        errors.invalid(at, host, "leaf certificate's DNSName should not start or end with '.'");
    }
}

/// Whether it looks like `name@host`.
fn is_mailbox(text: &str) -> bool {
    let is_odd = |letter: char| letter.is_whitespace() || "()<>[]:;,\\\"".contains(letter);
    text.split_once('@').is_some_and(|(name, host)| {
        [name, host].iter().all(|part| part.split('.').all(|word| !word.is_empty()))
            && !text.contains(is_odd)
            && !host.contains('@')
    })
}

/// Since when and until when the certificate holds, as the status says, and when to ask for the next.
struct Times {
    not_before: Timestamp,
    not_after: Timestamp,
    begin_refresh_at: Timestamp,
}

/// How far from both ends of its life a certificate is replaced.
const REFRESH_MARGIN: SignedDuration = SignedDuration::from_mins(10);

impl Times {
    fn of(errors: &mut Errors, status: &PodCertificateRequestStatus) -> Option<Self> {
        let consistent = "must be present and consistent with the issued certificate";
        let in_range = "must be present and in the range [notbefore+10min, notafter-10min]";
        for (field, time, detail) in [
            (NOT_BEFORE, &status.not_before, consistent),
            (NOT_AFTER, &status.not_after, consistent),
            (BEGIN_REFRESH_AT, &status.begin_refresh_at, in_range),
        ] {
            if time.is_none() {
                errors.required(&STATUS.field(field), detail);
            }
        }
        Some(Self {
            not_before: status.not_before.as_ref()?.0,
            not_after: status.not_after.as_ref()?.0,
            begin_refresh_at: status.begin_refresh_at.as_ref()?.0,
        })
    }

    fn validate(&self, leaf: &X509Certificate<'_>, max_secs: i32) -> Result<(), Fault> {
        let validity = leaf.validity();
        let (since, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        for (field, time, encoded, name) in [
            (NOT_BEFORE, self.not_before, since, "NotBefore"),
            (NOT_AFTER, self.not_after, until, "NotAfter"),
        ] {
            if Timestamp::from_second(encoded).ok() != Some(time) {
                let detail =
                    format!("must be set to the {name} time encoded in the leaf certificate");
                return Err((field, time.to_string().into(), detail));
            }
        }
        let lifetime = until.saturating_sub(since);
        // Kubernetes shows nanoseconds.
        let shown = BadValue::from(lifetime.saturating_mul(1_000_000_000));
        if lifetime < i64::from(signer::CERTIFICATE_SECS_MIN) {
            let detail = "leaf certificate lifetime must be >= 1 hour";
            return Err((CHAIN, shown, detail.to_owned()));
        }
        if lifetime > i64::from(max_secs) {
            let detail = format!(
                "leaf certificate lifetime must be <= spec.maxExpirationSeconds ({max_secs})"
            );
            return Err((CHAIN, shown, detail));
        }
        let refresh = self.begin_refresh_at;
        let fault = if refresh.duration_since(self.not_before) < REFRESH_MARGIN {
            "must be at least 10 minutes after status.notBefore"
        } else if self.not_after.duration_since(refresh) < REFRESH_MARGIN {
            "must be at least 10 minutes before status.notAfter"
        } else {
            return Ok(());
        };
        Err((BEGIN_REFRESH_AT, refresh.to_string().into(), fault.to_owned()))
    }
}
