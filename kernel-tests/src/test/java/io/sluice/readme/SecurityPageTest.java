package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What {@code docs/security.md} claims has tests that exist. */
class SecurityPageTest {
  private static final Pattern TEST = Pattern.compile("`(\\w+(?:Test|Contract))`");
  private static final Pattern NO_ATTACK = Pattern.compile("; no attack: \\w+ \\w+");
  private static final int TESTS = 2; // column of the table of threats

  private final SourceTree tree = SourceTree.around();
  private final MarkdownPage page = MarkdownPage.of(tree, Path.of("docs", "security.md"));

  @Test
  void everyTestThatIsNamedExists() {
    List<String> named = named(page.text());

    assertThat(named).hasSizeGreaterThan(40).allMatch(tree::isTest);
  }

  @Test
  void everyThreatNamesATest() {
    assertThat(page.rows("Threats"))
        .hasSizeGreaterThan(20)
        .allSatisfy(row -> {
          assertThat(row)
              .as("%s", row)
              .hasSize(4)
              .allSatisfy(cell -> assertThat(cell).isNotEmpty());
          assertThat(named(row.get(TESTS))).as("%s", row).isNotEmpty();
        });
  }

  /** Shown by an attack, which leaves a line; or the row says why there is none to try. */
  @Test
  void everyThreatIsTriedOrSaysWhyNot() {
    assertThat(page.rows("Threats"))
        .allSatisfy(row -> {
          String tests = row.get(TESTS);
          boolean isTried = named(tests).stream().anyMatch(tree::isAttack);
          assertThat(isTried || NO_ATTACK.matcher(tests).find()).as("%s", row).isTrue();
        });
  }

  private static List<String> named(String text) {
    return TEST.matcher(text).results().map((MatchResult m) -> m.group(1)).toList();
  }
}
