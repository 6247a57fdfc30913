package io.sluice.containers;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * An object of a manifest that has to be understood as a whole: a field that nobody has asked for
 * when it is {@link #close closed} is an error. For one thread.
 */
final class Fields implements AutoCloseable {
  private final String path;
  private final JsonNode object;
  private final Set<String> unread = new LinkedHashSet<>();

  /** Named {@code path} in errors. */
  Fields(String path, JsonNode object) {
    this.path = path;
    this.object = object;
    object.fieldNames().forEachRemaining(unread::add);
  }

  /** The field; a missing node where it is not there. */
  JsonNode take(String name) {
    unread.remove(name);
    return object.path(name);
  }

  /** The field's text; empty where it is not there. */
  String text(String name) {
    return take(name).asText("");
  }

  /** Fields that mean nothing to a node: scheduling, and words for people. */
  void pass(String... names) {
    List.of(names).forEach(unread::remove);
  }

  /** The field as an object; one without fields where it is not there. */
  Fields object(String name) {
    return new Fields(path + "." + name, take(name));
  }

  /** Every object of a list that is a field, read and closed. */
  <T> List<T> each(String name, Function<Fields, T> reader) {
    List<T> read = new ArrayList<>();
    JsonNode list = take(name);
    for (int i = 0; i < list.size(); i++) {
      try (Fields item = new Fields(path + "." + name + "[" + i + "]", list.get(i))) {
        read.add(reader.apply(item));
      }
    }
    return read;
  }

  /** The texts of a list that is a field. */
  List<String> texts(String name) {
    List<String> texts = new ArrayList<>();
    take(name).forEach(text -> texts.add(text.asText()));
    return texts;
  }

  /** The value must be one of these: another is not known here. */
  void require(String name, String... known) {
    String found = text(name);
    if (!List.of(known).contains(found)) {
      throw new AssertionError(path + "." + name + " is " + found + ", which is not known here");
    }
  }

  /** The whole object, for who reads it field by field. */
  JsonNode all() {
    unread.clear();
    return object;
  }

  /** What the object is called in errors. */
  String path() {
    return path;
  }

  /** Fails where a field was not asked for. */
  @Override
  public void close() {
    if (!unread.isEmpty()) {
      throw new AssertionError(path + " has fields that this kubelet does not know: " + unread);
    }
  }
}
