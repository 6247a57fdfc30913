package io.sluice.mesh;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * What an IngressBackend or an AccessControl lets in from outside the mesh, to ports of a service's
 * pods. Whoever is none of its sources, and outside the mesh too, reaches those ports no more.
 *
 * @param name namespace and name of that object, quoted in every verdict that rests on it
 * @param origin which kind of object that is
 * @param backends what may be reached
 * @param bytes those of them where whatever is sent is let in, and not requests alone
 * @param sources from where; an address is all that is known of such a caller
 * @param routes which requests are let in
 */
public record Ingress(
    NamespacedName name,
    Origin origin,
    Set<Backend> backends,
    Set<Backend> bytes,
    List<Cidr> sources,
    Access.Requests routes)
    implements MeshObject {
  public Ingress {
    backends = Set.copyOf(backends);
    bytes = Set.copyOf(bytes);
    sources = List.copyOf(sources);
    if (!backends.containsAll(bytes)) {
      throw new IllegalArgumentException("bytes are let in to what is no backend");
    }
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

  /** Whether a caller with this address is let in. */
  public boolean isFor(InetAddress caller) {
    return sources.stream().anyMatch(range -> range.contains(caller));
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
