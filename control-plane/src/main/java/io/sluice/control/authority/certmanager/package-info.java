/**
 * Certificates signed by an issuer of cert-manager, through CertificateRequest objects. What comes
 * back is checked before it is used, and no object is left behind.
 *
 * <p>Start reading at {@link io.sluice.control.authority.certmanager.CertManagerAuthority}.
 */
@NullMarked
package io.sluice.control.authority.certmanager;

import org.jspecify.annotations.NullMarked;
