package io.sluice.charts;

import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** YAML as maps and lists. */
final class Yaml {
  private Yaml() {}

  /** One document that is a mapping. */
  static Map<String, Object> read(String text) {
    return mapping(new Load(LoadSettings.builder().build()).loadFromString(text));
  }

  /** Seen as a mapping. @throws ClassCastException where it is none */
  @SuppressWarnings("unchecked") // keys of what we read are texts
  static Map<String, Object> mapping(Object value) {
    return (Map<String, Object>) value;
  }

  /** Seen as a list. @throws ClassCastException where it is none */
  @SuppressWarnings("unchecked") // elements may be anything
  static List<Object> list(Object value) {
    return (List<Object>) value;
  }
}
