package io.sluice.diagnosis;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.lab.site.JavaCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
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
        System.out.println(
            json.writeValueAsString(JavaCommand.ended(json.readValue(line, String[].class))));
      }
    }
  }
}
