package io.sluice.control.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.attack.Attack;
import io.sluice.control.manifest.YamlValue.Kind;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class YamlDocumentsTest {
  @Test
  void knowsLineAndColumnOfEveryValue() {
    YamlDocuments read =
        read(
            """
            # a comment
            a: 1
            b:
            - x
            - y: "z"
            ---
            c: [true]
            """);

    assertThat(read.problems()).isEmpty();
    assertThat(read.documents()).hasSize(2);
    var first = (YamlValue.Mapping) read.documents().get(0);
    assertThat(first.entries().get("a")).isEqualTo(new YamlValue.Scalar("1", Kind.INTEGER, 2));
    assertThat(first.entries().get("b"))
        .isInstanceOfSatisfying(
            YamlValue.Sequence.class,
            list -> {
              assertThat(list.line()).isEqualTo(4);
              assertThat(list.items())
                  .containsExactly(
                      new YamlValue.Scalar("x", Kind.STRING, 4),
                      new YamlValue.Mapping(
                          Map.of("y", new YamlValue.Scalar("z", Kind.STRING, 5)),
                          Map.of("y", 5),
                          5));
            });
    assertThat(first.lineOf("b")).isEqualTo(3);
    var second = (YamlValue.Mapping) read.documents().get(1);
    assertThat(second.line()).isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(strings = {"!a%0a", "- !<tag:x%20> y"})
  void tellsOfATagThatEndsInAnEscapedSpace(String text) {
    YamlDocuments read = YamlDocuments.read("a.yaml", text.getBytes(StandardCharsets.UTF_8));

    assertThat(read.documents()).isEmpty();
    assertThat(read.problems())
        .singleElement()
        .satisfies(problem -> {
          assertThat(problem.reason()).isNotBlank();
          assertThat(problem.mend()).isEqualTo("write it as YAML 1.2");
        });
  }

  @ParameterizedTest
  @CsvSource({
    "yes, STRING",
    "no, STRING",
    "on, STRING",
    "true, BOOLEAN",
    "False, BOOLEAN",
    "null, NULL",
    "~, NULL",
    "'\"\"', STRING",
    "12, INTEGER",
    "0x1F, INTEGER",
    "0o17, INTEGER",
    "1_000, STRING",
    "12:30:45, STRING",
    "1.5, FLOAT",
    "1e3, FLOAT",
    ".inf, FLOAT",
    "\"12\", STRING",
    "2026-01-01, STRING",
    "10.0.0.1, STRING"
  })
  void followsTheCoreSchemaOfYaml12(String text, Kind kind) {
    YamlDocuments read = read("a: " + text + "\n");

    var mapping = (YamlValue.Mapping) read.documents().getFirst();
    assertThat(mapping.entries().get("a"))
        .isInstanceOfSatisfying(
            YamlValue.Scalar.class, scalar -> assertThat(scalar.kind()).isEqualTo(kind));
  }

  @Test
  void readsJsonAndSkipsEmptyDocuments() {
    assertThat(read("{\"a\": [1, \"\\u00e4\"]}").documents()).hasSize(1);
    assertThat(read("---\n---\na: 1\n---\n# nothing\n...\n").documents()).hasSize(1);
    assertThat(read("").documents()).isEmpty();
    assertThat(read("").problems()).isEmpty();
  }

  @Test
  void followsAFewAliases() {
    YamlDocuments read = read("a: &x {b: 1}\nc: *x\n");

    var mapping = (YamlValue.Mapping) read.documents().getFirst();
    assertThat(mapping.entries().get("c")).isEqualTo(mapping.entries().get("a"));
  }

  private record Broken(String name, String text, int line, String reason) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Broken> brokenFiles() {
    var bomb = new StringBuilder("a0: &a0 [x, x]\n");
    for (int i = 1; i < 24; i++) {
      bomb.append("a%d: &a%d [*a%d, *a%d]\n".formatted(i, i, i - 1, i - 1));
    }
    return Stream.of(
        new Broken("duplicate key", "a: 1\nb: 2\na: 3\n", 3, "the key 'a' appears twice"),
        new Broken("nested duplicate", "a:\n  b: 1\n  b: 1\n", 3, "the key 'b' appears twice"),
        new Broken("duplicate in JSON", "{\"a\":1,\n\"a\":1}", 2, "the key 'a' appears twice"),
        new Broken("merge key", "a: &x {b: 1}\nc:\n  <<: *x\n", 3, "the merge key '<<'"),
        new Broken("tagged merge key", "a: &x {b: 1}\nc:\n  !!merge <<: *x\n", 3, "has no meaning"),
        new Broken("number as key", "a: 1\n7: 1\n", 2, "a key is not a string"),
        new Broken("list as key", "a: 1\n? [b]\n: 1\n", 2, "a key is not a string"),
        new Broken("foreign tag", "a: 1\nb: !!java.net.URL [x]\n", 2, "the tag"),
        new Broken("own tag", "a: 1\nb: !run x\n", 2, "the tag !run"),
        new Broken("binary", "a: !!binary aGk=\n", 1, "the tag"),
        new Broken("unclosed list", "a: 1\nb: [1,\n", 3, "while parsing a flow node"),
        new Broken("unclosed quote", "a: \"x\nb: 1\n", 3, "while scanning a quoted scalar"),
        new Broken("tab as indent", "a:\n\tb: 1\n", 2, "while scanning"),
        new Broken("unknown alias", "a: 1\nb: *x\n", 2, "found undefined alias"),
        new Broken("control character", "a: 1\nb: \u0001\n", 2, "character U+0001"),
        new Broken("cycle", "a: &x\n  b: *x\n", 1, "nested deeper than 50"),
        new Broken("deep list", "a: 1\nb: " + "[".repeat(100_000), 2, "nested deeper than 50"),
        new Broken("deep mapping", "{a: ".repeat(60), 1, "nested deeper than 50"),
        new Broken("alias bomb", bomb.toString(), 0, "alias"),
        new Broken("too many documents", "---\na: 1\n".repeat(1_001), 2_001, "1000 documents"),
        new Broken("too large", "a".repeat(YamlDocuments.MAX_BYTES + 1), 0, "larger than"));
  }

  @Tag("attack")
  @ParameterizedTest
  @MethodSource("brokenFiles")
  void refusesTheWholeFileAndNamesTheLine(Broken broken) {
    YamlDocuments read = read(broken.text());

    assertThat(read.documents()).isEmpty();
    assertThat(read.problems()).hasSize(1);
    Problem problem = read.problems().getFirst();
    assertThat(problem.file()).isEqualTo("f.yaml");
    assertThat(problem.reason()).contains(broken.reason());
    assertThat(problem.mend()).isNotBlank();
    if (broken.line() > 0) {
      assertThat(problem.line()).isEqualTo(broken.line());
    }

    if (Set.of("alias bomb", "cycle", "deep list", "foreign tag", "too large")
        .contains(broken.name())) {
      Attack.tried("a manifest: " + broken.name())
          .refusedBy("the reader of manifests, the whole file")
          .countedAs("a problem with file, line and mend");
    }
  }

  @Test
  void refusesTextThatIsNotUtf8() {
    YamlDocuments read = YamlDocuments.read("f.yaml", new byte[] {'a', ':', ' ', (byte) 0xff});

    assertThat(read.problems())
        .extracting(Problem::reason)
        .containsExactly("the file is not UTF-8 text");
  }

  @Test
  void quotesOnlyTheStartOfAnOverlongText() {
    YamlDocuments read = read("!<" + "a".repeat(100_000) + "> b");

    assertThat(read.problems().getFirst().toString()).hasSizeLessThan(600);
  }

  @Test
  void readsTheLargestFile() {
    String line = "- a: 1\n";
    YamlDocuments read = read(line.repeat(YamlDocuments.MAX_BYTES / line.length()));

    assertThat(read.problems()).isEmpty();
  }

  private static YamlDocuments read(String text) {
    return YamlDocuments.read("f.yaml", text.getBytes(StandardCharsets.UTF_8));
  }
}
