package io.sluice.diagnosis;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.cli.SluiceCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;

/**
 * A process of a machine that runs the program's commands: each line that comes in is the arguments
 * of one, in JSON, and one line goes out, what it printed. One for all questions, as starting costs
 * more than most of them.
 */
final class Asker {
  private Asker() {}

  /** Ends with its input. */
  public static void main(String[] words) throws IOException {
    ObjectMapper json = new ObjectMapper();
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exit =
            SluiceCommand.commandLine()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(json.readValue(line, String[].class));
        var answer = json.createObjectNode().put("exit", exit);
        System.out.println(answer.put("out", out.toString()).put("err", err.toString()).toString());
      }
    }
  }
}
