package io.sluice.control.roots;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.control.authority.TrustBundle;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.metrics.ReplicaMetrics;
import io.sluice.control.metrics.ReplicaMetrics.WriteResult;
import io.sluice.control.registry.SourceThread;
import io.sluice.process.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
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
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;
  private volatile @Nullable String problem;

  /** That of the object; one that was deleted comes back with the id it had. */
  private String meshId = UUID.randomUUID().toString();

  /** What the object said at the last look, and when that was. */
  private @Nullable TrustBundle published;

  private long lookedAt;

  private RootsPublisher(
      KubernetesApi api,
      RootsConfigMap map,
      BooleanSupplier mayWrite,
      Supplier<Optional<TrustBundle>> bundles,
      ReplicaMetrics metrics,
      Duration look) {
    this.api = api;
    this.map = map;
    this.mayWrite = mayWrite;
    this.bundles = bundles;
    this.metrics = metrics;
    this.look = look;
    this.pause = look.compareTo(LONGEST_PAUSE) < 0 ? look : LONGEST_PAUSE;
    this.thread = Thread.ofVirtual().name("sluice-control-roots").unstarted(this::run);
  }

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
  public static RootsPublisher start(
      KubernetesApi api,
      String namespace,
      String name,
      BooleanSupplier mayWrite,
      Supplier<Optional<TrustBundle>> bundles,
      ReplicaMetrics metrics,
      Duration look) {
    RootsPublisher publisher =
        new RootsPublisher(
            api, new RootsConfigMap(namespace, name), mayWrite, bundles, metrics, look);
    publisher.thread.start();
    return publisher;
  }

  /** Why the ConfigMap does not say the present roots, and what to do. */
  public Optional<String> problem() {
    return Optional.ofNullable(problem);
  }

  private void run() {
    Duration next = Duration.ZERO;
    try {
      while (!closing.await(next.toMillis(), TimeUnit.MILLISECONDS)) {
        next = round();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does
    }
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
    closing.countDown();
    SourceThread.awaitEnd(thread);
  }
}
