package io.sluice.control.traffic;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.traffic.TrafficApi.Asked;
import io.sluice.mesh.Durations;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.TrafficCodec;
import io.sluice.mesh.Workload;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the objects of the API of what nodes say. Of an object that has pods it is told what they
 * were asked, as their nodes saw it; of an edge what the node of the own pod saw; of a TrafficSplit
 * what the nodes of those who called saw. Any thread; blocks.
 */
final class TrafficObjects {
  private static final String WINDOW = TrafficCodec.WINDOW.toSeconds() + "s";
  private static final long PATIENCE_SECONDS = 3;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final KubernetesApi api;
  private final MeasuredMesh mesh;
  private final InstantSource clock;

  TrafficObjects(KubernetesApi api, MeasuredMesh mesh, InstantSource clock) {
    this.api = api;
    this.mesh = mesh;
    this.clock = clock;
  }

  /** A TrafficMetrics, or a list of them. */
  ObjectNode of(Asked asked, String labels) throws UnknownTrafficException {
    Inquiry inquiry = new Inquiry(asked);
    if (asked.name().isEmpty()) {
      return inquiry.list(labels);
    }
    JsonNode object = inquiry.objects.one();
    if (asked.kind() == MeasuredKind.TRAFFIC_SPLIT) {
      return inquiry.backends(List.of(object), true);
    }
    List<Workload> pods =
        inquiry.objects.pods().getOrDefault(inquiry.objects.key(object), List.of());
    if (asked.kind() == MeasuredKind.POD && pods.isEmpty()) {
      throw inquiry.objects.notFound();
    }
    Map<NamespacedName, List<PodTraffic>> told = inquiry.told(pods, true);
    return asked.edges() ? inquiry.edges(object, pods, told) : inquiry.whole(object, pods, told);
  }

  /** One request. */
  private final class Inquiry {
    private final Asked asked;
    private final MeshSnapshot snapshot = mesh.snapshot().get();
    private final String time = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();

    private final MeasuredObjects objects;

    Inquiry(Asked asked) {
      this.asked = asked;
      this.objects = new MeasuredObjects(api, snapshot, asked);
    }

    ObjectNode list(String labels) throws UnknownTrafficException {
      List<JsonNode> all = objects.all(labels);
      ObjectNode list;
      if (asked.kind() == MeasuredKind.TRAFFIC_SPLIT) {
        list = backends(all, false);
      } else {
        Map<String, List<Workload>> pods = objects.pods();
        all.removeIf(object -> !pods.containsKey(objects.key(object)));
        Map<NamespacedName, List<PodTraffic>> told =
            told(all.stream().flatMap(object -> podsOf(pods, object)).distinct().toList(), false);
        list = list(asked.kind(), null);
        for (JsonNode object : all) {
          List<Workload> own = podsOf(pods, object).toList();
          if (own.stream().allMatch(pod -> told.containsKey(pod.name()))) {
            list.withArrayProperty("items").add(whole(object, own, told));
          }
        }
      }
      if (!labels.isEmpty()) {
        list.putObject("selector").put("labelSelector", labels);
      }
      return list;
    }

    private Stream<Workload> podsOf(Map<String, List<Workload>> pods, JsonNode object) {
      return pods.getOrDefault(objects.key(object), List.of()).stream();
    }

    /** What the nodes of these pods say of them; where that is not all, of which it is. */
    Map<NamespacedName, List<PodTraffic>> told(Collection<Workload> pods, boolean all)
        throws UnknownTrafficException {
      Map<NamespacedName, List<PodTraffic>> told = new HashMap<>();
      Map<String, List<PodTraffic>> reports =
          reports(pods.stream().map(Workload::nodeNameOrNull).filter(Objects::nonNull), all);
      for (Workload pod : pods) {
        if (reports.containsKey(pod.nodeNameOrNull())) {
          told.put(pod.name(), new ArrayList<>());
        }
      }
      reports.forEach((node, traffic) ->
          traffic.forEach(each ->
              own(node, each)
                  .map(pod -> told.get(pod.name()))
                  .ifPresent(those -> those.add(each))));
      return told;
    }

