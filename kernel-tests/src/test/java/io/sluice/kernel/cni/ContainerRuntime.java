package io.sluice.kernel.cni;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.lab.site.Commands;
import io.sluice.lab.site.SitePod;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Plays containerd: makes sandboxes, runs the chain of the first network configuration for them as
 * libcni does, and takes both down again. Any thread.
 */
public final class ContainerRuntime {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final JsonNode LOOPBACK =
      parsed(
          "{\"cniVersion\":\"1.0.0\",\"name\":\"loopback\",\"plugins\":[{\"type\":\"loopback\"}]}");

  private final SitePod node;
  private final String prefix;
  private final Path configurations;
  private final List<Path> programs;
  private final AtomicInteger made = new AtomicInteger();

  /**
   * @param node namespace in which the plugins run
   * @param prefix begins the names of the sandboxes' namespaces
   * @param configurations conf_dir
   * @param programs bin_dirs
   */
  public ContainerRuntime(SitePod node, String prefix, Path configurations, List<Path> programs) {
    this.node = node;
    this.prefix = prefix;
    this.configurations = configurations;
    this.programs = List.copyOf(programs);
  }

  /** A plugin that failed, with what it printed. */
  public static final class PluginFailure extends Exception {
    private static final long serialVersionUID = 1;
    private final String plugin;
    private final transient JsonNode error;
    private final transient JsonNode previous;

    PluginFailure(String plugin, String output, JsonNode previous) {
      super(plugin + ": " + output);
      this.plugin = plugin;
      this.error = parsed(output);
      this.previous = previous;
    }

    /** What the plugins before it had done. */
    JsonNode previous() {
      return previous;
    }

    String plugin() {
      return plugin;
    }

    JsonNode error() {
      return error;
    }
  }

  /** Makes a sandbox and its network; on failure takes it down, as kubelet's runtimes do. */
  public Container add(String namespace, String pod, String uid) throws PluginFailure {
    Container sandbox = create(namespace, pod, uid);
    try {
      return attach(sandbox);
    } catch (PluginFailure e) {
      delete(sandbox);
      throw e;
    }
  }

  /** Makes a sandbox without a network: the runtime's own work. */
  Container create(String namespace, String pod, String uid) throws PluginFailure {
    String id = prefix + "-c" + made.incrementAndGet();
    Commands.ip("", List.of("netns add " + id));
    SitePod network = new SitePod(pod, id, 0);
    // The bridge plugin would wait a second for each address to prove that it is nobody else's.
    network.sysctl("net/ipv6/conf/default/accept_dad", "0");
    run(
        "ADD",
        new Container(id, pod, namespace, uid, network, LOOPBACK, JSON.createObjectNode()),
        "lo"); // a network of its own, as in containerd
    return new Container(
        id, pod, namespace, uid, network, firstConfiguration(), JSON.createObjectNode());
  }

  /** ADD of the whole chain; on failure everything stays as it is. */
  Container attach(Container sandbox) throws PluginFailure {
    return sandbox.having(run("ADD", sandbox, "eth0"));
  }

  /** ADD of the plugins before ours alone. */
  Container attachWithoutOurs(Container sandbox) throws PluginFailure {
    JsonNode result = JSON.createObjectNode();
    for (JsonNode plugin : plugins(sandbox.chain())) {
      if (!plugin.path("type").asText().equals("sluice-cni")) {
        result = parsed(call("ADD", sandbox, "eth0", configured(sandbox.chain(), plugin, result)));
      }
    }
    return sandbox.having(result);
  }

  /**
   * Ties something visible on the node to the sandbox's namespace; {@link #hasGone} looks for it.
   */
  void watch(Container sandbox) {
    Commands.ip(
        node.netns(),
        List.of(
            "link add %s type veth peer name witness netns %s"
                .formatted(witness(sandbox), sandbox.id())));
  }

  /** Whether the kernel has freed the namespace of a sandbox that is watched. */
  boolean hasGone(Container sandbox) {
    return node.procNet("dev").lines().noneMatch(l -> l.strip().startsWith(witness(sandbox) + ":"));
  }

  private static String witness(Container sandbox) {
    return "w" + sandbox.id().substring(sandbox.id().lastIndexOf('-') + 1);
  }

  /** CHECK of the whole chain. */
  void check(Container container) throws PluginFailure {
    run("CHECK", container, "eth0");
  }

  /** DEL of the whole chain, then the namespace goes. */
  public void delete(Container container) {
    try {
      detach(container);
    } catch (PluginFailure e) {
      throw new AssertionError("DEL failed: " + e.getMessage(), e);
    } finally {
      removeNamespace(container);
    }
  }

