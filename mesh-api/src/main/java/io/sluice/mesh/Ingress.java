package io.sluice.mesh;

import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an IngressBackend or an AccessControl lets in from outside the mesh, to ports of a service's
 * pods. Whoever is none of its sources, and outside the mesh too, reaches those ports no more.
 *
 * @param name namespace and name of that object, quoted in every verdict that rests on it
 * @param origin which kind of object that is
 * @param backends what may be reached
 * @param bytes those of them where whatever is sent is let in, and not requests alone
 * @param tls those of them at which the pod's node ends TLS of the caller, and how; at others an
 *     address is all that is known of a caller
 * @param sources from where
 * @param anywhere whether callers of TLS may have any address
 * @param principals DNS names, in lower case, and URIs of certificates, one of which a caller of
 *     TLS has to prove
 * @param routes which requests are let in
 */
public record Ingress(
    NamespacedName name,
    Origin origin,
    Set<Backend> backends,
    Set<Backend> bytes,
    Map<Backend, Tls> tls,
    List<Cidr> sources,
    boolean anywhere,
    Set<String> principals,
    Access.Requests routes)
    implements MeshObject {
  public Ingress {
    backends = Set.copyOf(backends);
    bytes = Set.copyOf(bytes);
    tls = Map.copyOf(tls);
    sources = List.copyOf(sources);
    principals = Set.copyOf(principals);
    if (!backends.containsAll(bytes) || !backends.containsAll(tls.keySet())) {
      throw new IllegalArgumentException("something is let in to what is no backend");
    }
  }

  /** One whose callers speak plain text. */
  public Ingress(
      NamespacedName name,
      Origin origin,
      Set<Backend> backends,
      Set<Backend> bytes,
      List<Cidr> sources,
      Access.Requests routes) {
    this(name, origin, backends, bytes, Map.of(), sources, false, Set.of(), routes);
  }

  /** Who has written it. */
  public enum Origin {
    INGRESS_BACKEND("IngressBackend"),
    ACCESS_CONTROL("AccessControl");

    private final String kind;

    Origin(String kind) {
      this.kind = kind;
    }

    /** As manifests write it. */
    public String kind() {
      return kind;
    }
  }

  /**
   * A port of the pods behind a service.
   *
   * @param service of the object's own namespace
   * @param port of the pods, and not of the service
   */
  public record Backend(NamespacedName service, int port) {}

  /**
   * How TLS of callers is ended.
   *
   * @param takesAnybody whether no certificate is asked for
   * @param hosts in lower case, one of which the caller has to name, where there are any; with an
   *     asterisk for the first labels all those below
   */
  public record Tls(boolean takesAnybody, Set<String> hosts) {
    public Tls {
      hosts = Set.copyOf(hosts);
    }

    /** Whether a caller may name {@code host}, in lower case; empty where it has named none. */
    public boolean isFor(String host) {
      return hosts.isEmpty()
          || hosts.contains(host)
          || hosts.stream()
              .anyMatch(one -> one.startsWith("*.") && host.endsWith(one.substring(1)));
    }
  }

  /** Whether a caller with this address may speak to {@code backend}. */
  public boolean isFor(InetAddress caller, Backend backend) {
    return (anywhere && tls.containsKey(backend))
        || sources.stream().anyMatch(range -> range.contains(caller));
  }

  /** How TLS of its callers is ended; null where they speak plain text. */
  public @Nullable Tls tlsOrNull(Backend backend) {
    return tls.get(backend);
  }

  /** What of {@code backend}, which is one of its own, its sources may send. */
  public Access access(Backend backend) {
    return bytes.contains(backend) ? Access.BYTES : routes;
  }

  /** What it is called among all: objects of both kinds may have one name. */
  String called() {
    return origin == Origin.INGRESS_BACKEND ? name.toString() : origin.kind() + "/" + name;
  }

  @Override
  public Kind<Ingress> kind() {
    return Kind.INGRESS;
  }
}
