package io.sluice.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Runs the plugins of one network configuration as a container runtime does: one process after the
 * other, each given what the one before it printed.
 */
final class CniChain {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int PATIENCE_SECONDS = 30;

  private final JsonNode configuration;
  private final List<Path> directories;
  private final Starter starter;

  /** Starts a process in the namespace in which the runtime runs. */
  interface Starter {
    Process start(ProcessBuilder builder) throws Exception;
  }

  /**
   * One sandbox.
   *
   * @param id container ID, and name of its network namespace
   * @param arguments CNI_ARGS
   */
  record Sandbox(String id, String arguments) {}

  private CniChain(JsonNode configuration, List<Path> directories, Starter starter) {
    this.configuration = configuration;
    this.directories = directories;
    this.starter = starter;
  }

  /** The chain of a configuration file, its plugins found in {@code directories}. */
  static CniChain read(Path file, List<Path> directories, Starter starter) throws IOException {
    return new CniChain(JSON.readTree(file.toFile()), List.copyOf(directories), starter);
  }

  /** Names of the plugins in their order. */
  List<String> types() {
    return plugins().stream().map(plugin -> plugin.path("type").asText()).toList();
  }

  private List<JsonNode> plugins() {
    return configuration.path("plugins").valueStream().collect(Collectors.toList());
  }

  /** Runs ADD through the chain; what its last plugin printed. */
  JsonNode add(Sandbox sandbox) throws Exception {
    JsonNode result = JSON.createObjectNode();
    for (JsonNode plugin : plugins()) {
      result = JSON.readTree(call("ADD", sandbox, configured(plugin, result)));
    }
    return result;
  }

  /** Runs DEL through the chain, from its end. */
  void delete(Sandbox sandbox, JsonNode result) throws Exception {
    List<JsonNode> plugins = new ArrayList<>(plugins());
    Collections.reverse(plugins);
    for (JsonNode plugin : plugins) {
      call("DEL", sandbox, configured(plugin, result));
    }
  }

  private ObjectNode configured(JsonNode plugin, JsonNode previous) {
    ObjectNode configured = plugin.deepCopy();
    configured.set("cniVersion", configuration.path("cniVersion"));
    configured.set("name", configuration.path("name"));
    if (!previous.isEmpty()) {
      configured.set("prevResult", previous);
    }
    return configured;
  }

  private String call(String command, Sandbox sandbox, ObjectNode configured) throws Exception {
    String type = configured.path("type").asText();
    ProcessBuilder builder =
        new ProcessBuilder(program(type).toString()).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder
        .environment()
        .putAll(
            Map.of(
                "CNI_COMMAND",
                command,
                "CNI_CONTAINERID",
                sandbox.id(),
                "CNI_NETNS",
                "/run/netns/" + sandbox.id(),
                "CNI_IFNAME",
                "eth0",
                "CNI_ARGS",
                sandbox.arguments(),
                "CNI_PATH",
                directories.stream().map(Path::toString).collect(Collectors.joining(":"))));
    Process process = starter.start(builder);
    try {
      try (OutputStream input = process.getOutputStream()) {
        input.write(configured.toString().getBytes(StandardCharsets.UTF_8));
      }
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException(command + " of plugin " + type + " failed: " + output.strip());
      }
      return output;
    } finally {
      process.destroyForcibly();
    }
  }

  private Path program(String type) throws IOException {
    for (Path directory : directories) {
      Path program = directory.resolve(type);
      if (Files.isExecutable(program)) {
        return program;
      }
    }
    throw new IOException("no plugin " + type + " in any of " + directories);
  }
}
