package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import java.math.BigInteger;
import java.time.Instant;

/**
 * Who is at the other end, as its certificate proved in this handshake.
 *
 * @param identity from the leaf
 * @param serial of the leaf
 * @param notAfter end of the leaf's validity
 */
public record VerifiedPeer(SpiffeId identity, BigInteger serial, Instant notAfter) {}
