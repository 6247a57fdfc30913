package io.sluice.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Limits of the maps: memory of a node without pods, and what the kernel accepts. */
class MapSizesTest {
  private static final Path SOURCES = Path.of("src");
  private static final Pattern MAP =
      Pattern.compile("struct \\{([^}]*)} (\\w+) SEC\\(\".maps\"\\)");
  private static final long LARGEST_PAGE_BYTES = 64 * 1_024;
  private static final long MAX_RING_BYTES = 1 << 20;
  private static final long MAX_ENTRIES = 65_536;

  /** One map definition as written. */
  record Definition(String name, String body) {
    boolean isOfType(String type) {
      return body.contains("__uint(type, BPF_MAP_TYPE_" + type + ")");
    }

    long maxEntries() {
      Matcher matcher = Pattern.compile("__uint\\(max_entries, (\\w+)\\)").matcher(body);
      return matcher.find() ? number(matcher.group(1)) : 0;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static Stream<Definition> maps() throws IOException {
    try (Stream<Path> files = Files.list(SOURCES)) {
      List<Path> sources =
          files.filter(file -> file.toString().matches(".*\\.[ch]")).sorted().toList();
      return sources.stream()
          .flatMap(file -> MAP.matcher(read(file)).results())
          .map(match -> new Definition(match.group(2), match.group(1)));
    }
  }

  @ParameterizedTest
  @MethodSource("maps")
  void idleNodePaysOnlyForEntriesThatExist(Definition map) {
    if (map.isOfType("HASH") || map.isOfType("PERCPU_HASH") || map.isOfType("LPM_TRIE")) {
      assertThat(map.body()).contains("BPF_F_NO_PREALLOC");
    }
    if (map.isOfType("HASH") || map.isOfType("PERCPU_HASH")) { // which have a bucket for each
      assertThat(map.maxEntries()).isBetween(1L, MAX_ENTRIES);
    }
    if (map.isOfType("ARRAY") || map.isOfType("PERCPU_ARRAY") || map.isOfType("SOCKMAP")) {
      assertThat(map.maxEntries()).isBetween(1L, 8L);
    }
  }

  @ParameterizedTest
  @MethodSource("maps")
  void ringIsWholePagesOnEveryMachine(Definition map) {
    if (map.isOfType("RINGBUF")) {
      assertThat(Long.bitCount(map.maxEntries())).isOne();
      assertThat(map.maxEntries()).isBetween(LARGEST_PAGE_BYTES, MAX_RING_BYTES);
    }
  }

  private static long number(String text) {
    if (Character.isDigit(text.charAt(0))) {
      return Long.parseLong(text);
    }
    Matcher matcher =
        Pattern.compile("(?:#define )?\\b" + text + "(?: =)? \\(?(\\w+)(?: \\* (\\w+)\\))?")
            .matcher(read(SOURCES.resolve("sluice_maps.h")));
    if (!matcher.find()) {
      throw new IllegalArgumentException(text + " is not in sluice_maps.h");
    }
    String factor = matcher.group(2);
    return number(matcher.group(1)) * (factor == null ? 1 : number(factor));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new IllegalStateException("cannot read " + file, e);
    }
  }
}
