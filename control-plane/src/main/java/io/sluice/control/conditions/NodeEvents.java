package io.sluice.control.conditions;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.registry.Rounds;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.Sha256;
import io.sluice.mesh.Workload;
import io.sluice.process.Backoff;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Tells, as Events, of each node that follows how its pods are intercepted, and of each of its pods
 * what has long been wrong with it: when that is first said, when it changes, and once an hour,
 * since API servers forget Events after one. Each replica does so for the nodes that follow it:
 * what one has said no other repeats. One virtual thread.
 */
public final class NodeEvents implements AutoCloseable {
  /** Events of what has no namespace are kept there. */
  private static final String OF_NODES = "default";

  private static final Logger LOG = System.getLogger(NodeEvents.class.getName());
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final Duration LEAST_APART = Duration.ofMinutes(1);

  /** Most in one round, so at most ten a second. */
  private static final int MOST_AT_ONCE = 10;

  private static final String COMPONENT = "sluice-controller";
  private static final int NAME_BYTES = 16;

  private final KubernetesApi api;
  private final Supplier<List<NodeState>> nodes;
  private final Function<NamespacedName, Optional<Workload>> pods;
  private final InstantSource clock;
  private final Backoff backoff = new Backoff(Duration.ofMillis(500), Duration.ofSeconds(30));
  private final Map<String, Said> said = new HashMap<>(); // the last Event, by object
  private final Rounds rounds = new Rounds("sluice-control-node-events", this::round);
  private volatile @Nullable String problem;

  private record Said(String name, Instant at) {}

  /** What is said of an object, on behalf of its node. */
  private record Saying(
      String kind, NamespacedName object, String uid, String reason, String message, String node) {
    boolean isWarning() {
      return !kind.equals("Node");
    }

    String key() {
      return kind + ' ' + object;
    }

    /** The same for the same words in the same hour, so that no replica repeats another. */
    String name(Instant now) {
      String words =
          String.join("\n", key(), uid, message, now.truncatedTo(ChronoUnit.HOURS).toString());
      byte[] hash = Sha256.of(words.getBytes(StandardCharsets.UTF_8));
      return reason.toLowerCase(Locale.ROOT) + '.' + HexFormat.of().formatHex(hash, 0, NAME_BYTES);
    }
  }

  /**
   * Begins.
   *
   * @param api not owned
   * @param nodes how each node stands, at any time
   * @param pods as the mesh has them
   */
  public NodeEvents(
      KubernetesApi api,
      Supplier<List<NodeState>> nodes,
      Function<NamespacedName, Optional<Workload>> pods,
      InstantSource clock) {
    this.api = api;
    this.nodes = nodes;
    this.pods = pods;
    this.clock = clock;
    rounds.start();
  }

  /** Why Events are not written, and what to do. */
  public Optional<String> problem() {
    return Optional.ofNullable(problem);
  }

  /** Returns the pause until the next. */
  private Duration round() {
    List<Saying> sayings =
        nodes.get().stream().filter(NodeState::connected).flatMap(this::sayings).toList();
    said.keySet().retainAll(sayings.stream().map(Saying::key).toList());
    try {
      Instant now = clock.instant();
      sayings.stream()
          .filter(saying -> isNews(saying, now))
          .limit(MOST_AT_ONCE)
          .forEach(saying -> tell(saying, now));
      backoff.reset();
      return PAUSE;
    } catch (KubernetesApiException e) {
      String why = String.valueOf(e.getMessage());
      if (e.failure() == Failure.FORBIDDEN) {
        why +=
            "; allow it to the controller's account:"
                + " {apiGroups: [''], resources: [events], verbs: [create]}";
      }
      if (!why.equals(problem)) {
        LOG.log(Level.WARNING, "node_event_not_written {0}", why);
      }
      problem = why;
      return e.pauseOf(backoff);
    } catch (RuntimeException e) {
      // Top frame: the next round tries again.
      LOG.log(Level.ERROR, "node_events_failed", e);
      return backoff.failed();
    }
  }

  /** Of a pod no more than one a minute: a node whose words change all the time is not alone. */
  private boolean isNews(Saying saying, Instant now) {
    Said last = said.get(saying.key());
    return last == null
        || (!last.name().equals(saying.name(now))
            && !(saying.isWarning() && now.isBefore(last.at().plus(LEAST_APART))));
  }

  private Stream<Saying> sayings(NodeState node) {
    Stream<Saying> ofNode =
        node.interception().isEmpty()
            ? Stream.empty()
            : Stream.of(
                new Saying(
                    "Node",
                    new NamespacedName(OF_NODES, node.node()),
                    node.node(), // by which kubectl describe finds what the kubelet says of it
                    "SluiceInterception",
                    "pods are intercepted by " + node.interception(),
                    node.node()));
    return Stream.concat(
        ofNode,
        node.troubled().entrySet().stream()
            .flatMap(pod -> pods.apply(pod.getKey()).stream())
            .filter(pod -> pod.nodeName().equals(Optional.of(node.node())))
            .map(pod ->
                new Saying(
                    "Pod",
                    pod.name(),
                    pod.uid().map(PodUid::toString).orElse(""),
                    "SluiceNotProtected",
                    "Sluice: " + node.troubled().get(pod.name()),
                    node.node())));
  }

  private void tell(Saying saying, Instant now) {
    String name = saying.name(now);
    try {
      api.post(
          "/api/v1/namespaces/" + saying.object().namespace() + "/events",
          event(saying, name, now));
    } catch (KubernetesApiException e) {
      if (saying.isWarning() && !e.failure().isRetryable()) {
        // Such as of a namespace that is being deleted, which must not silence all others.
        LOG.log(Level.WARNING, "pod_event_not_written {0} {1}", saying.object(), e.getMessage());
      } else if (e.failure() != Failure.CONFLICT) {
        throw e;
      } // else another replica, or this one before its end, has said it in this hour
    }
    said.put(saying.key(), new Said(name, now));
    if (!saying.isWarning()) {
      problem = null;
    }
  }

  private static ObjectNode event(Saying saying, String name, Instant now) {
    String at = now.truncatedTo(ChronoUnit.SECONDS).toString();
    ObjectNode event = JsonNodeFactory.instance.objectNode();
    event.put("apiVersion", "v1").put("kind", "Event");
    event.putObject("metadata").put("name", name).put("namespace", saying.object().namespace());
    ObjectNode object =
        event
            .putObject("involvedObject")
            .put("apiVersion", "v1")
            .put("kind", saying.kind())
            .put("name", saying.object().name())
            .put("uid", saying.uid());
    if (saying.isWarning()) {
      object.put("namespace", saying.object().namespace());
    }
    event
        .put("type", saying.isWarning() ? "Warning" : "Normal")
        .put("reason", saying.reason())
        .put("message", saying.message())
        .put("firstTimestamp", at)
        .put("lastTimestamp", at)
        .put("count", 1);
    event.putObject("source").put("component", COMPONENT).put("host", saying.node());
    return event;
  }

  /** Stops; a write that is under way ends first. */
  @Override
  public void close() {
    rounds.close();
  }
}
