package io.sluice.cli.dashboard;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.cli.dashboard.MeshSource.Answer;
import io.sluice.cli.dashboard.MeshSource.Answers;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** What a page shows of a mesh: what its controllers and nodes say, as one. */
final class MeshView {
  /** Of each list, however many nodes have it: a page, and a small heap, has room for no more. */
  static final int MOST = 5_000;

  private static final String NONSENSE = "its answer makes no sense";
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final MeshSource source;
  private @Nullable ObjectNode known; // under the lock, as what follows
  private long knownNanos;

  MeshView(MeshSource source) {
    this.source = source;
  }

  MeshSource source() {
    return source;
  }

  synchronized ObjectNode now() {
    ObjectNode before = known;
    if (before != null && System.nanoTime() - knownNanos < source.fresh().toNanos()) {
      return before;
    }
    ObjectNode next = of(source.ask());
    next.put("millis", TimeUnit.NANOSECONDS.toMillis(System.nanoTime()));
    next.put("time", System.currentTimeMillis());
    known = next;
    knownNanos = System.nanoTime();
    return next;
  }

  static ObjectNode of(Answers answers) {
    ObjectNode mesh = NODES.objectNode();
    Map<String, ObjectNode> rows = new TreeMap<>();
    ObjectNode controllers = mesh.putObject("controllers");
    answers
        .controllers()
        .forEach((name, answer) -> {
          switch (answer) {
            case Answer.Silence(String why) -> controllers.putObject(name).put("silence", why);
            case Answer.Said(ObjectNode status) -> {
              controllers.set(name, status);
              status
                  .path("nodes")
                  .properties()
                  .forEach(each -> follow(row(rows, each.getKey()), each.getValue()));
            }
            case Answer.Said _ -> controllers.putObject(name).put("silence", NONSENSE);
          }
        });
    ObjectNode all = NODES.objectNode();
    List<String> lists = List.of("edges", "pods", "certificates");
    lists.forEach(all::putArray);
    answers
        .nodes()
        .forEach((name, answer) -> {
          switch (answer) {
            case Answer.Silence(String why) -> row(rows, name).put("silence", why);
            case Answer.Said(JsonNode view)
                when view.path("status") instanceof ObjectNode status -> {
              String node = status.path("node").asText(name); // a directory's name may be another
              row(rows, node).set("status", status);
              lists.forEach(list -> add(view.path(list), node, all.withArray(list)));
            }
            case Answer.Said _ -> row(rows, name).put("silence", NONSENSE);
          }
        });
    mesh.set("nodes", NODES.arrayNode().addAll(rows.values()));
    mesh.setAll(all);
    return mesh;
  }

  private static ObjectNode row(Map<String, ObjectNode> rows, String node) {
    return rows.computeIfAbsent(node, name -> NODES.objectNode().put("node", name));
  }

  /** Of several controllers the one counts that the node follows now. */
  private static void follow(ObjectNode row, JsonNode standing) {
    if (standing.isObject() && !row.has("follow") || standing.path("connected").asBoolean()) {
      row.set("follow", standing);
    }
  }

  private static void add(JsonNode some, String node, ArrayNode to) {
    for (JsonNode each : some) {
      if (each instanceof ObjectNode object && to.size() < MOST) {
        to.add(object.put("node", node));
      }
    }
  }
}
