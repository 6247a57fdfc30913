package io.sluice.interception.maps;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Constants and structs of a C header as text, for what the compiler leaves out of the object:
 * enums that are no type of a map, and structs that only a ring carries.
 */
final class CHeader {
  private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/", Pattern.DOTALL);
  private static final Pattern ENUMERATOR = Pattern.compile("(\\w+) = (\\w+)(?: << (\\d+))?");
  private static final Pattern MEMBER =
      Pattern.compile("(__u8|__u16|__u32|__u64|char) (\\w+)(?:\\[(\\d+)])?;");

  private final String text;

  private CHeader(String text) {
    this.text = text;
  }

  /** A header among the sources of the programs. */
  static CHeader read(String name) {
    try {
      String text = Files.readString(Path.of("../bpf-programs/src").resolve(name));
      return new CHeader(COMMENT.matcher(text).replaceAll(""));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Value of {@code #define name}. */
  long constant(String name) {
    return Long.decode(only(Pattern.compile("#define " + name + " (\\w+?)u?\\n")).group(1));
  }

  /** Constants of {@code enum name}, in order. */
  Map<String, Integer> enumeration(String name) {
    Map<String, Integer> constants = new LinkedHashMap<>();
    Matcher matcher = ENUMERATOR.matcher(body("enum", name));
    while (matcher.find()) {
      int value = Integer.decode(matcher.group(2));
      String shift = matcher.group(3);
      constants.put(matcher.group(1), shift == null ? value : value << Integer.parseInt(shift));
    }
    return constants;
  }

  /** Members of {@code struct name}, each aligned to its own size as in every C ABI Linux has. */
  Btf.Struct struct(String name) {
    List<Btf.Member> members = new ArrayList<>();
    Matcher matcher = MEMBER.matcher(body("struct", name));
    int offset = 0;
    int widest = 1;
    while (matcher.find()) {
      int width = width(matcher.group(1));
      String count = matcher.group(3);
      int size = count == null ? width : width * Integer.parseInt(count);
      offset = (offset + width - 1) / width * width;
      widest = Math.max(widest, width);
      members.add(new Btf.Member(matcher.group(2), offset, size));
      offset += size;
    }
    return new Btf.Struct(name, (offset + widest - 1) / widest * widest, members);
  }

  private static int width(String type) {
    return type.equals("char") ? 1 : Integer.parseInt(type.substring(3)) / 8;
  }

  private String body(String kind, String name) {
    return only(Pattern.compile(kind + " " + name + " \\{(.*?)\\n};", Pattern.DOTALL)).group(1);
  }

  private MatchResult only(Pattern pattern) {
    List<MatchResult> found = pattern.matcher(text).results().toList();
    if (found.size() != 1) {
      throw new IllegalArgumentException(found.size() + " matches of " + pattern);
    }
    return found.getFirst();
  }
}
