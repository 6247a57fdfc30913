package io.sluice.control.roots;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.metrics.ReplicaMetrics;
import io.sluice.control.metrics.ReplicaMetrics.WriteResult;
import io.sluice.control.registry.Rounds;
import io.sluice.process.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the ConfigMap equal to the roots that the mesh goes by, while {@code mayWrite}: those that
 * are only being made known as well, since a node that starts now may meet a certificate of theirs
 * later. It looks at the object at each change and every so often, so that one that was deleted or
 * changed by hand comes back. An object that somebody else has made is left alone. One virtual
 * thread.
 */
public final class RootsPublisher implements AutoCloseable {
  /** Time between two looks at an object that was as it should be. */
  public static final Duration USUAL_LOOK = Duration.ofSeconds(15);

  /** The label of the ConfigMap that the controller owns. */
  public static final Map<String, String> OWNED =
      Map.of(RootsConfigMap.OWNER_LABEL, RootsConfigMap.OWNER);

  private static final Logger LOG = System.getLogger(RootsPublisher.class.getName());
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  private final KubernetesApi api;
  private final RootsConfigMap map;
  private final BooleanSupplier mayWrite;
  private final Supplier<Optional<TrustBundle>> bundles;
  private final ReplicaMetrics metrics;
  private final Duration look;
  private final Duration pause;
  private final Backoff backoff = new Backoff(Duration.ofMillis(500), Duration.ofSeconds(30));
  private final Rounds rounds = new Rounds("sluice-control-roots", this::round);
  private volatile @Nullable String problem;

  /** That of the object; one that was deleted comes back with the id it had. */
  private String meshId = UUID.randomUUID().toString();

  /** What the object said at the last look, and when that was. */
  private @Nullable TrustBundle published;

  private long lookedAt;

  /**
   * Begins.
   *
   * @param api not owned
   * @param namespace of the ConfigMap
   * @param name of the ConfigMap
   * @param mayWrite asked before each write; nobody else may write while it says yes
   * @param bundles the present roots; empty until they are known
   * @param look time between two looks at an object that was as it should be
   */
  public RootsPublisher(
      KubernetesApi api,
      String namespace,
      String name,
      BooleanSupplier mayWrite,
      Supplier<Optional<TrustBundle>> bundles,
      ReplicaMetrics metrics,
      Duration look) {
    this.api = api;
    this.map = new RootsConfigMap(namespace, name);
    this.mayWrite = mayWrite;
    this.bundles = bundles;
    this.metrics = metrics;
    this.look = look;
    this.pause = look.compareTo(LONGEST_PAUSE) < 0 ? look : LONGEST_PAUSE;
    rounds.start();
  }

  /** Why the ConfigMap does not say the present roots, and what to do. */
  public Optional<String> problem() {
    return Optional.ofNullable(problem);
  }

  /** Returns the pause until the next. */
  private Duration round() {
    if (!mayWrite.getAsBoolean()) {
      left(null);
      return pause;
    }
    TrustBundle bundle = bundles.get().orElse(null);
    if (bundle == null || isFresh(bundle)) {
      return pause;
    }
    try {
      publish(bundle);
      backoff.reset();
      return pause;
    } catch (KubernetesApiException e) {
      metrics.roots(WriteResult.of(e.failure()));
      if (e.failure() == Failure.CONFLICT) {
        published = null; // somebody was first; who, the next look tells
      } else {
        left(e.getMessage() + "; " + mend(e.failure()));
      }
      return e.pauseOf(backoff);
    } catch (RuntimeException e) {
      // Top frame: without this thread no later node would believe the controller.
      LOG.log(Level.ERROR, "roots_publishing_failed", e);
      left(e.toString());
      return backoff.failed();
    }
  }

  private boolean isFresh(TrustBundle bundle) {
    return bundle.equals(published) && System.nanoTime() - lookedAt < look.toNanos();
  }

  private void publish(TrustBundle bundle) {
    JsonNode stored = api.find(map.path()).orElse(null);
    if (stored == null) {
      if (mayWrite.getAsBoolean()) {
        api.post(map.collection(), map.first(bundle.roots(), meshId));
        written(bundle);
      }
    } else if (!RootsConfigMap.isOurs(stored)) {
      left(notOurs());
      lookedAt = System.nanoTime();
      published = bundle; // by whom does not matter for when to look again
    } else if (RootsConfigMap.says(stored, bundle.roots())) {
      meshId = RootsConfigMap.meshId(stored);
      seen(bundle);
    } else if (mayWrite.getAsBoolean()) {
      goOnWith(stored, bundle);
      api.put(map.path(), map.changed(stored, bundle.roots(), meshId));
      written(bundle);
    }
  }

  /** Whose roots share none with ours was another mesh's, and its id is not ours. */
  private void goOnWith(JsonNode stored, TrustBundle bundle) {
    String id = RootsConfigMap.meshId(stored);
    if (RootsConfigMap.isOfOthers(stored, bundle.roots())) {
      meshId = id.equals(meshId) ? UUID.randomUUID().toString() : meshId;
    } else if (!id.isEmpty()) {
      meshId = id;
    }
  }

