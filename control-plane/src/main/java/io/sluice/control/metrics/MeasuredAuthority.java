package io.sluice.control.metrics;

import io.sluice.control.authority.CertificateAuthority;
import io.sluice.control.authority.CertificateAuthority.AuthorityHealth;
import io.sluice.control.authority.CertificateAuthority.IssuedCertificate;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.JournalEntry;
import io.sluice.control.authority.TrustBundle;
import io.sluice.mesh.TrustDomain;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** An authority whose signatures are timed, and the latest of them remembered. */
public final class MeasuredAuthority implements CertificateAuthority {
  /** Some hundred octets each. */
  private static final int MOST_REMEMBERED = 1_024;

  private final CertificateAuthority authority;
  private final ControllerMetrics metrics;
  private final InstantSource clock;
  private final Deque<JournalEntry> latest = new ArrayDeque<>(); // guarded by itself

  /** Closes {@code authority} with itself. */
  public MeasuredAuthority(
      CertificateAuthority authority, ControllerMetrics metrics, InstantSource clock) {
    this.authority = authority;
    this.metrics = metrics;
    this.clock = clock;
  }

  /** What it has signed since it was made, the newest last; of many the newest only. */
  public List<JournalEntry> latest() {
    synchronized (latest) {
      return List.copyOf(latest);
    }
  }

  private void remember(JournalEntry issued) {
    synchronized (latest) {
      if (latest.size() == MOST_REMEMBERED) {
        latest.removeFirst();
      }
      latest.addLast(issued);
    }
  }

  @Override
  public IssuedCertificate sign(CertificateRequest request) {
    long begin = System.nanoTime();
    IssuedCertificate issued = authority.sign(request);
    metrics.signed(Duration.ofNanos(System.nanoTime() - begin));
    remember(
        JournalEntry.of(
            clock.instant(), issued.leaf(), request.identity().toString(), request.requester()));
    return issued;
  }

  @Override
  public List<X509Certificate> signClient(
      List<String> names, PublicKey key, Duration lifetime, String requester) {
    long begin = System.nanoTime();
    List<X509Certificate> chain = authority.signClient(names, key, lifetime, requester);
    metrics.signed(Duration.ofNanos(System.nanoTime() - begin));
    remember(
        JournalEntry.of(clock.instant(), chain.getFirst(), String.join(" ", names), requester));
    return chain;
  }

  @Override
  public TrustBundle trustBundle() {
    return authority.trustBundle();
  }

  @Override
  public void signFor(TrustDomain domain) {
    authority.signFor(domain);
  }

  @Override
  public AuthorityHealth health() {
    return authority.health();
  }

  @Override
  public void close() {
    authority.close();
  }
}
