package io.sluice.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.architecture.SourceTree;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Links of the documents lead somewhere, and every page is reached. */
class LinksTest {
  private static final SourceTree TREE = SourceTree.around();
  private static final Path INDEX = Path.of("docs", "README.md");

  private static Stream<MarkdownPage> pages() {
    return MarkdownPage.all(TREE).stream();
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyLinkLeadsToAFileAndAHeadingThatExist(MarkdownPage page) {
    for (String link : page.links()) {
      if (!link.contains("://")) {
        String[] parts = link.split("#", 2);
        Path target = parts[0].isEmpty() ? page.file() : resolve(page, parts[0]);
        assertThat(TREE.root().resolve(target)).as("%s links to %s", page.file(), link).exists();
        if (parts.length == 2) {
          assertThat(MarkdownPage.of(TREE, target).anchors())
              .as("%s links to %s", page.file(), link)
              .contains(parts[1]);
        }
      }
    }
  }

  private static Path resolve(MarkdownPage page, String link) {
    Path folder = page.file().getParent();
    return (folder == null ? Path.of(link) : folder.resolve(link)).normalize();
  }

  @Test
  void theIndexNamesEveryPage() {
    MarkdownPage index = MarkdownPage.of(TREE, INDEX);
    Stream<Path> linked = index.links().stream().map(link -> resolve(index, link));

    assertThat(linked)
        .containsAll(
            pages()
                .map(MarkdownPage::file)
                .filter(file -> file.startsWith("docs") && !file.startsWith("docs/adr"))
                .filter(file -> !file.equals(INDEX))
                .toList());
  }
}
