package io.sluice.control.objects;

import io.sluice.mesh.HttpFilters;
import io.sluice.mesh.HttpMatch;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.SessionPersistence;
import io.sluice.mesh.TrafficRoute.TimeLimits;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An HTTPRoute or a GRPCRoute of the Gateway API ({@code gateway.networking.k8s.io/v1}), as far as
 * it is one of Services. One that has no Service for its parent is another's, and nothing else of
 * it is read.
 *
 * @param meta name and origin
 * @param parents the Services whose calls it concerns
 * @param namesHosts whether it names hostnames, which mean nothing for Services
 * @param notEnforced paths of fields that are set and that the mesh does not act on
 */
public record GatewayRoute(
    ObjectMeta meta,
    List<Parent> parents,
    boolean namesHosts,
    List<Rule> rules,
    List<String> notEnforced)
    implements KubernetesObject {
  public GatewayRoute {
    parents = List.copyOf(parents);
    rules = List.copyOf(rules);
    notEnforced = List.copyOf(notEnforced);
  }

  /** Whether it is a GRPCRoute. */
  public boolean isGrpc() {
    return meta.ref().kind().equals(ReadableKind.GRPC_ROUTE.kind());
  }

  /**
   * A Service whose calls it concerns.
   *
   * @param index in {@code spec.parentRefs}
   * @param port of the Service; 0 for every one
   * @param portName of the Service; empty for every one
   */
  public record Parent(int index, NamespacedName service, int port, String portName) {}

  /**
   * Requests that one of the matches matches go to the backends.
   *
   * @param sessionOrNull how requests of one session go to one pod; null where they need not
   */
  public record Rule(
      List<Match> matches,
      Changes changes,
      List<Backend> backends,
      TimeLimits limits,
      @Nullable SessionPersistence sessionOrNull) {
    public Rule {
      matches = List.copyOf(matches);
      backends = List.copyOf(backends);
    }
  }

  /**
   * Which requests are meant.
   *
   * @param prefix of the path, where it is matched by its first segments; else empty
   * @param rank compared one number after the other: the match with the larger ones goes first
   */
  public record Match(HttpMatch match, String prefix, List<Integer> rank) {
    public Match {
      rank = List.copyOf(rank);
    }
  }

  /**
   * What filters say.
   *
   * @param filters a path that replaces a prefix leaves the prefix empty
   * @param mirrors who gets copies, which {@code filters} leave out
   * @param faultsOrNull the FaultInjection that it names
   * @param unusable what of it cannot be used, each with its field
   */
  public record Changes(
      HttpFilters filters,
      HttpFilters.@Nullable Redirect redirectOrNull,
      List<Mirror> mirrors,
      @Nullable FaultsOf faultsOrNull,
      List<Unusable> unusable) {
    public Changes {
      mirrors = List.copyOf(mirrors);
      unusable = List.copyOf(unusable);
    }
  }

  /**
   * Where copies of a share of the requests go, {@code parts} of {@code whole}.
   *
   * @param field that says so
   * @param to whose weight and changes mean nothing
   */
  public record Mirror(String field, Backend to, int parts, int whole) {}

  /** The FaultInjection of that name in the route's namespace, and the field that names it. */
  public record FaultsOf(String field, NamespacedName name) {}

  /** Why a filter cannot be used. */
  public record Unusable(String field, String reason) {}

  /**
   * Where requests go.
   *
   * @param isService whether it names a Service; nothing else can be called
   * @param service whose name it is where it is one
   */
  public record Backend(
      boolean isService, NamespacedName service, int port, int weight, Changes changes) {}
}