    /** The pod by whose node it was seen; a node is believed about its own alone. */
    private Optional<Workload> own(String node, PodTraffic traffic) {
      return pod(traffic.getAtClient() ? traffic.getSource() : traffic.getDestination())
          .filter(MeasuredObjects::isMeasured)
          .filter(pod -> node.equals(pod.nodeNameOrNull()));
    }

    private Optional<Workload> pod(String name) {
      try {
        return name.isEmpty() ? Optional.empty() : snapshot.workload(NamespacedName.parse(name));
      } catch (IllegalArgumentException e) {
        return Optional.empty(); // a node says anything
      }
    }

    private Map<String, List<PodTraffic>> reports(Stream<String> nodes, boolean all)
        throws UnknownTrafficException {
      Map<String, CompletableFuture<List<PodTraffic>>> asking = new TreeMap<>();
      nodes.distinct().forEach(node -> asking.put(node, mesh.traffic().apply(node)));
      long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      Map<String, List<PodTraffic>> reports = new HashMap<>();
      for (var each : asking.entrySet()) {
        try {
          long left = Math.max(0, until - System.nanoTime());
          reports.put(each.getKey(), each.getValue().get(left, TimeUnit.NANOSECONDS));
        } catch (ExecutionException | TimeoutException e) {
          if (all) {
            throw unknown("node " + each.getKey() + " does not answer: " + e.getMessage());
          }
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw unknown("the controller ends");
        }
      }
      return reports;
    }

    private static UnknownTrafficException unknown(String message) {
      return new UnknownTrafficException(503, "ServiceUnavailable", message);
    }

    ObjectNode whole(
        JsonNode object, List<Workload> pods, Map<NamespacedName, List<PodTraffic>> told) {
      Sum sum = new Sum();
      ofPods(pods, told).filter(each -> !each.getAtClient()).forEach(sum::add);
      ObjectNode whole = metrics(reference(object), sum);
      edge(whole, false).putObject("resource"); // anybody
      return whole;
    }

    private static Stream<PodTraffic> ofPods(
        List<Workload> pods, Map<NamespacedName, List<PodTraffic>> told) {
      return pods.stream().flatMap(pod -> told.getOrDefault(pod.name(), List.of()).stream());
    }

    private record Peer(boolean isTo, String name) {}

    ObjectNode edges(
        JsonNode object, List<Workload> pods, Map<NamespacedName, List<PodTraffic>> told) {
      Map<Peer, Sum> sums = new HashMap<>();
      ofPods(pods, told)
          .forEach(each ->
              pod(each.getAtClient() ? each.getDestination() : each.getSource())
                  .filter(peer -> peer.connections().measured())
                  .ifPresent(peer ->
                      sums.computeIfAbsent(
                              new Peer(each.getAtClient(), peer.name().toString()), _ -> new Sum())
                          .add(each)));
      ObjectNode list = list(asked.kind(), object);
      sums.entrySet().stream()
          .sorted(
              Map.Entry.comparingByKey(Comparator.comparing(Peer::isTo).thenComparing(Peer::name)))
          .forEach(each -> {
            NamespacedName peer = NamespacedName.parse(each.getKey().name());
            ObjectNode item = metrics(reference(object), each.getValue());
            edge(item, each.getKey().isTo())
                .set("resource", reference(MeasuredKind.POD, peer.namespace(), peer.name()));
            list.withArrayProperty("items").add(item);
          });
      return list;
    }

