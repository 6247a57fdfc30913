package io.sluice.control.manifest;

import io.sluice.control.manifest.YamlValue.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Typed reading of one mapping. A field that is absent or null reads as absent. A field of the
 * wrong type or range reads as absent too, and its problem goes to the sink with line and path:
 * callers use what they read only when the sink stayed empty. Confined to one thread.
 */
public final class Fields {
  /** Largest port number. */
  private static final int MAX_PORT = 65_535;

  /** More than any number has that is read. */
  private static final int MAX_DIGITS = 15;

  private final String file;
  private final String path;
  private final YamlValue.Mapping mapping;
  private final Consumer<Problem> sink;

  /** Fields of a whole document; {@code path} is empty, or the place inside a List. */
  public Fields(String file, String path, YamlValue.Mapping mapping, Consumer<Problem> sink) {
    this.file = file;
    this.path = path;
    this.mapping = mapping;
    this.sink = sink;
  }

  /** Name of the file. */
  public String file() {
    return file;
  }

  /** Line where this mapping starts. */
  public int line() {
    return mapping.line();
  }

  /** Names of the fields, in order of the document. */
  public Iterable<String> names() {
    return mapping.entries().keySet();
  }

  /** Paths of the fields that are there and not among {@code known}. */
  public List<String> unknown(Set<String> known) {
    return mapping.entries().keySet().stream()
        .filter(name -> !known.contains(name) && has(name))
        .map(this::fieldPath)
        .toList();
  }

  /** Whether the field is there and not null. */
  public boolean has(String name) {
    return present(name) != null;
  }

  /** A string, or empty text after reporting that it is missing. */
  public String requiredText(String name) {
    if (!has(name)) {
      missing(name);
      return "";
    }
    return text(name).orElse("");
  }

  /** A string. */
  public Optional<String> text(String name) {
    YamlValue value = present(name);
    return value == null ? Optional.empty() : asText(value, fieldPath(name));
  }

  /** A string with a form of its own; {@code parser} throws IllegalArgumentException with why. */
  public <T> Optional<T> parsed(String name, Function<String, T> parser, String mend) {
    YamlValue value = present(name);
    return value == null ? Optional.empty() : parsed(value, fieldPath(name), parser, mend);
  }

  /** Like {@link #parsed}, and reports when the field is missing. */
  public <T> Optional<T> requiredParsed(String name, Function<String, T> parser, String mend) {
    if (!has(name)) {
      missing(name);
    }
    return parsed(name, parser, mend);
  }

  /** A list of strings with a form of their own; items that lack it are left out. */
  public <T> List<T> parsedList(String name, Function<String, T> parser, String mend) {
    return list(name, (item, itemPath) -> parsed(item, itemPath, parser, mend));
  }

  /** A boolean; absent is false. */
  public boolean isTrue(String name) {
    YamlValue value = present(name);
    if (value == null) {
      return false;
    }
    if (value instanceof YamlValue.Scalar scalar && scalar.kind() == Kind.BOOLEAN) {
      return scalar.text().equalsIgnoreCase("true");
    }
    wrongType(value, fieldPath(name), "a boolean", "write true or false, without quotes");
    return false;
  }

  /** A port number, 1..65535. */
  public Optional<Integer> port(String name) {
    YamlValue value = present(name);
    return value == null ? Optional.empty() : asPort(value, fieldPath(name));
  }

  /** A whole number that is not negative; {@code what} it is, with its article, for messages. */
  public Optional<Integer> number(String name, String what) {
    YamlValue value = present(name);
    return value == null
        ? Optional.empty()
        : asInteger(value, fieldPath(name), 0, Integer.MAX_VALUE, what);
  }

  /** A whole number from {@code least} to {@code most}. */
  public Optional<Long> whole(String name, String what, long least, long most) {
    YamlValue value = present(name);
    return value == null ? Optional.empty() : asWhole(value, fieldPath(name), least, most, what);
  }

