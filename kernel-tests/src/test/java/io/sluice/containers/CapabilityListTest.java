package io.sluice.containers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import io.sluice.kernel.matrix.CapabilityChecks;
import io.sluice.lab.site.ChartCapability;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The chart's capabilities are those that tests take away and that the documents explain. */
class CapabilityListTest {
  private static final Path TEMPLATE = Path.of("charts/sluice/templates/node/_node.tpl");
  private static final Path DOCUMENT = Path.of("docs/security.md");
  private static final Pattern ADDED = Pattern.compile("(?m)^  - ([A-Z_]+) +# ");
  private static final Pattern EXPLAINED = Pattern.compile("(?m)^\\| `([A-Z_]+)` \\|(.*)\\|$");

  private static final List<String> EVERY =
      Arrays.stream(ChartCapability.values()).map(Enum::name).toList();

  private final SourceTree tree = SourceTree.around();

  @Test
  void theChartGivesThese() {
    assertThat(ADDED.matcher(tree.read(TEMPLATE)).results().map(found -> found.group(1)))
        .containsExactlyInAnyOrderElementsOf(EVERY);
  }

  @Test
  void eachIsTakenAwayByATest() {
    Set<ChartCapability> removed = EnumSet.copyOf(CapabilityTest.removed());
    removed.addAll(CapabilityChecks.removed());

    assertThat(removed).containsExactlyInAnyOrder(ChartCapability.values());
  }

  @Test
  void theDocumentSaysOfEachWhatBreaksWithoutItAndWhichTestShowsIt() {
    String document = tree.read(DOCUMENT);

    assertThat(EXPLAINED.matcher(document).results().map(found -> found.group(1)))
        .containsExactlyInAnyOrderElementsOf(EVERY);
    assertThat(EXPLAINED.matcher(document).results())
        .allSatisfy(found -> {
          ChartCapability capability = ChartCapability.valueOf(found.group(1));
          String test =
              CapabilityTest.removed().contains(capability) ? "CapabilityTest" : "OtherKernelTest";
          List<String> cells = List.of(found.group(2).split("\\|", -1));
          assertThat(cells).hasSize(3).noneMatch(String::isBlank);
          assertThat(cells.getLast()).contains("`" + test + "`");
        });
  }
}
