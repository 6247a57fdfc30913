package io.sluice.mesh;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A server that an object names, which nodes ask, or tell, about requests.
 *
 * @param host an IP address, or a name in lower case
 * @param tlsOrNull by what it is believed; null where it is asked in clear
 */
public record NamedServer(String host, int port, @Nullable ServerTls tlsOrNull) {
  /** Of a host. */
  public static final int MOST_CHARACTERS = 253;

  /** Longest wait for an answer, so that what waits has a bound in time. */
  public static final long MOST_TIMEOUT_MILLIS = 30_000;

  private static final String SERVICES = "svc";

  public NamedServer {
    host = host.toLowerCase(Locale.ROOT);
    if (!isHost(host)) {
      throw new IllegalArgumentException(
          "'" + Printable.text(host, 80) + "' is neither a host name nor an IP address");
    }
    Ports.require(port);
  }

  /** One that is asked in clear. */
  public NamedServer(String host, int port) {
    this(host, port, null);
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

  static void requireTimeout(long millis) {
    if (millis < 1 || millis > MOST_TIMEOUT_MILLIS) {
      throw new IllegalArgumentException(millis + " ms is outside 1.." + MOST_TIMEOUT_MILLIS);
    }
  }

  /** Whether it has no name. */
  public boolean isAddress() {
    return isAddress(host);
  }

  /** Host and port, as HTTP has them (RFC 9110 §7.2). */
  public String authority() {
    return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
  }

  /** The name for which addresses have to be found outside the mesh; empty where none has to be. */
  public Optional<String> nameToFind(MeshSnapshot snapshot) {
    return isAddress() || ofService(snapshot).isPresent() ? Optional.empty() : Optional.of(host);
  }

  /** Whether it is the address of nobody else: what only the node itself reaches, or a group. */
  public boolean isSpecial() {
    return isAddress() && isSpecial(IpAddresses.parse(host));
  }

  private static boolean isSpecial(InetAddress address) {
    return address.isLoopbackAddress()
        || address.isAnyLocalAddress()
        || address.isLinkLocalAddress()
        || address.isMulticastAddress();
  }

  /**
   * Where it may be asked: ready endpoints of the Service that the name means, else what the node
   * has found under the name, of both but {@linkplain #isSpecial special} ones: slices and names
   * are written by others than the address that an object says. Nowhere that is isolated, since a
   * question has what a pod was sent. In an order that lasts.
   */
  public List<InetSocketAddress> addresses(MeshSnapshot snapshot) {
    List<InetSocketAddress> every =
        isAddress()
            ? List.of(new InetSocketAddress(IpAddresses.parse(host), port))
            : ofService(snapshot)
                .orElseGet(() ->
                    snapshot.settings().names().addresses().getOrDefault(host, Set.of()).stream()
                        .filter(address -> !isSpecial(address))
                        .sorted(Comparator.comparing(InetAddress::getHostAddress))
                        .map(address -> new InetSocketAddress(address, port))
                        .toList());
    return snapshot.settings().isolated().isEmpty()
        ? every
        : every.stream().filter(one -> !snapshot.settings().isolates(one.getAddress())).toList();
  }

  /**
   * Of a name such as {@code opa.tools.svc}, with anything behind. A shorter one is a host's: else
   * who has a namespace of that name would become the server.
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
            ports.endpoints().stream()
                .filter(Endpoint::ready)
                .map(Endpoint::address)
                .filter(address -> !isSpecial(address.getAddress()))
                .toList());
  }
}
