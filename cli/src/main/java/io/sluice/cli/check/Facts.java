package io.sluice.cli.check;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.cli.check.Check.NotThereException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What checks look at. Each topic is gathered once, when the first check asks for it. */
final class Facts {
  private final Host host;
  private final String node;
  private final Path state;
  private final boolean isBefore;
  private final Instant now;
  private final Map<Topic, Part<JsonNode>> topics = new EnumMap<>(Topic.class);
  private final Part<Objects> objects;

  /** What is told as JSON, and where from. */
  enum Topic {
    /** Answers of {@code node capabilities}: feature, works, detail; and mode, reason. */
    KERNEL,
    /** {@code missing[]}: capabilities of this process. */
    CAPABILITIES,
    /** {@code totalBytes}, {@code usableBytes}, {@code writeFailure} of the state folder. */
    DISK,
    /** {@code node status}. */
    STATUS,
    /** {@code node pods}, in an array. */
    PODS,
    /** {@code node certificates}, in an array. */
    CERTIFICATES,
    /** {@code node maps list}, in an array. */
    MAPS,
    /** {@code node events}, in an array. */
    EVENTS,
    /** Names of nodes with pins on this machine, in an array. */
    PINS,
    /**
     * {@code node} and {@code metricsAddress} of the daemons that run on this machine, in an array;
     * {@code unknown} of one that is silent.
     */
    DAEMONS,
    /** {@code state}, {@code problems[]} of the CNI plugin. */
    CNI,
    /** Text of the rules of the node, by name of the tool that tells them. */
    RULES,
    /** Whether a name server answered: {@code asked}, {@code answered}. */
    RESOLVER,
    /** {@code control status}. */
    CONTROLLER,
    /** Answers of the API server by short names; see {@link ClusterFacts}. */
    CLUSTER
  }

  /** Something that is gathered when it is asked for. */
  interface Source<T> {
    /**
     * @throws NotThereException where it is not to be had
     */
    T gather() throws NotThereException;
  }

  /** Something that is gathered once. */
  private static final class Part<T extends Object> {
    private final Source<T> source;
    private @Nullable T value;
    private @Nullable NotThereException absence;

    Part(Source<T> source) {
      this.source = source;
    }

    synchronized T get() throws NotThereException {
      if (absence != null) {
        throw absence;
      }
      if (value == null) {
        try {
          value = source.gather();
        } catch (NotThereException e) {
          absence = e;
          throw e;
        }
      }
      return value;
    }
  }

  /**
   * Gathers nothing yet.
   *
   * @param node which of this machine is meant
   * @param state the daemon's folder
   * @param isBefore whether the mesh is to be installed, so that nobody misses it
   */
  Facts(
      Host host,
      String node,
      Path state,
      boolean isBefore,
      Instant now,
      Map<Topic, Source<JsonNode>> topics,
      Source<Objects> objects) {
    this.host = host;
    this.node = node;
    this.state = state;
    this.isBefore = isBefore;
    this.now = now;
    topics.forEach((topic, source) -> this.topics.put(topic, new Part<>(source)));
    this.objects = new Part<>(objects);
  }

  Host host() {
    return host;
  }

  String node() {
    return node;
  }

  boolean isBefore() {
    return isBefore;
  }

  Path state() {
    return state;
  }

  Instant now() {
    return now;
  }

  JsonNode of(Topic topic) throws NotThereException {
    Part<JsonNode> part = topics.get(topic);
    if (part == null) {
      throw new NotThereException("nobody was asked for it");
    }
    return part.get();
  }

  /** Objects of the registry or cluster. */
  Objects objects() throws NotThereException {
    return objects.get();
  }
}