  private void written(TrustBundle bundle) {
    metrics.roots(WriteResult.WRITTEN);
    LOG.log(
        Level.INFO,
        "roots_published config_map={0}/{1} generation={2} roots={3}",
        map.namespace(),
        map.name(),
        bundle.generation(),
        bundle.roots().size());
    seen(bundle);
  }

  private void seen(TrustBundle bundle) {
    published = bundle;
    lookedAt = System.nanoTime();
    problem = null;
    metrics.rootsPublished(true);
  }

  /** Notes that the object does not say the present roots, or that nobody knows. */
  private void left(@Nullable String why) {
    if (why != null && !why.equals(problem)) {
      LOG.log(Level.WARNING, "roots_not_published {0}", why);
    }
    published = null;
    problem = why;
    metrics.rootsPublished(false);
  }

  private String notOurs() {
    return "ConfigMap "
        + map.namespace()
        + "/"
        + map.name()
        + " was made by somebody else and is left as it is: it lacks the label "
        + RootsConfigMap.OWNER_LABEL
        + "="
        + RootsConfigMap.OWNER
        + "; delete it or give it the label, and the controller keeps it, or start the controller"
        + " without --trust-bundle-config-map and keep it yourself";
  }

  private String mend(Failure failure) {
    return switch (failure) {
      case FORBIDDEN ->
          "allow it to the controller's account in namespace "
              + map.namespace()
              + ": {apiGroups: [''], resources: [configmaps], verbs: [create]} and {apiGroups: [''],"
              + " resources: [configmaps], resourceNames: ["
              + map.name()
              + "], verbs: [get, update]}";
      case UNAUTHENTICATED -> "give the controller a credential that the API server knows";
      case NOT_FOUND -> "make the namespace " + map.namespace() + " where it is missing";
      case REJECTED -> "delete the ConfigMap, or let the API server take it";
      case UNREACHABLE, BUSY, CONFLICT -> "it is tried again";
    };
  }

  /** Stops; a write that is under way ends first. */
  @Override
  public void close() {
    rounds.close();
  }

  /** What the ConfigMap with the roots says. */
  private record RootsConfigMap(String namespace, String name) {
    /** The key that nodes mount. */
    static final String KEY = "roots.pem";

    /**
     * The key beside it: a random id of the mesh, which stays while one of the roots is shared and
     * the object is there. By it nodes tell a mesh that was installed anew with the roots of
     * another.
     */
    static final String MESH_ID = "mesh-id";

    /** Who may change the object; somebody else's is left alone. */
    static final String OWNER_LABEL = "app.kubernetes.io/managed-by";

    static final String OWNER = "sluice-controller";

    String collection() {
      return "/api/v1/namespaces/" + namespace + "/configmaps";
    }

    String path() {
      return collection() + "/" + name;
    }

    /** A new one. */
    ObjectNode first(List<X509Certificate> roots, String meshId) {
      ObjectNode map = JsonNodeFactory.instance.objectNode();
      map.put("apiVersion", "v1").put("kind", "ConfigMap");
      map.putObject("metadata")
          .put("namespace", namespace)
          .put("name", name)
          .putObject("labels")
          .put(OWNER_LABEL, OWNER)
          .put("app.kubernetes.io/part-of", "sluice");
      return with(map, roots, meshId);
    }

    /** {@code stored} with other roots; its version, and what others have added, stay. */
    ObjectNode changed(JsonNode stored, List<X509Certificate> roots, String meshId) {
      return with(stored.deepCopy(), roots, meshId);
    }

    private static ObjectNode with(ObjectNode map, List<X509Certificate> roots, String meshId) {
      map.withObject("/data").put(KEY, new Pem(roots, List.of()).text()).put(MESH_ID, meshId);
      return map;
    }

    /** The id that it names; empty where it names none. */
    static String meshId(JsonNode stored) {
      return stored.path("data").path(MESH_ID).asText();
    }

    /** Whether it names roots, and none of these. */
    static boolean isOfOthers(JsonNode stored, List<X509Certificate> roots) {
      Set<X509Certificate> named = roots(stored);
      return !named.isEmpty() && Collections.disjoint(named, roots);
    }

    private static Set<X509Certificate> roots(JsonNode stored) {
      try {
        return Set.copyOf(Pem.parse(stored.path("data").path(KEY).asText(), KEY).certificates());
      } catch (AuthorityException e) {
        return Set.of(); // damaged: it is written anew
      }
    }

    static boolean isOurs(JsonNode stored) {
      return stored.path("metadata").path("labels").path(OWNER_LABEL).asText().equals(OWNER);
    }

    /** Whether it says just these, and an id; the order is that of whoever wrote last. */
    static boolean says(JsonNode stored, List<X509Certificate> roots) {
      return !meshId(stored).isEmpty() && roots(stored).equals(Set.copyOf(roots));
    }
  }
}
