package io.sluice.containers;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Scanner;
import picocli.CommandLine;

/**
 * A process that runs commands of the chart: each line that comes in is the words of one, in JSON,
 * and one line goes out, what it printed. One for all charts, for Helm's library takes longer to
 * load than to print one. No module depends on that of the chart: its command has a name here.
 */
final class ChartPrinter {
  private ChartPrinter() {}

  /** Ends with its input, and where a command fails. */
  public static void main(String[] words) throws IOException, ReflectiveOperationException {
    ObjectMapper json = new ObjectMapper();
    Method chart = Class.forName("io.sluice.charts.ChartCommand").getMethod("commandLine");
    Scanner in = new Scanner(System.in, StandardCharsets.UTF_8);
    while (in.hasNextLine()) {
      StringWriter said = new StringWriter();
      int code =
          ((CommandLine) chart.invoke(null))
              .setOut(new PrintWriter(said))
              .execute(json.readValue(in.nextLine(), String[].class));
      if (code != 0) {
        System.exit(code); // it has told why
      }
      System.out.println(json.writeValueAsString(said.toString()));
    }
  }
}
