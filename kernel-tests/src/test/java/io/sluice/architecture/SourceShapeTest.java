package io.sluice.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What every source file has in common. */
class SourceShapeTest {
  private final SourceTree tree = SourceTree.around();

  @Test
  void everyPackageIsDescribedAndNullMarked() {
    Stream<Path> ownPackages =
        Stream.concat(
            tree.mainSources(), tree.testSources().filter(file -> file.startsWith("kernel-tests")));
    Set<Path> packages =
        ownPackages
            .map(file -> file.resolveSibling("package-info.java"))
            .collect(Collectors.toCollection(TreeSet::new));

    assertThat(packages)
        .isNotEmpty()
        .allSatisfy(info ->
            assertThat(tree.root().resolve(info))
                .isRegularFile()
                .content()
                .contains("/**")
                .containsPattern("(?m)^@NullMarked$"));
  }

  /** The daemon may be killed at any moment; see what {@code Children} says of the JDK's way. */
  @Test
  void whatADaemonStartsItStartsOneAtATime() {
    List<Path> starting =
        tree.mainSources()
            .filter(file ->
                !Set.of("cli", "lab", "benchmarks", "charts").contains(file.getName(0).toString()))
            .filter(file -> tree.read(file).contains("new ProcessBuilder("))
            .toList();

    assertThat(starting)
        .isNotEmpty()
        .allSatisfy(file ->
            // control-plane does not know the module of Children, and has the same rule.
            assertThat(tree.read(file))
                .containsAnyOf("Children.start(", "synchronized (STARTING)"));
  }

  @Test
  void eventsOfLogsAreSpelledOneWay() {
    Pattern otherwise = Pattern.compile("LOG\\s*\\.log\\([^\";]*\"([a-z0-9_]+[-.][-.\\w]+)[ \"]");

    assertThat(tree.mainSources())
        .isNotEmpty()
        .allSatisfy(file ->
            assertThat(otherwise.matcher(tree.read(file)).results().map(found -> found.group(1)))
                .as("not in snake case, in %s", file)
                .isEmpty());
  }

  /**
   * So that {@code ./sluice test --only attacks} runs nothing in silence, and tells nothing that it
   * did not run.
   */
  @Test
  void whatIsTaggedAsAnAttackLeavesALineAndNothingElseDoes() {
    List<Path> attacks =
        tree.testSources().filter(file -> tree.read(file).contains("@Tag(\"attack\")")).toList();
    List<Path> telling =
        tree.testSources()
            .filter(file -> !file.endsWith("SourceShapeTest.java"))
            .filter(file -> tree.read(file).contains("import io.sluice.attack.Attack;"))
            .toList();

    assertThat(attacks)
        .hasSizeGreaterThan(20)
        .allSatisfy(file ->
            assertThat(tree.read(file)).as("%s", file).contains("Attack.tried(", ".countedAs("));
    assertThat(attacks).containsAll(telling);
  }
}
