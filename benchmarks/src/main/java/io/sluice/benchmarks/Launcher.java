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
 * @param size of the chart; empty: none
 * @param nodeOptions of the node daemon's JVM, which override the script's; empty: the script's
 *     alone
 */
record Launcher(Path script, String size, String nodeOptions) {
  private static final String SIZES = "charts/sluice/templates/_sizes.tpl";
  private static final String BEGIN = "{{- define \"sluice.sizes\" -}}";
  private static final String END = "{{- end -}}";

  /** With the script's own options. */
  Launcher(Path script) {
    this(script, "", "");
  }

  /**
   * The same with what the chart gives a node of that size.
   *
   * @throws IllegalArgumentException when the chart has no such size
   */
  Launcher withSize(String wanted) throws IOException {
    Path file = script.resolveSibling(SIZES);
    String text = Files.readString(file);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END, begin);
    if (begin < 0 || end < 0) {
      throw new IOException("no definition of sizes in " + file);
    }
    JsonNode sizes = new YAMLMapper().readTree(text.substring(begin + BEGIN.length(), end));
    JsonNode node = sizes.path(wanted).path("node");
    if (node.isMissingNode()) {
      List<String> names = new ArrayList<>();
      sizes.fieldNames().forEachRemaining(names::add);
      throw new IllegalArgumentException(
          "the chart has no size " + wanted + ": it is one of " + String.join(", ", names));
    }
    String limits =
        "-Xmx%dm -XX:MaxDirectMemorySize=%dm -XX:ReservedCodeCacheSize=%dm"
            .formatted(
                node.path("heapMiB").intValue(),
                node.path("directMiB").intValue(),
                node.path("codeMiB").intValue());
    return new Launcher(
        script, wanted, String.join(" ", limits, node.path("jvmOptions").asText("")).strip());
  }

  /** {@code sluice node run}, to which arguments are added. */
  List<String> nodeRun() {
    return new ArrayList<>(
        List.of("env", "JDK_JAVA_OPTIONS=" + nodeOptions, script.toString(), "node", "run"));
  }
}