  /** A part of a whole, 0 to 1; 2 where the field is absent, which is more than there is. */
  public double share(String name) {
    YamlValue value = present(name);
    if (value == null) {
      return 2;
    }
    String mend = "write a number from 0 to 1, such as 0.5";
    if (!(value instanceof YamlValue.Scalar scalar)
        || (scalar.kind() != Kind.INTEGER && scalar.kind() != Kind.FLOAT)) {
      wrongType(value, fieldPath(name), "a number", mend);
      return 2;
    }
    if (!scalar.text().matches("[01]|0?\\.[0-9]{1,9}|1\\.0{1,9}")) {
      problem(name, scalar.text() + " is outside 0..1", mend);
      return 2;
    }
    return Double.parseDouble(scalar.text());
  }

  /** A port number, or 0 after reporting that it is missing. */
  public int requiredPort(String name) {
    if (!has(name)) {
      missing(name);
      return 0;
    }
    return port(name).orElse(0);
  }

  /** A list of port numbers. */
  public List<Integer> ports(String name) {
    return list(name, this::asPort);
  }

  /** Whether the field is a string; tells a named port from a number. */
  public boolean isText(String name) {
    return present(name) instanceof YamlValue.Scalar scalar && scalar.kind() == Kind.STRING;
  }

  /** Whether the field is a list; tells one of two forms that a field may have. */
  public boolean isList(String name) {
    return present(name) instanceof YamlValue.Sequence;
  }

  /** A mapping. */
  public Optional<Fields> object(String name) {
    YamlValue value = present(name);
    return value == null ? Optional.empty() : asObject(value, fieldPath(name));
  }

  /** A mapping, or nothing after reporting that it is missing. */
  public Optional<Fields> requiredObject(String name) {
    if (!has(name)) {
      missing(name);
    }
    return object(name);
  }

  /** A mapping; an empty one when absent. */
  public Fields objectOrEmpty(String name) {
    return object(name)
        .orElseGet(() ->
            new Fields(
                file, fieldPath(name), new YamlValue.Mapping(Map.of(), mapping.line()), sink));
  }

  /** A list of mappings. */
  public List<Fields> objects(String name) {
    return list(name, this::asObject);
  }

  /** The same; more of them than {@code most} are a problem. */
  public List<Fields> objects(String name, int most) {
    List<Fields> items = objects(name);
    if (items.size() > most) {
      problem(name, "there are more than " + most, "write " + most + " at most");
    }
    return items;
  }

  /** A mapping of strings, in order of the document. */
  public Map<String, String> texts(String name) {
    Map<String, String> result = new LinkedHashMap<>();
    object(name)
        .ifPresent(fields -> {
          for (String key : fields.names()) {
            YamlValue value = fields.present(key);
            if (value == null) {
              result.put(key, ""); // what the Kubernetes API makes of null here
            } else {
              asText(value, fields.fieldPath(key)).ifPresent(text -> result.put(key, text));
            }
          }
        });
    return result;
  }

  /** Reports a problem of the field, or of this mapping when the field is absent. */
  public void problem(String name, String reason, String mend) {
    YamlValue value = mapping.entries().get(name);
    int line = value == null ? mapping.line() : value.line();
    sink.accept(new Problem(file, line, fieldPath(name), reason, mend));
  }

  /** Path of a field of this mapping; a name with dots or slashes is put in brackets. */
  public String fieldPath(String name) {
    if (name.indexOf('.') >= 0 || name.indexOf('/') >= 0) {
      return path + "[\"" + name + "\"]";
    }
    return path.isEmpty() ? name : path + "." + name;
  }

  private @Nullable YamlValue present(String name) {
    YamlValue value = mapping.entries().get(name);
    return value == null || value.isNull() ? null : value;
  }