    /** Of each backend of each split. */
    ObjectNode backends(List<JsonNode> splits, boolean isOne) throws UnknownTrafficException {
      Map<String, List<PodTraffic>> reports =
          reports(
              snapshot.workloads().stream()
                  .filter(Workload::enrolled)
                  .map(Workload::nodeNameOrNull)
                  .filter(Objects::nonNull),
              true);
      Map<String, Sum> sums = new HashMap<>();
      reports.forEach((node, traffic) ->
          traffic.stream()
              .filter(each -> each.getAtClient() && own(node, each).isPresent())
              .forEach(each ->
                  sums.computeIfAbsent(each.getSplit() + " " + each.getService(), _ -> new Sum())
                      .add(each)));
      ObjectNode list = list(asked.kind(), isOne ? splits.getFirst() : null);
      for (JsonNode split : splits) {
        String namespace = split.at("/metadata/namespace").asText();
        for (JsonNode backend : split.at("/spec/backends")) {
          String name = backend.path("service").asText();
          String key =
              "%s/%s %s/%s"
                  .formatted(namespace, split.at("/metadata/name").asText(), namespace, name);
          ObjectNode item =
              metrics(reference(split), Objects.requireNonNullElseGet(sums.get(key), Sum::new));
          edge(item, false).put("side", "client").putObject("resource");
          item.putObject("backend")
              .put("apex", split.at("/spec/service").asText().replaceFirst("\\..*", ""))
              .put("name", name)
              .put("weight", backend.path("weight").asInt());
          list.withArrayProperty("items").add(item);
        }
      }
      return list;
    }

    private ObjectNode list(MeasuredKind kind, @Nullable JsonNode ofOrNull) {
      ObjectNode list = JSON.objectNode().put("kind", "TrafficMetricsList");
      list.put("apiVersion", TrafficApi.API_VERSION).putObject("metadata");
      list.set(
          "resource",
          ofOrNull == null ? reference(kind, asked.namespace(), "") : reference(ofOrNull));
      list.putArray("items");
      return list;
    }

    private ObjectNode reference(JsonNode object) {
      JsonNode metadata = object.path("metadata");
      return reference(
          asked.kind(), metadata.path("namespace").asText(), metadata.path("name").asText());
    }

    private static ObjectNode reference(MeasuredKind kind, String namespace, String name) {
      ObjectNode reference = JSON.objectNode().put("kind", kind.kind());
      reference.put("apiVersion", kind.version());
      put(reference, "namespace", namespace);
      put(reference, "name", name);
      return reference;
    }

    private static void put(ObjectNode to, String field, String text) {
      if (!text.isEmpty()) {
        to.put(field, text);
      }
    }

    private static ObjectNode edge(ObjectNode of, boolean isTo) {
      return of.putObject("edge")
          .put("direction", isTo ? "to" : "from")
          .put("side", isTo ? "client" : "server");
    }

    private ObjectNode metrics(ObjectNode resource, Sum sum) {
      ObjectNode object = JSON.objectNode().put("kind", "TrafficMetrics");
      object.put("apiVersion", TrafficApi.API_VERSION);
      ObjectNode metadata = object.putObject("metadata");
      put(metadata, "name", resource.path("name").asText());
      put(metadata, "namespace", resource.path("namespace").asText());
      metadata.put("creationTimestamp", time);
      object.set("resource", resource);
      object.put("timestamp", time).put("window", WINDOW);
      sum.tell(object);
      return object;
    }
  }

  /** What came of requests. */
  private static final class Sum {
    private static final long MICROS_PER_MILLI = 1_000;

    private final Durations durations = new Durations();
    private long failed;

    /** Of one pod no more fail than there are: those of another would seem to have failed. */
    void add(PodTraffic traffic) {
      traffic.getDurationsMap().forEach(durations::add);
      long all = traffic.getDurationsMap().values().stream().mapToLong(Long::longValue).sum();
      failed += Math.min(all, traffic.getFailed());
    }

    void tell(ObjectNode to) {
      long all = durations.count();
      to.putArray("metrics");
      latency(to, "p99_response_latency", 0.99);
      latency(to, "p90_response_latency", 0.9);
      latency(to, "p50_response_latency", 0.5);
      metric(to, "success_count", Long.toString(all - failed));
      metric(to, "failure_count", Long.toString(failed));
    }

    /** A quantity, whose {@code m} and {@code u} are thousandths and millionths. */
    private void latency(ObjectNode to, String name, double quantile) {
      long micros = durations.quantileMicros(quantile);
      metric(
              to,
              name,
              micros % MICROS_PER_MILLI == 0 ? micros / MICROS_PER_MILLI + "m" : micros + "u")
          .put("unit", "seconds");
    }

    private static ObjectNode metric(ObjectNode to, String name, String value) {
      return to.withArrayProperty("metrics").addObject().put("name", name).put("value", value);
    }
  }
}
