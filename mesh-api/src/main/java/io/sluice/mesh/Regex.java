package io.sluice.mesh;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A regular expression of a policy, in the syntax of RE2, which matches in a time that grows with
 * the text alone. It has to match the whole text. Two are equal by what is written. Immutable.
 */
public final class Regex {
  /** Longest that is taken. */
  public static final int MAX_CHARACTERS = 1_024;

  /** Most instructions it may compile to: each character of a text may visit every one of them. */
  public static final int MAX_INSTRUCTIONS = 2_000;

  private static final String META = "\\.+*?()|[]{}^$";

  /** What follows a path's segments that are all to be there: the end, or further segments. */
  private static final String SEGMENTS = "(/.*)?";

  private static final String WHATEVER = ".*";

  /** Matches every text. */
  public static final Regex ANY = new Regex(WHATEVER);

  private final String text;

  /** What a literal stands for. */
  private enum Meaning {
    TEXT,
    SEGMENTS,
    BEGINNING
  }

  /** The text, segments or beginning that alone match; null where that is not all it says. */
  private final @Nullable String literal;

  private final Meaning meaning; // of the literal

  /** Null where a literal says what matches. */
  private final @Nullable Pattern pattern;

  private Regex(String text) {
    this.text = text;
    this.meaning =
        text.endsWith(SEGMENTS)
            ? Meaning.SEGMENTS
            : text.endsWith(WHATEVER) ? Meaning.BEGINNING : Meaning.TEXT;
    int open =
        switch (meaning) {
          case TEXT -> 0;
          case SEGMENTS -> SEGMENTS.length();
          case BEGINNING -> WHATEVER.length();
        };
    String fixed = text.substring(0, text.length() - open);
    if ((meaning == Meaning.SEGMENTS ? fixed : text).length() > MAX_CHARACTERS) {
      throw unusable(text, "it has more than " + MAX_CHARACTERS + " characters");
    }
    this.literal = literal(fixed);
    this.pattern = literal == null ? compiled(text) : null;
  }

  /** One that matches {@code value} alone. */
  public static Regex literally(String value) {
    return of(quoted(value));
  }

  /** One that matches paths which begin with the segments of {@code path}. */
  public static Regex segments(String path) {
    String whole = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
    return of(quoted(whole) + SEGMENTS);
  }

  /** An expression that matches {@code value} alone, to be written into a longer one. */
  public static String quoted(String value) {
    StringBuilder quoted = new StringBuilder(value.length());
    for (int i = 0; i < value.length(); i++) {
      if (META.indexOf(value.charAt(i)) >= 0) {
        quoted.append('\\');
      }
      quoted.append(value.charAt(i));
    }
    return quoted.toString();
  }

  /** Reads {@code text}; throws {@link IllegalArgumentException} that names it and the problem. */
  public static Regex of(String text) {
    return text.equals(ANY.text) ? ANY : new Regex(text);
  }

  /** The only text that this matches; null where it may match others too. */
  private static @Nullable String literal(String text) {
    StringBuilder literal = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length() && META.indexOf(text.charAt(i + 1)) >= 0) {
        i++;
        literal.append(text.charAt(i));
      } else if (META.indexOf(c) >= 0) {
        return null;
      } else {
        literal.append(c);
      }
    }
    return literal.toString();
  }

  private static Pattern compiled(String text) {
    if (new Size(text).instructions() > MAX_INSTRUCTIONS) { // else compiling takes the memory
      throw tooLarge(text);
    }
    Pattern compiled;
    try {
      compiled = Pattern.compile(text, Pattern.DOTALL);
    } catch (PatternSyntaxException e) {
      throw unusable(text, e.getDescription());
    }
    if (compiled.programSize() > MAX_INSTRUCTIONS) {
      throw tooLarge(text);
    }
    return compiled;
  }

  private static IllegalArgumentException tooLarge(String text) {
    return unusable(text, "it repeats too much: more than " + MAX_INSTRUCTIONS + " instructions");
  }

  private static IllegalArgumentException unusable(String text, String problem) {
    return new IllegalArgumentException(
        "'" + Printable.text(text, 80) + "' is no regular expression of RE2: " + problem);
  }

  /** Whether it matches the whole of {@code value}. */
  public boolean matches(String value) {
    Pattern compiled = pattern;
    if (compiled != null) {
      return compiled.matches(value);
    }
    String only = Objects.requireNonNull(literal);
    return switch (meaning) {
      case TEXT -> value.equals(only);
      case SEGMENTS ->
          value.startsWith(only)
              && (value.length() == only.length() || value.charAt(only.length()) == '/');
      case BEGINNING -> value.startsWith(only);
    };
  }

  /** As it was written. */
  public String text() {
    return text;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Regex regex && regex.text.equals(text);
  }

  @Override
  public int hashCode() {
    return text.hashCode();
  }

  @Override
  public String toString() {
    return text;
  }

  /**
   * About how many instructions an expression compiles to: repeats multiply what they repeat. Never
   * far below; what it misreads as a repeat makes it larger.
   */
  private static final class Size {
    private static final long BEYOND = 1L << 40; // keeps products from running over

    private final String text;
    private final Deque<Long> outer = new ArrayDeque<>(); // what precedes each open group
    private long before; // of the present group, before the last atom
    private long last; // the last atom
    private int at;

    Size(String text) {
      this.text = text;
    }

    long instructions() {
      while (at < text.length()) {
        char c = text.charAt(at++);
        switch (c) {
          case '(' -> {
            outer.push(before + last);
            before = 0;
            last = 0;
          }
          case ')' -> {
            last = before + last + 2;
            before = outer.isEmpty() ? 0 : outer.pop();
          }
          case '{' -> last = Math.min(BEYOND, last * Math.max(1, repeats()));
          case '[' -> {
            skipClass();
            atom();
          }
          case '\\' -> {
            skipEscape();
            atom();
          }
          default -> atom();
        }
      }
      long size = before + last;
      for (long open : outer) {
        size += open;
      }
      return size;
    }

    private void atom() {
      before = Math.min(BEYOND, before + last);
      last = 1;
    }

    /** The highest number between the braces; 1 where it is no repeat. */
    private long repeats() {
      int end = text.indexOf('}', at);
      if (end < 0 || end - at > 20) {
        return 1;
      }
      long most = 1;
      for (String number : text.substring(at, end).split(",", -1)) {
        if (!number.chars().allMatch(digit -> digit >= '0' && digit <= '9')) {
          return 1;
        }
        most = number.isEmpty() ? most : Math.max(most, Long.parseLong(number) + 1);
      }
      at = end + 1;
      return most;
    }

    private void skipClass() {
      if (at < text.length() && text.charAt(at) == '^') {
        at++;
      }
      int first = at;
      while (at < text.length() && (at == first || text.charAt(at) != ']')) {
        int named = text.startsWith("[:", at) ? text.indexOf(":]", at + 2) : -1;
        if (named >= 0) {
          at = named + 2;
        } else {
          at += text.charAt(at) == '\\' ? 2 : 1;
        }
      }
      at++;
    }

    private void skipEscape() {
      if (at == text.length()) {
        return;
      }
      char kind = text.charAt(at++);
      if (kind == 'Q') {
        throw unusable(text, "\\Q is not taken; escape each character");
      }
      if ((kind == 'x' || kind == 'p' || kind == 'P') && text.startsWith("{", at)) {
        int end = text.indexOf('}', at);
        at = end < 0 ? text.length() : end + 1;
      }
    }
  }
}
