package io.sluice.node.identity;

import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.control.ControlAddress;
import io.sluice.node.identity.control.ControlTiming;
import io.sluice.proxy.tls.TlsPolicy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The identity part of a daemon, with its files in a directory of a test. */
final class TestNode implements AutoCloseable {
  static final TrustDomain SITE = new TrustDomain("site.example");
  static final SpiffeId SHOP = new SpiffeId(SITE, "shop", "web");
  static final SpiffeId BANK = new SpiffeId(SITE, "bank", "ledger");

  /** A first call pays for the controller's and the client's classes, on whatever machine. */
  private static final ControlTiming QUICK =
      new ControlTiming(Duration.ofSeconds(10), Duration.ofSeconds(10), Duration.ofSeconds(5));

  final NodeIdentities identities;

  private TestNode(NodeIdentities identities) {
    this.identities = identities;
  }

  static Path state(Path directory) {
    return directory.resolve("identity");
  }

  /** Admitted by the token in the file {@code token} of the directory. */
  static TestNode start(Path directory, String address, boolean keep, IdentityClock clock) {
    return start(
        directory,
        new ControlSettings(
            ControlAddress.parse(address),
            new Admission.JoinToken(directory.resolve("token")),
            keep,
            null),
        clock);
  }

  static TestNode start(Path directory, ControlSettings settings, IdentityClock clock) {
    NodeIdentities identities =
        new NodeIdentities("edge1", state(directory), settings, TlsPolicy.OPEN, QUICK, clock);
    identities.begin();
    return new TestNode(identities);
  }

  static void write(Path directory, String name, String text) {
    try {
      Files.writeString(directory.resolve(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void want(SpiffeId... wanted) {
    identities.want(Set.of(wanted), identity -> false);
  }

  CertificateStatus certificate(SpiffeId identity) {
    return identities.certificates().stream()
        .filter(one -> one.identity().equals(identity))
        .findFirst()
        .orElseThrow(() -> new AssertionError("nothing is known of " + identity));
  }

  String serial(SpiffeId identity) {
    return certificate(identity)
        .facts()
        .map(CertificateStatus.Facts::serial)
        .orElseThrow(() -> new AssertionError("no certificate of " + identity));
  }

  IdentityStatus status() {
    return identities.status();
  }

  /** Results that were counted at least once. */
  Set<String> results() {
    return identities.requests().entrySet().stream()
        .filter(one -> one.getValue() > 0)
        .map(Map.Entry::getKey)
        .map(RequestCounts.Series::result)
        .collect(Collectors.toSet());
  }

  @Override
  public void close() {
    identities.close();
  }
}
