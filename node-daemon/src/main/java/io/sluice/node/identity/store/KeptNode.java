package io.sluice.node.identity.store;

import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.TrustRoots;

/**
 * What a node knows of itself across restarts.
 *
 * @param credential its own
 * @param roots the trust bundle it went by
 * @param usedToken id of the join token that admitted it; empty where it was none
 */
public record KeptNode(Credential credential, TrustRoots roots, String usedToken) {}
