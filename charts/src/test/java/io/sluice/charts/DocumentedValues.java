package io.sluice.charts;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The values of {@code values.yaml} with the comments above them. */
final class DocumentedValues {
  private static final Pattern KEY = Pattern.compile("( *)([A-Za-z_][A-Za-z_0-9]*):(.*)");

  private DocumentedValues() {}

  /**
   * A value that a site may set.
   *
   * @param path with dots
   * @param fallback what it is otherwise, as JSON
   * @param meaning the comment
   */
  record Value(String path, String fallback, String meaning) {
    String row() {
      return "| `" + path + "` | `" + fallback + "` | " + meaning.replace("|", "\\|") + " |";
    }
  }

  /** A key of the way down, and how far it is indented. */
  private record Level(int indent, String key) {}

  /** All of them, in the file's order. @throws IllegalStateException for one without a comment */
  static List<Value> read() throws IOException {
    String text = Files.readString(Chart.FOLDER.resolve("values.yaml"));
    Map<String, Object> defaults = Yaml.read(text);
    List<Value> values = new ArrayList<>();
    Deque<Level> levels = new ArrayDeque<>();
    List<String> comment = new ArrayList<>();
    int skipDeeperThan = Integer.MAX_VALUE;
    for (String line : text.lines().toList()) {
      Matcher key = KEY.matcher(line);
      if (line.strip().startsWith("#")) {
        comment.add(line.strip().substring(1).strip());
      } else if (key.matches() && key.group(1).length() <= skipDeeperThan) {
        int indent = key.group(1).length();
        skipDeeperThan = Integer.MAX_VALUE;
        while (!levels.isEmpty() && levels.getLast().indent() >= indent) {
          levels.removeLast();
        }
        levels.addLast(new Level(indent, key.group(2)));
        if (!comment.isEmpty()) {
          values.add(value(levels, defaults, String.join(" ", comment)));
          skipDeeperThan = indent; // what is below is a part of this value
        } else if (!key.group(3).isBlank()) {
          throw new IllegalStateException("no comment above " + path(levels));
        }
        comment.clear();
      }
    }
    return values;
  }

  private static Value value(Deque<Level> levels, Map<String, Object> defaults, String comment)
      throws JsonProcessingException {
    @Nullable Object value = defaults;
    for (Level level : levels) {
      value = Yaml.mapping(value).get(level.key());
    }
    return new Value(path(levels), new ObjectMapper().writeValueAsString(value), comment);
  }

  private static String path(Deque<Level> levels) {
    return String.join(".", levels.stream().map(Level::key).toList());
  }
}
