/**
 * What of identity outlives the daemon: files of the state directory, sealed with a key that may
 * lie elsewhere.
 *
 * <p>Decides nothing about certificates. A file is whole or absent, and one that is damaged is
 * reported and never used. Start reading at {@link
 * io.sluice.node.identity.store.CredentialStore.SealedFiles}.
 */
@NullMarked
package io.sluice.node.identity.store;

import org.jspecify.annotations.NullMarked;
