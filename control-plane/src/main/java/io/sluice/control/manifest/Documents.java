package io.sluice.control.manifest;

import io.sluice.mesh.Printable;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The objects of a file as they are written, whether or not they can be read as objects. */
public final class Documents {
  /** A part of a field's path: a name, a name with dots or slashes, a position in a list. */
  private static final Pattern PART =
      Pattern.compile("([^.\\[\\]]+)|\\[\"([^\"]*)\"\\]|\\[([0-9]{1,9})\\]");

  private final List<Written> objects = new ArrayList<>();

  /**
   * One of them.
   *
   * @param place {@code items[2]} inside a List, otherwise empty
   */
  public record Written(YamlValue.Mapping value, String place) {
    /** API group; empty for that of the core. */
    public String group() {
      String version = text(value, "apiVersion");
      return version.indexOf('/') < 0 ? "" : version.substring(0, version.indexOf('/'));
    }

    /** What it says there; empty where it says nothing. */
    public String kind() {
      return text(value, "kind");
    }

    /** The line of a field of it, or of what is written of the way to it. */
    int lineOf(String field) {
      YamlValue there = value;
      int line = value.line();
      Matcher parts =
          PART.matcher(
              place.isEmpty() || !field.startsWith(place)
                  ? field
                  : field.substring(place.length()));
      while (parts.find()) {
        String name = parts.group(1) == null ? parts.group(2) : parts.group(1);
        @Nullable YamlValue next = null;
        if (name != null && there instanceof YamlValue.Mapping mapping) {
          next = mapping.entries().get(name);
          line = next == null ? line : mapping.lineOf(name);
        } else if (name == null && there instanceof YamlValue.Sequence list) {
          int index = Integer.parseInt(parts.group(3));
          next = index < list.items().size() ? list.items().get(index) : null;
          line = next == null ? line : next.line();
        }
        if (next == null) {
          return line;
        }
        there = next;
      }
      return line;
    }

    /** The path of one of its fields from the start of the file's document. */
    public String inside(String path) {
      return place.isEmpty() ? path : place + "." + path;
    }

    /** {@code Kind namespace/name}, as far as it says. */
    public String title() {
      if (!(value.entries().get("metadata") instanceof YamlValue.Mapping metadata)) {
        return kind();
      }
      String namespace = text(metadata, "namespace");
      return (kind() + " " + (namespace.isEmpty() ? "" : namespace + "/") + text(metadata, "name"))
          .strip();
    }

    private static String text(YamlValue.Mapping mapping, String name) {
      return mapping.entries().get(name) instanceof YamlValue.Scalar scalar
              && scalar.kind() == YamlValue.Kind.STRING
              && scalar.text().length() <= 300
          ? scalar.text()
          : "";
    }
  }

  /** Objects of all documents, and the items of each List. */
  public Documents(YamlDocuments yaml) {
    for (YamlValue document : yaml.documents()) {
      if (document instanceof YamlValue.Mapping mapping) {
        Written written = new Written(mapping, "");
        if (written.kind().equals("List")
            && mapping.entries().get("items") instanceof YamlValue.Sequence items) {
          addItems(items);
        } else {
          objects.add(written);
        }
      }
    }
  }

  private void addItems(YamlValue.Sequence items) {
    for (int i = 0; i < items.items().size(); i++) {
      if (items.items().get(i) instanceof YamlValue.Mapping item) {
        objects.add(new Written(item, "items[" + i + "]"));
      }
    }
  }

  /** In the order of the file. */
  public List<Written> all() {
    return objects;
  }

  /** Which object {@code problem} is about: the last that starts before it; empty if none does. */
  public String titleOf(Problem problem) {
    String title = "";
    for (Written written : objects) {
      boolean inside =
          written.place().isEmpty()
              ? !problem.field().startsWith("items[")
              : problem.field().startsWith(written.place());
      if (inside && written.value().line() <= problem.line()) {
        title = written.title();
      }
    }
    return title;
  }

  /**
   * Where a field stands: the deepest part of its path that is written; {@code line} if no field is
   * named, or the object is not found.
   *
   * @param object {@code Kind namespace/name}
   * @param line where the object starts, or a later one of it
   */
  public int lineOf(String object, String field, int line) {
    if (field.isEmpty()) {
      return line;
    }
    @Nullable Written about = null;
    for (Written written : objects) {
      boolean isAbout =
          Printable.line(written.title()).equals(object)
              && (written.place().isEmpty()
                  || !field.startsWith("items[")
                  || field.startsWith(written.place() + "."));
      if (isAbout && (written.value().line() <= line || about == null)) {
        about = written;
      }
    }
    return about == null ? line : about.lineOf(field);
  }

  /** The same with the line of its field. */
  Problem located(Problem problem) {
    return problem.at(lineOf(Printable.line(titleOf(problem)), problem.field(), problem.line()));
  }

  /** Problems of the file that {@code yaml} is, each with the line of its field. */
  public static List<Problem> located(YamlDocuments yaml, List<Problem> problems) {
    if (problems.isEmpty()) {
      return problems;
    }
    Documents documents = new Documents(yaml);
    return problems.stream().map(documents::located).toList();
  }
}
