package io.sluice.proxy.tls;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.svid.SvidJudge;
import io.sluice.mesh.svid.SvidRefused;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * What one workload proves itself with, and what it believes others by. Replaced as a whole on
 * renewal; compared by identity when it is.
 *
 * @param identity as the leaf names it
 * @param chain leaf first, then its intermediates, without the root; 1 to 6 certificates
 * @param key of the leaf; never logged
 * @param trusted roots to believe peers by
 */
public record WorkloadCredentials(
    SpiffeId identity, List<X509Certificate> chain, PrivateKey key, TrustBundles trusted) {
  public WorkloadCredentials {
    chain = List.copyOf(chain);
    if (chain.isEmpty() || chain.size() > SvidJudge.LONGEST_CHAIN) {
      throw new IllegalArgumentException(
          "the chain of "
              + identity
              + " has "
              + chain.size()
              + " certificates; 1.."
              + SvidJudge.LONGEST_CHAIN);
    }
    SpiffeId named;
    try {
      named = SvidJudge.identity(chain);
    } catch (SvidRefused e) {
      throw new IllegalArgumentException(
          "the certificate of " + identity + " is no X.509-SVID: " + e.getMessage(), e);
    }
    if (!named.equals(identity)) {
      throw new IllegalArgumentException(
          "the certificate is of " + named + " and not of " + identity);
    }
  }

  /** Without the key. */
  @Override
  public String toString() {
    return identity + " serial=" + chain.getFirst().getSerialNumber().toString(16);
  }
}