  /** The namespace goes, without a word to any plugin. */
  void removeNamespace(Container container) {
    if (Files.exists(container.network().path())) {
      Commands.ip("", List.of("netns delete " + container.id()));
    }
  }

  /** DEL of the whole chain. */
  void detach(Container container) throws PluginFailure {
    run("DEL", container, "eth0");
  }

  /** One call of our plugin alone, outside of any chain. */
  String callOurs(String command, Container container, String ifname) throws PluginFailure {
    return call(
        command,
        container,
        ifname,
        configured(container.chain(), ours(container), container.result()));
  }

  /** DEL of our plugin alone, as after a restart of the runtime: without a namespace. */
  void endOursWithoutNamespace(Container container) throws PluginFailure {
    call("DEL", container, "eth0", configured(container.chain(), ours(container), null), "");
  }

  /** GC of our plugin: these attachments are valid. */
  void collectGarbage(Container any, List<Container> valid) throws PluginFailure {
    ObjectNode configuration = configured(any.chain(), ours(any), null);
    ArrayNode attachments = configuration.putArray("cni.dev/valid-attachments");
    valid.forEach(
        one -> attachments.addObject().put("containerID", one.id()).put("ifname", "eth0"));
    call("GC", any, "eth0", configuration);
  }

  private static JsonNode ours(Container container) {
    return plugins(container.chain()).getLast();
  }

  /** What the runtime would use: the first file by name. */
  JsonNode firstConfiguration() {
    try (Stream<Path> files = Files.list(configurations)) {
      Path first =
          files
              .filter(file -> file.toString().matches(".*\\.(conf|conflist|json)"))
              .min(Path::compareTo)
              .orElseThrow();
      return JSON.readTree(first.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JsonNode run(String command, Container container, String ifname) throws PluginFailure {
    List<JsonNode> plugins = plugins(container.chain());
    JsonNode previous = command.equals("ADD") ? null : container.result();
    for (JsonNode plugin : command.equals("DEL") ? plugins.reversed() : plugins) {
      String output =
          call(command, container, ifname, configured(container.chain(), plugin, previous));
      if (command.equals("ADD")) {
        previous = parsed(output);
      }
    }
    return previous == null ? JSON.createObjectNode() : previous;
  }

  private static List<JsonNode> plugins(JsonNode chain) {
    return chain.path("plugins").valueStream().collect(Collectors.toList());
  }

  private static ObjectNode configured(
      JsonNode chain, JsonNode plugin, @Nullable JsonNode previous) {
    ObjectNode configuration = plugin.deepCopy();
    configuration.set("cniVersion", chain.path("cniVersion"));
    configuration.set("name", chain.path("name"));
    if (previous != null && !previous.isEmpty()) {
      configuration.set("prevResult", previous);
    }
    return configuration;
  }

  private String call(String command, Container container, String ifname, JsonNode configuration)
      throws PluginFailure {
    return call(command, container, ifname, configuration, container.network().path().toString());
  }

  private String call(
      String command, Container container, String ifname, JsonNode configuration, String netns)
      throws PluginFailure {
    String type = configuration.path("type").asText();
    Map<String, String> environment = new TreeMap<>();
    environment.put("CNI_COMMAND", command);
    environment.put("CNI_CONTAINERID", container.id());
    environment.put("CNI_NETNS", netns);
    environment.put("CNI_IFNAME", ifname);
    environment.put(
        "CNI_ARGS",
        "IgnoreUnknown=1;K8S_POD_NAMESPACE=%s;K8S_POD_NAME=%s;K8S_POD_INFRA_CONTAINER_ID=%s;K8S_POD_UID=%s"
            .formatted(container.namespace(), container.pod(), container.id(), container.uid()));
    environment.put(
        "CNI_PATH", programs.stream().map(Path::toString).collect(Collectors.joining(":")));
    ProcessBuilder builder = new ProcessBuilder(program(type).toString());
    builder.environment().putAll(environment);
    try {
      Process process = node.call(builder::start);
      try (OutputStream in = process.getOutputStream()) {
        in.write(configuration.toString().getBytes(StandardCharsets.UTF_8));
      } catch (IOException e) {
        // A plugin may end before it has read everything.
      }
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      String complaint =
          new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new PluginFailure(type, output + complaint, configuration.path("prevResult"));
      }
      return output;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot run " + type, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private Path program(String type) {
    return programs.stream()
        .map(directory -> directory.resolve(type))
        .filter(Files::exists)
        .findFirst()
        .orElseThrow(() -> new AssertionError("failed to find plugin \"" + type + "\""));
  }

  private static JsonNode parsed(String output) {
    try {
      return JSON.readTree(output);
    } catch (IOException e) {
      return JSON.createObjectNode().put("unreadable", output);
    }
  }
}
