package io.sluice.charts;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What {@code --set} takes, in Helm's grammar: {@code key.below=value}, {@code key={a,b}}, {@code
 * key[0].below=value}, several with commas between, a backslash before a character that is meant as
 * it stands. Reads one text from left to right; not reusable.
 */
final class SetExpression {
  private static final int LONGEST = 65_536;
  private static final int LARGEST_INDEX = 1023;
  private static final Pattern INTEGER = Pattern.compile("0|-?[1-9][0-9]{0,17}");

  private final String text;
  private int at;

  private SetExpression(String text) {
    this.text = text;
  }

  /** Sets what the text says. @throws IllegalArgumentException with text and position */
  static void apply(String text, Map<String, Object> values) {
    SetExpression expression = new SetExpression(text);
    if (text.length() > LONGEST) {
      throw new IllegalArgumentException("--set of more than " + LONGEST + " characters");
    }
    do {
      set(values, expression.path(), expression.value());
    } while (expression.skip(','));
  }

  /** Sets one value, whatever characters it has. */
  static void applyText(String path, String value, Map<String, Object> values) {
    set(values, new SetExpression(path + "=").path(), value);
  }

  /** Names, and positions in lists. */
  private List<Object> path() {
    List<Object> path = new ArrayList<>();
    do {
      String name = until(".[=,");
      if (name.isEmpty()) {
        throw wrong("a name is missing");
      }
      path.add(name);
      while (skip('[')) {
        String index = until("]");
        if (!skip(']') || !index.matches("[0-9]{1,4}") || Integer.parseInt(index) > LARGEST_INDEX) {
          throw wrong("no position from 0 to " + LARGEST_INDEX + " in brackets");
        }
        path.add(Integer.parseInt(index));
      }
    } while (skip('.'));
    if (!skip('=')) {
      throw wrong("a '=' with the value is missing");
    }
    return path;
  }

  private @Nullable Object value() {
    if (!skip('{')) {
      return typed(until(","));
    }
    List<@Nullable Object> list = new ArrayList<>();
    if (!skip('}')) {
      do {
        list.add(typed(until(",}")));
      } while (skip(','));
      if (!skip('}')) {
        throw wrong("a '}' is missing");
      }
    }
    if (at < text.length() && text.charAt(at) != ',') {
      throw wrong("a ',' is missing");
    }
    return list;
  }

  private static @Nullable Object typed(String value) {
    return switch (value) {
      case "true" -> true;
      case "false" -> false;
      case "null" -> null;
      default -> INTEGER.matcher(value).matches() ? (Object) Long.valueOf(value) : value;
    };
  }

  /** Up to one of these, which stays; a backslash is dropped and its successor taken. */
  private String until(String ends) {
    StringBuilder taken = new StringBuilder();
    while (at < text.length() && ends.indexOf(text.charAt(at)) < 0) {
      if (text.charAt(at) == '\\' && at + 1 < text.length()) {
        at++;
      }
      taken.append(text.charAt(at++));
    }
    return taken.toString();
  }

  private boolean skip(char expected) {
    boolean isThere = at < text.length() && text.charAt(at) == expected;
    if (isThere) {
      at++;
    }
    return isThere;
  }

  private IllegalArgumentException wrong(String what) {
    return new IllegalArgumentException(
        "--set '" + text + "': " + what + " at character " + (at + 1));
  }

  @SuppressWarnings("unchecked") // of what is put here itself
  private static Object set(@Nullable Object there, List<Object> path, @Nullable Object value) {
    List<Object> below = path.subList(1, path.size());
    Function<@Nullable Object, @Nullable Object> next =
        old -> below.isEmpty() ? value : set(old, below, value);
    if (path.getFirst() instanceof Integer index) {
      List<@Nullable Object> list =
          there instanceof List<?> known ? (List<@Nullable Object>) known : new ArrayList<>();
      while (list.size() <= index) {
        list.add(null);
      }
      list.set(index, next.apply(list.get(index)));
      return list;
    }
    Map<String, @Nullable Object> map =
        there instanceof Map<?, ?> known
            ? (Map<String, @Nullable Object>) known
            : new LinkedHashMap<>();
    String name = (String) path.getFirst();
    map.put(name, next.apply(map.get(name)));
    return map;
  }
}
