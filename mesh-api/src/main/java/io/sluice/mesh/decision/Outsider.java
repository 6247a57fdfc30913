package io.sluice.mesh.decision;

import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.Ingress;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.SpiffeId;
import java.math.BigInteger;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a client outside the mesh has shown in TLS that this node has ended.
 *
 * @param host that it named (SNI), in lower case; empty where it named none
 * @param principals of the certificate that it proved; empty where none was asked for
 * @param serialOrNull of that certificate
 */
public record Outsider(String host, Set<String> principals, @Nullable BigInteger serialOrNull) {
  public Outsider {
    principals = Set.copyOf(principals);
  }

  /**
   * A client that shows whatever is asked of its TLS: where nothing but that was missing of a flow
   * to {@code port}, as {@code refused} says.
   */
  public static Optional<Outsider> askedFor(MeshSnapshot snapshot, Verdict refused, int port) {
    if (refused.reason() != Reason.INGRESS_TLS_REFUSED) {
      return Optional.empty();
    }
    return snapshot.all(Kind.INGRESS).stream()
        .filter(one -> refused.rule().filter(one.name()::equals).isPresent())
        .flatMap(one ->
            one.tls().entrySet().stream()
                .filter(entry -> entry.getKey().port() == port)
                .map(entry -> showing(one, entry.getValue())))
        .findFirst();
  }

  private static Outsider showing(Ingress ingress, Ingress.Tls tls) {
    String host =
        tls.hosts().stream().sorted().findFirst().map(one -> one.replace("*", "any")).orElse("");
    return new Outsider(host, tls.takesAnybody() ? Set.of() : ingress.principals(), null);
  }

  /** What it shows, for people. */
  public String words() {
    return "TLS"
        + (host.isEmpty() ? "" : " that names " + host)
        + (principals.isEmpty()
            ? ""
            : " with a certificate of " + String.join(" or ", new TreeSet<>(principals)));
  }

  /** Whether {@code denied} names its certificate, or an identity that this is of. */
  boolean isDeniedBy(DeniedPeers denied) {
    return (serialOrNull != null && denied.serials().contains(serialOrNull))
        || denied.identities().stream().map(SpiffeId::toString).anyMatch(principals::contains)
        || denied.foreign().stream().map(SpiffeId::toString).anyMatch(principals::contains);
  }
}
