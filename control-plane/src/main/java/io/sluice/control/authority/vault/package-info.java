/**
 * Certificates signed by the PKI secrets engine of a Vault server. Keys of the authority never come
 * here; what comes back is checked before it is used.
 *
 * <p>Start reading at {@link io.sluice.control.authority.vault.VaultAuthority}.
 */
@NullMarked
package io.sluice.control.authority.vault;

import org.jspecify.annotations.NullMarked;
