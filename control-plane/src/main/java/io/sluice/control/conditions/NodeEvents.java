package io.sluice.control.conditions;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.distribution.NodeState;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.kubernetes.KubernetesApiException.Failure;
import io.sluice.control.registry.Rounds;
import io.sluice.mesh.Sha256;
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
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells of each node that follows how its pods are intercepted, as an Event of the Node: when it
 * first says so, when that changes, and once an hour, since API servers forget Events after one.
 * Each replica does so for the nodes that follow it: what one has said no other repeats. One
 * virtual thread.
 */
public final class NodeEvents implements AutoCloseable {
  /** Events of what has no namespace are kept there. */
  static final String COLLECTION = "/api/v1/namespaces/default/events";

  private static final Logger LOG = System.getLogger(NodeEvents.class.getName());
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** Most in one round, so at most ten a second. */
  private static final int MOST_AT_ONCE = 10;

  private static final String COMPONENT = "sluice-controller";
  private static final int NAME_BYTES = 16;

  private final KubernetesApi api;
  private final Supplier<List<NodeState>> nodes;
  private final InstantSource clock;
  private final Backoff backoff = new Backoff(Duration.ofMillis(500), Duration.ofSeconds(30));
  private final Map<String, String> said = new HashMap<>(); // name of the last Event, by node
  private final Rounds rounds = new Rounds("sluice-control-node-events", this::round);
  private volatile @Nullable String problem;

  /**
   * Begins.
   *
   * @param api not owned
   * @param nodes how each node stands, at any time
   */
  public NodeEvents(KubernetesApi api, Supplier<List<NodeState>> nodes, InstantSource clock) {
    this.api = api;
    this.nodes = nodes;
    this.clock = clock;
    rounds.start();
  }

  /** Why Events are not written, and what to do. */
  public Optional<String> problem() {
    return Optional.ofNullable(problem);
  }

  /** Returns the pause until the next. */
  private Duration round() {
    List<NodeState> telling =
        nodes.get().stream()
            .filter(node -> node.connected() && !node.interception().isEmpty())
            .toList();
    said.keySet().retainAll(telling.stream().map(NodeState::node).toList());
    try {
      Instant now = clock.instant();
      telling.stream()
          .filter(node -> !name(node, now).equals(said.get(node.node())))
          .limit(MOST_AT_ONCE)
          .forEach(node -> tell(node, now));
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

  private void tell(NodeState node, Instant now) {
    String name = name(node, now);
    try {
      api.post(COLLECTION, event(node, name, now));
    } catch (KubernetesApiException e) {
      if (e.failure() != Failure.CONFLICT) {
        throw e;
      } // else another replica, or this one before its end, has said it in this hour
    }
    said.put(node.node(), name);
    problem = null;
  }

  /** The same for the same words in the same hour, so that no replica repeats another. */
  private static String name(NodeState node, Instant now) {
    String words =
        node.node() + '\n' + node.interception() + '\n' + now.truncatedTo(ChronoUnit.HOURS);
    byte[] hash = Sha256.of(words.getBytes(StandardCharsets.UTF_8));
    return "sluice-interception." + HexFormat.of().formatHex(hash, 0, NAME_BYTES);
  }

  private static ObjectNode event(NodeState node, String name, Instant now) {
    String at = now.truncatedTo(ChronoUnit.SECONDS).toString();
    ObjectNode event = JsonNodeFactory.instance.objectNode();
    event.put("apiVersion", "v1").put("kind", "Event");
    event.putObject("metadata").put("name", name).put("namespace", "default");
    // By this UID kubectl describe finds what is said of a node, as the kubelet says it.
    event
        .putObject("involvedObject")
        .put("apiVersion", "v1")
        .put("kind", "Node")
        .put("name", node.node())
        .put("uid", node.node());
    event
        .put("type", "Normal")
        .put("reason", "SluiceInterception")
        .put("message", "pods are intercepted by " + node.interception())
        .put("firstTimestamp", at)
        .put("lastTimestamp", at)
        .put("count", 1);
    event.putObject("source").put("component", COMPONENT).put("host", node.node());
    return event;
  }

  /** Stops; a write that is under way ends first. */
  @Override
  public void close() {
    rounds.close();
  }
}
