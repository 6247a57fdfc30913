package io.sluice.node.identity;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.svid.Certificates;
import io.sluice.node.identity.x509.Credential;
import io.sluice.node.identity.x509.TrustRoots;
import io.sluice.proxy.tls.DenyList;
import io.sluice.proxy.tls.TlsIdentity;
import io.sluice.proxy.tls.TlsSettings;
import io.sluice.proxy.tls.TlsStack;
import io.sluice.proxy.tls.TrustBundles;
import io.sluice.proxy.tls.WorkloadCredentials;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One identity of pods on this node and its end of mutual TLS. Changed by the keeper's thread
 * alone; what is volatile is read by any.
 */
final class HeldIdentity implements AutoCloseable {
  /** What is in use, as one value. */
  private record InUse(Credential credential, WorkloadCredentials presented, Instant end) {}

  final SpiffeId identity;
  final Backoff backoff;
  private final Optional<TlsIdentity> tls;
  private volatile @Nullable InUse inUse;
  private volatile @Nullable Trouble trouble;
  private long renewDueNanos;
  private boolean renewNow;

  /** When snapshots stopped asking for it; null while they do. */
  @Nullable Long unwantedSinceNanos;

  /** Whether a request for it is under way. */
  boolean busy;

  HeldIdentity(SpiffeId identity, DenyList denyList, RandomGenerator random) {
    this.identity = identity;
    this.backoff = new Backoff(random);
    this.tls =
        Optional.of(
            new TlsIdentity(TlsStack.best(), this::presented, denyList, TlsSettings.DEFAULTS));
  }

  /** Its end of TLS while its certificate is valid. Never blocks. */
  Optional<TlsIdentity> usable(Instant now) {
    InUse present = inUse;
    return present == null || now.isAfter(present.end) ? Optional.empty() : tls;
  }

  /** A handshake may still begin by an end that was handed out before its identity was dropped. */
  private WorkloadCredentials presented() {
    InUse present = inUse;
    if (present == null) {
      throw new IllegalStateException("no pod of this node has identity " + identity + " any more");
    }
    return present.presented;
  }

  Optional<Credential> credential() {
    return Optional.ofNullable(inUse).map(InUse::credential);
  }

  Optional<Trouble> trouble() {
    return Optional.ofNullable(trouble);
  }

  /** Uses it for new handshakes from now on. */
  void use(Credential credential, TrustBundles trusted, Instant now, long nowNanos) {
    inUse =
        new InUse(
            credential,
            new WorkloadCredentials(
                credential.identity(), credential.chain(), credential.key(), trusted),
            credential.end());
    renewDueNanos = nowNanos + Math.max(0, Duration.between(now, credential.renewAt()).toNanos());
    renewNow = false;
    trouble = null;
    backoff.reset();
  }

  /** Believes peers by other roots; a certificate that none of them covers is renewed at once. */
  void trust(TrustRoots roots) {
    InUse present = inUse;
    if (present != null) {
      Credential credential = present.credential;
      inUse =
          new InUse(
              credential,
              new WorkloadCredentials(
                  credential.identity(), credential.chain(), credential.key(), roots.bundles()),
              present.end);
      renewNow = Certificates.root(credential.chain(), roots.roots()).isEmpty();
    }
  }

  void failed(Trouble met, long nowNanos) {
    trouble = met;
    backoff.failed(nowNanos);
  }

  /** Whether a certificate should be asked for. By either clock, since the wall clock may jump. */
  boolean isDue(Instant now, long nowNanos) {
    InUse present = inUse;
    boolean due =
        present == null
            || renewNow
            || !now.isBefore(present.credential.renewAt())
            || nowNanos - renewDueNanos >= 0;
    return due && !busy && backoff.isOver(nowNanos);
  }

  /** What is used first where not everything can be asked for at once. */
  Instant urgency() {
    InUse present = inUse;
    return present == null ? Instant.MIN : present.end;
  }

  /** Forgets the key; connections that stand are not touched. */
  @Override
  public void close() {
    inUse = null;
    tls.orElseThrow().close();
  }
}
