package io.sluice.charts;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** YAML as maps and lists. */
final class Yaml {
  private Yaml() {}

  /** One document that is a mapping. */
  static Map<String, Object> read(String text) {
    return mapping(new Load(LoadSettings.builder().build()).loadFromString(text));
  }

  /** A document in which {@code value}, YAML of one line, stands at a path with dots. */
  static String nested(String path, String value) {
    String yaml = value;
    for (String key : Arrays.asList(path.split("\\.")).reversed()) {
      yaml = "{" + key + ": " + yaml + "}";
    }
    return yaml;
  }

  /** Seen as a mapping. @throws ClassCastException where it is another */
  @SuppressWarnings("unchecked") // keys of what we read are texts
  static Map<String, Object> mapping(@Nullable Object value) {
    return (Map<String, Object>) present(value);
  }

  private static Object present(@Nullable Object value) {
    if (value == null) {
      throw new AssertionError("nothing is there");
    }
    return value;
  }

  /** Seen as a list. @throws ClassCastException where it is another */
  @SuppressWarnings("unchecked") // elements may be anything
  static List<Object> list(@Nullable Object value) {
    return (List<Object>) present(value);
  }
}
