package io.sluice.control.manifest;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A value of a YAML document with the line where it starts, from 1. */
public sealed interface YamlValue {
  /** Line where the value starts, from 1. */
  int line();

  /** What the value is, for messages: {@code a string}, {@code a list} and so on. */
  String description();

  /** What a scalar stands for by the YAML 1.2 core schema (YAML 1.2.2 §10.3). */
  enum Kind {
    STRING("a string"),
    INTEGER("an integer"),
    FLOAT("a number with a fraction"),
    BOOLEAN("a boolean"),
    NULL("null");

    private final String description;

    Kind(String description) {
      this.description = description;
    }
  }

  /**
   * A scalar.
   *
   * @param text the text as written, without quotes
   * @param kind what it stands for
   */
  record Scalar(String text, Kind kind, int line) implements YamlValue {
    @Override
    public String description() {
      return kind.description;
    }
  }

  /** A list. */
  record Sequence(List<YamlValue> items, int line) implements YamlValue {
    public Sequence {
      items = List.copyOf(items);
    }

    @Override
    public String description() {
      return "a list";
    }
  }

  /**
   * A mapping; entries keep the order of the document.
   *
   * @param keyLines where each key stands; a value may begin on a later line
   */
  record Mapping(Map<String, YamlValue> entries, Map<String, Integer> keyLines, int line)
      implements YamlValue {
    public Mapping {
      entries = Collections.unmodifiableMap(new LinkedHashMap<>(entries));
      keyLines = Map.copyOf(keyLines);
    }

    /** One that was written in no lines. */
    public Mapping(Map<String, YamlValue> entries, int line) {
      this(entries, Map.of(), line);
    }

    /** Line of a key, from 1; that of the mapping where there is no such key. */
    public int lineOf(String key) {
      return keyLines.getOrDefault(key, line);
    }

    @Override
    public String description() {
      return "a mapping";
    }
  }

  /** Whether the value is the null scalar, which Kubernetes treats like an absent field. */
  default boolean isNull() {
    return this instanceof Scalar scalar && scalar.kind() == Kind.NULL;
  }
}
