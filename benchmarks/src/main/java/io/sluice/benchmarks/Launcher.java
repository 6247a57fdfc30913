package io.sluice.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The product's start script, and the memory and compilers that its daemons are given.
 *
 * @param script as an operator calls it
 * @param nodeOptions of the JVM of a node's daemon, behind those of the script; empty for these
 */
record Launcher(Path script, String nodeOptions) {
  private static final String SIZES = "charts/sluice/templates/_sizes.tpl";
  private static final String BEGIN = "{{- define \"sluice.sizes\" -}}";
  private static final String END = "{{- end -}}";

  /** As the script itself has it. */
  Launcher(Path script) {
    this(script, "");
  }

  /**
   * The same with what the chart gives a node of that size.
   *
   * @throws IllegalArgumentException when the chart has no such size; a sentence
   */
  Launcher withSize(String size) throws IOException {
    Path file = script.resolveSibling(SIZES);
    String text = Files.readString(file);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END, begin);
    if (begin < 0 || end < 0) {
      throw new IOException("no definition of sizes in " + file);
    }
    JsonNode sizes = new YAMLMapper().readTree(text.substring(begin + BEGIN.length(), end));
    JsonNode node = sizes.path(size).path("node");
    if (node.isMissingNode()) {
      List<String> names = new ArrayList<>();
      sizes.fieldNames().forEachRemaining(names::add);
      throw new IllegalArgumentException(
          "the chart has no size " + size + ": it is one of " + String.join(", ", names));
    }
    String limits =
        "-Xmx%dm -XX:MaxDirectMemorySize=%dm -XX:ReservedCodeCacheSize=%dm"
            .formatted(
                node.path("heapMiB").intValue(),
                node.path("directMiB").intValue(),
                node.path("codeMiB").intValue());
    return new Launcher(
        script, String.join(" ", limits, node.path("jvmOptions").asText("")).strip());
  }

  /** {@code sluice node run}, to which arguments are added. */
  List<String> nodeRun() {
    List<String> command = new ArrayList<>();
    if (!nodeOptions.isEmpty()) {
      command.addAll(List.of("env", "JDK_JAVA_OPTIONS=" + nodeOptions));
    }
    command.addAll(List.of(script.toString(), "node", "run"));
    return command;
  }
}
