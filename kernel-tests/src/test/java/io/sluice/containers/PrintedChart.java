package io.sluice.containers;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.architecture.SourceTree;
import io.sluice.control.kubernetes.ClusterHistory;
import io.sluice.lab.site.Commands;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The objects of a release, as {@code ./sluice install --print} has them. */
final class PrintedChart {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Process PRINTER = start();
  private static final PrintWriter COMMANDS = new PrintWriter(PRINTER.outputWriter(), true);
  private static final BufferedReader ANSWERS = PRINTER.inputReader();

  private PrintedChart() {}

  /** As the launcher starts it. */
  private static Process start() {
    Path root = SourceTree.around().root();
    Commands.run(root.resolve("sluice").toString(), "build"); // says so where there is something
    try {
      return new ProcessBuilder(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-XX:+UseSerialGC",
              "-XX:TieredStopAtLevel=1",
              "--enable-native-access=ALL-UNNAMED",
              "-Dsluice.home=" + root,
              "-cp",
              root.resolve("charts/target/dist/lib") + "/*:target/test-classes",
              ChartPrinter.class.getName())
          .redirectError(ProcessBuilder.Redirect.INHERIT)
          .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** With values, each as {@code KEY=VALUE}, on a node without a kind of its own. */
  static synchronized List<ObjectNode> objects(List<String> values) {
    List<String> command = new ArrayList<>(List.of("install", "--print", "--skip-tests"));
    values.forEach(value -> command.addAll(List.of("--set", value)));
    try {
      COMMANDS.println(JSON.writeValueAsString(command));
      String answer = ANSWERS.readLine();
      if (answer == null) {
        throw new AssertionError("the chart is not printed with " + values);
      }
      return ClusterHistory.parse(JSON.readValue(answer, String.class));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
