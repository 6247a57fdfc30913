/**
 * What a certificate authority is to the rest of the mesh: requests that have been proven, answers,
 * the trust bundle, and one word for each way to fail. Beside it the append-only record of every
 * certificate that was handed out, whoever signed it.
 *
 * <p>Knows no implementation and no setting. Start reading at {@link
 * io.sluice.control.authority.CertificateAuthority}.
 */
@NullMarked
package io.sluice.control.authority;

import org.jspecify.annotations.NullMarked;
