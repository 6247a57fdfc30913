package io.sluice.mesh;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Who is asked about every request that arrives at a pod, by Envoy's protocol of external
 * authorisation over gRPC.
 *
 * @param host an IP address, or a name in lower case
 * @param statPrefix told with what is counted
 * @param timeoutMillis for how long an answer is waited for
 * @param failOpen whether a request goes on that nobody has answered for
 */
public record ExternalAuthorization(
    String host, int port, String statPrefix, long timeoutMillis, boolean failOpen) {
  /** Of {@link #statPrefix}, where nothing is said. */
  public static final String DEFAULT_STAT_PREFIX = "inboundExtAuthz";

  /** Of {@link #timeoutMillis}, where nothing is said. */
  public static final long DEFAULT_TIMEOUT_MILLIS = 1_000;

  /** Longest wait, so that what waits has a bound in time. */
  public static final long MOST_TIMEOUT_MILLIS = 30_000;

  /** Characters of a host, and of what is told with counts. */
  public static final int MOST_CHARACTERS = 253;

  private static final String SERVICES = "svc";

  public ExternalAuthorization {
    host = host.toLowerCase(Locale.ROOT);
    if (!isHost(host)) {
      throw new IllegalArgumentException(
          "'" + Printable.text(host, 80) + "' is neither a host name nor an IP address");
    }
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port " + port + " is outside 1..65535");
    }
    if (statPrefix.length() > MOST_CHARACTERS) {
      throw new IllegalArgumentException("a prefix has at most " + MOST_CHARACTERS + " characters");
    }
    if (timeoutMillis < 1 || timeoutMillis > MOST_TIMEOUT_MILLIS) {
      throw new IllegalArgumentException(
          timeoutMillis + " ms is outside 1.." + MOST_TIMEOUT_MILLIS);
    }
  }

  private static boolean isHost(String text) {
    if (text.isEmpty() || text.length() > MOST_CHARACTERS) {
      return false;
    }
    if (text.indexOf(':') >= 0) {
      return isAddress(text);
    }
    for (String label : text.split("\\.", -1)) {
      if (!label.matches("[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")) {
        return false;
      }
    }
    return !text.matches("[0-9.]*") || isAddress(text);
  }

  private static boolean isAddress(String text) {
    try {
      IpAddresses.parse(text);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** The name for which addresses have to be found outside the mesh; empty where none has to be. */
  public Optional<String> nameToFind(MeshSnapshot snapshot) {
    return isAddress(host) || ofService(snapshot).isPresent()
        ? Optional.empty()
        : Optional.of(host);
  }

  /**
   * Where it may be asked: ready endpoints of the Service that the name means, else what the node
   * has found under the name. In an order that lasts.
   */
  public List<InetSocketAddress> addresses(MeshSnapshot snapshot) {
    if (isAddress(host)) {
      return List.of(new InetSocketAddress(IpAddresses.parse(host), port));
    }
    return ofService(snapshot)
        .orElseGet(() ->
            snapshot.settings().names().addresses().getOrDefault(host, Set.of()).stream()
                .sorted(Comparator.comparing(InetAddress::getHostAddress))
                .map(address -> new InetSocketAddress(address, port))
                .toList());
  }

  /**
   * Of a name such as {@code opa.tools.svc}, with anything behind. A shorter one is a host's: else
   * who has a namespace of that name would become the authoriser.
   */
  private Optional<List<InetSocketAddress>> ofService(MeshSnapshot snapshot) {
    String[] labels = host.split("\\.", -1);
    if (labels.length < 3 || !labels[2].equals(SERVICES)) {
      return Optional.empty();
    }
    return snapshot
        .service(new NamespacedName(labels[1], labels[0]))
        .flatMap(service -> service.port(port))
        .map(ports ->
            ports.endpoints().stream().filter(Endpoint::ready).map(Endpoint::address).toList());
  }
}