  private <T> List<T> list(String name, ItemReader<T> reader) {
    YamlValue value = present(name);
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof YamlValue.Sequence sequence)) {
      wrongType(value, fieldPath(name), "a list", "write one item per line, each after '- '");
      return List.of();
    }
    List<T> result = new ArrayList<>();
    for (int i = 0; i < sequence.items().size(); i++) {
      reader.read(sequence.items().get(i), fieldPath(name) + "[" + i + "]").ifPresent(result::add);
    }
    return result;
  }

  private <T> Optional<T> parsed(
      YamlValue value, String valuePath, Function<String, T> parser, String mend) {
    if (value instanceof YamlValue.Scalar scalar
        && scalar.kind() != Kind.STRING
        && !parses(parser, scalar.text())) {
      wrongType(value, valuePath, "a string", mend); // of which quotes would make no other
      return Optional.empty();
    }
    return asText(value, valuePath)
        .flatMap(text -> {
          try {
            return Optional.of(parser.apply(text));
          } catch (IllegalArgumentException e) {
            String reason = String.valueOf(e.getMessage());
            sink.accept(new Problem(file, value.line(), valuePath, reason, mend));
            return Optional.empty();
          }
        });
  }

  private static boolean parses(Function<String, ?> parser, String text) {
    try {
      var _ = parser.apply(text);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private Optional<Fields> asObject(YamlValue value, String valuePath) {
    if (value instanceof YamlValue.Mapping object) {
      return Optional.of(new Fields(file, valuePath, object, sink));
    }
    wrongType(value, valuePath, "a mapping", "write 'name: value' lines, indented");
    return Optional.empty();
  }

  private Optional<String> asText(YamlValue value, String valuePath) {
    if (value instanceof YamlValue.Scalar scalar) {
      if (scalar.kind() == Kind.STRING) {
        return Optional.of(scalar.text());
      }
      wrongType(value, valuePath, "a string", "put it in quotes: \"" + scalar.text() + "\"");
    } else {
      wrongType(value, valuePath, "a string", "write one value on the line of the field");
    }
    return Optional.empty();
  }

  private Optional<Integer> asPort(YamlValue value, String valuePath) {
    return asInteger(value, valuePath, 1, MAX_PORT, "a port");
  }

  private Optional<Integer> asInteger(
      YamlValue value, String valuePath, int least, int most, String what) {
    return asWhole(value, valuePath, least, most, what).map(Long::intValue);
  }

  private Optional<Long> asWhole(
      YamlValue value, String valuePath, long least, long most, String what) {
    String mend = "write " + what + " from " + least + " to " + most + ", without quotes";
    if (!(value instanceof YamlValue.Scalar scalar) || scalar.kind() != Kind.INTEGER) {
      wrongType(value, valuePath, "an integer", mend);
      return Optional.empty();
    }
    String text = scalar.text();
    if (!text.matches("[0-9]|[1-9][0-9]+|-[0-9]+")) {
      // 010 is ten in YAML 1.2 and eight to the tools of YAML 1.1.
      sink.accept(
          new Problem(file, value.line(), valuePath, "'" + text + "' is not plain decimal", mend));
      return Optional.empty();
    }
    long number = text.length() > MAX_DIGITS ? Long.MIN_VALUE : Long.parseLong(text);
    if (number < least || number > most) {
      String reason = text + " is outside " + least + ".." + most;
      sink.accept(new Problem(file, value.line(), valuePath, reason, mend));
      return Optional.empty();
    }
    return Optional.of(number);
  }

  private void missing(String name) {
    sink.accept(
        new Problem(file, mapping.line(), fieldPath(name), "the field is missing", "add it"));
  }

  private void wrongType(YamlValue value, String valuePath, String expected, String mend) {
    String reason = "this is " + value.description() + ", expected " + expected;
    sink.accept(new Problem(file, value.line(), valuePath, reason, mend));
  }

  private interface ItemReader<T> {
    Optional<T> read(YamlValue item, String itemPath);
  }
}
