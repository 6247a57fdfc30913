package io.sluice.mesh;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one SMI TrafficTarget grants: the sources may reach the destination on the ports, with
 * whatever they send or with some HTTP requests.
 *
 * @param name namespace and name of the TrafficTarget, quoted in every verdict that rests on it
 * @param destination service account whose workloads may be reached
 * @param sources service accounts that may reach them
 * @param foreignSources identities of other meshes that may reach them, by their whole names
 * @param ports destination ports
 * @param access what of them is granted
 * @param revokedOrNull what becomes of open connections that rest on it when it no longer grants
 *     them; null where the TrafficTarget does not say, and that of the mesh holds
 */
public record Permission(
    NamespacedName name,
    NamespacedName destination,
    Set<NamespacedName> sources,
    Set<SpiffeId> foreignSources,
    Ports ports,
    Access access,
    @Nullable RevokedMode revokedOrNull)
    implements MeshObject {

  /** Lets in accounts of this mesh alone, and leaves open connections to the mesh's setting. */
  public Permission(
      NamespacedName name,
      NamespacedName destination,
      Set<NamespacedName> sources,
      Ports ports,
      Access access) {
    this(name, destination, sources, Set.of(), ports, access, null);
  }

  /** The same where whatever is sent to the ports is granted. */
  public Permission(
      NamespacedName name, NamespacedName destination, Set<NamespacedName> sources, Ports ports) {
    this(name, destination, sources, ports, Access.BYTES);
  }

  public Permission {
    sources = Set.copyOf(sources);
    foreignSources = Set.copyOf(foreignSources);
  }

  /** Whether it grants some HTTP requests to {@code port}, and nothing else there. */
  public boolean grantsOnlyRequests(int port) {
    return access instanceof Access.Requests requests
        && !requests.routes().isEmpty()
        && ports.contain(port);
  }

  @Override
  public Kind<Permission> kind() {
    return Kind.PERMISSION;
  }
}
