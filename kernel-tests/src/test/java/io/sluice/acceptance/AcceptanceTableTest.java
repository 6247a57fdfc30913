package io.sluice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Keeps {@code docs/acceptance.md} complete, and its proofs real. */
class AcceptanceTableTest {
  private static final Path TABLE = Path.of("docs", "acceptance.md");
  private static final Pattern ROW = Pattern.compile("(?m)^\\| *[A-Z]\\d+ *\\|.*$");
  private static final String TESTS = "`\\w+`(, `\\w+`)*";

  /** Nothing, a whole proof, or a part with what is missing in words. */
  private static final Pattern PROOF =
      Pattern.compile("not yet|" + TESTS + "|partly " + TESTS + ": [^`:]{8,150}[^`:.]");

  private static final Pattern CLASS_NAME = Pattern.compile("`(\\w+)`");

  /** An area of the table: its letter, and how many features it has. */
  private record Area(String letter, int features) {
    Stream<String> ids() {
      return IntStream.rangeClosed(1, features).mapToObj(number -> letter + number);
    }
  }

  private static final List<Area> AREAS =
      List.of(
          new Area("I", 12),
          new Area("T", 19),
          new Area("S", 12),
          new Area("O", 9),
          new Area("G", 11),
          new Area("M", 9),
          new Area("P", 9),
          new Area("C", 12),
          new Area("K", 8),
          new Area("N", 17),
          new Area("Z", 12));

  private record Row(String line, List<String> cells) {
    static Row parse(String line) {
      String inner = line.strip().replaceFirst("^\\|", "").replaceFirst("\\|$", "");
      return new Row(line, Stream.of(inner.split("\\|", -1)).map(String::strip).toList());
    }

    String id() {
      return cells.getFirst();
    }

    String proof() {
      return cells.getLast();
    }

    Stream<String> namedTests() {
      return CLASS_NAME.matcher(proof()).results().map((MatchResult m) -> m.group(1));
    }
  }

  private final SourceTree tree = SourceTree.around();
  private final List<Row> rows =
      ROW.matcher(tree.read(TABLE)).results().map(m -> Row.parse(m.group())).toList();

  @Test
  void listsEveryFeatureOnceAndInOrder() {
    assertThat(rows)
        .extracting(Row::id)
        .containsExactlyElementsOf(AREAS.stream().flatMap(Area::ids).toList());
  }

  @Test
  void saysOfEveryFeatureWhatItIsAndWhatItAchieves() {
    assertThat(rows)
        .allSatisfy(row ->
            assertThat(row.cells())
                .as(row.line())
                .hasSize(4)
                .allSatisfy(cell -> assertThat(cell).isNotBlank()));
  }

  @Test
  void provesAFeatureByTestsInPartOrNotYet() {
    assertThat(rows).allSatisfy(row -> assertThat(row.proof()).as(row.id()).matches(PROOF));
  }

  @Test
  void namesOnlyTestsThatExist() {
    assertThat(rows)
        .allSatisfy(row -> assertThat(row.namedTests()).as(row.id()).allMatch(tree::isTest));
  }

  /** The state of a row is one of three, and a part that is proven says what is not. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "not yet; true",
        "`FooTest`; true",
        "`FooTest`, `BarTest`; true",
        "partly `FooTest`: calls over IPv6; true",
        "partly `FooTest`, `BarTest`: calls over IPv6, and load; true",
        "partly; false",
        "partly `FooTest`; false",
        "partly `FooTest`:; false",
        "partly: calls over IPv6; false",
        "`FooTest`: calls over IPv6; false",
        "partly `FooTest`: `BarTest` does not run; false",
        "mostly `FooTest`: calls over IPv6; false"
      })
  void partsAreNeitherWholeProofsNorExcuses(String proof, boolean fits) {
    assertThat(PROOF.matcher(proof).matches()).isEqualTo(fits);
  }
}
