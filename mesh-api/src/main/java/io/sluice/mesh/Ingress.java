package io.sluice.mesh;

import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * What an IngressBackend lets in: HTTP requests from outside the mesh to ports of a service's pods.
 * Whoever is none of its sources, and outside the mesh too, reaches those ports no more.
 *
 * @param name namespace and name of the IngressBackend, quoted in every verdict that rests on it
 * @param backends what may be reached
 * @param sources from where; an address is all that is known of such a caller
 * @param routes which requests are let in
 */
public record Ingress(
    NamespacedName name, Set<Backend> backends, List<Cidr> sources, Access.Requests routes)
    implements MeshObject {
  public Ingress {
    backends = Set.copyOf(backends);
    sources = List.copyOf(sources);
  }

  /**
   * A port of the pods behind a service.
   *
   * @param service of the IngressBackend's own namespace
   * @param port of the pods, and not of the service
   */
  public record Backend(NamespacedName service, int port) {}

  /** Whether a caller with this address is let in. */
  public boolean isFor(InetAddress caller) {
    return sources.stream().anyMatch(range -> range.contains(caller));
  }

  @Override
  public Kind<Ingress> kind() {
    return Kind.INGRESS;
  }
}
