package io.sluice.benchmarks;

import io.sluice.lab.site.Site;
import io.sluice.lab.site.SitePod;
import io.sluice.linux.netns.NetnsHandle;
import io.sluice.linux.socket.Sockets.Family;
import io.sluice.mesh.IpAddresses;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * A site whose first three pods are the direct path, with a neighbour of its client, and are never
 * enrolled; of the others the first three are the same for the mesh and the rest are idle.
 */
final class Testbed implements AutoCloseable {
  /** Begins the names of all runs. */
  static final String PREFIX = "slxbench-";

  private static final int LOADED = 3; // client, server, neighbour
  private static final int FIRST_POD = LOADED; // behind the direct namespaces

  private final Site site;
  private final List<NetnsHandle> loaded = new ArrayList<>();

  /** Makes everything; {@code directory} is there and empty. */
  Testbed(String name, Path directory, int pods) {
    this.site =
        new Site(
            name,
            directory,
            IntStream.range(0, FIRST_POD + pods)
                .mapToObj(Integer::toString)
                .toArray(String[]::new));
    for (SitePod pod : site.pods().subList(0, FIRST_POD + LOADED)) {
      pod.allowManyConnections();
      loaded.add(pod.open());
    }
  }

  /** Between the two direct namespaces, or the first two pods. */
  LoadPath path(Route route) {
    return path(route, 0);
  }

  /** From the neighbour to the same server. */
  LoadPath neighbours(Route route) {
    return path(route, 2);
  }

  private LoadPath path(Route route, int client) {
    int first = route == Route.DIRECT ? 0 : FIRST_POD;
    LoadPath path =
        LoadPath.straight(
            route.name().toLowerCase(Locale.ROOT).replace('_', ' '),
            loaded.get(first + client),
            loaded.get(first + 1),
            IpAddresses.text(site.pods().get(first + 1).address(Family.IPV4)));
    return route == Route.AS_BYTES ? path.asBytes() : path;
  }

  /** One of those that are enrolled. */
  SitePod pod(int number) {
    return site.pods().get(FIRST_POD + number);
  }

  /** Removes the namespaces, and with them every interface. */
  @Override
  public void close() {
    loaded.forEach(NetnsHandle::close);
    site.close();
  }
}
