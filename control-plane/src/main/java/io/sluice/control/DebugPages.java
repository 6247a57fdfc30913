package io.sluice.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.HotSpotDiagnosticMXBean.ThreadDumpFormat;
import io.sluice.api.envoy.discovery.Resource;
import io.sluice.control.authority.JournalEntry;
import io.sluice.control.distribution.NodeState;
import io.sluice.mesh.Kind;
import io.sluice.mesh.KubernetesNamespace;
import io.sluice.mesh.MeshSettings.Flags;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.NamespaceMembership;
import io.sluice.mesh.Workload;
import io.sluice.process.PageServer.Answer;
import io.sluice.process.PageServer.Page;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * What the debug server answers, at the paths of OSM's: what this controller knows, as of now, and
 * no key. Each page is as long as its lists, which have bounds where they are kept.
 */
record DebugPages(Controller controller) {
  private static final String XDS = "/debug/xds";

  /** Of a thread dump; a controller with every place taken has some thousand threads. */
  private static final int MOST_LINES = 200_000;

  private static final String INDEX =
      """
      /debug/certs          certificates that this controller has issued, the latest last
      /debug/xds            what each node and xDS client has taken or refused
      /debug/xds/NODE       resources that this node has, each with its version
      /debug/proxy          nodes that follow now, and the pods that each stands for
      /debug/namespaces     namespaces with pods in the mesh
      /debug/feature-flags  feature flags in force
      /debug/pprof/         memory and threads of this JVM
      """;

  /** What stands at a path. */
  Optional<Answer> at(String path) {
    return switch (path) {
      case "/debug", "/debug/" -> text(out -> out.write(INDEX));
      case "/debug/certs" -> json(this::certificates);
      case XDS -> json(this::followers);
      case "/debug/proxy" -> json(this::proxies);
      case "/debug/namespaces" -> json(this::namespaces);
      case "/debug/feature-flags" -> json(this::flags);
      case "/debug/pprof", "/debug/pprof/" -> text(DebugPages::writeProcess);
      default ->
          path.startsWith(XDS + "/")
              ? controller.acknowledged(path.substring(XDS.length() + 1)).flatMap(DebugPages::list)
              : Optional.empty();
    };
  }

  private static Optional<Answer> text(Page page) {
    return Optional.of(new Answer.Text("text/plain; charset=utf-8", page));
  }

  private static Optional<Answer> json(Supplier<JsonNode> content) {
    return Optional.of(
        new Answer.Text(
            "application/json", out -> out.write(content.get().toPrettyString() + "\n")));
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private JsonNode certificates() {
    ObjectNode json = object();
    ArrayNode issued = json.putArray("issued");
    for (JournalEntry entry : controller.issued()) {
      issued
          .addObject()
          .put("identity", entry.identity())
          .put("serial", entry.serial().toString(16))
          .put("issuedAt", entry.issuedAt().toString())
          .put("notAfter", entry.notAfter().toString())
          .put("requester", entry.requester())
          .put("issuer", entry.issuer());
    }
    return json;
  }

  private JsonNode followers() {
    ObjectNode json = object().put("registryRevision", controller.mesh().revision());
    FollowersJson.put(controller.status(), json);
    return json;
  }

  private static Optional<Answer> list(List<Resource> resources) {
    return text(out -> {
      for (Resource resource : resources) {
        out.write(resource.getVersion() + " " + resource.getName() + "\n");
      }
    });
  }

  private JsonNode proxies() {
    MeshSnapshot mesh = controller.mesh();
    ObjectNode json = object();
    ObjectNode nodes = json.putObject("nodes");
    for (NodeState node : controller.status().nodes()) {
      if (node.connected()) {
        ArrayNode pods =
            nodes
                .putObject(node.node())
                .put("software", node.software())
                .put("interception", node.interception())
                .putArray("pods");
        mesh.workloadsOn(node.node()).stream()
            .filter(pod -> pod.enrolled() && node.node().equals(pod.nodeNameOrNull()))
            .map(Workload::name)
            .sorted()
            .forEach(pod -> pods.add(pod.toString()));
      }
    }
    return json;
  }

  private JsonNode namespaces() {
    ObjectNode json = object();
    ArrayNode names = json.putArray("namespaces");
    controller.mesh().all(Kind.NAMESPACE).stream()
        .filter(namespace -> namespace.membership() != NamespaceMembership.OUTSIDE)
        .map(KubernetesNamespace::name)
        .sorted()
        .forEach(names::add);
    return json;
  }

  private JsonNode flags() {
    ObjectNode json = object();
    Flags flags = controller.mesh().settings().flagsOrNull();
    if (flags != null) {
      new TreeMap<>(flags.features()).forEach(json::put);
    }
    return json;
  }

  private static void writeProcess(Writer out) throws IOException {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    out.write("heap: " + memory.getHeapMemoryUsage() + "\n");
    out.write("outside of the heap: " + memory.getNonHeapMemoryUsage() + "\n");
    for (GarbageCollectorMXBean each : ManagementFactory.getGarbageCollectorMXBeans()) {
      out.write(
          "%s: %d collections, %d ms%n"
              .formatted(each.getName(), each.getCollectionCount(), each.getCollectionTime()));
    }
    out.write("\n");
    writeThreads(out);
  }

  /** By way of a file, since virtual threads are dumped to no other place. */
  private static void writeThreads(Writer out) {
    try {
      Path folder = Files.createTempDirectory("sluice-debug");
      Path dump = folder.resolve("threads");
      try {
        ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
            .dumpThreads(dump.toString(), ThreadDumpFormat.TEXT_PLAIN);
        try (BufferedReader lines = Files.newBufferedReader(dump)) {
          String line = lines.readLine();
          for (int i = 0; line != null && i < MOST_LINES; i++) {
            out.write(line + "\n");
            line = lines.readLine();
          }
        }
      } finally {
        Files.deleteIfExists(dump);
        Files.delete(folder);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("threads cannot be dumped below the temporary folder", e);
    }
  }
}
